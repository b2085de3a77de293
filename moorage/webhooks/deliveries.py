"""Deliveries: queue them in order, record attempts, redeliver."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Float, bindparam, func, insert, literal, select, update

from moorage.db.base import db_now
from moorage.db.hand_written_sql import call, each
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import WebhookUnknown
from moorage.jobs.queue import ERROR, create_execution, create_executions, enqueue
from moorage.jobs.service import newest_run
from moorage.jobs.tables import Execution, Task
from moorage.projects.tables import Project
from moorage.webhooks.payload import Fact
from moorage.webhooks.service import POLICIES, VENDOR, Policy, get_policy, read_policy
from moorage.webhooks.tables import DONE, QUEUED, WAITING, WebhookDelivery, WebhookPolicy

JOB = "webhook.deliver"
KEPT_ATTEMPTS = 10
_LOCK_LANE = Query("", postgresql="SELECT pg_advisory_xact_lock(hashtext($1::text), hashtext($2::text))")
_IN_LANE = (
    WebhookDelivery.policy_id == bindparam("policy"), WebhookDelivery.lane == bindparam("lane"),
    WebhookDelivery.state != DONE,
)  # fmt: skip
_IS_BUSY = select(literal(1)).where(*_IN_LANE).limit(1)
_NEXT = (
    select(WebhookDelivery.id, WebhookDelivery.execution_id, WebhookDelivery.state)
    .where(*_IN_LANE)
    .order_by(WebhookDelivery.id)
    .limit(1)
)
_ADD = insert(WebhookDelivery).returning(WebhookDelivery.id)
_ADD_MANY = insert(WebhookDelivery)
_WAS_TOLD = (
    select(literal(1))
    .select_from(WebhookDelivery.__table__.join(Execution.__table__, Execution.id == WebhookDelivery.execution_id))
    .where(
        Execution.vendor_type == VENDOR, Execution.vendor_id == bindparam("policy"),
        WebhookDelivery.lane == bindparam("lane"), WebhookDelivery.event_type == bindparam("type"),
        Execution.started_at > db_now(bindparam("seconds", type_=Float)),
    )
    .limit(1)
)  # fmt: skip
_SET_STATE = (
    update(WebhookDelivery).where(WebhookDelivery.id == bindparam("delivery")).values(state=bindparam("new_state"))
)


def tell(work: Work, policies: Iterable[Policy], lane: str, fact: Fact) -> None:
    """Queue a delivery of an event for every target of these policies.

    Args:
        lane: what is told in order: the repository.
    """
    event_id = str(uuid.uuid4())
    for policy in policies:
        for target in range(len(policy.targets)):
            _add(work, policy, target, lane, event_id, fact)


def _add(work: Work, policy: Policy, target: int, lane: str, event_id: str, fact: Fact) -> None:  # noqa: PLR0917
    lane = f"{target}/{lane}"
    where = {"policy": policy.id, "lane": lane}
    _lock_lane(work, policy.id, lane)
    busy = work.db.execute(_IS_BUSY, where).first() is not None
    one = policy.targets[target]
    extra = {"event_type": fact.type, "type": one.type, "event_id": event_id}
    run = create_execution(work, VENDOR, vendor_id=policy.id, trigger="EVENT", extra=extra)
    row = {
        "execution_id": run, "policy_id": policy.id, "target": target, "lane": lane, "event_id": event_id,
        "event_type": fact.type, "state": WAITING if busy else QUEUED, "fact": msgspec.to_builtins(fact),
        "created_at": work.now,
    }  # fmt: skip
    made = work.db.execute(_ADD, row).scalar_one()
    if not busy:
        enqueue(work, JOB, execution_id=run, delivery_id=made)


def tell_all(work: Work, policies: Iterable[Policy], lane: str, facts: Sequence[Fact]) -> None:
    """`tell` for many facts, in their order. Cost: a constant number of statements for each target."""
    told = [(fact, str(uuid.uuid4())) for fact in facts]
    for policy in policies:
        for target, one in enumerate(policy.targets):
            place = f"{target}/{lane}"
            _lock_lane(work, policy.id, place)
            busy = work.db.execute(_IS_BUSY, {"policy": policy.id, "lane": place}).first() is not None
            extras = [{"event_type": fact.type, "type": one.type, "event_id": event_id} for fact, event_id in told]
            runs = create_executions(work, VENDOR, extras, vendor_id=policy.id, trigger="EVENT")
            rows = [
                {
                    "execution_id": run, "policy_id": policy.id, "target": target, "lane": place, "event_id": event_id,
                    "event_type": fact.type, "state": WAITING, "fact": msgspec.to_builtins(fact),
                    "created_at": work.now,
                }
                for run, (fact, event_id) in zip(runs, told, strict=True)
            ]  # fmt: skip
            if not busy:
                first = rows.pop(0)
                made = work.db.execute(_ADD, {**first, "state": QUEUED}).scalar_one()
                enqueue(work, JOB, execution_id=runs[0], delivery_id=made)
            if rows:
                work.db.execute(_ADD_MANY, rows)


def was_told(work: Work, policy: Policy, lane: str, event_type: str, seconds: float) -> bool:
    """Return whether a similar event was queued recently; locks out other writers until the commit."""
    _lock_lane(work, policy.id, f"0/{lane}")
    values = {"policy": policy.id, "lane": f"0/{lane}", "type": event_type, "seconds": -seconds}
    return work.db.execute(_WAS_TOLD, values).first() is not None


def _lock_lane(work: Work, policy_id: int, lane: str) -> None:
    """Be the only one who adds to a lane or ends one of it: else a delivery could wait for one that has just ended."""
    each(work, (call(_LOCK_LANE, f"webhook {policy_id}", lane),))


def end_delivery(work: Work, execution_id: int) -> None:
    """The delivery of an execution has ended, well or not: the next one of its lane may go."""
    row = work.db.execute(
        select(WebhookDelivery.id, WebhookDelivery.policy_id, WebhookDelivery.lane).where(
            WebhookDelivery.execution_id == execution_id
        )
    ).one_or_none()
    if row is None:
        return
    _lock_lane(work, row.policy_id, row.lane)
    work.db.execute(_SET_STATE, {"delivery": row.id, "new_state": DONE})
    following = work.db.execute(_NEXT, {"policy": row.policy_id, "lane": row.lane}).one_or_none()
    if following is not None and following.state == WAITING:
        work.db.execute(_SET_STATE, {"delivery": following.id, "new_state": QUEUED})
        enqueue(work, JOB, execution_id=following.execution_id, delivery_id=following.id)


class Delivery(msgspec.Struct, frozen=True):
    """A delivery as it is stored."""

    id: int
    execution_id: int
    policy_id: int
    target: int
    event_id: str
    event_type: str
    state: str
    fact: Fact
    attempts: list[dict[str, Any]]
    created_at: datetime


_DELIVERIES = select(*(getattr(WebhookDelivery, name) for name in Delivery.__struct_fields__))


def find_delivery(work: Work, delivery_id: int) -> tuple[Delivery, Policy] | None:
    """A delivery and its policy; None: it is gone, or its project is in the trash."""
    row = work.db.execute(_DELIVERIES.where(WebhookDelivery.id == delivery_id)).mappings().one_or_none()
    if row is None:
        return None
    found = work.db.execute(
        POLICIES.join(Project, Project.id == WebhookPolicy.project_id).where(
            WebhookPolicy.id == row["policy_id"], Project.trash_id.is_(None)
        )
    ).mappings().one_or_none()  # fmt: skip
    return None if found is None else (msgspec.convert(dict(row), Delivery), read_policy(found))


_FIELDS = Fields(
    {
        "id": Field(WebhookDelivery.id, kind="number"),
        "event_type": Field(WebhookDelivery.event_type, nullable=False),
        "event_id": Field(WebhookDelivery.event_id, nullable=False),
        "status": Field(Execution.status, nullable=False),
        "creation_time": Field(WebhookDelivery.created_at, kind="time", nullable=False),
    },
    key=WebhookDelivery.id,
)


def list_deliveries(work: Work, policy_id: int, listing: Listing) -> tuple[list[tuple[Delivery, Any]], int, list[str]]:
    """A page of what a policy's targets were told or will be, the newest first, with the row of its execution."""
    columns = [getattr(WebhookDelivery, name) for name in Delivery.__struct_fields__]
    deliveries = (
        select(*columns, Execution.status.label("status"), Execution.ended_at.label("ended_at"))
        .join(Execution, Execution.id == WebhookDelivery.execution_id)
        .where(Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id)
    )
    rows, total, ignored = _FIELDS.list_rows(work, deliveries, listing, "-id")
    return [(msgspec.convert(row._asdict(), Delivery), row) for row in rows], total, ignored


