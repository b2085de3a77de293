"""Policies: make, change, delete; and runs: start.

A run works with the policy of the moment in which it was started: it stands in its execution. Where the other registry
is, and who we are there, is looked up when it is needed.
"""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.blobs.uploads import kill_upload
from moorage.db.base import db_now
from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import Field, Fields, Listing, holds
from moorage.db.unit_of_work import Work
from moorage.errors import (
    CronInvalid,
    ProjectExists,
    QuotaExceeded,
    RegistryUnknown,
    ReplicationDisabled,
    ReplicationExists,
    ReplicationInvalid,
    ReplicationRunning,
    ReplicationUnknown,
)
from moorage.events import CopyRefused, ReplicationChanged
from moorage.ids import UploadId
from moorage.jobs.cron import parse_cron
from moorage.jobs.queue import SUCCESS, create_execution, enqueue_all, start
from moorage.jobs.scheduler import remove_schedule, set_schedule
from moorage.jobs.tables import Execution, Task
from moorage.oci.names import is_namespace
from moorage.projects.service import create_project, find_project
from moorage.projects.tables import Project
from moorage.registries.service import MAX_ID, RegistryRow, find_registry, get_registry
from moorage.replication.artifact_sources import Found
from moorage.replication.filters import Filter, Filters, check_filters, compile_filters, rename
from moorage.replication.tables import ReplicationPolicy
from moorage.storage.keys import is_upload

VENDOR = "REPLICATION"
PLAN_JOB, COPY_JOB, DELETE_JOB = "replication.plan", "replication.copy", "replication.delete"
CANCEL_VENDOR, CANCEL_JOB = "REPLICATION_CLEANUP", "replication.cancel"
MANUAL, SCHEDULED, EVENT_BASED = "manual", "scheduled", "event_based"
UPLOADS = "uploads"
"""Where a task's `extra` has the uploads that it began."""
TRIGGERS = (MANUAL, SCHEDULED, EVENT_BASED)
NOTHING = "no resources need to be replicated"
"""What a run says that took nothing. Source: the contract's product."""

