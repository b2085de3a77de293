"""The audit log, through the front door: pulls, and the lists of the REST API."""

import re

from moorage.access.policy import Role
from moorage.audit.event_filter import CONTRACT_EVENTS
from tests.api.client import Answer, Client, Server
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user, project_id


async def pulls_of(server: Server, project: str) -> list[tuple[object, ...]]:
    return await server.rows(
        "SELECT principal_name, address, resource, repeats, credential FROM audit"
        " WHERE operation = 'pull' AND resource_type = 'artifact' AND resource LIKE :like ORDER BY id",
        like=f"{project}/%",
    )


async def test_pulls_are_written_with_who_what_and_how_often(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    robot = await make_robot(server, project, "push")
    repo = robot.repo(f"{project}/app")
    digest = await repo.image("latest")

    for _ in range(3):
        await repo.get("manifests/latest")
    await repo.get(f"manifests/{digest}")
    await repo.head("manifests/latest")
    after = await serve(beside=server)
    await server.stop()

    name = robot.username
    assert sorted((row[0], row[2], row[3], row[4]) for row in await pulls_of(after, project)) == [
        (name, f"{project}/app:latest", 3, "token"),
        (name, f"{project}/app@{digest}", 1, "token"),
    ]
    assert await after.rows("SELECT sum(pulls) FROM pull") == [(4,)]


async def test_anonymous_pulls_have_no_name(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server, public=True)
    await (await make_robot(server, project, "push")).repo(f"{project}/app").image("v1")
    await Client(server).repo(f"{project}/app").get("manifests/v1")
    after = await serve(beside=server)
    await server.stop()
    assert [row[0] for row in await pulls_of(after, project)] == [""]


# -- lists ------------------------------------------------------------------------------------------------

BASE = "/api/v2.0"


async def get(client: Client, path: str) -> Answer:
    return await client.server.send("GET", f"{BASE}{path}", headers=client.basic)


async def test_the_lists_have_the_contracts_shapes(app: Server, admin: Client) -> None:
    project = await make_project(app)
    robot = await make_robot(app, project, "push")
    await robot.repo(f"{project}/app").image("v1")

    ext = await get(admin, f"/projects/{project}/auditlog-exts?q=resource_type%3Dartifact&page_size=1")
    old = await get(admin, f"/projects/{project}/logs?q=operation%3Dcreate,resource_type%3Dartifact")

    (row,) = ext.json()
    assert (ext.status, ext.header("x-total-count"), ext.header("link")) == (200, "1", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.pop("op_time"))
    assert row == {
        "id": row["id"], "username": robot.username, "resource": f"{project}/app:v1", "resource_type": "artifact",
        "operation": "create", "operation_description": f"create artifact: {project}/app:v1", "operation_result": True,
    }  # fmt: skip
    (older,) = old.json()
    assert set(older) == {"id", "username", "resource", "resource_type", "operation", "op_time"}
    assert older["id"] == row["id"]


async def test_pages_lead_to_each_other(app: Server, admin: Client) -> None:
    project = await make_project(app)
    for _ in range(5):
        await make_robot(app, project, "pull")
    path = f"/projects/{project}/auditlog-exts"
    found: list[int] = []
    link: str | None = f'</api/v2.0{path}?page_size=2&sort=op_time>; rel="next"'
    while link and 'rel="next"' in link:
        target = re.findall(r'<([^>]*)>; rel="next"', link)[0]
        answer = await app.send("GET", target, headers=admin.basic)
        assert answer.header("x-total-count") == "6"
        found += [row["id"] for row in answer.json()]
        link = answer.header("link")
    assert len(found) == 6
    assert found == sorted(found)


async def test_who_may_list_what(app: Server, admin: Client) -> None:
    mine, other = await make_project(app), await make_project(app)
    owner = await make_user(app, {mine: Role.PROJECT_ADMIN, other: Role.MAINTAINER})
    everyone = (await get(admin, "/auditlog-exts?page_size=100")).json()
    ids = {await project_id(app, mine)}

    own = await get(owner, "/auditlog-exts?page_size=100")
    old = await get(owner, "/audit-logs?page_size=100")

    assert {row["resource"] for row in own.json()} == {mine, owner.username}
    assert [row["id"] for row in own.json()] == [row["id"] for row in old.json()]
    assert len(everyone) > len(own.json())
    by_key = (await get(owner, "/audit")).json()["entries"]
    assert {row["project_id"] for row in by_key} == ids
    assert (await get(owner, f"/projects/{mine}/logs")).status == 200
    assert (await get(owner, f"/projects/{other}/logs")).status == 403
    assert (await get(owner, f"/projects/{other}/auditlog-exts")).status == 403
    assert (await get(owner, "/auditlog-exts/events")).status == 403
    for path in ("/auditlog-exts", "/audit-logs", "/auditlog-exts/events", "/audit", f"/projects/{mine}/logs"):
        assert (await get(Client(app), path)).status == 401


async def test_events_are_named(admin: Client) -> None:
    names = [row["event_type"] for row in (await get(admin, "/auditlog-exts/events")).json()]
    assert names[:18] == list(CONTRACT_EVENTS)
    assert "delete_tag" in names


async def test_bad_questions_are_refused_and_unknown_ones_named(admin: Client) -> None:
    for path, status in {
        "/auditlog-exts?page_size=101": 422,
        "/auditlog-exts?page=x": 422,
        "/auditlog-exts?q=x": 400,
        "/auditlog-exts?q=op_time%3Dnow": 400,
        "/auditlog-exts?sort=name,(select+1)": 400,
        "/audit?older_than=x": 422,
        "/audit?page_size=101": 422,
        "/audit?q=a": 400,
    }.items():
        assert (await get(admin, path)).status == status, path
    answer = await get(admin, "/auditlog-exts?q=colour%3Dred&sort=username")
    assert answer.header("warning") == '299 - "ignored, not known here: colour, username"'
    assert (await get(admin, "/auditlog-exts?page=1000000000000")).json() == []


async def test_the_list_by_key_tells_all_and_leads_on(app: Server, admin: Client) -> None:
    project = await make_project(app)
    for _ in range(4):
        await make_robot(app, project, "pull")
    number = await project_id(app, project)
    first = (await get(admin, f"/audit?q=project_id%3D{number}&page_size=3")).json()
    second = (await get(admin, f"/audit?q=project_id%3D{number}&page_size=3&older_than={first['older_than']}")).json()
    none = (await get(admin, f"/audit?q=project_id%3D{number}&newer_than={first['newer_than']}")).json()

    assert [row["operation_description"] for row in second["entries"]][-1] == f"create project: {project}"
    assert len(first["entries"]) + len(second["entries"]) == 5
    assert none == {"entries": [], "older_than": "", "newer_than": first["newer_than"]}
    assert {"credential", "address", "request_id", "repeats", "detail", "event_type"} <= set(first["entries"][0])


async def test_refusals_are_in_the_new_form_only(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    other = await make_user(server)
    assert (await get(other, f"/projects/{project}/logs")).status == 403
    after = await serve(beside=server)
    await server.stop()
    admin = administrator(after)

    (row,) = (await get(admin, f"/projects/{project}/auditlog-exts?q=operation_result%3Dfalse")).json()
    assert (row["username"], row["operation"], row["resource_type"]) == (other.username, "list", "log")
    assert row["operation_result"] is False
    assert row["operation_description"].endswith("(refused)")
    assert len((await get(admin, f"/projects/{project}/logs")).json()) == 1
