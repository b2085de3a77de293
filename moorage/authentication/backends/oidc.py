"""Authenticate OpenID users by their CLI secret, where no browser is at hand."""

from typing import ClassVar

from moorage.access.policy import Account
from moorage.authentication.oidc_accounts import CHECK_SECONDS, OidcPeople
from moorage.configuration.cached_settings import Live
from moorage.db.statements import Query, Reader, Row
from moorage.oci.names import MAX_NAME_CHARACTERS, fold_user_name
from moorage.users.passwords import Passwords

_FIND = Query(
    """SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source), o.cli_secret, {left:o.checked_at}
FROM principal p JOIN user_account u ON u.principal_id = p.id JOIN oidc_user o ON o.principal_id = p.id
WHERE p.folded = $1 AND p.kind = 'user' AND p.deleted_at IS NULL AND NOT p.disabled AND u.source = 'oidc'
    AND o.cli_secret <> '' AND o.gone_at IS NULL"""
)


class CliSecrets:
    """The `Backend` of CLI secrets.

    A secret works until it is replaced, the account is disabled, or the provider says that the person is gone. It
    works while the provider is away.
    """

    kind: ClassVar[str] = "oidc"

    def __init__(self, read: Reader, passwords: Passwords, people: OidcPeople, live: Live) -> None:
        self._read = read
        self._passwords = passwords
        self._people = people
        self._live = live

    async def recall(self, username: str, password: str) -> Account | None:
        """See `Backend.recall`."""
        row = await self._find(username)
        if row is None or not self._passwords.remembers(row[0], row[4], password):
            return None
        return self._let_in(row)

    async def check_password(self, username: str, password: str, address: str) -> Account | None:
        """See `Backend.check_password`. By name only."""
        del address
        if self.kind not in self._live.current.auth_sources:
            return None
        row = await self._find(username)
        if row is None:
            await self._passwords.verify_nobody(password)
            return None
        if not await self._passwords.verify(row[0], row[4], password):
            return None
        return self._let_in(row)

    async def confirm(self, account: Account, address: str) -> Account | None:
        """See `Backend.confirm`. The provider is asked beside the requests, and what it says ends sessions itself."""
        del address
        return account

    async def _find(self, username: str) -> Row | None:
        folded = fold_user_name(username) if 0 < len(username) <= MAX_NAME_CHARACTERS else ""
        if not folded or "\0" in folded or self.kind not in self._live.current.auth_sources:
            return None
        return await self._read.one(_FIND, folded)

    def _let_in(self, row: Row) -> Account:
        if row[5] < -CHECK_SECONDS:
            self._people.check_soon(row[0])
        return Account(principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]))
