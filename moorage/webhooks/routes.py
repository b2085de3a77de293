"""Webhook policies of a project, what they told, and telling it again."""

import json
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import MASK, Call, stamp
from moorage.access.required_permission import project
from moorage.configuration.cached_settings import Live
from moorage.errors import (
    Denied,
    ExecutionUnknown,
    Invalid,
    SelectorInvalid,
    TargetRefused,
    TaskUnknown,
    WebhookExists,
    WebhookInvalid,
    WebhookLimit,
    WebhookUnknown,
)
from moorage.jobs import service as jobs
from moorage.jobs.queue import list_counts
from moorage.webhooks import deliveries, service
from moorage.webhooks.payload import DEFAULT, EVENT_TYPES, FORMATS
from moorage.webhooks.service import VENDOR, Draft, Pattern, Policy, Target

_ALL = "/projects/{project_name_or_id:str}/webhook"
_LIST = f"{_ALL}/policies"
_ONE = f"{_LIST}/{{webhook_policy_id:int}}"
_RUNS = f"{_ONE}/executions"
_TASKS = f"{_RUNS}/{{execution_id:int}}/tasks"
_DELIVERIES = f"{_ONE}/deliveries"
_REFUSED = (WebhookInvalid, WebhookExists, SelectorInvalid, TargetRefused, Invalid)


class WebhookTargetObject(msgspec.Struct, kw_only=True):
    """Where events go."""

    type: str | None = None
    """`http` or `slack`."""
    address: str | None = None
    auth_header: str | None = None
    """Sent as `Authorization`. It is never given out: `*****` stands for it, and sent back keeps it."""
    skip_cert_verify: bool | None = None
    """Whether any certificate is believed. Only a system administrator sets it."""
    payload_format: str | None = None
    """`Default` or, for `http`, `CloudEvents`."""


class WebhookSelector(msgspec.Struct, kw_only=True):
    """Which repositories or tags."""

    kind: str = "doublestar"
    """`doublestar`, `regex` or, for tags, `semver`."""
    pattern: str = ""


class WebhookPolicy(msgspec.Struct, kw_only=True):
    """Which events of a project go where."""

    id: int | None = None
    name: str | None = None
    description: str | None = None
    project_id: int | None = None
    targets: list[WebhookTargetObject] | None = None
    event_types: list[str] | None = None
    creator: str | None = None
    creation_time: str | None = None
    update_time: str | None = None
    enabled: bool | None = None
    repositories: WebhookSelector | None = None
    """Ours: only of these repositories, by their names without the project."""
    tags: WebhookSelector | None = None
    """Ours: only of these tags."""
    signed: bool | None = None
    """Ours: whether what it sends is signed."""


class WebhookPayloadFormat(msgspec.Struct, kw_only=True):
    """The formats of a type of target."""

    notify_type: str
    formats: list[str]


class SupportedWebhookEventTypes(msgspec.Struct, kw_only=True):
    """What there is to choose from."""

    event_type: list[str]
    notify_type: list[str]
    payload_formats: list[WebhookPayloadFormat]


class WebhookFailing(msgspec.Struct, kw_only=True):
    """A policy whose last delivery failed."""

    id: int
    name: str
    failed_time: str


class WebhookLastTrigger(msgspec.Struct, kw_only=True):
    """When a policy told of a type of event last."""

    policy_name: str
    event_type: str
    enabled: bool
    creation_time: str
    last_trigger_time: str


class WebhookMetrics(msgspec.Struct, kw_only=True):
    """How many tasks of each state."""

    task_count: int
    success_task_count: int
    error_task_count: int
    pending_task_count: int
    running_task_count: int
    scheduled_task_count: int
    stopped_task_count: int


class WebhookExecution(msgspec.Struct, kw_only=True):
    """A delivery as an execution."""

    id: int
    vendor_type: str
    vendor_id: int
    status: str
    status_message: str
    metrics: WebhookMetrics
    trigger: str
    extra_attrs: dict[str, Any]
    start_time: str
    end_time: str


class WebhookTask(msgspec.Struct, kw_only=True):
    """The task of a delivery."""

    id: int
    execution_id: int
    status: str
    status_message: str
    run_count: int
    extra_attrs: dict[str, Any]
    creation_time: str
    update_time: str
    start_time: str
    end_time: str


