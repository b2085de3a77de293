"""Background work as people name it: what each run is of, in which project, who began it, and how far it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, text, true, union_all

from moorage.access.policy import Account
from moorage.access.role_matrix import ROLE_PERMISSIONS
from moorage.access.tables import RoleBinding
from moorage.db.list_query import Listing
from moorage.db.unit_of_work import Work
from moorage.errors import ExecutionUnknown
from moorage.jobs.queue import FINAL, RUNNING
from moorage.jobs.service import EXECUTION_FIELDS, newest_run
from moorage.jobs.tables import Execution, Schedule, Task
from moorage.projects.lists import bindings_of
from moorage.projects.tables import Project
from moorage.replication import service as replication
from moorage.replication.tables import ReplicationPolicy
from moorage.retention import service as retention
from moorage.retention.tables import RetentionPolicy
from moorage.users.tables import Principal, RobotPermission
from moorage.webhooks import service as webhooks
from moorage.webhooks.tables import WebhookPolicy


class Far(msgspec.Struct, frozen=True):
    """How far the tasks of a run are, together.

    Of one task the things that it counts; of several `done` are those that have ended. `rate` is per second, of bytes
    where there are any. `seconds_left` None: it cannot be said.
    """

    tasks: int = 0
    running: int = 0
    failed: int = 0
    done: int = 0
    total: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    stopping: bool = False
    message: str = ""
    task_id: int | None = None
    """Of the only one, whose log is the run's."""


def _named(of: type[Execution] | type[Schedule], *columns: Any) -> Select[Any]:  # noqa: ANN401 - columns of a select
    """Rows of executions or schedules with the policy that they are of, and its project."""
    policies = (
        (ReplicationPolicy, replication.VENDOR), (RetentionPolicy, retention.VENDOR), (WebhookPolicy, webhooks.VENDOR),
    )  # fmt: skip
    query = select(
        *columns,
        func.coalesce(ReplicationPolicy.name, WebhookPolicy.name).label("subject"),
        Project.name.label("project"),
    ).select_from(of)
    for policy, vendor in policies:
        query = query.outerjoin(policy, and_(of.vendor_type == vendor, of.vendor_id == policy.id))
    return query.outerjoin(
        Project, or_(Project.id == RetentionPolicy.project_id, Project.id == WebhookPolicy.project_id)
    )


_RUNS = _named(
    Execution,
    Execution.id, Execution.vendor_type, Execution.vendor_id, Execution.status, Execution.status_message,
    Execution.trigger, Execution.extra, Execution.started_at, Execution.ended_at,
    Principal.name.label("started_by"),
).outerjoin(Principal, Principal.id == Execution.principal_id)  # fmt: skip


_OF_PROJECTS = (
    (retention.VENDOR, RetentionPolicy, ("tag-retention", "list")),
    (webhooks.VENDOR, WebhookPolicy, ("notification-policy", "read")),
)
"""Work that is of a project, and what lets somebody see its runs there: what the lists of each policy ask for."""


def seen_by(account: Account | None, of: type[Execution] | type[Schedule]) -> ColumnElement[bool]:
    """Which runs or schedules somebody sees; `account` None: all of them, for who may list the work of the system.

    Others see the work of the policies of projects in which they may list it; that of the system is not theirs.
    """
    if account is None:
        return true()
    return or_(
        *(
            and_(
                of.vendor_type == vendor,
                of.vendor_id.in_(select(policy.id).where(policy.project_id.in_(_projects_where(account, *permission)))),
            )
            for vendor, policy, permission in _OF_PROJECTS
        ),
    )


def _projects_where(account: Account, resource: str, action: str) -> Select[int]:
    """The ids of the live projects in which an account may do it, by a role of its own or of a group, or as a robot."""
    live = select(Project.id).where(Project.trash_id.is_(None))
    if account.limits is not None and account.limits.projects is not None:
        live = live.where(Project.id.in_(account.limits.projects))
    if account.admin or account.admin_there:
        return live
    if account.kind == "robot":
        given = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == account.principal_id,
            RobotPermission.resource == resource,
            RobotPermission.action == action,
        )
        everywhere = given.where(RobotPermission.scope == "all").exists()
        return live.where(or_(Project.id.in_(given.where(RobotPermission.scope == "project")), everywhere))
    permitting = RoleBinding.role.in_(
        [role for role, permissions in ROLE_PERMISSIONS.items() if (resource, action) in permissions]
    )
    own, groups = bindings_of(literal(account.principal_id, RoleBinding.principal_id.type))
    return live.where(Project.id.in_(union_all(own.where(permitting), groups.where(permitting))))


