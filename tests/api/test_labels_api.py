"""Labels and immutable tag rules through the REST API."""

import asyncio
from typing import Any
from urllib.parse import quote

from moorage.access.policy import Role
from tests.api.client import Answer, Client, Server, encode
from tests.api.conftest import make_project, make_user, project_id, unique

BASE = "/api/v2.0"


async def ask(app: Server, who: Client, method: str, path: str, body: object = None) -> Answer:
    """A request, with a JSON body when there is one."""
    raw = b"" if body is None else encode(body)  # type: ignore[arg-type]
    return await app.send(method, BASE + path, raw, headers={**who.basic, "content-type": "application/json"})


async def make_label(app: Server, who: Client, **body: object) -> int:
    """A new label's id."""
    answer = await ask(app, who, "POST", "/labels", {"name": unique("label"), **body})
    assert (answer.status, answer.body) == (201, b""), answer
    return int(answer.location.rpartition("/")[2])


async def test_a_label_of_the_system_is_made_changed_and_deleted(app: Server, admin: Client) -> None:
    name = unique("label")
    made = await make_label(
        app, admin, name=name, description="<b>x</b>", color="#f00", scope="g", id=1, project_id=1,
        creation_time="2000-01-01T00:00:00Z", deleted=True, level="s",
    )  # fmt: skip
    shown = (await ask(app, admin, "GET", f"/labels/{made}")).json()
    assert {key: shown[key] for key in ("id", "name", "description", "color", "scope")} == {
        "id": made, "name": name, "description": "<b>x</b>", "color": "#f00", "scope": "g",
    }  # fmt: skip
    assert "project_id" not in shown
    assert shown["creation_time"] > "2020"
    for who in (admin, Client(app)):
        assert made in {one["id"] for one in (await ask(app, who, "GET", f"/labels?scope=g&name={name}")).json()}
    change = {"name": f"{name}-2", "scope": "p", "project_id": 1, "id": 7}
    assert (await ask(app, admin, "PUT", f"/labels/{made}", change)).status == 200
    after = (await ask(app, admin, "GET", f"/labels/{made}")).json()
    assert (after["name"], after["color"], after["scope"]) == (f"{name}-2", "#f00", "g")
    assert (await ask(app, admin, "DELETE", f"/labels/{made}")).status == 200
    for method in ("GET", "DELETE"):
        assert (await ask(app, admin, method, f"/labels/{made}")).status == 404
    rows = await app.rows(
        "SELECT operation FROM audit WHERE resource_type = 'label' AND resource LIKE :n", n=f"{name}%"
    )
    assert sorted(rows) == [("create",), ("delete",), ("update",)]


async def test_what_is_no_label_is_refused(app: Server, admin: Client, project: str) -> None:
    number = await project_id(app, project)
    for body in (
        {"name": "", "scope": "g"}, {"scope": "g"}, {"name": "x" * 129, "scope": "g"}, {"name": "x"},
        {"name": "x", "scope": "s"}, {"name": "x", "scope": "p"}, {"name": "x", "scope": "p", "project_id": -1},
        {"name": "a\nb", "scope": "g"}, {"name": "x", "scope": "g", "color": "c" * 33},
    ):  # fmt: skip
        answer = await ask(app, admin, "POST", "/labels", body)
        assert (answer.status, answer.code) == (400, "BAD_REQUEST"), body
    for query in ("", "scope=x", "scope=p", "scope=p&project_id=0"):
        assert (await ask(app, admin, "GET", f"/labels?{query}")).status == 400, query
    name = unique("label")
    for scope in ({"scope": "g"}, {"scope": "p", "project_id": number}):
        answers = await asyncio.gather(*(ask(app, admin, "POST", "/labels", {"name": name, **scope}) for _ in range(8)))
        assert sorted(one.status for one in answers) == [201] + [409] * 7
    other = await make_label(app, admin, scope="g")
    assert (await ask(app, admin, "PUT", f"/labels/{other}", {"name": name})).status == 409
    for one in ("0", "-1", str(2**63), str(2**70)):
        assert (await ask(app, admin, "GET", f"/labels/{one}")).status == 404, one


