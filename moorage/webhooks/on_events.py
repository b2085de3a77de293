"""Turn events into deliveries, in the transaction of the event.

Cost: one statement for all events of a transaction in a project; more only where a policy tells of one.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from moorage.configuration.schema import Items
from moorage.db.unit_of_work import Work
from moorage.events import (
    Actor,
    ArtifactDeleted,
    ArtifactsPulled,
    CopyRefused,
    ExecutionEnded,
    ManifestPushed,
    RepositoryDeleted,
    TaskEnded,
)
from moorage.jobs.queue import SUCCESS
from moorage.jobs.tables import Execution, Task
from moorage.oci.digest import Digest
from moorage.projects.tables import Project
from moorage.quotas.service import UNLIMITED, format_size, get_usage
from moorage.registries.service import find_registry
from moorage.repositories.tables import Artifact, Repository, Tag
from moorage.webhooks.deliveries import end_delivery, tell, tell_all, was_told
from moorage.webhooks.payload import DELETE, EXCEEDED, PULL, PUSH, REPLICATION, RETENTION, WARNING, Fact
from moorage.webhooks.service import VENDOR, Policy, list_enabled

_REPOSITORY = (
    select(Repository.created_at, Project.name, Project.public)
    .join(Project, Project.id == Repository.project_id)
    .where(Repository.path == bindparam("path"), Repository.trash_id.is_(None))
)

_PROJECT_ID = select(Project.id).where(Project.name == bindparam("name"), Project.trash_id.is_(None))
_TASK = (
    select(
        Task.arguments, Task.message, Task.execution_id, Execution.extra, Execution.trigger, Execution.started_at
    )
    .join(Execution, Execution.id == Task.execution_id)
    .where(Task.id == bindparam("id"))
)  # fmt: skip


_DELETED = (
    select(Repository.created_at, Project.name, Project.public)
    .join(Project, Project.id == Repository.project_id)
    .where(Repository.id == bindparam("repository"))
)
_LISTED = (
    select(Artifact.id, Artifact.digest)
    .where(
        Artifact.repository_id == bindparam("repository"), Artifact.trash_id.is_(None), ~Artifact.accessory,
        or_(Artifact.tagged, ~Artifact.child),
    )
    .order_by(Artifact.id)
)  # fmt: skip
_TAGS = select(Tag.artifact_id, Tag.name).where(Tag.repository_id == bindparam("repository")).order_by(Tag.name)
_PROJECT = select(Project.name, Project.public).where(Project.id == bindparam("project"), Project.trash_id.is_(None))

WARNING_PERCENT = 85
"""Of the limit. Source: the contract's product, v2.16."""
WARNING_SECONDS, EXCEEDED_SECONDS = 3_600.0, 600.0
"""How long a policy is not told the same again: of a project that is nearly full, of a repository that is refused."""


