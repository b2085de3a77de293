"""Workers that go, claims and ends whose replies are lost, and a database that is away; on both databases."""

import asyncio
from typing import Any

import pytest

from moorage.db.engine import Database
from moorage.errors import DatabaseUnavailable
from moorage.events import SYSTEM, Actor
from moorage.jobs import task_claims
from moorage.jobs.queue import ERROR, PENDING, RUNNING, SUCCESS, job
from moorage.jobs.task_context import Task
from moorage.settings import Settings
from moorage.wiring import open_database
from tests.jobs.conftest import Office


async def test_a_worker_that_ends_gives_back_what_is_unfinished(office: Office) -> None:
    attempts = []

    @job("test.long")
    async def long(task: Task) -> None:
        attempts.append(task.attempt)
        if task.attempt == 1:
            await asyncio.sleep(60)

    task_id = await office.start("test.long")
    async with office.working():
        await office.reaches(task_id, RUNNING)
    row = await office.row(task_id)
    assert (row.status, row.failures, row.lost) == (PENDING, 0, 0)
    async with office.working():
        await office.reaches(task_id, SUCCESS)
    assert attempts == [1, 2]


async def test_an_idle_worker_ends_when_it_is_told_to(office: Office) -> None:
    @job("test.see")
    async def see(task: Task) -> None:
        await asyncio.sleep(1)

    task_id = await office.start("test.see")
    async with office.working(idle_seconds=0.5) as worker:
        await office.reaches(task_id, SUCCESS)

        async def is_gone() -> bool:
            return worker.id not in await office.parts.database.look(task_claims.list_lives)

        await office.until(is_gone)


async def test_a_task_that_kills_its_workers_is_not_tried_for_ever(office: Office) -> None:
    @job("test.kill")
    async def kill(task: Task) -> None:
        """Never gets so far."""

    task_id = await office.start("test.kill")
    database = office.parts.database
    for number in range(task_claims.LOST_LIMIT + 1):
        [one] = await database.run(SYSTEM, task_claims.claim, f"worker-{number}", {"test.kill": 0}, 1)
        assert (one.id, one.attempt) == (task_id, number + 1)
        assert await database.run(SYSTEM, task_claims.recover, [f"worker-{number}"]) == 1
    row = await office.row(task_id)
    assert row.status == ERROR
    assert "workers died" in row.message
    assert (await office.execution(row.execution_id)).status == ERROR


# -- what is lost on the way, or comes twice ----------------------------------------------------------------


async def test_a_claim_whose_reply_was_lost_is_given_back(office: Office) -> None:
    """The transaction was committed, and its worker never heard of it."""

    @job("test.see", limit=1)
    async def see(task: Task) -> None:
        """Nothing."""

    async with office.working() as worker:
        task_id = await office.start("test.see", delay_seconds=3600)
        await office.execute(f"UPDATE task SET status = 'Pending' WHERE id = {task_id}")  # noqa: S608 - ours
        taken = await office.run(task_claims.claim, worker.id, {"test.see": 1}, 1)
        if taken:  # the worker may have been faster
            row = await office.reaches(task_id, SUCCESS)
            assert (row.attempt, row.lost) == (2, 1)
        await office.reaches(task_id, SUCCESS)


async def test_many_workers_that_claim_at_once_take_up_each_task_once(office: Office, settings: Settings) -> None:
    for number in range(60):
        await office.start("test.see" if number % 3 else "test.one")
    others = [open_database(settings) for _ in range(4)]
    limits = {"test.see": 0, "test.one": 2}
    try:
        claimed = [
            one
            for taken in await asyncio.gather(
                *(
                    other.run(SYSTEM, task_claims.claim, f"w{n}", limits, 7)
                    for n, other in enumerate(others)
                    for _ in range(5)
                )
            )
            for one in taken
        ]
    finally:
        for other in others:
            await other.close()
    assert len({one.id for one in claimed}) == len(claimed)
    assert sum(one.job == "test.one" for one in claimed) == 2
    assert sum(one.job == "test.see" for one in claimed) == 40
    assert {one.attempt for one in claimed} == {1}


async def test_an_end_whose_reply_was_lost_is_an_end_all_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    ends: list[object] = []

    @job("test.see")
    async def see(task: Task) -> None:
        ran.append(task.attempt)

    run = Database.run

    async def loses(self: Database, actor: Actor, story: Any, /, *args: Any, **kwargs: Any) -> Any:
        """The end of the first attempt: once nothing was written, once everything was."""
        if story is not task_claims.finish:
            return await run(self, actor, story, *args, **kwargs)
        ends.append(args)
        if len(ends) == 1:
            raise DatabaseUnavailable
        found = await run(self, actor, story, *args, **kwargs)
        if len(ends) == 2:
            raise DatabaseUnavailable
        return found

    monkeypatch.setattr(Database, "run", loses)
    task_id = await office.start("test.see")
    async with office.working():
        row = await office.reaches(task_id, SUCCESS)
        await office.until(lambda: len(ends) == 3)
        await asyncio.sleep(0.5)
        row = await office.row(task_id)
    assert (row.attempt, ran, row.status) == (1, [1], SUCCESS)


async def test_a_database_that_is_away_for_seconds_ends_no_task(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    @job("test.slow")
    async def slow(task: Task) -> None:
        for step in range(20):
            task.progress(step)
            task.log(f"step {step}")
            await asyncio.sleep(0.1)

    task_id = await office.start("test.slow")
    async with office.working():
        await office.reaches(task_id, RUNNING)
        with monkeypatch.context() as patch:
            for name in ("run", "look"):
                patch.setattr(type(office.parts.database), name, _is_away)
            await asyncio.sleep(1.5)
        row = await office.reaches(task_id, SUCCESS)
    assert (row.attempt, row.failures, row.lost) == (1, 0, 0)
    text = await office.log(task_id)
    assert [line.rpartition(" ")[2] for line in text.splitlines()] == [str(step) for step in range(20)]


async def _is_away(*_: object, **__: object) -> None:
    raise DatabaseUnavailable
