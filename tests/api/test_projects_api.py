"""Projects, their metadata and members through the REST API."""

import asyncio
import json
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.projects import service as projects
from moorage.users import groups
from tests.api.client import Answer, Client, Server
from tests.api.conftest import make_project, make_robot, make_user, project_id, unique

BASE = "/api/v2.0"


async def call(client: Client | None, app: Server, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """One request by somebody, with a JSON body."""
    sent = {**(client.basic if client else {}), **{name.replace("_", "-"): value for name, value in headers.items()}}
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        sent["content-type"] = "application/json"
    return await app.send(method, BASE + path, content, headers=sent)


# -- create and read --------------------------------------------------------------------------------------


async def test_a_project_is_created_read_changed_and_deleted(app: Server) -> None:
    somebody = await make_user(app)
    name = unique("api")
    made = await call(somebody, app, "POST", "/projects", {"project_name": name, "metadata": {"public": "true"}})
    assert (made.status, made.body) == (201, b"")
    number = await project_id(app, name)
    assert made.location == f"{BASE}/projects/{number}"

    read = (await call(somebody, app, "GET", f"/projects/{name}")).json()
    assert read["project_id"] == number
    assert (read["name"], read["owner_id"], read["owner_name"]) == (name, somebody.id, somebody.username)
    assert (read["current_user_role_id"], read["current_user_role_ids"], read["repo_count"]) == (1, [1], 0)
    assert read["metadata"] == {"public": "true", "trash_days": "7"}
    assert read["cve_allowlist"]["items"] == []
    assert read["creation_time"].endswith("Z")
    assert read == (await call(somebody, app, "GET", f"/projects/{number}")).json()

    change = {"metadata": {"severity": "High", "auto_scan": "true", "retention_id": "9"}, "project_name": "other"}
    assert (await call(somebody, app, "PUT", f"/projects/{name}", change)).status == 200
    read = (await call(somebody, app, "GET", f"/projects/{name}")).json()
    assert read["metadata"] == {"public": "true", "severity": "high", "auto_scan": "true", "trash_days": "7"}
    assert (await call(somebody, app, "PUT", f"/projects/{name}", {"metadata": {"public": "false"}})).status == 200
    assert (await call(None, app, "GET", f"/projects/{name}")).status == 401

    assert (await call(somebody, app, "GET", f"/projects/{name}/_deletable")).json() == {
        "deletable": True,
        "message": "",
    }
    assert (await call(somebody, app, "DELETE", f"/projects/{name}")).status == 200
    assert (await call(somebody, app, "GET", f"/projects/{name}")).status == 403


async def test_the_location_ends_in_the_name_when_asked_for(app: Server) -> None:
    somebody, name = await make_user(app), unique("api")
    made = await call(somebody, app, "POST", "/projects", {"project_name": name}, x_resource_name_in_location="true")
    assert made.location == f"{BASE}/projects/{name}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"project_name": "Capital"}, 400),
        ({"project_name": ""}, 400),
        ({}, 400),
        ({"project_name": "a" * 256}, 400),
        ({"project_name": "good", "metadata": {"public": "maybe"}}, 400),
        ({"project_name": "good", "metadata": {"severity": "worse"}}, 400),
        ({"project_name": 7}, 422),
        ([], 422),
        ({"project_name": "good", "cve_allowlist": {"items": [{"cve_id": "A"}, {"cve_id": "A"}]}}, 400),
    ],
)
async def test_what_cannot_be_a_project_is_refused_and_nothing_is_left(
    app: Server, admin: Client, body: Any, status: int
) -> None:
    answer = await call(admin, app, "POST", "/projects", body)
    assert (answer.status, bool(answer.code)) == (status, True), answer.body
    assert (await call(admin, app, "GET", "/projects/good")).status == 404


async def test_a_nul_is_refused_wherever_it_stands(app: Server, admin: Client, project: str) -> None:
    for path in ("/projects?name=%00", f"/projects/{project}/members?entityname=a%00", f"/projects/{project}?what=%00"):
        answer = await call(admin, app, "GET", path)
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY"), path
    assert (await call(admin, app, "GET", "/projects?q=name%3D~a%2500")).status == 400
    answer = await call(admin, app, "POST", "/projects", {"project_name": "a\0b"})
    assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY")


