"""A worker: claim tasks, run their jobs concurrently, and record the results."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Concatenate, Literal, NamedTuple, ParamSpec, TypeVar

from moorage import failpoints
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM
from moorage.jobs import task_claims
from moorage.jobs.history_cleanup import ensure_upkeep
from moorage.jobs.queue import ERROR, JOBS, STOPPED, SUCCESS, GiveUp, Job, RetryLater, TaskLost
from moorage.jobs.scheduler import fire_all
from moorage.jobs.task_claims import Attempt, Claimed
from moorage.jobs.task_context import Parts, Task
from moorage.logs import with_cause
from moorage.process_claims import is_dead, new_claim

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("moorage.jobs")

POLL_SECONDS = 0.25
"""How long a task waits to be taken up, at most, while there is a worker with room."""

TICK_SECONDS = 1.0
"""How often progress and logs are written and stops are looked for."""

BEAT_SECONDS = 4.0
DEAD_SECONDS = 15.0
"""A worker of another machine is dead when its heartbeat stood still for so long, by the steady clock of whoever looks.

No clock of the wall is asked: setting one makes nobody dead."""

STUBBORN_SECONDS = 3.0
"""How long a job that was told to end may take, until its task ends without it."""

LEAVE_SECONDS = 3.0
"""How long tasks may go on after the worker was told to end."""

Why = Literal["stopped", "lost", "leaving"]


@dataclass(slots=True, eq=False)
class _Running:
    """A task that runs here, and why it was told to end. `ending`: its end is being written; nothing may disturb it."""

    task: Task
    job: Job
    coroutine: "asyncio.Task[None] | None" = None
    ending: bool = False
    why: Why | None = None
    told_at: float = 0.0


@dataclass(slots=True)
class Worker:
    """Takes up tasks until it is told to stop.

    Args:
        slots: how many tasks at once.
        idle_seconds: end after so long without a task; 0: never.
        steady: for tests.
    """

    parts: Parts
    slots: int = 8
    idle_seconds: float = 0.0
    steady: Callable[[], float] = time.monotonic
    id: str = field(default_factory=new_claim)
    _running: set[_Running] = field(default_factory=set)
    _lives: dict[str, tuple[object, float]] = field(default_factory=dict)
    _beat_at: float = float("-inf")
    _freed: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: task_claims.Ends = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, or there is nothing to do for `idle_seconds`; then give back what is unfinished."""
        await self._insist(task_claims.register, self.id, socket.gethostname(), os.getpid(), self.slots)
        await self._insist(ensure_upkeep)
        self._beat_at = busy_at = self.steady()
        ticked_at = float("-inf")
        while not stop.is_set():
            now = self.steady()
            if now - ticked_at >= TICK_SECONDS:
                ticked_at = now
                await self._guard(self._tick())
            await self._guard(self._take_up())
            if self._running:
                busy_at = self.steady()
            elif self.idle_seconds and self.steady() - busy_at >= self.idle_seconds:
                break
            await self._rest(stop)
        await self._leave()

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait until it is worth looking again: a while, or until a task ends.

        That frees a slot, or a place of a job with a limit; or it has added tasks.
        """
        ends = self._freed.is_set() or bool(self._running)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for((self._freed if ends else stop).wait(), POLL_SECONDS)
        self._freed.clear()

    async def _guard(self, step: Coroutine[object, object, None]) -> None:
        """Run a step of the loop; what goes wrong is logged, and the next round tries again."""
        try:
            await step
        except Problem as problem:
            log.warning("the worker cannot go on yet: %s", with_cause(problem))
            await asyncio.sleep(1)
        except Exception:
            log.exception("a step of the worker failed; the next one goes on")
            await asyncio.sleep(1)

    async def _insist(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Retry a transaction until it commits."""
        while True:
            try:
                return await self.parts.database.run(SYSTEM, story, *args, **kwargs)
            except Problem as problem:
                log.warning("the worker waits for the database: %s", with_cause(problem))
                await asyncio.sleep(1)

    # -- every second -----------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        await self._write()
        await self._beat()
        await self._look_for_stops()
        await self._look_for_dead()
        await fire_all(self.parts.database)
        if await self.parts.database.look(task_claims.is_any_due):
            while await self.parts.database.run(SYSTEM, task_claims.wake) == task_claims.WAKE_BATCH:
                pass

    async def _write(self) -> None:
        """Write progress and logs of what runs here, and how many attempts ended."""
        taken = [(one.task, taken) for one in self._running if (taken := one.task.take()) is not None]
        ends, self._ends = self._ends, {}
        try:
            if taken or ends:
                noted = [progress for _, progress in taken]
                await self.parts.database.run(SYSTEM, task_claims.note_all, self.id, noted, ends)
        except BaseException:
            for task, progress in taken:
                task.give_back(progress)
            for (vendor_type, result), (count, seconds) in ends.items():
                self._count(vendor_type, result, count, seconds)
            raise

    def _count(self, vendor_type: str, result: str, count: int, seconds: float) -> None:
        """Count attempts that ended: written with the next tick, so that no end of a task waits for another's."""
        before = self._ends.get((vendor_type, result), (0, 0.0))
        self._ends[vendor_type, result] = (before[0] + count, before[1] + seconds)

    async def _beat(self) -> None:
        if self.steady() - self._beat_at < BEAT_SECONDS:
            return
        alive = await self.parts.database.run(SYSTEM, task_claims.beat, self.id)
        self._beat_at = self.steady()
        if alive:
            return
        log.warning("others took this worker for dead; it drops its tasks and starts anew")
        for one in self._running:
            self._tell(one, "lost")
        self.id = new_claim()
        await self.parts.database.run(
            SYSTEM, task_claims.register, self.id, socket.gethostname(), os.getpid(), self.slots
        )

    async def _look_for_stops(self) -> None:
        """Cancel tasks that were stopped or taken over; abandon those that do not react."""
        here = {(one.task.id, one.task.attempt): one for one in self._running}
        held = await self.parts.database.look(task_claims.list_held, self.id)
        for key, one in here.items():
            if one.ending or one.task.completed or one.coroutine is None or one.coroutine.done():
                continue
            if key not in held:
                self._tell(one, "lost")
            elif held[key]:
                self._tell(one, "stopped")
            if one.why == "stopped" and self.steady() - one.told_at > STUBBORN_SECONDS:
                await self.parts.database.run(SYSTEM, task_claims.finish, one.task.key, ERROR)
        for task_id, attempt in held.keys() - here.keys():  # its end, or its beginning, could not be written
            await self.parts.database.run(SYSTEM, task_claims.release, Attempt(task_id, attempt, self.id), lost=True)

    async def _look_for_dead(self) -> None:
        """Recover the tasks of dead workers."""
        now, lives = self.steady(), await self.parts.database.look(task_claims.list_lives)
        lives.pop(self.id, None)
        dead = []
        for worker, beat in lives.items():
            seen = self._lives.get(worker)
            if seen is None or seen[0] != beat:
                self._lives[worker] = seen = (beat, now)
            if is_dead(worker) or now - seen[1] >= DEAD_SECONDS:
                dead.append(worker)
        self._lives = {worker: seen for worker, seen in self._lives.items() if worker in lives}
        if dead and (count := await self.parts.database.run(SYSTEM, task_claims.recover, dead)):
            log.warning("%d tasks of workers that died are taken up again", count)

    # -- running ----------------------------------------------------------------------------------------------

    async def _take_up(self) -> None:
        room = self.slots - len(self._running)
        if room <= 0:
            return
        limits = {name: job.limit for name, job in JOBS.items()}
        if not await self.parts.database.look(task_claims.find_ready, limits, room):
            return
        claimed = await self.parts.database.run(SYSTEM, task_claims.claim, self.id, limits, room)
        for one in claimed:
            self._start(one)

    def _start(self, claimed: Claimed) -> None:
        task = Task(
            id=claimed.id,
            execution_id=claimed.execution_id,
            vendor_type=claimed.vendor_type,
            vendor_id=claimed.vendor_id,
            job=claimed.job,
            attempt=claimed.attempt,
            worker=self.id,
            parts=self.parts,
            log_bytes=claimed.log_bytes,
        )
        running = _Running(task, JOBS[claimed.job])
        coroutine = asyncio.create_task(self._attempt(running, claimed.arguments), name=f"{claimed.job} {task.id}")
        running.coroutine = coroutine
        self._running.add(running)
        coroutine.add_done_callback(lambda _: self._forget(running, coroutine))

    def _forget(self, running: _Running, coroutine: "asyncio.Task[None]") -> None:
        self._running.discard(running)
        self._freed.set()
        if not coroutine.cancelled() and (error := coroutine.exception()) is not None:
            log.error("the end of task %d could not be written", running.task.id, exc_info=error)

    def _tell(self, running: _Running, why: Why) -> None:
        if running.why is None and not running.ending and running.coroutine is not None:
            running.why, running.told_at = why, self.steady()
            running.coroutine.cancel()

    async def _attempt(self, running: "_Running", arguments: dict[str, object]) -> None:
        """Run the job, and write how it ended."""
        task, job = running.task, running.job
        began = self.steady()
        status, failure = SUCCESS, _Failure("", None)
        limit = asyncio.timeout(job.timeout_seconds)
        failpoints.point("job.begun")
        try:
            async with limit:
                await job.run(task, **arguments)
            failpoints.point("job.done")
        except asyncio.CancelledError:
            if running.why is None:
                raise
            if running.why == "leaving":
                running.ending = True
                await self._insist(task_claims.release, task.key, task.take())
                return
            status, failure = ERROR, _Failure("", None)
            task.log("stopped" if running.why == "stopped" else "given to another worker", level="WARNING")
        except Exception as error:  # noqa: BLE001 - whatever a job raises ends its attempt, never the worker
            late = limit.expired() and isinstance(error, TimeoutError)
            status, failure = ERROR, _late(job) if late else _judge(error, task, job)
        running.ending = True
        if task.completed:
            self._count(task.vendor_type, task_claims.RESULTS[SUCCESS], 1, self.steady() - began)
            return
        if status == ERROR and failure.message:
            task.log(failure.message, level="ERROR")
        message = failure.message if status == ERROR else task.message
        state = await self._insist(
            task_claims.finish, task.key, status, message,
            progress=task.take(), retry=failure.retry, after_seconds=failure.after_seconds,
        )  # fmt: skip
        if state is not None:
            self._count(task.vendor_type, task_claims.RESULTS[state], 1, self.steady() - began)
        else:
            log.warning("task %d, attempt %d, was taken away; what it found was not written", task.id, task.attempt)
        if state in {ERROR, STOPPED} and job.ended is not None:
            with contextlib.suppress(Problem):
                await job.ended(task)

    # -- the end ----------------------------------------------------------------------------------------------

    async def _leave(self) -> None:
        """Let tasks end that are about to; give the others back."""
        await self._wait(LEAVE_SECONDS)
        for one in list(self._running):
            self._tell(one, "leaving")
        await self._wait(STUBBORN_SECONDS)
        with contextlib.suppress(Problem):
            for one in list(self._running):
                await self.parts.database.run(SYSTEM, task_claims.release, one.task.key, one.task.take())
            await self._write()
            await self.parts.database.run(SYSTEM, task_claims.unregister, self.id)

    async def _wait(self, seconds: float) -> None:
        if left := [one.coroutine for one in self._running if one.coroutine is not None]:
            await asyncio.wait(left, timeout=seconds)


class _Failure(NamedTuple):
    """Why an attempt failed, for people; `retry`: the job, if another attempt may do better."""

    message: str
    retry: Job | None
    after_seconds: float | None = None


def _late(job: Job) -> _Failure:
    return _Failure(f"It took longer than {job.timeout_seconds:.0f} s.", job)


def _judge(error: Exception, task: Task, job: Job) -> _Failure:
    """Turn an exception of a job into a failure, with or without another attempt."""
    if isinstance(error, TaskLost):
        return _Failure("", None)
    if isinstance(error, GiveUp):
        return _Failure(str(error), None)
    if isinstance(error, RetryLater):
        return _Failure(str(error), job, error.after_seconds)
    if isinstance(error, Problem):
        return _Failure(str(error), job)
    log.error("task %d (%s) failed", task.id, job.name, exc_info=error)
    return _Failure(f"Internal error ({type(error).__name__}); the server's log has more.", job)
