"""Rows for what happened, in the transaction that makes it so.

Operations and resource types are the contract's words: with an underscore between them they are the names of its
audit events (`create_artifact`, `update_user`). What was done exactly is in `detail`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert

from moorage.audit.event_filter import LiveRules, Rules
from moorage.audit.tables import Audit
from moorage.db.hand_written_sql import moment, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.events import (
    AccessTokenChanged,
    Actor,
    AllowlistChanged,
    ArtifactDeleted,
    ArtifactLabelled,
    ArtifactsPulled,
    AuditPurged,
    BlobDeleted,
    ConfigurationChanged,
    CopyRefused,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    ExecutionStopped,
    GroupChanged,
    GroupCreated,
    ImmutableRuleChanged,
    LabelChanged,
    ManifestPushed,
    MemberSet,
    MirrorChanged,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    QueueChanged,
    QuotaChanged,
    RegistryChanged,
    ReplicationChanged,
    RepositoryChanged,
    RepositoryDeleted,
    RetentionChanged,
    RobotChanged,
    RobotCreated,
    ScheduleChanged,
    SealKeyChanged,
    TagCreated,
    TagDeleted,
    TaskEnded,
    TrashPurged,
    TrashRestored,
    UserChanged,
    UserCreated,
    UserSignedIn,
    UserSignedOut,
    WebhookChanged,
)

_INSERT = Query(
    """INSERT INTO audit (at, project_id, detail, principal_id, principal_name, credential, address, request_id,
    resource_type, resource, operation, ok, repeats)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
)
_INSERT_MANY = insert(Audit)


def on_project_created(work: Work, event: ProjectCreated) -> None:
    """`create_project`."""
    _write(work, "create", "project", event.name, project_id=event.project_id)


def on_project_changed(work: Work, event: ProjectChanged) -> None:
    """`update_project`, with the new values."""
    _write(work, "update", "project", event.name, project_id=event.project_id, detail=event.changes)


def on_allowlist_changed(work: Work, event: AllowlistChanged) -> None:
    """`update_project` for a project's list, `update_configuration` for the system's, with the number of entries."""
    detail = {"cve_allowlist": event.entries}
    if event.project_id is None:
        _write(work, "update", "configuration", "cve_allowlist", detail=detail)
    else:
        _write(work, "update", "project", event.name, project_id=event.project_id, detail=detail)


def on_quota_changed(work: Work, event: QuotaChanged) -> None:
    """`update_project`, with the new limits: `storage_limit`, `repositories_limit`, `tags_limit`."""
    detail = {f"{name}_limit": limit for name, limit in event.limits.items()}
    _write(work, "update", "project", event.name, project_id=event.project_id, detail=detail)


def on_seal_key_changed(work: Work, event: SealKeyChanged) -> None:
    """`update_seal-key`: it seals from now on, or has replaced those of `retired`."""
    _write(work, "update", "seal-key", event.key_id, detail={"retired": list(event.retired)})


def on_project_deleted(work: Work, event: ProjectDeleted) -> None:
    """`delete_project`."""
    _write(work, "delete", "project", event.name, project_id=event.project_id)


def on_member_set(work: Work, event: MemberSet) -> None:
    """`create_member`, `update_member` or `delete_member`, with the role."""
    operation = "delete" if event.role == 0 else "create" if event.new else "update"
    detail = {"role": event.role} if event.role else {}
    _write(work, operation, "member", event.member, project_id=event.project_id, detail=detail)


def on_user_created(work: Work, event: UserCreated) -> None:
    """`create_user`."""
    _write(work, "create", "user", event.name)


def on_user_changed(work: Work, event: UserChanged) -> None:
    """`update_user`, with the kind of change, or `delete_user`."""
    if event.change == "deleted":
        _write(work, "delete", "user", event.name)
    else:
        _write(work, "update", "user", event.name, detail={"change": event.change})


def on_user_signed_in(work: Work, event: UserSignedIn) -> None:
    """`login_user`."""
    _write(work, "login", "user", event.name)


def on_user_signed_out(work: Work, event: UserSignedOut) -> None:
    """`logout_user`."""
    _write(work, "logout", "user", event.name)