class Teller:
    """Queues deliveries for events."""

    def __init__(self, host: str, items: Callable[[], Items]) -> None:
        """Make it.

        Args:
            host: of this server, as clients call it: `registry.example.org`.
            items: the live settings; `notification_enable` silences all.
        """
        self._host = host
        self._items = items

    def on_pushed(self, work: Work, event: ManifestPushed) -> None:
        """PUSH_ARTIFACT; and QUOTA_WARNING."""
        enabled = self._list(work, event.project_id)
        self._artifact(work, work.actor, PUSH, enabled, event.repository, event.digest, event.tags)
        policies = [one for one in enabled if one.tells(WARNING, "", ())]
        if policies:
            self._warn(work, policies, event)

    def on_pulled(self, work: Work, event: ArtifactsPulled) -> None:
        """PULL_ARTIFACT, once for all pulls of an artifact by one actor that were noted together."""
        enabled = {number: self._list(work, number) for number in {one.project_id for one in event.pulls}}
        for one in event.pulls:
            tags = (one.tag,) if one.tag else ()
            self._artifact(work, one.actor, PULL, enabled[one.project_id], one.repository, one.digest, tags)

    def on_deleted(self, work: Work, event: ArtifactDeleted) -> None:
        """DELETE_ARTIFACT."""
        self._artifact(
            work, work.actor, DELETE, self._list(work, event.project_id), event.repository, event.digest, event.tags
        )

    def on_repository_deleted(self, work: Work, event: RepositoryDeleted) -> None:
        """DELETE_ARTIFACT for each artifact that the repository's list showed."""
        enabled = [one for one in self._list(work, event.project_id) if DELETE in one.event_types]
        if not enabled:
            return
        row = work.db.execute(_DELETED, {"repository": event.repository_id}).one()
        tags: dict[int, list[str]] = {}
        for artifact, name in work.db.execute(_TAGS, {"repository": event.repository_id}):
            tags.setdefault(artifact, []).append(name)
        found = [
            (str(Digest.from_binary(digest)), tags.get(artifact, []))
            for artifact, digest in work.db.execute(_LISTED, {"repository": event.repository_id})
        ]
        name = event.repository.partition("/")[2]
        for policy in enabled:
            told = [(digest, names) for digest, names in found if policy.tells(DELETE, name, names)]
            facts = [self._artifact_fact(work, work.actor, DELETE, row, event.repository, *one) for one in told]
            if facts:
                tell_all(work, [policy], event.repository, facts)

    def tell_exceeded(self, work: Work, project_id: int, path: str, reference: str, why: str) -> None:
        """QUOTA_EXCEED, unless it was told of this repository within ten minutes.

        Args:
            work: a transaction of its own, after that of the push was rolled back.
            project_id: of the project without room.
            path: of the repository, which need not exist.
            reference: the tag or digest that was pushed; empty: a blob was.
            why: what the push was told.
        """
        tags = (reference,) if reference and ":" not in reference else ()
        policies = [one for one in self._list(work, project_id) if one.tells(EXCEEDED, "", ())]
        policies = [one for one in policies if not was_told(work, one, path, EXCEEDED, EXCEEDED_SECONDS)]
        if policies:
            digest = reference if ":" in reference else ""
            self._quota(work, policies, EXCEEDED, (project_id, path, path), (digest, *tags), why)

    def on_copy_refused(self, work: Work, event: CopyRefused) -> None:
        """QUOTA_EXCEED, as of a push."""
        self.tell_exceeded(work, event.project_id, event.repository, event.reference, event.why)

    def on_execution_ended(self, work: Work, event: ExecutionEnded) -> None:
        """The next delivery of the lane may go; and TAG_RETENTION."""
        if event.vendor_type == VENDOR:
            end_delivery(work, event.execution_id)
        elif event.vendor_type == "RETENTION" and event.status == SUCCESS:
            self._retention(work, event)

    def on_task_ended(self, work: Work, event: TaskEnded) -> None:
        """REPLICATION, for each artifact, in the project that is its side here."""
        if event.vendor_type == REPLICATION and (row := work.db.execute(_TASK, {"id": event.task_id}).one_or_none()):
            self._replication(work, event, row)

    def _list(self, work: Work, project_id: int) -> list[Policy]:
        """The policies of a project that tell somebody; none while all are silenced."""
        if not self._items().notification_enable:
            return []
        return work.once((list_enabled, project_id), lambda: list_enabled(work, project_id))

    def _artifact(  # noqa: PLR0917 - the parts of an event
        self, work: Work, actor: Actor, kind: str, enabled: list[Policy], path: str, digest: str, tags: Sequence[str]
    ) -> None:
        repository = path.partition("/")[2]
        policies = [one for one in enabled if one.tells(kind, repository, tags)]
        if not policies:
            return
        row = work.db.execute(_REPOSITORY, {"path": path}).one_or_none()
        if row is not None:
            tell(work, policies, path, self._artifact_fact(work, actor, kind, row, path, digest, tags))

    def _artifact_fact(  # noqa: PLR0917 - as above
        self,
        work: Work,
        actor: Actor,
        kind: str,
        row: Any,  # noqa: ANN401 - of _REPOSITORY or _DELETED
        path: str,
        digest: str,
        tags: Sequence[str],
    ) -> Fact:
        names = list(tags) or [digest]
        shown = {
            "date_created": int(row.created_at.timestamp()),
            "name": path.partition("/")[2],
            "namespace": row.name,
            "repo_full_name": path,
            "repo_type": "public" if row.public else "private",
        }
        resources = [{"digest": digest, "tag": name, "resource_url": self._url(path, name)} for name in names]
        return _fact(work, actor, kind, {"resources": resources, "repository": shown})

    def _warn(self, work: Work, policies: list[Policy], event: ManifestPushed) -> None:
        """QUOTA_WARNING, once an hour, while a push leaves the project nearly full."""
        usage = get_usage(work, event.project_id)
        used, limit = usage.used_bytes, usage.limit_bytes
        if limit == UNLIMITED or used * 100 < limit * WARNING_PERCENT or not self._items().quota_per_project_enable:
            return
        policies = [one for one in policies if not was_told(work, one, "", WARNING, WARNING_SECONDS)]
        if policies:
            why = f"The project uses {format_size(used)} of {format_size(limit)}: {used * 100 // limit} % of its limit."
            names = (event.digest, *event.tags)
            self._quota(work, policies, WARNING, (event.project_id, event.repository, ""), names, why)

    def _quota(  # noqa: PLR0917 - the parts of an event
        self, work: Work, policies: list[Policy], kind: str, place: tuple[int, str, str], names: Sequence[str], why: str
    ) -> None:
        """Tell of a limit. `place`: project, repository, lane; `names`: the digest, which may be "", and tags."""
        project_id, path, lane = place
        row = work.db.execute(_PROJECT, {"project": project_id}).one_or_none()
        if row is None:
            return
        digest, *tags = names
        shown = {
            "name": path.partition("/")[2],
            "namespace": row.name,
            "repo_full_name": path,
            "repo_type": "public" if row.public else "private",
        }
        resources = [{"digest": digest, "tag": tag} for tag in tags or [digest] if digest or tag]
        data = {"resources": resources, "repository": shown, "custom_attributes": {"Details": why}}
        tell(work, policies, lane, _fact(work, work.actor, kind, data))

    def _url(self, path: str, name: str) -> str:
        return f"{self._host}/{path}{'@' if ':' in name else ':'}{name}"

    def _retention(self, work: Work, event: ExecutionEnded) -> None:
        extra = work.db.execute(select(Execution.extra).where(Execution.id == event.execution_id)).scalar_one()
        deleted = extra.get("deleted") or []
        if extra.get("dry_run") or not deleted:
            return
        project_id = int(str(extra["project_id"]))
        policies = [one for one in self._list(work, project_id) if one.tells(RETENTION, "", ())]
        if not policies:
            return
        name = work.db.execute(select(Project.name).where(Project.id == project_id)).scalar()
        data = {
            "total": extra.get("total", 0),
            "retained": extra.get("retained", 0),
            "harbor_hostname": self._host,
            "project_name": name,
            "retention_policy_id": event.vendor_id,
            "retention_rule": extra.get("rules", []),
            "result": event.status.upper(),
            "deleted_artifact": deleted,
        }
        tell(work, policies, "", _fact(work, work.actor, RETENTION, {"retention": data}))

    def _replication(self, work: Work, event: TaskEnded, row: Any) -> None:  # noqa: ANN401 - a row of `_TASK`
        policy, told = row.extra["policy"], row.arguments
        if "repository" not in told:
            return  # it only listed what there is
        pushes = policy["dest_registry_id"] is not None
        path = told["repository"] if pushes else told["to"]
        name, _, repository = path.partition("/")
        project_id = work.db.execute(_PROJECT_ID, {"name": name}).scalar()
        listed = self._list(work, project_id) if project_id is not None else []
        policies = [one for one in listed if one.tells(REPLICATION, repository, told["tags"])]
        if not policies:
            return
        other = find_registry(work, policy["dest_registry_id"] or policy["src_registry_id"])
        sides = [
            {"registry_type": "harbor", "registry_name": "Local", "endpoint": self._host},
            {"registry_type": other.kind, "registry_name": other.name, "endpoint": other.url} if other else {},
        ]
        source, target = sides if pushes else reversed(sides)
        names = told["tags"] or [told["reference"]]
        shown = told["repository"].partition("/")[2] or told["repository"]
        artifact = {
            "type": told["kind"],
            "status": event.status,
            "name_tag": f"{shown}{'@' if ':' in names[0] else ':'}{','.join(names)}",
            "references": names,
        }
        if event.status != SUCCESS:
            artifact["fail_reason"] = row.message
        data = {
            "harbor_hostname": self._host,
            "job_status": event.status,
            "description": policy["description"],
            "policy_creator": policy["creator"],
            "artifact_type": told["kind"],
            "authentication_type": self._items().auth_mode,
            "override_mode": policy["override"],
            "trigger_type": row.trigger,
            "execution_timestamp": int(row.started_at.timestamp()),
            "execution_id": row.execution_id,
            "task_id": event.task_id,
            "src_resource": {**source, "namespace": told["repository"].rpartition("/")[0]},
            "dest_resource": {**target, "namespace": told["to"].rpartition("/")[0]},
            "successful_artifact" if event.status == SUCCESS else "failed_artifact": [artifact],
        }
        tell(work, policies, path, _fact(work, work.actor, REPLICATION, {"replication": data}))


def _fact(work: Work, actor: Actor, kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind, int(work.now.timestamp()), actor.name, actor.request_id, data)