async def test_who_may_do_what_with_labels(app: Server, admin: Client) -> None:
    mine, other = await make_project(app), await make_project(app)
    number, theirs = await project_id(app, mine), await project_id(app, other)
    made = await make_label(app, admin, scope="p", project_id=number)
    foreign = await make_label(app, admin, scope="p", project_id=theirs)
    system = await make_label(app, admin, scope="g")
    expected = {Role.LIMITED_GUEST: (403, 403), Role.GUEST: (200, 403), Role.DEVELOPER: (200, 403),
                Role.MAINTAINER: (200, 200), Role.PROJECT_ADMIN: (200, 200)}  # fmt: skip
    for role, (read, change) in expected.items():
        who = await make_user(app, {mine: role})
        assert (await ask(app, who, "GET", f"/labels?scope=p&project_id={number}")).status == read
        assert (await ask(app, who, "GET", f"/labels/{made}")).status == read
        assert (await ask(app, who, "PUT", f"/labels/{made}", {"color": role.name})).status == change
        body = {"name": unique("label"), "scope": "p", "project_id": number}
        assert (await ask(app, who, "POST", "/labels", body)).status == (201 if change == 200 else 403)
        for wrong in (foreign, system, 10**9):
            for method in ("GET", "DELETE"):
                assert (await ask(app, who, method, f"/labels/{wrong}")).status == 403, (role, wrong)
        assert (await ask(app, who, "GET", f"/labels?scope=p&project_id={theirs}")).status == 403
        assert (await ask(app, who, "POST", "/labels", {"name": "x", "scope": "g"})).status == 403
    nobody = Client(app)
    for path in (f"/labels/{made}", f"/labels/{system}", f"/labels?scope=p&project_id={number}"):
        assert (await ask(app, nobody, "GET", path)).status == 401


async def test_labels_are_put_on_artifacts_and_found_by(app: Server, admin: Client, project: str) -> None:
    number, other = await project_id(app, project), await make_project(app)
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", config=b'{"n":1}')
    await repo.image("v2", config=b'{"n":2}')
    first = await make_label(app, admin, scope="g")
    second = await make_label(app, admin, scope="p", project_id=number)
    foreign = await make_label(app, admin, scope="p", project_id=await project_id(app, other))
    base = f"/projects/{project}/repositories/app/artifacts"
    developer = await make_user(app, {project: Role.DEVELOPER})
    guest = await make_user(app, {project: Role.GUEST})
    assert (await ask(app, guest, "POST", f"{base}/v1/labels", {"id": first})).status == 403
    for tag, label in (("v1", first), ("v1", second), ("v2", first)):
        assert (await ask(app, developer, "POST", f"{base}/{tag}/labels", {"id": label, "name": "x"})).status == 200
    assert (await ask(app, developer, "POST", f"{base}/v1/labels", {"id": first})).status == 409
    for wrong in (foreign, 0, -1, 2**63, None):
        assert (await ask(app, developer, "POST", f"{base}/v1/labels", {"id": wrong})).status == 404, wrong
    assert (await ask(app, developer, "POST", f"{base}/nothing/labels", {"id": first})).status == 404

    async def uses(who: Client, scope: str) -> dict[int, int | None]:
        answer = await ask(app, who, "GET", f"/labels?scope={scope}&page_size=100")
        return {one["id"]: one.get("artifact_count") for one in answer.json()}

    assert (await uses(admin, "g"))[first] == 2
    assert (await uses(guest, "g"))[first] is None  # of projects that they do not know, too
    assert await uses(developer, f"p&project_id={number}") == {second: 1}
    assert (await ask(app, admin, "DELETE", f"{base}/v1/labels/{second}")).status == 200
    assert await uses(developer, f"p&project_id={number}") == {second: 0}
    assert (await ask(app, developer, "POST", f"{base}/v1/labels", {"id": second})).status == 200

    async def found(query: str) -> list[str]:
        answer = await ask(app, guest, "GET", f"{base}?with_label=true&q={quote(query)}")
        assert answer.status == 200, answer
        return [item["tags"][0]["name"] for item in answer.json()]

    assert await found(f"labels=({first})") == ["v2", "v1"]
    assert await found(f"labels=({first} {second})") == ["v1"]
    assert await found(f"labels=({foreign})") == []
    shown = (await ask(app, guest, "GET", f"{base}/v1?with_label=true")).json()["labels"]
    assert {label["id"] for label in shown} == {first, second}
    assert (await ask(app, developer, "DELETE", f"{base}/v1/labels/{first}")).status == 200
    assert (await ask(app, developer, "DELETE", f"{base}/v1/labels/{first}")).status == 404
    assert await found(f"labels=({first})") == ["v2"]
    assert (await ask(app, admin, "DELETE", f"/labels/{first}")).status == 200
    assert "labels" not in (await ask(app, guest, "GET", f"{base}/v2?with_label=true")).json()


