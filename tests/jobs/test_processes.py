"""Workers as processes: killed, frozen, woken, told to end. What they began goes on elsewhere, and happens once."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from moorage.db.unit_of_work import Work
from moorage.jobs import queue, task_claims, worker
from moorage.jobs.queue import PENDING, RUNNING, STOPPED, SUCCESS
from moorage.jobs.worker import Worker
from moorage.settings import Settings
from tests.jobs.conftest import Office
from tests.jobs.haste import HASTE
from tests.jobs.life import EFFECTS, Life, read_steps

Hire = Callable[[], Life]


@pytest.fixture
async def hire(office: Office, settings: Settings, tmp_path: Path) -> AsyncIterator[Hire]:
    """Starts workers; whatever is left of them ends with the test."""
    await office.execute(EFFECTS)
    lives: list[Life] = []

    def start() -> Life:
        lives.append(Life(settings, tmp_path / "worker.log"))
        return lives[-1]

    yield start
    for life in lives:
        life.close()
    log = (tmp_path / "worker.log").read_text()
    assert "Traceback" not in log, log


async def steps(office: Office, task_id: int) -> list[tuple[int, int]]:
    return await office.parts.database.look(read_steps, task_id)


async def has_begun(office: Office, task_id: int, least: int = 2) -> None:
    async def holds() -> bool:
        return len(await steps(office, task_id)) >= least

    await office.until(holds)


async def freeze(office: Office, life: Life) -> None:
    """Freeze a worker between two of its transactions: what it has locked within one it would keep for ever."""

    def stop(work: Work) -> None:
        if office.parts.database.kind == "postgresql":  # SQLite lets nobody else write anyway
            work.db.execute(text("LOCK TABLE worker, task IN EXCLUSIVE MODE"))
        life.send(signal.SIGSTOP)

    await office.run(stop)


async def test_what_a_killed_worker_began_goes_on_and_happens_once(office: Office, hire: Hire) -> None:
    first = hire()
    task_id = await office.start("life.steps", steps=12, seconds=0.25)
    await has_begun(office, task_id)
    first.send(signal.SIGKILL)
    first.wait()
    hire()

    async def goes_on() -> bool:
        return bool((await office.row(task_id)).attempt == 2)

    await office.until(goes_on)
    row = await office.reaches(task_id, SUCCESS)

    done = await steps(office, task_id)
    assert [step for step, _ in done] == list(range(12))
    assert [attempt for _, attempt in done] == sorted(attempt for _, attempt in done)
    assert (row.attempt, row.failures, row.lost) == (2, 0, 1)
    assert "step 10\n" in await office.log(task_id)


async def test_a_frozen_worker_that_wakes_writes_nothing_and_works_again(office: Office, hire: Hire) -> None:
    first = hire()
    task_id = await office.start("life.steps", steps=10, seconds=0.25)
    await has_begun(office, task_id)
    await freeze(office, first)
    second = hire()

    async def goes_on() -> bool:
        return bool((await office.row(task_id)).attempt == 2)

    await office.until(goes_on)
    first.send(signal.SIGCONT)
    await office.reaches(task_id, SUCCESS)

    done = await steps(office, task_id)
    assert [step for step, _ in done] == list(range(10))
    assert [attempt for _, attempt in done] == sorted(attempt for _, attempt in done)
    second.send(signal.SIGTERM)
    assert second.wait() == 0
    again = await office.start("life.steps", steps=1, seconds=0)
    await office.reaches(again, SUCCESS)
    assert (await office.row(again)).worker.split(".")[1] == str(first.pid)
    assert len(await office.parts.database.look(task_claims.list_lives)) == 1


async def test_a_worker_that_is_told_to_end_gives_its_tasks_back_at_once(office: Office, hire: Hire) -> None:
    first = hire()
    task_id = await office.start("life.steps", steps=16, seconds=0.25)
    await has_begun(office, task_id)
    first.send(signal.SIGTERM)
    assert first.wait() == 0
    assert (await office.row(task_id)).status == PENDING
    assert not await office.parts.database.look(task_claims.list_lives)
    hire()
    await office.reaches(task_id, SUCCESS)
    assert [step for step, _ in await steps(office, task_id)] == list(range(16))


async def test_a_task_of_a_dead_worker_can_be_stopped_while_there_is_no_other(office: Office, hire: Hire) -> None:
    first = hire()
    task_id = await office.start("life.steps", steps=400, seconds=0.25)
    await has_begun(office, task_id)
    first.send(signal.SIGKILL)
    first.wait()
    old = "now() - interval '20 s'" if office.parts.database.kind == "postgresql" else "heartbeat_at - 20000000"
    await office.execute(f"UPDATE worker SET heartbeat_at = {old}")  # noqa: S608 - 20 s pass
    await office.run(queue.stop_task, task_id)
    assert (await office.row(task_id)).status == STOPPED


async def test_a_job_that_cannot_be_interrupted_is_fenced(office: Office, hire: Hire) -> None:
    hire()
    task_id = await office.start("life.block", seconds=2)
    await office.reaches(task_id, RUNNING)
    await office.run(queue.stop_task, task_id)
    await office.reaches(task_id, STOPPED)
    await asyncio.sleep(2.5)  # by then it tried to write
    assert await steps(office, task_id) == []


def test_a_worker_that_is_frozen_is_dead_within_30_s() -> None:
    """By the waits of the product: here they are shorter."""
    assert (worker.DEAD_SECONDS + worker.BEAT_SECONDS + worker.TICK_SECONDS) * HASTE < 30


async def test_a_clock_that_is_set_makes_no_worker_dead(office: Office, hire: Hire) -> None:
    """Heartbeats are compared with the steady clock: hours that pass at once change nothing."""
    first = hire()
    task_id = await office.start("life.steps", steps=16, seconds=0.25)
    await has_begun(office, task_id)
    kind = office.parts.database.kind
    for hours in (-5, 5):
        shift = f"interval '{hours} hours'" if kind == "postgresql" else str(hours * 3_600_000_000)
        await office.execute(f"UPDATE worker SET heartbeat_at = heartbeat_at + {shift}")  # noqa: S608 - ours
        watcher = Worker(office.parts)
        for _ in range(3):
            await watcher._look_for_dead()
    row = await office.reaches(task_id, SUCCESS)
    assert (row.attempt, row.lost) == (1, 0)
    assert os.getpid() != first.pid
