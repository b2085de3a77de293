"""Enqueue and stop tasks inside the caller's transaction.

States of a task: Pending → Running → Success, Error or Stopped. A failed attempt goes to Scheduled, and from there to
Pending when its delay is over; an attempt whose worker died goes straight to Pending. From every state a stop leads to
Stopped. An execution is Running until all of its tasks have ended. Nothing waits for a message that could be lost.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, func, insert, literal, select, text, update

from moorage.db.base import db_now
from moorage.db.hand_written_sql import one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.events import ExecutionEnded, ExecutionStarted, ExecutionStopped
from moorage.jobs.tables import UNFINISHED, Execution, Task, Worker

log = logging.getLogger("moorage.jobs")

PENDING, SCHEDULED, RUNNING = "Pending", "Scheduled", "Running"
SUCCESS, ERROR, STOPPED = "Success", "Error", "Stopped"
FINAL = (SUCCESS, ERROR, STOPPED)

Trigger = Literal["MANUAL", "SCHEDULE", "EVENT"]


# -- jobs ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A function that tasks run, and how.

    Attributes:
        retries: how many attempts may fail before the last one; a worker that dies is no failure of the job.
        timeout_seconds: how long an attempt may take.
        limit: how many of them run at once, over all workers; 0: as many as there is room for.
        delay_seconds: before the first retry; it doubles with each, up to `longest_delay_seconds`.
        ended: called after the last attempt of a task, if that ran here and was no success. It may not be: a worker
            dies, and what waits is stopped without it.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    retries: int
    timeout_seconds: float
    limit: int
    delay_seconds: float
    longest_delay_seconds: float
    ended: Callable[..., Awaitable[None]] | None = None

    def delay(self, failures: int) -> float:
        """Seconds until the next attempt after `failures` (1 or more) have failed."""
        return min(self.delay_seconds * 2.0 ** min(failures - 1, 30), self.longest_delay_seconds)


JOBS: dict[str, Job] = {}
"""Every job of this process by name. A process that takes up no tasks has none (`moorage/worker_app.py` has all)."""


def job(
    name: str,
    *,
    retries: int = 0,
    timeout_seconds: float = 3600,
    limit: int = 0,
    delay_seconds: float = 5,
    longest_delay_seconds: float = 600,
    ended: Callable[..., Awaitable[None]] | None = None,
) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
    """Declare a job: `async def copy(task: Task, *, digest: str) -> None`. See `Job` for the options.

    It has to be safe to run twice, and its docstring says why. It is cancelled where it awaits when somebody stops
    it, when it takes too long, and when its worker was taken for dead.
    """

    def declare(run: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        if name in JOBS:
            msg = f"there are two jobs called {name}"
            raise ValueError(msg)
        JOBS[name] = Job(name, run, retries, timeout_seconds, limit, delay_seconds, longest_delay_seconds, ended)
        return run

    return declare


class RetryLater(Exception):
    """This attempt failed, and the next one should wait: raised by a job, for a 429 or 503 that says how long.

    Args:
        after_seconds: until then; without it, as long as the job says.
    """

    def __init__(self, message: str, *, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class GiveUp(Exception):
    """This task failed, and another attempt would fail as well: raised by a job; the message is for people."""


class TaskLost(Exception):
    """The task was stopped or given to another worker. Raised before anything is written.

    A job lets it through.
    """


# -- putting in ---------------------------------------------------------------------------------------------

_VENDOR = select(Execution.vendor_type).where(Execution.id == bindparam("execution_id"))
_ADD_EXECUTION = insert(Execution).returning(Execution.id)
_ADD_TASK = insert(Task).returning(Task.id)
_ADD_TASKS = insert(Task)


def create_execution(
    work: Work,
    vendor_type: str,
    *,
    vendor_id: int = -1,
    trigger: Trigger = "MANUAL",
    extra: Mapping[str, object] | None = None,
    project_id: int | None = None,
) -> int:
    """A new execution, by whoever acts; its id. Give it tasks in the same transaction, or `settle` it.

    Args:
        vendor_type: the contract's word for the kind of work: `GARBAGE_COLLECTION`.
        vendor_id: of the policy that it is run for; -1: there is none.
        extra: facts that its page shows; `note_execution` adds others.
        project_id: whose audit log tells of it, when it is started by hand.
    """
    row = {
        "vendor_type": vendor_type,
        "vendor_id": vendor_id,
        "status": RUNNING,
        "trigger": trigger,
        "principal_id": work.actor.principal_id,
        "extra": dict(extra or {}),
        "started_at": db_now(),
        "updated_at": db_now(),
    }
    created: int = work.db.execute(_ADD_EXECUTION.values(row)).scalar_one()
    if trigger == "MANUAL":
        work.emit(ExecutionStarted(created, vendor_type, vendor_id, project_id))
    return created


def create_executions(
    work: Work, vendor_type: str, extras: Sequence[Mapping[str, object]], *, vendor_id: int, trigger: Trigger
) -> list[int]:
    """An execution for each of `extras`, as `create_execution`; their ids in that order. Not by hand: no event."""
    same = {
        "vendor_type": vendor_type, "vendor_id": vendor_id, "status": RUNNING, "trigger": trigger,
        "principal_id": work.actor.principal_id, "started_at": db_now(), "updated_at": db_now(),
    }  # fmt: skip
    insertion = insert(Execution).values(same).returning(Execution.id, Execution.extra)
    made: dict[bytes, list[int]] = {}
    for row in work.db.execute(insertion, [{"extra": dict(extra)} for extra in extras]):  # in no order
        made.setdefault(_key(row.extra), []).append(row.id)
    return [made[_key(extra)].pop() for extra in extras]


def _key(extra: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(extra, order="sorted")


def enqueue(
    work: Work, name: str, /, *, execution_id: int, priority: int = 0, delay_seconds: float = 0, **arguments: object
) -> int:
    """Have the job `name` run with `arguments`; the id of its task. It is taken up once this transaction commits.

    Args:
        priority: higher ones first; people who wait 10, ordinary work 0, upkeep -10.
        arguments: small JSON values, ids and digests; never a secret.
    """
    vendor_type = _find_vendor(work, execution_id)
    return _add(work, _task(name, execution_id, vendor_type, arguments), priority, delay_seconds)


def enqueue_all(
    work: Work, name: str, each: Iterable[Mapping[str, object]], *, execution_id: int, priority: int = 0
) -> int:
    """Have the job run once with each of these arguments; how many. Cost: about 20 microseconds for each."""
    vendor_type = _find_vendor(work, execution_id)
    rows = [_task(name, execution_id, vendor_type, arguments) for arguments in each]
    if rows:
        same = {"priority": priority, "status": PENDING, "created_at": db_now(), "updated_at": db_now()}
        work.db.execute(_ADD_TASKS.values(same), rows)
    return len(rows)


def start(
    work: Work,
    name: str,
    vendor_type: str,
    /,
    *,
    vendor_id: int = -1,
    trigger: Trigger = "MANUAL",
    extra: Mapping[str, object] | None = None,
    project_id: int | None = None,
    priority: int = 0,
    delay_seconds: float = 0,
    **arguments: object,
) -> int:
    """An execution with one task; the execution's id."""
    execution_id = create_execution(
        work, vendor_type, vendor_id=vendor_id, trigger=trigger, extra=extra, project_id=project_id
    )
    _add(work, _task(name, execution_id, vendor_type, arguments), priority, delay_seconds)
    return execution_id


