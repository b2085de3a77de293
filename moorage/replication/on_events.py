"""What happens here, turned into runs: rows in the transaction that makes it so.

Cost: one statement for each event; more only where a policy takes it.
"""

from moorage.db.work import Work
from moorage.events import ArtifactDeleted, ManifestPushed, RepositoryDeleted, TagCreated, TagDeleted
from moorage.replication import sources
from moorage.replication.service import COPY_JOB, DELETE_JOB, list_event_based, start_event
from moorage.replication.sources import Found


def on_pushed(work: Work, event: ManifestPushed) -> None:
    """It is copied; of a signature, what it signs."""
    _copy(work, event.repository, event.artifact_id, event.tags)


def on_tag_created(work: Work, event: TagCreated) -> None:
    """It is copied under the new tag."""
    _copy(work, event.repository, event.artifact_id, (event.tag,))


def on_tag_deleted(work: Work, event: TagDeleted) -> None:
    """The tag is deleted there, too, if the policy says so."""
    _delete(work, event.repository, event.digest, (event.tag,), whole=False)


def on_artifact_deleted(work: Work, event: ArtifactDeleted) -> None:
    """The artifact is deleted there, too, if the policy says so."""
    _delete(work, event.repository, event.digest, event.tags, whole=True)


def on_repository_deleted(work: Work, event: RepositoryDeleted) -> None:
    """Its artifacts are deleted there, too, if the policy says so: one run, with a task for each."""
    place = sources.Place(event.repository_id, event.repository)
    for policy in list_event_based(work):
        filters = policy.compile()
        if policy.replicate_deletion and filters.takes_repository(event.repository):
            start_event(work, policy, DELETE_JOB, sources.list_all(work, filters, place), whole=True)


def _copy(work: Work, path: str, artifact_id: int, tags: tuple[str, ...]) -> None:
    for policy in list_event_based(work):
        filters = policy.compile()
        if filters.takes_repository(path):
            start_event(work, policy, COPY_JOB, sources.find_pushed(work, filters, path, artifact_id, tags))


def _delete(work: Work, path: str, digest: str, tags: tuple[str, ...], *, whole: bool) -> None:
    for policy in list_event_based(work):
        filters = policy.compile()
        kept = filters.keep_tags(tags) if policy.replicate_deletion and filters.takes_repository(path) else None
        if kept is not None:
            found = Found(repository=path, reference=digest, tags=list(kept), kind="image")
            start_event(work, policy, DELETE_JOB, [found], whole=whole)
