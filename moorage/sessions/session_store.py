"""Sessions of signed-in browsers.

The cookie `sid` holds 256 random bits, of which only the SHA-256 is stored, and the CSRF token is made from those
bits: so a copy of the store signs nobody in. A session ends when it was not used for `session_timeout` minutes, after
`session_absolute_hours` whatever happens, at logout, and whenever the account's epoch changes or the account is
disabled or deleted.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from moorage.access.policy import Account
from moorage.access.request_context import SessionLeft
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import Actor, UserSignedIn, UserSignedOut
from moorage.sessions.base import Data, SessionStore, Stored, Times
from moorage.users.tables import Session
from moorage.web.cookies import set_cookie
from moorage.web.response import Header

COOKIE = "sid"
CSRF_COOKIE = "csrf"
"""Holds the session's CSRF token for the scripts of the page; only the header of a request counts."""

NO_RENEWAL_HEADER = b"x-harbor-no-session-renewal"
"""A request with it is no use of the session: a page that polls sends it. Source: the contract."""

RENEW_SECONDS = 60
"""Use is written down once a minute, or four times per idle time when that is short."""

_COOKIE_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_CLEAN_AT_ONCE = 200


class SignedIn(msgspec.Struct, frozen=True):
    """A session that works.

    Attributes:
        account: as of now: the live name, epoch and rights.
        csrf_token: what changes have to bring in the header, and what every reply tells in it.
        source: where the account comes from: `local`, `ldap`, `oidc`, …
        data: what was kept with the session.
        left: how long it lives yet, this use counted.
    """

    account: Account
    csrf_token: str
    source: str
    data: Data
    left: SessionLeft


class Sessions:
    """The sessions of a server, seen from one process."""

    def __init__(self, database: Database, *, redis_url: str = "", items: Callable[[], Items] = Items) -> None:
        """Open the store.

        Args:
            redis_url: keep sessions there (`redis://…`, `rediss://…`); empty: in the database.
            items: gives the live settings as they are now.
        """
        self._store: SessionStore
        if redis_url:
            from moorage.sessions.redis_store import RedisSessions  # noqa: PLC0415 - most servers have no Redis

            self._store = RedisSessions(database, redis_url)
        else:
            self._store = DatabaseSessions(database)
        self._items = items
        self._renewing: set[bytes] = set()

    async def find(self, cookie_value: str | None, *, renew: bool = True) -> SignedIn | None:
        """Who is signed in with this cookie; None: nobody, or no longer.

        Args:
            renew: whether this counts as use of the session; see `NO_RENEWAL_HEADER`.

        Raises:
            SessionsUnavailable, DatabaseUnavailable: we could not ask.

        Cost: one statement, and a row at most once a minute.
        """
        if cookie_value is None or _COOKIE_FORM.fullmatch(cookie_value) is None:
            return None
        session_id = _name(cookie_value)
        stored = await self._store.find(session_id)
        idle_seconds = self._times.idle
        if stored is None or stored.unused_seconds > idle_seconds:
            return None
        idle = idle_seconds - stored.unused_seconds
        if renew and stored.unused_seconds > min(RENEW_SECONDS, idle_seconds / 4):
            await self._renew(session_id, idle_seconds)
            idle = idle_seconds
        left = SessionLeft(int(idle), idle_seconds, int(stored.lifetime_seconds))
        return SignedIn(stored.account, csrf_token_of(cookie_value), stored.source, stored.data, left)

    async def create(
        self,
        account: Account,
        actor: Actor,
        *,
        secure: bool,
        replaces: str | None = None,
        data: Data | None = None,
    ) -> list[Header]:
        """Sign somebody in: the headers that store the cookies of a new session.

        Args:
            actor: the account itself, with the address and the credential it came with.
            secure: whether the client speaks HTTPS.
            replaces: the cookie that came with the request; its session is ended, so that nobody who knew it
                before is signed in now.
            data: what to keep with the session, at most a few KiB.

        Raises:
            SessionsUnavailable, DatabaseUnavailable: as they say.
        """
        cookie = secrets.token_urlsafe(32)
        before = _name(replaces or "")
        await self._store.create(_name(cookie), account, actor, data=data or {}, times=self._times, replaces=before)
        return [
            set_cookie(COOKIE, cookie, secure=secure),
            set_cookie(CSRF_COOKIE, csrf_token_of(cookie), secure=secure, readable=True),
        ]

    async def end(self, cookie_value: str | None, actor: Actor, *, secure: bool) -> list[Header]:
        """Sign out: the headers that remove the cookies. Safe to repeat.

        Raises:
            SessionsUnavailable, DatabaseUnavailable: as they say.
        """
        if cookie_value is not None and _COOKIE_FORM.fullmatch(cookie_value) is not None:
            await self._store.end(_name(cookie_value), actor)
        return [
            set_cookie(COOKIE, "", secure=secure, seconds=0),
            set_cookie(CSRF_COOKIE, "", secure=secure, readable=True, seconds=0),
        ]

    async def close(self) -> None:
        """Give back the store's connections."""
        await self._store.close()

    @property
    def _times(self) -> Times:
        items = self._items()
        return Times(items.session_timeout * 60, items.session_absolute_hours * 3600)

    async def _renew(self, session_id: bytes, idle_seconds: int) -> None:
        """Write down the use; of many requests at once in this process one does. Failing is no reason to refuse."""
        if session_id in self._renewing:
            return
        self._renewing.add(session_id)
        try:
            await self._store.renew(session_id, idle_seconds=idle_seconds)
        except Problem:
            pass  # the next request tries again, for as long as the session lives
        finally:
            self._renewing.discard(session_id)


