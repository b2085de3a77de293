"""Register workers and claim, update, finish and recover tasks; one transaction per function."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, literal, or_, select, text, update

from moorage.db.base import db_now
from moorage.db.hand_written_sql import call, each, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.events import TaskEnded
from moorage.jobs.queue import ERROR, PENDING, RUNNING, SCHEDULED, STOPPED, SUCCESS, Job, TaskLost, settle
from moorage.jobs.tables import Execution, Pause, Task, Worker

LOST_LIMIT = 10
"""How many workers a task may outlive: one that kills each of them must not do so for ever."""

WAKE_BATCH = 1000
MESSAGE_CHARACTERS = 4000

_RUNNING = text("task.status = 'Running'")
_PENDING = text("task.status = 'Pending'")
_SCHEDULED = text("task.status = 'Scheduled'")

# One who claims at a time: or two would both find the last place of a job with a limit. Projects' gates have keys > 0.
_CLAIM_LOCK = select(func.pg_advisory_xact_lock(-1))
_LIMITED = (
    select(Task.job, func.count()).where(_RUNNING, Task.job.in_(bindparam("jobs", expanding=True))).group_by(Task.job)
)
_READY = (
    select(Task.id, Task.job)
    .where(
        _PENDING,
        Task.job.in_(bindparam("jobs", expanding=True)),
        Task.vendor_type.not_in(select(Pause.vendor_type)),
    )
    .order_by(Task.priority.desc(), Task.id)
    .limit(bindparam("limit"))
)
_TAKE = (
    update(Task)
    .where(Task.id.in_(bindparam("ids", expanding=True)), _PENDING)
    .values(
        status=RUNNING,
        attempt=Task.attempt + 1,
        worker=bindparam("by"),
        message="",
        rate=0,
        started_at=func.coalesce(Task.started_at, db_now()),
        updated_at=db_now(),
    )
    .returning(Task.id, Task.execution_id, Task.vendor_type, Task.job, Task.arguments, Task.attempt, Task.log_bytes)
)
_VENDORS = select(Execution.id, Execution.vendor_id).where(Execution.id.in_(bindparam("ids", expanding=True)))
_DUE = or_(Task.due_at <= db_now(), Task.updated_at > db_now(60.0))


class Claimed(NamedTuple):
    """A task that a worker has taken up."""

    id: int
    execution_id: int
    vendor_type: str
    job: str
    arguments: dict[str, object]
    attempt: int
    log_bytes: int
    vendor_id: int


class Attempt(NamedTuple):
    """The fencing token of an attempt: task, worker and attempt number."""

    task_id: int
    attempt: int
    worker: str


# -- the worker itself --------------------------------------------------------------------------------------


def register(work: Work, worker: str, host: str, pid: int, slots: int) -> None:
    """Add a worker's row."""
    row = {"id": worker, "host": host[:255], "pid": pid, "slots": slots}
    work.db.execute(insert(Worker).values(**row, started_at=db_now(), heartbeat_at=db_now()))


def unregister(work: Work, worker: str) -> None:
    """Remove a worker's row once it holds no tasks."""
    work.db.execute(delete(Worker).where(Worker.id == worker))


def beat(work: Work, worker: str) -> bool:
    """Write a worker's heartbeat; False: its tasks were already recovered by others."""
    values = {"heartbeat_at": db_now()}
    return bool(work.db.execute(update(Worker).where(Worker.id == worker).values(values)).rowcount)


# -- taking up ----------------------------------------------------------------------------------------------


def find_ready(work: Work, limits: Mapping[str, int], room: int) -> list[int]:
    """Ids of the tasks to take up next, at most `room`: higher priority first, then older ones.

    Args:
        limits: every job that this worker knows, with how many of it may run at once; 0: any number.
    """
    limited = [name for name, limit in limits.items() if limit]
    free = dict(limits)
    if limited:
        for name, count in work.db.execute(_LIMITED, {"jobs": limited}):
            free[name] = max(0, limits[name] - count)
    names = [name for name in limits if not limits[name] or free[name]]
    found = []
    for task_id, name in work.db.execute(_READY, {"jobs": names, "limit": room * 4}):
        if limits[name]:
            if not free[name]:
                continue
            free[name] -= 1
        found.append(task_id)
        if len(found) == room:
            break
    return found


def claim(work: Work, worker: str, limits: Mapping[str, int], room: int) -> list[Claimed]:
    """Take up at most `room` tasks: from here on they are this worker's, with a new attempt."""
    if work.db.dialect.name == "postgresql":
        work.db.execute(_CLAIM_LOCK)
    ids = find_ready(work, limits, room)
    if not ids:
        return []
    rows = work.db.execute(_TAKE, {"ids": ids, "by": worker}).all()
    vendors = dict(work.db.execute(_VENDORS, {"ids": sorted({row.execution_id for row in rows})}).all())
    place = {task_id: number for number, task_id in enumerate(ids)}
    return [Claimed(*row, vendors[row.execution_id]) for row in sorted(rows, key=lambda row: place[row.id])]


