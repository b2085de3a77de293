"""Authenticate users through the backends, and robots by the prefix of their name."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace

from moorage.access.denials import NoRefusals, Refusals
from moorage.access.policy import Account
from moorage.authentication.backends.base import Backend
from moorage.authentication.backends.local import Local
from moorage.configuration.cached_settings import Live, Settled
from moorage.db.statements import Reader
from moorage.errors import CredentialsInvalid, DirectoryUnavailable, LoginThrottled
from moorage.events import Actor
from moorage.oci.names import fold_user_name, is_no_user_name
from moorage.robots import accounts
from moorage.tokens.access_tokens import AccessTokens, is_access_token
from moorage.users.last_use import UseNotes
from moorage.users.login_throttle import Throttle, network_of
from moorage.users.passwords import Passwords


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
        tokens: AccessTokens | None = None,
        uses: UseNotes | None = None,
    ) -> None:
        self._read = read
        self._passwords = passwords
        self._refusals: Refusals = refusals or NoRefusals()
        self.backends: tuple[Backend, ...] = (Local(read, passwords, live), *backends)
        self._live = live or Settled()
        self._tokens = tokens
        self._uses = uses or UseNotes()
        # Two, so that a flood of cheap tries against robots cannot push the dear ones against people out of memory.
        self._people = people or Throttle()
        self._machines = machines or Throttle()

    async def authenticate(self, username: str, password: str, address: str, *, access_tokens: bool = False) -> Account:
        """The account behind a name (or e-mail address, or a robot's shown name) and a password.

        Args:
            access_tokens: whether an access token does in the place of a password. It never leaves for another
                system; where it does not do, it is a wrong password.

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
            if account is None and is_access_token(password):
                account = await self._find_owner(username, password if access_tokens else "", address)
            # Whatever prefix somebody chooses, nobody whose name happens to begin with it is locked out.
            elif account is None and not (is_robot and is_no_user_name(prefix)):
                account = await self._find_person(username, password, address)
        except LoginThrottled:
            self._refuse(username, address)
            raise
        if account is None:
            self._refuse(username, address)
            raise CredentialsInvalid
        self.note_use(account)
        return account

    def note_use(self, account: Account) -> None:
        """Somebody was let in, here or by what this does not know: a session, a header. See `UseNotes.note`."""
        self._uses.note(account.principal_id)

    async def confirm(self, account: Account, address: str) -> Account | None:
        """An account that came in by a refresh token or a session, as its source knows it now; None: not any more.

        Raises:
            Unavailable: the source could not be asked.
        """
        if account.kind != "user":
            return account
        self.note_use(account)
        # Sources know people, not how far an access token goes.
        bare = replace(account.limited(None), seconds_left=None)
        for backend in self.backends:
            found = await backend.confirm(bare, address)
            if found is None:
                return None
            if found != bare:
                return replace(found.limited(account.limits), seconds_left=account.seconds_left)
        return account

    async def account_of(self, token: str) -> Account | None:
        """Whose access token it is, as a `BearerSource`; None: it is none, or not good."""
        if self._tokens is None or not is_access_token(token):
            return None
        await self._live.items()
        account = await self._tokens.find(token, self._live.current.auth_sources)
        return None if account is None else await self._confirm_owner(account, "")

    async def _find_owner(self, username: str, token: str, address: str) -> Account | None:
        """The account of an access token, if it is that of the name; `token` empty: none will do."""
        key = ("token:" + fold_user_name(username)[:255], network_of(address))
        self._machines.require_open(key)
        account = None
        if self._tokens is not None and token:
            account = await self._tokens.find(token, self._live.current.auth_sources, username=username)
            account = account and await self._confirm_owner(account, address)
        if account is None:
            self._machines.count(key)
        else:
            self._machines.forgive(key)
        return account

    async def _confirm_owner(self, account: Account, address: str) -> Account | None:
        """As `confirm`; while a directory is away, our own credentials go on, as sessions do."""
        try:
            return await self.confirm(account, address)
        except DirectoryUnavailable:
            return account

    async def _find_robot(self, username: str, password: str, address: str, prefix: str) -> Account | None:
        key = (username[:255], network_of(address))
        self._machines.require_open(key)
        account = await accounts.authenticate(
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
