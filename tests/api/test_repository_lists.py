"""Lists of the repositories of all projects: whose they are, and that each way to find a page finds the same."""

from typing import Any

import pytest
from sqlalchemy import insert

from moorage.access.policy import Role
from moorage.artifacts import repository_lists
from moorage.db.unit_of_work import Work
from moorage.projects import lists as project_lists
from moorage.projects import service as projects
from moorage.users import groups
from moorage.users.tables import GroupMember
from tests.api.client import Client, Server
from tests.api.conftest import make_project, make_robot, make_user, project_id, unique

BASE = "/api/v2.0"


async def names(app: Server, who: Client | None, path: str) -> list[str]:
    """The names of a list."""
    answer = await app.send("GET", f"{BASE}{path}", headers=who.basic if who else {})
    assert answer.status == 200, answer
    return [item["name"] for item in answer.json()]


async def join_by_group(app: Server, who: Client, project: str, role: Role) -> None:
    """Make somebody a member of a project by a group of theirs."""
    number = await project_id(app, project)

    def join(work: Work) -> None:
        group = groups.create_group(work, 2, unique("team"), "team")
        work.db.execute(insert(GroupMember).values(principal_id=who.id, group_id=group))
        projects.set_group_member(work, number, group, role)

    await app.run(join)


@pytest.mark.parametrize("way", ["gather", "walk", "ask"])
async def test_everybody_sees_the_repositories_of_their_projects(
    app: Server, admin: Client, monkeypatch: pytest.MonkeyPatch, way: repository_lists.Way
) -> None:
    monkeypatch.setattr(repository_lists, "_choose", lambda *_: way)
    mine, by_group, open_to_all, other = [
        await make_project(app, public=public) for public in (False, False, True, False)
    ]
    word = unique("app")
    for project in (mine, by_group, open_to_all, other):
        for number in (1, 2):
            await admin.repo(f"{project}/{word}-{number}").image("v1")
    ann = await make_user(app, {mine: Role.LIMITED_GUEST})
    await join_by_group(app, ann, by_group, Role.GUEST)
    robot = await make_robot(app, other, "list")

    def of(*wanted: str) -> list[str]:
        return [f"{project}/{word}-{number}" for project in reversed(wanted) for number in (2, 1)]

    seen = {
        "ann": (ann, of(mine, by_group, open_to_all)),
        "robot": (robot, of(open_to_all, other)),
        "nobody": (None, of(open_to_all)),
        "admin": (admin, of(mine, by_group, open_to_all, other)),
    }
    for who, expected in seen.values():
        assert [name for name in await names(app, who, "/repositories?page_size=100") if word in name] == expected
    by_name = await names(app, ann, "/repositories?page_size=100&sort=name")
    assert by_name == sorted(by_name)
    assert set(of(mine, by_group, open_to_all)) <= set(by_name)


@pytest.mark.parametrize("sort", ["", "&sort=name", "&sort=-pull_count", "&sort=creation_time"])
async def test_the_pages_are_the_whole_list(app: Server, admin: Client, sort: str) -> None:
    names_made = [await make_project(app) for _ in range(3)]
    for number in range(14):
        await admin.repo(f"{names_made[number % 3]}/app-{number}").image("v1")
    ann = await make_user(app, dict.fromkeys(names_made, Role.GUEST))
    whole = await names(app, ann, f"/repositories?page_size=100{sort}")
    total = len(whole)
    pages: list[str] = []
    for page in range(1, -(-total // 4) + 2):
        pages += await names(app, ann, f"/repositories?page_size=4&page={page}{sort}")
    assert pages == whole


def test_who_sees_few_gathers_and_who_sees_many_goes_through_all() -> None:
    choose = repository_lists._choose
    newest = (("creation_time", True),)
    assert choose((), 10, 6_000, 10_000) == "ask"
    assert choose(newest, 3_000, 6_000, 10_000) == "walk"
    assert choose(newest, 10, 30, 10_000) == "gather"
    assert choose((("pull_count", True),), 10, 6_000, 10_000) == "gather"
    assert choose((), 10, 1_000, 1_000_000) == "gather"


# -- projects, which are found in the same two ways --------------------------------------------------------


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_everybody_sees_their_projects(app: Server, monkeypatch: pytest.MonkeyPatch, *, one_by_one: bool) -> None:
    monkeypatch.setattr(project_lists, "_is_early", lambda *_: one_by_one)
    mine, by_group, open_to_all, other = [
        await make_project(app, public=public) for public in (False, False, True, False)
    ]
    ann = await make_user(app, {mine: Role.MAINTAINER})
    await join_by_group(app, ann, by_group, Role.GUEST)
    await join_by_group(app, ann, mine, Role.PROJECT_ADMIN)
    made = [mine, by_group, open_to_all, other]

    async def listed(who: Client | None) -> dict[str, Any]:
        answer = await app.send(
            "GET", f"{BASE}/projects?page_size=100&sort=-creation_time", headers=who.basic if who else {}
        )
        return {item["name"]: item["current_user_role_ids"] for item in answer.json() if item["name"] in made}

    assert await listed(ann) == {mine: [1, 4], by_group: [3], open_to_all: []}
    assert await listed(await make_robot(app, other, "list")) == {open_to_all: [], other: []}
    assert await listed(None) == {open_to_all: []}