class WebhookJob(msgspec.Struct, kw_only=True):
    """A delivery, with what it tells."""

    id: int
    policy_id: int
    event_type: str
    notify_type: str
    status: str
    job_detail: str
    """The event, as JSON in a text."""
    creation_time: str
    update_time: str


class WebhookDelivery(msgspec.Struct, kw_only=True):
    """What a target was told, with each attempt."""

    id: int
    event_id: str
    """The same in every attempt and redelivery: the header `webhook-id`."""
    event_type: str
    address: str
    status: str
    """Of its execution; `Running` also while it waits for an earlier one of the same repository."""
    waiting: bool
    """It waits for an earlier one of the same repository."""
    execution_id: int
    event: dict[str, Any]
    attempts: list[dict[str, Any]]
    """The last ten: time, request, response, error and duration. Secrets are not among the headers."""
    creation_time: str
    end_time: str


class WebhookSigningKey(msgspec.Struct, kw_only=True):
    """The key that signs what a policy sends, shown once."""

    key: str
    """For libraries of Standard Webhooks: `whsec_` and base64."""


# -- policies -----------------------------------------------------------------------------------------------


@operation(
    "GET", f"{_ALL}/events", id="GetSupportedEventTypes", tag="webhook", needs=project("notification-policy:read")
)
async def get_events() -> SupportedWebhookEventTypes:
    """The types of events, targets and formats. Other types of the contract may be named; they do not happen yet."""
    return SupportedWebhookEventTypes(
        event_type=list(EVENT_TYPES),
        notify_type=list(FORMATS),
        payload_formats=[WebhookPayloadFormat(notify_type=kind, formats=list(all_)) for kind, all_ in FORMATS.items()],
    )


@operation(
    "GET", _LIST, id="ListWebhookPoliciesOfProject", tag="webhook", needs=project("notification-policy:list"),
    paged=True,
)  # fmt: skip
async def list_policies(call: NamedDependency[Call], live: NamedDependency[Live]) -> Response[list[WebhookPolicy]]:
    """The policies of a project."""
    listing = call.listing()
    rows, total, ignored = await call.look(service.list_policies, call.project.project_id, listing)
    return call.page([_show(row, live) for row in rows], listing, total, ignored)


@operation(
    "POST", _LIST, id="CreateWebhookPolicyOfProject", tag="webhook", needs=project("notification-policy:create"),
    problems=(*_REFUSED, WebhookLimit, Denied), status=201,
)  # fmt: skip
async def create_policy(
    data: JSONBody[WebhookPolicy], call: NamedDependency[Call], live: NamedDependency[Live]
) -> Response[None]:
    """Make a policy. Where a system administrator makes it, its addresses may be in a private network."""
    draft = _read(data)
    service.check_draft(draft, admin=call.admin)
    project_id = call.project.project_id
    made = await call.run(service.create_policy, project_id, draft, live.seals, admin=call.admin)
    return call.created(f"/projects/{project_id}/webhook/policies/{made}")


@operation(
    "GET", _ONE, id="GetWebhookPolicyOfProject", tag="webhook", needs=project("notification-policy:read"),
    problems=(WebhookUnknown,),
)  # fmt: skip
async def get_policy(
    call: NamedDependency[Call], live: NamedDependency[Live], webhook_policy_id: FromPath[int]
) -> WebhookPolicy:
    """A policy."""
    return _show(await call.look(service.get_policy, call.project.project_id, webhook_policy_id), live)


@operation(
    "PUT", _ONE, id="UpdateWebhookPolicyOfProject", tag="webhook", needs=project("notification-policy:update"),
    problems=(*_REFUSED, WebhookUnknown, Denied),
)  # fmt: skip
async def update_policy(
    data: JSONBody[WebhookPolicy],
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    webhook_policy_id: FromPath[int],
) -> Response[None]:
    """Replace a policy; what is not sent stays. A secret goes with its target's address."""
    project_id = call.project.project_id
    before = await call.look(service.get_policy, project_id, webhook_policy_id)
    draft = _read(data, before)
    service.check_draft(draft, admin=call.admin or (before.trusted and _keeps(draft, before)))
    await call.run(service.update_policy, project_id, webhook_policy_id, draft, live.seals, admin=call.admin)
    return Response(None)


