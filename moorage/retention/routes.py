"""Retention policies of projects: what there is to choose from, policies, runs, tasks, verdicts and logs."""

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, inside
from moorage.artifacts.immutable_rules import REPOSITORY_DECORATIONS, TAG_DECORATIONS
from moorage.artifacts.routes.rule_schemas import RuleShape, SelectorShape, read_rules, show_rule
from moorage.errors import (
    CronInvalid,
    DryRunOutdated,
    ExecutionUnknown,
    Invalid,
    NotFound,
    RetentionExists,
    RetentionUnknown,
    RuleExists,
    RuleInvalid,
    RuleLimit,
    SelectorInvalid,
    TaskUnknown,
    Unprocessable,
)
from moorage.jobs import service as jobs
from moorage.jobs.queue import FINAL, RUNNING
from moorage.oci.digest import Digest
from moorage.retention import lists, plan, service
from moorage.retention.rules import TEMPLATES, RuleBody, check_rules
from moorage.selectors import KINDS

_ALL = "/retentions"
_ONE = f"{_ALL}/{{id:int}}"
_RUNS = f"{_ONE}/executions"
_RUN = f"{_RUNS}/{{eid:int}}"
_REFUSED = (RuleInvalid, SelectorInvalid, RuleExists, RuleLimit, CronInvalid, Invalid)


class RetentionRuleParamMetadata(msgspec.Struct, kw_only=True):
    """A parameter of a template."""

    type: str = "int"
    unit: str
    """`COUNT` or `DAYS`."""
    required: bool = True


class RetentionRuleMetadata(msgspec.Struct, kw_only=True):
    """A template of rules."""

    rule_template: str
    display_text: str
    """`#` stands for the parameter."""
    action: str = "retain"
    params: list[RetentionRuleParamMetadata]


class RetentionSelectorMetadata(msgspec.Struct, kw_only=True):
    """A kind of selector."""

    display_text: str
    kind: str
    decorations: list[str]


class RetentionMetadata(msgspec.Struct, kw_only=True):
    """What rules are made of."""

    templates: list[RetentionRuleMetadata]
    scope_selectors: list[RetentionSelectorMetadata]
    tag_selectors: list[RetentionSelectorMetadata]


class RetentionSelector(SelectorShape, kw_only=True):
    """Which repositories, or which tags. `kind`: `doublestar`, and of ours `regex` and `semver`."""

    extras: str | None = None
    """Of tags: JSON in a text, `{"untagged": true}` or false: whether untagged artifacts are looked at."""


class RetentionRule(RuleShape, kw_only=True):
    """A rule: of the artifacts that it selects it keeps those that its template says."""

    params: dict[str, Any] | None = None
    """`{TEMPLATE: NUMBER}`. Ours: `never_pulled: push_time` in a rule that goes by pulls lets the push stand for a pull
    that is not known; else such artifacts stay."""
    tag_selectors: list[RetentionSelector] | None = None
    scope_selectors: dict[str, list[RetentionSelector]] | None = None


class RetentionRuleTrigger(msgspec.Struct, kw_only=True):
    """When it runs by itself."""

    kind: str | None = None
    """`Schedule`."""
    settings: dict[str, Any] | None = None
    """`{"cron": "0 0 2 * * *"}`: second, minute, hour, day, month, weekday, in UTC; "": not at all."""
    references: dict[str, Any] | None = None


class RetentionPolicyScope(msgspec.Struct, kw_only=True):
    """Whose it is."""

    level: str | None = None
    """`project`."""
    ref: int | None = None
    """The project's id."""


class RetentionPolicy(msgspec.Struct, kw_only=True):
    """What stays in a project."""

    id: int | None = None
    algorithm: str | None = None
    """`or`: an artifact stays when any rule keeps it."""
    rules: list[RetentionRule] | None = None
    trigger: RetentionRuleTrigger | None = None
    scope: RetentionPolicyScope | None = None


class RetentionExecutionReq(msgspec.Struct, kw_only=True):
    """How to run."""

    dry_run: bool | None = None
    """Find what would be deleted, and delete nothing."""
    exactly: int | None = None
    """Ours: the id of a dry run, to be carried out: what it did not name stays."""


