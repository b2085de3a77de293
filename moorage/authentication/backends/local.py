"""Authenticate local users by the password in the database."""

from typing import ClassVar

from moorage.access.policy import Account
from moorage.configuration.cached_settings import VERSION_SQL, Live, Settled
from moorage.db.statements import Query, Reader, Row
from moorage.oci.names import MAX_NAME_CHARACTERS, fold_user_name
from moorage.users.passwords import Passwords
from moorage.users.service import ADMIN_ID

_COLUMNS = f"SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source), u.password, ({VERSION_SQL})"
_ALIVE = "p.kind = 'user' AND p.deleted_at IS NULL AND NOT p.disabled"
_FIND = Query(
    f"""{_COLUMNS}, 0 AS rank FROM principal p JOIN user_account u ON u.principal_id = p.id
WHERE p.folded = $1 AND {_ALIVE}
UNION ALL
{_COLUMNS}, 1 AS rank FROM user_account u JOIN principal p ON p.id = u.principal_id
WHERE u.email_folded = $1 AND p.folded <> $1 AND {_ALIVE}
ORDER BY rank"""
)


class Local:
    """People whose password we keep, by name or by e-mail address.

    Where one person's name is another's address, both are tried, the name first: nobody can take another's way in.
    """

    kind: ClassVar[str] = "local"

    def __init__(self, read: Reader, passwords: Passwords, live: Live | Settled | None = None) -> None:
        self._read = read
        self._passwords = passwords
        self._live = live or Settled()

    async def recall(self, username: str, password: str) -> Account | None:
        """See `Backend.recall`."""
        rows = await self._find(username)
        return next((_account(row) for row in rows if self._passwords.remembers(row[0], row[4], password)), None)

    async def check_password(self, username: str, password: str, address: str) -> Account | None:  # noqa: ARG002 - nothing is written
        """See `Backend.check_password`."""
        rows = await self._find(username)
        for row in rows:
            if await self._passwords.verify(row[0], row[4], password):
                return _account(row)
        if not rows:
            await self._passwords.verify_nobody(password)
        return None

    async def confirm(self, account: Account, address: str) -> Account | None:  # noqa: ARG002 - nothing is written
        """See `Backend.confirm`. Whatever ends a local account is in its row already."""
        return account

    async def _find(self, username: str) -> list[Row]:
        """Who may be meant. Where local accounts are no source of people, the first administrator is one still."""
        folded = fold_user_name(username) if 0 < len(username) <= MAX_NAME_CHARACTERS else ""
        rows = await self._read.all(_FIND, folded) if folded and "\0" not in folded else []
        if rows and self.kind not in (await self._live.items_of(rows[0][5])).auth_sources:
            return [row for row in rows if row[0] == ADMIN_ID]
        return rows


def _account(row: Row) -> Account:
    return Account(principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]))
