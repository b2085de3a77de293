"""Refresh tokens: what `docker login` stores instead of the password, where `refresh_token_enable` is set.

256 random bits, of which only the SHA-256 is kept. One belongs to an account as of an epoch and to a service, so
whatever ends the account's registry tokens ends it too. It works until 90 days after its last use and is not
replaced when used: clients store what they were given at login and never again. No login ends another: at the limit
a new one is refused, and the old ones go on (docs/adr/0091).
"""

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from moorage.access.policy import Account
from moorage.db.base import db_now
from moorage.db.statements import Query, Reader
from moorage.db.unit_of_work import Work
from moorage.errors import CredentialsInvalid, RefreshTokensLimit, RefreshTokenUnknown
from moorage.events import AccessTokenChanged
from moorage.robots.accounts import PREFIX
from moorage.tokens.access_tokens import read_limits
from moorage.users.last_use import UseBatch
from moorage.users.tables import Principal, RefreshToken

MARK = "moor_rt_"
"""What each begins with, so that scanners for leaked secrets can know one."""

LIFETIME_SECONDS = 90 * 86_400
MAX_PER_ACCOUNT = 1000
"""The message of `RefreshTokensLimit` and docs/use/docker-login.md say it too."""

TOUCH_SECONDS = 300
"""How exact the time of the last use is."""

_FIND = Query(
    """SELECT p.id, p.epoch, p.kind, p.name, (u.admin OR u.admin_by_source), r.project_id, {left:r.expires_at},
    {left:t.used_at}, a.id, a.name, a.scopes, a.projects, {left:a.expires_at}
FROM refresh_token t
JOIN principal p ON p.id = t.principal_id AND p.epoch = t.epoch AND p.deleted_at IS NULL AND NOT p.disabled
LEFT JOIN user_account u ON u.principal_id = p.id
LEFT JOIN robot r ON r.principal_id = p.id
LEFT JOIN project o ON o.id = r.project_id
LEFT JOIN access_token a ON a.id = t.access_token_id
WHERE t.id = $1 AND t.service = $2 AND t.expires_at > {now} AND (r.expires_at IS NULL OR r.expires_at > {now})
    AND (r.project_id IS NULL OR o.trash_id IS NULL) AND (a.expires_at IS NULL OR a.expires_at > {now})"""
)
_OWNER = (
    select(Principal.epoch)
    .where(Principal.id == bindparam("principal"), Principal.deleted_at.is_(None), ~Principal.disabled)
    .with_for_update()
)
_USED = (
    update(RefreshToken)
    .where(RefreshToken.id == bindparam("token"), RefreshToken.used_at < db_now(-TOUCH_SECONDS))
    .values(used_at=db_now(), expires_at=db_now(LIFETIME_SECONDS))
)


class RefreshTokenRow(msgspec.Struct, frozen=True):
    """A refresh token as its owner sees it. `id`: the SHA-256 in hexadecimal."""

    id: str
    service: str
    client_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime


class Found(msgspec.Struct, frozen=True):
    """Whose token it is, and whether its use is to be written down (`RefreshTokenUses`)."""

    account: Account
    stale: bool


