"""The audit log as lists: who sees what, in which order, found by what, with how many statements."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from moorage.access.policy import Account, Role
from moorage.audit import service
from moorage.audit.row_counts import delete_rows, fold
from moorage.audit.service import ALL, Entry, Sees, list_by_key, list_entries, make_key, sees_in_projects
from moorage.audit.tables import Audit
from moorage.db.list_query import Listing, parse_q, parse_sort
from moorage.db.unit_of_work import Work
from moorage.errors import ListingInvalid
from moorage.events import SYSTEM
from moorage.projects import service as projects
from moorage.robots import accounts
from tests.api.identity.conftest import World
from tests.api.statements import counting

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def fill(work: Work, rows: Sequence[Mapping[str, object]]) -> None:
    common = {"at": NOON, "resource_type": "artifact", "operation": "create", "resource": "x", "project_id": None}
    work.db.execute(insert(Audit), [{**common, **row} for row in rows])


def empty(world: World) -> None:
    world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)


def listed(world: World, sees: Sees = ALL, q: str = "", sort: str = "", **page: int) -> list[Entry]:
    return world.database.look_here(list_entries, sees, Listing(parse_q(q), parse_sort(sort), **page)).entries


def resources(entries: list[Entry]) -> list[str]:
    return [entry.resource for entry in entries]


ORDERS: dict[str, Callable[[Entry], Any]] = {
    "": lambda entry: (-entry.at.timestamp(), -entry.id),
    "-op_time": lambda entry: (-entry.at.timestamp(), -entry.id),
    "op_time": lambda entry: (entry.at, entry.id),
    "id": lambda entry: entry.id,
    "-id": lambda entry: -entry.id,
    "-op_time,id": lambda entry: (-entry.at.timestamp(), entry.id),
}


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("q", ["", "operation=create"])
async def test_pages_from_either_end_make_up_the_whole_list(world: World, sort: str, q: str) -> None:
    empty(world)
    rows = [{"resource": str(n), "at": NOON + timedelta(seconds=n * 7 % 5)} for n in range(23)]
    world.database.run_here(SYSTEM, fill, rows)
    world.database.run_here(SYSTEM, fold)

    pages = [listed(world, ALL, q, sort, page=page, page_size=5) for page in range(1, 8)]

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3, 0, 0]
    whole = [entry for page in pages for entry in page]
    assert whole == sorted(whole, key=ORDERS[sort])
    assert len({entry.id for entry in whole}) == 23


@pytest.mark.parametrize("way", ["gather", "walk", "ask"])
async def test_a_person_sees_the_logs_of_the_projects_that_they_administer(
    world: World, monkeypatch: pytest.MonkeyPatch, way: service.Way
) -> None:
    monkeypatch.setattr(service, "_choose", lambda *_: way)
    mine, other, gone, dev = (world.project(name) for name in ("mine", "other", "gone", "dev"))
    ann = world.user("ann")
    for project in (mine, gone):
        world.member(project, ann, Role.PROJECT_ADMIN)
    world.member(dev, ann, Role.MAINTAINER)
    world.run(projects.delete_project, gone)
    empty(world)
    rows = [{"resource": str(p), "project_id": p} for p in (mine, other, gone, dev, None, mine)]
    world.database.run_here(SYSTEM, fill, rows)
    account = Account(principal_id=ann, epoch=0, kind="user", name="ann")

    page = world.database.look_here(list_entries, sees_in_projects(account), Listing())

    assert resources(page.entries) == [str(mine), str(mine)]
    assert page.total == 2
    assert resources(listed(world, sees_in_projects(account), "operation=create")) == [str(mine), str(mine)]


async def test_a_robot_sees_the_logs_that_it_was_given(world: World) -> None:
    mine, other = world.project("mine"), world.project("other")
    may = [accounts.Permission("log", "list", mine)]
    one = world.run(accounts.create_robot, "one", may, project=(mine, "mine"))
    empty(world)
    world.database.run_here(SYSTEM, fill, [{"resource": str(p), "project_id": p} for p in (mine, other, None)])
    account = Account(principal_id=one.id, epoch=0, kind="robot", name="robot$mine+one", project_id=mine)

    assert resources(listed(world, sees_in_projects(account))) == [str(mine)]


async def test_a_project_sees_its_own_rows_alone(world: World) -> None:
    empty(world)
    world.database.run_here(SYSTEM, fill, [{"resource": "a", "project_id": 1}, {"resource": "b", "project_id": 2}])
    assert resources(listed(world, Sees("project", 1))) == ["a"]
    assert listed(world, Sees("project", 3)) == []


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("username=ann", ["a", "d"]),
        ("username=~NN", ["a", "d"]),
        ("operation=delete", ["b"]),
        ("resource_type=tag", ["c"]),
        ("resource=~A", ["a"]),
        ("operation_result=false", ["d"]),
        ("op_time=[2026-03-01T12:00:01~2026-03-01T12:00:02]", ["b", "c"]),
        ("username=ann,operation_result=true", ["a"]),
        ("project_id=5", ["c"]),
        ("operation={delete pull}", ["b"]),
        ("OpTime=[2026-03-01T12:00:03~]", ["d"]),
    ],
)
async def test_rows_are_found(world: World, q: str, found: list[str]) -> None:
    empty(world)
    rows: list[dict[str, object]] = [
        {"resource": "a", "principal_name": "ann"},
        {"resource": "b", "operation": "delete"},
        {"resource": "c", "resource_type": "tag", "project_id": 5},
        {"resource": "d", "principal_name": "ann", "ok": False},
    ]
    for number, row in enumerate(rows):
        row["at"] = NOON + timedelta(seconds=number)
        world.database.run_here(SYSTEM, fill, [row])
    page = world.database.look_here(list_entries, ALL, Listing(parse_q(q), (("op_time", False),)))
    assert (resources(page.entries), page.total, page.ignored) == (found, len(found), [])


async def test_unknown_keys_and_sorts_that_no_index_serves_are_named(world: World) -> None:
    listing = Listing(parse_q("colour=red"), parse_sort("username,-op_time"))
    assert world.database.look_here(list_entries, ALL, listing).ignored == ["colour", "username"]


async def test_refusals_can_be_left_out(world: World) -> None:
    empty(world)
    world.database.run_here(SYSTEM, fill, [{"resource": "a", "ok": n % 2 == 0} for n in range(10)])
    for q in ("", "resource=a"):
        page = world.database.look_here(list_entries, ALL, Listing(parse_q(q), page_size=3), only_done=True)
        assert (len(page.entries), page.total, {entry.ok for entry in page.entries}) == (3, 5, {True})


@pytest.mark.parametrize("rows", [1, 10, 100])
@pytest.mark.parametrize("whose", ["all", "project", "user", "robot"])
@pytest.mark.parametrize("q", ["", "username=~a,operation=create"])
async def test_a_page_takes_two_statements(world: World, rows: int, whose: service.Whose, q: str) -> None:
    empty(world)
    world.database.run_here(SYSTEM, fill, [{"project_id": 1, "principal_name": "a"}] * rows)
    with counting() as seen:
        world.database.look_here(list_entries, Sees(whose, 1), Listing(parse_q(q), page_size=100))
    # 1: nobody's projects, so there is nothing to fetch, where it was not fetched while the rows were counted.
    assert len(seen) == 2 if whose in {"all", "project"} else len(seen) in {1, 2}


# -- by key -----------------------------------------------------------------------------------------------


async def test_keys_lead_through_the_whole_list_and_back(world: World) -> None:
    empty(world)
    rows = [{"resource": str(n), "at": NOON + timedelta(seconds=n // 4)} for n in range(25)]
    world.database.run_here(SYSTEM, fill, rows)
    look = world.database.look_here
    size = Listing(page_size=10)

    first, _ = look(list_by_key, ALL, size)
    second, _ = look(list_by_key, ALL, size, older_than=make_key(first[-1]))
    third, _ = look(list_by_key, ALL, size, older_than=make_key(second[-1]))
    back, _ = look(list_by_key, ALL, size, newer_than=make_key(third[0]))
    newest, _ = look(list_by_key, ALL, size, newer_than=make_key(second[0]))

    assert resources([*first, *second, *third]) == [str(n) for n in range(24, -1, -1)]
    assert back == second
    assert newest == first
    assert look(list_by_key, ALL, size, newer_than=make_key(first[0]))[0] == []


async def test_a_key_between_two_bounds_and_a_filter(world: World) -> None:
    empty(world)
    world.database.run_here(SYSTEM, fill, [{"resource": str(n), "ok": n % 2 == 0} for n in range(10)])
    everything = listed(world, page_size=100)
    listing = Listing(parse_q("operation_result=true"), page_size=100)
    found, _ = world.database.look_here(
        list_by_key, ALL, listing, older_than=make_key(everything[1]), newer_than=make_key(everything[-1])
    )
    assert resources(found) == ["6", "4", "2"]


@pytest.mark.parametrize("key", ["x", "1", "-1", "1-", "1-2-3", "9" * 39 + "-1", "1-" + "9" * 30, "٣-1", "1e5-1"])
async def test_a_made_up_key_is_refused(world: World, key: str) -> None:
    if key == "1-" + "9" * 30:
        assert world.database.look_here(list_by_key, ALL, Listing(), older_than=key)[0] == []
        return
    with pytest.raises(ListingInvalid):
        world.database.look_here(list_by_key, ALL, Listing(), older_than=key)