class RetentionExecution(msgspec.Struct, kw_only=True):
    """A run."""

    id: int
    policy_id: int
    start_time: str
    end_time: str
    status: str
    """`Running`, `Success`, `Error` or `Stopped`."""
    trigger: str
    """`MANUAL` or `SCHEDULE`."""
    dry_run: bool
    message: str
    """Ours: why it failed."""


class RetentionAction(msgspec.Struct, kw_only=True):
    """What to do with a run."""

    action: str | None = None
    """`stop`."""


class RetentionExecutionTask(msgspec.Struct, kw_only=True):
    """A run in one repository."""

    id: int
    execution_id: int
    repository: str
    """Without its project."""
    job_id: str
    status: str
    status_code: int
    """0: it waits, 1: it waits for another attempt, 2: it runs, 3: it has ended."""
    status_revision: int
    start_time: str
    end_time: str
    total: int
    """Artifacts that were looked at."""
    retained: int
    """How many of them stay."""
    message: str
    """Ours: why it failed."""


class RetentionReason(msgspec.Struct, kw_only=True):
    """What a rule says of an artifact."""

    rule: int
    """The rule's id."""
    kept: bool
    why: str
    """`not_selected`, `always`, `rank`, `age` or `unknown_pull`."""
    rank: int | None
    """Its place in the rule's order, from 1."""


class RetentionVerdict(msgspec.Struct, kw_only=True):
    """What a run found of an artifact."""

    task_id: int
    repository: str
    """Without its project."""
    digest: str
    kind: str
    tags: list[str]
    size: int
    push_time: str
    pull_time: str
    verdict: str
    """`keep`, `delete`, `immutable`, `in_use`; of a run that deleted also `deleted`, `changed`, `gone`, `unnamed`."""
    because: str
    """The verdict in a sentence."""
    reasons: list[RetentionReason]
    """What each rule that speaks of the repository says."""


# -- policies -----------------------------------------------------------------------------------------------


@operation("GET", f"{_ALL}/metadatas", id="getRentenitionMetadata", tag="Retention", needs=SIGNED_IN)
async def get_metadata() -> RetentionMetadata:
    """Templates and selectors that rules are made of."""
    return RetentionMetadata(
        templates=[
            RetentionRuleMetadata(
                rule_template=name,
                display_text=one.display,
                params=[RetentionRuleParamMetadata(unit=one.unit)] if one.unit else [],
            )
            for name, one in TEMPLATES.items()
            if one.offered
        ],
        scope_selectors=[_selector("Repositories", kind, REPOSITORY_DECORATIONS) for kind in KINDS if kind != "semver"],
        tag_selectors=[_selector("Tags", kind, TAG_DECORATIONS) for kind in KINDS],
    )


def _selector(text: str, kind: str, decorations: tuple[str, ...]) -> RetentionSelectorMetadata:
    return RetentionSelectorMetadata(display_text=text, kind=kind, decorations=list(decorations))


@operation(
    "POST", _ALL, id="createRetention", tag="Retention", status=201, problems=(*_REFUSED, RetentionExists, NotFound),
    needs=inside("tag-retention:create in the project that the body names"),
)  # fmt: skip
async def create_retention(data: JSONBody[RetentionPolicy], call: NamedDependency[Call]) -> Response[None]:
    """Give a project its policy."""
    project_id = data.scope.ref if data.scope is not None and data.scope.ref is not None else 0
    await call.require_in_project("tag-retention:create", project_id=project_id)
    rules, cron = _read(data)
    made = await call.run(service.create_policy, project_id, rules, cron)
    return call.created(f"{_ALL}/{made}")


