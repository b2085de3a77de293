"""Background work as administrators see it: processes, what runs in them, queues, logs, schedules."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, system
from moorage.db.unit_of_work import Work
from moorage.errors import ActionInvalid, PoolUnknown, QueueUnknown, TaskUnknown
from moorage.events import QueueChanged
from moorage.jobs import scheduler
from moorage.jobs import service as jobs
from moorage.jobs.queue import RUNNING, seconds_left, stop_task, stop_waiting
from moorage.jobs.scheduler import SCHEDULER

ALL = "all"
"""Every pool, and every queue. Source: the Harbor API v2.0."""

ACTIONS = ("stop", "pause", "resume")


class WorkerPool(msgspec.Struct):
    """A process that runs background jobs. Source: the contract's `WorkerPool`."""

    worker_pool_id: str
    host: str
    pid: int
    concurrency: int
    start_at: str
    heartbeat_at: str


class Worker(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A job that runs. Source: the contract's `Worker`."""

    id: str
    pool_id: str
    job_name: str
    job_id: str
    start_at: str = ""
    check_in: str = ""
    """How far it is, for people: `3 of 10, 1.2 GiB of 4.0 GiB, 80 s left`."""
    checkin_at: str = ""


class TaskProgressOut(msgspec.Struct):
    """How far a task is. `rate` is per second, of bytes where there are any; `seconds_left` -1: it cannot be said."""

    done: int
    total: int
    done_bytes: int
    total_bytes: int
    rate: float
    seconds_left: float


class TaskOut(msgspec.Struct, kw_only=True):
    """A unit of background work: what it is, who has it, how far it is, how often it was begun.

    `failures` are attempts that failed, `lost` those whose process died.
    """

    id: int
    execution_id: int
    vendor_type: str
    job: str
    status: str
    message: str
    priority: int
    attempt: int
    failures: int
    lost: int
    pool_id: str
    stopping: bool
    progress: TaskProgressOut
    log_bytes: int
    creation_time: str
    due_time: str
    start_time: str
    update_time: str
    end_time: str


class JobQueue(msgspec.Struct):
    """What waits of a kind of work. Source: the contract's `JobQueue`."""

    job_type: str
    count: int
    latency: int
    """Seconds that the oldest has waited."""
    paused: bool


class ActionRequest(msgspec.Struct):
    """What is to be done with a queue. Source: the contract's `ActionRequest`."""

    action: str = ""
    """stop, pause or resume."""


class ScheduleTask(msgspec.Struct):
    """A schedule. Source: the contract's `ScheduleTask`."""

    id: int
    vendor_type: str
    vendor_id: int
    cron: str
    update_time: str


class SchedulerStatus(msgspec.Struct):
    """Whether schedules are paused. Source: the contract's `SchedulerStatus`."""

    paused: bool


# -- processes ----------------------------------------------------------------------------------------------


@operation("GET", "/jobservice/pools", id="getWorkerPools", tag="jobservice", needs=system("jobservice-monitor:list"))
async def list_pools(call: NamedDependency[Call]) -> Response[list[WorkerPool]]:
    """The processes that run background jobs; none while there is nothing to do on a small server."""
    rows = await call.look(jobs.list_workers)
    return Response([
        WorkerPool(row.id, row.host, row.pid, row.slots, stamp(row.started_at), stamp(row.heartbeat_at)) for row in rows
    ])  # fmt: skip


@operation(
    "GET", "/jobservice/pools/{pool_id:str}/workers", id="getWorkers", tag="jobservice",
    needs=system("jobservice-monitor:list"), problems=(PoolUnknown,),
)  # fmt: skip
async def list_workers(call: NamedDependency[Call], pool_id: FromPath[str]) -> Response[list[Worker]]:
    """What runs in a process, or in all of them (`all`)."""

    def look(work: Work) -> list[Any]:
        if pool_id != ALL and pool_id not in {row.id for row in jobs.list_workers(work)}:
            raise PoolUnknown(id=pool_id[:64])
        return jobs.list_running(work, None if pool_id == ALL else pool_id)

    return Response([_worker(row) for row in await call.look(look)])


@operation(
    "PUT", "/jobservice/jobs/{job_id:str}", id="stopRunningJob", tag="jobservice",
    needs=system("jobservice-monitor:stop"), problems=(TaskUnknown,),
)  # fmt: skip
async def stop_job(call: NamedDependency[Call], job_id: FromPath[str]) -> Response[None]:
    """Stop a job that runs; all of them: `all`. It takes effect within 5 s."""

    def stop(work: Work) -> None:
        if job_id == ALL:
            for row in jobs.list_running(work):
                stop_task(work, row.id)
        elif jobs.get_task(work, _number(job_id)).status == RUNNING:
            stop_task(work, _number(job_id))

    await call.run(stop)
    return Response(None)


@operation(
    "GET", "/jobservice/jobs/{job_id:str}/log", id="actionGetJobLog", tag="jobservice",
    needs=system("jobservice-monitor:list"), problems=(TaskUnknown,), answers=("text/plain",),
)  # fmt: skip
async def read_log(call: NamedDependency[Call], job_id: FromPath[str]) -> Response[str]:
    """The log of a job, also while it runs; at most 10 MB."""

    def read(work: Work) -> str:
        return jobs.read_log(work, jobs.get_task(work, _number(job_id)).id)

    return Response(await call.look(read), media_type="text/plain")


@operation(
    "GET", "/jobservice/tasks", id="listTasks", tag="jobservice", needs=system("jobservice-monitor:list"), paged=True,
    ours=True,
)  # fmt: skip
async def list_tasks(call: NamedDependency[Call]) -> Response[list[TaskOut]]:
    """Every task, the newest first, with its progress; `q=status=Running` for those that run."""
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_tasks, listing)
    return call.page([_task(row) for row in rows], listing, total, ignored)