def _add(work: Work, row: dict[str, Any], priority: int, delay_seconds: float) -> int:
    row |= {"priority": priority, "created_at": db_now(), "updated_at": db_now(), "status": PENDING}
    if delay_seconds:
        row |= {"status": SCHEDULED, "due_at": db_now(delay_seconds)}
    task_id: int = work.db.execute(_ADD_TASK.values(row)).scalar_one()
    return task_id


def _find_vendor(work: Work, execution_id: int) -> str:
    found: str = work.db.execute(_VENDOR, {"execution_id": execution_id}).scalar_one()
    return found


def _task(name: str, execution_id: int, vendor_type: str, arguments: Mapping[str, object]) -> dict[str, Any]:
    kept = dict(arguments)
    return {"execution_id": execution_id, "vendor_type": vendor_type, "job": name, "arguments": kept}


# -- ending -------------------------------------------------------------------------------------------------

_UNFINISHED = text(UNFINISHED)
_LOCK = Query(
    """SELECT status, status_message, vendor_type, vendor_id, trigger FROM execution
WHERE id = $1 {lock:FOR NO KEY UPDATE}"""
)
_IS_BUSY = Query(f"SELECT 1 FROM task WHERE execution_id = $1 AND {UNFINISHED} LIMIT 1")  # noqa: S608 - a constant
_COUNT = select(Task.status, func.count()).where(Task.execution_id == bindparam("id")).group_by(Task.status)
_REASON = (
    select(Task.message)
    .where(Task.execution_id == bindparam("id"), Task.status == ERROR, Task.message != "")
    .order_by(Task.id)
    .limit(1)
)


def settle(work: Work, execution_id: int) -> None:
    """Give an execution its last state, if all of its tasks have ended. Safe to repeat.

    Error if any task failed, else Stopped if any was stopped, else Success. The row's lock orders two tasks that end at
    the same time, and what is counted is looked up behind it; so the second one sees both.
    """
    found = one(work, _LOCK, execution_id)
    if found is None or found[0] in FINAL or one(work, _IS_BUSY, execution_id):
        return
    _, message, vendor_type, vendor_id, trigger = found
    counts = dict(work.db.execute(_COUNT, {"id": execution_id}).all())
    status = next((status for status in (ERROR, STOPPED) if counts.get(status)), SUCCESS)
    if not message and status == ERROR:
        message = work.db.execute(_REASON, {"id": execution_id}).scalar() or ""
    values = {"status": status, "status_message": message, "updated_at": db_now(), "ended_at": db_now()}
    work.db.execute(update(Execution).where(Execution.id == execution_id).values(values))
    work.emit(ExecutionEnded(execution_id, vendor_type, vendor_id, trigger, status))


