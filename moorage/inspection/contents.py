"""List the contents of an artifact: manifest, config, layers, children, and other users of each blob.

The config is a blob, so it is read outside of the statements, within the bounds of the additions: at most 1 MiB.

Source: OCI image-spec v1.1 manifest.md, image-index.md and config.md ("history").
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from sqlalchemy import BigInteger, and_, bindparam, func, literal, select

from moorage.artifacts import kinds, lists, service
from moorage.artifacts.describe import MAX_CONFIG_BYTES, Contents, read_blob
from moorage.artifacts.lists import ArtifactRow
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.logs import with_cause
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.oci.manifest import Descriptor
from moorage.oci.manifest import Manifest as Parsed
from moorage.oci.platforms import Platform, is_attestation, read_platform
from moorage.repositories.tables import (
    Artifact,
    ArtifactBlob,
    ArtifactReference,
    Blob,
    Manifest,
    Repository,
    RepositoryBlob,
)

log = logging.getLogger("moorage.inspection")

MAX_NAMES = 5
"""Repositories that are named beside a blob; all of them are counted."""

_SECONDS = 3.0
"""How long a request waits for the config, with the wait for its turn."""

Unread = Literal["", "absent", "too_large", "damaged", "unavailable", "not_json"]
"""Why there is no content of a config: the blob is not in the repository, over 1 MiB, its bytes are not what their name
says, the storage does not give it now, or it is no JSON object. Empty: there is."""


@dataclass(frozen=True, slots=True)
class Users:
    """What uses a blob beside the artifact that is looked at.

    Attributes:
        artifacts: others of the same repository, in its trash too.
        repositories: others of the same project that hold it.
        names: whole names of the first of those repositories, at most 5.
    """

    artifacts: int = 0
    repositories: int = 0
    names: tuple[str, ...] = ()


class ChildRow(msgspec.Struct, frozen=True):
    """An entry of an index. `artifact_id`, `kind` and `size_bytes` None: the child is not in the repository."""

    digest: bytes
    platform: dict[str, Any] | None
    annotations: dict[str, str] | None
    artifact_id: int | None
    kind: str | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Parts:
    """What an artifact consists of.

    Attributes:
        raw: the manifest, byte for byte.
        users: of the blobs that are in the repository, by digest.
        children: of an index, in its order.
        config_key: where the config's bytes are; "": not here.
    """

    row: ArtifactRow
    raw: bytes
    parsed: Parsed
    users: Mapping[Digest, Users] = field(default_factory=dict)
    children: Sequence[ChildRow] = ()
    config_key: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """A config that was read. `content`: the JSON object; None where there is none, and `unread` says why."""

    content: dict[str, Any] | None = None
    unread: Unread = ""


@dataclass(frozen=True, slots=True)
class Step:
    """The line of an image's history that made a layer; empty where it says nothing."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""


_MANIFEST = select(Manifest.bytes).where(Manifest.artifact_id == bindparam("artifact"))
_OTHER_LINK = RepositoryBlob.__table__.alias("other_link")
_USE = ArtifactBlob.__table__.alias("use")
_BLOBS = (
    select(
        Blob.id,
        Blob.digest,
        Blob.key,
        select(func.count())
        .select_from(_USE)
        .where(_USE.c.repository_id == ArtifactBlob.repository_id, _USE.c.blob_id == ArtifactBlob.blob_id)
        .scalar_subquery(),
        select(func.count())
        .select_from(_OTHER_LINK)
        .where(
            _OTHER_LINK.c.project_id == bindparam("project"),
            _OTHER_LINK.c.blob_id == ArtifactBlob.blob_id,
            _OTHER_LINK.c.repository_id != ArtifactBlob.repository_id,
        )
        .scalar_subquery(),
    )
    .select_from(ArtifactBlob)
    .join(Blob, Blob.id == ArtifactBlob.blob_id)
    .where(ArtifactBlob.artifact_id == bindparam("artifact"), ArtifactBlob.repository_id == bindparam("repository"))
)
# Up to the fifth other repository of each blob: a base layer may be in thousands.
_LAST_NAMED = (
    select(_OTHER_LINK.c.repository_id)
    .where(
        _OTHER_LINK.c.project_id == bindparam("project"),
        _OTHER_LINK.c.blob_id == ArtifactBlob.blob_id,
        _OTHER_LINK.c.repository_id != ArtifactBlob.repository_id,
    )
    .order_by(_OTHER_LINK.c.repository_id)
    .limit(1)
    .offset(MAX_NAMES - 1)
    .scalar_subquery()
)
_NAMES = (
    select(ArtifactBlob.blob_id, Repository.path)
    .select_from(ArtifactBlob)
    .join(
        RepositoryBlob,
        and_(
            RepositoryBlob.project_id == bindparam("project"),
            RepositoryBlob.blob_id == ArtifactBlob.blob_id,
            RepositoryBlob.repository_id != ArtifactBlob.repository_id,
            RepositoryBlob.repository_id <= func.coalesce(_LAST_NAMED, literal(2**62, BigInteger)),
        ),
    )
    .join(Repository, Repository.id == RepositoryBlob.repository_id)
    .where(
        ArtifactBlob.artifact_id == bindparam("artifact"), ArtifactBlob.repository_id == bindparam("repository"),
        Repository.trash_id.is_(None),
    )
    .order_by(ArtifactBlob.blob_id, Repository.path)
)  # fmt: skip
_CHILDREN = (
    select(
        ArtifactReference.child_digest,
        ArtifactReference.platform,
        ArtifactReference.annotations,
        Artifact.id,
        Artifact.kind,
        Artifact.size_bytes,
    )
    .outerjoin(Artifact, and_(Artifact.id == ArtifactReference.child_id, Artifact.trash_id.is_(None)))
    .where(ArtifactReference.parent_id == bindparam("artifact"))
    .order_by(ArtifactReference.position)
)


