"""List executions, tasks, logs, queues and workers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, or_, select, text
from sqlalchemy.orm import aliased

from moorage.db.base import db_now
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.errors import ExecutionUnknown, ScheduleInvalid, TaskUnknown
from moorage.jobs.queue import FINAL, create_execution, enqueue_all, stop_execution
from moorage.jobs.scheduler import remove_schedule, set_schedule
from moorage.jobs.tables import Execution, Pause, Task, TaskLog, Worker

CRONS = {"Hourly": "0 0 * * * *", "Daily": "0 0 0 * * *", "Weekly": "0 0 0 * * 0"}
"""What a type means that comes without a cron expression. Source: the Harbor API v2.0 (ScheduleObj)."""

KEPT = {"EXECUTION_SWEEP": 10, "PURGE_AUDIT_LOG": 10, "REPLICATION_CLEANUP": 10, "IMAGE_SCAN": 1, "SBOM": 1}
KEPT_OTHERWISE = 50
"""How many executions of a vendor type and id are kept, the newest. Source: Harbor's defaults."""

EXECUTION_FIELDS = Fields(
    {
        "id": Field(Execution.id, "number"),
        "vendor_type": Field(Execution.vendor_type),
        "vendor_id": Field(Execution.vendor_id, "number"),
        "status": Field(Execution.status),
        "trigger": Field(Execution.trigger),
        "start_time": Field(Execution.started_at, "time"),
        "update_time": Field(Execution.updated_at, "time"),
        "end_time": Field(Execution.ended_at, "time"),
    },
    key=Execution.id,
    aliases={"creation_time": "start_time", "job_status": "status", "job_kind": "trigger"},
)


def newest_run(vendor_type: Any, vendor_id: Any, *, ended: bool = False) -> ScalarSelect[int]:  # noqa: ANN401 - columns or values
    """The id of the newest run of what a row of the statement around it is: one look into the index of executions.

    Args:
        vendor_type, vendor_id: of the run: columns of that row, or values.
        ended: only of those that have ended.
    """
    run = aliased(Execution)
    found = select(run.id).where(run.vendor_type == vendor_type, run.vendor_id == vendor_id)
    if ended:
        found = found.where(run.status.in_(FINAL))
    return found.order_by(run.id.desc()).limit(1).scalar_subquery()


TASK_FIELDS = Fields(
    {
        "id": Field(Task.id, "number"),
        "execution_id": Field(Task.execution_id, "number"),
        "vendor_type": Field(Task.vendor_type),
        "job": Field(Task.job),
        "status": Field(Task.status),
        "creation_time": Field(Task.created_at, "time"),
        "start_time": Field(Task.started_at, "time"),
        "update_time": Field(Task.updated_at, "time"),
        "end_time": Field(Task.ended_at, "time"),
        "run_count": Field(Task.attempt, "number"),
    },
    key=Task.id,
)


# -- executions ---------------------------------------------------------------------------------------------


def list_executions(
    work: Work, listing: Listing, vendor_type: str, vendor_id: int | None = None, *more: ColumnElement[bool]
) -> tuple[Sequence[Any], int, list[str]]:
    """A page of executions, the newest first; how many there are; what was ignored. Two statements.

    Args:
        more: what else holds for them.
    """
    executions = select(Execution).where(Execution.vendor_type == vendor_type, *more)
    if vendor_id is not None:
        executions = executions.where(Execution.vendor_id == vendor_id)
    return EXECUTION_FIELDS.list_rows(work, executions, listing, "-id")


def get_execution(work: Work, execution_id: int, vendor_type: str, vendor_id: int | None = None) -> Any:  # noqa: ANN401 - a row
    """An execution of this vendor type (and id).

    Raises:
        ExecutionUnknown: there is none.
    """
    row = work.db.execute(select(Execution).where(Execution.id == execution_id)).one_or_none()
    if row is None or row.vendor_type != vendor_type or vendor_id not in {None, row.vendor_id}:
        raise ExecutionUnknown(id=execution_id)
    return row