def is_any_due(work: Work) -> bool:
    """Whether `wake` would find something."""
    return work.db.execute(select(literal(1)).where(_SCHEDULED, _DUE).limit(1)).first() is not None


def wake(work: Work) -> int:
    """Make Scheduled tasks whose delay is over Pending; how many.

    One that was written more than a minute in the future was so before the clock was set back: it need not wait twice.
    """
    found = select(Task.id).where(_SCHEDULED, _DUE).order_by(Task.due_at).limit(WAKE_BATCH)
    ids = list(work.db.scalars(found.with_for_update(skip_locked=True)))
    if ids:
        work.db.execute(update(Task).where(Task.id.in_(ids)).values(status=PENDING, due_at=None, updated_at=db_now()))
    return len(ids)


# -- while it runs ------------------------------------------------------------------------------------------


class Progress(NamedTuple):
    """What is written of a running task; `pieces` of its log."""

    task_id: int
    attempt: int
    done: int
    total: int
    done_bytes: int
    total_bytes: int
    rate: float
    pieces: tuple[str, ...]


_HOLDS = (
    Task.id == bindparam("task_id"),
    Task.attempt == bindparam("of_attempt"),
    Task.worker == bindparam("of_worker"),
    _RUNNING,
)
_NOTE = Query(
    """UPDATE task SET done = $4, total = $5, done_bytes = $6, total_bytes = $7, rate = $8, log_bytes = log_bytes + $9,
    updated_at = {now}
WHERE id = $1 AND attempt = $2 AND worker = $3 AND status = 'Running' RETURNING id"""
)
_LOG = Query("INSERT INTO task_log (task_id, text) VALUES ($1, $2)")
_ENDING = Query(
    """SELECT vendor_type, stop_asked, failures, execution_id FROM task
WHERE id = $1 AND attempt = $2 AND worker = $3 AND status = 'Running' {lock:FOR UPDATE}"""
)
_END = Query(
    """UPDATE task SET status = $2, message = $3, failures = $4, rate = 0, stop_asked = false, ended_at = {now},
    updated_at = {now}
WHERE id = $1"""
)
# A share lock: whoever takes the task away or stops it waits until the transaction has ended.
_FENCE = select(literal(1)).where(*_HOLDS, ~Task.stop_asked).with_for_update(read=True)
_HELD = (
    select(Task.id, Task.vendor_type, Task.stop_asked, Task.failures, Task.lost, Task.execution_id)
    .where(*_HOLDS)
    .with_for_update()
)


def _keys(attempt: Attempt) -> dict[str, object]:
    return {"task_id": attempt.task_id, "of_attempt": attempt.attempt, "of_worker": attempt.worker}


def note(work: Work, attempt: Attempt, progress: Progress) -> bool:
    """Write progress and log of a running task; False: it is not this attempt's any more, and nothing was written."""
    more = sum(len(piece.encode()) for piece in progress.pieces)
    noted = one(
        work, _NOTE, *attempt, progress.done, progress.total, progress.done_bytes, progress.total_bytes, progress.rate,
        more,
    )  # fmt: skip
    if noted is None:
        return False
    each(work, [call(_LOG, attempt.task_id, piece) for piece in progress.pieces])
    return True