def csrf_token_of(cookie_value: str) -> str:
    """The CSRF token of a cookie: only who knows the cookie can make it, and it does not tell the cookie."""
    raw = hmac.digest(cookie_value.encode("ascii"), b"moorage csrf", "sha256")
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _name(cookie_value: str) -> bytes:
    return hashlib.sha256(cookie_value.encode("utf-8", "surrogatepass")).digest()


# -- sessions in the database -----------------------------------------------------------------------------

_FIND = Query(
    """SELECT p.id, p.epoch, p.name, (u.admin OR u.admin_by_source), u.source, s.data,
    {left:s.seen_at}, {left:s.expires_at}
FROM session s
JOIN principal p ON p.id = s.principal_id AND p.epoch = s.epoch AND p.deleted_at IS NULL AND NOT p.disabled
JOIN user_account u ON u.principal_id = p.id
WHERE s.id = $1 AND s.expires_at > {now}"""
)
_EXPIRED = select(Session.id).where(Session.expires_at < db_now()).limit(_CLEAN_AT_ONCE)
_CLEAN = delete(Session).where(Session.id.in_(_EXPIRED.scalar_subquery()))
_RENEW = update(Session).where(Session.id == bindparam("session")).values(seen_at=db_now())


class DatabaseSessions:
    """Sessions in our own table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, session_id: bytes) -> Stored | None:
        """See `SessionStore.find`."""
        row = await self._database.read.one(_FIND, session_id)
        if row is None:
            return None
        account = Account(principal_id=row[0], epoch=row[1], kind="user", name=row[2], admin=bool(row[3]))
        data = msgspec.json.decode(row[5])
        return Stored(account, source=row[4], data=data, unused_seconds=-row[6], lifetime_seconds=row[7])

    async def create(
        self, session_id: bytes, account: Account, actor: Actor, *, data: Data, times: Times, replaces: bytes
    ) -> None:
        """See `SessionStore.create`. What was not used for long is cleaned away when its lifetime is over."""
        await self._database.run(
            actor, _create, session_id, account, data=data, lifetime_seconds=times.lifetime, replaces=replaces
        )

    async def renew(self, session_id: bytes, *, idle_seconds: int) -> None:
        """See `SessionStore.renew`."""
        del idle_seconds
        await self._database.run(Actor(), _renew, session_id)

    async def end(self, session_id: bytes, actor: Actor) -> None:
        """See `SessionStore.end`."""
        await self._database.run(actor, _end, session_id)

    async def close(self) -> None:
        """Nothing: the database is closed by whoever opened it."""


def _create(
    work: Work, session_id: bytes, account: Account, *, data: Data, lifetime_seconds: int, replaces: bytes
) -> None:
    work.db.execute(_CLEAN)
    work.db.execute(delete(Session).where(Session.id == replaces))
    work.db.execute(
        insert(Session).values(
            id=session_id,
            principal_id=account.principal_id,
            epoch=account.epoch,
            data=data,
            created_at=work.now,
            seen_at=db_now(),
            expires_at=db_now(lifetime_seconds),
        )
    )
    work.emit(UserSignedIn(account.principal_id, account.name))


def _renew(work: Work, session_id: bytes) -> None:
    work.db.execute(_RENEW, {"session": session_id})


def _end(work: Work, session_id: bytes) -> None:
    user_id = work.db.scalar(delete(Session).where(Session.id == session_id).returning(Session.principal_id))
    if user_id is not None:
        work.emit(UserSignedOut(user_id, work.actor.name))
