"""Replication: policies, their runs, the artifacts of a run, and what was written down of each."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import system
from moorage.errors import (
    CronInvalid,
    ExecutionUnknown,
    RegistryUnknown,
    ReplicationDisabled,
    ReplicationExists,
    ReplicationInvalid,
    ReplicationRunning,
    ReplicationUnknown,
    SelectorInvalid,
    TaskUnknown,
)
from moorage.jobs import service as jobs
from moorage.jobs.queue import seconds_left
from moorage.registries.routes import LOCAL, Registry, show_registry
from moorage.registries.service import RegistryRow, list_some
from moorage.replication import execution_lists, service
from moorage.replication.execution_lists import EXECUTION_WORDS, TASK_WORDS, TRIGGER_WORDS, Counts
from moorage.replication.filters import Filter
from moorage.replication.service import Draft, Policy

_POLICIES = "/replication/policies"
_POLICY = f"{_POLICIES}/{{id:int}}"
_RUNS = "/replication/executions"
_RUN = f"{_RUNS}/{{id:int}}"
_REFUSED = (ReplicationInvalid, SelectorInvalid, CronInvalid, RegistryUnknown, ReplicationExists)


# -- what clients send and see ----------------------------------------------------------------------------


class ReplicationTriggerSettings(msgspec.Struct, omit_defaults=True):
    """When a schedule starts it."""

    cron: str | None = None
    """Six fields, seconds first, in UTC; the minute is a number."""


class ReplicationTrigger(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What starts a replication."""

    type: str | None = None
    """`manual`, `scheduled`, or `event_based` (only where content goes from here)."""
    trigger_settings: ReplicationTriggerSettings | None = None


