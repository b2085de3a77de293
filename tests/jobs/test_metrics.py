"""What scrapers read of background work; on both databases."""

import asyncio
import re

from moorage.jobs import queue, scheduler
from moorage.jobs.metrics import show_metrics
from moorage.jobs.queue import ERROR, SUCCESS, job
from moorage.jobs.task_context import Task
from tests.jobs.conftest import Office

LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="[^"]*",?)*)\})? (\S+)')


async def scrape(office: Office) -> dict[tuple[str, ...], float]:
    """Every sample. Shape: {(name, label=value, …): number}."""
    found: dict[tuple[str, ...], float] = {}
    kinds: dict[str, str] = {}
    for line in await office.parts.database.look(show_metrics):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            labels = [one.replace('"', "") for one in (match[2] or "").split(",") if one]
            assert re.sub("_(sum|count)$", "", match[1]) in kinds or match[1] in kinds
            found[match[1], *labels] = float(match[3])
    return found


async def test_what_waits_runs_and_is_paused_is_told_for_each_kind(office: Office) -> None:
    go = asyncio.Event()

    @job("test.wait", limit=1)
    async def wait(task: Task) -> None:
        await go.wait()

    for _ in range(3):
        await office.start("test.wait")
    await office.start("test.wait", delay_seconds=300)
    await office.run(scheduler.set_schedule, "TEST", kind="Daily", cron="0 0 0 * * *", job="test.wait")
    await office.run(scheduler.pause, "REPLICATION")
    await office.execute("UPDATE task SET created_at = created_at - " + await hours(office, 2))
    found = await scrape(office)
    assert found["harbor_task_queue_size", "type=TEST"] == 4
    assert 7200 <= found["harbor_task_queue_latency", "type=TEST"] < 7260
    assert found["harbor_task_queue_size", "type=GARBAGE_COLLECTION"] == 0
    assert found["harbor_task_scheduled_total",] == 2
    assert found["moorage_task_queue_paused", "type=REPLICATION"] == 1
    assert found["moorage_task_queue_paused", "type=TEST"] == 0
    assert not [sample for sample in found if sample[0].startswith("harbor_jobservice")]

    async with office.working(slots=5) as worker:

        async def runs() -> bool:
            return (await scrape(office)).get(("moorage_task_running", "type=TEST")) == 1

        await office.until(runs)
        found = await scrape(office)
        assert found["harbor_task_queue_size", "type=TEST"] == 3
        assert found["harbor_task_concurrency", "type=TEST", f"pool={worker.id}"] == 5
        [info] = [sample for sample in found if sample[0] == "harbor_jobservice_info"]
        assert info[2:] == (f"pool={worker.id}", "workers=5")
        go.set()


async def hours(office: Office, count: int) -> str:
    """So many hours, in the database's words."""
    lite = office.parts.settings.sqlite_file is not None
    return str(count * 3_600_000_000) if lite else f"interval '{count} hours'"


async def test_attempts_that_ended_are_counted_for_good(office: Office) -> None:
    @job("test.end", retries=1, delay_seconds=0)
    async def end(task: Task, *, how: str) -> None:
        await asyncio.sleep(0.1)
        if how == "fails":
            raise queue.RetryLater("not now", after_seconds=0)
        if how == "hangs":
            await asyncio.sleep(60)
        if how == "completes":
            await task.complete(lambda _: None)

    async with office.working():
        well = [await office.start("test.end", how=how) for how in ("returns", "completes")]
        fails = await office.start("test.end", how="fails")
        hangs = await office.start("test.end", how="hangs")
        for one in well:
            await office.reaches(one, SUCCESS)
        await office.reaches(fails, ERROR)
        await office.reaches(hangs, "Running")
        await office.run(queue.stop_task, hangs)
        await office.reaches(hangs, "Stopped")

    async with office.working():
        again = await office.start("test.end", how="returns")
        await office.reaches(again, SUCCESS)
    await office.execute("DELETE FROM task")
    found = await scrape(office)
    counted = {
        key[2]: value for key, value in found.items() if key[:2] == ("harbor_jobservice_task_total", "type=TEST")
    }
    assert counted == {"status=success": 3, "status=fail": 2, "status=stop": 1}
    times = "harbor_jobservice_task_process_time_seconds"
    assert found[f"{times}_count", "type=TEST", "status=success"] == 3
    assert 0.3 <= found[f"{times}_sum", "type=TEST", "status=success"] < 30