# -- queues -------------------------------------------------------------------------------------------------


@operation("GET", "/jobservice/queues", id="listJobQueues", tag="jobservice", needs=system("jobservice-monitor:list"))
async def list_queues(call: NamedDependency[Call]) -> Response[list[JobQueue]]:
    """What waits, by kind of work."""
    return Response([JobQueue(*queue) for queue in await call.look(jobs.list_queues, jobs.KNOWN)])


@operation(
    "PUT", "/jobservice/queues/{job_type:str}", id="actionPendingJobs", tag="jobservice",
    needs=system("jobservice-monitor:stop"), problems=(ActionInvalid, QueueUnknown),
)  # fmt: skip
async def act_on_queue(
    call: NamedDependency[Call], job_type: FromPath[str], data: JSONBody[ActionRequest]
) -> Response[None]:
    """Stop what waits in a queue, hold it, or let it go on; `all` queues. `SCHEDULER`: hold all schedules."""
    if data.action not in ACTIONS:
        raise ActionInvalid(action=data.action[:64])
    known = await call.look(_require_queue, job_type)
    if data.action == "stop":
        name = None if job_type == ALL else job_type
        while await call.run(stop_waiting, name):
            pass
        await call.run(_tell_of_stop, job_type)
        return Response(None)

    def hold(work: Work) -> None:
        for name in known if job_type == ALL else (job_type,):
            (scheduler.pause if data.action == "pause" else scheduler.resume)(work, name)

    await call.run(hold)
    return Response(None)


def _require_queue(work: Work, job_type: str) -> list[str]:
    """The kinds of work that have a queue.

    Raises:
        QueueUnknown: `job_type` is none of them, nor `all` or `SCHEDULER`.
    """
    known = [one.vendor_type for one in jobs.list_queues(work, jobs.KNOWN)]
    if job_type not in {ALL, SCHEDULER, *known}:
        raise QueueUnknown(queue=job_type[:64])
    return known


def _tell_of_stop(work: Work, vendor_type: str) -> None:
    work.emit(QueueChanged(vendor_type, "stop"))


# -- schedules ----------------------------------------------------------------------------------------------


@operation("GET", "/schedules", id="listSchedules", tag="schedule", needs=system("jobservice-monitor:list"), paged=True)
async def list_schedules(call: NamedDependency[Call]) -> Response[list[ScheduleTask]]:
    """What starts by itself."""
    listing = call.listing()
    rows, total = await call.look(scheduler.list_schedules, offset=listing.offset, limit=listing.page_size)
    shown = [ScheduleTask(row.id, row.vendor_type, row.vendor_id, row.cron, stamp(row.updated_at)) for row in rows]
    return call.page(shown, listing, total)


@operation(
    "GET", "/schedules/{job_type:str}/paused", id="getSchedulePaused", tag="schedule", needs=SIGNED_IN,
    problems=(QueueUnknown,),
)  # fmt: skip
async def is_paused(call: NamedDependency[Call], job_type: FromPath[str]) -> Response[SchedulerStatus]:
    """Whether all schedules are held (`all`), or the queue of a kind of work is."""

    def look(work: Work) -> bool:
        _require_queue(work, job_type)
        return scheduler.is_paused(work, SCHEDULER if job_type == ALL else job_type)

    return Response(SchedulerStatus(await call.look(look)))


def _worker(row: Any) -> Worker:  # noqa: ANN401 - a row of a task
    parts = []
    if row.total or row.done:
        parts.append(f"{row.done} of {row.total}" if row.total else str(row.done))
    if row.total_bytes or row.done_bytes:
        of = f" of {row.total_bytes}" if row.total_bytes else ""
        parts.append(f"{row.done_bytes}{of} bytes")
    left = seconds_left(row)
    if left is not None:
        parts.append(f"{left:.0f} s left")
    return Worker(
        id=f"{row.worker}:{row.id}",
        pool_id=row.worker,
        job_name=row.vendor_type,
        job_id=str(row.id),
        start_at=stamp(row.started_at),
        check_in=", ".join(parts),
        checkin_at=stamp(row.updated_at),
    )


def _task(row: Any) -> TaskOut:  # noqa: ANN401 - a row of a task
    left = seconds_left(row)
    return TaskOut(
        id=row.id,
        execution_id=row.execution_id,
        vendor_type=row.vendor_type,
        job=row.job,
        status=row.status,
        message=row.message,
        priority=row.priority,
        attempt=row.attempt,
        failures=row.failures,
        lost=row.lost,
        pool_id=row.worker or "",
        stopping=row.stop_asked,
        progress=TaskProgressOut(
            row.done, row.total, row.done_bytes, row.total_bytes, round(row.rate, 3),
            -1.0 if left is None else round(left, 1),
        ),
        log_bytes=row.log_bytes,
        creation_time=stamp(row.created_at),
        due_time=stamp(row.due_at),
        start_time=stamp(row.started_at),
        update_time=stamp(row.updated_at),
        end_time=stamp(row.ended_at),
    )  # fmt: skip


def _number(job_id: str) -> int:
    if not job_id.isascii() or not job_id.isdigit() or len(job_id) > 18:
        raise TaskUnknown(id=job_id[:64])
    return int(job_id)


ROUTES = (
    list_pools, list_workers, stop_job, read_log, list_tasks, list_queues, act_on_queue, list_schedules, is_paused,
)  # fmt: skip
