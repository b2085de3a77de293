"""What a proxy keeps in the database: marks of tags, held manifests, and artifacts once they are whole."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from moorage.artifacts import push
from moorage.artifacts.delete import delete_tag
from moorage.artifacts.service import get_repository
from moorage.db.base import db_now
from moorage.db.statements import Query, Reader
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestUnknown, ProjectUnknown, RepositoryUnknown, TagImmutable
from moorage.events import Actor
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.projects.tables import Project
from moorage.proxycache.tables import ProxyManifest, ProxyTag
from moorage.registries.service import RegistryRow, get_registry
from moorage.remotes.registry_reader import RemoteManifest
from moorage.repositories.creation import Destination, find_destination
from moorage.repositories.lookup import FoundManifest
from moorage.repositories.tables import Artifact, Blob, Manifest, Repository, RepositoryBlob

PROXY = Actor(name="proxy-cache", credential="system")
"""In whose name a proxy keeps what it fetched."""

HELD_DAYS = 1
"""How long a manifest is held whose blobs nobody pulls."""

_MARK = Query("SELECT digest, {left:checked_at} FROM proxy_tag WHERE project_id = $1 AND path = $2 AND name = $3")
_HELD = Query("SELECT media_type, bytes FROM proxy_manifest WHERE project_id = $1 AND path = $2 AND digest = $3")
_ALL_HELD = Query(
    """SELECT digest, media_type, bytes FROM proxy_manifest WHERE project_id = $1 AND path = $2
