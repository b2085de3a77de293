"""Tags that are made and deleted by name, without a push."""

from sqlalchemy import bindparam, select

from moorage.artifacts.delete import delete_tag
from moorage.artifacts.manifest_rows import add_tag
from moorage.artifacts.push import record
from moorage.artifacts.service import enter_repository, get_artifact
from moorage.db.locks import lock_tag
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestUnknown, TagExists, TagUnknown
from moorage.events import TagCreated
from moorage.oci import manifest as manifests
from moorage.oci.names import parse_tag
from moorage.quotas import limits
from moorage.repositories.creation import find_destination
from moorage.repositories.tables import Artifact, Manifest, Tag

_HELD = select(Tag.artifact_id).where(Tag.repository_id == bindparam("repository"), Tag.name == bindparam("tag"))
_LIVE = select(Artifact.id).where(Artifact.id == bindparam("artifact"), Artifact.trash_id.is_(None)).with_for_update()

_MANIFEST = (
    select(Artifact.media_type, Manifest.bytes)
    .join(Manifest, Manifest.artifact_id == Artifact.id)
    .where(Artifact.id == bindparam("artifact"), Artifact.trash_id.is_(None))
)


def create_tag(work: Work, project_id: int, path: str, reference: str, name: str) -> None:
    """Put a new tag on an artifact.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        TagInvalid: it cannot be a tag.
        TagExists: the repository has it already, wherever it points; one of two who make it at once is told so.
        ProjectFull: it would be a tag too many.
    """
    tag = parse_tag(name)
    repository = enter_repository(work, project_id, path)
    lock_tag(work, repository.id, tag)
    artifact = get_artifact(work, repository.id, reference)
    if work.db.execute(_HELD, {"repository": repository.id, "tag": tag}).scalar() is not None:
        raise TagExists(tag=tag)
    if work.db.execute(_LIVE, {"artifact": artifact.id}).scalar() is None:  # deleted while we waited for its lock
        raise ManifestUnknown(reference=reference[:200])
    add_tag(work, repository.id, tag, artifact.id, artifact.digest)
    limits.count_tags(work, project_id, 1)
    work.emit(TagCreated(project_id, repository.id, path, artifact.id, str(artifact.digest), tag))


def point_tag(work: Work, project_id: int, path: str, name: str, digest: str) -> None:
    """Point a tag at an artifact of the repository, wherever it points now: a push of that manifest again, by that tag.

    So what holds of a push holds of it: the locks, the rules, the history (`moved`), what is told. Safe to repeat.

    Raises:
        TagInvalid: it cannot be a tag.
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        ManifestBlobUnknown: something that the artifact needs is lost.
        TagImmutable: a rule keeps the tag where it is.
        ProjectFull: it would be a tag too many.
    """
    tag = parse_tag(name)
    repository = enter_repository(work, project_id, path)
    artifact = get_artifact(work, repository.id, digest)
    row = work.db.execute(_MANIFEST, {"artifact": artifact.id}).first()
    to = find_destination(work, project_id, path)
    if row is None or to is None:
        raise ManifestUnknown(reference=digest[:200])
    raw = bytes(row.bytes)
    # Sparse: of an index that was copied with some of its platforms the others are missing, and stay so.
    record(work, to, artifact.digest, manifests.parse(raw, row.media_type), raw, tags=(tag,), sparse=True)


def remove_tag(work: Work, project_id: int, path: str, reference: str, name: str) -> None:
    """Take a tag off an artifact.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.
        TagUnknown: the tag does not point to it.
    """
    repository = enter_repository(work, project_id, path)
    lock_tag(work, repository.id, name)
    artifact = get_artifact(work, repository.id, reference)
    if work.db.execute(_HELD, {"repository": repository.id, "tag": name}).scalar() != artifact.id:
        raise TagUnknown(tag=name[:200])
    delete_tag(work, project_id, repository.id, path, name)
