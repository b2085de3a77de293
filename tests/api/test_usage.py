"""Storage, pulls and pushes over time: what is counted, and what is told."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from moorage import worker_app
from moorage.access.policy import Role
from moorage.db.unit_of_work import Work
from moorage.errors import DatabaseUnavailable
from moorage.events import SYSTEM, ManifestPushed
from moorage.projects.tables import Project
from moorage.usage import daily_usage
from moorage.usage.daily_usage import DayNotes, fold, number_of
from moorage.usage.routes import usage as usage_routes
from tests.api.client import Client, Server, image, index
from tests.api.conftest import Serve, administrator, make_project, make_robot, make_user, project_id, unique
from tests.api.statements import counting
from tests.api.test_artifacts_api import BASE, get
from tests.api.test_parts import config_of

TODAY = datetime.now(UTC).date()


@pytest.fixture(autouse=True)
def _long_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day goes on, also past midnight."""
    monkeypatch.setattr(daily_usage, "day_of", lambda _: number_of(TODAY))
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
    monkeypatch.setattr(usage_routes, "datetime", SimpleNamespace(now=lambda _: noon))


async def usage(app: Server, who: Client, project: str, query: str = "") -> list[Any]:
    """The periods of a project."""
    path = f"{BASE}/projects/{project}/usage" if project else f"{BASE}/usage"
    found: list[Any] = (await get(app, who, f"{path}{query}"))["periods"]
    return found


async def rows_of(app: Server, project: int) -> list[tuple[Any, ...]]:
    """The rows of a project's days."""
    return await app.rows(
        "SELECT day, pulls, pushes, held_bytes FROM project_day WHERE project_id = :p ORDER BY day", p=project
    )


async def test_what_a_server_did_is_written_when_it_stops(serve: Serve) -> None:
    server = await serve()
    project = await make_project(server)
    who = administrator(server)
    repo = who.repo(f"{project}/app")
    config = config_of()
    digest = await repo.image("v1", "v2", config=config)
    assert (await repo.put("all", index(image(config)))).status == 201
    assert (await repo.put("broken", {"no": "manifest"})).status == 400
    for reference in ("v1", digest, "v1"):
        assert (await repo.get(f"manifests/{reference}")).status == 200
    assert await usage(server, who, project, f"?from={TODAY}")
    await server.stop()

    again = await serve(beside=server)
    (row,) = await usage(again, administrator(again), project, f"?from={TODAY}")
    assert (row["start"], row["pulls"], row["pushes"], row["storage"]) == (str(TODAY), 3, 3, None)
    await again.run(daily_usage.sample)
    (row,) = await usage(again, administrator(again), project, f"?from={TODAY}")
    held = (await get(again, administrator(again), f"{BASE}/projects/{project}/storage"))["held"]
    assert row["storage"] == held > 0
    (row,) = await usage(again, administrator(again), "", f"?from={TODAY}")
    assert (row["pulls"], row["pushes"], row["storage"]) == (3, 3, held)
    (shown,) = await get(again, administrator(again), f"{BASE}/projects?name={project}")
    pushed = await get(again, administrator(again), f"{BASE}/projects/{project}/repositories/app/artifacts")
    assert shown["last_push_time"] == max(one["push_time"] for one in pushed)
    (app,) = await get(again, administrator(again), f"{BASE}/projects/{project}/repositories")
    assert app["last_push_time"] == shown["last_push_time"]


async def test_the_last_push_of_a_project_is_shown_and_never_goes_back(app: Server, admin: Client) -> None:
    names = [await make_project(app) for _ in range(3)]
    numbers = [await project_id(app, name) for name in names]
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await app.run(
        daily_usage.write_counts, {(numbers[0], 1): [0, 1]}, {(Project, numbers[0]): noon, (Project, numbers[2]): noon}
    )
    await app.run(
        daily_usage.write_counts, {(numbers[0], 1): [0, 1]}, {(Project, numbers[0]): noon - timedelta(days=1)}
    )
    await app.run(
        daily_usage.write_counts, {(numbers[2], 1): [0, 1]}, {(Project, numbers[2]): noon + timedelta(hours=1)}
    )
    query = f"q=project_id={{{' '.join(map(str, numbers))}}}"
    rows = await get(app, admin, f"{BASE}/projects?{query}&sort=-last_push_time")
    assert [(one["name"], one.get("last_push_time")) for one in rows] == [
        (names[2], "2026-03-01T13:00:00.000Z"),
        (names[0], "2026-03-01T12:00:00.000Z"),
        (names[1], None),
    ]
    backwards = await get(app, admin, f"{BASE}/projects?{query}&sort=last_push_time&page_size=2&page=2")
    assert [one["name"] for one in backwards] == [names[2]]
    since = await get(app, admin, f"{BASE}/projects?{query},last_push_time=[2026-03-01T12:30:00Z~]")
    assert [one["name"] for one in since] == [names[2]]


