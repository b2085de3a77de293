"""Credentials in, account out: people through the backends, robots by the prefix of their name."""

from base64 import b64decode
from collections.abc import Sequence

from moorage.access.policy import Account
from moorage.configuration.live import Live, Settled
from moorage.db.engine import Reader
from moorage.errors import CredentialsInvalid, LoginThrottled
from moorage.events import Actor
from moorage.identity import robots
from moorage.identity.backends.base import Backend
from moorage.identity.backends.local import Local
from moorage.identity.passwords import Passwords
from moorage.identity.refusals import NoRefusals, Refusals
from moorage.identity.throttle import Throttle, network_of
from moorage.oci.names import fold_user_name, is_no_user_name


class Login:
    """Who may come in.

    Attributes:
        backends: asked in this order, the first answer wins. Our own table comes first, whatever `auth_sources` says:
            it answers at once, so that local accounts never wait for another system, and their passwords do not
            leave. The order of the sources is that of the sign-in page.
    """

    def __init__(
        self,
        read: Reader,
        passwords: Passwords,
        *,
        refusals: Refusals | None = None,
        backends: Sequence[Backend] = (),
        live: Live | Settled | None = None,
        people: Throttle | None = None,
        machines: Throttle | None = None,
    ) -> None:
        self._read = read
        self._passwords = passwords
        self._refusals: Refusals = refusals or NoRefusals()
        self.backends: tuple[Backend, ...] = (Local(read, passwords, live), *backends)
        self._live = live or Settled()
        # Two, so that a flood of cheap tries against robots cannot push the dear ones against people out of memory.
        self._people = people or Throttle()
        self._machines = machines or Throttle()

    async def authenticate(self, username: str, password: str, address: str) -> Account:
        """The account behind a name (or e-mail address, or a robot's shown name) and a password.

        Raises:
            CredentialsInvalid: always 401, and nothing about which part was wrong.
            LoginThrottled: too many failures for this account from this address; 429 with `Retry-After`.
            LoginBusy: too many checks are waiting.
            DatabaseUnavailable, Unavailable: we could not ask, which is no answer.
        """
        prefix = self._live.current.robot_name_prefix
        is_robot = username.startswith(prefix)
        try:
            account = await self._find_robot(username, password, address, prefix) if is_robot else None
            # Whatever prefix somebody chooses, nobody whose name happens to begin with it is locked out.
            if account is None and not (is_robot and is_no_user_name(prefix)):
                account = await self._find_person(username, password, address)
        except LoginThrottled:
            self._refuse(username, address)
            raise
        if account is None:
            self._refuse(username, address)
            raise CredentialsInvalid
        return account

    async def confirm(self, account: Account, address: str) -> Account | None:
        """An account that came in by a refresh token or a session, as its source knows it now; None: not any more.

        Raises:
            Unavailable: the source could not be asked.
        """
        found: Account | None = account
        for backend in self.backends if account.kind == "user" else ():
            found = await backend.confirm(account, address)
            if found != account:
                return found
        return found

    async def _find_robot(self, username: str, password: str, address: str, prefix: str) -> Account | None:
        key = (username[:255], network_of(address))
        self._machines.require_open(key)
        account = await robots.authenticate(
            self._read, self._passwords, username.removeprefix(prefix), password, self._machines.turn(key),
            prefix=prefix,
        )  # fmt: skip
        if account is not None:
            self._machines.forgive(key)
        return account

    async def _find_person(self, username: str, password: str, address: str) -> Account | None:
        key = (fold_user_name(username), network_of(address))
        self._people.require_open(key)
        account = await self._ask(username, password, address, key)
        if account is not None:
            self._people.forgive(key)
        return account

    async def _ask(self, username: str, password: str, address: str, key: tuple[str, str]) -> Account | None:
        """What the backends say: first whether one remembers this password, then each in turn."""
        for backend in self.backends:
            account = await backend.recall(username, password)
            if account is not None:
                return account
        # One turn for all: what was counted for one, an outage of the next takes back before the others' turn comes.
        async with self._people.turn(key):
            for backend in self.backends:
                account = await backend.check_password(username, password, address)
                if account is not None:
                    return account
        return None

    def _refuse(self, username: str, address: str) -> None:
        """Write the try down, under the name that was typed."""
        actor = Actor(name=username[:255], credential="password", address=address)
        self._refusals.note(actor, "login", "user", username[:255])


def read_basic(header: str) -> tuple[str, str]:
    """User name and password of an `Authorization` header with Basic credentials.

    Raises:
        CredentialsInvalid: another scheme, or no base64 of UTF-8 `name:password`.

    Source: RFC 7617, section 2.
    """
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        raise CredentialsInvalid("Only Basic credentials are accepted here.")
    try:
        username, colon, password = b64decode(value.strip(" "), validate=True).decode("utf-8").partition(":")
    except (ValueError, UnicodeDecodeError):
        colon = username = password = ""
    if not colon or not username:
        raise CredentialsInvalid("The Basic credentials are malformed.")
    return username, password
