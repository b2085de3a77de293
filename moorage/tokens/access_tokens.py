"""Personal access tokens, which a user gives to a program instead of the password.

A token is `mrt_`, 43 characters that hold 256 random bits, and six that are a checksum of what stands before them, so
that scanners for leaked secrets can tell one from chance. Only its SHA-256 is kept. It may do what its owner may do
now, cut down to its scopes and projects (`access.policy.Limits`), and stops at its end, when it is revoked, and while
its owner is disabled or gone; a new password does not end it.
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import column, delete, func, insert, or_, select, table, update
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import TOKEN_SCOPES, Account, Limits
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AccessTokenExists,
    AccessTokenInvalid,
    AccessTokensLimit,
    AccessTokenUnknown,
    Problem,
    UserUnknown,
)
from moorage.events import SYSTEM, AccessTokenChanged
from moorage.oci.names import fold_user_name
from moorage.users.service import ADMIN_ID, bump_epoch
from moorage.users.tables import AccessToken, Principal, RefreshToken, Session

MARK = "mrt_"
"""What each begins with."""

DEFAULT_DAYS = 90
MAX_DAYS = 365
FOR_EVER = -1
MAX_PER_PERSON = 100
MAX_NAME_CHARACTERS = 64
MAX_PROJECTS = 50
TOUCH_SECONDS = 60
"""Use is written down once a minute."""

_CHECK_SECONDS = 3_600
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(r"(mrt_[0-9A-Za-z]{43})([0-9A-Za-z]{6})")
_SECRET_CHARACTERS = 43
_CHECKSUM_CHARACTERS = 6

_FIND = Query(
    """SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source), u.source, u.email_folded, p.folded,
    a.id, a.name, a.scopes, a.projects, {left:a.expires_at}, {left:a.used_at}, {left:o.checked_at}
