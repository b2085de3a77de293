"""The history of all tags of a repository, and the tags as they were at some moment."""

from typing import Any

from moorage.access.policy import Role
from tests.api.client import Client, Server
from tests.api.conftest import make_robot, make_user, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import BASE, at, get
from tests.api.test_tag_history import now


async def history(app: Server, who: Client, project: str, query: str = "") -> list[Any]:
    """The history of `app`."""
    found: list[Any] = await get(app, who, at(project, "app", f"/history?page_size=100{query}"))
    return found


async def test_it_tells_what_became_of_every_tag(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    first = await repo.image("v1", "latest", layers=[unique("layer").encode()])
    before = now()
    second = await repo.image("v2", "latest", layers=[unique("layer").encode()])
    between = now()
    assert (await app.send("DELETE", at(project, "app", f"/artifacts/{first}"), headers=admin.basic)).status == 200

    found = await history(app, admin, project)
    (entry,) = await get(app, admin, f"{BASE}/projects/{project}/trash")
    assert [(one["name"], one["digest"], one["ended_by"], one["kept"], one["trash_id"]) for one in found] == [
        ("latest", second, None, "here", None),
        ("v2", second, None, "here", None),
        ("latest", first, "moved", "trash", entry["id"]),
        ("v1", first, "deleted", "trash", entry["id"]),
    ]
    assert {one["by"] for one in found} == {"admin"}
    single = await get(app, admin, at(project, "app", "/tags/v1/history"))
    assert single == [{key: value for key, value in found[3].items() if key not in {"name", "trash_id"}}]

    assert [(one["name"], one["digest"]) for one in await history(app, admin, project, f"&at={before}")] == [
        ("latest", first), ("v1", first),
    ]  # fmt: skip
    assert [(one["name"], one["digest"]) for one in await history(app, admin, project, f"&at={between}")] == [
        ("latest", second), ("v1", first), ("v2", second),
    ]  # fmt: skip
    assert await history(app, admin, project, "&at=2020-01-01T00:00:00Z") == []
    assert [one["name"] for one in await history(app, admin, project, "&q=name=~v&sort=name")] == ["v1", "v2"]
    assert [one["name"] for one in await history(app, admin, project, "&q=ended_by=deleted")] == ["v1"]
    page = await app.send("GET", at(project, "app", f"/history?page=2&page_size=2&at={between}"), headers=admin.basic)
    assert ([one["name"] for one in page.json()], page.header("x-total-count")) == (["v2"], "3")

    restored = await app.send("POST", f"{BASE}/trash/{entry['id']}/restore", b"{}", headers={
        **admin.basic, "content-type": "application/json",
    })  # fmt: skip
    assert restored.status == 200
    assert all(one["trash_id"] is None for one in await history(app, admin, project))


async def test_the_number_of_statements_is_constant(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    counts = set()
    for number in (1, 10, 100):
        await repo.image(*(f"v{one}" for one in range(number)), layers=[unique("layer").encode()])
        for query in ("", f"&at={now()}"):
            with counting() as statements:
                assert len(await history(app, admin, project, query)) >= number
            counts.add(len(statements))
    assert counts == {4}


async def test_who_may_look(app: Server, admin: Client, project: str) -> None:
    await admin.repo(f"{project}/app").image("v1", layers=[unique("layer").encode()])
    path = at(project, "app", "/history")
    guest = await make_user(app, {project: Role.LIMITED_GUEST})
    assert (await app.send("GET", path)).status == 401
    assert (await app.send("GET", path, headers=guest.basic)).status == 200
    for who in (await make_user(app), await make_robot(app, project, "pull")):
        assert (await app.send("GET", path, headers=who.basic)).status == 403
    assert (await app.send("GET", at(project, "none", "/history"), headers=admin.basic)).status == 404
    for query in ("?at=yesterday", "?at=2026-13-01T00:00:00Z", "?q=name"):
        assert (await app.send("GET", f"{path}{query}", headers=admin.basic)).status == 400
