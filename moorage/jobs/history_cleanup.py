"""Delete old executions, so that the history stays bounded."""

from moorage.db.unit_of_work import Work
from moorage.jobs import service
from moorage.jobs.queue import job
from moorage.jobs.scheduler import ensure_schedule
from moorage.jobs.task_context import Task

SWEEP = "EXECUTION_SWEEP"


@job("jobs.sweep", timeout_seconds=6 * 3600, limit=1)
async def sweep(task: Task) -> None:
    """Delete executions beyond the newest that are kept; safe to repeat."""
    gone = 0
    for group in await task.look(service.find_overfull):
        while old := await task.look(service.find_old, group):
            for execution_id in old:
                while not await task.run(service.delete_some, execution_id):
                    pass
                gone += 1
                task.progress(gone)
        task.log(f"{group.vendor_type} {group.vendor_id}: {group.kept} are kept")
    task.message = f"{gone} executions deleted"


def ensure_upkeep(work: Work) -> None:
    """Schedule the daily history cleanup. Safe to repeat."""
    ensure_schedule(work, SWEEP, cron="0 0 0 * * *", job="jobs.sweep")
