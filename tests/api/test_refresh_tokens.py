"""Refresh tokens over HTTP: who gets one, how many, what ends them; at two processes on one database as well."""

import asyncio

import pytest
from sqlalchemy import update

from moorage.access.policy import Role
from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.tokens.refresh_tokens import LIFETIME_SECONDS, MAX_PER_ACCOUNT
from moorage.users import service as users
from moorage.users.tables import RefreshToken
from tests.api.client import Client, Server
from tests.api.conftest import Serve, give_refresh_tokens, make_robot, make_user
from tests.api.test_access_tokens import make_token, refresh
from tests.api.test_projects_api import call
from tests.api.workers import until

MINE = "/users/current/refresh-tokens"


def age(work: Work, principal_id: int) -> None:
    """Let ten minutes pass for the refresh tokens of an account."""
    mine = update(RefreshToken).where(RefreshToken.principal_id == principal_id)
    work.db.execute(mine.values(used_at=db_now(-600), expires_at=db_now(LIFETIME_SECONDS - 600)))


async def login(who: Client) -> str:
    """What `docker login` asks, and the refresh token it is given; empty: none."""
    answer = await who.ask_token(offline_token="true", account=who.username, client_id="docker")
    assert answer.status == 200, answer
    return str(answer.json().get("refresh_token", ""))


async def test_a_login_gives_none_until_it_is_switched_on_at_every_process(serve: Serve) -> None:
    server = await serve()
    beside = await serve(beside=server)
    me = await make_user(server)
    assert [await login(me), await login(me.on(beside))] == ["", ""]

    await give_refresh_tokens(server)

    first, second = await login(me), await login(me.on(beside))
    assert first.startswith("moor_rt_")
    assert second.startswith("moor_rt_")
    assert (await refresh(beside, first)).status == (await refresh(server, second)).status == 200


async def test_robots_and_access_tokens_get_none_where_it_is_switched_on(app: Server, project: str) -> None:
    await give_refresh_tokens(app)
    me = await make_user(app, {project: Role.DEVELOPER})
    robot = await make_robot(app, project, "pull")
    _, token = await make_token(me)

    assert [await login(robot), await login(token)] == ["", ""]
    assert await login(me)


async def test_two_processes_count_the_logins_of_an_account_together(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moorage.tokens.refresh_tokens.MAX_PER_ACCOUNT", 5)
    server = await serve()
    beside = await serve(beside=server)
    await give_refresh_tokens(server)
    me = await make_user(server)

    asked = {"offline_token": "true", "client_id": "docker"}
    answers = await asyncio.gather(*(me.on(at).ask_token(**asked) for _ in range(5) for at in (server, beside)))

    given = [answer.json()["refresh_token"] for answer in answers if answer.status == 200]
    assert sorted(answer.status for answer in answers) == [200] * 5 + [403] * 5
    assert [(await refresh(at, one)).status for one in given for at in (server, beside)] == [200] * 10


@pytest.mark.parametrize("change", ["password", "disabled"])
async def test_a_new_password_and_a_disabled_account_end_them_at_every_process_at_once(
    serve: Serve, change: str
) -> None:
    server = await serve()
    beside = await serve(beside=server)
    await give_refresh_tokens(server)
    me = await make_user(server)
    token = await login(me)
    assert (await refresh(beside, token)).status == 200
    assert (await me.on(beside).ask_token()).status == 200

    if change == "password":
        await server.run(users.set_password, me.id, "another hash")
    else:
        await server.run(users.set_disabled, me.id, disabled=True)

    assert [(await refresh(at, token)).status for at in (beside, server)] == [401, 401]
    assert [(await me.on(at).ask_token()).status for at in (beside, server)] == [401, 401], "and the password, too"


async def test_its_owner_sees_them_with_the_limit_and_revokes_one(app: Server) -> None:
    await give_refresh_tokens(app)
    me, other = await make_user(app), await make_user(app)
    first, second = await login(me), await login(me)

    shown = (await call(me, app, "GET", MINE)).json()

    assert shown["limit"] == MAX_PER_ACCOUNT == 1000
    assert [one["client"] for one in shown["tokens"]] == ["docker", "docker"]
    assert first not in str(shown)
    gone = shown["tokens"][0]["id"]
    assert (await call(other, app, "DELETE", f"{MINE}/{gone}")).status == 404
    assert (await call(me, app, "DELETE", f"{MINE}/{gone}")).status == 200
    assert len((await call(me, app, "GET", MINE)).json()["tokens"]) == 1
    assert sorted([(await refresh(app, one)).status for one in (first, second)]) == [200, 401]
    query = "SELECT operation, resource_type, resource FROM audit WHERE resource LIKE :name"
    ((operation, kind, resource),) = await app.rows(query, name=f"%/refresh token {gone[:8]}")
    assert (operation, kind) == ("delete", "access_token"), resource


async def test_a_use_is_written_behind_the_answer_and_begins_the_ninety_days_anew(app: Server) -> None:
    await give_refresh_tokens(app)
    me = await make_user(app)
    token = await login(me)
    await app.run(age, me.id)
    before = (await app.rows("SELECT used_at, expires_at FROM refresh_token WHERE principal_id = :id", id=me.id))[0]

    assert (await refresh(app, token)).status == 200

    async def written() -> bool:
        now = (await app.rows("SELECT used_at, expires_at FROM refresh_token WHERE principal_id = :id", id=me.id))[0]
        return bool(now[0] > before[0] and now[1] > before[1])

    await until(written)
