"""Background work by runs, and schedules, with what they are of. Ours, not in the contract."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from moorage.access.operations import operation
from moorage.access.policy import Account
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import inside, system
from moorage.api import activity
from moorage.api.activity import Far, Last
from moorage.db.unit_of_work import Work
from moorage.errors import ExecutionUnknown
from moorage.jobs.queue import stop_execution
from moorage.system.jobs_routes import TaskProgressOut


class WorkRun(msgspec.Struct, kw_only=True):
    """A run of a policy or of maintenance: what it is of, who began it, how far it is."""

    id: int
    vendor_type: str
    vendor_id: int
    """Of the policy; -1: it has none."""
    subject: str
    """The name of the replication or webhook; empty: it has none, or is gone."""
    project: str
    """The name of the project that it is of; empty: of none."""
    status: str
    message: str
    trigger: str
    """MANUAL, SCHEDULE or EVENT."""
    started_by: str
    """Who began it by hand, or whose doing it follows; empty: nobody."""
    dry_run: bool
    stopping: bool
    tasks: int
    running: int
    failed: int
    task_id: int | None
    """Of its only task, whose log is its own; null: it has several, or none."""
    progress: TaskProgressOut
    start_time: str
    end_time: str
    """Empty: it has not ended."""


class PlannedWork(msgspec.Struct, kw_only=True):
    """A schedule: what it is of, when it starts next, and how it ended last."""

    id: int
    vendor_type: str
    vendor_id: int
    subject: str
    project: str
    cron: str
    next_time: str
    """Empty: schedules are held, or nothing is planned."""
    update_time: str
    last_id: int | None
    """Of its newest run, started by it or by hand; null: there is none."""
    last_status: str
    last_time: str


_OWN = inside("any account; without jobservice-monitor:list in the system only work of projects that it may list there")


async def _only_for(call: Call) -> Account | None:
    """Whose work is to be shown; None: all of it."""
    account = call.signed_in()
    return None if await call.may_in_system("jobservice-monitor:list") else account


@operation(
    "GET", "/jobservice/executions", id="listWork", tag="jobservice", needs=_OWN, paged=True, ours=True,
)  # fmt: skip
async def list_work(call: NamedDependency[Call]) -> Response[list[WorkRun]]:
    """The runs that the caller sees, the newest first, with progress; `q=status=Running` for those that run.

    With `jobservice-monitor:list` in the system that is every run; else those of retention and webhooks of projects
    in which the caller may list them.
    """
    listing = call.listing()
    rows, far, total, ignored = await call.look(activity.list_runs, listing, await _only_for(call))
    return call.page([_show_run(row, far.get(row.id, Far())) for row in rows], listing, total, ignored)


@operation(
    "PUT", "/jobservice/executions/{execution_id:int}", id="stopWork", tag="jobservice", ours=True,
    needs=system("jobservice-monitor:stop"), problems=(ExecutionUnknown,),
)  # fmt: skip
async def stop_work(call: NamedDependency[Call], execution_id: FromPath[int]) -> Response[None]:
    """Stop a run. What waits of it ends at once, what runs within 5 s; one that has ended stays as it is."""

    def stop(work: Work) -> None:
        activity.require_run(work, execution_id)
        stop_execution(work, execution_id)

    await call.run(stop)
    return Response(None)


@operation(
    "GET", "/jobservice/schedules", id="listPlannedWork", tag="jobservice", needs=_OWN, paged=True, ours=True,
)  # fmt: skip
async def list_planned(call: NamedDependency[Call]) -> Response[list[PlannedWork]]:
    """What starts by itself, with what it is of, when it starts next and how it ended last; seen as runs are."""
    listing = call.listing()
    account = await _only_for(call)
    rows, last, total = await call.look(
        activity.list_schedules, account, offset=listing.offset, limit=listing.page_size
    )
    return call.page([_show_planned(row, last.get(row.last_id)) for row in rows], listing, total)


def _show_run(row: Any, far: Far) -> WorkRun:  # noqa: ANN401 - a row of `activity.list_runs`
    return WorkRun(
        id=row.id, vendor_type=row.vendor_type, vendor_id=row.vendor_id, subject=row.subject or "",
        project=row.project or "", status=row.status, message=row.status_message or far.message, trigger=row.trigger,
        started_by=row.started_by or "", dry_run=bool(row.extra.get("dry_run")), stopping=far.stopping,
        tasks=far.tasks, running=far.running, failed=far.failed, task_id=far.task_id,
        progress=TaskProgressOut(
            far.done, far.total, far.done_bytes, far.total_bytes, round(far.rate, 3),
            -1.0 if far.seconds_left is None else round(far.seconds_left, 1),
        ),
        start_time=stamp(row.started_at), end_time=stamp(row.ended_at) if row.ended_at else "",
    )  # fmt: skip


def _show_planned(row: Any, last: Last | None) -> PlannedWork:  # noqa: ANN401 - a row of `activity.list_schedules`
    return PlannedWork(
        id=row.id, vendor_type=row.vendor_type, vendor_id=row.vendor_id, subject=row.subject or "",
        project=row.project or "", cron=row.cron, next_time=stamp(row.next_at) if row.next_at else "",
        update_time=stamp(row.updated_at), last_id=last.id if last else None, last_status=last.status if last else "",
        last_time=stamp(last.at) if last else "",
    )  # fmt: skip


ROUTES = (list_work, stop_work, list_planned)