ORDER BY fetched_at DESC LIMIT 100"""
)
_LOCAL = """SELECT a.id, a.digest, a.media_type, m.bytes, r.id
FROM repository r
{join}
JOIN manifest m ON m.artifact_id = a.id
WHERE r.project_id = $1 AND r.path = $2 AND r.trash_id IS NULL"""
_BY_TAG = Query(
    _LOCAL.format(join="JOIN tag t ON t.repository_id = r.id AND t.name = $3 JOIN artifact a ON a.id = t.artifact_id")
)
_BY_DIGEST = Query(
    _LOCAL.format(join="JOIN artifact a ON a.repository_id = r.id AND a.digest = $3 AND a.trash_id IS NULL")
)
_PROJECT = select(Project.name, Project.epoch, Project.registry_id, Project.settings).where(
    Project.id == bindparam("project"), Project.trash_id.is_(None)
)
_TAGS = select(ProxyTag.name).where(
    ProxyTag.project_id == bindparam("project"), ProxyTag.path == bindparam("path"),
    ProxyTag.digest == bindparam("digest"),
)  # fmt: skip
_KEPT = (
    select(Manifest.bytes, Artifact.media_type)
    .join(Artifact, Artifact.id == Manifest.artifact_id)
    .join(Repository, Repository.id == Artifact.repository_id)
    .where(
        Repository.project_id == bindparam("project"), Repository.path == bindparam("path"),
        Repository.trash_id.is_(None), Artifact.digest == bindparam("digest"), Artifact.trash_id.is_(None),
    )
)  # fmt: skip
_LINKED = (
    select(Blob.digest)
    .join(RepositoryBlob, RepositoryBlob.blob_id == Blob.id)
    .join(Repository, Repository.id == RepositoryBlob.repository_id)
    .where(
        Repository.path == bindparam("path"), Repository.project_id == bindparam("project"),
        Repository.trash_id.is_(None), ~RepositoryBlob.hidden, Blob.state == "live",
        Blob.digest.in_(bindparam("digests", expanding=True)),
    )
)  # fmt: skip
_INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}  # the two have no common type


class Mark(msgspec.Struct, frozen=True):
    """Where a tag led when the upstream was asked, `age_seconds` ago. `digest` None: nowhere."""

    digest: Digest | None
    age_seconds: float


class ProxyRow(msgspec.Struct, frozen=True):
    """A proxy as it is stored."""

    project_id: int
    name: str
    epoch: int
    settings: Mapping[str, str]
    registry: RegistryRow


# -- reading ------------------------------------------------------------------------------------------------


def get_proxy(work: Work, project_id: int) -> ProxyRow:
    """A project with the registry that it mirrors.

    Raises:
        ProjectUnknown: it is gone, or mirrors none.
    """
    row = work.db.execute(_PROJECT, {"project": project_id}).first()
    if row is None or row.registry_id is None:
        raise ProjectUnknown(id=project_id)
    settings = {key: str(value) for key, value in row.settings.items()}
    return ProxyRow(project_id, row.name, row.epoch, settings, get_registry(work, row.registry_id))


async def find_mark(read: Reader, project_id: int, path: str, tag: str) -> Mark | None:
    """What is known of a tag; None: the upstream was never asked for it."""
    row = await read.one(_MARK, project_id, path, tag)
    if row is None:
        return None
    return Mark(None if row[0] is None else Digest.from_binary(bytes(row[0])), -float(row[1]))


async def find_tagged(read: Reader, project_id: int, path: str, tag: str) -> FoundManifest | None:
    """The artifact that a tag leads to here."""
    row = await read.one(_BY_TAG, project_id, path, tag)
    return None if row is None else FoundManifest(*row)


async def find_kept(read: Reader, project_id: int, path: str, digest: Digest) -> FoundManifest | None:
    """The artifact of a digest."""
    row = await read.one(_BY_DIGEST, project_id, path, digest.binary)
    return None if row is None else FoundManifest(*row)


async def find_held(read: Reader, project_id: int, path: str, digest: Digest) -> RemoteManifest | None:
    """A manifest that is held."""
    row = await read.one(_HELD, project_id, path, digest.binary)
    return None if row is None else RemoteManifest(digest, row[0], bytes(row[1]))


async def list_held(read: Reader, project_id: int, path: str) -> list[RemoteManifest]:
    """The manifests that a repository holds, the newest 100."""
    rows = await read.all(_ALL_HELD, project_id, path)
    return [RemoteManifest(Digest.from_binary(bytes(row[0])), row[1], bytes(row[2])) for row in rows]


# -- keeping ------------------------------------------------------------------------------------------------


def note_mark(work: Work, project_id: int, path: str, tag: str, digest: Digest | None) -> None:
    """Note where a tag leads now."""
    statement = _INSERTS[work.db.dialect.name](ProxyTag).values(
        project_id=project_id, path=path, name=tag, digest=None if digest is None else digest.binary,
        checked_at=db_now(),
    )  # fmt: skip
    changes = {"digest": statement.excluded.digest, "checked_at": statement.excluded.checked_at}
    work.db.execute(statement.on_conflict_do_update(index_elements=["project_id", "path", "name"], set_=changes))


def keep_manifest(work: Work, to: Destination, found: RemoteManifest, tag: str = "") -> bool:
    """Keep a manifest that was fetched, and note that a tag leads to it; whether it is an artifact now.

    It is held instead while blobs that it names are not here. An index needs none: it is kept as it is, and its
    children are linked as they come.

    Raises:
        ManifestInvalid: no registry of ours can hold this.
        QuotaExceeded, ProjectFull: there is no room for it.
    """
    if tag:
        note_mark(work, to.project_id, to.path, tag, found.digest)
    parsed = manifests.parse(found.raw, found.media_type)
    if _lacks_blobs(work, to, parsed):
        _hold(work, to, found)
        return False
    _record(work, to, parsed, found, [tag] if tag else [])
    return True


def promote(work: Work, to: Destination, digest: Digest) -> bool:
    """Make an artifact of a held manifest, with the tags that lead to it; False: it lacks blobs still, or is gone."""
    held = work.db.execute(select(ProxyManifest.media_type, ProxyManifest.bytes).where(*_is(to, digest))).first()
    if held is None:
        return False
    parsed = manifests.parse(bytes(held.bytes), held.media_type)
    if _lacks_blobs(work, to, parsed):
        return False
    values = {"project": to.project_id, "path": to.path, "digest": digest.binary}
    tags = list(work.db.scalars(_TAGS, values))
    _record(work, to, parsed, RemoteManifest(digest, held.media_type, bytes(held.bytes)), tags)
    return True


def move_tag(work: Work, to: Destination, tag: str, digest: Digest) -> bool:
    """Have a tag lead to an artifact that is here already; False: it is not."""
    values = {"project": to.project_id, "path": to.path, "digest": digest.binary}
    row = work.db.execute(_KEPT, values).first()
    if row is None:
        return False
    raw = bytes(row.bytes)
    note_mark(work, to.project_id, to.path, tag, digest)
    found = RemoteManifest(digest, row.media_type, raw)
    _record(work, to, manifests.parse(raw, row.media_type), found, [tag])
    return True


def drop_tag(work: Work, to: Destination, tag: str) -> None:
    """Note that a tag leads nowhere any more, and have it lead nowhere here; where a rule keeps it, it stays."""
    with contextlib.suppress(RepositoryUnknown, ManifestUnknown, TagImmutable), work.db.begin_nested():
        delete_tag(work, to.project_id, get_repository(work, to.project_id, to.path).id, to.path, tag)
    note_mark(work, to.project_id, to.path, tag, None)


def destination(work: Work, project_id: int, path: str) -> Destination:
    """A repository of a live project, to be written to.

    Raises:
        ProjectUnknown: the project is gone.
    """
    to = find_destination(work, project_id, path)
    if to is None:
        raise ProjectUnknown(id=project_id)
    return to


def _record(
    work: Work, to: Destination, parsed: manifests.Manifest, found: RemoteManifest, tags: Sequence[str]
) -> None:
    """Record an artifact; where a rule keeps a tag where it is, without it."""
    try:
        with work.db.begin_nested():
            push.record(work, to, found.digest, parsed, found.raw, tags=tags, sparse=True)
    except TagImmutable:
        push.record(work, to, found.digest, parsed, found.raw, sparse=True)
    work.db.execute(delete(ProxyManifest).where(*_is(to, found.digest)))


def _hold(work: Work, to: Destination, found: RemoteManifest) -> None:
    work.db.execute(
        delete(ProxyManifest).where(
            ProxyManifest.project_id == to.project_id, ProxyManifest.fetched_at < db_now(-86_400 * HELD_DAYS)
        )
    )
    statement = _INSERTS[work.db.dialect.name](ProxyManifest).values(
        project_id=to.project_id, path=to.path, digest=found.digest.binary, media_type=found.media_type,
        bytes=found.raw, fetched_at=db_now(),
    )  # fmt: skip
    changes = {"fetched_at": statement.excluded.fetched_at}
    work.db.execute(statement.on_conflict_do_update(index_elements=["project_id", "path", "digest"], set_=changes))


def _lacks_blobs(work: Work, to: Destination, parsed: manifests.Manifest) -> bool:
    wanted = [entry.digest.binary for entry in parsed.blobs]
    if not wanted:
        return False
    found = work.db.scalars(_LINKED, {"project": to.project_id, "path": to.path, "digests": wanted})
    return len({bytes(one) for one in found}) < len(set(wanted))


def _is(to: Destination, digest: Digest) -> tuple[ColumnElement[bool], ...]:
    return (
        ProxyManifest.project_id == to.project_id, ProxyManifest.path == to.path,
        ProxyManifest.digest == digest.binary,
    )  # fmt: skip
