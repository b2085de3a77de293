"""The purge of the audit log: run it, schedule it, see what it did."""

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.execution_schemas import (
    SCHEDULE_REFUSED,
    ExecHistory,
    Schedule,
    apply_schedule,
    show_run,
    show_schedule,
)
from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import system
from moorage.audit.purge import JOB, VENDOR, parse_parameters
from moorage.errors import ExecutionUnknown
from moorage.jobs import scheduler
from moorage.jobs import service as jobs


@operation("GET", "/system/purgeaudit", id="getPurgeHistory", tag="purge", needs=system("purge-audit:list"), paged=True)
async def list_runs(call: NamedDependency[Call]) -> Response[list[ExecHistory]]:
    """The purges of the audit log, the newest first."""
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_executions, listing, VENDOR)
    return call.page([show_run(ExecHistory, row) for row in rows], listing, total, ignored)


@operation(
    "GET", "/system/purgeaudit/{purge_id:int}", id="getPurgeJob", tag="purge", needs=system("purge-audit:read"),
    problems=(ExecutionUnknown,),
)  # fmt: skip
async def get_run(call: NamedDependency[Call], purge_id: FromPath[int]) -> Response[ExecHistory]:
    """A purge of the audit log."""
    return Response(show_run(ExecHistory, await call.look(jobs.get_execution, purge_id, VENDOR)))


@operation(
    "PUT", "/system/purgeaudit/{purge_id:int}", id="stopPurge", tag="purge", needs=system("purge-audit:stop"),
    problems=(ExecutionUnknown,),
)  # fmt: skip
async def stop_run(call: NamedDependency[Call], purge_id: FromPath[int]) -> Response[None]:
    """Stop a purge; what is gone is gone."""
    await call.run(jobs.stop_run, purge_id, VENDOR)
    return Response(None)


@operation(
    "GET", "/system/purgeaudit/{purge_id:int}/log", id="getPurgeJobLog", tag="purge", needs=system("purge-audit:read"),
    problems=(ExecutionUnknown,), answers=("text/plain",),
)  # fmt: skip
async def read_log(call: NamedDependency[Call], purge_id: FromPath[int]) -> Response[str]:
    """The log of a purge, also while it runs."""
    return Response(await call.look(jobs.read_run_log, purge_id, VENDOR), media_type="text/plain")


@operation("GET", "/system/purgeaudit/schedule", id="getPurgeSchedule", tag="purge", needs=system("purge-audit:read"))
async def get_schedule(call: NamedDependency[Call]) -> Response[ExecHistory]:
    """When the audit log is purged by itself; an empty object: it is not."""
    return Response(show_schedule(ExecHistory, await call.look(scheduler.find_schedule, VENDOR)))


@operation(
    "POST", "/system/purgeaudit/schedule", id="createPurgeSchedule", tag="purge", needs=system("purge-audit:create"),
    problems=SCHEDULE_REFUSED, status=201,
)  # fmt: skip
async def create_schedule(call: NamedDependency[Call], data: JSONBody[Schedule]) -> Response[None]:
    """Purge the audit log now (`Manual`), or at times. What its receiver has not got yet is never purged."""
    started = await call.run(apply_schedule, data, VENDOR, job=JOB, parse=parse_parameters)
    return call.created(f"/system/purgeaudit/{started or 'schedule'}")


@operation(
    "PUT", "/system/purgeaudit/schedule", id="updatePurgeSchedule", tag="purge", needs=system("purge-audit:update"),
    problems=SCHEDULE_REFUSED,
)  # fmt: skip
async def update_schedule(call: NamedDependency[Call], data: JSONBody[Schedule]) -> Response[None]:
    """Purge it at other times, not any more (`None`), or now (`Manual`)."""
    await call.run(apply_schedule, data, VENDOR, job=JOB, parse=parse_parameters)
    return Response(None)


ROUTES = (list_runs, get_schedule, create_schedule, update_schedule, get_run, stop_run, read_log)