def note_attempt(work: Work, delivery_id: int, attempt: dict[str, object]) -> None:
    """Add an attempt to a delivery's log, which keeps the last ten."""
    kept = work.db.execute(
        select(WebhookDelivery.attempts).where(WebhookDelivery.id == delivery_id).with_for_update()
    ).scalar_one_or_none()
    if kept is not None:
        values = {"attempts": [*kept, attempt][-KEPT_ATTEMPTS:]}
        work.db.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(values))


def redeliver(work: Work, project_id: int, policy_id: int, delivery_id: int) -> int:
    """Tell the same target the same thing again, under the same event id; the new execution's id.

    Raises:
        WebhookUnknown: the project has no such policy, the policy no such delivery, or no such target any more.
    """
    policy = get_policy(work, project_id, policy_id)
    row = work.db.execute(
        select(
            WebhookDelivery.target, WebhookDelivery.event_id, WebhookDelivery.event_type, WebhookDelivery.fact
        ).where(WebhookDelivery.id == delivery_id, WebhookDelivery.policy_id == policy_id)
    ).one_or_none()
    if row is None or row.target >= len(policy.targets):
        raise WebhookUnknown("There is no such delivery, or its target is gone.", id=delivery_id)
    extra = {"event_type": row.event_type, "type": policy.targets[row.target].type, "event_id": row.event_id}
    run = create_execution(work, VENDOR, vendor_id=policy_id, extra=extra, project_id=project_id)
    new = {
        "execution_id": run, "policy_id": policy_id, "target": row.target, "lane": f"again/{run}",
        "event_id": row.event_id, "event_type": row.event_type, "state": QUEUED, "fact": row.fact,
        "created_at": work.now,
    }  # fmt: skip
    enqueue(work, JOB, execution_id=run, delivery_id=work.db.execute(_ADD, new).scalar_one(), priority=10)
    return run


