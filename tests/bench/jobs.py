"""Rows of background work: tasks are scheduled, and run by one worker that has nothing to do in them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import delete, func, select

from moorage.db.migrate import migrate
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.jobs import queue, tables
from moorage.jobs.queue import job
from moorage.jobs.task_context import Parts, Task
from moorage.jobs.worker import Worker
from moorage.secret_encryption import create_seal_key
from moorage.settings import Database, Log, Settings, Storage
from moorage.worker_app import opening
from tests.bench.report import Row, Side
from tests.bench.servers import Servers
from tests.parts.base import Missing

TASKS = 10_000
SINGLE = 2_000
WANTED = 2_000
"""Tasks a second, scheduled."""

JOB = "bench.nothing"
LITE, POSTGRES = "SQLite", "PostgreSQL"


@job(JOB)
async def nothing(task: Task, *, number: int) -> None:
    """Do nothing."""


def measure(servers: Servers, rounds: int) -> Iterator[Row]:
    """Tasks scheduled in one transaction, each in its own, and run."""
    places = list(_places(servers))
    rows: tuple[tuple[str, str, int, Callable[[Parts, int], object]], ...] = (
        ("job-schedule", f"schedule {TASKS:,} tasks in one transaction", TASKS, _schedule),
        ("job-enqueue", f"start {SINGLE:,} executions, each in its own transaction", SINGLE, _start),
        ("job-run", f"run {SINGLE:,} tasks that do nothing, in one worker with 8 slots", SINGLE, _run),
    )
    for name, work, count, do in rows:
        row = Row(name, work, "req/s", "tasks with one small argument; the figure is tasks a second")
        sides = [Side(label, "in process", partial(_measure, settings, do, count)) for label, settings in places]
        row.alternate(sides, rounds)
        if name == "job-schedule":
            for label, _ in places:
                row.limit(f"{WANTED:,} a second, {label}", label, WANTED)
        yield row


def _places(servers: Servers) -> Iterator[tuple[str, Settings]]:
    folder = servers.folder / "jobs"
    create_seal_key(folder / "keys" / "seal")
    urls = {LITE: ""}
    try:
        urls[POSTGRES] = servers.postgres_url()
    except Missing as missing:
        servers.missing[f"{POSTGRES}, jobs"] = str(missing)
    for label, url in urls.items():
        settings = Settings(
            data=str(folder), database=Database(url=url), storage=Storage(kind="memory"), log=Log(level="error")
        )
        migrate(settings.database_url)
        yield label, settings


def _measure(settings: Settings, do: Callable[[Parts, int], object], count: int) -> float:
    async def life() -> float:
        async with opening(settings) as parts:
            await parts.database.run(SYSTEM, _forget)
            return await do(parts, count)  # type: ignore[no-any-return, misc]

    return asyncio.run(life())


async def _schedule(parts: Parts, count: int) -> float:
    began = time.perf_counter()
    await parts.database.run(SYSTEM, _add, count)
    return count / (time.perf_counter() - began)


async def _start(parts: Parts, count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        await parts.database.run(SYSTEM, queue.start, JOB, "BENCH", trigger="EVENT", number=number)
    return count / (time.perf_counter() - began)


async def _run(parts: Parts, count: int) -> float:
    await parts.database.run(SYSTEM, _add, count)
    stop = asyncio.Event()
    began = time.perf_counter()
    running = asyncio.create_task(Worker(parts).run(stop))
    while await parts.database.look(_left):  # noqa: ASYNC110 - rows of a database
        await asyncio.sleep(0.05)
    took = time.perf_counter() - began
    stop.set()
    await running
    return count / took


def _add(work: Work, count: int) -> None:
    execution_id = queue.create_execution(work, "BENCH", trigger="EVENT")
    queue.enqueue_all(work, JOB, ({"number": number} for number in range(count)), execution_id=execution_id)


def _left(work: Work) -> int:
    waits = select(func.count()).select_from(tables.Task).where(tables.Task.status.in_(("Pending", "Running")))
    return work.db.scalar(waits) or 0


def _forget(work: Work) -> None:
    for table in (tables.TaskLog, tables.Task, tables.Execution):
        work.db.execute(delete(table))
