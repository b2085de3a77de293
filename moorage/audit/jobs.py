"""The purge of the audit log as a job."""

from moorage.audit.purge import JOB, count_window, delete_window, make_plan, split_types, windows
from moorage.db.unit_of_work import Work
from moorage.events import AuditPurged
from moorage.jobs.queue import job, note_execution
from moorage.jobs.task_context import Task


@job(JOB, retries=2, delay_seconds=30, timeout_seconds=48 * 3600, limit=1)
async def purge(
    task: Task, *, audit_retention_hour: int = 0, include_event_types: str = "", dry_run: bool = False
) -> None:
    """Delete old rows, window by window; safe to repeat, what is gone is gone."""
    types = split_types(include_event_types)
    if audit_retention_hour <= 0 or not types:
        task.log("nothing to do: no age or no event type is given")
        return
    endpoint = (await task.parts.live.items()).audit_log_forward_endpoint
    plan = await task.look(make_plan, audit_retention_hour, types, endpoint)
    task.log(f"rows older than {audit_retention_hour} h, up to the id {plan.last}: {', '.join(types)}")
    if endpoint:
        task.log(f"what {endpoint} has not got yet stays")
    starts = windows(plan)
    rows = 0
    for number, start in enumerate(starts, start=1):
        rows += await (task.look(count_window, plan, start) if dry_run else task.run(delete_window, plan, start))
        task.progress(number, len(starts))
    task.message = f"{rows} rows {'would be' if dry_run else 'were'} deleted"
    task.log(task.message)

    def last(work: Work) -> None:
        note_execution(work, task.execution_id, purged_rows=rows)
        if not dry_run:
            work.emit(AuditPurged(rows, audit_retention_hour, types))

    await task.complete(last)