def list_tasks(work: Work, listing: Listing, execution_id: int | None = None) -> tuple[Sequence[Any], int, list[str]]:
    """A page of an execution's tasks in the order of their ids, or of all tasks, the newest first.

    Returns:
        the rows, how many there are, and what was ignored.
    """
    if execution_id is None:
        return TASK_FIELDS.list_rows(work, select(Task), listing, "-id")
    return TASK_FIELDS.list_rows(work, select(Task).where(Task.execution_id == execution_id), listing, "id")


def get_task(work: Work, task_id: int, execution_id: int | None = None) -> Any:  # noqa: ANN401 - a row
    """A task (of this execution).

    Raises:
        TaskUnknown: there is none.
    """
    row = work.db.execute(select(Task).where(Task.id == task_id)).one_or_none()
    if row is None or execution_id not in {None, row.execution_id}:
        raise TaskUnknown(id=task_id)
    return row


def read_log(work: Work, task_id: int) -> str:
    """A task's log as it is now, at most 10 MB; a sentence while there is nothing in it."""
    found = "".join(work.db.scalars(select(TaskLog.text).where(TaskLog.task_id == task_id).order_by(TaskLog.id)))
    return found or f"The task is {get_task(work, task_id).status}; there is nothing in its log.\n"


def stop_run(work: Work, execution_id: int, vendor_type: str) -> None:
    """Stop an execution of this vendor type, if it has not ended.

    Raises:
        ExecutionUnknown: there is none.
    """
    get_execution(work, execution_id, vendor_type)
    stop_execution(work, execution_id)


def read_task_log(work: Work, task_id: int, execution_id: int, vendor_type: str, vendor_id: int | None = None) -> str:
    """What a task of an execution of this vendor type (and id) wrote down so far.

    Raises:
        ExecutionUnknown, TaskUnknown: there is no such execution, or it has no such task.
    """
    get_execution(work, execution_id, vendor_type, vendor_id)
    get_task(work, task_id, execution_id)
    return read_log(work, task_id)


def read_run_log(work: Work, execution_id: int, vendor_type: str) -> str:
    """The log of an execution's first task: of its only one, where the contract speaks of "the log".

    Raises:
        ExecutionUnknown: there is no such execution of this vendor type.
    """
    get_execution(work, execution_id, vendor_type)
    task_id = work.db.scalar(select(func.min(Task.id)).where(Task.execution_id == execution_id))
    return "It has no task.\n" if task_id is None else read_log(work, task_id)


# -- schedules as the contract sets them ---------------------------------------------------------------------


def apply_schedule(
    work: Work,
    vendor_type: str,
    *,
    kind: str,
    cron: str,
    job: str,
    arguments: Mapping[str, object],
    vendor_id: int = -1,
) -> int | None:
    """Do what a client sends as a schedule: start now (Manual), start nothing (None), or start at times.

    Returns:
        the id of the execution that was started now.

    Raises:
        ScheduleInvalid: there is no such type.
        CronInvalid: the cron expression cannot be used.
    """
    if kind == "Manual":
        execution_id = create_execution(work, vendor_type, vendor_id=vendor_id, extra=arguments)
        enqueue_all(work, job, [arguments], execution_id=execution_id, priority=10)
        return execution_id
    if kind == "None":
        remove_schedule(work, vendor_type, vendor_id)
        return None
    if kind not in {*CRONS, "Custom", "Schedule"}:
        raise ScheduleInvalid(type=kind[:64])
    set_schedule(
        work, vendor_type, vendor_id,
        kind=kind, cron=cron or CRONS.get(kind, ""), job=job, arguments=arguments, extra=arguments,
    )  # fmt: skip
    return None


# -- queues and workers -------------------------------------------------------------------------------------

