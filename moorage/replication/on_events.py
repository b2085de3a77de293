"""What happens here, turned into runs: rows in the transaction that makes it so.

Cost: one statement for all events of a transaction; more only where a policy takes one.
"""

from moorage.db.unit_of_work import Work
from moorage.events import (
    ArtifactDeleted,
    ExecutionEnded,
    ManifestPushed,
    RepositoryDeleted,
    TagCreated,
    TagDeleted,
    TaskEnded,
)
from moorage.jobs.queue import SUCCESS
from moorage.replication import artifact_sources
from moorage.replication.artifact_sources import Found
from moorage.replication.filters import Filters
from moorage.replication.service import (
    COPY_JOB,
    DELETE_JOB,
    VENDOR,
    Policy,
    cancel_uploads,
    end_uploads,
    list_event_based,
    start_event,
)


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
    place = artifact_sources.Place(event.repository_id, event.repository)
    for policy, filters in _list(work):
        if policy.replicate_deletion and filters.takes_repository(event.repository):
            start_event(work, policy, DELETE_JOB, artifact_sources.list_all(work, filters, place), whole=True)


def on_task_ended(work: Work, event: TaskEnded) -> None:
    """What it received of a blob, to go on with in another attempt, is wanted no more."""
    if event.vendor_type == VENDOR and event.status != SUCCESS:
        end_uploads(work, task_id=event.task_id)


def on_execution_ended(work: Work, event: ExecutionEnded) -> None:
    """The same of tasks that were stopped while they waited for another attempt; and of what was sent to go on with."""
    if event.vendor_type == VENDOR and event.status != SUCCESS:
        end_uploads(work, execution_id=event.execution_id)
        cancel_uploads(work, event.execution_id)


def _list(work: Work) -> list[tuple[Policy, Filters]]:
    """The policies that may take an event, with their filters."""
    return work.once(list_event_based, lambda: [(one, one.compile()) for one in list_event_based(work)])


def _copy(work: Work, path: str, artifact_id: int, tags: tuple[str, ...]) -> None:
    for policy, filters in _list(work):
        if filters.takes_repository(path):
            start_event(work, policy, COPY_JOB, artifact_sources.find_pushed(work, filters, path, artifact_id, tags))


def _delete(work: Work, path: str, digest: str, tags: tuple[str, ...], *, whole: bool) -> None:
    for policy, filters in _list(work):
        kept = filters.keep_tags(tags) if policy.replicate_deletion and filters.takes_repository(path) else None
        if kept is not None:
            found = Found(repository=path, reference=digest, tags=list(kept), kind="image")
            start_event(work, policy, DELETE_JOB, [found], whole=whole)
