"""A page in the middle of the log is the same whether whole parts are skipped or its rows are passed one by one."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, literal_column

from moorage.access.policy import Role
from moorage.audit import keyset_page, row_counts, service
from moorage.audit.row_counts import delete_rows, fold
from moorage.audit.service import ALL, Entry, Sees, list_entries
from moorage.audit.tables import Audit
from moorage.db.list_query import Listing, parse_sort
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from tests.api.audit.test_counts import age
from tests.api.identity.conftest import World
from tests.api.statements import counting

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SORTS = ("", "op_time", "id", "-id", "-op_time,id")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of four ids, skipped wherever there is one."""
    monkeypatch.setattr(row_counts, "PART", Audit.id.bitwise_rshift(literal_column("2")))
    monkeypatch.setattr(keyset_page, "PART_BITS", 2)
    monkeypatch.setattr(service, "DEEP", 0)
    monkeypatch.setattr(service, "EARLY", 0)


def insert_rows(work: Work, rows: list[dict[str, object]]) -> None:
    work.db.execute(insert(Audit), rows)


def write(work: Work, dice: random.Random, projects: list[int | None], jitter: float) -> None:
    """Some rows, `jitter` seconds out of the order of their ids."""
    common = {"resource_type": "artifact", "operation": "create", "resource": "x"}
    begin = dice.randint(0, 100)
    made = [
        {
            **common,
            "at": NOON + timedelta(seconds=begin + number // 3 + dice.uniform(-jitter, jitter)),
            "project_id": dice.choice(projects),
            "ok": dice.random() < 0.8,
        }
        for number in range(dice.randint(1, 30))
    ]
    work.db.execute(insert(Audit), made)


def pages(world: World, sees: Sees, sort: str, *, size: int, only_done: bool) -> list[Entry]:
    """The whole list, page by page."""
    found: list[Entry] = []
    for number in range(1, 1000):
        listing = Listing(sort=parse_sort(sort), page=number, page_size=size)
        page = world.database.look_here(list_entries, sees, listing, only_done=only_done)
        found += page.entries
        if not page.entries:
            return found
    raise AssertionError


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("jitter", [0.0, 0.4, 30.0])
async def test_pages_make_up_the_whole_list(
    world: World, monkeypatch: pytest.MonkeyPatch, deep: bool, jitter: float
) -> None:
    dice = random.Random(20_260_302 if not deep else None)
    mine, other = world.project("mine"), world.project("other")
    ann = world.user("ann")
    world.member(mine, ann, Role.PROJECT_ADMIN)
    world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)
    whose = (ALL, Sees("project", mine), Sees("user", ann))
    for round_ in range(20 if deep else 4):
        for _ in range(3):
            world.database.run_here(SYSTEM, write, dice, [mine, mine, other, None], jitter)
            world.database.run_here(SYSTEM, age)
            world.database.run_here(SYSTEM, fold)
        if round_ % 2:
            low = dice.randint(1, 200)
            world.database.run_here(SYSTEM, delete_rows, Audit.id.between(low, low + 30))
        for sees in whose:
            for sort in SORTS:
                done = dice.random() < 0.5
                with monkeypatch.context() as patch:
                    patch.setattr(service, "DEEP", 10**9)
                    expected = pages(world, sees, sort, size=100, only_done=done)
                found = pages(world, sees, sort, size=dice.choice([1, 3, 7]), only_done=done)
                assert [entry.id for entry in found] == [entry.id for entry in expected], (sees, sort, done)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("sort", ["", "-id"])
async def test_a_page_in_the_middle_takes_as_many_statements_however_many_rows_there_are(
    world: World, sort: str
) -> None:
    seen = set()
    for rows in (100, 400):
        world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)
        common = {"resource_type": "artifact", "operation": "create", "resource": "x", "project_id": 1}
        made = [{**common, "at": NOON + timedelta(seconds=number)} for number in range(rows)]
        world.database.run_here(SYSTEM, insert_rows, made)
        for _ in range(2):
            world.database.run_here(SYSTEM, age)
            world.database.run_here(SYSTEM, fold)
        listing = Listing(sort=parse_sort(sort), page=rows // 20, page_size=10)
        with counting() as counted:
            page = world.database.look_here(list_entries, ALL, listing)
        assert page.entries[0].at == NOON + timedelta(seconds=rows - (rows // 20 - 1) * 10 - 1)
        seen.add(len(counted))
    assert seen == {5}


async def test_a_mark_in_the_middle_of_a_part_and_deleted_parts_leave_nothing_behind(world: World) -> None:
    world.database.run_here(SYSTEM, delete_rows, Audit.id > 0)
    left = "SELECT count(*) FROM audit_part WHERE rows <> 0 UNION ALL SELECT count(*) FROM audit_span WHERE rows <> 0"
    assert world.run(lambda work: [row[0] for row in work.db.exec_driver_sql(left)]) == [0, 0]
