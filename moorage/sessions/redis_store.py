"""Store sessions in Redis, one expiring key each; the database says whether the account still works."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from moorage.access.policy import Account
from moorage.db.engine import Database
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import SessionsUnavailable
from moorage.events import Actor, UserSignedIn, UserSignedOut
from moorage.sessions.base import Data, Stored, Times

PREFIX = "moorage:session:"
_TIMEOUT_SECONDS = 5

_FIND = Query(
    """SELECT p.name, (u.admin OR u.admin_by_source), u.source
FROM principal p JOIN user_account u ON u.principal_id = p.id
WHERE p.id = $1 AND p.epoch = $2 AND p.deleted_at IS NULL AND NOT p.disabled"""
)


class _Value(msgspec.Struct, frozen=True):
    """What a key holds. `seen_at` and `expires_at`: Unix seconds by the clock of Redis."""

    principal_id: int
    epoch: int
    data: dict[str, object]
    seen_at: float
    expires_at: float


_decoder = msgspec.json.Decoder(_Value)


class RedisSessions:
    """Sessions in Redis, shared by all replicas. A Redis that lost them has everybody sign in again."""

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._redis = Redis.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, health_check_interval=30
        )

    async def find(self, session_id: bytes) -> Stored | None:
        """See `SessionStore.find`."""
        value, now = await self._get(session_id)
        if value is None or value.expires_at <= now:
            return None
        row = await self._database.read.one(_FIND, value.principal_id, value.epoch)
        if row is None:
            return None
        account = Account(
            principal_id=value.principal_id, epoch=value.epoch, kind="user", name=row[0], admin=bool(row[1])
        )
        unused, lifetime = now - value.seen_at, value.expires_at - now
        return Stored(account, source=row[2], data=value.data, unused_seconds=unused, lifetime_seconds=lifetime)

    async def create(
        self, session_id: bytes, account: Account, actor: Actor, *, data: Data, times: Times, replaces: bytes
    ) -> None:
        """See `SessionStore.create`."""
        with _explained():
            now = _seconds(await self._redis.time())
        value = _Value(account.principal_id, account.epoch, dict(data), now, now + times.lifetime)
        # The row first: a session of which nothing is written down must not come to be.
        await self._database.run(actor, _tell_signed_in, account)
        with _explained():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(_key(replaces))
                pipe.set(_key(session_id), msgspec.json.encode(value), ex=min(times.idle, times.lifetime))
                await pipe.execute()

    async def renew(self, session_id: bytes, *, idle_seconds: int) -> None:
        """See `SessionStore.renew`."""
        value, now = await self._get(session_id)
        if value is None:
            return
        seen = msgspec.structs.replace(value, seen_at=now)
        left = max(1, min(idle_seconds, int(value.expires_at - now)))
        with _explained():
            await self._redis.set(_key(session_id), msgspec.json.encode(seen), ex=left, xx=True)

    async def end(self, session_id: bytes, actor: Actor) -> None:
        """See `SessionStore.end`."""
        with _explained():
            raw = await self._redis.getdel(_key(session_id))
        value = _read(raw)
        if value is not None:
            await self._database.run(actor, _tell_signed_out, value.principal_id)

    async def close(self) -> None:
        """See `SessionStore.close`."""
        await self._redis.aclose()

    async def _get(self, session_id: bytes) -> tuple[_Value | None, float]:
        """What a key holds, and the time of Redis, in one round trip."""
        with _explained():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(_key(session_id))
                pipe.time()
                raw, time = await pipe.execute()
        return _read(raw), _seconds(time)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise SessionsUnavailable(headers={"Retry-After": "5"}) from error


def _key(session_id: bytes) -> str:
    return PREFIX + session_id.hex()


def _seconds(time: tuple[int, int]) -> float:
    """Unix seconds of Redis' answer to TIME."""
    return time[0] + time[1] / 1e6


def _read(raw: bytes | str | None) -> _Value | None:
    """The value of a key; None: there is none, or somebody else wrote it."""
    if raw is None:
        return None
    try:
        return _decoder.decode(raw)
    except msgspec.MsgspecError:
        return None


def _tell_signed_in(work: Work, account: Account) -> None:
    work.emit(UserSignedIn(account.principal_id, account.name))


def _tell_signed_out(work: Work, user_id: int) -> None:
    work.emit(UserSignedOut(user_id, work.actor.name))
