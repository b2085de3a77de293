"""Authenticate users of an LDAP directory, such as OpenLDAP or Active Directory.

A password that was right is remembered for five minutes, as those of local accounts are: clients ask for a token per
layer, and a directory is not to see each. So a password that was changed there, a locked account, or a lost group
can work here for that long, and no longer.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

import msgspec

from moorage.access.policy import Account
from moorage.authentication.external_accounts import ensure_person
from moorage.authentication.ldap_directory import Directory
from moorage.configuration.cached_settings import Live, Settled
from moorage.configuration.schema import Items
from moorage.db.engine import Database
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.errors import AccountDisabled, DirectoryUnavailable, NameTaken
from moorage.events import Actor
from moorage.oci.names import fold_user_name, is_user_name
from moorage.users.passwords import Passwords
from moorage.users.service import bump_epoch, end_sign_ins

AT_ONCE = 32
"""Conversations with the directory at the same time, in one process."""

PAUSE_SECONDS = 2.0
"""After a question that ran into its deadline, others are not even asked for so long: those who wait in a row for the
same account would otherwise wait for one deadline after the other."""

_OWNERS = Query(
    """SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source), u.source, u.source_subject, p.disabled, p.folded
FROM principal p JOIN user_account u ON u.principal_id = p.id
WHERE (p.folded = $1 OR u.email_folded = $1) AND p.kind = 'user' AND p.deleted_at IS NULL
ORDER BY p.folded <> $1"""
)

_SOURCE = Query("SELECT source, source_subject FROM user_account WHERE principal_id = $1")

CONFIRMED_SECONDS = 300
_MAX_CONFIRMED = 10_000


class Ldap:
    """The backend of `auth_sources` entry `ldap`; the live settings say which directory, anew at each sign-in."""

    kind: ClassVar[str] = "ldap"

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        live: Live | Settled,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._live = live
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._described: tuple[Items, str] | None = None
        self._paused: tuple[str, float, str, Mapping[str, object]] = ("", 0.0, "", {})
        self._confirmed: dict[tuple[int, str], float] = {}

    async def recall(self, username: str, password: str) -> Account | None:
        """See `Backend.recall`."""
        items = await self._live.items()
        if not _is_source(items):
            return None
        for row in await self._owners(username):
            if (
                row[4] == self.kind
                and not row[6]
                and self._passwords.remembers(row[0], self._mark(items, row), password)
            ):
                return Account(principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]))
        return None

    async def check_password(self, username: str, password: str, address: str) -> Account | None:
        """See `Backend.check_password`.

        Names and addresses of local administrators are never sent to a directory, and neither are their passwords.
        While it is away, a name that belongs to another source gets "no" instead of an outage: it could not have
        signed anybody in.
        """
        items = await self._live.items()
        owners = await self._owners(username)
        if not _is_source(items) or not is_user_name(username) or any(row[4] == "local" and row[3] for row in owners):
            return None
        names = [username, *(row[2] for row in owners if row[4] == self.kind and row[7] != fold_user_name(username))]
        try:
            for name in names:
                account = await self._sign_in(items, name, password, address)
                if account is not None:
                    return account
        except DirectoryUnavailable:
            if not owners or any(row[4] == self.kind for row in owners):
                raise
        return None

    async def confirm(self, account: Account, address: str) -> Account | None:
        """See `Backend.confirm`. Who is gone or locked in the directory loses what was issued to them."""
        row = await self._database.read.one(_SOURCE, account.principal_id)
        if row is None or row[0] != self.kind:
            return account
        items = await self._live.items()
        if not _is_source(items):
            return None
        key = (account.principal_id, self._fingerprint(items))
        if self._clock() < self._confirmed.get(key, 0.0):
            return account
        self._require_hope(items)
        try:
            known = await Directory(items, self._places).find_again(str(row[1]), account.name)
        except DirectoryUnavailable as problem:
            self._pause_after(problem, items)
            raise
        actor = Actor(name=account.name, credential="directory", address=address)
        if known is None:
            await self._database.run(actor, _end, account.principal_id)
            return None
        try:
            found = await self._database.run(actor, ensure_person, known)
        except (AccountDisabled, NameTaken):
            return None
        if found.epoch != account.epoch or found.principal_id != account.principal_id:
            return None
        self._note_confirmed(key)
        return found

    def _note_confirmed(self, key: tuple[int, str]) -> None:
        if len(self._confirmed) >= _MAX_CONFIRMED:
            del self._confirmed[next(iter(self._confirmed))]
        self._confirmed.pop(key, None)
        self._confirmed[key] = self._clock() + CONFIRMED_SECONDS

    def _pause_after(self, problem: DirectoryUnavailable, items: Items) -> None:
        """Remember that the directory let a deadline pass."""
        if isinstance(problem.__cause__, TimeoutError):
            self._paused = (self._fingerprint(items), self._clock() + PAUSE_SECONDS, str(problem), problem.detail)

    async def _sign_in(self, items: Items, name: str, password: str, address: str) -> Account | None:
        self._require_hope(items)
        try:
            known = await Directory(items, self._places).check(name, password)
        except DirectoryUnavailable as problem:
            self._pause_after(problem, items)
            raise
        if known is None:
            return None
        actor = Actor(name=known.name, credential="password", address=address)
        try:
            account = await self._database.run(actor, ensure_person, known)
        except AccountDisabled:
            return None
        rows = await self._database.read.all(_OWNERS, fold_user_name(account.name))
        for row in rows:
            if row[0] == account.principal_id:
                self._passwords.remember(row[0], self._mark(items, row), password)
        self._note_confirmed((account.principal_id, self._fingerprint(items)))
        return account

    async def _owners(self, username: str) -> list[Row]:
        """Accounts of this name, else e-mail address, of whatever source."""
        return await self._database.read.all(_OWNERS, fold_user_name(username)) if is_user_name(username) else []

    def _require_hope(self, items: Items) -> None:
        """Do not ask again what was in vain a moment ago.

        Raises:
            DirectoryUnavailable: the last question ran into its deadline less than 2 s ago.
        """
        fingerprint, until, message, detail = self._paused
        if self._clock() < until and fingerprint == self._fingerprint(items):
            problem = DirectoryUnavailable(message)
            problem.detail = detail
            raise problem

    def _mark(self, items: Items, row: Row) -> str:
        """What a remembered password belongs to: the account as of its epoch, and the settings it was checked under."""
        return f"ldap:{self._fingerprint(items)}:{row[1]}:{row[5]}"

    def _fingerprint(self, items: Items) -> str:
        """All settings of the directory in one short text."""
        if self._described is None or self._described[0] is not items:
            values = [
                value.reveal() if name == "ldap_search_password" else value
                for name, value in sorted(msgspec.structs.asdict(items).items())
                if name.startswith("ldap_")
            ]
            self._described = (items, hashlib.sha256(msgspec.json.encode(values)).hexdigest())
        return self._described[1]


def _end(work: Work, user_id: int) -> None:
    """End what was issued to somebody whom the directory does not know any more. The account stays."""
    bump_epoch(work, user_id)
    end_sign_ins(work, user_id)


def _is_source(items: Items) -> bool:
    return Ldap.kind in items.auth_sources and bool(items.ldap_url)