def on_access_token_changed(work: Work, event: AccessTokenChanged) -> None:
    """`create_access_token` or `delete_access_token`, called `OWNER/NAME`, with how far it goes."""
    operation = "create" if event.change == "created" else "delete"
    _write(work, operation, "access_token", f"{event.user_name}/{event.name}", detail=event.detail)


def on_group_created(work: Work, event: GroupCreated) -> None:
    """`create_group`."""
    _write(work, "create", "group", event.name)


def on_group_changed(work: Work, event: GroupChanged) -> None:
    """`update_group`, with the kind of change, or `delete_group`."""
    if event.change == "deleted":
        _write(work, "delete", "group", event.name)
    else:
        _write(work, "update", "group", event.name, detail={"change": event.change})


def on_robot_created(work: Work, event: RobotCreated) -> None:
    """`create_robot`; the name is without the prefix, which can be changed later."""
    _write(work, "create", "robot", event.name, project_id=event.project_id)


def on_robot_changed(work: Work, event: RobotChanged) -> None:
    """`update_robot`, with the kind of change, or `delete_robot`."""
    if event.change == "deleted":
        _write(work, "delete", "robot", event.name, project_id=event.project_id)
    else:
        _write(work, "update", "robot", event.name, project_id=event.project_id, detail={"change": event.change})


def on_manifest_pushed(work: Work, event: ManifestPushed) -> None:
    """`create_artifact`, also for a push of what was there already: who moved a tag is asked for later."""
    name = _name(event.repository, event.tags[0] if event.tags else "", event.digest)
    detail = {"digest": event.digest, "tags": list(event.tags), "new": event.new}
    _write(work, "create", "artifact", name, project_id=event.project_id, detail=detail)


def on_immutable_rule_changed(work: Work, event: ImmutableRuleChanged) -> None:
    """`create_immutable_rule`, `delete_immutable_rule`, or `update_immutable_rule` with the kind of change."""
    operation = {"created": "create", "deleted": "delete"}.get(event.change, "update")
    detail = {"change": event.change} if operation == "update" else {}
    _write(work, operation, "immutable_rule", str(event.rule_id), project_id=event.project_id, detail=detail)


def on_webhook_changed(work: Work, event: WebhookChanged) -> None:
    """`create_webhook`, `delete_webhook`, or `update_webhook` with the kind of change."""
    operation = {"created": "create", "deleted": "delete"}.get(event.change, "update")
    detail = {"change": event.change} if operation == "update" else {}
    _write(work, operation, "webhook", event.name, project_id=event.project_id, detail=detail)


def on_retention_changed(work: Work, event: RetentionChanged) -> None:
    """`create_retention`, `update_retention` or `delete_retention`."""
    operation = event.change.removesuffix("d")
    _write(work, operation, "retention", str(event.policy_id), project_id=event.project_id)


def on_replication_changed(work: Work, event: ReplicationChanged) -> None:
    """`create_replication`, `update_replication` or `delete_replication`."""
    _write(work, event.change.removesuffix("d"), "replication", event.name, detail={"id": event.policy_id})


def on_artifacts_pulled(work: Work, event: ArtifactsPulled) -> None:
    """`pull_artifact`: a row for each actor and what they pulled since the last time, with how often."""
    if _leaves_out(work, "pull", "artifact"):
        return
    rows = [
        {
            **_row(pull.actor, "pull", "artifact", _name(pull.repository, pull.tag, pull.digest)),
            "at": pull.at,
            "project_id": pull.project_id,
            "repeats": pull.count,
            "detail": {"digest": pull.digest, **_with(pull.actor)},
        }
        for pull in event.pulls
    ]
    if rows:
        work.db.execute(_INSERT_MANY, rows)


def on_tag_deleted(work: Work, event: TagDeleted) -> None:
    """`delete_tag`, with the digest that it named."""
    name = f"{event.repository}:{event.tag}"
    _write(work, "delete", "tag", name, project_id=event.project_id, detail={"digest": event.digest})


def on_tag_created(work: Work, event: TagCreated) -> None:
    """`create_tag`, with the digest that it names."""
    name = f"{event.repository}:{event.tag}"
    _write(work, "create", "tag", name, project_id=event.project_id, detail={"digest": event.digest})


def on_repository_changed(work: Work, event: RepositoryChanged) -> None:
    """`update_repository`, with the new values."""
    _write(work, "update", "repository", event.repository, project_id=event.project_id, detail=event.changes)


