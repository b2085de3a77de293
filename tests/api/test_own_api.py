"""What a page asks of whoever looks at it: permissions in many places, and preferences."""

import asyncio
from typing import Any

import pytest

from moorage.access.policy import Role
from moorage.users import service as users
from tests.api.client import Answer, Client, Server, encode
from tests.api.conftest import make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import BASE, get, post

PERMISSIONS = f"{BASE}/users/current/permissions"
PREFERENCES = f"{BASE}/users/current/preferences"
JSON = {"content-type": "application/json"}


async def ask(app: Server, who: Client | None, *scopes: str) -> list[Any]:
    """What somebody may do in these places."""
    headers = {**(who.basic if who else {}), **JSON}
    answer = await app.send("POST", PERMISSIONS, encode({"scopes": list(scopes)}), headers=headers)
    assert answer.status == 200, answer
    found: list[Any] = answer.json()
    assert [one["scope"] for one in found] == list(scopes)
    return found


async def put(app: Server, who: Client, document: object, **headers: str) -> Answer:
    """Set somebody's preferences."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = document if isinstance(document, bytes) else encode(document)  # type: ignore[arg-type]
    return await app.send("PUT", PREFERENCES, body, headers={**who.basic, **JSON, **named})


# -- permissions ------------------------------------------------------------------------------------------


async def test_it_says_of_each_place_what_the_contract_says_of_one(app: Server, admin: Client) -> None:
    projects = [await make_project(app) for _ in range(4)]
    public = await make_project(app, public=True)
    roles = dict(zip(projects, (Role.PROJECT_ADMIN, Role.DEVELOPER, Role.LIMITED_GUEST), strict=False))
    people = [await make_user(app, roles), await make_user(app, {public: Role.GUEST}), admin]
    people.append(await make_robot(app, projects[1], "pull", "push"))
    numbers = {name: await project_id(app, name) for name in (*projects, public)}
    scopes = ["/system", *(f"/project/{number}" for number in numbers.values())]
    for who in people:
        found = await ask(app, who, *scopes)
        for one in found:
            said = await get(app, who, f"{PERMISSIONS}?scope={one['scope']}&relative=true")
            expected = sorted(f"{entry['resource'] or 'project'}:{entry['action']}" for entry in said)
            assert one["permissions"] == expected, (who.username, one["scope"])
        by_name = await ask(app, who, *(f"/project/{name}" for name in numbers))
        assert [one["permissions"] for one in by_name] == [one["permissions"] for one in found[1:]]
        assert [one["project_id"] for one in by_name] == [one["project_id"] for one in found[1:]]
    pusher = (await ask(app, people[-1], scopes[2]))[0]
    assert pusher["permissions"] == ["repository:pull", "repository:push"]


async def test_what_is_missing_and_what_is_not_theirs_come_out_alike(app: Server, project: str) -> None:
    stranger = await make_user(app)
    number = await project_id(app, project)
    scopes = (f"/project/{number}", "/project/999999999", "/project/none", f"/project/{project}", "/project/0", "/x")
    found = await ask(app, stranger, *scopes, "/project/", "", "/project/" + "9" * 30)
    assert {(one["project_id"], tuple(one["permissions"])) for one in found} == {(None, ())}


async def test_nobody_has_what_everybody_has(app: Server, project: str) -> None:
    public = await make_project(app, public=True)
    open_one, private, system = await ask(app, None, f"/project/{public}", f"/project/{project}", "/system")
    assert "repository:pull" in open_one["permissions"]
    assert not any(one.endswith((":create", ":update", ":delete")) for one in open_one["permissions"])
    assert private["permissions"] == system["permissions"] == []


async def test_many_places_take_as_many_statements_as_one(app: Server) -> None:
    projects = [await make_project(app) for _ in range(100)]
    member = await make_user(app, dict.fromkeys(projects, Role.DEVELOPER))
    counts = set()
    for number in (1, 10, 100):
        with counting() as statements:
            found = await ask(app, member, "/system", *(f"/project/{name}" for name in projects[:number]))
        assert all(one["permissions"] for one in found[1:])
        counts.add(len(statements))
    assert counts == {0}  # it is one of the fast lane, as the guard's


@pytest.mark.parametrize("scopes", [[], ["/system"] * 201, "x", [7]])
async def test_what_cannot_be_asked(app: Server, admin: Client, scopes: object) -> None:
    assert (await post(app, admin, PERMISSIONS, {"scopes": scopes})).status in {400, 422}


# -- preferences ------------------------------------------------------------------------------------------


async def test_preferences_are_kept_whole_and_of_each_person(app: Server) -> None:
    me, other = await make_user(app), await make_user(app)
    assert await get(app, me, PREFERENCES) == {}
    document = {
        "language": "zh-CN",
        "columns": ["tag", "size"],
        "density": {"rows": 32},
        "none": None,
        "q": "\U0001f40b é",
    }
    answer = await put(app, me, document)
    assert (answer.status, answer.body) == (200, b"")
    assert await get(app, me, PREFERENCES) == document
    assert await get(app, other, PREFERENCES) == {}
    assert (await put(app, me, {"language": "de-DE"})).status == 200
    assert await get(app, me, PREFERENCES) == {"language": "de-DE"}
    written = await app.rows(
        "SELECT operation, resource_type, resource FROM audit WHERE resource = :name AND detail LIKE '%preferences%'"
        if app.database.kind == "sqlite"
        else "SELECT operation, resource_type, resource FROM audit "
        "WHERE resource = :name AND detail::text LIKE '%preferences%'",
        name=me.username,
    )
    assert written == [("update", "user", me.username)] * 2
    assert (await put(app, me, {})).status == 200
    assert await app.rows("SELECT 1 FROM preferences WHERE principal_id = :p", p=me.id) == []


async def test_a_change_that_was_not_seen_is_not_overwritten(app: Server) -> None:
    me = await make_user(app)
    nothing = (await app.send("GET", PREFERENCES, headers=me.basic)).header("etag") or ""
    first = await put(app, me, {"n": 1}, if_match=nothing)
    tag = first.header("etag") or ""
    assert (await app.send("GET", PREFERENCES, headers=me.basic)).header("etag") == tag != nothing
    stale = await put(app, me, {"n": 2}, if_match=nothing)
    assert (stale.status, stale.json()["errors"][0]["detail"]["reason"]) == (412, "PREFERENCES_STALE")
    assert (await put(app, me, {"n": 3}, if_match=f'"x", {tag}')).status == 200
    assert (await put(app, me, {"n": 4}, if_match="*")).status == 200
    assert (await put(app, me, {"n": 4}, if_match=tag)).status == 412

    tag = (await app.send("GET", PREFERENCES, headers=me.basic)).header("etag") or ""
    answers = await asyncio.gather(*(put(app, me, {"n": number}, if_match=tag) for number in range(10, 18)))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"x": "y" * (16 << 10)}, 422),
        ({"x": "y" * ((16 << 10) - 8)}, 200),
        (b"[]", 400),
        (b"null", 400),
        (b"no json", 400),
        (b'{"x": 1e999}', 400),
        (b'{"x": ' + b"[" * 3000 + b"]" * 3000 + b"}", 400),
        (b'{"x": "\\u0000"}', 400),
        (b'{"x": ' + b"9" * 200 + b"}", 200),
    ],
    ids=["large", "just-fits", "array", "null", "words", "infinite", "deep", "nul", "digits"],
)
async def test_what_is_no_preference(app: Server, document: object, status: int) -> None:
    me = await make_user(app)
    answer = await put(app, me, document)
    assert answer.status in {status, 422 if status == 400 else status}, answer
    assert (await get(app, me, PREFERENCES) == {}) == (status != 200)


async def test_who_has_preferences(app: Server, project: str) -> None:
    robot = await make_robot(app, project, "pull")
    assert (await app.send("GET", PREFERENCES)).status == 401
    assert (await app.send("PUT", PREFERENCES, b"{}", headers=JSON)).status == 401
    assert (await app.send("GET", PREFERENCES, headers=robot.basic)).status == 412
    assert (await put(app, robot, {"a": 1})).status == 412


async def test_a_person_who_is_deleted_leaves_none(app: Server) -> None:
    me = await make_user(app)
    assert (await put(app, me, {"word": unique("x")})).status == 200
    await app.run(users.delete_user, me.id)
    assert await app.rows("SELECT 1 FROM preferences WHERE principal_id = :p", p=me.id) == []