class ReplicationFilter(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What an artifact has to be to go along. It has to pass every filter."""

    type: str | None = None
    """`name`, `tag`, `label`, `resource`; and of ours `platform`: which children of an index go along."""
    value: str | list[str] | None = None
    """A pattern for name and tag, `image` or `artifact` for resource, a list for label and platform."""
    decoration: str | None = None
    """`matches` or `excludes`; of tag, label and platform."""
    kind: str | None = None
    """Of ours, for name and tag: `doublestar`, `regex` or `semver`."""


class ReplicationExecution(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A run. Its state is that of the last attempts of its tasks."""

    id: int
    policy_id: int
    status: str
    """`InProgress`, `Succeed`, `Failed` or `Stopped`."""
    trigger: str
    start_time: str
    end_time: str
    status_text: str
    total: int
    failed: int
    succeed: int
    in_progress: int
    stopped: int
    done_bytes: int
    """Ours: of all artifacts so far; what the target has counts as done."""
    total_bytes: int
    """Ours: as far as it is known."""


class ReplicationPolicy(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What is copied where, and when. One of the two registries is set; the other side is this registry."""

    id: int | None = None
    name: str | None = None
    description: str | None = None
    src_registry: Registry | None = None
    dest_registry: Registry | None = None
    dest_namespace: str | None = None
    """What stands in front of names at the target; empty: they stay as they are."""
    dest_namespace_replace_count: int | None = None
    """How many leading parts of a name it replaces; -1: all but the last."""
    trigger: ReplicationTrigger | None = None
    filters: list[ReplicationFilter] | None = None
    replicate_deletion: bool | None = None
    """Of event_based: what is deleted here is deleted there, too."""
    deletion: bool | None = None
    """The older name of `replicate_deletion`."""
    override: bool | None = None
    """Whether a tag of the target that leads elsewhere is moved."""
    enabled: bool | None = None
    creation_time: str | None = None
    update_time: str | None = None
    speed: int | None = None
    """KiB per second for each artifact on its way; 0 or less: as fast as it goes."""
    copy_by_chunk: bool | None = None
    single_active_replication: bool | None = None
    """Whether a run that starts while another one has not ended fails at once."""
    last_execution: ReplicationExecution | None = None
    """Ours: the newest run, in the list of policies; not read."""


class StartReplicationExecution(msgspec.Struct, kw_only=True):
    """Which policy is to run."""

    policy_id: int | None = None


class ReplicationTask(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An artifact of a run."""

    id: int
    execution_id: int
    status: str
    """`Pending`, `InProgress`, `Succeed`, `Failed` or `Stopped`."""
    job_id: str
    operation: str
    """`copy` or `deletion`."""
    resource_type: str
    src_resource: str
    dst_resource: str
    start_time: str
    end_time: str
    message: str
    """Ours: the cause where it failed; else what there is to say."""
    attempts: int
    """Ours: how often it was tried."""
    done_bytes: int
    """Ours: what the target has counts as done."""
    total_bytes: int
    """Ours: as far as it is known."""
    rate: float
    """Ours: bytes per second."""
    seconds_left: float | None = None
    """Ours: until it is done, at this rate."""


# -- policies -----------------------------------------------------------------------------------------------


@operation(
    "GET", _POLICIES, id="listReplicationPolicies", tag="replication", paged=True,
    needs=system("replication-policy:list"),
)  # fmt: skip
async def list_policies(call: NamedDependency[Call], name: FromQuery[str] = "") -> Response[list[ReplicationPolicy]]:
    """The policies; `name` is a part of their names."""
    listing = call.listing()
    rows, total, ignored = await call.look(service.list_policies, listing, name=name)
    registries = await call.look(list_some, [row.registry_id for row in rows])
    last = await call.look(execution_lists.find_last_runs, [row.id for row in rows])
    shown = [_show(row, registries, *last.get(row.id, ())) for row in rows]
    return call.page(shown, listing, total, ignored)


@operation(
    "POST", _POLICIES, id="createReplicationPolicy", tag="replication", status=201, problems=_REFUSED,
    needs=system("replication-policy:create"),
)  # fmt: skip
async def create_policy(data: JSONBody[ReplicationPolicy], call: NamedDependency[Call]) -> Response[None]:
    """Make a policy."""
    made = await call.run(service.create_policy, service.check_draft(_merge(Draft(), data)))
    return call.created(f"{_POLICIES}/{made}")


@operation(
    "GET", _POLICY, id="getReplicationPolicy", tag="replication", problems=(ReplicationUnknown,),
    needs=system("replication-policy:read"),
)  # fmt: skip
async def get_policy(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[ReplicationPolicy]:
    """A policy."""
    policy = await call.look(service.get_policy, id)
    return Response(_show(policy, await call.look(list_some, [policy.registry_id])))


@operation(
    "PUT", _POLICY, id="updateReplicationPolicy", tag="replication", problems=(*_REFUSED, ReplicationUnknown),
    needs=system("replication-policy:update"),
)  # fmt: skip
async def update_policy(
    data: JSONBody[ReplicationPolicy],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Change a policy: what is left out stays. A run that has begun goes on as it was."""
    before = await call.look(service.get_policy, id)
    await call.run(service.update_policy, id, service.check_draft(_merge(before, data)))
    return Response(None)


@operation(
    "DELETE", _POLICY, id="deleteReplicationPolicy", tag="replication",
    problems=(ReplicationUnknown, ReplicationRunning), needs=system("replication-policy:delete"),
)  # fmt: skip
async def delete_policy(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Delete a policy with its history. What was copied stays."""
    await call.run(service.delete_policy, id)
    return Response(None)


# -- runs ---------------------------------------------------------------------------------------------------


@operation(
    "GET", _RUNS, id="listReplicationExecutions", tag="replication", paged=True, needs=system("replication:list")
)
async def list_executions(
    call: NamedDependency[Call],
    policy_id: FromQuery[int | None] = None,
    status: FromQuery[str] = "",
    trigger: FromQuery[str] = "",
) -> Response[list[ReplicationExecution]]:
    """The runs, the newest first: of a policy, in a state, with a trigger."""
    listing = call.listing()
    rows, total, ignored = await call.look(
        execution_lists.list_executions, listing, policy_id=policy_id, status=status, trigger=trigger
    )
    counts = await call.look(execution_lists.list_counts, [row.id for row in rows])
    return call.page([_show_run(row, counts[row.id]) for row in rows], listing, total, ignored)


@operation(
    "POST", _RUNS, id="startReplication", tag="replication", status=201,
    problems=(ReplicationUnknown, ReplicationDisabled), needs=system("replication:create"),
)  # fmt: skip
async def start_execution(data: JSONBody[StartReplicationExecution], call: NamedDependency[Call]) -> Response[None]:
    """Run a policy now."""
    made = await call.run(service.start_run, data.policy_id if data.policy_id is not None else 0)
    return call.created(f"{_RUNS}/{made}")


@operation(
    "GET", _RUN, id="getReplicationExecution", tag="replication", problems=(ExecutionUnknown,),
    needs=system("replication:read"),
)  # fmt: skip
async def get_execution(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[ReplicationExecution]:
    """A run, as far as it has come."""
    row, counts = await call.look(execution_lists.get_run, id)
    return Response(_show_run(row, counts))


@operation(
    "PUT", _RUN, id="stopReplication", tag="replication", problems=(ExecutionUnknown,),
    needs=system("replication:create"),
)  # fmt: skip
async def stop_execution(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Stop a run; what was copied stays."""
    await call.run(jobs.stop_run, id, service.VENDOR)
    return Response(None)


@operation(
    "GET", f"{_RUN}/tasks", id="listReplicationTasks", tag="replication", paged=True, problems=(ExecutionUnknown,),
    needs=system("replication:list"),
)  # fmt: skip
async def list_tasks(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
    status: FromQuery[str] = "",
    resource_type: FromQuery[str] = "",
) -> Response[list[ReplicationTask]]:
    """The artifacts of a run, each once, with how far they have come and why they failed."""
    listing = call.listing()
    rows, total, ignored = await call.look(execution_lists.list_tasks, id, listing, status=status, kind=resource_type)
    return call.page([_show_task(row) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{_RUN}/tasks/{{task_id:int}}/log", id="getReplicationLog", tag="replication", answers=("text/plain",),
    problems=(ExecutionUnknown, TaskUnknown), needs=system("replication:read"),
)  # fmt: skip
async def get_task_log(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
    task_id: FromPath[int],
) -> Response[str]:
    """What was done for an artifact, also while it is on its way."""
    text = await call.look(jobs.read_task_log, task_id, id, service.VENDOR)
    return Response(text, media_type="text/plain")


ROUTES = (
    list_policies,
    create_policy,
    get_policy,
    update_policy,
    delete_policy,
    list_executions,
    start_execution,
    get_execution,
    stop_execution,
    list_tasks,
    get_task_log,
)


# -- in and out ---------------------------------------------------------------------------------------------


def _merge(before: Draft, data: ReplicationPolicy) -> Draft:
    """A draft with what the caller sets."""
    deletion = data.deletion if data.replicate_deletion is None else data.replicate_deletion
    given: dict[str, Any] = {
        "name": data.name, "description": data.description, "dest_namespace": data.dest_namespace,
        "replace_count": data.dest_namespace_replace_count, "replicate_deletion": deletion, "override": data.override,
        "enabled": data.enabled, "speed_kb": data.speed, "copy_by_chunk": data.copy_by_chunk,
        "single_active": data.single_active_replication,
    }  # fmt: skip
    if data.filters is not None:
        given["filters"] = [
            Filter(type=one.type or "", value=one.value or "", decoration=one.decoration or "", kind=one.kind or "")
            for one in data.filters
        ]
    if data.trigger is not None:
        settings = data.trigger.trigger_settings
        given["trigger"] = data.trigger.type or service.MANUAL
        given["cron"] = (settings.cron or "").strip() if settings is not None else ""
    registries = {"src_registry_id": _find(data.src_registry), "dest_registry_id": _find(data.dest_registry)}
    if any(one is not None for one in registries.values()):
        given |= registries
    changes = {name: value for name, value in given.items() if value is not None or name in registries}
    fields = {name: getattr(before, name) for name in Draft.__struct_fields__}
    return Draft(**{**fields, **changes})


def _find(registry: Registry | None) -> int | None:
    """The id of another registry; None: it is this one."""
    return None if registry is None or registry.id in {None, LOCAL} else registry.id


def _show(
    policy: Policy,
    registries: dict[int, RegistryRow],
    last: Any = None,  # noqa: ANN401 - a row of `execution`
    counts: Counts | None = None,
) -> ReplicationPolicy:
    other = show_registry(registries[policy.registry_id])
    here = Registry(id=LOCAL, name="Local", type="harbor", status="healthy", insecure=False)
    settings = ReplicationTriggerSettings(policy.cron) if policy.cron else None
    return ReplicationPolicy(
        id=policy.id,
        name=policy.name,
        description=policy.description,
        src_registry=here if policy.pushes else other,
        dest_registry=other if policy.pushes else here,
        dest_namespace=policy.dest_namespace,
        dest_namespace_replace_count=policy.replace_count,
        trigger=ReplicationTrigger(type=policy.trigger, trigger_settings=settings),
        filters=[
            ReplicationFilter(
                type=one.type, value=one.value, decoration=one.decoration or None,
                kind=None if one.kind == "doublestar" else one.kind,
            )
            for one in policy.filters
        ],
        replicate_deletion=policy.replicate_deletion,
        deletion=policy.replicate_deletion,
        override=policy.override,
        enabled=policy.enabled,
        creation_time=stamp(policy.created_at),
        update_time=stamp(policy.updated_at),
        speed=policy.speed_kb,
        copy_by_chunk=policy.copy_by_chunk,
        single_active_replication=policy.single_active,
        last_execution=None if counts is None else _show_run(last, counts),
    )  # fmt: skip


def _show_run(row: Any, counts: Counts) -> ReplicationExecution:  # noqa: ANN401 - a row of `execution`
    return ReplicationExecution(
        id=row.id,
        policy_id=row.vendor_id,
        status=EXECUTION_WORDS[row.status],
        trigger=TRIGGER_WORDS[row.trigger],
        start_time=stamp(row.started_at),
        end_time=stamp(row.ended_at),
        status_text=row.status_message,
        **msgspec.structs.asdict(counts),
    )


def _show_task(row: Any) -> ReplicationTask:  # noqa: ANN401 - a row of `task`
    told = row.arguments
    return ReplicationTask(
        id=row.id,
        execution_id=row.execution_id,
        status=TASK_WORDS[row.status],
        job_id=str(row.id),
        operation="deletion" if row.job == service.DELETE_JOB else "copy",
        resource_type=told["kind"],
        src_resource=_resource(told["repository"], told),
        dst_resource=_resource(told["to"], told),
        start_time=stamp(row.started_at),
        end_time=stamp(row.ended_at),
        message=row.message,
        attempts=row.attempt,
        done_bytes=row.done_bytes,
        total_bytes=row.total_bytes,
        rate=row.rate,
        seconds_left=seconds_left(row),
    )


def _resource(repository: str, told: dict[str, Any]) -> str:
    """`team/app:v1,v2`; without tags `team/app@sha256:…`."""
    tags = ",".join(told["tags"])
    if tags:
        return f"{repository}:{tags}"
    return f"{repository}{'@' if ':' in told['reference'] else ':'}{told['reference']}"
