"""Create, change, delete, run and stop policies; and the transactions of a run.

A run works with the rules of the moment in which it was started, and counts days from then: both stand in its
execution. Its tasks are frozen by their verdicts: they are written once, and only what they name is deleted.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.artifacts.delete import delete_artifact
from moorage.artifacts.immutable_rules import RuleSelector
from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.errors import (
    DryRunOutdated,
    ManifestInUse,
    ManifestUnknown,
    RetentionExists,
    RetentionUnknown,
    TagImmutable,
)
from moorage.events import RetentionChanged
from moorage.jobs.queue import SUCCESS, enqueue_all, note_execution, start, stop_execution
from moorage.jobs.scheduler import remove_schedule, set_schedule
from moorage.jobs.service import get_execution
from moorage.jobs.tables import Execution, Task
from moorage.oci.digest import Digest
from moorage.projects.settings import note_retention
from moorage.projects.tables import Project
from moorage.repositories.tables import Artifact, Pull, Repository, Tag
from moorage.retention.plan import CHANGED, DELETE, DELETED, GONE, IMMUTABLE, IN_USE, UNNAMED, Place, Verdict
from moorage.retention.rules import NEVER_PULLED, RuleBody, check_rules, compile_rules
from moorage.retention.tables import RetentionPolicy, RetentionVerdict

VENDOR = "RETENTION"
PLAN_JOB, REPOSITORY_JOB = "retention.plan", "retention.repository"
TOLD = 100
"""How many of the artifacts that went a run names in what others are told of it."""
KEPT_RUNS = 10
"""Of how many runs of a policy the verdicts are kept."""


class Policy(msgspec.Struct, frozen=True):
    """A policy. `cron` "": it runs by hand only."""

    id: int
    project_id: int
    rules: list[RuleBody]
    cron: str


class Run(msgspec.Struct, frozen=True):
    """The parameters of an execution.

    Attributes:
        exactly: the dry run that is carried out: nothing is deleted that it did not name; None: none.
        started_at: the moment from which days are counted.
    """

    id: int
    policy_id: int
    project_id: int
    rules: list[RuleBody]
    dry_run: bool
    exactly: int | None
    started_at: datetime


# -- policies -----------------------------------------------------------------------------------------------

_POLICY = (
    select(RetentionPolicy.id, RetentionPolicy.project_id, RetentionPolicy.rules, RetentionPolicy.cron)
    .join(Project, Project.id == RetentionPolicy.project_id)
    .where(Project.trash_id.is_(None))
)


def find_policy(work: Work, policy_id: int) -> Policy | None:
    """A policy of a project that is not in the trash."""
    row = work.db.execute(_POLICY.where(RetentionPolicy.id == policy_id)).mappings().one_or_none()
    return None if row is None else msgspec.convert(dict(row), Policy)


def get_policy(work: Work, policy_id: int) -> Policy:
    """The same.

    Raises:
        RetentionUnknown: there is none.
    """
    found = find_policy(work, policy_id)
    if found is None:
        raise RetentionUnknown(id=policy_id)
    return found


def create_policy(work: Work, project_id: int, rules: list[RuleBody], cron: str) -> int:
    """Give a project its policy; the policy's id.

    Args:
        rules: checked by `rules.check_rules`.

    Raises:
        ProjectUnknown: there is no such project.
        RetentionExists: it has one.
        CronInvalid: the schedule cannot be used.
    """
    close_gate(work, project_id)
    row = {"project_id": project_id, "rules": msgspec.to_builtins(rules), "cron": cron}
    try:
        with work.db.begin_nested():
            made: int = work.db.execute(
                insert(RetentionPolicy)
                .values(**row, created_at=work.now, updated_at=work.now)
                .returning(RetentionPolicy.id)
            ).scalar_one()
    except IntegrityError as error:
        raise RetentionExists(project=project_id) from error
    note_retention(work, project_id, made)
    _schedule(work, made, project_id, rules, cron)
    work.emit(RetentionChanged(project_id, made, "created"))
    return made


def create_proxy_policy(work: Work, project_id: int) -> int:
    """Create the first policy of a proxy cache: delete nightly what was not pulled for a week.

    What was never pulled counts from when it was fetched: it can be fetched again.

    Source: Harbor, "Configure Proxy Cache".
    """
    rule = RuleBody(
        template="nDaysSinceLastPull",
        params={"nDaysSinceLastPull": 7, NEVER_PULLED: "push_time"},
        tag_selectors=[RuleSelector(decoration="matches", pattern="**")],
        scope_selectors={"repository": [RuleSelector(decoration="repoMatches", pattern="**")]},
    )
    return create_policy(work, project_id, check_rules([rule]), "0 0 0 * * *")


def update_policy(work: Work, policy_id: int, rules: list[RuleBody], cron: str) -> None:
    """Replace the rules and the schedule of a policy. A run that has begun goes on with the old ones.

    Raises:
        RetentionUnknown: there is none.
        CronInvalid: the schedule cannot be used.
    """
    policy = get_policy(work, policy_id)
    values = {"rules": msgspec.to_builtins(rules), "cron": cron, "updated_at": work.now}
    work.db.execute(update(RetentionPolicy).where(RetentionPolicy.id == policy_id).values(values))
    _schedule(work, policy_id, policy.project_id, rules, cron)
    work.emit(RetentionChanged(policy.project_id, policy_id, "updated"))


def delete_policy(work: Work, policy_id: int) -> None:
    """Delete a policy. What runs of it is stopped; its past runs go.

    Raises:
        RetentionUnknown: there is none.
    """
    policy = get_policy(work, policy_id)
    remove_schedule(work, VENDOR, policy_id)
    of_it = (Execution.vendor_type == VENDOR, Execution.vendor_id == policy_id)
    for execution_id in work.db.scalars(select(Execution.id).where(*of_it, Execution.ended_at.is_(None))).all():
        stop_execution(work, execution_id)
    work.db.execute(delete(Execution).where(*of_it, Execution.ended_at.is_not(None)))
    work.db.execute(delete(RetentionPolicy).where(RetentionPolicy.id == policy_id))
    note_retention(work, policy.project_id, None)
    work.emit(RetentionChanged(policy.project_id, policy_id, "deleted"))


def _schedule(work: Work, policy_id: int, project_id: int, rules: list[RuleBody], cron: str) -> None:
    """Have it run at the times of `cron`; "": not by itself."""
    if cron:
        extra = _extra(project_id, msgspec.to_builtins(rules), dry_run=False)
        set_schedule(work, VENDOR, policy_id, kind="Custom", cron=cron, job=PLAN_JOB, extra=extra)
    else:
        remove_schedule(work, VENDOR, policy_id)


def _extra(
    project_id: int, rules: list[dict[str, object]], *, dry_run: bool, exactly: int | None = None
) -> dict[str, object]:
    """What a run is started with (`Run`)."""
    return {"dry_run": dry_run, "exactly": exactly, "rules": rules, "project_id": project_id}


# -- runs ---------------------------------------------------------------------------------------------------


def run_policy(work: Work, policy_id: int, *, dry_run: bool, exactly: int | None = None) -> int:
    """Start a run; the execution's id.

    Args:
        exactly: carry out this dry run: what it did not name stays.

    Raises:
        RetentionUnknown: there is no such policy.
        ExecutionUnknown: `exactly` is no run of it.
        DryRunOutdated: `exactly` is no dry run, has not ended well, or went by other rules.
    """
    policy = get_policy(work, policy_id)
    rules = msgspec.to_builtins(policy.rules)
    if exactly is not None:
        named = get_execution(work, exactly, VENDOR, policy_id)
        if not named.extra.get("dry_run") or named.status != SUCCESS or named.extra.get("rules") != rules:
            raise DryRunOutdated(execution=exactly)
    extra = _extra(policy.project_id, rules, dry_run=dry_run, exactly=exactly)
    return start(work, PLAN_JOB, VENDOR, vendor_id=policy_id, extra=extra, project_id=policy.project_id, priority=10)


def stop_run(work: Work, policy_id: int, execution_id: int) -> None:
    """Stop a run; what it deleted stays in the trash. Safe to repeat.

    Raises:
        RetentionUnknown, ExecutionUnknown: there is no such run.
    """
    policy = get_policy(work, policy_id)
    if get_execution(work, execution_id, VENDOR, policy_id).ended_at is None:
        stop_execution(work, execution_id, project_id=policy.project_id)


# -- steps of a run -----------------------------------------------------------------------------------------


def get_run(work: Work, execution_id: int) -> Run:
    """What an execution was started with."""
    row = work.db.execute(
        select(Execution.vendor_id, Execution.extra, Execution.started_at).where(Execution.id == execution_id)
    ).one()
    extra = {**row.extra, "id": execution_id, "policy_id": row.vendor_id, "started_at": row.started_at}
    return msgspec.convert(extra, Run)


def list_repositories(work: Work, run: Run) -> list[Place]:
    """The repositories that an enabled rule speaks of, in the order of their names."""
    rules = compile_rules(run.rules)
    found = work.db.execute(
        select(Repository.id, Repository.path)
        .join(Project, Project.id == Repository.project_id)
        .where(Repository.project_id == run.project_id, Repository.trash_id.is_(None), Project.trash_id.is_(None))
        .order_by(Repository.path)
    )
    places = [Place(row.id, row.path) for row in found]
    return [place for place in places if any(rule.speaks_of(place.name) for rule in rules)]


def begin_run(work: Work, run: Run, repositories: Sequence[Place]) -> None:
    """Give a run a task for each repository, and let go of the verdicts of old runs."""
    each = [{"repository_id": one.id, "path": one.path} for one in repositories]
    enqueue_all(work, REPOSITORY_JOB, each, execution_id=run.id)
    kept = (
        select(Execution.id)
        .where(Execution.vendor_type == VENDOR, Execution.vendor_id == run.policy_id)
        .order_by(Execution.id.desc())
        .limit(KEPT_RUNS)
    )
    oldest = min(work.db.scalars(kept).all(), default=0)
    old = (
        select(Task.id)
        .join(Execution, Execution.id == Task.execution_id)
        .where(Execution.vendor_type == VENDOR, Execution.vendor_id == run.policy_id, Execution.id < oldest)
    )
    work.db.execute(delete(RetentionVerdict).where(RetentionVerdict.task_id.in_(old)))


_OF_TASK = (
    select(RetentionVerdict.position, *(getattr(RetentionVerdict, name) for name in Verdict.__struct_fields__))
    .where(RetentionVerdict.task_id == bindparam("task"))
    .order_by(RetentionVerdict.position)
)
_NAMED = (
    select(RetentionVerdict.digest)
    .join(Task, Task.id == RetentionVerdict.task_id)
    .where(Task.execution_id == bindparam("execution"), RetentionVerdict.verdict == DELETE)
)


def list_verdicts(work: Work, task_id: int) -> list[Verdict]:
    """What a task has found, by position."""
    rows = work.db.execute(_OF_TASK, {"task": task_id}).mappings()
    return [msgspec.convert({**row, "digest": bytes(row["digest"])}, Verdict) for row in rows]


def find_named(work: Work, execution_id: int, repository_id: int) -> set[bytes]:
    """The digests that a dry run would delete from a repository."""
    here = select(Artifact.id).where(Artifact.repository_id == repository_id)
    rows = work.db.execute(_NAMED.where(RetentionVerdict.artifact_id.in_(here)), {"execution": execution_id})
    return {bytes(row.digest) for row in rows}


def write_verdicts(work: Work, task_id: int, verdicts: Sequence[Verdict]) -> None:
    """Freeze what a task is to do."""
    rows = [
        {"task_id": task_id, "position": position, **msgspec.structs.asdict(one), "tags": list(one.tags)}
        | {"reasons": msgspec.to_builtins(one.reasons)}
        for position, one in enumerate(verdicts)
    ]
    if rows:
        work.db.execute(insert(RetentionVerdict), rows)


def leave_unnamed(verdicts: Sequence[Verdict], named: set[bytes]) -> None:
    """Keep what a dry run did not name."""
    for one in verdicts:
        if one.verdict == DELETE and one.digest not in named:
            one.verdict = UNNAMED


_LIVE = (
    select(Artifact.id, Artifact.pushed_at, Pull.pulled_at)
    .outerjoin(Pull, Pull.artifact_id == Artifact.id)
    .join(Repository, Repository.id == Artifact.repository_id)
    .where(
        Artifact.id == bindparam("artifact"), Artifact.trash_id.is_(None), Repository.trash_id.is_(None),
        Repository.id == bindparam("repository"),
    )
)  # fmt: skip
_TAGS_OF = select(Tag.name, Tag.pushed_at).where(Tag.artifact_id == bindparam("artifact")).order_by(Tag.name)


def delete_condemned(
    work: Work, task_id: int, run: Run, repository: Place, condemned: Sequence[tuple[int, Verdict]]
) -> list[str]:
    """Delete some artifacts, each only if nothing happened to it since the plan; the new verdict of each.

    The project's gate is closed: what is looked at here does not change before it is deleted.

    Args:
        condemned: as (position, verdict), at most a few dozen.
    """
    close_gate(work, run.project_id)
    found = []
    for position, one in condemned:
        verdict = _delete(work, run, repository, one)
        found.append(verdict)
        work.db.execute(
            update(RetentionVerdict)
            .where(RetentionVerdict.task_id == task_id, RetentionVerdict.position == position)
            .values(verdict=verdict)
        )
    return found


def _delete(work: Work, run: Run, repository: Place, one: Verdict) -> str:
    row = work.db.execute(_LIVE, {"artifact": one.artifact_id, "repository": repository.id}).one_or_none()
    if row is None:
        return GONE
    tags = work.db.execute(_TAGS_OF, {"artifact": one.artifact_id}).all()
    pushed_at = max([row.pushed_at, *(tag.pushed_at for tag in tags)])
    if (tuple(tag.name for tag in tags), pushed_at, row.pulled_at) != (one.tags, one.pushed_at, one.pulled_at):
        return CHANGED
    try:
        digest = Digest.from_binary(one.digest)
        delete_artifact(work, run.project_id, repository.id, repository.path, digest, reason="retention")
    except ManifestInUse:
        return IN_USE
    except ManifestUnknown:
        return GONE
    except TagImmutable:
        return IMMUTABLE
    return DELETED


def end_task(work: Work, task_id: int, execution_id: int, repository: Place) -> None:
    """Note on a task, and on its run, how many artifacts there were, how many stay, and some of those that went."""
    of_task = RetentionVerdict.task_id == task_id
    counted = work.db.execute(
        select(RetentionVerdict.verdict, func.count()).where(of_task).group_by(RetentionVerdict.verdict)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in counted}
    total = sum(counts.values())
    retained = total - sum(counts.get(verdict, 0) for verdict in (DELETE, DELETED, GONE))
    extra = {"total": total, "retained": retained, "verdicts": counts}
    work.db.execute(update(Task).where(Task.id == task_id).values(extra=extra))
    rows = work.db.execute(
        select(RetentionVerdict.kind, RetentionVerdict.tags, RetentionVerdict.digest)
        .where(of_task, RetentionVerdict.verdict == DELETED)
        .order_by(RetentionVerdict.position)
        .limit(TOLD)
    )
    gone = [
        {"type": row.kind, "status": "SUCCESS", "name_tag": f"{repository.name}:{name}"}
        for row in rows
        for name in row.tags or [str(Digest.from_binary(bytes(row.digest)))]
    ]
    lock = select(Execution.extra).where(Execution.id == execution_id).with_for_update(key_share=True)
    kept: dict[str, Any] = dict(work.db.execute(lock).scalar_one())
    note_execution(
        work,
        execution_id,
        total=kept.get("total", 0) + total,
        retained=kept.get("retained", 0) + retained,
        deleted=[*kept.get("deleted", []), *gone][:TOLD],
    )