def rule(tags: str = "v*", repositories: str = "**", **more: object) -> dict[str, Any]:
    """The body of a rule."""
    return {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": tags}],
        "scope_selectors": {
            "repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": repositories}]
        },
        **more,
    }


async def test_a_rule_keeps_tags_artifacts_and_repositories(app: Server, admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    digest = await repo.image("v1", "free")
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    rules = f"/projects/{project}/immutabletagrules"
    answer = await ask(app, owner, "POST", rules, rule(id=9, params=None, priority=None))
    assert (answer.status, answer.body) == (201, b"")
    (shown,) = (await ask(app, owner, "GET", rules)).json()
    assert answer.location.endswith(f"/{shown['id']}")
    assert (shown["disabled"], shown["tag_selectors"][0]["pattern"]) == (False, "v*")
    base = f"/projects/{project}/repositories/app"
    tags = (await ask(app, owner, "GET", f"{base}/artifacts/{digest}?with_immutable_status=true")).json()["tags"]
    assert {tag["name"]: tag["immutable"] for tag in tags} == {"v1": True, "free": False}
    tags = (await ask(app, owner, "GET", f"{base}/artifacts/{digest}/tags?with_immutable_status=true")).json()
    assert {tag["name"]: tag["immutable"] for tag in tags} == {"v1": True, "free": False}
    for path in (f"{base}/artifacts/v1/tags/v1", f"{base}/artifacts/free", base):
        answer = await ask(app, owner, "DELETE", path)
        assert (answer.status, answer.code) == (412, "PRECONDITION"), path
    assert await repo.listed() == ["free", "v1"]
    assert (await ask(app, owner, "POST", f"{base}/artifacts/free/tags", {"name": "v2"})).status == 201
    one = f"{rules}/{shown['id']}"
    assert (await ask(app, owner, "PUT", one, {**shown, "disabled": True})).status == 200
    assert (await ask(app, owner, "DELETE", f"{base}/artifacts/v1/tags/v1")).status == 200
    assert (await ask(app, owner, "DELETE", one)).status == 200
    assert (await ask(app, owner, "DELETE", one)).status == 404
    assert (await ask(app, owner, "DELETE", base)).status == 200


async def test_rules_are_checked_and_belong_to_their_project(app: Server, admin: Client, project: str) -> None:
    other = await make_project(app)
    owner = await make_user(app, {project: Role.PROJECT_ADMIN})
    answer = await ask(app, admin, "POST", f"/projects/{other}/immutabletagrules", rule())
    foreign = answer.location.rpartition("/")[2]
    rules = f"/projects/{project}/immutabletagrules"
    for body, status in (
        ({}, 400), (rule(tags="[!]{"), 400), ({**rule(), "tag_selectors": []}, 400), (rule(priority=2**40), 400),
        ({**rule(), "tag_selectors": "x"}, 422), (rule(disabled="no"), 422),
    ):  # fmt: skip
        assert (await ask(app, owner, "POST", rules, body)).status == status, body
    for method, said in (("PUT", rule()), ("DELETE", None)):
        for number in (foreign, "0", "-1", str(2**63)):
            assert (await ask(app, owner, method, f"{rules}/{number}", said)).status == 404, (method, number)
        path = f"/projects/{other}/immutabletagrules/{foreign}"
        assert (await ask(app, owner, method, path, said)).status == 403
    assert (await ask(app, owner, "POST", rules, rule())).status == 201
    assert (await ask(app, owner, "POST", rules, rule())).status == 409
    developer = await make_user(app, {project: Role.DEVELOPER})
    assert (await ask(app, developer, "GET", rules)).status == 403
    assert (await ask(app, Client(app), "GET", rules)).status == 401