FROM access_token a
JOIN principal p ON p.id = a.principal_id AND p.deleted_at IS NULL AND NOT p.disabled
JOIN user_account u ON u.principal_id = p.id
LEFT JOIN oidc_user o ON o.principal_id = p.id
WHERE a.secret = $1 AND (a.expires_at IS NULL OR a.expires_at > {now}) AND o.gone_at IS NULL"""
)


class AccessTokenRow(msgspec.Struct, frozen=True):
    """An access token as its owner sees it. `projects`: names of those that still are; null: all projects."""

    id: int
    name: str
    scopes: tuple[str, ...]
    projects: tuple[str, ...] | None
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


# -- the text of a token ----------------------------------------------------------------------------------


def generate_access_token() -> str:
    """A new token."""
    body = MARK + _written(secrets.randbits(256), _SECRET_CHARACTERS)
    return body + _checksum(body)


def is_access_token(text: str) -> bool:
    """Whether a text has the form of a token, with the right checksum; it need not be one that we gave out."""
    found = _FORM.fullmatch(text)
    return found is not None and _checksum(found[1]) == found[2]


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode("ascii")), _CHECKSUM_CHARACTERS)


def _written(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()


# -- using them -------------------------------------------------------------------------------------------


def read_limits(columns: Sequence[Any]) -> Limits:
    """The limits from the columns id, name, scopes and projects."""
    token_id, name, scopes, projects = columns
    return Limits(token_id, name, frozenset(scopes.split()), None if projects is None else frozenset(_ids(projects)))


def _ids(text: str) -> list[int]:
    return [int(number) for number in text.split()]


class AccessTokens:
    """The access tokens of a server, seen from one process."""

    def __init__(self, database: Database, *, check_soon: Callable[[int], None] | None = None) -> None:
        """Keep the database.

        Args:
            check_soon: asks the OpenID provider, in the background, whether somebody is still there.
        """
        self._database = database
        self._check_soon = check_soon
        self._touching: set[int] = set()

    async def find(self, token: str, sources: Collection[str], *, username: str | None = None) -> Account | None:
        """The owner, cut down to the token; None: unknown, revoked, expired, or its owner may not come in.

        Args:
            token: of the right form (`is_access_token`).
            sources: where people may come from; the first administrator may always.
            username: the name or e-mail address that came with it; None: none did.

        Cost: one statement, and a row at most once a minute.
        """
        row = await self._database.read.one(_FIND, _digest(token))
        if row is None or (row[4] not in sources and row[0] != ADMIN_ID):
            return None
        if username is not None and fold_user_name(username) not in {row[6], row[5]}:
            return None
        if row[12] is None or row[12] < -TOUCH_SECONDS:
            await self._touch(row[7])
        if row[13] is not None and row[13] < -_CHECK_SECONDS and self._check_soon is not None:
            self._check_soon(row[0])
        account = Account(
            principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]), seconds_left=row[11]
        )
        return account.limited(read_limits(row[7:11]))

    async def _touch(self, token_id: int) -> None:
        """Write down the use; of many requests at once in this process one does. Failing is no reason to refuse."""
        if token_id in self._touching:
            return
        self._touching.add(token_id)
        try:
            with suppress(Problem):
                await self._database.run(SYSTEM, _touch, token_id)
        finally:
            self._touching.discard(token_id)


def _touch(work: Work, token_id: int) -> None:
    old = or_(AccessToken.used_at.is_(None), AccessToken.used_at < db_now(-TOUCH_SECONDS))
    work.db.execute(update(AccessToken).where(AccessToken.id == token_id, old).values(used_at=db_now()))


# -- making and revoking them -----------------------------------------------------------------------------


def create_access_token(
    work: Work,
    user_id: int,
    name: str,
    token: str,
    *,
    scopes: Collection[str],
    projects: Collection[int] | None = None,
    days: int = DEFAULT_DAYS,
) -> int:
    """Keep a new token of a person; returns its id.

    Args:
        token: from `generate_access_token`.
        projects: their ids; None: all, also future ones.
        days: until it ends, 1 to 365; -1: never.

    Raises:
        AccessTokenInvalid: the message says what.
        AccessTokenExists: the person has one of this name.
        AccessTokensLimit: they have 100.
        UserUnknown: there is no such person.
    """
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise AccessTokenInvalid(f"The name of an access token is 1 to {MAX_NAME_CHARACTERS} visible characters.")
    if not scopes or not set(scopes) <= set(TOKEN_SCOPES):
        raise AccessTokenInvalid(f"An access token needs scopes; there are {', '.join(TOKEN_SCOPES)}.")
    if projects is not None and not 0 < len(projects) <= MAX_PROJECTS:
        raise AccessTokenInvalid(f"An access token is for 1 to {MAX_PROJECTS} projects; leave them out for all.")
    if days != FOR_EVER and not 1 <= days <= MAX_DAYS:
        raise AccessTokenInvalid(f"The duration of an access token is 1 to {MAX_DAYS} days, or -1 for ever.")
    owner = work.db.scalar(
        select(Principal.name)
        .where(Principal.id == user_id, Principal.kind == "user", Principal.deleted_at.is_(None))
        .with_for_update()
    )
    if owner is None:
        raise UserUnknown(id=user_id)
    mine = select(func.count()).select_from(AccessToken).where(AccessToken.principal_id == user_id)
    if (work.db.scalar(mine) or 0) >= MAX_PER_PERSON:
        raise AccessTokensLimit
    given = [scope for scope in TOKEN_SCOPES if scope in scopes]
    row = insert(AccessToken).values(
        principal_id=user_id,
        name=name,
        secret=_digest(token),
        scopes=" ".join(given),
        projects=None if projects is None else " ".join(map(str, sorted(set(projects)))),
        created_at=work.now,
        expires_at=None if days == FOR_EVER else work.now + timedelta(days=days),
    )
    try:
        with work.db.begin_nested():
            token_id: int = work.db.execute(row.returning(AccessToken.id)).scalar_one()
    except IntegrityError as error:
        raise AccessTokenExists(name=name) from error
    detail: dict[str, object] = {"scopes": given, "days": days}
    if projects is not None:
        detail["projects"] = sorted(set(projects))
    work.emit(AccessTokenChanged(user_id, owner, name, "created", detail))
    return token_id


def list_access_tokens(work: Work, user_id: int) -> list[AccessTokenRow]:
    """The access tokens of a person, the newest first, those that ended as well; at most 100. Two statements.

    Raises:
        UserUnknown: there is no such person.
    """
    rows = work.db.execute(
        select(
            Principal.id, AccessToken.name, AccessToken.scopes, AccessToken.projects, AccessToken.created_at,
            AccessToken.used_at, AccessToken.expires_at, AccessToken.id,
        )
        .join(AccessToken, AccessToken.principal_id == Principal.id, isouter=True)
        .where(Principal.id == user_id, Principal.kind == "user", Principal.deleted_at.is_(None))
        .order_by(AccessToken.id.desc())
    ).all()  # fmt: skip
    if not rows:
        raise UserUnknown(id=user_id)
    rows = [row for row in rows if row[2] is not None]  # a person without any is one row
    wanted = {number for row in rows for number in _ids(row[3] or "")}
    live = table("project", column("id"), column("name"), column("trash_id"))  # a subject above this one
    names: dict[int, str] = {}
    if wanted:
        found = work.db.execute(select(live.c.id, live.c.name).where(live.c.id.in_(wanted), live.c.trash_id.is_(None)))
        names = {row[0]: row[1] for row in found}
    return [
        AccessTokenRow(
            id=row[7],
            name=row[1],
            scopes=tuple(row[2].split()),
            projects=None if row[3] is None else tuple(names[number] for number in _ids(row[3]) if number in names),
            created_at=row[4],
            used_at=row[5],
            expires_at=row[6],
        )
        for row in rows
    ]


def revoke_access_token(work: Work, user_id: int, token_id: int) -> None:
    """Delete a token of a person; it stops at once, and so does all that was got with it.

    Registry tokens carry the epoch of their owner and nothing that could be looked up without another statement per
    pull, so the epoch grows: all registry tokens of the owner end, and their clients fetch others without a word.
    Sessions and the refresh tokens of other credentials are taken along to the new epoch.

    Raises:
        AccessTokenUnknown: the person has none of this id.
    """
    # The owner's row first, as whoever makes refresh tokens or changes the account does.
    locked = select(Principal.epoch).where(Principal.id == user_id, Principal.kind == "user").with_for_update()
    before = work.db.scalar(locked)
    name = work.db.scalar(
        delete(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.principal_id == user_id)
        .returning(AccessToken.name)
    )
    if name is None or before is None:
        raise AccessTokenUnknown(id=token_id)
    owner = bump_epoch(work, user_id)
    for kept in (Session, RefreshToken):
        work.db.execute(update(kept).where(kept.principal_id == user_id, kept.epoch == before).values(epoch=before + 1))
    work.emit(AccessTokenChanged(user_id, owner, name, "revoked", {}))