def on_repository_deleted(work: Work, event: RepositoryDeleted) -> None:
    """`delete_repository`, with the number of artifacts that went with it."""
    detail = {"artifacts": event.artifacts}
    _write(work, "delete", "repository", event.repository, project_id=event.project_id, detail=detail)


def on_label_changed(work: Work, event: LabelChanged) -> None:
    """`create_label`, `update_label` or `delete_label`."""
    _write(work, event.change, "label", event.name, project_id=event.project_id)


def on_registry_changed(work: Work, event: RegistryChanged) -> None:
    """`create_registry`, `update_registry` or `delete_registry`; which fields, never what is in them."""
    detail: dict[str, object] = {"url": event.url}
    if event.fields:
        detail["fields"] = list(event.fields)
    _write(work, event.change, "registry", event.name, detail=detail)


def on_mirror_changed(work: Work, event: MirrorChanged) -> None:
    """`create_mirror` or `delete_mirror`, with the project that it leads to."""
    detail = {"kind": event.kind, "project": event.project}
    _write(work, event.change, "mirror", event.name, project_id=event.project_id, detail=detail)


def on_artifact_labelled(work: Work, event: ArtifactLabelled) -> None:
    """`create_artifact-label` or `delete_artifact-label`."""
    operation = "create" if event.on else "delete"
    name = f"{event.repository}@{event.digest}"
    _write(work, operation, "artifact-label", name, project_id=event.project_id, detail={"label": event.label})


def on_artifact_deleted(work: Work, event: ArtifactDeleted) -> None:
    """`delete_artifact`, with the tags that went with it."""
    name = f"{event.repository}@{event.digest}"
    _write(work, "delete", "artifact", name, project_id=event.project_id, detail={"tags": list(event.tags)})


def on_trash_restored(work: Work, event: TrashRestored) -> None:
    """`restore_` and `tag`, `artifact`, `repository` or `project`, with what has another name now."""
    detail: dict[str, object] = {"trash": event.trash_id}
    if event.renamed:
        detail["renamed"] = event.renamed
    _write(work, "restore", event.kind, event.label, project_id=event.project_id, detail=detail)


def on_trash_purged(work: Work, event: TrashPurged) -> None:
    """`purge_` and `tag`, `artifact`, `repository` or `project`: by somebody, or by the system after its time."""
    _write(work, "purge", event.kind, event.label, project_id=event.project_id, detail={"trash": event.trash_id})


def on_blob_deleted(work: Work, event: BlobDeleted) -> None:
    """`delete_blob`."""
    _write(work, "delete", "blob", f"{event.repository}@{event.digest}", project_id=event.project_id)


def on_configuration_changed(work: Work, event: ConfigurationChanged) -> None:
    """`update_configuration`, with the new values; of a secret only that it was changed."""
    detail = {"changes": event.changes, "secrets": list(event.secrets)}
    _write(work, "update", "configuration", "", detail=detail)


def on_execution_started(work: Work, event: ExecutionStarted) -> None:
    """`create_execution`, with its id."""
    detail = {"execution": event.execution_id, "vendor_id": event.vendor_id}
    _write(work, "create", "execution", event.vendor_type, project_id=event.project_id, detail=detail)


def on_execution_stopped(work: Work, event: ExecutionStopped) -> None:
    """`stop_execution`, with its id."""
    detail = {"execution": event.execution_id, "vendor_id": event.vendor_id}
    _write(work, "stop", "execution", event.vendor_type, project_id=event.project_id, detail=detail)


def on_schedule_changed(work: Work, event: ScheduleChanged) -> None:
    """`update_schedule`, or `delete_schedule`."""
    if event.cron:
        detail = {"cron": event.cron, "parameters": event.arguments}
        _write(work, "update", "schedule", event.vendor_type, detail=detail)
    else:
        _write(work, "delete", "schedule", event.vendor_type)


def on_queue_changed(work: Work, event: QueueChanged) -> None:
    """`update_queue`, with what was done."""
    _write(work, "update", "queue", event.vendor_type, detail={"action": event.action})


def on_audit_purged(work: Work, event: AuditPurged) -> None:
    """`purge_audit-log`, with the number of rows."""
    detail = {"rows": event.rows, "older_hours": event.older_hours, "event_types": list(event.event_types)}
    _write(work, "purge", "audit-log", "", detail=detail)


