"""Who may do what on /v2: `v2_actions.csv` holds what is expected, written from the contract, not from the code."""

import csv
from pathlib import Path

from sqlalchemy import insert

from moorage.access.policy import NO_PROJECT, ROLE_NAMES, Account, Entry
from moorage.access.repository_grants import grant
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.tokens.scopes import parse_scopes
from moorage.users.tables import Group, GroupMember
from tests.api.identity.conftest import World

TABLE = list(csv.DictReader((Path(__file__).parent / "v2_actions.csv").read_text().splitlines()))
EVERYTHING = "repository:team/app:pull,push,delete,scanner-pull,list,admin registry:catalog:*"


def make_group_role(world: World, project_id: int, user_id: int, role: str) -> None:
    key = f"{role}-{project_id}"

    def story(work: Work) -> None:
        group = work.db.execute(
            insert(Group).values(kind=1, name=key, key=key, created_at=work.now).returning(Group.id)
        ).scalar_one()
        work.db.execute(insert(GroupMember).values(principal_id=user_id, group_id=group))
        projects.set_group_member(work, project_id, group, ROLE_NAMES[role])

    world.run(story)


def robot_permission(what: str, project_id: int, other_id: int) -> list[accounts.Permission]:
    if what == "nothing":
        return []
    if what == "catalog":
        return [accounts.Permission("catalog", "read", system=True)]
    where: int | None = project_id
    if what.startswith("all-"):
        where, what = None, what.removeprefix("all-")
    elif what.startswith("other-"):
        where, what = other_id, what.removeprefix("other-")
    resource = "artifact" if what.startswith("artifact-") else "repository"
    return [accounts.Permission(resource, what.removeprefix("artifact-"), where)]


async def make_holder(world: World, holder: str, project: tuple[int, str], other_id: int) -> Account | None:
    project_id, name = project
    if holder == "anonymous":
        return None
    if holder == "administrator":
        return await world.login.authenticate("admin", "admin-Pass1", "192.0.2.1")
    kind, _, what = holder.partition("-robot-")
    if what:
        robot = world.run(
            accounts.create_robot,
            f"{name}-ci",
            robot_permission(what, project_id, other_id),
            project=project if kind == "project" else None,
        )
        return await world.login.authenticate(f"robot${robot.name}", robot.secret, "192.0.2.1")
    ann = world.user(name)
    direct, _, group = holder.partition("-and-group-")
    if holder.startswith("groups-"):
        for role in holder.removeprefix("groups-").split("-and-"):
            make_group_role(world, project_id, ann, role)
    elif holder.startswith("group-"):
        make_group_role(world, project_id, ann, holder.removeprefix("group-"))
    elif holder != "non-member":
        world.member(project_id, ann, ROLE_NAMES[direct])
        if group:
            make_group_role(world, project_id, ann, group)
    return await world.login.authenticate(name, f"{name}-Pass1", "192.0.2.1")


async def test_each_holder_is_granted_what_the_table_says(world: World) -> None:
    differences = []
    for number, row in enumerate(TABLE):
        project = f"team{number}"
        project_id = world.project(project, public=row["visibility"] == "public")
        account = await make_holder(world, row["holder"], (project_id, project), world.project(f"other{number}"))

        granted = await grant(world.database.read, account, parse_scopes([EVERYTHING.replace("team", project)]))

        entry = granted.entries.get(f"{project}/app")
        found = {*(entry.actions if entry else ()), *(["catalog"] if granted.catalog else [])}
        expected = {name for name in ("pull", "push", "delete", "catalog") if row[name] == "yes"}
        if found != expected:
            differences.append((row["holder"], row["visibility"], sorted(found), sorted(expected)))

    assert not differences


def test_the_table_has_a_row_for_every_role() -> None:
    holders = {row["holder"] for row in TABLE}

    assert {*ROLE_NAMES, *(f"group-{name}" for name in ROLE_NAMES)} <= holders
    assert len(holders) > 20


async def test_only_what_was_asked_for_is_granted_each_repository_on_its_own(world: World) -> None:
    team = world.project("team")
    account = await world.login.authenticate("admin", "admin-Pass1", "192.0.2.1")

    granted = await grant(
        world.database.read,
        account,
        parse_scopes(["repository:team/a:pull repository:team/b:push,delete", "repository:team/a:push"]),
    )

    assert {name: sorted(entry.actions) for name, entry in granted.entries.items()} == {
        "team/a": ["pull", "push"],
        "team/b": ["delete", "push"],
    }
    assert {(entry.project_id, entry.project_epoch) for entry in granted.entries.values()} == {(team, 0)}
    assert not granted.catalog


