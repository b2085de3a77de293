"""Tables of repositories, artifacts, tags and blobs.

The chain of holders is artifact -> link in the repository -> charge in the project -> blob; each arrow is a
foreign key, so the database refuses to break it even when the code is wrong (docs/develop/lossless.md).
A digest is binary here: one byte of algorithm and the raw hash.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from moorage.db.base import AUTO_ID, Base, Id, Json, Name, UtcTime, live_index
from moorage.db.trigrams import index_trigrams

_CLUSTERED = {"sqlite_with_rowid": False}
_LISTED = "trash_id IS NULL AND listed"


class Repository(Base):
    """A name under a project that holds artifacts. `path` is the whole name, `project/rest`.

    `listed`: it holds artifacts. A column of its own, because an index whose condition named the count would have to be
    written with every push. `pushed_at`, when something was last pushed there, is written some seconds later
    (`artifacts.days`).
    """

    __tablename__ = "repository"
    __table_args__ = (
        live_index("uq_repository_path", "path", where="trash_id IS NULL", unique=True),
        live_index("ix_repository_project", "project_id", "path", where="trash_id IS NULL"),
        live_index("ix_repository_page", text("created_at DESC"), text("id DESC"), "project_id", where=_LISTED),
        live_index("ix_repository_project_page", "project_id", text("created_at DESC"), text("id DESC"), where=_LISTED),
        live_index("ix_repository_trash_id", "trash_id", where="trash_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    path: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Text, server_default="")
    artifact_count: Mapped[int] = mapped_column(BigInteger, server_default="0")
    listed: Mapped[bool] = mapped_column(Boolean, Computed("artifact_count > 0", persisted=True))
    pull_count: Mapped[int] = mapped_column(BigInteger, server_default="0")
    trash_id: Mapped[int | None] = mapped_column(ForeignKey("trash.id"))
    pushed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


index_trigrams(Repository.metadata.tables["repository"], "path")


class Artifact(Base):
    """A manifest and what we know about it. Its bytes are in `Manifest`, so that pages of artifacts stay narrow.

    `size_bytes` counts the manifest, its config and its layers (an index: its own bytes and its children).
    `tagged`, `child` and `accessory` are kept by the code that changes what they speak of. `kind` and `accessory_kind`
    are the contract's words (`kinds.py`), "" where a release before them wrote the row.
    """

    __tablename__ = "artifact"
    __table_args__ = (
        UniqueConstraint("repository_id", "digest"),
        live_index(
            "ix_artifact_page",
            "repository_id",
            text("pushed_at DESC"),
            text("id DESC"),
            where="trash_id IS NULL AND (tagged OR NOT child) AND NOT accessory",
        ),
        live_index("ix_artifact_subject", "repository_id", "subject_digest", "id", where="subject_digest IS NOT NULL"),
        live_index("ix_artifact_digest", "digest", where="trash_id IS NULL"),
        live_index("ix_artifact_trash_id", "trash_id", where="trash_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(65))
    media_type: Mapped[str] = mapped_column(String(255))
    artifact_type: Mapped[str] = mapped_column(String(255), server_default="")
    config_media_type: Mapped[str] = mapped_column(String(255), server_default="")
    config_digest: Mapped[bytes | None] = mapped_column(LargeBinary(65))
    kind: Mapped[str] = mapped_column(String(64), server_default="")
    accessory_kind: Mapped[str] = mapped_column(String(32), server_default="")
    subject_digest: Mapped[bytes | None] = mapped_column(LargeBinary(65))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    manifest_bytes: Mapped[int] = mapped_column(BigInteger)
    annotations: Mapped[dict[str, str] | None] = mapped_column(Json)
    tagged: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    child: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    accessory: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    pushed_by: Mapped[int | None] = mapped_column(BigInteger)
    pushed_at: Mapped[datetime] = mapped_column(UtcTime)
    trash_id: Mapped[int | None] = mapped_column(ForeignKey("trash.id"))


class Manifest(Base):
    """The exact bytes that a client pushed; at most 4 MiB."""

    __tablename__ = "manifest"

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    bytes: Mapped[bytes] = mapped_column(LargeBinary)


class Description(Base):
    """What an artifact's config says of it, in the contract's form; read when somebody first looks at it."""

    __tablename__ = "artifact_description"

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    attributes: Mapped[dict[str, object]] = mapped_column(Json)


class Label(Base):
    """A word that people put on artifacts: of the whole system (`project_id` null) or of one project."""

    __tablename__ = "label"
    __table_args__ = (
        live_index("uq_label_name", "name", where="project_id IS NULL", unique=True),
        live_index("uq_label_project_name", "project_id", "name", where="project_id IS NOT NULL", unique=True),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Text, server_default="")
    color: Mapped[str] = mapped_column(String(32), server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)


class ArtifactLabel(Base):
    """That a label is on an artifact."""

    __tablename__ = "artifact_label"
    __table_args__ = (Index("ix_artifact_label_label", "label_id"), _CLUSTERED)

    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True)
    label_id: Mapped[int] = mapped_column(ForeignKey("label.id", ondelete="CASCADE"), primary_key=True)


class ArtifactReference(Base):
    """A child of an index. `child_id` is null where the child is not in the repository (a sparse index)."""

    __tablename__ = "artifact_reference"
    __table_args__ = (Index("ix_artifact_reference_child", "child_id"), _CLUSTERED)

    parent_id: Mapped[int] = mapped_column(ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    child_id: Mapped[int | None] = mapped_column(ForeignKey("artifact.id"))
    child_digest: Mapped[bytes] = mapped_column(LargeBinary(65))
    platform: Mapped[dict[str, object] | None] = mapped_column(Json)
    annotations: Mapped[dict[str, str] | None] = mapped_column(Json)
    urls: Mapped[list[str] | None] = mapped_column(Json)


class Tag(Base):
    """A name that points to an artifact, and can move. Visible tags only: a deleted tag lives on in its history.

    `version` orders tags as the versions that they name (`oci.versions.order_key`); "": it names none.
    """

    __tablename__ = "tag"
    __table_args__ = (
        Index("ix_tag_artifact", "artifact_id", "name"),
        Index("ix_tag_history_id", "history_id"),  # for who deletes rows of the history: they would look at every tag
        _CLUSTERED,
    )

    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), primary_key=True)
    name: Mapped[str] = mapped_column(
        String(128).with_variant(String(128, collation="C"), "postgresql"), primary_key=True
    )
    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifact.id"))
    history_id: Mapped[int] = mapped_column(ForeignKey("tag_history.id"))
    pushed_at: Mapped[datetime] = mapped_column(UtcTime)
    version: Mapped[str] = mapped_column(Name)


class TagHistory(Base):
    """Where a tag pointed, from when until when. One open row (`until` null) per visible tag.

    `ended_by`: `moved` or `deleted`; `trash_id` is the act of deleting that a restore would undo.
    """

    __tablename__ = "tag_history"
    __table_args__ = (
        Index("ix_tag_history_name", "repository_id", "name", text("since DESC")),
        live_index("ix_tag_history_trash_id", "trash_id", where="trash_id IS NOT NULL"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    name: Mapped[str] = mapped_column(String(128).with_variant(String(128, collation="C"), "postgresql"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(65))
    since: Mapped[datetime] = mapped_column(UtcTime)
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    principal_id: Mapped[int | None] = mapped_column(BigInteger)
    ended_by: Mapped[str | None] = mapped_column(String(8))
    trash_id: Mapped[int | None] = mapped_column(ForeignKey("trash.id"))


class ImmutableRule(Base):
    """A rule that keeps tags from moving and from being deleted; the selectors as the contract shapes them.

    `fingerprint` is the hash of the selectors in force: no project has two rules that say the same.
    """

    __tablename__ = "immutable_rule"
    __table_args__ = (UniqueConstraint("project_id", "fingerprint"), AUTO_ID)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    disabled: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    action: Mapped[str] = mapped_column(String(64))
    template: Mapped[str] = mapped_column(String(64))
    params: Mapped[dict[str, object]] = mapped_column(Json)
    tag_selectors: Mapped[list[dict[str, str]]] = mapped_column(Json)
    scope_selectors: Mapped[dict[str, list[dict[str, str]]]] = mapped_column(Json)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class Pull(Base):
    """How often and when last an artifact was pulled; written in batches from memory. No time: it was never noted."""

    __tablename__ = "pull"

    artifact_id: Mapped[int] = mapped_column(
        ForeignKey("artifact.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    pulled_at: Mapped[datetime | None] = mapped_column(UtcTime)
    pulls: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ProjectDay(Base):
    """What was pulled from a project and pushed to it on a day, and how many bytes it held when it was last looked at.

    `day`: days since 1970-01-01, in UTC. `held_bytes` null: as before; days on which nothing happened have no row.
    """

    __tablename__ = "project_day"
    __table_args__ = (Index("ix_project_day_day", "day"), _CLUSTERED)

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    pulls: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pushes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    held_bytes: Mapped[int | None] = mapped_column(BigInteger)


class TotalDay(Base):
    """The same of all projects together; what projects did that are gone meanwhile stays."""

    __tablename__ = "total_day"

    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    pulls: Mapped[int] = mapped_column(BigInteger, server_default="0")
    pushes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    held_bytes: Mapped[int | None] = mapped_column(BigInteger)


class Blob(Base):
    """Bytes at a place that is used once.

    States go one way: arriving, live, doomed, gone. Where the bytes of a live row are damaged and somebody pushes them
    again, the row moves to their place, and its old place gets a doomed row (docs/develop/lossless.md, "Healing").
    `live` is true or null and part of the key that charges refer to, so turning a blob that any project holds into
    anything but live is an error of the database. `seal` is the storage's mark of the moment the bytes were verified
    (`storage.base.Stat`).
    """

    __tablename__ = "blob"
    __table_args__ = (
        CheckConstraint("state IN ('arriving', 'live', 'doomed', 'gone')", name="state"),
        CheckConstraint("(state = 'live') = (live IS NOT NULL)", name="live"),
        UniqueConstraint("key"),
        UniqueConstraint("id", "live"),
        live_index("uq_blob_digest", "digest", where="state = 'live'", unique=True),
        live_index("ix_blob_idle_since", "idle_since", where="idle_since IS NOT NULL"),
        live_index("ix_blob_changed_at", "changed_at", where="state <> 'live'"),
        AUTO_ID,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(65))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(8))
    live: Mapped[bool | None] = mapped_column(Boolean)
    seal: Mapped[str | None] = mapped_column(String(128))
    idle_since: Mapped[datetime | None] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


class DamagedBlob(Base):
    """That somebody found the bytes of a live blob lost or wrong. Who pushes them again heals it and ends this."""

    __tablename__ = "damaged_blob"

    blob_id: Mapped[int] = mapped_column(
        ForeignKey("blob.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    noticed_at: Mapped[datetime] = mapped_column(UtcTime)


class ProjectBlob(Base):
    """That a project is charged for a blob, once, however many of its repositories hold it.

    `holding` says by what (`holding.py`): `used`, `trash` or `released`; what is released is counted nowhere.
    """

    __tablename__ = "project_blob"
    __table_args__ = (
        CheckConstraint("live", name="live"),
        CheckConstraint("holding IN ('used', 'trash', 'released')", name="holding"),
        ForeignKeyConstraint(["blob_id", "live"], ["blob.id", "blob.live"]),
        Index("ix_project_blob_blob", "blob_id"),
        live_index("ix_project_blob_holding", "project_id", where="holding <> 'used'"),
        live_index("ix_project_blob_idle_since", "idle_since", where="idle_since IS NOT NULL"),
        _CLUSTERED,
    )

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), primary_key=True)
    blob_id: Mapped[int] = mapped_column(Id, primary_key=True)
    live: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    holding: Mapped[str] = mapped_column(String(8), server_default="used")
    idle_since: Mapped[datetime | None] = mapped_column(UtcTime)


class RepositoryBlob(Base):
    """That a blob can be seen in a repository.

    `lease_until`: unreferenced, kept until then; null: held by an artifact. `hidden`: deleted by a client, still
    held by something in the trash.
    """

    __tablename__ = "repository_blob"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "blob_id"], ["project_blob.project_id", "project_blob.blob_id"]),
        Index("ix_repository_blob_project", "project_id", "blob_id"),
        live_index("ix_repository_blob_lease_until", "lease_until", where="lease_until IS NOT NULL"),
        _CLUSTERED,
    )

    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), primary_key=True)
    blob_id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(Id)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    hidden: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class ArtifactBlob(Base):
    """That an artifact (visible or in the trash) needs a blob of its repository."""

    __tablename__ = "artifact_blob"
    __table_args__ = (
        ForeignKeyConstraint(
            ["repository_id", "blob_id"], ["repository_blob.repository_id", "repository_blob.blob_id"]
        ),
        Index("ix_artifact_blob_artifact", "artifact_id"),
        _CLUSTERED,
    )

    repository_id: Mapped[int] = mapped_column(Id, primary_key=True)
    blob_id: Mapped[int] = mapped_column(Id, primary_key=True)
    artifact_id: Mapped[int] = mapped_column(ForeignKey("artifact.id"), primary_key=True)


class Upload(Base):
    """An open upload of a blob.

    `offset_bytes`, `hash_state` and `driver` are the durable progress (`storage.base.Progress`). One writer at a
    time: whoever set `claim`. `blob_id` is the place, once one was given. `previous_offset` is the offset before
    the last chunk: the Location of that time may still be asked for the status. `lent_bytes` are those that the project
    has no room for, and that it is not charged for, because they may heal a damaged blob that it is charged for.
    """

    __tablename__ = "upload"
    __table_args__ = (
        Index("ix_upload_project", "project_id"),
        Index("ix_upload_principal", "principal_id"),
        Index("ix_upload_expires_at", "expires_at"),
        live_index("ix_upload_blob", "blob_id", where="blob_id IS NOT NULL"),  # for who deletes a blob's row
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"))
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    principal_id: Mapped[int | None] = mapped_column(BigInteger)
    algorithm: Mapped[str] = mapped_column(String(8), server_default="sha256")
    offset_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    previous_offset: Mapped[int] = mapped_column(BigInteger, server_default="0")
    hash_state: Mapped[bytes] = mapped_column(LargeBinary(256), server_default="")
    driver: Mapped[str] = mapped_column(String(255), server_default="")
    reserved_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lent_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    blob_id: Mapped[int | None] = mapped_column(ForeignKey("blob.id"))
    claim: Mapped[str | None] = mapped_column(String(64))
    claim_until: Mapped[datetime | None] = mapped_column(UtcTime)
    dead: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