KNOWN = (
    "EXECUTION_SWEEP", "GARBAGE_COLLECTION", "IMAGE_SCAN", "P2P_PREHEAT", "PURGE_AUDIT_LOG", "REPLICATION",
    "REPLICATION_CLEANUP", "RETENTION", "SCAN_DATA_EXPORT", "SLACK", "SYSTEM_ARTIFACT_CLEANUP", "WEBHOOK",
)  # fmt: skip
"""Queues that are listed though nothing waits in them. Source: the contract's kinds of jobs; of ours the one for
uploads that a replication left at another registry."""


class Queue(NamedTuple):
    """What waits of a vendor type, and for how long the oldest has."""

    vendor_type: str
    waiting: int
    latency_seconds: int
    paused: bool


def list_queues(work: Work, known: tuple[str, ...]) -> list[Queue]:
    """The queues: of these vendor types, and of every other in which something waits or that is paused."""
    waits = text("status IN ('Pending', 'Scheduled')")
    now: datetime = work.db.execute(select(db_now())).scalar_one()
    found = {
        row.vendor_type: row
        for row in work.db.execute(
            select(Task.vendor_type, func.count().label("waiting"), func.min(Task.created_at).label("since"))
            .where(waits, text("status IN ('Pending', 'Scheduled', 'Running')"))
            .group_by(Task.vendor_type)
        )
    }
    paused = set(work.db.scalars(select(Pause.vendor_type)))
    queues = []
    for name in sorted({*known, *found, *paused} - {"SCHEDULER"}):
        row = found.get(name)
        latency = max(0, int((now - row.since).total_seconds())) if row else 0
        queues.append(Queue(name, int(row.waiting) if row else 0, latency, name in paused))
    return queues


def list_workers(work: Work) -> list[Any]:
    """The processes that take up tasks, the oldest first."""
    return list(work.db.execute(select(Worker).order_by(Worker.started_at, Worker.id)))


def list_running(work: Work, worker: str | None = None) -> list[Any]:
    """The tasks that run, of all workers or of one."""
    query = select(Task).where(text("task.status = 'Running'")).order_by(Task.id)
    return list(work.db.execute(query if worker is None else query.where(Task.worker == worker)))


# -- old history --------------------------------------------------------------------------------------------


class Group(NamedTuple):
    """Executions of one vendor type and id, of which there are too many: `kept` of them stay."""

    vendor_type: str
    vendor_id: int
    kept: int


def find_overfull(work: Work) -> list[Group]:
    """Where more executions are than are kept."""
    query = (
        select(Execution.vendor_type, Execution.vendor_id, func.count())
        .group_by(Execution.vendor_type, Execution.vendor_id)
        .having(or_(func.count() > KEPT_OTHERWISE, Execution.vendor_type.in_(list(KEPT))))
    )
    groups = []
    for vendor_type, vendor_id, count in work.db.execute(query):
        kept = KEPT.get(vendor_type, KEPT_OTHERWISE)
        if count > kept:
            groups.append(Group(vendor_type, vendor_id, kept))
    return groups


def find_old(work: Work, group: Group, limit: int = 100) -> list[int]:
    """Executions that have ended and are older than those that stay, the oldest first."""
    of_group = (Execution.vendor_type == group.vendor_type, Execution.vendor_id == group.vendor_id)
    edge = work.db.scalar(
        select(Execution.id).where(*of_group).order_by(Execution.id.desc()).offset(group.kept - 1).limit(1)
    )
    if edge is None:
        return []
    query = select(Execution.id).where(*of_group, Execution.id < edge, Execution.status.in_(FINAL))
    return list(work.db.scalars(query.order_by(Execution.id).limit(limit)))


def delete_some(work: Work, execution_id: int, limit: int = 500) -> bool:
    """Delete an execution, or `limit` tasks of it with their logs; whether it is gone. Safe to repeat."""
    ids = list(work.db.scalars(select(Task.id).where(Task.execution_id == execution_id).limit(limit)))
    if ids:
        work.db.execute(delete(TaskLog).where(TaskLog.task_id.in_(ids)))
        work.db.execute(delete(Task).where(Task.id.in_(ids)))
    if len(ids) == limit:
        return False
    work.db.execute(delete(Execution).where(Execution.id == execution_id))
    return True
