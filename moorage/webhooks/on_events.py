"""What happened, turned into deliveries: rows in the transaction that makes it so.

Cost: one statement for each event in a project; more only where a policy tells of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from moorage.artifacts.tables import Repository
from moorage.configuration.items import Items
from moorage.db.work import Work
from moorage.events import Actor, ArtifactDeleted, ArtifactsPulled, ExecutionEnded, ManifestPushed
from moorage.jobs.queue import SUCCESS
from moorage.jobs.tables import Execution
from moorage.projects.tables import Project
from moorage.webhooks.deliveries import end_delivery, tell
from moorage.webhooks.payload import DELETE, PULL, PUSH, RETENTION, Fact
from moorage.webhooks.service import VENDOR, Policy, list_enabled

_REPOSITORY = (
    select(Repository.created_at, Project.name, Project.public)
    .join(Project, Project.id == Repository.project_id)
    .where(Repository.path == bindparam("path"), Repository.trash_id.is_(None))
)


class Teller:
    """Has targets told."""

    def __init__(self, host: str, items: Callable[[], Items]) -> None:
        """Make it.

        Args:
            host: of this server, as clients call it: `registry.example.org`.
            items: the live settings; `notification_enable` silences all.
        """
        self._host = host
        self._items = items

    def on_pushed(self, work: Work, event: ManifestPushed) -> None:
        """PUSH_ARTIFACT."""
        self._artifact(
            work, work.actor, PUSH, self._list(work, event.project_id), event.repository, event.digest, event.tags
        )

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

    def on_execution_ended(self, work: Work, event: ExecutionEnded) -> None:
        """The next delivery of the lane may go; and TAG_RETENTION."""
        if event.vendor_type == VENDOR:
            end_delivery(work, event.execution_id)
        elif event.vendor_type == "RETENTION" and event.status == SUCCESS:
            self._retention(work, event)

    def _list(self, work: Work, project_id: int) -> list[Policy]:
        """The policies of a project that tell somebody; none while all are silenced."""
        return list_enabled(work, project_id) if self._items().notification_enable else []

    def _artifact(  # noqa: PLR0917 - the parts of an event
        self, work: Work, actor: Actor, kind: str, enabled: list[Policy], path: str, digest: str, tags: Sequence[str]
    ) -> None:
        repository = path.partition("/")[2]
        policies = [one for one in enabled if one.tells(kind, repository, tags)]
        if not policies:
            return
        row = work.db.execute(_REPOSITORY, {"path": path}).one_or_none()
        if row is None:
            return
        names = list(tags) or [digest]
        shown = {
            "date_created": int(row.created_at.timestamp()),
            "name": repository,
            "namespace": row.name,
            "repo_full_name": path,
            "repo_type": "public" if row.public else "private",
        }
        resources = [{"digest": digest, "tag": name, "resource_url": self._url(path, name)} for name in names]
        fact = _fact(work, actor, kind, {"resources": resources, "repository": shown})
        tell(work, policies, path, fact)

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


def _fact(work: Work, actor: Actor, kind: str, data: dict[str, Any]) -> Fact:
    return Fact(kind, int(work.now.timestamp()), actor.name, actor.request_id, data)
