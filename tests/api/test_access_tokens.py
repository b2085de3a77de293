"""Personal access tokens: made, used everywhere a password is, cut down, and ended; on both databases."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from moorage.access.policy import Role
from moorage.authentication.backends.ldap import Ldap
from moorage.errors import DirectoryUnavailable
from moorage.projects import service as projects
from moorage.tokens import access_tokens
from moorage.users import service as users
from tests.api.client import SERVICE, Answer, Client, Server
from tests.api.conftest import (
    PASSWORD,
    Serve,
    give_refresh_tokens,
    make_project,
    make_robot,
    make_user,
    project_id,
    unique,
)
from tests.api.test_projects_api import BASE, call

MINE = "/users/current/tokens"
ALL = ["pull", "push", "delete", "api:read", "api:write"]


async def make_token(owner: Client, *scopes: str, **more: Any) -> tuple[int, Client]:
    """A new token of somebody: its id, and a client that has it in the place of the password."""
    body = {"name": unique("token"), "scopes": list(scopes) or ALL, **more}
    answer = await call(owner, owner.server, "POST", MINE, body)
    assert answer.status == 201, answer
    made = answer.json()
    assert answer.location == f"{BASE}{MINE}/{made['id']}"
    return made["id"], Client(owner.server, owner.username, made["token"], owner.id)


async def bearer(client: Client, method: str, path: str, body: object = None) -> Answer:
    """A request to the REST API with the token as Bearer."""
    return await call(None, client.server, method, path, body, authorization=f"Bearer {client.password}")


async def granted(client: Client, repository: str, actions: str = "pull,push,delete") -> set[str]:
    """The actions that the token endpoint grants, asked for by a form."""
    form = urlencode(
        {
            "service": SERVICE, "client_id": "t", "grant_type": "password", "username": client.username,
            "password": client.password, "scope": f"repository:{repository}:{actions}",
        }
    )  # fmt: skip
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.server.send("POST", "/service/token", form.encode(), headers=headers)
    assert answer.status == 200, answer
    scope = answer.json()["scope"]
    return set(scope.rpartition(":")[2].split(",")) if scope else set()


# -- what a token looks like ------------------------------------------------------------------------------


async def test_the_secret_is_shown_once_and_kept_nowhere(app: Server, caplog: pytest.LogCaptureFixture) -> None:
    me = await make_user(app)
    number, token = await make_token(me, "pull", duration=7)
    assert access_tokens.is_access_token(token.password)
    (shown,) = (await call(me, app, "GET", MINE)).json()
    assert (shown["id"], shown["scopes"], shown["projects"], shown["last_used"]) == (number, ["pull"], None, None)
    (row,) = await app.rows("SELECT * FROM access_token WHERE id = :id", id=number)
    rows = [shown, row, *await app.rows("SELECT * FROM audit")]
    everything = f"{rows} {caplog.text}"
    assert token.password not in everything
    assert token.password[4:47] not in everything


async def test_a_checksum_tells_a_token_from_chance() -> None:
    tokens = {access_tokens.generate_access_token() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert (token[:4], len(token)) == ("mrt_", 53)
        assert access_tokens.is_access_token(token)
        assert not access_tokens.is_access_token(token[:-1] + ("0" if token[-1] != "0" else "1"))
        assert not access_tokens.is_access_token(token[:10] + ("0" if token[10] != "0" else "1") + token[11:])
        assert not access_tokens.is_access_token(token + "\n")


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"name": "x" * 65}, {"name": "a\nb"}, {"scopes": []}, {"scopes": ["pull", "admin"]},
        {"duration": 0}, {"duration": 366}, {"duration": -2}, {"projects": []}, {"projects": ["no-such-project"]},
        {"projects": ["x"] * 51},
    ],
)  # fmt: skip
async def test_what_cannot_be_a_token_is_refused(app: Server, change: dict[str, object]) -> None:
    me = await make_user(app)
    answer = await call(me, app, "POST", MINE, {"name": "t", "scopes": ["pull"], **change})
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert (await call(me, app, "GET", MINE)).json() == []


async def test_names_are_ones_own_and_tokens_are_not_without_end(app: Server) -> None:
    me, other = await make_user(app), await make_user(app)
    for client, status in ((me, 201), (me, 409), (other, 201)):
        body = {"name": "ci", "scopes": ["pull"], "duration": -1}
        assert (await call(client, app, "POST", MINE, body)).status == status
    assert (await call(me, app, "GET", MINE)).json()[0]["expires_at"] is None
    for index in range(99):
        await app.run(
            access_tokens.create_access_token,
            me.id,
            f"t{index}",
            access_tokens.generate_access_token(),
            scopes=["pull"],
        )
    assert (await call(me, app, "POST", MINE, {"name": "more", "scopes": ["pull"]})).status == 412
    assert len((await call(me, app, "GET", MINE)).json()) == 100


async def test_without_a_duration_it_is_90_days(app: Server) -> None:
    me = await make_user(app)
    number, _ = await make_token(me)
    # Both databases give moments in a form of their own; in Python they are alike.
    rows = await app.run(access_tokens.list_access_tokens, me.id)
    (found,) = [one for one in rows if one.id == number]
    assert found.expires_at is not None
    assert (found.expires_at - found.created_at).days == 90


# -- where it is used -------------------------------------------------------------------------------------


async def test_docker_pushes_and_pulls_with_it(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.MAINTAINER})
    _, token = await make_token(me)
    repo = token.repo(f"{project}/app")
    digest = await repo.image("v1")
    assert (await repo.get("manifests/v1")).status == 200
    assert (await repo.send("GET", "manifests/v1", headers=token.basic)).status == 200
    assert (await repo.delete(f"manifests/{digest}")).status == 202


async def test_it_is_basic_and_bearer_of_the_rest_api(app: Server) -> None:
    me = await make_user(app)
    _, token = await make_token(me)
    assert (await call(token, app, "GET", "/users/current")).json()["user_id"] == me.id
    assert (await bearer(token, "GET", "/users/current")).json()["user_id"] == me.id
    headers = {"authorization": f"Bearer {token.password}"}
    answer = await app.send("GET", f"/service/token?service={SERVICE}", headers=headers)
    assert answer.status == 200


async def test_it_is_nobodys_elses_and_no_password(app: Server) -> None:
    me, other = await make_user(app), await make_user(app)
    _, token = await make_token(me)
    assert (await call(Client(app, other.username, token.password), app, "GET", "/users/current")).status == 401
    unknown = Client(app, me.username, access_tokens.generate_access_token())
    assert (await call(unknown, app, "GET", "/users/current")).status == 401
    assert (await bearer(unknown, "GET", "/users/current")).status == 401
    form = urlencode({"principal": me.username, "password": token.password}).encode()
    signed_in = await app.send("POST", "/c/login", form, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (signed_in.status, signed_in.header("set-cookie")) == (401, None)
    body = {"old_password": token.password, "new_password": "An0ther-passw0rd"}
    assert (await call(me, app, "PUT", f"/users/{me.id}/password", body)).status == 403
    assert (await call(me, app, "GET", "/users/current")).status == 200


@pytest.mark.usefixtures("no_time_passes")
async def test_wrong_ones_are_slowed_down(app: Server) -> None:
    me = await make_user(app)
    _, token = await make_token(me)
    unknown = Client(app, me.username, access_tokens.generate_access_token())
    answers = [await unknown.ask_token() for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[-1].header("retry-after")
    assert (await token.ask_token()).status == 429
    assert (await me.ask_token()).status == 200, "the password of the owner is counted apart"


async def test_use_is_written_down_once_a_minute(app: Server) -> None:
    me = await make_user(app)
    number, token = await make_token(me)
    read = "SELECT used_at FROM access_token WHERE id = :id"
    assert (await token.ask_token()).status == 200
    ((first,),) = await app.rows(read, id=number)
    assert first is not None
    assert (await token.ask_token()).status == 200
    assert await app.rows(read, id=number) == [(first,)]
    await app.rows("UPDATE access_token SET used_at = created_at - (expires_at - created_at) WHERE id = :id", id=number)
    assert (await token.ask_token()).status == 200
    ((second,),) = await app.rows(read, id=number)
    assert second >= first
    assert (await call(me, app, "GET", MINE)).json()[0]["last_used"]


# -- how far it goes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "left"),
    [
        (["pull"], {"pull"}),
        (["push"], {"pull", "push"}),
        (["delete"], {"delete"}),
        (["api:read", "api:write"], set()),
        (ALL, {"pull", "push", "delete"}),
    ],
)
async def test_scopes_cut_down_what_v2_gives(app: Server, project: str, scopes: list[str], left: set[str]) -> None:
    for owner in (await make_user(app, {project: Role.PROJECT_ADMIN}), await make_user(app, admin=True)):
        _, token = await make_token(owner, *scopes)
        assert await granted(token, f"{project}/app") == left
        assert await granted(token, f"{project}/app", "*") == left
    guest = await make_user(app, {project: Role.GUEST})
    _, token = await make_token(guest, *scopes)
    assert await granted(token, f"{project}/app") == left & {"pull"}, "never more than the owner"


async def test_basic_on_v2_is_cut_down_as_well(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.MAINTAINER})
    await me.repo(f"{project}/app").image("v1")
    _, token = await make_token(me, "pull")
    repo = token.repo(f"{project}/app")
    assert (await repo.send("GET", "manifests/v1", headers=token.basic)).status == 200
    assert (await repo.send("POST", "blobs/uploads/", headers=token.basic)).status == 401
    assert (await repo.send("DELETE", "manifests/v1", headers=token.basic)).status == 401
    _, blind = await make_token(me, "api:read")
    assert (await repo.send("GET", "manifests/v1", headers=blind.basic)).status == 401


async def test_scopes_of_the_rest_api(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.PROJECT_ADMIN})
    path = f"/projects/{project}"
    for scopes, read, write in (
        (["api:read"], 200, 403), (["api:write"], 403, 200), (["pull", "push", "delete"], 403, 403), (ALL, 200, 200),
    ):  # fmt: skip
        _, token = await make_token(me, *scopes)
        assert (await bearer(token, "GET", path)).status == read
        assert (await bearer(token, "PUT", path, {"metadata": {"auto_scan": "false"}})).status == write
    _, token = await make_token(me, *ALL)
    assert (await bearer(token, "GET", "/users")).status == 403, "never more than the owner"


async def test_a_token_for_some_projects_is_nothing_elsewhere(app: Server, project: str) -> None:
    elsewhere, open_to_all = await make_project(app), await make_project(app, public=True)
    roles = {project: Role.PROJECT_ADMIN, elsewhere: Role.PROJECT_ADMIN}
    for owner in (await make_user(app, roles), await make_user(app, admin=True)):
        _, token = await make_token(owner, *ALL, projects=[project])
        assert await granted(token, f"{project}/app") == {"pull", "push", "delete"}
        assert await granted(token, f"{elsewhere}/app") == set()
        assert await granted(token, f"{open_to_all}/app") == set()
        assert await granted(token, "no-such-project/app") == set()
        assert (await bearer(token, "GET", f"/projects/{project}")).status == 200
        assert (await bearer(token, "GET", f"/projects/{project}/members")).status == 200
        for path in (f"/projects/{elsewhere}", f"/projects/{open_to_all}", "/projects", "/repositories", "/search?q=a",
                     "/statistics", "/audit-logs", "/users", "/configurations", "/quotas"):  # fmt: skip
            assert (await bearer(token, "GET", path)).status == 403, path
        assert (await bearer(token, "POST", "/projects", {"project_name": unique("new")})).status == 403
        assert (await bearer(token, "GET", "/users/current")).status == 200
        (shown,) = (await call(owner, app, "GET", MINE)).json()
        assert shown["projects"] == [project]
    stranger = await make_user(app)
    answer = await call(stranger, app, "POST", MINE, {"name": "x", "scopes": ["pull"], "projects": [project]})
    assert answer.status == 400, "a project that is not theirs is like one that is not there"


async def test_a_deleted_project_does_not_make_a_token_wider(app: Server) -> None:
    gone, other = await make_project(app), await make_project(app)
    me = await make_user(app, {gone: Role.PROJECT_ADMIN, other: Role.PROJECT_ADMIN})
    _, token = await make_token(me, projects=[gone])
    await app.run(projects.delete_project, await project_id(app, gone))
    assert await granted(token, f"{other}/app") == set()
    assert (await call(me, app, "GET", MINE)).json()[0]["projects"] == []


async def test_a_mount_is_cut_down_too(app: Server, project: str) -> None:
    source = await make_project(app)
    me = await make_user(app, {project: Role.MAINTAINER, source: Role.MAINTAINER})
    blob = await me.repo(f"{source}/app").blob(b"mounted")
    query = f"blobs/uploads/?mount={blob}&from={source}/app"
    _, narrow = await make_token(me, projects=[project])
    assert (await narrow.repo(f"{project}/app").send("POST", query)).status == 202
    _, wide = await make_token(me)
    assert (await wide.repo(f"{project}/app").send("POST", query)).status == 401, "a token with both would help"


async def test_a_token_makes_nothing_that_outgrows_it(app: Server, project: str) -> None:
    for owner in (await make_user(app, {project: Role.PROJECT_ADMIN}), await make_user(app, admin=True)):
        first, token = await make_token(owner)
        second, _ = await make_token(owner)
        other = await make_user(app)
        for method, path, body in (
            ("POST", MINE, {"name": "another", "scopes": ["pull"]}),
            ("DELETE", f"{MINE}/{second}", None),
            ("PUT", f"/users/{owner.id}", {"email": "new@example.org", "realname": "x"}),
            ("PUT", f"/users/{owner.id}/password", {"old_password": PASSWORD, "new_password": "An0ther-passw0rd"}),
            ("PUT", f"/users/{owner.id}/cli_secret", {"secret": ""}),
            ("PUT", f"/users/{other.id}/sysadmin", {"sysadmin_flag": True}),
        ):
            assert (await bearer(token, method, path, body)).status == 403, (method, path)
            assert (await call(token, app, method, path, body)).status == 403, (method, path)
        robot = {
            "name": unique("robot"), "level": "project", "duration": -1,
            "permissions": [
                {"kind": "project", "namespace": project, "access": [{"resource": "repository", "action": "push"}]}
            ],
        }  # fmt: skip
        _, reader = await make_token(owner, "pull", "api:read", "api:write")
        assert (await bearer(reader, "POST", "/robots", robot)).status == 403
        made = await bearer(token, "POST", "/robots", robot)
        assert made.status == 201
        assert (await bearer(reader, "PATCH", f"/robots/{made.json()['id']}", {"secret": ""})).status == 403
        assert (await bearer(token, "DELETE", f"{MINE}/{first}")).status == 200, "but it may end itself"
        assert (await bearer(token, "GET", "/users/current")).status == 401


# -- its end ----------------------------------------------------------------------------------------------


async def test_revoking_ends_it_and_what_was_got_with_it(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.MAINTAINER})
    await me.repo(f"{project}/app").image("v1")
    number, token = await make_token(me)
    await give_refresh_tokens(app)
    mine = (await me.ask_token(offline_token="true")).json()["refresh_token"]
    its = await refresh_token_of(app, me, token, number)
    repo = token.repo(f"{project}/app")
    assert (await repo.get("manifests/v1")).status == 200
    form = urlencode({"principal": me.username, "password": PASSWORD}).encode()
    login = await app.send("POST", "/c/login", form, headers={"content-type": "application/x-www-form-urlencoded"})
    cookie = next(value for name, value in login.headers if name == "set-cookie" and value.startswith("sid="))
    session = {"cookie": cookie.partition(";")[0]}

    assert (await call(me, app, "DELETE", f"{MINE}/{number}")).status == 200

    assert (await repo.get("manifests/v1")).challenge["error"] == "invalid_token"
    assert (await token.ask_token()).status == 401
    assert (await bearer(token, "GET", "/users/current")).status == 401
    assert (await refresh(app, its)).status == 401
    assert (await refresh(app, mine)).status == 200, "what the password gave goes on"
    assert (await call(None, app, "GET", "/users/current", **session)).status == 200
    assert (await me.repo(f"{project}/app").get("manifests/v1")).challenge["error"] == "invalid_token"
    me.tokens.clear()
    assert (await me.repo(f"{project}/app").get("manifests/v1")).status == 200, "with another, which clients fetch"
    assert (await call(me, app, "DELETE", f"{MINE}/{number}")).status == 404


async def refresh_token_of(server: Server, me: Client, token: Client, number: int) -> str:
    """A refresh token that an access token gave when it could: none is given with one now."""
    assert "refresh_token" not in (await token.ask_token(offline_token="true")).json()
    its = str((await me.ask_token(offline_token="true")).json()["refresh_token"])
    digest = hashlib.sha256(its.encode()).digest()
    await server.rows("UPDATE refresh_token SET access_token_id = :number WHERE id = :id", number=number, id=digest)
    return its


async def refresh(server: Server, token: str, scope: str = "") -> Answer:
    """A registry token for a refresh token."""
    fields = {"service": SERVICE, "client_id": "t", "grant_type": "refresh_token", "refresh_token": token}
    form = urlencode({**fields, **({"scope": scope} if scope else {})}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await server.send("POST", "/service/token", form, headers=headers)


async def test_a_refresh_token_goes_as_far_as_its_access_token(app: Server, project: str) -> None:
    elsewhere = await make_project(app)
    me = await make_user(app, {project: Role.MAINTAINER, elsewhere: Role.MAINTAINER})
    number, token = await make_token(me, "pull", projects=[project])
    await give_refresh_tokens(app)
    its = await refresh_token_of(app, me, token, number)
    answer = await refresh(app, its, f"repository:{project}/app:pull,push,delete")
    assert answer.json()["scope"] == f"repository:{project}/app:pull"
    assert (await refresh(app, its, f"repository:{elsewhere}/app:pull")).json()["scope"] == ""
    await app.rows("UPDATE access_token SET expires_at = created_at WHERE id = :id", id=number)
    assert (await refresh(app, its)).status == 401


async def test_it_expires_and_nothing_got_with_it_lasts_longer(app: Server) -> None:
    me = await make_user(app)
    number, token = await make_token(me, duration=1)
    assert (await token.ask_token()).json()["expires_in"] == 1800
    day = "(expires_at - created_at)"
    await app.rows(
        f"UPDATE access_token SET expires_at = created_at + {day} / 1440, created_at = created_at WHERE id = :id",  # noqa: S608
        id=number,
    )
    assert 0 < (await token.ask_token()).json()["expires_in"] <= 60
    await app.rows("UPDATE access_token SET expires_at = created_at WHERE id = :id", id=number)
    assert (await token.ask_token()).status == 401
    assert (await bearer(token, "GET", "/users/current")).status == 401
    assert [one["id"] for one in (await call(me, app, "GET", MINE)).json()] == [number]


async def test_it_ends_with_its_owner_and_not_with_their_password(app: Server) -> None:
    me = await make_user(app)
    _, token = await make_token(me)
    await app.run(users.set_password, me.id, "another hash")
    assert (await token.ask_token()).status == 200
    await app.run(users.set_disabled, me.id, disabled=True)
    assert (await token.ask_token()).status == 401
    assert (await bearer(token, "GET", "/users/current")).status == 401
    await app.run(users.set_disabled, me.id, disabled=False)
    assert (await bearer(token, "GET", "/users/current")).status == 200
    await app.run(users.delete_user, me.id)
    assert (await bearer(token, "GET", "/users/current")).status == 401
    assert await app.rows("SELECT 1 FROM access_token WHERE principal_id = :id", id=me.id) == []


async def test_people_of_other_sources_have_them_too(app: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    name = unique("ldap")
    number = await app.run(users.create_user, name, source="ldap", source_subject=name)
    secret = access_tokens.generate_access_token()
    await app.run(access_tokens.create_access_token, number, "t", secret, scopes=ALL)
    client = Client(app, name, secret, number)
    assert (await client.ask_token()).status == 401, "its source is off"
    await app.rows("UPDATE user_account SET source = 'local' WHERE principal_id = :id", id=number)
    assert (await client.ask_token()).status == 200

    async def away(*_: object) -> None:
        raise DirectoryUnavailable

    monkeypatch.setattr(Ldap, "confirm", away)
    assert (await bearer(client, "GET", "/users/current")).status == 200, "an outage of a directory is not one of ours"

    async def gone(*_: object) -> None:
        return None

    monkeypatch.setattr(Ldap, "confirm", gone)
    assert (await bearer(client, "GET", "/users/current")).status == 401
    assert (await client.ask_token()).status == 401


# -- whose it is ------------------------------------------------------------------------------------------


async def test_tokens_of_others_are_not_there(app: Server, admin: Client) -> None:
    me, other = await make_user(app), await make_user(app)
    number, token = await make_token(other)
    for path in (number, 0, -1, 2**62, 2**63):
        assert (await call(me, app, "DELETE", f"{MINE}/{path}")).status == 404, path
    assert (await call(me, app, "GET", f"/users/{other.id}/tokens")).status == 403
    assert (await call(me, app, "DELETE", f"/users/{other.id}/tokens/{number}")).status == 403
    assert (await call(None, app, "GET", MINE)).status == 401
    assert (await call(None, app, "POST", MINE, {"name": "x", "scopes": ["pull"]})).status == 401
    assert (await token.ask_token()).status == 200
    (shown,) = (await call(admin, app, "GET", f"/users/{other.id}/tokens")).json()
    assert (shown["id"], token.password in json.dumps(shown)) == (number, False)
    assert (await call(admin, app, "GET", f"/users/{me.id}/tokens")).json() == []
    assert (await call(admin, app, "GET", "/users/999999999/tokens")).status == 404
    assert (await call(admin, app, "DELETE", f"/users/{me.id}/tokens/{number}")).status == 404
    assert (await call(admin, app, "DELETE", f"/users/{other.id}/tokens/{number}")).status == 200
    assert (await token.ask_token()).status == 401


async def test_robots_have_none(app: Server, project: str) -> None:
    robot = await make_robot(app, project, "pull")
    assert (await call(robot, app, "GET", MINE)).status == 412
    assert (await call(robot, app, "POST", MINE, {"name": "x", "scopes": ["pull"]})).status == 412


# -- the audit log ----------------------------------------------------------------------------------------


async def test_the_audit_log_says_which_token_it_was(app: Server, project: str) -> None:
    me = await make_user(app, {project: Role.PROJECT_ADMIN})
    number, token = await make_token(me, projects=[project])
    name = (await call(me, app, "GET", MINE)).json()[0]["name"]
    repo = token.repo(f"{project}/app")
    await repo.image("v1")
    assert (await bearer(token, "PUT", f"/projects/{project}", {"metadata": {"auto_scan": "true"}})).status == 200
    assert (await call(me, app, "DELETE", f"{MINE}/{number}")).status == 200
    rows = await app.rows(
        "SELECT operation, resource_type, resource, credential, detail FROM audit WHERE principal_id = :id ORDER BY id",
        id=me.id,
    )
    found = {
        (row[0], row[1]): (row[2], row[3], json.loads(row[4]) if isinstance(row[4], str) else row[4]) for row in rows
    }
    made = found["create", "access_token"]
    assert made[:2] == (f"{me.username}/{name}", "password")
    assert made[2] == {"scopes": ALL, "days": 90, "projects": [await project_id(app, project)]}
    for what in (("create", "artifact"), ("update", "project")):
        assert (found[what][1], found[what][2]["access_token"]) == ("access_token", name)
    assert found["delete", "access_token"][:2] == (f"{me.username}/{name}", "password")


async def test_what_a_token_is_refused_is_written_down(serve: Serve) -> None:
    """Whatever is missing: the scope, the project, or that its owner signed in. The same again is counted."""
    server = await serve()
    project, elsewhere = await make_project(server), await make_project(server)
    me = await make_user(server, {project: Role.PROJECT_ADMIN, elsewhere: Role.PROJECT_ADMIN})
    _, narrow = await make_token(me, *ALL, name="narrow", projects=[project])
    _, reader = await make_token(me, "api:read", name="reader")
    permission = {
        "kind": "project", "namespace": project, "access": [{"resource": "repository", "action": "pull"}],
    }  # fmt: skip
    robot = {"name": "wide", "level": "project", "duration": -1, "permissions": [permission]}
    _, writer = await make_token(me, "api:write", name="writer")
    for client, method, path, body in (
        (narrow, "GET", "/projects", None),
        (narrow, "POST", "/projects", {"project_name": unique("new")}),
        (narrow, "POST", "/users/current/tokens", {"name": "another", "scopes": ["pull"]}),
        (narrow, "PUT", f"/projects/{elsewhere}", {"metadata": {}}),
        (narrow, "PUT", "/quotas/1", {"hard": {"storage": 1}}),
        (reader, "PUT", f"/projects/{project}", {"metadata": {}}),
        (writer, "POST", "/robots", robot),
    ):
        assert (await call(client, server, method, path, body)).status == 403, path
    after = await serve(beside=server)
    await server.stop()

    rows = await after.rows(
        "SELECT principal_name, credential, detail, operation, resource_type, resource, repeats FROM audit"
        " WHERE NOT ok ORDER BY id"
    )
    assert [(row[0], row[1]) for row in rows] == [(me.username, "access_token")] * len(rows)
    found = [(json.loads(row[2]) if isinstance(row[2], str) else row[2], *row[3:]) for row in rows]
    assert [(detail["access_token"], *what) for detail, *what in found] == [
        ("narrow", "read", "api", "access token", 1),
        ("narrow", "write", "api", "access token", 2),
        ("narrow", "update", "project", elsewhere, 1),
        ("narrow", "update", "quota", "system", 1),
        ("reader", "write", "api", "access token", 1),
        ("writer", "create", "robot", "access token", 1),
    ]