MAX_NAME, MAX_TEXT = 255, 1_024
MAX_REPLACED = 20
MAX_SPEED_KB = 2**31 - 1


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as somebody wants it. Exactly one registry is set: the other side is this one.

    Attributes:
        replace_count: how many leading parts of a name the namespace replaces; -1: all but the last.
        cron: of the trigger `scheduled`.
        speed_kb: KiB/s for each artifact on its way; 0: as fast as it goes.
    """

    name: str = ""
    description: str = ""
    src_registry_id: int | None = None
    dest_registry_id: int | None = None
    dest_namespace: str = ""
    replace_count: int = -1
    filters: list[Filter] = []
    trigger: str = MANUAL
    cron: str = ""
    replicate_deletion: bool = False
    override: bool = False
    enabled: bool = True
    speed_kb: int = 0
    copy_by_chunk: bool = False
    single_active: bool = False


class Policy(Draft, frozen=True, kw_only=True):
    """A policy as it is stored."""

    id: int
    creator: str = ""
    created_at: datetime
    updated_at: datetime

    @property
    def pushes(self) -> bool:
        """Whether content goes from here to the other registry."""
        return self.dest_registry_id is not None

    @property
    def registry_id(self) -> int:
        """The other registry."""
        found = self.dest_registry_id if self.dest_registry_id is not None else self.src_registry_id
        assert found is not None  # noqa: S101 - a constraint of the table
        return found

    def compile(self) -> Filters:
        """Its filters, ready to be asked."""
        return compile_filters(self.filters)


_POLICIES = select(*(getattr(ReplicationPolicy, name) for name in Policy.__struct_fields__))
_FIELDS = Fields(
    {
        "id": Field(ReplicationPolicy.id, kind="number"),
        "name": Field(ReplicationPolicy.name, nullable=False),
        "description": Field(ReplicationPolicy.description, nullable=False),
        "enabled": Field(ReplicationPolicy.enabled, kind="flag", nullable=False),
        "trigger": Field(ReplicationPolicy.trigger, nullable=False),
        "src_registry_id": Field(ReplicationPolicy.src_registry_id, kind="number"),
        "dest_registry_id": Field(ReplicationPolicy.dest_registry_id, kind="number"),
        "dest_namespace": Field(ReplicationPolicy.dest_namespace, nullable=False),
        "creation_time": Field(ReplicationPolicy.created_at, kind="time", nullable=False),
        "update_time": Field(ReplicationPolicy.updated_at, kind="time", nullable=False),
    },
    key=ReplicationPolicy.id,
)
_MIRRORED = select(Project.registry_id).where(Project.name == bindparam("name"), Project.trash_id.is_(None))
_READY = select(Project.id).where(
    Project.name == bindparam("name"), Project.trash_id.is_(None), Project.registry_id.is_(None)
)
_EXTRA = select(Task.extra).where(Task.id == bindparam("task"))
_BY_EVENT = Prepared(
    _POLICIES.where(ReplicationPolicy.trigger == EVENT_BASED, ReplicationPolicy.enabled).order_by(ReplicationPolicy.id)
)
"""Asked with every push."""


# -- reading ------------------------------------------------------------------------------------------------


def list_policies(work: Work, listing: Listing, *, name: str = "") -> tuple[list[Policy], int, list[str]]:
    """A page of policies by id, how many there are, and what was ignored. Two statements. `name`: a part of it."""
    policies = _POLICIES.where(holds(ReplicationPolicy.name, name)) if name else _POLICIES
    rows, total, ignored = _FIELDS.list_rows(work, policies, listing, "id")
    return [_policy(row._asdict()) for row in rows], total, ignored


def get_policy(work: Work, policy_id: int) -> Policy:
    """A policy.

    Raises:
        ReplicationUnknown: there is none.
    """
    one = _POLICIES.where(ReplicationPolicy.id == policy_id)
    row = work.db.execute(one).mappings().one_or_none() if 0 < policy_id <= MAX_ID else None
    if row is None:
        raise ReplicationUnknown(id=policy_id)
    return _policy(row)


def list_event_based(work: Work) -> list[Policy]:
    """The enabled policies that what happens here starts. One statement."""
    return [_policy(dict(zip(Policy.__struct_fields__, row, strict=True))) for row in _BY_EVENT.rows(work, {})]


def _policy(row: Mapping[Any, Any]) -> Policy:
    return msgspec.convert(dict(row), Policy)


# -- changing -----------------------------------------------------------------------------------------------


def check_draft(draft: Draft) -> Draft:
    """A draft in the form in which it is stored.

    Raises:
        ReplicationInvalid, SelectorInvalid, CronInvalid: it cannot be used; the message says why.
    """
    if not 1 <= len(draft.name) <= MAX_NAME or not draft.name.isprintable() or draft.name != draft.name.strip():
        raise ReplicationInvalid(f"The name of a policy is 1 to {MAX_NAME} visible characters.")
    if len(draft.description) > MAX_TEXT:
        raise ReplicationInvalid(f"The description has at most {MAX_TEXT} characters.")
    if (draft.src_registry_id is None) == (draft.dest_registry_id is None):
        raise ReplicationInvalid("Set either src_registry or dest_registry: the other side is this registry.")
    if draft.dest_namespace and not is_namespace(draft.dest_namespace):
        raise ReplicationInvalid("dest_namespace is one or more parts of a repository's name: 'team' or 'team/mirror'.")
    if not -1 <= draft.replace_count <= MAX_REPLACED:
        raise ReplicationInvalid(f"dest_namespace_replace_count is -1 to {MAX_REPLACED}.")
    if not draft.speed_kb <= MAX_SPEED_KB:
        raise ReplicationInvalid("speed is in KiB/s; 0 is as fast as it goes.")
    _check_trigger(draft)
    return msgspec.structs.replace(draft, filters=check_filters(draft.filters), speed_kb=max(0, draft.speed_kb))


def _check_trigger(draft: Draft) -> None:
    if draft.trigger not in TRIGGERS:
        raise ReplicationInvalid(f"trigger.type is one of {', '.join(TRIGGERS)}.", type=draft.trigger[:64])
    if draft.trigger == EVENT_BASED and draft.dest_registry_id is None:
        raise ReplicationInvalid("Only what happens here can start a replication: event_based needs a dest_registry.")
    if draft.trigger == EVENT_BASED and draft.single_active:
        raise ReplicationInvalid("single_active_replication and event_based do not go together: events would be lost.")
    if draft.trigger == SCHEDULED:
        parse_cron(draft.cron)
        if draft.cron.split()[1].startswith(("*", "?")):
            raise CronInvalid("A replication starts at a minute of the hour: the second field is a number, not '*'.")


def create_policy(work: Work, draft: Draft) -> int:
    """Store a policy; its id. Of two of one name made at once, the second is refused.

    Args:
        draft: checked.

    Raises:
        ReplicationExists: there is one of this name.
        RegistryUnknown: there is no such registry.
    """
    row = {**_values(work, draft), "creator": work.actor.name, "created_at": work.now, "updated_at": work.now}
    made = _once(work, insert(ReplicationPolicy).values(**row).returning(ReplicationPolicy.id), draft)
    _schedule(work, get_policy(work, made))
    work.emit(ReplicationChanged(made, draft.name, "created"))
    return made


def update_policy(work: Work, policy_id: int, draft: Draft) -> None:
    """Store a policy anew. A run that has begun goes on with the old one.

    Args:
        draft: checked; all of it.

    Raises:
        ReplicationUnknown: there is none.
        ReplicationExists: another one has this name.
        RegistryUnknown: there is no such registry.
    """
    get_policy(work, policy_id)
    values = {**_values(work, draft), "updated_at": work.now}
    change = update(ReplicationPolicy).where(ReplicationPolicy.id == policy_id).values(**values)
    _once(work, change.returning(ReplicationPolicy.id), draft)
    _schedule(work, get_policy(work, policy_id))
    work.emit(ReplicationChanged(policy_id, draft.name, "updated"))


def delete_policy(work: Work, policy_id: int) -> None:
    """Delete a policy with its history.

    Raises:
        ReplicationUnknown: there is none.
        ReplicationRunning: a run of it has not ended.
    """
    policy = get_policy(work, policy_id)
    of_it = (Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id)
    busy = work.db.scalar(select(Execution.id).where(*of_it, Execution.ended_at.is_(None)).limit(1))
    if busy is not None:
        raise ReplicationRunning(execution=busy)
    remove_schedule(work, VENDOR, policy_id)
    work.db.execute(delete(Execution).where(*of_it))
    work.db.execute(delete(ReplicationPolicy).where(ReplicationPolicy.id == policy_id))
    work.emit(ReplicationChanged(policy_id, policy.name, "deleted"))


def _values(work: Work, draft: Draft) -> dict[str, Any]:
    for registry_id in (draft.src_registry_id, draft.dest_registry_id):
        if registry_id is not None:
            get_registry(work, registry_id)
    names = (name for name in Draft.__struct_fields__ if name != "filters")
    return {name: getattr(draft, name) for name in names} | {"filters": msgspec.to_builtins(draft.filters)}


def _once(work: Work, statement: Any, draft: Draft) -> int:  # noqa: ANN401 - an insert or update that returns the id
    try:
        with work.db.begin_nested():
            return int(work.db.execute(statement).scalar_one())
    except IntegrityError as error:
        same = select(ReplicationPolicy.id).where(ReplicationPolicy.name == draft.name)
        if work.db.scalar(same) is None:  # the registry went meanwhile
            raise RegistryUnknown(id=draft.dest_registry_id or draft.src_registry_id) from error
        raise ReplicationExists(name=draft.name) from error


def _schedule(work: Work, policy: Policy) -> None:
    """Have it run at the times of its schedule, or not by itself."""
    if policy.enabled and policy.trigger == SCHEDULED:
        set_schedule(work, VENDOR, policy.id, kind="Custom", cron=policy.cron, job=PLAN_JOB, extra=extra_of(policy))
    else:
        remove_schedule(work, VENDOR, policy.id)


# -- runs ---------------------------------------------------------------------------------------------------


def extra_of(policy: Policy) -> dict[str, object]:
    """What an execution keeps of its policy."""
    return {"policy": msgspec.to_builtins(policy)}


def start_run(work: Work, policy_id: int) -> int:
    """Start a run by hand; the execution's id.

    Raises:
        ReplicationUnknown: there is no such policy.
        ReplicationDisabled: it is not enabled.
    """
    policy = get_policy(work, policy_id)
    if not policy.enabled:
        raise ReplicationDisabled(name=policy.name)
    return start(work, PLAN_JOB, VENDOR, vendor_id=policy_id, extra=extra_of(policy), priority=10)


# -- steps of a run -----------------------------------------------------------------------------------------


def get_run(work: Work, execution_id: int) -> Policy:
    """The policy of the moment in which a run was started."""
    extra = work.db.execute(select(Execution.extra).where(Execution.id == execution_id)).scalar_one()
    return msgspec.convert(extra["policy"], Policy)


def begin_copy(work: Work, execution_id: int, to: str) -> tuple[Policy, RegistryRow | None, bool]:
    """What a copy has to know: its policy, the other registry (None: it is gone), and whether `to` has its project."""
    policy = get_run(work, execution_id)
    ready = not policy.pushes and work.db.execute(_READY, {"name": to.partition("/")[0]}).first() is not None
    return policy, find_registry(work, policy.registry_id), ready


def find_other_run(work: Work, policy_id: int, execution_id: int) -> int | None:
    """A run of the policy that was started before this one, and has not ended."""
    earlier = (Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id, Execution.id < execution_id)
    return work.db.scalar(select(Execution.id).where(*earlier, Execution.ended_at.is_(None)).limit(1))


def begin_run(work: Work, execution_id: int, each: Sequence[Mapping[str, object]]) -> None:
    """Give a run a task for each artifact."""
    if enqueue_all(work, COPY_JOB, each, execution_id=execution_id) == 0:
        message = {"status_message": NOTHING, "updated_at": db_now()}
        work.db.execute(update(Execution).where(Execution.id == execution_id).values(message))


def list_uploads(work: Work, task_id: int) -> dict[str, str]:
    """What a task noted of the uploads that it began: places by digest."""
    return _read_uploads(work.db.scalar(_EXTRA, {"task": task_id}))


def note_upload(work: Work, task_id: int, digest: str, place: str) -> None:
    """Note where a task puts a blob."""
    extra = work.db.scalar(_EXTRA.with_for_update(), {"task": task_id}) or {}
    noted = {**_read_uploads(extra), digest: place}
    work.db.execute(update(Task).where(Task.id == task_id).values(extra={**extra, UPLOADS: noted}))


def end_uploads(work: Work, *, task_id: int | None = None, execution_id: int | None = None) -> None:
    """End the uploads to this registry that a task, or the tasks of a run that failed, began and did not finish.

    What they reserved is given back; their bytes and rows go next (`jobs.remove_uploads`), or with the sweep.
    """
    which = Task.id == task_id if execution_id is None else Task.execution_id == execution_id
    noted = [_read_uploads(extra) for extra in work.db.scalars(select(Task.extra).where(which, Task.status != SUCCESS))]
    for place in sorted({place for one in noted for place in one.values()}):
        if is_upload(place):  # to another registry it is an address
            kill_upload(work, UploadId(place))


def cancel_uploads(work: Work, execution_id: int) -> None:
    """Have the uploads taken back that a run which failed began at the other registry: one task for each artifact.

    They are an execution of their own, since that of the run has ended, and may be deleted with its policy meanwhile.
    """
    of_it = (Task.execution_id == execution_id, Task.job == COPY_JOB, Task.status != SUCCESS)
    each = []
    for arguments, extra in work.db.execute(select(Task.arguments, Task.extra).where(*of_it).order_by(Task.id)):
        places = sorted({place for place in _read_uploads(extra).values() if not is_upload(place)})
        if places:
            each.append({"repository": arguments["to"], "places": places})
    if not each:
        return
    registry_id = get_run(work, execution_id).registry_id
    cleanup = create_execution(work, CANCEL_VENDOR, trigger="EVENT")
    enqueue_all(
        work, CANCEL_JOB, [{**one, "registry_id": registry_id} for one in each], execution_id=cleanup, priority=-10
    )


def _read_uploads(extra: Mapping[str, object] | None) -> dict[str, str]:
    return msgspec.convert((extra or {}).get(UPLOADS) or {}, dict[str, str])


def refuse_copy(work: Work, repository: str, reference: str, problem: QuotaExceeded) -> None:
    """Tell that a project had no room for a copy."""
    work.emit(CopyRefused(int(str(problem.detail["project_id"])), repository, reference, str(problem)))


def copy_again(work: Work, execution_id: int, each: Sequence[Mapping[str, object]]) -> None:
    """Copy what came back while it was deleted at the other side."""
    enqueue_all(work, COPY_JOB, each, execution_id=execution_id)


def start_event(work: Work, policy: Policy, job: str, each: Sequence[Found], **more: object) -> None:
    """Start a run because of what happened here to these artifacts; none for none."""
    if not each:
        return
    execution_id = create_execution(work, VENDOR, vendor_id=policy.id, trigger="EVENT", extra=extra_of(policy))
    arguments = [{**msgspec.structs.asdict(one), **more, **_target(policy, one)} for one in each]
    enqueue_all(work, job, arguments, execution_id=execution_id)


def _target(policy: Policy, found: Found) -> dict[str, object]:
    """What it is called there; a name that cannot be is the task's failure, not that of what happened here."""
    try:
        return {"to": rename(found.repository, policy.dest_namespace, policy.replace_count)}
    except ReplicationInvalid as problem:
        return {"to": "", "refused": str(problem)}


def ensure_project(work: Work, name: str) -> bool:
    """See that there is a project; whether it was made, as a private one without members.

    Raises:
        ProjectNameInvalid: no project can have this name.
        ReplicationInvalid: it is a proxy cache.
    """
    if find_project(work, name) is not None:
        if work.db.scalar(_MIRRORED, {"name": name}) is not None:
            raise ReplicationInvalid(f"The project '{name}' mirrors a registry, and takes nothing else.")
        return False
    with contextlib.suppress(ProjectExists):
        create_project(work, name)
    return True
