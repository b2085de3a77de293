"""Garbage collection as a job."""

import time

from moorage.errors import ManifestInUse, ManifestUnknown, TagImmutable, Unavailable
from moorage.gc.collector import Collector, Run
from moorage.gc.database_clock import Clock
from moorage.gc.dry_run import Forecast, forecast
from moorage.gc.service import JOB
from moorage.gc.untagged_artifacts import Untagged, delete_untagged, find_untagged
from moorage.jobs.queue import job, note_execution
from moorage.jobs.task_context import Task
from moorage.quotas.service import format_size

_TELL_SECONDS = 10.0
_SHOWN = 1000
"""How many digests a dry run names."""


@job(JOB, retries=2, delay_seconds=30, timeout_seconds=48 * 3600, limit=1)
async def collect(
    task: Task,
    *,
    delete_untagged: bool = False,
    delete_tag: bool = False,  # noqa: ARG001 - see `service.parse_parameters`
    dry_run: bool = False,
    workers: int = 1,
) -> None:
    """Delete what nothing points to; safe to repeat, and beside another run: what is marked is looked at again."""
    if dry_run:
        await _foresee(task, untagged=delete_untagged)
        return
    manifests = await _delete_untagged(task) if delete_untagged else 0
    expected = await _forecast(task)
    task.progress(0, expected.blobs + expected.doomed if expected else 0)
    settings = task.parts.settings
    collector = Collector(
        task.parts.database, task.parts.storage, Clock(settings.uploads.lease_seconds),
        grace_seconds=settings.storage.redirect_seconds + 300, at_once=8 * workers,
    )  # fmt: skip
    told_at = time.monotonic()

    async def watch(run: Run) -> bool:
        nonlocal told_at
        task.progress(run.files, done_bytes=run.size_bytes)
        if time.monotonic() - told_at > _TELL_SECONDS:
            told_at = time.monotonic()
            task.log(_tell(run))
        return True

    run = await collector.run(watch)
    task.log(_tell(run))
    if run.held:
        task.log("the database's clock jumped: nothing new was let go", level="WARNING")
    if run.failed:
        task.log(f"{run.failed} files could not be deleted; the next run tries again", level="WARNING")
    task.message = _tell(run)
    await task.complete(
        note_execution, task.execution_id,
        freed_space=run.size_bytes, purged_blobs=run.gone["blobs"],
        purged_manifests=manifests + run.gone["artifacts"], failed=run.failed,
    )  # fmt: skip


async def _delete_untagged(task: Task) -> int:
    """Delete artifacts that nothing holds; how many."""
    gone = 0
    after: int | None = 0
    while after is not None:
        found, after = await task.look(find_untagged, task.parts.settings.uploads.lease_seconds, after)
        for one in found:
            gone += await _delete_one(task, one)
            task.progress(gone)
    task.log(f"{gone} untagged artifacts deleted")
    return gone


async def _delete_one(task: Task, one: Untagged) -> bool:
    try:
        await task.run(delete_untagged, one)
    except (ManifestUnknown, ManifestInUse, TagImmutable) as why:
        task.log(f"{one.path}@{one.digest} stays: {why}")
        return False
    task.log(f"deleted {one.path}@{one.digest}")
    return True


async def _forecast(task: Task) -> Forecast | None:
    """What to expect; None where there is too much to count it in time."""
    try:
        return await task.look(forecast, largest=_SHOWN)
    except Unavailable:
        task.log("there is too much to say beforehand how much it is")
        return None


async def _foresee(task: Task, *, untagged: bool) -> None:
    """Say what a run would delete; delete nothing."""
    manifests, size_bytes = 0, 0
    after: int | None = 0 if untagged else None
    while after is not None:
        found, after = await task.look(find_untagged, task.parts.settings.uploads.lease_seconds, after)
        for one in found:
            task.log(f"would delete the untagged {one.path}@{one.digest}")
        manifests += len(found)
        size_bytes += sum(one.size_bytes for one in found)
    if manifests:
        task.log(
            f"{manifests} untagged artifacts would be deleted; of their {format_size(size_bytes)}, what nothing else "
            "needs comes back with a run after the lease"
        )
    expected: Forecast = await task.look(forecast, largest=_SHOWN)
    for digest, size in expected.largest:
        task.log(f"would delete {digest}, {format_size(size)}")
    task.log(
        f"{expected.blobs} blobs would go, {format_size(expected.size_bytes)} would come back, and "
        f"{format_size(expected.doomed_bytes)} of {expected.doomed} that wait for it; {expected.acts} deletions are "
        f"over, with {expected.artifacts} artifacts, and {expected.uploads} uploads"
    )
    task.message = f"a run would free {format_size(expected.size_bytes + expected.doomed_bytes)}"
    await task.complete(
        note_execution, task.execution_id,
        freed_space=expected.size_bytes + expected.doomed_bytes, purged_blobs=expected.blobs + expected.doomed,
        purged_manifests=manifests + expected.artifacts,
    )  # fmt: skip


def _tell(run: Run) -> str:
    return (
        f"{run.gone['acts']} deletions and {run.gone['artifacts']} artifacts purged, {run.gone['uploads']} uploads "
        f"ended, {run.gone['blobs']} blobs let go, {run.files} files deleted, {format_size(run.size_bytes)} came back"
    )