async def test_what_a_worker_copies_counts_too(app: Server, project: str) -> None:
    number = await project_id(app, project)
    pushed = ManifestPushed(number, 1, f"{project}/app", 1, "sha256:" + "0" * 64, ("v1",), new=True)
    async with worker_app.opening(app.settings) as parts:
        await parts.database.run(SYSTEM, lambda work: work.emit(pushed))
    assert [row[:3] for row in await rows_of(app, number)] == [(number_of(TODAY), 0, 1)]


async def test_bytes_are_noted_where_they_changed(app: Server, project: str) -> None:
    number = await project_id(app, project)
    await app.run(daily_usage.sample)
    ((today, pulls, pushes, held),) = await rows_of(app, number)
    assert (today, pulls, pushes, held) == (number_of(TODAY), 0, 0, 0)
    await app.run(daily_usage.sample)
    assert len(await rows_of(app, number)) == 1


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A way to let days pass: the rows are written as of so many days from now."""

    def pass_days(count: int) -> None:
        monkeypatch.setattr(daily_usage, "day_of", lambda _: number_of(TODAY) + count)

    return pass_days


async def test_a_day_without_a_change_has_no_row(app: Server, admin: Client, project: str, tomorrow: Any) -> None:
    number = await project_id(app, project)
    await app.run(daily_usage.sample)
    tomorrow(1)
    await app.run(daily_usage.sample)
    assert len(await rows_of(app, number)) == 1
    size = len(unique("layer"))
    await admin.repo(f"{project}/app").image("v1", config=config_of(), layers=[b"x" * size])
    await app.run(daily_usage.sample)
    tomorrow(2)
    await app.run(daily_usage.sample)
    rows = await rows_of(app, number)
    assert [row[0] for row in rows] == [number_of(TODAY), number_of(TODAY) + 1]
    assert rows[1][3] > rows[0][3] == 0


async def test_old_days_are_forgotten_but_not_what_is_held(app: Server, project: str, tomorrow: Any) -> None:
    number = await project_id(app, project)
    first = number_of(TODAY)
    await app.run(daily_usage.write_counts, {(number, first): [5, 0], (number, first + 1): [1, 1]})
    await app.run(daily_usage.sample)
    tomorrow(daily_usage.KEPT_DAYS + 2)
    await app.run(daily_usage.sample)
    assert [(row[0], row[3]) for row in await rows_of(app, number)] == [(first, 0), (first + 1, None)]


async def test_counts_of_many_days_are_added_up(app: Server, admin: Client, project: str) -> None:
    number, other = await project_id(app, project), await project_id(app, await make_project(app))
    last = number_of(TODAY)
    quiet = TODAY - timedelta(days=700)  # nothing else is written there
    span = f"?from={quiet}&to={quiet}"
    before = (await usage(app, admin, "", span))[0]
    for _ in range(2):
        await app.run(
            daily_usage.write_counts,
            {
                (number, last): [2, 1],
                (number, last - 3): [10, 0],
                (other, last): [100, 100],
                (2**40, number_of(quiet)): [7, 7],
                (other, number_of(quiet)): [1, 1],
            },
        )
    found = await usage(app, admin, project, f"?from={TODAY - timedelta(days=4)}")
    assert [row["start"] for row in found] == [str(TODAY - timedelta(days=count)) for count in (4, 3, 2, 1, 0)]
    assert [(row["pulls"], row["pushes"]) for row in found] == [(0, 0), (20, 0), (0, 0), (0, 0), (4, 2)]
    assert len(await usage(app, admin, project)) == 30
    after = (await usage(app, admin, "", span))[0]
    assert after["pulls"] - before["pulls"] == 2 * (1 + 7)
    # what is to come is not told
    assert await usage(app, admin, project, f"?from={TODAY}&to=2999-01-01") == found[-1:]


def test_days_are_folded_to_weeks_and_months() -> None:
    monday = date(2026, 1, 26)
    said = [(monday, 1, 2, None), (date(2026, 2, 1), 3, 4, 50), (date(2026, 2, 3), 5, 6, None)]
    rows = [(number_of(day), pulls, pushes, held) for day, pulls, pushes, held in said]
    by_week = fold(rows, 10, date(2026, 1, 24), date(2026, 2, 3), "week")
    assert [(one.start, one.pulls, one.pushes, one.held_bytes) for one in by_week] == [
        (date(2026, 1, 24), 0, 0, 10),
        (monday, 4, 6, 50),
        (date(2026, 2, 2), 5, 6, 50),
    ]
    by_month = fold(rows, None, date(2026, 1, 24), date(2026, 2, 3), "month")
    assert [(one.start, one.pulls, one.held_bytes) for one in by_month] == [
        (date(2026, 1, 24), 1, None),
        (date(2026, 2, 1), 8, 50),
    ]
    assert len(fold([], None, date(2024, 2, 1), date(2024, 3, 1), "day")) == 30


async def test_what_cannot_be_written_stays_for_the_next_time(
    app: Server, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await project_id(app, project)
    notes = DayNotes()
    notes._add({(number, 1): [1, 2]}, {(Project, number): datetime(2026, 3, 1, tzinfo=UTC)})

    def fail(*_: object) -> None:
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(daily_usage, "write_counts", fail)
        with pytest.raises(DatabaseUnavailable):
            await notes.flush(app.database)
    notes._add({(number, 1): [1, 0]}, {})
    await notes.flush(app.database)
    await notes.flush(app.database)
    assert [row[:3] for row in await rows_of(app, number)] == [(1, 2, 2)]
    assert await app.rows("SELECT count(*) FROM project WHERE id = :p AND pushed_at IS NOT NULL", p=number) == [(1,)]


async def test_neither_pull_nor_push_runs_a_statement_more(admin: Client, project: str) -> None:
    repo = admin.repo(f"{project}/app")
    await repo.image("v1", config=config_of())
    with counting() as statements:
        await repo.image("v2", config=config_of())
        assert (await repo.get("manifests/v2")).status == 200
    assert [text for text in statements if "project_day" in text or "total_day" in text] == []


async def test_a_project_that_is_purged_takes_its_days_along(app: Server, project: str) -> None:
    number = await project_id(app, project)
    await app.run(daily_usage.write_counts, {(number, 1): [1, 1]})

    def drop(work: Work) -> None:
        for table in ("quota_slot", "quota", "role_binding", "project"):
            column = "id" if table == "project" else "project_id"
            work.db.exec_driver_sql(f"DELETE FROM {table} WHERE {column} = {number}")  # noqa: S608 - of a test

    await app.database.run(SYSTEM, drop)
    assert await rows_of(app, number) == []


async def test_it_takes_two_statements(app: Server, admin: Client, project: str) -> None:
    number = await project_id(app, project)
    for count in (1, 100):
        await app.run(daily_usage.write_counts, {(number, number_of(TODAY) - one): [1, 1] for one in range(count)})
        for name in (project, ""):
            with counting() as statements:
                await usage(app, admin, name, f"?from={TODAY - timedelta(days=100)}")
            assert len(statements) == 2


@pytest.mark.parametrize(
    "query",
    ["from=x", "to=2026-02-30", "from=2026-W05-1", "from=20260131", "by=year", "from=2026-01-02&to=2026-01-01",
     "from=2000-01-01", "from=0001-01-01", "from=1969-12-31&to=1969-12-31"],
)  # fmt: skip
async def test_what_cannot_be_asked(app: Server, admin: Client, project: str, query: str) -> None:
    answer = await app.send("GET", f"{BASE}/projects/{project}/usage?{query}", headers=admin.basic)
    assert answer.status in {400, 422}, answer


async def test_who_may_ask(app: Server, admin: Client, project: str) -> None:
    path = f"{BASE}/projects/{project}/usage"
    guest = await make_user(app, {project: Role.LIMITED_GUEST})
    assert (await app.send("GET", path)).status == 401
    assert (await app.send("GET", path, headers=guest.basic)).status == 200
    for who in (await make_user(app), await make_robot(app, project, "pull")):
        assert (await app.send("GET", path, headers=who.basic)).status == 403
    assert (await app.send("GET", f"{BASE}/usage")).status == 401
    assert (await app.send("GET", f"{BASE}/usage", headers=guest.basic)).status == 403
    assert (await app.send("GET", f"{BASE}/usage", headers=admin.basic)).status == 200
