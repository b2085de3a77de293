"""Schemas of executions, tasks and schedules, shared by the routes of all subjects."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from moorage.access.request_context import stamp
from moorage.db.unit_of_work import Work
from moorage.errors import CronInvalid, ParameterInvalid, ScheduleInvalid
from moorage.jobs import service as jobs


class ScheduleObj(msgspec.Struct, omit_defaults=True):
    """When something starts by itself. Source: the contract's `ScheduleObj`."""

    type: str = ""
    """Hourly, Daily, Weekly, Custom; Manual: now; None: not any more."""
    cron: str = ""
    """Six fields, seconds first, in UTC."""
    next_scheduled_time: str = ""


class Schedule(msgspec.Struct, omit_defaults=True):
    """What a client sends to set a schedule. Source: the contract's `Schedule`."""

    schedule: ScheduleObj | None = None
    parameters: dict[str, Any] | None = None


class History(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A run, or the schedule of runs."""

    id: int = 0
    job_name: str = ""
    job_kind: str = ""
    job_parameters: str = ""
    """A JSON object, as text."""
    job_status: str = ""
    deleted: bool = False
    creation_time: str = ""
    update_time: str = ""
    schedule: ScheduleObj | None = None


class GCHistory(History):
    """A run of garbage collection. Source: the contract's `GCHistory`."""


class ExecHistory(History):
    """A run of the purge of the audit log. Source: the contract's `ExecHistory`."""


_TYPES = {"MANUAL": "Manual", "SCHEDULE": "Schedule"}


def show_run(kind: type[History], row: Any) -> Any:  # noqa: ANN401 - rows of executions, shown as `kind`
    """An execution as an entry of a history."""
    return kind(
        id=row.id,
        job_name=row.vendor_type,
        job_kind=row.trigger,
        job_parameters=json.dumps(row.extra),
        job_status=row.status,
        creation_time=stamp(row.started_at),
        update_time=stamp(row.updated_at),
        schedule=ScheduleObj(type=_TYPES.get(row.trigger, "Schedule")),
    )


def show_schedule(kind: type[History], row: Any | None) -> Any:  # noqa: ANN401 - rows of schedules, shown as `kind`
    """A schedule in the form of an entry of a history; without one, an empty entry."""
    if row is None:
        return kind()
    return kind(
        id=row.id,
        job_name=row.vendor_type,
        job_kind=row.kind,
        job_parameters=json.dumps(row.extra),
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        schedule=ScheduleObj(
            type=row.kind, cron=row.cron, next_scheduled_time=stamp(row.next_at) if row.next_at else ""
        ),
    )


SCHEDULE_REFUSED = (ScheduleInvalid, CronInvalid, ParameterInvalid)
"""What `apply_schedule` raises."""


def apply_schedule(
    work: Work,
    data: Schedule,
    vendor_type: str,
    *,
    job: str,
    parse: Callable[[dict[str, Any]], dict[str, object]],
) -> int | None:
    """Do what a client sends as a schedule, with its parameters parsed; the execution that was started now.

    Raises:
        ScheduleInvalid, CronInvalid: there is no schedule in it, or one that cannot be used.
        ParameterInvalid: `parse` refused a parameter.
    """
    if data.schedule is None:
        raise ScheduleInvalid
    return jobs.apply_schedule(
        work, vendor_type,
        kind=data.schedule.type, cron=data.schedule.cron, job=job, arguments=parse(data.parameters or {}),
    )  # fmt: skip
