"""Sessions: the promises of `SessionStore`, kept by the database and by Redis (threats.md B3, A1)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
import pytest
from redis.asyncio import Redis as Client
from sqlalchemy import func, select, update

from moorage.access.policy import Account
from moorage.configuration.schema import Items
from moorage.db.base import db_now
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import SessionsUnavailable
from moorage.events import Actor
from moorage.sessions.redis_store import PREFIX, _decoder
from moorage.sessions.session_store import Sessions, SignedIn
from moorage.users import service as users
from moorage.users.tables import Session
from moorage.web.response import Header
from tests.api.identity.conftest import World
from tests.parts import Parts
from tests.parts.base import free_port
from tests.parts.redis import Redis

HOURS = 3600
_LEFT = Query("SELECT {left:expires_at} FROM session")


@dataclass
class Place:
    """Two replicas that share sessions, and the hands that turn their clock.

    Attributes:
        url: of Redis; empty: the database.
    """

    world: World
    url: str
    here: Sessions
    there: Sessions
    items: Items

    async def sign_in(self, name: str = "ann", *, replaces: str | None = None) -> str:
        """Sign somebody in and return the cookie."""
        account = await self.world.login.authenticate(name, f"{name}-Pass1", "192.0.2.1")
        actor = Actor(account.principal_id, account.name, "password", "192.0.2.1", "r2")
        headers = await self.here.create(account, actor, secure=True, replaces=replaces, data={"note": "kept"})
        return cookies(headers)["sid"]

    async def let_pass(self, cookie: str, seconds: float, *, of_idle: bool = True) -> None:
        """Let the session look as if so much time had passed since it was used, or else since it was made."""
        name = hashlib.sha256(cookie.encode()).digest()
        if not self.url:
            column = "seen_at" if of_idle else "expires_at"
            moment = db_now(-seconds) if of_idle else db_now(12 * HOURS - seconds)
            self.world.run(
                lambda work: work.db.execute(update(Session).where(Session.id == name).values({column: moment}))
            )
            return
        async with Client.from_url(self.url) as redis:
            key = PREFIX + name.hex()
            value = _decoder.decode(await redis.get(key) or b"")
            now = float((await redis.time())[0])
            changes = {"seen_at": now - seconds} if of_idle else {"expires_at": now + 12 * HOURS - seconds}
            await redis.set(key, msgspec.json.encode(msgspec.structs.replace(value, **changes)), keepttl=True)

    async def unused_seconds(self, cookie: str) -> float:
        """For how long the store thinks that nobody used it."""
        stored = await self.here._store.find(hashlib.sha256(cookie.encode()).digest())
        assert stored is not None
        return stored.unused_seconds


def cookies(headers: list[Header]) -> dict[str, str]:
    """The cookies that headers set, by name."""
    lines = [value.decode().partition(";")[0] for name, value in headers if name == b"set-cookie"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.part("redis"))])
async def place(request: pytest.FixtureRequest, world: World, parts: Parts) -> AsyncIterator[Place]:
    """Ann has an account; each database, with sessions in it and in Redis."""
    url = parts.get("redis", Redis).url if request.param == "redis" else ""
    made: Place

    here, there = (Sessions(world.database, redis_url=url, items=lambda: made.items) for _ in range(2))
    made = Place(world, url, here, there, Items())
    world.user("ann", email="ann@example.org")
    yield made
    await here.close()
    await there.close()


async def test_a_session_made_here_works_at_the_other_replica(place: Place) -> None:
    cookie = await place.sign_in()

    found = [await one.find(cookie) for one in (place.here, place.there)]

    assert found[0] is not None
    assert found[1] is not None
    assert found[0] == msgspec.structs.replace(found[1], left=found[0].left)  # a second may have passed
    assert found[0].account.name == "ann"
    assert found[0].source == "local"
    assert found[0].data == {"note": "kept"}


async def test_it_is_known_when_a_session_ends(place: Place) -> None:
    cookie = await place.sign_in()
    place.items = msgspec.structs.replace(place.items, session_timeout=30)
    await place.let_pass(cookie, 1_200)
    await place.let_pass(cookie, 11 * HOURS, of_idle=False)

    looked, used, after = [await place.here.find(cookie, renew=renew) for renew in (False, True, False)]

    assert looked is not None
    assert used is not None
    assert after is not None
    assert (looked.left.idle_timeout, used.left.idle, used.left.idle_timeout) == (1_800, 1_800, 1_800)
    assert 500 < looked.left.idle <= 600, "looking is no use of it"
    assert 1_700 < after.left.idle <= 1_800
    assert 3_500 < looked.left.lifetime <= 3_601, "using it does not move its end"
    assert after.left.lifetime <= looked.left.lifetime


async def test_signing_in_replaces_the_session_before(place: Place) -> None:
    before = await place.sign_in()

    after = await place.sign_in(replaces=before)

    assert after != before
    assert await place.there.find(before) is None
    assert await place.there.find(after) is not None


async def test_the_cookie_is_not_readable_and_the_token_is(place: Place) -> None:
    account = await place.world.login.authenticate("ann", "ann-Pass1", "192.0.2.1")

    safe = await place.here.create(account, Actor(), secure=True)
    plain = await place.here.create(account, Actor(), secure=False)

    sid, csrf = (value.decode() for _, value in safe)
    assert sid.startswith("sid=")
    assert set(sid.split("; ")[1:]) == {"Path=/", "SameSite=Lax", "HttpOnly", "Secure"}
    assert set(csrf.split("; ")[1:]) == {"Path=/", "SameSite=Lax", "Secure"}
    assert all(b"Secure" not in value for _, value in plain)
    assert len(cookies(safe)["sid"]) == 43
    found = await place.here.find(cookies(safe)["sid"])
    assert found is not None
    assert found.csrf_token == cookies(safe)["csrf"]


async def test_each_session_has_its_own_token(place: Place) -> None:
    tokens = {found.csrf_token for found in [await place.here.find(await place.sign_in()) for _ in range(3)] if found}

    assert len(tokens) == 3


async def test_the_store_holds_nothing_that_signs_anybody_in(place: Place) -> None:
    cookie = await place.sign_in()
    found = await place.here.find(cookie)
    assert found is not None

    if place.url:
        async with Client.from_url(place.url) as redis:
            keys = [key async for key in redis.scan_iter(PREFIX + "*")]
            values = [await redis.get(key) for key in keys]
            kept = b"".join(one.encode() if isinstance(one, str) else one or b"" for one in [*keys, *values])
    else:
        rows = place.world.run(lambda work: work.db.execute(select(Session.id, Session.data)).all())
        kept = b"".join(bytes(row.id) + msgspec.json.encode(row.data) for row in rows)

    assert kept
    assert cookie.encode() not in kept
    assert found.csrf_token.encode() not in kept


async def test_a_cookie_after_logout_signs_nobody_in(place: Place) -> None:
    cookie, other = await place.sign_in(), await place.sign_in()
    actor = Actor(2, "ann", "session", "192.0.2.1", "r3")

    headers = await place.there.end(cookie, actor, secure=True)
    await place.here.end(cookie, actor, secure=True)

    assert await place.here.find(cookie) is None
    assert await place.here.find(other) is not None
    assert cookies(headers) == {"sid": "", "csrf": ""}
    assert all(b"Max-Age=0" in value for _, value in headers)
    assert [row[:4] for row in place.world.audit()][-3:] == [
        ("login", "user", "ann", True), ("login", "user", "ann", True), ("logout", "user", "ann", True),
    ]  # fmt: skip


def changes_password(work: Work, user_id: int) -> None:
    users.set_password(work, user_id, "other")


def is_disabled(work: Work, user_id: int) -> None:
    users.set_disabled(work, user_id, disabled=True)


def is_disabled_and_enabled(work: Work, user_id: int) -> None:
    users.set_disabled(work, user_id, disabled=True)
    users.set_disabled(work, user_id, disabled=False)


def loses_admin(work: Work, user_id: int) -> None:
    users.set_admin(work, user_id, admin=True)
    users.set_admin(work, user_id, admin=False)


@pytest.mark.parametrize(
    "change", [changes_password, is_disabled, is_disabled_and_enabled, loses_admin, users.delete_user]
)
async def test_what_changes_the_account_ends_its_sessions(place: Place, change: object) -> None:
    place.world.user("bob")
    mine, others = await place.sign_in(), await place.sign_in("bob")
    found = await place.here.find(mine)
    assert found is not None

    place.world.run(change, found.account.principal_id)  # type: ignore[arg-type]

    assert await place.there.find(mine) is None
    assert await place.there.find(others) is not None


async def test_rights_are_those_of_now(place: Place) -> None:
    cookie = await place.sign_in()
    before = await place.here.find(cookie)
    assert before is not None
    assert not before.account.admin

    place.world.run(users.set_admin, before.account.principal_id, admin=True)

    after = await place.here.find(cookie)
    assert after is not None
    assert after.account.admin


async def test_an_unused_session_ends(place: Place) -> None:
    cookie = await place.sign_in()

    await place.let_pass(cookie, 59.9 * 60)
    alive = await place.here.find(cookie, renew=False)
    await place.let_pass(cookie, 60.1 * 60)
    dead = await place.here.find(cookie)

    assert isinstance(alive, SignedIn)
    assert dead is None


async def test_the_idle_time_is_a_live_setting(place: Place) -> None:
    cookie = await place.sign_in()
    await place.let_pass(cookie, 10 * 60)

    place.items = Items(session_timeout=5)
    short = await place.here.find(cookie)
    place.items = Items(session_timeout=15)
    long = await place.here.find(cookie)

    assert short is None
    assert long is not None


async def test_twelve_hours_are_the_end_however_much_it_is_used(place: Place) -> None:
    cookie = await place.sign_in()

    await place.let_pass(cookie, 12 * HOURS - 60, of_idle=False)
    alive = await place.here.find(cookie)
    await place.let_pass(cookie, 12 * HOURS + 2, of_idle=False)
    dead = await place.here.find(cookie)

    assert alive is not None
    assert dead is None


async def test_the_lifetime_of_new_sessions_is_a_live_setting(place: Place) -> None:
    place.items = Items(session_absolute_hours=1, session_timeout=600)
    cookie = await place.sign_in()
    place.items = Items(session_absolute_hours=12, session_timeout=600)

    await place.let_pass(cookie, 30 * 60)
    alive = await place.here.find(cookie, renew=False)
    if place.url:
        async with Client.from_url(place.url) as redis:
            left = await redis.ttl(PREFIX + hashlib.sha256(cookie.encode()).hexdigest())
    else:
        left = (await place.world.database.read.one(_LEFT) or [0])[0]

    assert alive is not None
    assert 3590 < left <= 3600


async def test_use_is_written_down_once_a_minute(place: Place) -> None:
    cookie = await place.sign_in()

    await place.let_pass(cookie, 50)
    await place.here.find(cookie)
    young = await place.unused_seconds(cookie)
    await place.let_pass(cookie, 70)
    await place.here.find(cookie)
    renewed = await place.unused_seconds(cookie)

    assert young > 45
    assert renewed < 10


async def test_a_short_idle_time_is_renewed_more_often(place: Place) -> None:
    cookie = await place.sign_in()
    place.items = Items(session_timeout=1)

    await place.let_pass(cookie, 20)
    await place.here.find(cookie)

    assert await place.unused_seconds(cookie) < 10


async def test_polling_does_not_keep_a_session_alive(place: Place) -> None:
    cookie = await place.sign_in()
    await place.let_pass(cookie, 30 * 60)

    found = await place.here.find(cookie, renew=False)

    assert found is not None
    assert await place.unused_seconds(cookie) > 29 * 60


async def test_renewing_does_not_bring_back_what_was_ended(place: Place) -> None:
    cookie = await place.sign_in()
    name = hashlib.sha256(cookie.encode()).digest()
    await place.there.end(cookie, Actor(), secure=True)

    await place.here._store.renew(name, idle_seconds=3600)

    assert await place.here.find(cookie) is None


@pytest.mark.parametrize(
    "cookie", [None, "", "x", "A" * 43, "A" * 44, "A" * 100_000, "\0" * 43, "é" * 43, "A" * 42 + "="]
)
async def test_what_is_no_cookie_of_ours_is_nobody(place: Place, cookie: str | None) -> None:
    assert await place.here.find(cookie) is None
    assert len(await place.here.end(cookie, Actor(), secure=True)) == 2


async def test_many_at_once_renew_once(place: Place) -> None:
    cookie = await place.sign_in()
    await place.let_pass(cookie, 120)
    calls = 0
    others_are_done = asyncio.Event()

    async def slow(_session_id: bytes, **_: int) -> None:
        nonlocal calls
        calls += 1
        await others_are_done.wait()

    place.here._store.renew = slow  # type: ignore[method-assign, assignment]
    waiting = [asyncio.create_task(place.here.find(cookie)) for _ in range(20)]
    done: set[asyncio.Task[SignedIn | None]] = set()
    while len(done) < 19:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    others_are_done.set()
    found = await asyncio.gather(*waiting)

    assert all(one is not None for one in found)
    assert calls == 1


async def test_sessions_over_their_time_are_cleaned_away_at_the_next_login(world: World) -> None:
    world.user("ann")
    sessions = Sessions(world.database)
    place = Place(world, "", sessions, sessions, Items())
    old = await place.sign_in()
    await place.let_pass(old, 13 * HOURS, of_idle=False)

    await place.sign_in()

    assert world.scalar(select(func.count()).select_from(Session)) == 1


async def test_a_redis_that_is_away_is_no_logout(world: World) -> None:
    sessions = Sessions(world.database, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    account = Account(principal_id=1, epoch=0, kind="user", name="admin")

    with pytest.raises(SessionsUnavailable) as caught:
        await sessions.find("A" * 43)
    with pytest.raises(SessionsUnavailable):
        await sessions.create(account, Actor(), secure=True)

    assert caught.value.status == 503
    await sessions.close()
