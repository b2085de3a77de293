"""What a task goes through: taken up, run, retried, stopped, ended; on both databases."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import insert, select, update

from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.errors import Conflict
from moorage.jobs import queue, tables, worker
from moorage.jobs.queue import ERROR, PENDING, RUNNING, SCHEDULED, STOPPED, SUCCESS, GiveUp, RetryLater, TaskLost, job
from moorage.jobs.task_context import LOG_BYTES, Task
from tests.jobs.conftest import Office
from tests.jobs.haste import HASTE


def note(work: Work, name: str) -> None:
    """An effect: a row that can be there once."""
    work.db.execute(insert(tables.Pause).values(vendor_type=name, at=db_now()))


def list_notes(work: Work) -> list[str]:
    return sorted(work.db.scalars(select(tables.Pause.vendor_type)))


async def test_a_task_runs_with_its_arguments_and_ends_its_execution(office: Office) -> None:
    seen = []

    @job("test.see")
    async def see(task: Task, *, digest: str, count: int) -> None:
        seen.append((digest, count, task.attempt, task.vendor_id))
        task.message = "seen"

    task_id = await office.start("test.see", digest="sha256:1", count=3, vendor_id=7)
    async with office.working():
        row = await office.reaches(task_id, SUCCESS)

    assert seen == [("sha256:1", 3, 1, 7)]
    assert (row.attempt, row.failures, row.message) == (1, 0, "seen")
    assert row.started_at <= row.ended_at
    execution = await office.execution(row.execution_id)
    assert (execution.status, execution.vendor_type, execution.vendor_id) == (SUCCESS, "TEST", 7)
    assert execution.ended_at is not None


async def test_nothing_is_taken_up_before_its_transaction_is_committed_nor_after_it_was_rolled_back(
    office: Office,
) -> None:
    @job("test.see")
    async def see(task: Task) -> None:
        """Nothing."""

    def breaks(work: Work) -> None:
        queue.start(work, "test.see", "TEST")
        raise LookupError

    with pytest.raises(LookupError):
        await office.run(breaks)
    async with office.working():
        await asyncio.sleep(0.6)

    assert await office.rows() == []


async def test_a_failed_attempt_is_tried_again_later_and_later_until_it_gives_up(office: Office) -> None:
    @job("test.fail", retries=2, delay_seconds=0.1)
    async def fail(task: Task) -> None:
        raise Conflict("somebody was there before")

    task_id = await office.start("test.fail")
    async with office.working():
        row = await office.reaches(task_id, ERROR)

    assert (row.attempt, row.failures, row.message) == (3, 3, "somebody was there before")
    assert (await office.execution(row.execution_id)).status == ERROR
    assert (await office.execution(row.execution_id)).status_message == "somebody was there before"
    assert (await office.log(task_id)).count("somebody was there before") == 3
    made = queue.JOBS["test.fail"]
    assert [made.delay(n) for n in (1, 2, 3, 20)] == [0.1, 0.2, 0.4, 600]


async def test_giving_up_ends_at_once_and_asking_for_time_is_given_it(office: Office) -> None:
    @job("test.give_up", retries=5)
    async def give_up(task: Task) -> None:
        raise GiveUp("there is no such registry")

    @job("test.later", retries=5)
    async def later(task: Task) -> None:
        raise RetryLater("429", after_seconds=500)

    gone, waits = await office.start("test.give_up"), await office.start("test.later")
    async with office.working():
        assert (await office.reaches(gone, ERROR)).attempt == 1
        row = await office.reaches(waits, SCHEDULED)

    assert 490 < (row.due_at - row.updated_at).total_seconds() < 510
    assert (await office.execution(row.execution_id)).status == RUNNING


async def test_a_bug_in_a_job_is_an_error_of_its_task_and_says_no_more_than_its_kind(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    @job("test.bug")
    async def bug(task: Task) -> None:
        raise KeyError("a secret")

    @job("test.see")
    async def see(task: Task, *, digest: str) -> None:
        """Nothing."""

    broken = await office.start("test.bug")
    odd = await office.start("test.see", color="red")
    async with office.working():
        row = await office.reaches(broken, ERROR)
        assert (await office.reaches(odd, ERROR)).message.startswith("Internal error (TypeError)")

    assert "KeyError" in row.message
    assert "secret" not in row.message + await office.log(broken)
    assert "a secret" in caplog.text


async def test_an_attempt_that_takes_too_long_is_ended(office: Office) -> None:
    @job("test.sleep", timeout_seconds=0.3)
    async def sleep(task: Task) -> None:
        await asyncio.sleep(60)

    task_id = await office.start("test.sleep")
    async with office.working():
        row = await office.reaches(task_id, ERROR)

    assert "longer than" in row.message


# -- order, limits ------------------------------------------------------------------------------------------


async def test_higher_priority_first_then_older(office: Office) -> None:
    order = []

    @job("test.order")
    async def see(task: Task, *, name: str) -> None:
        order.append(name)

    for name, priority in (("a", 0), ("b", -10), ("c", 10), ("d", 0), ("e", 10)):
        await office.start("test.order", name=name, priority=priority)
    async with office.working(slots=1):
        await office.until(lambda: len(order) == 5)

    assert order == ["c", "e", "a", "d", "b"]


async def test_no_more_of_a_job_run_at_once_than_its_limit_over_all_workers(office: Office) -> None:
    running, most, done = 0, 0, 0
    go_on = asyncio.Event()

    @job("test.few", limit=2)
    async def few(task: Task) -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await go_on.wait()
        await asyncio.sleep(0.15)
        running -= 1
        done += 1

    @job("test.many")
    async def many(task: Task) -> None:
        """Nothing."""

    for _ in range(8):
        await office.start("test.few")
    other = await office.start("test.many")
    async with office.working(), office.working(), office.working():
        await office.reaches(other, SUCCESS)
        assert done == 0, "the others were not waited for"
        await office.until(lambda: running == 2)
        go_on.set()
        await office.until(lambda: done == 8)

    assert most == 2


async def test_tasks_of_a_job_with_a_limit_follow_each_other_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 600.0)
    done = []

    @job("test.one", limit=1)
    async def one(task: Task) -> None:
        done.append(task.id)

    @job("test.plan")
    async def plan(task: Task) -> None:
        await task.complete(add)

    def add(work: Work) -> None:
        running = work.db.scalars(select(tables.Task.execution_id).where(tables.Task.job == "test.plan")).one()
        queue.enqueue_all(work, "test.one", [{}] * 5, execution_id=running)

    planned = await office.start("test.plan")
    async with office.working():
        await office.reaches(planned, SUCCESS)
        await office.until(lambda: len(done) == 5)

    assert len(set(done)) == 5


async def test_a_paused_queue_waits_and_goes_on(office: Office) -> None:
    @job("test.see")
    async def see(task: Task) -> None:
        """Nothing."""

    await office.run(note, "TEST")
    task_id = await office.start("test.see")
    async with office.working():
        await asyncio.sleep(0.4)
        assert (await office.row(task_id)).status == PENDING
        await office.execute("DELETE FROM pause")
        await office.reaches(task_id, SUCCESS)


async def test_a_task_of_a_job_that_no_worker_knows_waits_for_one_that_does(office: Office) -> None:
    task_id = await office.start("test.new")
    async with office.working():
        await asyncio.sleep(0.4)
        assert (await office.row(task_id)).status == PENDING

        @job("test.new")
        async def see(task: Task) -> None:
            """Nothing."""

        await office.reaches(task_id, SUCCESS)


async def test_a_delayed_task_waits_and_one_from_before_the_clock_was_set_back_does_not(office: Office) -> None:
    @job("test.see")
    async def see(task: Task) -> None:
        """Nothing."""

    soon, late, odd = [await office.start("test.see", delay_seconds=delay) for delay in (0.5, 3600, 3600)]
    future = {"updated_at": db_now(86400.0), "due_at": db_now(90000.0)}
    await office.run(lambda work: work.db.execute(update(tables.Task).where(tables.Task.id == odd).values(future)))
    async with office.working():
        await office.reaches(soon, SUCCESS)
        await office.reaches(odd, SUCCESS)
        assert (await office.row(late)).status == SCHEDULED


# -- executions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (["ok", "ok"], SUCCESS),
        (["ok", "bad", "ok"], ERROR),
        (["bad", "stop"], ERROR),
        (["ok", "stop"], STOPPED),
        ([], SUCCESS),
    ],
)
async def test_an_execution_is_what_its_tasks_became(office: Office, ends: list[str], status: str) -> None:
    @job("test.end")
    async def end(task: Task, *, how: str) -> None:
        if how == "bad":
            raise GiveUp("bad")

    def begin(work: Work) -> int:
        execution_id = queue.create_execution(work, "TEST", trigger="SCHEDULE")
        each = [{"how": how} for how in ends]
        assert queue.enqueue_all(work, "test.end", each, execution_id=execution_id) == len(ends)
        for row in work.db.execute(select(tables.Task.id, tables.Task.arguments)).all():
            if row.arguments["how"] == "stop":
                assert queue.stop_task(work, row.id)
        queue.settle(work, execution_id)
        return execution_id

    execution_id = await office.run(begin)
    async with office.working():

        async def ended() -> bool:
            return bool((await office.execution(execution_id)).status == status)

        await office.until(ended)
    counts = await office.parts.database.look(queue.list_counts, [execution_id])
    assert sum(counts[execution_id].values()) == len(ends)


# -- stopping -----------------------------------------------------------------------------------------------


def test_a_stop_takes_effect_within_five_seconds() -> None:
    """Whether a job listens or not: a worker looks for stops with every tick. Here it does so more often."""
    assert (worker.TICK_SECONDS + worker.STUBBORN_SECONDS) * HASTE < 5


@pytest.mark.parametrize("stubborn", [False, True], ids=["listens", "does not listen"])
async def test_what_was_stopped_ends_and_writes_nothing_more(office: Office, stubborn: bool) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    late = []

    @job("test.sleep", retries=5)
    async def sleep(task: Task) -> None:
        started.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                if not stubborn:
                    raise
        try:
            await task.run(note, "late")
        except TaskLost as lost:
            late.append(lost)
            raise

    task_id = await office.start("test.sleep")
    async with office.working():
        await started.wait()
        row = await office.row(task_id)
        await office.run(queue.stop_execution, row.execution_id)
        await office.reaches(task_id, STOPPED)
        assert (await office.execution(row.execution_id)).status == STOPPED
        go_on.set()
        if stubborn:
            await office.until(lambda: len(late) == 1)

    assert await office.parts.database.look(list_notes) == []
    assert (await office.row(task_id)).status == STOPPED


async def test_what_waits_is_stopped_at_once_and_what_has_ended_stays_as_it_is(office: Office) -> None:
    @job("test.see")
    async def see(task: Task) -> None:
        """Nothing."""

    ended = await office.start("test.see")
    async with office.working():
        await office.reaches(ended, SUCCESS)
    waits, delayed = await office.start("test.see"), await office.start("test.see", delay_seconds=60)
    assert await office.run(queue.stop_task, waits)
    assert await office.run(queue.stop_task, delayed)
    assert not await office.run(queue.stop_task, ended)
    assert not await office.run(queue.stop_task, 12345)

    assert [row.status for row in await office.rows()] == [SUCCESS, STOPPED, STOPPED]
    for row in await office.rows():
        assert (await office.execution(row.execution_id)).status == row.status


async def test_stopping_a_queue_ends_what_waits_in_it(office: Office) -> None:
    for _ in range(5):
        await office.start("test.see")
    assert await office.run(queue.stop_waiting, "OTHER") == 0
    assert await office.run(queue.stop_waiting, "TEST", limit=3) == 3
    assert await office.run(queue.stop_waiting) == 2
    assert {row.status for row in await office.rows()} == {STOPPED}


async def test_a_plan_that_is_stopped_adds_nothing_that_would_run(office: Office) -> None:
    ran = []

    @job("test.plan")
    async def plan(task: Task) -> None:
        while True:
            await task.run(queue.enqueue_all, "test.see", [{}] * 50, execution_id=task.execution_id)
            await asyncio.sleep(0)

    @job("test.see")
    async def see(task: Task) -> None:
        ran.append(task.id)

    task_id = await office.start("test.plan")
    async with office.working(slots=1):  # only the plan finds a place
        await office.reaches(task_id, RUNNING)
        await asyncio.sleep(0.5)
        await office.run(queue.stop_execution, (await office.row(task_id)).execution_id)
        await office.reaches(task_id, STOPPED)
        await asyncio.sleep(0.6)

    rows = await office.rows()
    assert len(rows) > 50
    assert {row.status for row in rows} == {STOPPED}
    assert ran == []


# -- what people see ----------------------------------------------------------------------------------------


async def test_progress_and_log_can_be_read_while_it_runs(office: Office) -> None:
    go_on = asyncio.Semaphore(0)

    @job("test.slow")
    async def slow(task: Task) -> None:
        for step in range(1, 4):
            task.progress(step, 10, done_bytes=step * 1000, total_bytes=10_000)
            task.log(f"step {step}\0\ud800")
            await go_on.acquire()

    task_id = await office.start("test.slow")
    async with office.working():

        async def is_written(step: int) -> bool:
            return f"step {step}" in await office.log(task_id)

        for step in (1, 2, 3):  # each with a tick of its own
            await office.until(partial(is_written, step))
            if step < 3:
                go_on.release()
        row = await office.row(task_id)
        assert (row.status, row.done, row.total, row.done_bytes, row.total_bytes) == (RUNNING, 3, 10, 3000, 10_000)
        assert 0 < row.rate < 100_000
        left = queue.seconds_left(row)
        assert left is not None
        assert 0 < left < 1000
        go_on.release()
        row = await office.reaches(task_id, SUCCESS)
    assert row.log_bytes == len((await office.log(task_id)).encode())
    assert queue.seconds_left(row) is None


async def test_a_log_ends_at_its_bound(office: Office) -> None:
    @job("test.talk")
    async def talk(task: Task) -> None:
        for _ in range(12):
            task.log("x" * 1_000_000)
        task.log("lost")

    task_id = await office.start("test.talk")
    async with office.working():
        await office.reaches(task_id, SUCCESS)
    text = await office.log(task_id)
    assert LOG_BYTES - 1_100_000 < len(text) <= LOG_BYTES + 200
    assert text.endswith("the log is full; what follows is left out\n")


async def test_the_last_transaction_of_a_job_and_its_end_are_one(office: Office) -> None:
    @job("test.once", retries=3, delay_seconds=0)
    async def once(task: Task) -> None:
        task.log("almost")
        await task.complete(note, "once")
        raise LookupError("too late to matter")

    task_id = await office.start("test.once")
    async with office.working():
        row = await office.reaches(task_id, SUCCESS)
        await asyncio.sleep(0.5)

    assert (row.attempt, await office.parts.database.look(list_notes)) == (1, ["once"])
    assert "almost" in await office.log(task_id)