def list_last(work: Work, project_id: int) -> list[tuple[Policy, str, datetime | None]]:
    """For each policy and each event type that it tells of: when it did so last. Two statements."""
    policies = [
        read_policy(row)
        for row in work.db.execute(
            POLICIES.where(WebhookPolicy.project_id == project_id).order_by(WebhookPolicy.id)
        ).mappings()
    ]
    last = {
        (row.policy_id, row.event_type): row.at
        for row in work.db.execute(
            select(
                WebhookDelivery.policy_id, WebhookDelivery.event_type, func.max(WebhookDelivery.created_at).label("at")
            )
            .join(Execution, Execution.id == WebhookDelivery.execution_id)
            .where(Execution.vendor_type == VENDOR, Execution.vendor_id.in_([one.id for one in policies]))
            .group_by(WebhookDelivery.policy_id, WebhookDelivery.event_type)
        )
    }
    return [(one, kind, last.get((one.id, kind))) for one in policies for kind in one.event_types]


class Failing(NamedTuple):
    """An enabled policy whose last delivery failed; when that was."""

    policy_id: int
    name: str
    at: datetime


_FAILING = (
    select(WebhookPolicy.id, WebhookPolicy.name, func.coalesce(Execution.ended_at, Execution.started_at).label("at"))
    .join(Execution, Execution.id == newest_run(VENDOR, WebhookPolicy.id, ended=True))
    .where(WebhookPolicy.project_id == bindparam("project"), WebhookPolicy.enabled, Execution.status == ERROR)
    .order_by(WebhookPolicy.name)
)


def list_failing(work: Work, project_id: int) -> list[Failing]:
    """Policies of a project whose last delivery failed, by name. One statement, which reads one run per policy."""
    return [Failing(row.id, row.name, row.at) for row in work.db.execute(_FAILING, {"project": project_id})]


_TASK_FIELDS = Fields(
    {
        "id": Field(Task.id, kind="number"),
        "status": Field(Task.status, nullable=False),
        "event_type": Field(WebhookDelivery.event_type, nullable=False),
        "creation_time": Field(Task.created_at, kind="time", nullable=False),
        "update_time": Field(Task.updated_at, kind="time", nullable=False),
    },
    key=Task.id,
)


def list_jobs(
    work: Work, policy_id: int, statuses: Sequence[str], listing: Listing
) -> tuple[Sequence[Any], int, list[str]]:
    """A page of the tasks of a policy, the newest first; how many there are; what was ignored. Two statements."""
    tasks = (
        select(
            Task.id, Task.status, Task.created_at, Task.updated_at, WebhookDelivery.event_type, WebhookDelivery.fact,
            Execution.extra,
        )
        .join_from(Task, Execution, Execution.id == Task.execution_id)
        .join(WebhookDelivery, WebhookDelivery.execution_id == Execution.id)
        .where(Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id)
    )  # fmt: skip
    if statuses:
        tasks = tasks.where(Task.status.in_(statuses))
    return _TASK_FIELDS.list_rows(work, tasks, listing, "-id")