@operation(
    "DELETE", _ONE, id="DeleteWebhookPolicyOfProject", tag="webhook", needs=project("notification-policy:delete"),
    problems=(WebhookUnknown,),
)  # fmt: skip
async def delete_policy(call: NamedDependency[Call], webhook_policy_id: FromPath[int]) -> Response[None]:
    """Delete a policy with its history. What it has not told yet is told nobody."""
    await call.run(service.delete_policy, call.project.project_id, webhook_policy_id)
    return Response(None)


@operation(
    "POST", f"{_ONE}/signing-key", id="renewWebhookSigningKey", tag="webhook", ours=True,
    needs=project("notification-policy:update"), problems=(WebhookUnknown,), status=201,
)  # fmt: skip
async def renew_signing_key(
    call: NamedDependency[Call], live: NamedDependency[Live], webhook_policy_id: FromPath[int]
) -> WebhookSigningKey:
    """Sign what the policy sends with a new key from now on; it is shown this once.

    The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` are those of Standard Webhooks.
    """
    key = await call.run(service.renew_signing_key, call.project.project_id, webhook_policy_id, live.seals)
    return WebhookSigningKey(key=key)


# -- deliveries ---------------------------------------------------------------------------------------------


@operation("GET", f"{_ALL}/lasttrigger", id="LastTrigger", tag="webhook", needs=project("notification-policy:read"))
async def list_last(call: NamedDependency[Call]) -> list[WebhookLastTrigger]:
    """For each policy and type of event, when it was told of last."""
    return [
        WebhookLastTrigger(
            policy_name=policy.name, event_type=kind, enabled=policy.enabled, creation_time=stamp(policy.created_at),
            last_trigger_time=stamp(at),
        )
        for policy, kind, at in await call.look(deliveries.list_last, call.project.project_id)
    ]  # fmt: skip


@operation(
    "GET", f"{_ALL}/failing", id="listFailingWebhooks", tag="webhook", needs=project("notification-policy:read"),
    ours=True,
)  # fmt: skip
async def list_failing(call: NamedDependency[Call]) -> Response[list[WebhookFailing]]:
    """The enabled policies whose last delivery failed, however often it was tried."""
    found = await call.look(deliveries.list_failing, call.project.project_id)
    return Response([WebhookFailing(id=one.policy_id, name=one.name, failed_time=stamp(one.at)) for one in found])


@operation(
    "GET", f"{_ALL}/jobs", id="ListWebhookJobs", tag="webhookjob", needs=project("notification-policy:list"),
    paged=True, problems=(WebhookUnknown, Invalid),
)  # fmt: skip
async def list_jobs(
    call: NamedDependency[Call], policy_id: FromQuery[int], status: FromQuery[list[str] | None] = None
) -> Response[list[WebhookJob]]:
    """What a policy told, the newest first; `status` may be given several times."""
    await call.look(service.get_policy, call.project.project_id, policy_id)
    listing = call.listing()
    rows, total, ignored = await call.look(deliveries.list_jobs, policy_id, status or [], listing)
    shown = [
        WebhookJob(
            id=row.id, policy_id=policy_id, event_type=row.event_type, notify_type=str(row.extra.get("type", "")),
            status=row.status, job_detail=json.dumps(row.fact), creation_time=stamp(row.created_at),
            update_time=stamp(row.updated_at),
        )
        for row in rows
    ]  # fmt: skip
    return call.page(shown, listing, total, ignored)


@operation(
    "GET", _RUNS, id="ListExecutionsOfWebhookPolicy", tag="webhook", needs=project("notification-policy:read"),
    paged=True, problems=(WebhookUnknown,),
)  # fmt: skip
async def list_executions(
    call: NamedDependency[Call], webhook_policy_id: FromPath[int]
) -> Response[list[WebhookExecution]]:
    """The deliveries of a policy as executions, the newest first."""
    await call.look(service.get_policy, call.project.project_id, webhook_policy_id)
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_executions, listing, VENDOR, webhook_policy_id)
    counts = await call.look(list_counts, [row.id for row in rows])
    return call.page([_show_execution(row, counts[row.id]) for row in rows], listing, total, ignored)