class RefreshTokenUses(UseBatch[bytes]):
    """The refresh tokens that were used at this process and are not written yet. Used from one event loop."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(write_refresh_token_uses)

    def note_token(self, token: str) -> None:
        """A token was used, now."""
        self.note(_digest(token))


def create_refresh_token(work: Work, account: Account, *, service: str, client_id: str = "") -> str:
    """Make a refresh token and return it; this is the only time it is seen.

    Raises:
        CredentialsInvalid: the account changed a moment ago.
        RefreshTokensLimit: the account has 1000 that work.
    """
    # The account's row is locked, so that logins at two processes count one after the other.
    if work.db.scalar(_OWNER, {"principal": account.principal_id}) != account.epoch:
        raise CredentialsInvalid
    mine = RefreshToken.principal_id == account.principal_id
    dead = or_(RefreshToken.epoch != account.epoch, RefreshToken.expires_at <= db_now())
    work.db.execute(delete(RefreshToken).where(mine, dead))
    if (work.db.scalar(select(func.count()).select_from(RefreshToken).where(mine)) or 0) >= MAX_PER_ACCOUNT:
        raise RefreshTokensLimit(limit=MAX_PER_ACCOUNT)
    token = MARK + secrets.token_urlsafe(32)
    work.db.execute(
        insert(RefreshToken).values(
            id=_digest(token),
            principal_id=account.principal_id,
            epoch=account.epoch,
            service=service,
            client_id=client_id[:128],
            created_at=work.now,
            used_at=db_now(),
            expires_at=db_now(LIFETIME_SECONDS),
        )
    )
    return token


async def find_refresh_token(read: Reader, token: str, *, service: str, robot_prefix: str = PREFIX) -> Found | None:
    """The account that a refresh token signs in.

    None: unknown, revoked, too old, for another service, or the account changed since.
    """
    if not token.startswith(MARK) or len(token) > 128 or not token.isascii():
        return None
    row = await read.one(_FIND, _digest(token), service)
    if row is None:
        return None
    name = robot_prefix + row[3] if row[2] == "robot" else row[3]
    account = Account(
        principal_id=row[0], epoch=row[1], kind=row[2], name=name, admin=bool(row[4]), project_id=row[5],
        seconds_left=row[6],
    )  # fmt: skip
    if row[8] is not None:
        account = replace(account, seconds_left=row[12]).limited(read_limits(row[8:12]))
    return Found(account, stale=row[7] < -TOUCH_SECONDS)


def write_refresh_token_uses(work: Work, ids: list[bytes]) -> None:
    """Count the 90 days of these from now. A token that was revoked meanwhile stays so."""
    work.db.execute(_USED, [{"token": one} for one in ids])


def list_refresh_tokens(work: Work, principal_id: int) -> list[RefreshTokenRow]:
    """The refresh tokens of an account that work, the one used last first; at most 1000."""
    rows = work.db.execute(
        select(
            RefreshToken.id,
            RefreshToken.service,
            RefreshToken.client_id,
            RefreshToken.created_at,
            RefreshToken.used_at,
            RefreshToken.expires_at,
        )
        .join(Principal, (Principal.id == RefreshToken.principal_id) & (Principal.epoch == RefreshToken.epoch))
        .where(RefreshToken.principal_id == principal_id, RefreshToken.expires_at > db_now())
        .order_by(RefreshToken.used_at.desc(), RefreshToken.id)
    )
    return [RefreshTokenRow(row[0].hex(), *row[1:]) for row in rows]


def revoke_refresh_token(work: Work, principal_id: int, token_id: str) -> None:
    """Delete one of an account's refresh tokens; registry tokens got with it live out their 30 minutes.

    The audit log has it as the deletion of an access token, named by the beginning of its id.

    Raises:
        RefreshTokenUnknown: the account has none of this id.
    """
    try:
        raw = bytes.fromhex(token_id)
    except ValueError:
        raw = b""
    removed = work.db.execute(
        delete(RefreshToken).where(RefreshToken.id == raw, RefreshToken.principal_id == principal_id)
    )
    if removed.rowcount == 0:
        raise RefreshTokenUnknown
    owner = work.db.execute(select(Principal.name).where(Principal.id == principal_id)).scalar_one()
    work.emit(AccessTokenChanged(principal_id, owner, f"refresh token {token_id[:8]}", "revoked", {}))


def delete_expired_refresh_tokens(work: Work, *, limit: int = 1000) -> int:
    """Remove what is too old to be used, at most `limit`; how many."""
    old = select(RefreshToken.id).where(RefreshToken.expires_at < db_now()).limit(limit)
    return work.db.execute(delete(RefreshToken).where(RefreshToken.id.in_(old))).rowcount


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
