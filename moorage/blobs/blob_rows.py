"""Renew leases, set seals and delete links of stored blobs."""

from sqlalchemy import Float, bindparam, exists, select, update

from moorage import failpoints
from moorage.blobs.corrupt_blobs import forget_damage
from moorage.db.base import db_now
from moorage.db.locks import pass_gate
from moorage.db.unit_of_work import Work
from moorage.errors import BlobInUse, BlobUnknown
from moorage.events import BlobDeleted
from moorage.oci.digest import Digest
from moorage.repositories.lookup import Stored
from moorage.repositories.tables import Artifact, ArtifactBlob, Blob, ProjectBlob, RepositoryBlob

_seconds = bindparam("seconds", type_=Float)
_RENEW_LEASE = (
    update(RepositoryBlob)
    .where(
        RepositoryBlob.repository_id == bindparam("repository"),
        RepositoryBlob.blob_id == bindparam("blob"),
        # Nobody keeps bytes that nobody pays for longer than a lease.
        ~exists().where(
            ProjectBlob.project_id == RepositoryBlob.project_id,
            ProjectBlob.blob_id == RepositoryBlob.blob_id,
            ProjectBlob.holding == "released",
        ),
    )
    .values(lease_until=db_now(_seconds))
)
_LINK = (
    select(RepositoryBlob.blob_id)
    .join(Blob, Blob.id == RepositoryBlob.blob_id)
    .where(
        RepositoryBlob.repository_id == bindparam("repository"), ~RepositoryBlob.hidden,
        Blob.digest == bindparam("digest"), Blob.state == "live",
    )
    .with_for_update(of=RepositoryBlob)
)  # fmt: skip
_USED_VISIBLY = (
    select(ArtifactBlob.artifact_id)
    .join(Artifact, Artifact.id == ArtifactBlob.artifact_id)
    .where(
        ArtifactBlob.repository_id == bindparam("repository"), ArtifactBlob.blob_id == bindparam("blob"),
        Artifact.trash_id.is_(None),
    )
    .limit(1)
)  # fmt: skip
_HIDE = (
    update(RepositoryBlob)
    .where(RepositoryBlob.repository_id == bindparam("repository"), RepositoryBlob.blob_id == bindparam("blob"))
    .values(hidden=True)
)
_HIDE_AND_RELEASE = _HIDE.values(lease_until=db_now())
_USED = select(
    exists().where(ArtifactBlob.repository_id == bindparam("repository"), ArtifactBlob.blob_id == bindparam("blob"))
)
_SET_SEAL = (
    update(Blob)
    .where(Blob.id == bindparam("blob"), Blob.key == bindparam("at"), Blob.state == "live")
    .values(seal=bindparam("new_seal"))
)


def renew_lease(work: Work, repository_id: int, blob_id: int, *, lease_seconds: int) -> bool:
    """Start a spent lease anew; False when the link is gone, or nobody pays for it, and nothing was promised."""
    return (
        work.db.execute(
            _RENEW_LEASE, {"repository": repository_id, "blob": blob_id, "seconds": float(lease_seconds)}
        ).rowcount
        == 1
    )


def set_seal(work: Work, blob: Stored, seal: str) -> None:
    """Note that the stored bytes were hashed and are right, although their file was touched.

    Not where the blob was healed since: the seal is that of bytes which it has no more.
    """
    if work.db.execute(_SET_SEAL, {"blob": blob.blob_id, "at": blob.key, "new_seal": seal}).rowcount:
        forget_damage(work, blob.blob_id)


def delete_blob(work: Work, project_id: int, repository_id: int, path: str, digest: Digest) -> None:
    """Take a blob out of a repository at once; its bytes go when nothing else holds them.

    Through the project's gate: a restore that brings back what needs the blob comes first, or shows the blob again.

    Raises:
        BlobUnknown: it is not there.
        BlobInUse: a visible artifact needs it.
    """
    pass_gate(work, project_id)
    blob = work.db.execute(_LINK, {"repository": repository_id, "digest": digest.binary}).scalar()
    if blob is None:
        raise BlobUnknown(repository=path, digest=str(digest))
    if work.db.execute(_USED_VISIBLY, {"repository": repository_id, "blob": blob}).first() is not None:
        raise BlobInUse(repository=path, digest=str(digest))
    used = bool(work.db.execute(_USED, {"repository": repository_id, "blob": blob}).scalar())
    work.db.execute(_HIDE if used else _HIDE_AND_RELEASE, {"repository": repository_id, "blob": blob})
    work.emit(BlobDeleted(project_id, path, str(digest)))
    failpoints.point("delete.recorded")