@operation(
    "GET", _TASKS, id="ListTasksOfWebhookExecution", tag="webhook", needs=project("notification-policy:read"),
    paged=True, problems=(WebhookUnknown, ExecutionUnknown),
)  # fmt: skip
async def list_tasks(
    call: NamedDependency[Call], webhook_policy_id: FromPath[int], execution_id: FromPath[int]
) -> Response[list[WebhookTask]]:
    """The task of a delivery."""
    await _enter(call, webhook_policy_id, execution_id)
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_tasks, listing, execution_id)
    return call.page([_show_task(row) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{_TASKS}/{{task_id:int}}/log", id="GetLogsOfWebhookTask", tag="webhook", answers=("text/plain",),
    needs=project("notification-policy:read"), problems=(WebhookUnknown, ExecutionUnknown, TaskUnknown),
)  # fmt: skip
async def get_task_log(
    call: NamedDependency[Call],
    webhook_policy_id: FromPath[int],
    execution_id: FromPath[int],
    task_id: FromPath[int],
) -> Response[str]:
    """A line for each attempt."""
    await _enter(call, webhook_policy_id, execution_id)
    await call.look(jobs.get_task, task_id, execution_id)
    return Response(await call.look(jobs.read_log, task_id), media_type="text/plain")


@operation(
    "GET", _DELIVERIES, id="listWebhookDeliveries", tag="webhook", needs=project("notification-policy:read"),
    paged=True, ours=True, problems=(WebhookUnknown,),
)  # fmt: skip
async def list_deliveries(
    call: NamedDependency[Call], webhook_policy_id: FromPath[int]
) -> Response[list[WebhookDelivery]]:
    """What a policy's targets were told, or will be, with request and response of each attempt; the newest first.

    `sort` and `q` know id, event_type, event_id, status and creation_time.
    """
    policy = await call.look(service.get_policy, call.project.project_id, webhook_policy_id)
    listing = call.listing()
    rows, total, ignored = await call.look(deliveries.list_deliveries, webhook_policy_id, listing)
    shown = [
        WebhookDelivery(
            id=one.id, event_id=one.event_id, event_type=one.event_type,
            address=policy.targets[one.target].address if one.target < len(policy.targets) else "",
            status=row.status, waiting=one.state == "waiting", execution_id=one.execution_id,
            event=msgspec.to_builtins(one.fact), attempts=one.attempts, creation_time=stamp(one.created_at),
            end_time=stamp(row.ended_at),
        )
        for one, row in rows
    ]  # fmt: skip
    return call.page(shown, listing, total, ignored)


@operation(
    "POST", f"{_DELIVERIES}/{{delivery_id:int}}/redeliver", id="redeliverWebhook", tag="webhook", ours=True,
    needs=project("notification-policy:update"), problems=(WebhookUnknown,), status=201,
)  # fmt: skip
async def redeliver(
    call: NamedDependency[Call], webhook_policy_id: FromPath[int], delivery_id: FromPath[int]
) -> Response[None]:
    """Tell a target the same thing again, under the same event id."""
    project_id = call.project.project_id
    run = await call.run(deliveries.redeliver, project_id, webhook_policy_id, delivery_id)
    return call.created(f"/projects/{project_id}/webhook/policies/{webhook_policy_id}/executions/{run}/tasks")


ROUTES = (
    get_events,
    list_policies,
    create_policy,
    get_policy,
    update_policy,
    delete_policy,
    renew_signing_key,
    list_last,
    list_failing,
    list_jobs,
    list_executions,
    list_tasks,
    get_task_log,
    list_deliveries,
    redeliver,
)


# -- in and out ---------------------------------------------------------------------------------------------


async def _enter(call: Call, policy_id: int, execution_id: int) -> None:
    """See that the execution is the policy's and the policy the project's.

    Raises:
        WebhookUnknown, ExecutionUnknown: it is not.
    """
    await call.look(service.get_policy, call.project.project_id, policy_id)
    await call.look(jobs.get_execution, execution_id, VENDOR, policy_id)


def _keeps(draft: Draft, before: Policy) -> bool:
    """Whether a draft changes nothing about where a policy's events go and how it is checked who is there."""
    held = {(one.address, one.skip_cert_verify) for one in before.targets}
    return all((one.address, one.skip_cert_verify) in held for one in draft.targets)


def _read(data: WebhookPolicy, before: Policy | None = None) -> Draft:
    """A policy as it is to be; what is not said is as before.

    Raises:
        WebhookInvalid: a value is out of bounds.
    """
    if data.targets is None and before is not None:
        targets: list[dict[str, Any]] = msgspec.to_builtins(before.targets)
        headers: list[str | None] = [None] * len(targets)
    else:
        given = data.targets or []
        targets = [
            {
                "type": one.type or "http",
                "address": (one.address or "").strip(),
                "skip_cert_verify": bool(one.skip_cert_verify),
                "payload_format": one.payload_format or DEFAULT,
            }
            for one in given
        ]
        headers = [None if one.auth_header == MASK else one.auth_header or "" for one in given]
    said = {
        "name": data.name if data.name is not None or before is None else before.name,
        "description": data.description if data.description is not None or before is None else before.description,
        "enabled": data.enabled if data.enabled is not None else before is None or before.enabled,
        "event_types": data.event_types if data.event_types is not None or before is None else before.event_types,
        "targets": targets,
        "auth_headers": headers,
        "repositories": _pattern(data.repositories) or (before.repositories if before is not None else None),
        "tags": _pattern(data.tags) or (before.tags if before is not None else None),
    }
    try:
        return msgspec.convert(
            {key: value for key, value in msgspec.to_builtins(said).items() if value is not None}, Draft
        )
    except msgspec.ValidationError as error:
        raise WebhookInvalid(f"The webhook policy is invalid: {error}.") from None


def _pattern(one: WebhookSelector | None) -> Pattern | None:
    return None if one is None else Pattern(one.kind, one.pattern)


def _show(policy: Policy, live: Live) -> WebhookPolicy:
    secrets = service.open_secrets(policy, live.seals)
    headers = [*secrets.auth_headers, *[""] * len(policy.targets)]
    return WebhookPolicy(
        id=policy.id,
        name=policy.name,
        description=policy.description,
        project_id=policy.project_id,
        targets=[_show_target(one, header) for one, header in zip(policy.targets, headers, strict=False)],
        event_types=policy.event_types,
        creator=policy.creator,
        creation_time=stamp(policy.created_at),
        update_time=stamp(policy.updated_at),
        enabled=policy.enabled,
        repositories=_show_pattern(policy.repositories),
        tags=_show_pattern(policy.tags),
        signed=bool(secrets.signing_key),
    )


def _show_target(one: Target, header: str) -> WebhookTargetObject:
    return WebhookTargetObject(
        type=one.type,
        address=one.address,
        auth_header=MASK if header else "",
        skip_cert_verify=one.skip_cert_verify,
        payload_format=one.payload_format,
    )


def _show_pattern(one: Pattern | None) -> WebhookSelector | None:
    return None if one is None else WebhookSelector(kind=one.kind, pattern=one.pattern)


def _show_execution(row: Any, counts: dict[str, int]) -> WebhookExecution:  # noqa: ANN401 - a row of execution
    return WebhookExecution(
        id=row.id,
        vendor_type=row.vendor_type,
        vendor_id=row.vendor_id,
        status=row.status,
        status_message=row.status_message,
        metrics=WebhookMetrics(
            task_count=sum(counts.values()),
            success_task_count=counts.get("Success", 0),
            error_task_count=counts.get("Error", 0),
            pending_task_count=counts.get("Pending", 0),
            running_task_count=counts.get("Running", 0),
            scheduled_task_count=counts.get("Scheduled", 0),
            stopped_task_count=counts.get("Stopped", 0),
        ),
        trigger=row.trigger,
        extra_attrs=row.extra,
        start_time=stamp(row.started_at),
        end_time=stamp(row.ended_at),
    )


def _show_task(row: Any) -> WebhookTask:  # noqa: ANN401 - a row of task
    return WebhookTask(
        id=row.id,
        execution_id=row.execution_id,
        status=row.status,
        status_message=row.message,
        run_count=row.attempt,
        extra_attrs=row.extra,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        start_time=stamp(row.started_at),
        end_time=stamp(row.ended_at),
    )