def list_runs(
    work: Work, listing: Listing, account: Account | None = None
) -> tuple[Sequence[Any], dict[int, Far], int, list[str]]:
    """A page of runs, the newest first; how far each is; how many there are; what was ignored. Three statements.

    Args:
        account: only what they see (`seen_by`).
    """
    seen = seen_by(account, Execution)
    rows, total, ignored = EXECUTION_FIELDS.list_rows(
        work, _RUNS.where(seen), listing, "-id", counted=select(Execution).where(seen)
    )
    return rows, measure(work, [row.id for row in rows]), total, ignored


def measure(work: Work, execution_ids: Sequence[int]) -> dict[int, Far]:
    """How far runs are, by id; one statement, which reads their tasks."""
    if not execution_ids:
        return {}

    def count(*states: str) -> Any:  # noqa: ANN401 - a column
        return func.sum(case((Task.status.in_(states), 1), else_=0))

    rows = work.db.execute(
        select(
            Task.execution_id, func.count().label("tasks"), count(RUNNING).label("running"),
            count("Error").label("failed"), count(*FINAL).label("ended"), func.sum(Task.done).label("done"),
            func.sum(Task.total).label("total"), func.sum(Task.done_bytes).label("done_bytes"),
            func.sum(Task.total_bytes).label("total_bytes"), func.sum(Task.rate).label("rate"),
            func.sum(case((and_(text("task.stop_asked"), Task.status == RUNNING), 1), else_=0)).label("stopping"),
            func.max(Task.message).label("message"), func.min(Task.id).label("task_id"),
        )
        .where(Task.execution_id.in_(execution_ids))
        .group_by(Task.execution_id)
    )  # fmt: skip
    return {row.execution_id: _far(row) for row in rows}


def _far(row: Any) -> Far:  # noqa: ANN401 - a row of sums
    """The sums of a run's tasks as its progress."""
    is_one = row.tasks == 1
    done, total = (int(row.done), int(row.total)) if is_one else (int(row.ended), int(row.tasks))
    done_bytes, total_bytes, rate = int(row.done_bytes), int(row.total_bytes), float(row.rate)
    # The rate counts bytes where there are any; of several tasks it says nothing of their number.
    left = total_bytes - done_bytes if total_bytes else total - done if is_one else 0
    return Far(
        tasks=int(row.tasks), running=int(row.running), failed=int(row.failed),
        done=done, total=total, done_bytes=done_bytes, total_bytes=total_bytes, rate=rate,
        seconds_left=left / rate if rate > 0 and left > 0 else None,
        stopping=int(row.stopping) > 0,
        message=row.message if is_one else "", task_id=row.task_id if is_one else None,
    )  # fmt: skip


def require_run(work: Work, execution_id: int) -> None:
    """There is such a run.

    Raises:
        ExecutionUnknown: there is none.
    """
    if work.db.scalar(select(Execution.id).where(Execution.id == execution_id)) is None:
        raise ExecutionUnknown(id=execution_id)


# -- schedules ----------------------------------------------------------------------------------------------

_LAST = newest_run(Schedule.vendor_type, Schedule.vendor_id).label("last_id")
_SCHEDULES = _named(
    Schedule,
    Schedule.id, Schedule.vendor_type, Schedule.vendor_id, Schedule.cron, Schedule.next_at, Schedule.updated_at, _LAST,
).order_by(Schedule.id)  # fmt: skip


class Last(msgspec.Struct, frozen=True):
    """How the newest run of a schedule is, or ended."""

    id: int
    status: str
    at: datetime


def list_schedules(
    work: Work, account: Account | None = None, *, offset: int, limit: int
) -> tuple[Sequence[Any], dict[int, Last], int]:
    """A page of schedules in the order of their ids, their newest runs by id; how many there are. Three statements.

    Args:
        account: only what they see (`seen_by`).
    """
    seen = seen_by(account, Schedule)
    rows = work.db.execute(_SCHEDULES.where(seen).offset(offset).limit(limit)).all()
    ids = [row.last_id for row in rows if row.last_id is not None]
    found = work.db.execute(
        select(Execution.id, Execution.status, func.coalesce(Execution.ended_at, Execution.started_at).label("at"))
        .where(Execution.id.in_(ids))
    ) if ids else ()  # fmt: skip
    last = {row.id: Last(row.id, row.status, row.at) for row in found}
    return rows, last, work.db.scalar(select(func.count()).select_from(Schedule).where(seen)) or 0