@operation(
    "GET", _ONE, id="getRetention", tag="Retention", problems=(RetentionUnknown,),
    needs=inside("tag-retention:read in the policy's project"),
)  # fmt: skip
async def get_retention(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> RetentionPolicy:
    """A project's policy."""
    return _show(await _enter(call, id, "read"))


@operation(
    "PUT", _ONE, id="updateRetention", tag="Retention", problems=(*_REFUSED, RetentionUnknown),
    needs=inside("tag-retention:update in the policy's project"),
)  # fmt: skip
async def update_retention(
    data: JSONBody[RetentionPolicy],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Replace rules and schedule. A run that has begun goes on with the old rules."""
    policy = await _enter(call, id, "update")
    if data.scope is not None and data.scope.ref not in {None, policy.project_id}:
        raise Invalid("A policy stays in its project.", project=policy.project_id)
    await call.run(service.update_policy, id, *_read(data))
    return Response(None)


@operation(
    "DELETE", _ONE, id="deleteRetention", tag="Retention", problems=(RetentionUnknown,),
    needs=inside("tag-retention:delete in the policy's project"),
)  # fmt: skip
async def delete_retention(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Delete a policy with its history: everything stays from then on."""
    await _enter(call, id, "delete")
    await call.run(service.delete_policy, id)
    return Response(None)


# -- runs ---------------------------------------------------------------------------------------------------


@operation(
    "POST", _RUNS, id="triggerRetentionExecution", tag="Retention", status=201,
    problems=(RetentionUnknown, ExecutionUnknown, DryRunOutdated),
    needs=inside("tag-retention:update in the policy's project"),
)  # fmt: skip
async def trigger_execution(
    data: JSONBody[RetentionExecutionReq],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[None]:
    """Run a policy now, or see what it would do."""
    await _enter(call, id, "update")
    made = await call.run(service.run_policy, id, dry_run=bool(data.dry_run), exactly=data.exactly)
    return call.created(f"{_ALL}/{id}/executions/{made}")


@operation(
    "GET", _RUNS, id="listRetentionExecutions", tag="Retention", paged=True, problems=(RetentionUnknown,),
    needs=inside("tag-retention:list in the policy's project"),
)  # fmt: skip
async def list_executions(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
) -> Response[list[RetentionExecution]]:
    """The runs of a policy, the newest first. `sort` and `q` know id, status, trigger, start_time and end_time."""
    await _enter(call, id, "list")
    listing = call.listing()
    rows, total, ignored = await call.look(jobs.list_executions, listing, service.VENDOR, id)
    shown = [
        RetentionExecution(
            id=row.id,
            policy_id=row.vendor_id,
            start_time=stamp(row.started_at),
            end_time=stamp(row.ended_at) if row.ended_at else "",
            status=row.status,
            trigger=row.trigger,
            dry_run=bool(row.extra.get("dry_run")),
            message=row.status_message,
        )
        for row in rows
    ]
    return call.page(shown, listing, total, ignored)


@operation(
    "PATCH", _RUN, id="operateRetentionExecution", tag="Retention",
    problems=(RetentionUnknown, ExecutionUnknown),
    needs=inside("tag-retention:update in the policy's project"),
)  # fmt: skip
async def operate_execution(
    data: JSONBody[RetentionAction],
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
    eid: FromPath[int],
) -> Response[None]:
    """Stop a run. What it deleted is in the trash."""
    await _enter(call, id, "update")
    if data.action != "stop":
        raise Unprocessable("The action is stop.", action=(data.action or "")[:64])
    await call.run(service.stop_run, id, eid)
    return Response(None)


@operation(
    "GET", f"{_RUN}/tasks", id="listRetentionTasks", tag="Retention", paged=True,
    problems=(RetentionUnknown, ExecutionUnknown), needs=inside("tag-retention:list in the policy's project"),
)  # fmt: skip
async def list_tasks(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
    eid: FromPath[int],
) -> Response[list[RetentionExecutionTask]]:
    """The repositories of a run. `sort` and `q` know id, repository (with its project) and status."""
    await _enter(call, id, "list")
    listing = call.listing()
    rows, total, ignored = await call.look(lists.list_tasks, id, eid, listing)
    return call.page([_show_task(row) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{_RUN}/verdicts", id="listRetentionVerdicts", tag="Retention", paged=True, ours=True,
    problems=(RetentionUnknown, ExecutionUnknown), needs=inside("tag-retention:list in the policy's project"),
)  # fmt: skip
async def list_verdicts(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - as its neighbours
    eid: FromPath[int],
) -> Response[list[RetentionVerdict]]:
    """What a run found of each artifact, and what every rule says of it; kept for the last 10 runs.

    `sort` and `q` know verdict, repository (with its project), task_id, size, push_time and pull_time.
    """
    await _enter(call, id, "list")
    listing = call.listing()
    rows, total, ignored = await call.look(lists.list_verdicts, id, eid, listing)
    return call.page([_show_verdict(row) for row in rows], listing, total, ignored)


@operation(
    "GET", f"{_RUN}/tasks/{{tid:int}}", id="getRetentionTaskLog", tag="Retention", answers=("text/plain",),
    problems=(RetentionUnknown, ExecutionUnknown, TaskUnknown),
    needs=inside("tag-retention:read in the policy's project"),
)  # fmt: skip
async def get_task_log(
    call: NamedDependency[Call],
    id: FromPath[int],  # noqa: A002 - the contract's word
    eid: FromPath[int],
    tid: FromPath[int],
) -> Response[str]:
    """A line for each artifact of a repository: digest, tags, kind, time of push and pull, and what becomes of it."""
    await _enter(call, id, "read")
    text = await call.look(jobs.read_task_log, tid, eid, service.VENDOR, id)
    return Response(text, media_type="text/plain")


ROUTES = (
    get_metadata,
    create_retention,
    get_retention,
    update_retention,
    delete_retention,
    trigger_execution,
    list_executions,
    operate_execution,
    list_tasks,
    list_verdicts,
    get_task_log,
)


# -- in and out ---------------------------------------------------------------------------------------------


async def _enter(call: Call, policy_id: int, action: str) -> service.Policy:
    """A policy, for a caller who may do it in its project. Who may not is not told whether there is one.

    Raises:
        RetentionUnknown: there is none.
        Denied, Unauthenticated: as `Call.require_in_project`.
    """
    call.signed_in()
    policy = await call.look(service.find_policy, policy_id)
    if policy is None:
        if not call.admin:
            raise call.denied(f"tag-retention:{action}", f"retention {policy_id}", None)
        raise RetentionUnknown(id=policy_id)
    await call.require_in_project(f"tag-retention:{action}", project_id=policy.project_id)
    return policy


def _read(data: RetentionPolicy) -> tuple[list[RuleBody], str]:
    """Rules and schedule that can be used; `null` is absent.

    Raises:
        RuleInvalid, SelectorInvalid, RuleExists, RuleLimit, Invalid: a part of it cannot.
    """
    if data.algorithm not in {None, "", "or"}:
        raise Invalid("The algorithm is or.", algorithm=data.algorithm)
    if data.scope is not None and data.scope.level not in {None, "project"}:
        raise Invalid("The level of the scope is project.", level=data.scope.level)
    if data.trigger is not None and data.trigger.kind not in {None, "", "Schedule"}:
        raise Invalid("The kind of the trigger is Schedule.", kind=data.trigger.kind)
    rules = read_rules(data.rules or [], list[RuleBody])
    cron = (data.trigger.settings or {}).get("cron") if data.trigger is not None else None
    if not isinstance(cron or "", str):
        raise Invalid("trigger.settings.cron is a text.")
    return check_rules(rules), (cron or "").strip()


def _show(policy: service.Policy) -> RetentionPolicy:
    return RetentionPolicy(
        id=policy.id,
        algorithm="or",
        rules=[show_rule(one, RetentionRule) for one in policy.rules],
        trigger=RetentionRuleTrigger(kind="Schedule", settings={"cron": policy.cron}, references={}),
        scope=RetentionPolicyScope(level="project", ref=policy.project_id),
    )


def _show_task(row: Any) -> RetentionExecutionTask:  # noqa: ANN401 - a row of `lists.list_tasks`
    codes = {"Pending": 0, "Scheduled": 1, RUNNING: 2, **dict.fromkeys(FINAL, 3)}
    return RetentionExecutionTask(
        id=row.id,
        execution_id=row.execution_id,
        repository=row.path.partition("/")[2],
        job_id=str(row.id),
        status=row.status,
        status_code=codes[row.status],
        status_revision=row.attempt,
        start_time=stamp(row.started_at) if row.started_at else "",
        end_time=stamp(row.ended_at) if row.ended_at else "",
        total=row.extra.get("total", row.total),
        retained=row.extra.get("retained", 0),
        message=row.message,
    )


def _show_verdict(row: Any) -> RetentionVerdict:  # noqa: ANN401 - a row of `lists.list_verdicts`
    return RetentionVerdict(
        task_id=row.task_id,
        repository=row.path.partition("/")[2],
        digest=str(Digest.from_binary(bytes(row.digest))),
        kind=row.kind,
        tags=row.tags,
        size=row.size_bytes,
        push_time=stamp(row.pushed_at),
        pull_time=stamp(row.pulled_at),
        verdict=row.verdict,
        because=plan.VERDICTS[row.verdict],
        reasons=[RetentionReason(**{"rank": None, **reason}) for reason in row.reasons],
    )
