"""Delete old audit rows of chosen kinds, but none that the syslog receiver still needs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Float, and_, bindparam, func, not_, or_, select, tuple_

from moorage.audit.event_filter import EVENTS
from moorage.audit.row_counts import delete_rows
from moorage.audit.tables import Audit, AuditExport
from moorage.db.base import db_now
from moorage.db.unit_of_work import Work
from moorage.errors import ParameterInvalid

VENDOR = "PURGE_AUDIT_LOG"
"""Source: the Harbor API v2.0 (ExecHistory.job_name)."""

JOB = "audit.purge"

LONGEST_HOURS = 240_000
OTHER = "other"
"""Everything but these three. Source: Harbor v2.16."""

_OF_ARTIFACTS = ("create_artifact", "delete_artifact", "pull_artifact")

WINDOW = 5_000
"""How many ids a transaction looks at."""

_AGO = select(db_now(bindparam("seconds", type_=Float)))


def parse_parameters(given: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a purge; those that are not known are passed over.

    Shape: {"audit_retention_hour": int, "include_event_types": "create_artifact,other", "dry_run": bool}.

    Raises:
        ParameterInvalid: one has another type, is out of range, or names no event.
    """
    hours = given.get("audit_retention_hour", 0)
    if isinstance(hours, bool) or not isinstance(hours, int) or not -1 <= hours <= LONGEST_HOURS:
        raise ParameterInvalid(
            f"audit_retention_hour is a number up to {LONGEST_HOURS}.", parameter="audit_retention_hour"
        )
    types = given.get("include_event_types", "")
    if not isinstance(types, str):
        raise ParameterInvalid("include_event_types is a text.", parameter="include_event_types")
    for name in split_types(types):
        if name not in {*EVENTS, OTHER}:
            raise ParameterInvalid(f"There is no event type {name[:64]!r}.", parameter="include_event_types")
    dry_run = given.get("dry_run")
    if not isinstance(dry_run, bool | None):
        raise ParameterInvalid("dry_run is true or false.", parameter="dry_run")
    return {"audit_retention_hour": hours, "include_event_types": types, "dry_run": bool(dry_run)}


def split_types(text: str) -> tuple[str, ...]:
    """The names in a comma list, each once, in order."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


class Plan(NamedTuple):
    """Which rows are to go.

    Attributes:
        before: rows that are older.
        last: the newest id among them that may go.
        missing: ids up to it that the receiver has not got.
    """

    types: tuple[str, ...]
    before: datetime
    first: int
    last: int
    missing: tuple[tuple[int, int], ...]


def make_plan(work: Work, hours: int, types: Sequence[str], endpoint: str) -> Plan:
    """Plan a purge that begins now.

    Args:
        endpoint: the receiver of the log, "" for none: what it has not got stays.
    """
    before = work.db.execute(_AGO, {"seconds": -3600.0 * hours}).scalar_one()
    old = Audit.at < before
    first = work.db.scalar(select(func.min(Audit.id))) or 0
    newest = select(Audit.id).where(old).order_by(Audit.at.desc(), Audit.id.desc()).limit(WINDOW)
    last = max(work.db.scalars(newest), default=0)
    missing: tuple[tuple[int, int], ...] = ()
    if endpoint:
        row = work.db.execute(
            select(AuditExport.upto, AuditExport.missing).where(AuditExport.endpoint == endpoint)
        ).one_or_none()
        last = min(last, row.upto if row is not None else 0)
        missing = tuple((int(one[0]), int(one[1])) for one in row.missing) if row is not None else ()
    return Plan(tuple(types), before, first, last, missing)


def windows(plan: Plan) -> Sequence[int]:
    """The first ids of the windows that the plan goes through."""
    return range(plan.first, plan.last + 1, WINDOW)


def count_window(work: Work, plan: Plan, start: int) -> int:
    """Count the rows of a window that would be deleted."""
    return work.db.scalar(select(func.count()).select_from(Audit).where(_condition(plan, start))) or 0


def delete_window(work: Work, plan: Plan, start: int) -> int:
    """Delete the rows of a window; how many. Safe to repeat."""
    return delete_rows(work, _condition(plan, start))


def _condition(plan: Plan, start: int) -> ColumnElement[bool]:
    named = [_pair(name) for name in plan.types if name != OTHER]
    kinds = [tuple_(Audit.operation, Audit.resource_type).in_(named)]
    if OTHER in plan.types:
        kinds.append(not_(tuple_(Audit.operation, Audit.resource_type).in_([_pair(name) for name in _OF_ARTIFACTS])))
    last = min(start + WINDOW - 1, plan.last)
    kept = [not_(Audit.id.between(*one)) for one in plan.missing]
    return and_(Audit.id.between(start, last), Audit.at < plan.before, or_(*kinds), *kept)


def _pair(name: str) -> tuple[str, str]:
    operation, _, resource_type = name.partition("_")
    return operation, resource_type