ODD_SCOPES = [
        "repository:*:*", "repository:team/*:pull", "repository:team/:pull", "repository:team:pull", "repository::pull",
        "repository:/app:pull", "repository:TEAM/app:pull", "repository:team/app%2f:pull", "repository:team%/app:pull",
        "repository:host:5000/team/app:pull", "repository(plugin):team/app:pull", "Repository:team/app:pull",
        "registry:catalog:pull", "registry:other:*", "user:admin:*", "repository:team/app:", "repository:team/app:PULL",
        "repository:team/app:read", "repository:team/../other/app:pull",
        'repository:team","x/app:pull', "repository:" + "team/" + "a" * 300 + ":pull",
]  # fmt: skip


async def test_t10_t11_t12_odd_scopes_grant_an_administrator_nothing(world: World) -> None:
    world.project("team")
    account = await world.login.authenticate("admin", "admin-Pass1", "192.0.2.1")

    for scope in ODD_SCOPES:
        granted = await grant(world.database.read, account, parse_scopes([scope]))
        assert (granted.entries, granted.catalog) == ({}, False), scope


async def test_t12_an_unknown_project_is_told_to_administrators_and_looks_forbidden_to_others(world: World) -> None:
    world.project("team")
    world.user("ann")
    admin = await world.login.authenticate("admin", "admin-Pass1", "192.0.2.1")
    ann = await world.login.authenticate("ann", "ann-Pass1", "192.0.2.1")
    scopes = parse_scopes(["repository:unknown/app:pull,push", "repository:team/app:pull"])

    mine = await grant(world.database.read, admin, scopes)
    hers = await grant(world.database.read, ann, scopes)

    assert mine.entries["unknown/app"] == Entry(frozenset({"pull", "push"}), NO_PROJECT, 0)
    assert hers.entries == {}


async def test_t10_a_star_asks_for_each_action_and_is_never_granted_itself(world: World) -> None:
    team = world.project("team", public=True)
    ann = world.user("ann")
    world.member(team, ann, ROLE_NAMES["developer"])
    account = await world.login.authenticate("ann", "ann-Pass1", "192.0.2.1")
    scopes = parse_scopes(["repository:team/app:*"])

    mine = await grant(world.database.read, account, scopes)
    anybodys = await grant(world.database.read, None, scopes)

    assert mine.entries["team/app"].actions == {"pull", "push"}
    assert anybodys.entries["team/app"].actions == {"pull"}


async def test_an_entry_carries_the_epoch_of_its_project(world: World) -> None:
    team = world.project("team", public=True)
    world.run(projects.set_public, team, public=False)
    world.run(projects.set_public, team, public=True)

    granted = await grant(world.database.read, None, parse_scopes(["repository:team/app:pull"]))

    assert (granted.entries["team/app"].project_id, granted.entries["team/app"].project_epoch) == (team, 1)


async def test_t18_a_recreated_project_is_another(world: World) -> None:
    first = world.project("team", public=True)
    world.run(projects.delete_project, first)
    assert (await grant(world.database.read, None, parse_scopes(["repository:team/app:pull"]))).entries == {}

    second = world.project("team", public=True)

    granted = await grant(world.database.read, None, parse_scopes(["repository:team/app:pull"]))
    assert granted.entries["team/app"].project_id == second != first


async def test_a_hundred_repositories_cost_one_statement(world: World) -> None:
    for n in range(10):
        world.project(f"p{n}", public=True)
    asked: list[tuple[object, ...]] = []
    reader = world.database.read

    class Counting:
        async def one(self, query: Query, *args: object) -> Row | None:
            raise AssertionError((query, args))

        async def all(self, query: Query, *args: object) -> list[Row]:
            asked.append(args)
            return await reader.all(query, *args)

        async def close(self) -> None:
            raise AssertionError

    scopes = parse_scopes([" ".join(f"repository:p{n % 10}/r{n}:pull" for n in range(100))])
    granted = await grant(Counting(), None, scopes)

    assert len(granted.entries) == 100
    assert len(asked) == 1


async def test_the_scanner_may_be_given_what_nobody_else_is(world: World) -> None:
    team = world.project("team")
    robot = world.run(
        accounts.create_robot,
        "scanner",
        [accounts.Permission("repository", "pull", team), accounts.Permission("repository", "scanner-pull", team)],
        project=(team, "team"),
        internal=True,
        visible=False,
    )
    account = await world.login.authenticate(f"robot${robot.name}", robot.secret, "192.0.2.1")

    granted = await grant(world.database.read, account, parse_scopes([EVERYTHING]))

    assert granted.entries["team/app"].actions == {"pull", "scanner-pull"}
