"""Prometheus metrics of background work, read from the rows of the queue.

Source of names and labels: Harbor's metrics of its exporter and its job service; `moorage_…` are ours.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, text

from moorage.db.unit_of_work import Work
from moorage.jobs import service
from moorage.jobs.tables import Schedule, Task, TaskTotal
from moorage.web.metrics import show_family

_RUNNING = (
    select(Task.vendor_type, func.count()).where(text("task.status = 'Running'")).group_by(Task.vendor_type)
)  # fmt: skip
_LATER = select(func.count()).select_from(Task).where(text("task.status = 'Scheduled'"))
_TICKS = select(func.count()).select_from(Schedule).where(Schedule.next_at.is_not(None))
_TOTALS = select(TaskTotal).order_by(TaskTotal.vendor_type, TaskTotal.result)


def show_metrics(work: Work) -> list[str]:
    """Return all metric lines. Eight statements, over waiting and running tasks only."""
    queues = service.list_queues(work, service.KNOWN)
    workers = service.list_workers(work)
    running = dict(work.db.execute(_RUNNING).all())
    later = (work.db.scalar(_LATER) or 0) + (work.db.scalar(_TICKS) or 0)
    totals = work.db.execute(_TOTALS).all()
    return [
        *show_family(
            "harbor_task_queue_size", "gauge", "Tasks that wait, for a worker or for their time.",
            (("", {"type": one.vendor_type}, one.waiting) for one in queues),
        ),
        *show_family(
            "harbor_task_queue_latency", "gauge", "Seconds since the oldest task that waits was put in.",
            (("", {"type": one.vendor_type}, one.latency_seconds) for one in queues),
        ),
        *show_family(
            "harbor_task_concurrency", "gauge", "Tasks of a kind that a process runs at once, at most.",
            (
                ("", {"type": one.vendor_type, "pool": worker.id}, worker.slots)
                for worker in workers for one in queues
            ),
        ),
        *show_family(
            "harbor_task_scheduled_total", "gauge", "Tasks that wait for a time: later attempts, next ticks.",
            [("", {}, later)],
        ),
        *show_family(
            "moorage_task_running", "gauge", "Tasks that run.",
            (("", {"type": one.vendor_type}, running.get(one.vendor_type, 0)) for one in queues),
        ),
        *show_family(
            "moorage_task_queue_paused", "gauge", "1: nobody takes up tasks of this kind, an administrator paused it.",
            (("", {"type": one.vendor_type}, one.paused) for one in queues),
        ),
        *show_family(
            "harbor_jobservice_info", "gauge", "The processes that take up tasks.",
            (("", {"node": one.host, "pool": one.id, "workers": str(one.slots)}, 1) for one in workers),
        ),
        *_show_totals(totals),
    ]  # fmt: skip


def _show_totals(totals: Iterable[Any]) -> Iterable[str]:
    labelled = [({"type": one.vendor_type, "status": one.result}, one) for one in totals]
    yield from show_family(
        "harbor_jobservice_task_total", "counter", "Attempts at tasks that have ended.",
        (("", labels, one.count) for labels, one in labelled),
    )  # fmt: skip
    yield from show_family(
        "harbor_jobservice_task_process_time_seconds", "summary", "How long attempts at tasks took.",
        (
            sample
            for labels, one in labelled
            for sample in (("_sum", labels, one.seconds), ("_count", labels, one.count))
        ),
    )  # fmt: skip