def note_execution(work: Work, execution_id: int, /, **facts: object) -> None:
    """Add facts to an execution's `extra`: results that its page shows."""
    kept = work.db.execute(
        select(Execution.extra).where(Execution.id == execution_id).with_for_update(key_share=True)
    ).scalar_one()
    values = {"extra": {**kept, **facts}, "updated_at": db_now()}
    work.db.execute(update(Execution).where(Execution.id == execution_id).values(values))


# Tasks first, the execution last: the order in which a task that ends takes its locks.
_STOPPED: dict[str, Any] = {"status": STOPPED, "updated_at": db_now(), "ended_at": db_now()}
_ASK = update(Task).values(stop_asked=True, updated_at=db_now())
_END = update(Task).where(Task.status.in_((PENDING, SCHEDULED))).values(_STOPPED)


DEAD_SECONDS = 15.0
"""A worker whose heartbeat is older is not waited for when a task of it is stopped. It is fenced, should it wake."""

# By the database's clock: if that was set forward, a living worker finds its task ended a second later.
_LIVES = (
    select(literal(1))
    .where(Worker.id == Task.worker, Worker.heartbeat_at > db_now(-DEAD_SECONDS))
    .correlate(Task)
    .exists()
)
_END_LOST = update(Task).where(Task.status == RUNNING, Task.stop_asked, ~_LIVES).values(_STOPPED)


def stop_execution(work: Work, execution_id: int, *, project_id: int | None = None) -> bool:
    """Stop an execution: waiting tasks at once, running tasks within 5 s.

    Returns:
        whether there was anything to end.

    Args:
        project_id: whose audit log tells of it.

    What runs is told first: a task that is just adding others has either added them by then, and they are ended here,
    or finds itself stopped.
    """
    in_it = Task.execution_id == execution_id
    ended = work.db.execute(_ASK.where(in_it, text("status = 'Running'"))).rowcount
    work.db.execute(_END_LOST.where(in_it))
    ended += work.db.execute(_END.where(in_it, _UNFINISHED)).rowcount
    settle(work, execution_id)
    if ended:
        _tell_of_stop(work, execution_id, project_id)
    return bool(ended)


def stop_task(work: Work, task_id: int) -> bool:
    """End one task; whether there was anything to end."""
    asked = work.db.execute(_ASK.where(Task.id == task_id, Task.status == RUNNING)).rowcount
    ended = work.db.execute(_END_LOST.where(Task.id == task_id)).rowcount
    ended += work.db.execute(_END.where(Task.id == task_id)).rowcount
    if not asked and not ended:
        return False
    execution_id = work.db.execute(select(Task.execution_id).where(Task.id == task_id)).scalar_one()
    settle(work, execution_id)
    _tell_of_stop(work, execution_id, None)
    return True


def _tell_of_stop(work: Work, execution_id: int, project_id: int | None) -> None:
    row = work.db.execute(select(Execution.vendor_type, Execution.vendor_id).where(Execution.id == execution_id)).one()
    work.emit(ExecutionStopped(execution_id, row.vendor_type, row.vendor_id, project_id))


def stop_waiting(work: Work, vendor_type: str | None = None, *, limit: int = 1000) -> int:
    """Stop at most `limit` waiting tasks of a queue and return how many; repeat until 0."""
    waits = text("status IN ('Pending', 'Scheduled')")
    found = select(Task.id, Task.execution_id).where(waits, _UNFINISHED).order_by(Task.id).limit(limit)
    if vendor_type is not None:
        found = found.where(Task.vendor_type == vendor_type)
    rows = work.db.execute(found.with_for_update(skip_locked=True)).all()
    work.db.execute(_END.where(Task.id.in_([row.id for row in rows])))
    for execution_id in sorted({row.execution_id for row in rows}):
        settle(work, execution_id)
    return len(rows)


def list_counts(work: Work, execution_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many tasks of each state these executions have. Shape: {execution id: {"Success": 3}}; one statement."""
    found: dict[int, dict[str, int]] = {one: {} for one in execution_ids}
    query = select(Task.execution_id, Task.status, func.count()).group_by(Task.execution_id, Task.status)
    for execution_id, status, count in work.db.execute(query.where(Task.execution_id.in_(list(found)))):
        found[execution_id][status] = count
    return found


def seconds_left(task: Any) -> float | None:  # noqa: ANN401 - a row with the columns of a task
    """Estimate the remaining seconds of a task from its rate; None if unknown."""
    left = float(task.total_bytes - task.done_bytes if task.total_bytes else task.total - task.done)
    rate = float(task.rate)
    if task.status != RUNNING or rate <= 0 or not (task.total_bytes or task.total):
        return None
    return max(0.0, left / rate)