def find_parts(work: Work, project_id: int, path: str, reference: str) -> Parts:
    """What an artifact consists of, without the content of its config.

    Raises:
        RepositoryUnknown, ManifestUnknown: there is no such artifact.

    Cost: seven statements, of an index five.
    """
    repository = service.get_repository(work, project_id, path)
    row = lists.get_artifact_row(work, service.get_artifact(work, repository.id, reference).id)
    here = {"artifact": row.id, "repository": repository.id, "project": project_id}
    raw = bytes(work.db.execute(_MANIFEST, here).scalar_one())
    parsed = manifests.parse(raw, row.media_type)
    if parsed.config is None:
        children = [ChildRow(*one) for one in work.db.execute(_CHILDREN, here)]
        return Parts(row, raw, parsed, children=children)
    blobs = work.db.execute(_BLOBS, here).all()
    names: dict[int, list[str]] = {}
    for blob, name in work.db.execute(_NAMES, here):
        names.setdefault(blob, []).append(name)
    users = {
        Digest.from_binary(bytes(digest)): Users(artifacts - 1, repositories, tuple(names.get(blob, ())))
        for blob, digest, _, artifacts, repositories in blobs
    }
    wanted = parsed.config.digest.binary
    key = next((key for _, digest, key, _, _ in blobs if bytes(digest) == wanted), "")
    return Parts(row, raw, parsed, users=users, config_key=key)


async def read_config(contents: Contents, parts: Parts) -> Config:
    """What is in an artifact's config; what cannot be read now is no error, and said."""
    config = parts.parsed.config
    if config is None or not parts.config_key:
        return Config(unread="absent")
    if config.size_bytes > MAX_CONFIG_BYTES:
        return Config(unread="too_large")
    try:
        async with asyncio.timeout(_SECONDS), contents.turns:
            raw = await read_blob(contents.storage, parts.config_key, config.digest, config.size_bytes)
    except TimeoutError:
        return Config(unread="unavailable")
    except Problem as problem:
        log.warning("a config could not be read: %s", with_cause(problem))
        return Config(unread="damaged" if problem.reason == "BLOB_DAMAGED" else "unavailable")
    if raw is None:
        return Config(unread="damaged")
    try:
        content = msgspec.json.decode(raw)
        msgspec.json.encode(content)  # what could be read can be shown, too
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TypeError, ValueError):
        content = None
    return Config(content) if isinstance(content, dict) else Config(unread="not_json")


def steps_of(parts: Parts, config: Config) -> list[Step | None]:
    """For each layer the line of history that made it; all None unless the history speaks of as many layers."""
    nothing: list[Step | None] = [None] * len(parts.parsed.layers)
    history = (config.content or {}).get("history") if parts.row.kind == kinds.IMAGE else None
    if not isinstance(history, list):
        return nothing
    made = [one for one in history if isinstance(one, dict) and one.get("empty_layer") is not True]
    if len(made) != len(nothing):
        return nothing
    return [Step(*(_text(one.get(key)) for key in ("created", "created_by", "author", "comment"))) for one in made]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def platform_of(parts: Parts, config: Config) -> Platform | None:
    """What an image runs on, as its config says; None for an index and for what is no image."""
    return read_platform(config.content) if parts.row.kind == kinds.IMAGE else None


def platforms_of(parts: Parts) -> list[tuple[Platform, ChildRow]]:
    """The children of an index that run somewhere, in the order of platforms; attestations are none."""
    found = [
        (platform, child)
        for child in parts.children
        if not is_attestation(child.annotations) and (platform := read_platform(child.platform)) is not None
    ]
    return sorted(found, key=lambda pair: pair[0].place)


def users_of(parts: Parts, part: Descriptor) -> Users | None:
    """What else uses a blob; None: it is not in the repository (a foreign layer)."""
    return parts.users.get(part.digest)
