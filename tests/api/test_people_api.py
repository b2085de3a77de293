"""Users, permissions, groups and robots through the REST API."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

import pytest

from moorage.access.policy import Role
from moorage.configuration import service as configuration
from moorage.projects import service as projects
from moorage.secret_encryption import Seals
from moorage.settings import FIRST_PASSWORD
from moorage.users import groups
from moorage.users import service as users
from tests.api.client import Client, Server
from tests.api.conftest import PASSWORD, Serve, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.test_projects_api import BASE, call

NEW = "An0ther-passw0rd"


def account(name: str, **more: object) -> dict[str, object]:
    """The body that creates an account."""
    return {"username": name, "email": f"{name}@example.org", "realname": "Some Body", "password": PASSWORD, **more}


# -- users ------------------------------------------------------------------------------------------------


async def test_a_user_is_created_found_changed_and_deleted(app: Server, admin: Client) -> None:
    name = unique("person")
    made = await call(admin, app, "POST", "/users", account(name, comment="hello"))
    assert (made.status, made.body) == (201, b"")
    path = made.location.removeprefix(BASE)
    read = (await call(admin, app, "GET", path)).json()
    assert (read["username"], read["email"], read["realname"], read["comment"]) == (
        name, f"{name}@example.org", "Some Body", "hello",
    )  # fmt: skip
    assert not {"password", "salt", "secret"} & set(read)
    me = Client(app, name, PASSWORD, read["user_id"])
    assert (await call(me, app, "GET", "/users/current")).json() == read
    assert (await call(me, app, "GET", path)).json() == read
    assert (await call(me, app, "PUT", path, {"realname": "Other", "sysadmin_flag": True, "user_id": 1})).status == 200
    after = (await call(me, app, "GET", path)).json()
    assert (after["realname"], after["comment"], after.get("sysadmin_flag", False)) == ("Other", "hello", False)
    (listed,) = (await call(admin, app, "GET", f"/users?q=username={name}")).json()
    assert listed == after
    (found,) = (await call(me, app, "GET", f"/users/search?username={name[1:]}")).json()
    assert found == {"user_id": read["user_id"], "username": name}
    assert (await call(me, app, "DELETE", path)).status == 403
    assert (await call(admin, app, "DELETE", path)).status == 200
    assert (await call(admin, app, "GET", path)).status == 404
    assert (await call(me, app, "GET", "/users/current")).status == 401
    assert (await call(admin, app, "POST", "/users", account(name))).status == 201


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"username": "a,b"}, 400),
        ({"username": ""}, 400),
        ({"username": "x" * 256}, 400),
        ({"email": "no address"}, 400),
        ({"email": ""}, 400),
        ({"password": "short"}, 400),
        ({"password": "alllowercase1"}, 400),
        ({"password": None}, 400),
        ({"realname": ""}, 400),
        ({"realname": 'a"b'}, 400),
        ({"comment": "x" * 31}, 400),
        ({"username": "Admin"}, 409),
        ({"username": 5}, 422),
    ],
)
async def test_who_cannot_be_an_account_is_refused(app: Server, admin: Client, change: Any, status: int) -> None:
    body = account(unique("bad"))
    body.update(change)
    answer = await call(admin, app, "POST", "/users", body)
    assert (answer.status, bool(answer.code)) == (status, True), answer.body
    assert PASSWORD not in answer.body.decode()


async def test_of_many_who_take_one_name_one_succeeds(app: Server, admin: Client) -> None:
    name = unique("race")
    answers = await asyncio.gather(*(call(admin, app, "POST", "/users", account(name)) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


async def test_only_who_may_sees_and_makes_people(app: Server, admin: Client) -> None:
    me, other = await make_user(app), await make_user(app)
    for method, path, body in (
        ("GET", "/users", None),
        ("GET", f"/users/{other.id}", None),
        ("PUT", f"/users/{other.id}", {"realname": "x"}),
        ("DELETE", f"/users/{other.id}", None),
        ("PUT", f"/users/{other.id}/sysadmin", {"sysadmin_flag": True}),
        ("PUT", f"/users/{me.id}/sysadmin", {"sysadmin_flag": True}),
        ("PUT", f"/users/{other.id}/password", {"new_password": NEW}),
        ("POST", "/users", account(unique("no"))),
    ):
        assert (await call(me, app, method, path, body)).status == 403, (method, path)
        assert (await call(None, app, method, path, body)).status == 401, (method, path)
    for number in (0, -1, 2**62, 2**63, 10**30):
        assert (await call(admin, app, "GET", f"/users/{number}")).status == 404
        assert (await call(me, app, "GET", f"/users/{number}")).status == 403
    assert 1 not in [one["user_id"] for one in (await call(admin, app, "GET", "/users?page_size=100")).json()]


async def test_nobody_deletes_or_demotes_themselves_or_the_first(app: Server, admin: Client) -> None:
    boss = await make_user(app, admin=True)
    for client, number in ((admin, 1), (boss, 1), (boss, boss.id)):
        assert (await call(client, app, "DELETE", f"/users/{number}")).status == 403
        assert (await call(client, app, "PUT", f"/users/{number}/sysadmin", {"sysadmin_flag": False})).status == 403
    me = await make_user(app)
    assert (await call(boss, app, "PUT", f"/users/{me.id}/sysadmin", {"sysadmin_flag": True})).status == 200
    assert (await call(me, app, "GET", "/users")).status == 200
    assert (await call(boss, app, "PUT", f"/users/{me.id}/sysadmin", {"sysadmin_flag": False})).status == 200
    assert (await call(me, app, "GET", "/users")).status == 403


async def test_an_account_is_locked_and_unlocked(app: Server, admin: Client) -> None:
    boss, me = await make_user(app, admin=True), await make_user(app)
    path = f"/users/{me.id}/lock"
    for client, number in ((admin, 1), (boss, 1), (boss, boss.id), (me, me.id), (me, boss.id)):
        assert (await call(client, app, "PUT", f"/users/{number}/lock", {"locked": True})).status == 403
    assert (await call(boss, app, "PUT", path, {"locked": True})).status == 200
    assert (await call(me, app, "GET", "/users/current")).status == 401
    assert (await call(admin, app, "GET", f"/users/{me.id}")).json()["disabled"] is True
    assert (await call(boss, app, "PUT", path, {"locked": False})).status == 200
    assert (await call(me, app, "GET", "/users/current")).status == 200
    assert "disabled" not in (await call(admin, app, "GET", f"/users/{me.id}")).json()
    assert (await call(admin, app, "PUT", "/users/999999999/lock", {"locked": False})).status == 404


async def test_a_password_is_changed_with_the_old_one_or_by_an_administrator(app: Server, admin: Client) -> None:
    me = await make_user(app)
    path = f"/users/{me.id}/password"
    assert (await call(me, app, "PUT", path, {"old_password": "Wr0ng-one", "new_password": NEW})).status == 403
    assert (await call(me, app, "PUT", path, {"new_password": NEW})).status == 403
    assert (await call(me, app, "PUT", path, {"old_password": PASSWORD, "new_password": PASSWORD})).status == 400
    assert (await call(me, app, "PUT", path, {"old_password": PASSWORD, "new_password": "weak"})).status == 400
    token = await me.bearer(f"{await make_project(app)}/x", actions="pull")
    assert token
    assert (await call(me, app, "PUT", path, {"old_password": PASSWORD, "new_password": NEW})).status == 200
    assert (await call(me, app, "GET", "/users/current")).status == 401
    changed = Client(app, me.username, NEW, me.id)
    assert (await call(changed, app, "GET", "/users/current")).status == 200
    assert (await call(admin, app, "PUT", path, {"new_password": PASSWORD})).status == 200
    assert (await call(me, app, "GET", "/users/current")).status == 200
    foreign = await app.run(users.create_user, unique("ldap"), source="ldap", source_subject=unique("cn"))
    answer = await call(admin, app, "PUT", f"/users/{foreign}/password", {"new_password": NEW})
    assert (answer.status, answer.json()["errors"][0]["detail"]["reason"]) == (403, "ACCOUNT_FOREIGN")


async def test_without_local_accounts_nobody_makes_one_or_changes_its_password(serve: Serve) -> None:
    server = await serve()
    admin, me = administrator(server), await make_user(server)
    seals = Seals(server.settings.seal_key_folder)
    path = f"/users/{me.id}/password"
    for sources, made, changed, own in (
        (["ldap"], 403, 403, 200), (["oidc", "local"], 201, 200, 200), (["header"], 403, 403, 200),
    ):  # fmt: skip
        await server.run(configuration.set_items, seals, {"auth_sources": sources, "self_registration": True})
        for answer, status in (
            (await call(admin, server, "POST", "/users", account(unique("late"))), made),
            (await call(None, server, "POST", "/users", account(unique("self")), sec_fetch_site="same-origin"),
             401 if made == 403 else made),
            (await call(admin, server, "PUT", path, {"new_password": NEW + sources[0]}), changed),
        ):  # fmt: skip
            assert answer.status == status, (sources, answer)
            if status == 403:
                assert answer.json()["errors"][0]["detail"]["reason"] == "LOCAL_USERS_OFF"
        new = f"{NEW}-{sources[0]}"
        answer = await call(
            admin, server, "PUT", "/users/1/password", {"old_password": admin.password, "new_password": new}
        )
        assert answer.status == own, answer
        admin = Client(server, admin.username, new, admin.id)


async def test_the_first_password_file_goes_with_the_first_password(serve: Serve) -> None:
    server = await serve()
    file = server.settings.data_folder / FIRST_PASSWORD
    file.write_text("generated")
    first = administrator(server)
    body = {"old_password": first.password, "new_password": NEW}
    assert (await call(first, server, "PUT", "/users/1/password", body)).status == 200
    assert not file.exists()


async def test_strangers_make_accounts_only_where_that_is_on_and_only_from_the_page(serve: Serve) -> None:
    server = await serve()
    page = {"sec_fetch_site": "same-origin"}
    assert (await call(None, server, "POST", "/users", account("early"), **page)).status == 401
    seals = Seals(server.settings.seal_key_folder)
    await server.run(configuration.set_items, seals, {"self_registration": True})
    assert (await call(None, server, "POST", "/users", account("script"))).status == 401
    assert (await call(None, server, "POST", "/users", account("other"), sec_fetch_site="cross-site")).status == 403
    assert (await call(None, server, "POST", "/users", account("new"), **page)).status == 201
    assert (await call(Client(server, "new", PASSWORD), server, "GET", "/users/current")).json()["username"] == "new"
    statuses = [
        (await call(None, server, "POST", "/users", account(f"flood{number}"), **page)).status for number in range(6)
    ]
    assert statuses == [201] * 4 + [429] * 2


async def test_robots_are_no_people(app: Server, project: str) -> None:
    robot = await make_robot(app, project, "pull")
    answer = await call(robot, app, "GET", "/users/current")
    assert (answer.status, answer.code) == (412, "PRECONDITION")


# -- permissions ------------------------------------------------------------------------------------------


async def test_everybody_can_read_what_they_may(app: Server, admin: Client, project: str) -> None:
    guest = await make_user(app, {project: Role.GUEST})
    scope = f"/project/{await project_id(app, project)}"
    mine = (await call(guest, app, "GET", f"/users/current/permissions?scope={scope}")).json()
    assert {"resource": f"{scope}/repository", "action": "pull"} in mine
    assert {"resource": scope, "action": "read"} in mine
    assert not any(one["action"] in {"create", "update", "delete", "push"} for one in mine)
    short = (await call(guest, app, "GET", f"/users/current/permissions?scope={scope}&relative=true")).json()
    assert {"resource": "", "action": "read"} in short
    assert len(short) == len(mine)
    for empty in ("/system", "/project/999999999", "/nonsense", "/project/x", ""):
        assert (await call(guest, app, "GET", f"/users/current/permissions?scope={empty}")).json() == [], empty
    system = (await call(admin, app, "GET", "/users/current/permissions?scope=/system&relative=true")).json()
    assert {"resource": "registry", "action": "create"} in system
    assert (await call(guest, app, "GET", "/permissions")).status == 403
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    given = (await call(owner, app, "GET", "/permissions")).json()
    assert given.get("system") in ([], None)
    assert {"resource": "repository", "action": "push"} in given["project"]
    assert {"resource": "user", "action": "create"} in (await call(admin, app, "GET", "/permissions")).json()["system"]


# -- groups -----------------------------------------------------------------------------------------------


async def test_groups_are_made_found_renamed_and_forgotten(app: Server, admin: Client) -> None:
    word = unique("crew")
    dn = f"CN={word}, OU=Groups,DC=example,DC=org"
    made = await call(admin, app, "POST", "/usergroups", {"group_type": 1, "group_name": word, "ldap_group_dn": dn})
    assert made.status == 201
    path = made.location.removeprefix(BASE)
    read = (await call(admin, app, "GET", path)).json()
    assert (read["group_name"], read["group_type"]) == (word, 1)
    assert read["ldap_group_dn"] == f"cn={word},ou=groups,dc=example,dc=org"
    again = {"group_type": 1, "ldap_group_dn": dn.lower()}
    assert (await call(admin, app, "POST", "/usergroups", again)).status == 409
    for body in ({"group_type": 9, "group_name": "x"}, {"group_type": 1, "group_name": "x"}, {"group_type": 3}, {}):
        assert (await call(admin, app, "POST", "/usergroups", body)).status == 400, body
    assert (await call(admin, app, "PUT", path, {"group_name": word + " two", "group_type": 3})).status == 200
    me = await make_user(app)
    (found,) = (await call(me, app, "GET", f"/usergroups/search?groupname={word}")).json()
    assert found == {"id": read["id"], "group_name": word + " two", "group_type": 1}
    listed = await call(admin, app, "GET", f"/usergroups?group_name={word}")
    assert (len(listed.json()), listed.header("x-total-count")) == (1, "1")
    assert (await call(me, app, "GET", "/usergroups")).status == 403
    assert (await call(admin, app, "DELETE", path)).status == 200
    assert (await call(admin, app, "GET", path)).status == 404


async def test_the_roles_of_a_forgotten_group_are_gone(app: Server, admin: Client, project: str) -> None:
    group = await app.run(groups.create_group, 3, unique("oidc"), "devs")
    member = await make_user(app)
    await app.rows("INSERT INTO group_member (principal_id, group_id) VALUES (:p, :g)", p=member.id, g=group)
    await app.run(projects.set_group_member, await project_id(app, project), group, Role.GUEST)
    assert (await call(member, app, "GET", f"/projects/{project}")).status == 200
    assert (await call(admin, app, "DELETE", f"/usergroups/{group}")).status == 200
    assert (await call(member, app, "GET", f"/projects/{project}")).status == 403


# -- robots -----------------------------------------------------------------------------------------------


def block(namespace: str, *access: str, kind: str = "project") -> dict[str, object]:
    """A block of permissions, each as in `repository:pull`."""
    pairs = [one.split(":") for one in access]
    return {"kind": kind, "namespace": namespace, "access": [{"resource": one, "action": two} for one, two in pairs]}


def robot_body(name: str, *blocks: object, level: str = "project", **more: object) -> dict[str, object]:
    """The body that creates a robot."""
    return {"name": name, "level": level, "duration": 30, "permissions": list(blocks), **more}


async def test_a_robot_of_a_project_is_made_used_rotated_and_deleted(app: Server, project: str) -> None:
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    body = robot_body("ci", block(project, "repository:push"), description="builds", id=1, editable=False)
    made = await call(owner, app, "POST", "/robots", body)
    assert made.status == 201, made.body
    robot = made.json()
    assert robot["name"] == f"robot${project}+ci"
    path = made.location.removeprefix(BASE)
    assert path == f"/robots/{robot['id']}"
    machine = Client(app, robot["name"], robot["secret"], robot["id"])
    await machine.repo(f"{project}/app").image("v1")

    read = (await call(owner, app, "GET", path)).json()
    assert read.get("secret") is None
    assert (read["level"], read["duration"], read["editable"], read["disable"]) == ("project", 30, True, False)
    assert (read["creator_type"], read["creator_ref"], read["description"]) == ("local", owner.id, "builds")
    assert read["permissions"] == [
        {
            "kind": "project",
            "namespace": project,
            "access": [{"resource": "repository", "action": "push", "effect": "allow"}],
        }
    ]
    number = await project_id(app, project)
    listed = await call(owner, app, "GET", f"/robots?q=Level=project,ProjectID={number}")
    assert [one["id"] for one in listed.json()] == [robot["id"]]

    assert (await call(owner, app, "PUT", path, {**read, "name": "robot$other"})).status == 400
    assert (await call(owner, app, "PUT", path, {**read, "level": "system"})).status == 400
    change = {
        **read,
        "disable": True,
        "duration": -1,
        "description": "",
        "permissions": [block(project, "repository:pull")],
    }
    assert (await call(owner, app, "PUT", path, change)).status == 200
    after = (await call(owner, app, "GET", path)).json()
    assert (after["disable"], after["duration"], after["expires_at"]) == (True, -1, -1)
    assert (await machine.ask_token()).status == 401
    assert (await call(owner, app, "PUT", path, {**after, "disable": False})).status == 200

    fresh = (await call(owner, app, "PATCH", path, {"overlap_seconds": 60})).json()["secret"]
    assert fresh != robot["secret"]
    for secret in (robot["secret"], fresh):
        assert (await Client(app, robot["name"], secret).ping()).status == 200
    assert (await call(owner, app, "PATCH", path, {"secret": "Ch0sen-by-somebody"})).json()["secret"] == ""
    assert (await Client(app, robot["name"], "Ch0sen-by-somebody").ping()).status == 200
    assert (await Client(app, robot["name"], fresh).ask_token()).status == 401
    assert (await call(owner, app, "PATCH", path, {"secret": "weak"})).status == 400
    assert (await call(owner, app, "DELETE", path)).status == 200
    assert (await call(owner, app, "GET", path)).status == 403


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "Upper"}, "ROBOT_NAME_INVALID"),
        ({"name": ""}, "ROBOT_NAME_INVALID"),
        ({"duration": -2}, "ROBOT_DURATION_INVALID"),
        ({"duration": 2**31}, "ROBOT_DURATION_INVALID"),
        ({"level": "planet"}, ""),
        ({"permissions": []}, ""),
        ({"secret": "weak"}, "PASSWORD_INVALID"),
    ],
)
async def test_what_cannot_be_a_robot_is_refused(app: Server, project: str, change: Any, reason: str) -> None:
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    answer = await call(
        owner, app, "POST", "/robots", {**robot_body("ci", block(project, "repository:pull")), **change}
    )
    assert answer.status == 400, answer.body
    assert answer.json()["errors"][0].get("detail", {}).get("reason", "") == reason


async def test_a_project_admin_makes_robots_only_there(app: Server, admin: Client, project: str) -> None:
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    other = await make_project(app)
    cases = [
        (robot_body("x", block(other, "repository:pull")), 403),
        (robot_body("x", block("*", "repository:pull")), 400),
        (robot_body("x", block(project, "repository:pull"), block(project, "tag:list")), 400),
        (robot_body("x", block("/", "user:list", kind="system")), 400),
        (robot_body("x", block("/", "user:list", kind="system"), level="system"), 403),
        (robot_body("x", block(project, "user:list")), 400),
        (robot_body("x", block(project, "repository:scanner-pull")), 400),
    ]
    for body, status in cases:
        answer = await call(owner, app, "POST", "/robots", body)
        assert answer.status == status, (body, answer.body)
    foreign = await call(admin, app, "POST", "/robots", robot_body("theirs", block(other, "repository:pull")))
    path = f"/robots/{foreign.json()['id']}"
    before = (await call(admin, app, "GET", path)).json()
    for method, sent in (("GET", None), ("PUT", before), ("PATCH", {}), ("DELETE", None)):
        assert (await call(owner, app, method, path, sent)).status == 403
    mine = (await call(owner, app, "POST", "/robots", robot_body("mine", block(project, "repository:pull")))).json()
    own = (await call(owner, app, "GET", f"/robots/{mine['id']}")).json()
    wide = {**own, "permissions": [block(other, "repository:pull")]}
    assert (await call(owner, app, "PUT", f"/robots/{mine['id']}", wide)).status == 400
    assert (await call(admin, app, "GET", path)).json() == before
    for number in (0, -1, 2**63):
        assert (await call(admin, app, "GET", f"/robots/{number}")).status == 404
    mixed = ("ProjectID=x", "ProjectID={1 2}", "ProjectID=[1~2]", "ProjectID=~1", "ProjectID=-1", "ProjectID=\uff11")
    for asked in (*(f"Level=project,{one}" for one in mixed), "Level={project system},ProjectID=1", "Level=project"):
        answer = await call(admin, app, "GET", f"/robots?q={quote(asked)}")
        assert (answer.status, answer.code) == (400, "BAD_REQUEST"), asked
    assert (await call(admin, app, "GET", f"/robots?q=Level=project,ProjectID={2**63}")).status == 404


async def test_a_robot_gives_no_more_than_it_has(app: Server, admin: Client, project: str) -> None:
    made = await call(
        admin,
        app,
        "POST",
        "/robots",
        robot_body("maker", block(project, "repository:pull", "robot:create", "robot:read")),
    )
    maker = Client(app, made.json()["name"], made.json()["secret"])
    small = await call(maker, app, "POST", "/robots", robot_body("small", block(project, "repository:pull")))
    assert small.status == 201, small.body
    read = (await call(maker, app, "GET", f"/robots/{small.json()['id']}")).json()
    assert (read["creator_type"], read["creator_ref"]) == ("robot", made.json()["id"])
    for access in ("repository:push", "repository:delete", "artifact:delete"):
        answer = await call(maker, app, "POST", "/robots", robot_body("big", block(project, access)))
        assert (answer.status, answer.code) == (403, "DENIED"), access
    assert (await call(maker, app, "PUT", f"/robots/{read['id']}", read)).status == 403


async def test_robots_of_the_system_reach_many_projects(app: Server, admin: Client, project: str) -> None:
    other = await make_project(app)
    body = robot_body(
        unique("sys"), block("/", "user:list", kind="system"), block(project, "repository:pull"),
        block("*", "artifact:list"), level="system", duration=-1,
    )  # fmt: skip
    made = (await call(admin, app, "POST", "/robots", body)).json()
    assert made["expires_at"] == -1
    assert re.fullmatch(r"robot\$sys\d+", made["name"])
    robot = Client(app, made["name"], made["secret"])
    assert (await call(robot, app, "GET", "/users")).status == 200
    assert (await call(robot, app, "PUT", "/users/2/sysadmin", {"sysadmin_flag": True})).status == 403
    assert (await call(robot, app, "GET", f"/projects/{other}/members")).status == 403
    listed = (await call(admin, app, "GET", f"/robots?q=name={made['name'].removeprefix('robot$')}")).json()
    assert [one["namespace"] for one in listed[0]["permissions"]] == ["/", project, "*"]
    assert (await call(admin, app, "GET", "/robots?q=Level=project")).status == 400
