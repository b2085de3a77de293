"""Garbage collection: run it, schedule it, see what it did."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.execution_schemas import (
    SCHEDULE_REFUSED,
    GCHistory,
    Schedule,
    apply_schedule,
    show_run,
    show_schedule,
)
from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import system
from moorage.errors import ExecutionUnknown
from moorage.gc.reclaimable import find_reclaimable
from moorage.gc.service import JOB, VENDOR, parse_parameters
from moorage.jobs import scheduler
from moorage.jobs import service as jobs


class ReclaimableOut(msgspec.Struct, kw_only=True):
    """Bytes in the storage, each counted once; those of the trash once for each project that holds them."""

    blobs: int
    """What a run that began now would delete."""
    bytes: int
    trash_entries: int
    """Deletions that can still be taken back."""
    trash_bytes: int
    """What only the trash holds."""
    trash_until: str
    """When the first of these is over; empty: there is none."""
    leased_blobs: int
    """Blobs that nothing needs, kept for a client that may be about to name them."""
    leased_bytes: int
    uploads: int
    """Those that are open."""
    upload_bytes: int


@operation(
    "GET", "/system/gc/reclaimable", id="getReclaimable", tag="gc", needs=system("garbage-collection:read"), ours=True
)
async def get_reclaimable(call: NamedDependency[Call]) -> Response[ReclaimableOut]:
    """What a run would bring back now, and what holds the rest. Artifacts without a tag: a dry run says."""
    found = await call.look(find_reclaimable)
    return Response(
        ReclaimableOut(
            blobs=found.blobs,
            bytes=found.size_bytes,
            trash_entries=found.trash,
            trash_bytes=found.trash_bytes,
            trash_until=stamp(found.trash_until) if found.trash_until else "",
            leased_blobs=found.leased,
            leased_bytes=found.leased_bytes,
            uploads=found.uploads,
            upload_bytes=found.upload_bytes,
        )
    )


@operation("GET", "/system/gc", id="getGCHistory", tag="gc", needs=system("garbage-collection:list"), paged=True)
async def list_runs(call: NamedDependency[Call]) -> Response[list[GCHistory]]:
    """The runs of garbage collection, the newest first."""
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_executions, listing, VENDOR)
    return call.page([show_run(GCHistory, row) for row in rows], listing, total, ignored)


@operation(
    "GET", "/system/gc/{gc_id:int}", id="getGC", tag="gc", needs=system("garbage-collection:read"),
    problems=(ExecutionUnknown,),
)  # fmt: skip
async def get_run(call: NamedDependency[Call], gc_id: FromPath[int]) -> Response[GCHistory]:
    """A run of garbage collection."""
    return Response(show_run(GCHistory, await call.look(jobs.get_execution, gc_id, VENDOR)))


@operation(
    "PUT", "/system/gc/{gc_id:int}", id="stopGC", tag="gc", needs=system("garbage-collection:stop"),
    problems=(ExecutionUnknown,),
)  # fmt: skip
async def stop_run(call: NamedDependency[Call], gc_id: FromPath[int]) -> Response[None]:
    """Stop a run; what it did stays done, and the next one goes on from there."""
    await call.run(jobs.stop_run, gc_id, VENDOR)
    return Response(None)


@operation(
    "GET", "/system/gc/{gc_id:int}/log", id="getGCLog", tag="gc", needs=system("garbage-collection:read"),
    problems=(ExecutionUnknown,), answers=("text/plain",),
)  # fmt: skip
async def read_log(call: NamedDependency[Call], gc_id: FromPath[int]) -> Response[str]:
    """The log of a run, also while it runs."""
    return Response(await call.look(jobs.read_run_log, gc_id, VENDOR), media_type="text/plain")


@operation("GET", "/system/gc/schedule", id="getGCSchedule", tag="gc", needs=system("garbage-collection:read"))
async def get_schedule(call: NamedDependency[Call]) -> Response[GCHistory]:
    """When garbage collection runs by itself; an empty object: it does not."""
    return Response(show_schedule(GCHistory, await call.look(scheduler.find_schedule, VENDOR)))


@operation(
    "POST", "/system/gc/schedule", id="createGCSchedule", tag="gc", needs=system("garbage-collection:create"),
    problems=SCHEDULE_REFUSED, status=201,
)  # fmt: skip
async def create_schedule(call: NamedDependency[Call], data: JSONBody[Schedule]) -> Response[None]:
    """Run garbage collection now (`Manual`), or at times. `dry_run` deletes nothing and says what would go."""
    started = await call.run(apply_schedule, data, VENDOR, job=JOB, parse=parse_parameters)
    return call.created(f"/system/gc/{started or 'schedule'}")


@operation(
    "PUT", "/system/gc/schedule", id="updateGCSchedule", tag="gc", needs=system("garbage-collection:update"),
    problems=SCHEDULE_REFUSED,
)  # fmt: skip
async def update_schedule(call: NamedDependency[Call], data: JSONBody[Schedule]) -> Response[None]:
    """Run it at other times, not any more (`None`), or now (`Manual`)."""
    await call.run(apply_schedule, data, VENDOR, job=JOB, parse=parse_parameters)
    return Response(None)


ROUTES = (list_runs, get_reclaimable, get_schedule, create_schedule, update_schedule, get_run, stop_run, read_log)