NOT_WRITTEN = frozenset({ExecutionEnded, TaskEnded, CopyRefused})
"""Events that nobody caused, and that change nothing: there is no row of them."""

REACTIONS: Mapping[type[Event], Callable[[Work, Any], None]] = MappingProxyType(
    {
        ProjectCreated: on_project_created,
        ProjectChanged: on_project_changed,
        AllowlistChanged: on_allowlist_changed,
        QuotaChanged: on_quota_changed,
        SealKeyChanged: on_seal_key_changed,
        ProjectDeleted: on_project_deleted,
        MemberSet: on_member_set,
        UserCreated: on_user_created,
        UserChanged: on_user_changed,
        UserSignedIn: on_user_signed_in,
        UserSignedOut: on_user_signed_out,
        AccessTokenChanged: on_access_token_changed,
        GroupCreated: on_group_created,
        GroupChanged: on_group_changed,
        RobotCreated: on_robot_created,
        RobotChanged: on_robot_changed,
        ManifestPushed: on_manifest_pushed,
        ImmutableRuleChanged: on_immutable_rule_changed,
        RetentionChanged: on_retention_changed,
        ReplicationChanged: on_replication_changed,
        WebhookChanged: on_webhook_changed,
        TagCreated: on_tag_created,
        RepositoryChanged: on_repository_changed,
        RepositoryDeleted: on_repository_deleted,
        LabelChanged: on_label_changed,
        RegistryChanged: on_registry_changed,
        MirrorChanged: on_mirror_changed,
        ArtifactLabelled: on_artifact_labelled,
        TagDeleted: on_tag_deleted,
        ArtifactDeleted: on_artifact_deleted,
        ArtifactsPulled: on_artifacts_pulled,
        TrashRestored: on_trash_restored,
        TrashPurged: on_trash_purged,
        BlobDeleted: on_blob_deleted,
        ConfigurationChanged: on_configuration_changed,
        ExecutionStarted: on_execution_started,
        ExecutionStopped: on_execution_stopped,
        ScheduleChanged: on_schedule_changed,
        QueueChanged: on_queue_changed,
        AuditPurged: on_audit_purged,
    }
)
"""Each event that is written down, and by which function; a test sees to it that none is forgotten."""


class Recorder:
    """Writes down what the live settings do not leave out.

    Attributes:
        rules: what is left out.
    """

    def __init__(self, rules: LiveRules | None = None) -> None:
        self.rules = rules or LiveRules()

    def hear(self, work: Work, event: Event) -> None:
        """The reaction to every event."""
        recording = _Recording(work.db, work.subscribers, work.actor, work.now, work.after, rules=self.rules())
        REACTIONS[type(event)](recording, event)


@dataclass(slots=True)
class _Recording(Work):
    """A unit of work with the rules that hold in it."""

    rules: Rules = field(default_factory=Rules)


def _leaves_out(work: Work, operation: str, resource_type: str) -> bool:
    return isinstance(work, _Recording) and work.rules.leaves_out(operation, resource_type)


def _write(
    work: Work,
    operation: str,
    resource_type: str,
    resource: str,
    *,
    project_id: int | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    if _leaves_out(work, operation, resource_type):
        return
    row = _row(work.actor, operation, resource_type, resource)
    one(
        work,
        _INSERT,
        moment(work, work.now),
        project_id,
        json.dumps({**(detail or {}), **_with(work.actor)}),
        *row.values(),
    )


def _row(actor: Actor, operation: str, resource_type: str, resource: str) -> dict[str, object]:
    """The columns that are the same for one row and for many, in the order of `_INSERT`."""
    return {
        "principal_id": actor.principal_id,
        "principal_name": actor.name[:255],
        "credential": actor.credential,
        "address": actor.address[:64],
        "request_id": actor.request_id[:64],
        "resource_type": resource_type,
        "resource": resource,
        "operation": operation,
        "ok": True,
        "repeats": 1,
    }


def _with(actor: Actor) -> dict[str, str]:
    """Which access token it was, for `detail`."""
    return {"access_token": actor.token} if actor.token else {}


def _name(repository: str, tag: str, digest: str) -> str:
    return f"{repository}:{tag}" if tag else f"{repository}@{digest}"
