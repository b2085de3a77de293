"""Credentials in, account out: people through the backends, robots by the prefix of their name."""

from base64 import b64decode
from collections.abc import Sequence

from moorage.access.policy import Account
from moorage.db.engine import Reader
from moorage.errors import CredentialsInvalid, LoginThrottled
from moorage.events import Actor
from moorage.identity import robots
from moorage.identity.backends.base import Backend
from moorage.identity.backends.local import Local
from moorage.identity.passwords import Passwords
from moorage.identity.refusals import NoRefusals, Refusals
from moorage.identity.throttle import Throttle, network_of
from moorage.oci.names import fold_user_name


class Login:
    """Who may come in.

    Attributes:
        backends: asked in this order, the first answer wins; our own table comes first.
    """

    def __init__(
        self,
        read: Reader,
        passwords: Passwords,
        *,
        refusals: Refusals | None = None,
        backends: Sequence[Backend] = (),
        robot_prefix: str = robots.PREFIX,
        people: Throttle | None = None,
        machines: Throttle | None = None,
    ) -> None:
        self._read = read
        self._passwords = passwords
        self._refusals: Refusals = refusals or NoRefusals()
        self.backends: tuple[Backend, ...] = (Local(read, passwords), *backends)
        self._robot_prefix = robot_prefix
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
        is_robot = username.startswith(self._robot_prefix)
        throttle = self._machines if is_robot else self._people
        key = (username[:255] if is_robot else fold_user_name(username), network_of(address))
        try:
            throttle.require_open(key)
            account = await self._find(username, password, throttle, key, is_robot=is_robot)
        except LoginThrottled:
            self._refuse(username, address)
            raise
        if account is None:
            self._refuse(username, address)
            raise CredentialsInvalid
        throttle.forgive(key)
        return account

    async def _find(
        self, username: str, password: str, throttle: Throttle, key: tuple[str, str], *, is_robot: bool
    ) -> Account | None:
        if is_robot:
            stored_name = username.removeprefix(self._robot_prefix)
            return await robots.authenticate(
                self._read, self._passwords, stored_name, password, throttle.turn(key), prefix=self._robot_prefix
            )
        turn = throttle.turn(key)
        for backend in self.backends:
            account = await backend.check_password(username, password, turn)
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