def clean(text: str) -> str:
    """A text that both databases take: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


RESULTS = {SUCCESS: "success", ERROR: "fail", SCHEDULED: "fail", STOPPED: "stop"}
"""The word of the metrics for how an attempt ended, by the task's state after it. Source: Harbor's metrics."""

Ends = dict[tuple[str, str], tuple[int, float]]
"""Attempts that ended. Shape: {(vendor type, a word of `RESULTS`): (how many, seconds together)}"""

_COUNT_ENDS = text("""INSERT INTO task_total (vendor_type, result, count, seconds)
VALUES (:vendor_type, :result, :count, :seconds)
ON CONFLICT (vendor_type, result)
DO UPDATE SET count = task_total.count + excluded.count, seconds = task_total.seconds + excluded.seconds""")


def note_all(work: Work, worker: str, noted: Sequence[Progress], ends: Ends) -> None:
    """Write progress and log of several tasks, and count attempts that ended."""
    for progress in noted:
        note(work, Attempt(progress.task_id, progress.attempt, worker), progress)
    for (vendor_type, result), (count, seconds) in sorted(ends.items()):  # in one order: others count, too
        values = {"vendor_type": vendor_type, "result": result, "count": count, "seconds": seconds}
        work.db.execute(_COUNT_ENDS, values)


def list_held(work: Work, worker: str) -> dict[tuple[int, int], bool]:
    """The attempts that a worker holds, and whether somebody asked to stop each."""
    query = select(Task.id, Task.attempt, Task.stop_asked).where(_RUNNING, Task.worker == worker)
    return {(row.id, row.attempt): row.stop_asked for row in work.db.execute(query)}


# -- ending -------------------------------------------------------------------------------------------------


def require_held(work: Work, attempt: Attempt) -> None:
    """Lock the task's row for this attempt until the transaction ends.

    Raises:
        TaskLost: it is not this attempt's any more, or somebody asked to stop it.
    """
    if work.db.execute(_FENCE, _keys(attempt)).first() is None:
        raise TaskLost


def finish(
    work: Work,
    attempt: Attempt,
    status: str,
    message: str = "",
    *,
    progress: Progress | None = None,
    retry: Job | None = None,
    after_seconds: float | None = None,
) -> str | None:
    """End an attempt. The task's state afterwards; None: it was not this attempt's any more, and nothing was done.

    Args:
        status: Success or Error; what was stopped and did not succeed is Stopped.
        retry: of an Error: try again, as often and as late as this job says.
        after_seconds: of a retry: wait so long instead.
    """
    held = one(work, _ENDING, *attempt)
    if held is None:
        return None
    vendor_type, stop_asked, failures, execution_id = held
    if progress is not None:
        note(work, attempt, progress)
    message = clean(message[:MESSAGE_CHARACTERS])
    if status == ERROR:
        failures += 1
        if stop_asked:
            status = STOPPED
        elif retry is not None and failures <= retry.retries:
            delay = retry.delay(failures) if after_seconds is None else max(0.0, after_seconds)
            values: dict[str, Any] = {"message": message, "failures": failures, "rate": 0.0, "worker": None}
            values |= {"status": SCHEDULED, "due_at": db_now(delay), "updated_at": db_now()}
            work.db.execute(update(Task).where(Task.id == attempt.task_id).values(values))
            return SCHEDULED
    one(work, _END, attempt.task_id, status, message, failures)
    work.emit(TaskEnded(attempt.task_id, vendor_type, status))
    settle(work, execution_id)
    return status


def release(work: Work, attempt: Attempt, progress: Progress | None = None, *, lost: bool = False) -> None:
    """Give a task back that was not finished, because its worker ends: another one takes it up at once.

    Args:
        lost: its worker does not know what became of it; that is bounded as the death of a worker is.
    """
    held = work.db.execute(_HELD, _keys(attempt)).one_or_none()
    if held is None:
        return
    if progress is not None:
        note(work, attempt, progress)
    _hand_over(work, held, lost=held.lost + lost)


def _hand_over(work: Work, task: Any, *, lost: int) -> None:  # noqa: ANN401 - a row of `_HELD`
    """Make a running task Pending; or end it, when it was stopped or has outlived too many workers."""
    values: dict[str, Any] = {"status": PENDING, "worker": None, "lost": lost, "updated_at": db_now(), "rate": 0.0}
    if task.stop_asked:
        values |= {"status": STOPPED, "stop_asked": False, "ended_at": db_now()}
    elif lost > LOST_LIMIT:
        message = f"{lost} workers died while they ran this task; it is not tried again."
        values |= {"status": ERROR, "message": message, "ended_at": db_now()}
    work.db.execute(update(Task).where(Task.id == task.id).values(values))
    if values["status"] != PENDING:
        work.emit(TaskEnded(task.id, task.vendor_type, values["status"]))
        settle(work, task.execution_id)


# -- workers that died --------------------------------------------------------------------------------------


def list_lives(work: Work) -> dict[str, datetime | None]:
    """Every worker that has a row or tasks, with its last heartbeat."""
    holding = work.db.scalars(select(Task.worker).where(_RUNNING, Task.worker.is_not(None)).distinct())
    lives: dict[str, datetime | None] = dict.fromkeys(one for one in holding if one)
    lives.update(work.db.execute(select(Worker.id, Worker.heartbeat_at)).all())
    return lives


def recover(work: Work, workers: Iterable[str]) -> int:
    """Give the tasks of dead workers to others, and take their rows away; how many tasks.

    What somebody asked to stop is Stopped, and what has outlived too many workers is an Error. A task whose worker is
    in the middle of a transaction of it is passed over: it is not dead, or will be next time.
    """
    dead = list(workers)
    found = (
        select(Task.id, Task.vendor_type, Task.execution_id, Task.lost, Task.stop_asked)
        .where(_RUNNING, Task.worker.in_(dead))
        .order_by(Task.id)
        .with_for_update(skip_locked=True)
    )
    rows = work.db.execute(found).all()
    for row in rows:
        _hand_over(work, row, lost=row.lost + 1)
    holds = select(literal(1)).where(_RUNNING, Task.worker == Worker.id).exists()
    work.db.execute(delete(Worker).where(Worker.id.in_(dead), ~holds))
    return len(rows)