async def test_a_broken_body_is_400(app: Server, admin: Client) -> None:
    answer = await app.send(
        "POST", f"{BASE}/projects", b"{", headers={**admin.basic, "content-type": "application/json"}
    )
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


async def test_of_many_who_create_one_name_one_succeeds(app: Server) -> None:
    somebody, name = await make_user(app), unique("race")
    answers = await asyncio.gather(
        *(call(somebody, app, "POST", "/projects", {"project_name": name}) for _ in range(20))
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert {answer.code for answer in answers if answer.status == 409} == {"CONFLICT"}


async def test_only_administrators_choose_the_limit_and_a_registry(app: Server, admin: Client) -> None:
    somebody, name = await make_user(app), unique("limit")
    assert (await call(somebody, app, "POST", "/projects", {"project_name": name, "storage_limit": 5})).status == 201
    summary = (await call(somebody, app, "GET", f"/projects/{name}/summary")).json()
    assert summary["quota"]["hard"] == {"storage": -1, "repositories": -1, "tags": -1}
    assert summary["quota"]["used"] == {"storage": 0, "repositories": 0, "tags": 0}
    other = unique("limit")
    assert (await call(admin, app, "POST", "/projects", {"project_name": other, "storage_limit": 5000})).status == 201
    hard = (await call(admin, app, "GET", f"/projects/{other}/summary")).json()["quota"]["hard"]
    assert hard["storage"] == 5000
    wrong = await call(admin, app, "POST", "/projects", {"project_name": unique("x"), "storage_limit": 2**60})
    assert wrong.status == 400
    proxy = {"project_name": unique("x"), "registry_id": 10**9}
    assert (await call(somebody, app, "POST", "/projects", proxy)).status == 403
    assert (await call(admin, app, "POST", "/projects", proxy)).status == 404


async def test_a_project_with_repositories_is_not_deleted(app: Server, project: str, admin: Client) -> None:
    client = await make_robot(app, project, "pull", "push")
    await client.repo(f"{project}/app").image("v1")
    assert (await call(admin, app, "GET", f"/projects/{project}/_deletable")).json()["deletable"] is False
    answer = await call(admin, app, "DELETE", f"/projects/{project}")
    assert (answer.status, answer.code) == (412, "PRECONDITION")
    assert (await call(admin, app, "GET", f"/projects/{project}")).json()["repo_count"] == 1


async def test_protected_fields_stay_as_they_are(app: Server) -> None:
    somebody, name = await make_user(app), unique("mass")
    body = {
        "project_name": name, "project_id": 1, "id": 1, "owner_id": 1, "deleted": True, "creation_time": "2001-01-01",
        "repo_count": 9, "epoch": 7, "current_user_role_id": 1,
    }  # fmt: skip
    assert (await call(somebody, app, "POST", "/projects", body)).status == 201
    read = (await call(somebody, app, "GET", f"/projects/{name}")).json()
    assert read["project_id"] != 1
    assert (read["owner_id"], read["repo_count"]) == (somebody.id, 0)
    body["owner_name"] = "admin"
    assert (await call(somebody, app, "PUT", f"/projects/{name}", body)).status == 200
    again = (await call(somebody, app, "GET", f"/projects/{name}")).json()
    assert {**again, "update_time": ""} == {**read, "update_time": ""}


async def test_head_tells_any_signed_in_caller_whether_a_name_is_taken(app: Server, project: str) -> None:
    somebody = await make_user(app)
    assert (await call(somebody, app, "HEAD", f"/projects?project_name={project}")).status == 200
    assert (await call(somebody, app, "HEAD", "/projects?project_name=not-there")).status == 404
    assert (await call(somebody, app, "HEAD", "/projects?project_name=%00")).status == 422
    assert (await call(None, app, "HEAD", f"/projects?project_name={project}")).status == 401
    assert (await call(somebody, app, "HEAD", "/projects")).status == 422


# -- lists ------------------------------------------------------------------------------------------------


async def names(client: Client | None, app: Server, query: str) -> list[str]:
    answer = await call(client, app, "GET", f"/projects?{query}")
    assert answer.status == 200, answer.body
    assert answer.header("x-total-count") is not None
    return [one["name"] for one in answer.json()]


async def test_everybody_sees_what_is_theirs_and_what_is_public(app: Server, admin: Client) -> None:
    word = unique("seen")
    hidden = await call(admin, app, "POST", "/projects", {"project_name": f"{word}-hidden"})
    shown = await call(admin, app, "POST", "/projects", {"project_name": f"{word}-shown", "public": True})
    assert (hidden.status, shown.status) == (201, 201)
    member = await make_user(app, {f"{word}-hidden": Role.LIMITED_GUEST})
    stranger = await make_user(app)
    both, one = [f"{word}-hidden", f"{word}-shown"], [f"{word}-shown"]
    assert await names(admin, app, f"name={word}") == both
    assert await names(member, app, f"name={word}") == both
    assert await names(stranger, app, f"name={word}") == one
    assert await names(None, app, f"name={word}") == one
    assert await names(None, app, f"name={word}&public=false") == []
    assert await names(member, app, f"name={word}&public=false") == [f"{word}-hidden"]
    robot = await make_robot(app, f"{word}-hidden", "pull")
    assert await names(robot, app, f"q=name=~{word}") == both

    group = await app.run(groups.create_group, 3, unique("g"), "devs")
    number = await project_id(app, f"{word}-hidden")
    await app.run(projects.set_group_member, number, group, Role.GUEST)
    await app.rows("INSERT INTO group_member (principal_id, group_id) VALUES (:p, :g)", p=stranger.id, g=group)
    assert await names(stranger, app, f"name={word}") == both
    read = (await call(stranger, app, "GET", f"/projects/{word}-hidden")).json()
    assert (read["current_user_role_id"], read["current_user_role_ids"]) == (3, [3])


async def test_lists_are_filtered_sorted_and_paged(app: Server) -> None:
    somebody, word = await make_user(app), unique("page")
    for number in range(5):
        body = {"project_name": f"{word}-{number}", "metadata": {"public": "true" if number % 2 else "false"}}
        assert (await call(somebody, app, "POST", "/projects", body)).status == 201
    assert await names(somebody, app, f"q=name=~{word}&sort=-name") == [f"{word}-{n}" for n in (4, 3, 2, 1, 0)]
    assert await names(somebody, app, f"q=name=~{word},public=true") == [f"{word}-1", f"{word}-3"]
    assert await names(somebody, app, f"owner={somebody.username}&sort=creation_time") == [
        f"{word}-{n}" for n in range(5)
    ]
    assert await names(somebody, app, "q=owner_id=999999999") == []
    answer = await call(somebody, app, "GET", f"/projects?q=name%3D~{word}&page=2&page_size=2")
    assert [one["name"] for one in answer.json()] == [f"{word}-2", f"{word}-3"]
    assert answer.header("x-total-count") == "5"
    link = answer.header("link") or ""
    assert 'rel="prev" , <' in link
    assert "page=3&page_size=2" in link
    assert (await call(somebody, app, "GET", "/projects?page_size=101")).status == 422
    strange = await call(somebody, app, "GET", "/projects?q=colour=red&sort=smell")
    assert strange.status == 200
    assert "colour" in (strange.header("warning") or "")
    short = (await call(somebody, app, "GET", f"/projects?name={word}&with_detail=false&page_size=1")).json()[0]
    assert short["repo_count"] == 0
    assert not {"current_user_role_id", "cve_allowlist"} & short.keys()


# -- metadata ---------------------------------------------------------------------------------------------


async def test_metadata_is_written_one_by_one_by_who_may(app: Server, admin: Client, project: str) -> None:
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    maintainer = await make_user(app, {project: Role.MAINTAINER})
    path = f"/projects/{project}/metadatas"
    for client in (maintainer, await make_user(app)):
        for key in ("public", "prevent_vul", "enable_content_trust_cosign", "auto_scan", "severity"):
            for method, target in (("POST", path), ("PUT", f"{path}/{key}"), ("DELETE", f"{path}/{key}")):
                body = None if method == "DELETE" else {key: "true"}
                assert (await call(client, app, method, target, body)).status == 403, (method, key)
    assert (await call(owner, app, "POST", path + "/", {"prevent_vul": "TRUE"})).status == 200
    assert (await call(owner, app, "POST", path, {"prevent_vul": "true"})).status == 409
    assert (await call(owner, app, "POST", path, {"prevent_vul": "true", "auto_scan": "true"})).status == 400
    assert (await call(maintainer, app, "GET", f"{path}/prevent_vul")).json() == {"prevent_vul": "true"}
    assert (await call(owner, app, "PUT", f"{path}/prevent_vul", {"prevent_vul": "no"})).status == 400
    assert (await call(owner, app, "PUT", f"{path}/prevent_vul", {"auto_scan": "true"})).status == 400
    assert (await call(owner, app, "PUT", f"{path}/nonsense", {"nonsense": "true"})).status == 404
    assert (await call(owner, app, "PUT", f"{path}/retention_id", {"retention_id": "7"})).status == 404
    assert (await call(owner, app, "DELETE", f"{path}/prevent_vul")).status == 200
    assert (await call(owner, app, "GET", f"{path}/prevent_vul")).status == 404
    assert (await call(owner, app, "GET", path)).status == 403
    assert (await call(admin, app, "GET", path)).json() == {"public": "false", "trash_days": "7"}
    assert (await call(owner, app, "PUT", f"{path}/public", {"public": "true"})).status == 200
    assert (await call(None, app, "GET", f"/projects/{project}")).status == 200


# -- members ----------------------------------------------------------------------------------------------


async def test_members_come_change_and_go(app: Server, project: str) -> None:
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    somebody = await make_user(app)
    path = f"/projects/{project}/members"
    made = await call(owner, app, "POST", path, {"role_id": 3, "member_user": {"username": somebody.username.upper()}})
    assert made.status == 201, made.body
    member = made.location.removeprefix(BASE)
    read = (await call(owner, app, "GET", member)).json()
    assert {**read, "id": 0} == {
        "id": 0, "project_id": await project_id(app, project), "entity_name": somebody.username, "role_name": "guest",
        "role_id": 3, "entity_id": somebody.id, "entity_type": "u",
    }  # fmt: skip
    again = await call(owner, app, "POST", path, {"role_id": 2, "member_user": {"user_id": somebody.id}})
    assert (again.status, again.code) == (409, "CONFLICT")
    token = await somebody.token(f"repository:{project}/x:pull")
    assert token
    assert (await call(owner, app, "PUT", member, {"role_id": 4})).status == 200
    assert (await call(owner, app, "GET", member)).json()["role_name"] == "maintainer"
    listed = await call(owner, app, "GET", f"{path}?entityname={somebody.username[2:]}")
    assert [one["entity_id"] for one in listed.json()] == [somebody.id]
    assert listed.header("x-total-count") == "1"
    assert (await call(owner, app, "DELETE", member)).status == 200
    assert (await call(owner, app, "GET", member)).status == 404
    assert (await call(somebody, app, "GET", f"/projects/{project}")).status == 403


async def test_a_list_of_members_says_what_else_gives_them_access(app: Server, admin: Client, project: str) -> None:
    number = await project_id(app, project)
    both, plain = await make_user(app, {project: Role.GUEST}), await make_user(app, {project: Role.DEVELOPER})
    for name, role in (("xx-writers", Role.MAINTAINER), ("xx-readers", Role.LIMITED_GUEST), ("xx-others", None)):
        group = await app.run(groups.create_group, 3, unique("g"), name)
        await app.rows("INSERT INTO group_member (principal_id, group_id) VALUES (:p, :g)", p=both.id, g=group)
        if role is not None:
            await app.run(projects.set_group_member, number, group, role)
    await app.run(projects.set_member, number, admin.id, Role.GUEST)
    path = f"/projects/{project}/members"
    shown = {one["entity_name"]: one for one in (await call(admin, app, "GET", path)).json()}
    groups_of_both = [{"group_name": "xx-readers", "role_id": 5}, {"group_name": "xx-writers", "role_id": 4}]
    assert shown[both.username]["through"] == groups_of_both
    assert not {"through", "is_admin"} & (shown[plain.username].keys() | shown["xx-writers"].keys())
    assert shown[admin.username]["is_admin"]
    for_guest = {one["entity_name"]: one for one in (await call(both, app, "GET", path)).json()}
    assert for_guest[both.username]["through"] == groups_of_both
    assert "is_admin" not in for_guest[admin.username]


@pytest.mark.parametrize(
    "body",
    [
        {"role_id": 99, "member_user": {"username": "admin"}},
        {"role_id": 0, "member_user": {"username": "admin"}},
        {"member_user": {"username": "admin"}},
        {"role_id": 1},
        {"role_id": 1, "member_user": {"username": "nobody-of-this-name"}},
        {"role_id": 1, "member_user": {"user_id": 2**40}},
        {"role_id": 1, "member_group": {"id": 2**40}},
        {"role_id": 1, "member_group": {"group_type": 9, "group_name": "x"}},
        {"role_id": 1, "member_group": {"ldap_group_dn": "no dn"}},
    ],
)
async def test_who_cannot_be_a_member_is_refused(app: Server, admin: Client, project: str, body: Any) -> None:
    before = (await call(admin, app, "GET", f"/projects/{project}/members")).json()
    answer = await call(admin, app, "POST", f"/projects/{project}/members", body)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST"), answer.body
    assert (await call(admin, app, "GET", f"/projects/{project}/members")).json() == before


async def test_a_group_is_a_member_by_its_dn_however_it_is_spelled(app: Server, admin: Client, project: str) -> None:
    path = f"/projects/{project}/members"
    word = unique("devs")
    body = {"role_id": 2, "member_group": {"ldap_group_dn": f"CN={word}, OU=Groups,DC=example,DC=org"}}
    assert (await call(admin, app, "POST", path, body)).status == 201
    body["member_group"] = {"ldap_group_dn": f"cn={word},ou=groups,dc=example,dc=org"}
    assert (await call(admin, app, "POST", path, body)).status == 409
    (found,) = (await call(admin, app, "GET", f"{path}?entityname={word}")).json()
    assert (found["entity_type"], found["role_name"]) == ("g", "developer")
    assert (await call(admin, app, "PUT", f"{path}/{found['id']}", {"role_id": 3})).status == 200
    assert (await call(admin, app, "DELETE", f"{path}/{found['id']}")).status == 200


async def test_a_member_of_another_project_is_none_of_this_one(app: Server, project: str, admin: Client) -> None:
    other = await make_project(app)
    theirs = await make_user(app, {other: Role.GUEST})
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    listed = (await call(admin, app, "GET", f"/projects/{other}/members")).json()
    foreign = next(one["id"] for one in listed if one["entity_id"] == theirs.id)
    for number in (foreign, 0, -1, 2**62, 2**63, 10**30):
        path = f"/projects/{project}/members/{number}"
        assert (await call(owner, app, "GET", path)).status == 404, number
        assert (await call(owner, app, "PUT", path, {"role_id": 1})).status == 404
        assert (await call(owner, app, "DELETE", path)).status == 404
    assert (await call(owner, app, "DELETE", f"/projects/{other}/members/{foreign}")).status == 403
    assert (await call(admin, app, "GET", f"/projects/{other}/members")).json() == listed


async def test_a_maintainer_does_not_make_themselves_more(app: Server, project: str) -> None:
    maintainer = await make_user(app, {project: Role.MAINTAINER})
    body = {"role_id": 1, "member_user": {"user_id": maintainer.id}}
    assert (await call(maintainer, app, "POST", f"/projects/{project}/members", body)).status == 403
    listed = (await call(maintainer, app, "GET", f"/projects/{project}/members")).json()
    mine = next(one for one in listed if one["entity_id"] == maintainer.id)
    assert (
        await call(maintainer, app, "PUT", f"/projects/{project}/members/{mine['id']}", {"role_id": 1})
    ).status == 403
    assert mine["role_id"] == 4


async def test_what_a_limited_guest_may_not_know_is_left_out_of_the_summary(app: Server, project: str) -> None:
    limited = await make_user(app, {project: Role.LIMITED_GUEST})
    guest = await make_user(app, {project: Role.GUEST})
    seen = (await call(limited, app, "GET", f"/projects/{project}/summary")).json()
    assert "project_admin_count" not in seen
    assert seen["quota"]["hard"]["storage"] == -1
    more = (await call(guest, app, "GET", f"/projects/{project}/summary")).json()
    assert (more["guest_count"], more["limited_guest_count"], more["developer_count"]) == (1, 1, 0)
