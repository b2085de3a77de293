"""Repositories and artifacts by name, as the REST API speaks of them."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, select, update

from moorage.db.compiled_statements import Prepared
from moorage.db.locks import pass_gate
from moorage.db.unit_of_work import Work
from moorage.errors import (
    DescriptionInvalid,
    DigestInvalid,
    ManifestUnknown,
    NameInvalid,
    RepositoryUnknown,
    TagInvalid,
)
from moorage.events import RepositoryChanged
from moorage.oci.digest import Digest
from moorage.oci.names import parse_reference, parse_repository
from moorage.projects.tables import Project
from moorage.repositories.tables import Artifact, Repository, Tag

MAX_DESCRIPTION = 65_536
"""Characters of a repository's description."""


class RepositoryRow(msgspec.Struct, frozen=True):
    """A live repository. `path`: `project/rest`; `artifact_count`: of its default list."""

    id: int
    project_id: int
    path: str
    description: str
    artifact_count: int
    pull_count: int
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime | None


REPOSITORY_COLUMNS = (
    Repository.id,
    Repository.project_id,
    Repository.path,
    Repository.description,
    Repository.artifact_count,
    Repository.pull_count,
    Repository.created_at,
    Repository.updated_at,
    Repository.pushed_at,
)
_REPOSITORY = Prepared(
    select(*REPOSITORY_COLUMNS).where(
        Repository.path == bindparam("path"),
        Repository.project_id == bindparam("project"),
        Repository.trash_id.is_(None),
    )
)
_IS_LIVE = select(Project.id).where(Project.id == bindparam("project"), Project.trash_id.is_(None))
_DESCRIBE = (
    update(Repository)
    .where(Repository.id == bindparam("repository"))
    .values(description=bindparam("text"), updated_at=bindparam("now"))
)
_COLUMNS = (Artifact.id, Artifact.digest, Artifact.accessory)
_BY_DIGEST = select(*_COLUMNS).where(
    Artifact.repository_id == bindparam("repository"), Artifact.digest == bindparam("digest"),
    Artifact.trash_id.is_(None),
)  # fmt: skip
_BY_TAG = (
    select(*_COLUMNS)
    .join(Tag, Tag.artifact_id == Artifact.id)
    .where(Tag.repository_id == bindparam("repository"), Tag.name == bindparam("tag"))
)

_BY_DIGESTS = select(Artifact.digest, Artifact.id).where(
    Artifact.repository_id == bindparam("repository"), Artifact.digest.in_(bindparam("digests", expanding=True)),
    Artifact.trash_id.is_(None),
)  # fmt: skip
_BY_TAGS = select(Tag.name, Tag.artifact_id).where(
    Tag.repository_id == bindparam("repository"), Tag.name.in_(bindparam("tags", expanding=True))
)


@dataclass(frozen=True, slots=True)
class FoundArtifact:
    """A live artifact."""

    id: int
    digest: Digest
    accessory: bool


def get_repository(work: Work, project_id: int, path: str) -> RepositoryRow:
    """The live repository `project/rest` of a project; it may hold nothing, and is not listed then.

    Raises:
        RepositoryUnknown: there is none, or it cannot be one's name.
    """
    try:
        parse_repository(path)
    except NameInvalid:
        raise RepositoryUnknown(repository=path[:255]) from None
    rows = _REPOSITORY.rows(work, {"path": path, "project": project_id})
    if not rows:
        raise RepositoryUnknown(repository=path)
    return RepositoryRow(*rows[0])


def enter_repository(work: Work, project_id: int, path: str) -> RepositoryRow:
    """The same for somebody who is going to change it: the project's gate is passed, so nobody deletes it meanwhile.

    Raises:
        RepositoryUnknown: as `get_repository`, or the project is gone.
    """
    pass_gate(work, project_id)
    if work.db.execute(_IS_LIVE, {"project": project_id}).first() is None:
        raise RepositoryUnknown(repository=path[:255])
    return get_repository(work, project_id, path)


def get_artifact(work: Work, repository_id: int, reference: str) -> FoundArtifact:
    """The live artifact that a tag or a digest names.

    Raises:
        ManifestUnknown: there is none, or `reference` is neither.
    """
    try:
        parsed = parse_reference(reference)
    except (DigestInvalid, TagInvalid):
        raise ManifestUnknown(reference=reference[:200]) from None
    if isinstance(parsed, Digest):
        row = work.db.execute(_BY_DIGEST, {"repository": repository_id, "digest": parsed.binary}).first()
    else:
        row = work.db.execute(_BY_TAG, {"repository": repository_id, "tag": parsed}).first()
    if row is None:
        raise ManifestUnknown(reference=reference[:200])
    return FoundArtifact(row.id, Digest.from_binary(bytes(row.digest)), bool(row.accessory))


def find_artifacts(work: Work, repository_id: int, references: Iterable[str]) -> dict[str, int]:
    """The ids of the live artifacts that tags and digests name; what names none is left out.

    Cost: a statement for the tags and one for the digests. The caller bounds how many there are.
    """
    tags: list[str] = []
    digests: dict[bytes, str] = {}
    for reference in references:
        with contextlib.suppress(DigestInvalid, TagInvalid):
            parsed = parse_reference(reference)
            if isinstance(parsed, Digest):
                digests[parsed.binary] = reference
            else:
                tags.append(reference)
    found: dict[str, int] = {}
    if tags:
        found |= {
            row.name: row.artifact_id for row in work.db.execute(_BY_TAGS, {"repository": repository_id, "tags": tags})
        }
    if digests:
        rows = work.db.execute(_BY_DIGESTS, {"repository": repository_id, "digests": list(digests)})
        found |= {digests[bytes(digest)]: one for digest, one in rows}
    return found


def set_description(work: Work, project_id: int, path: str, description: str) -> None:
    """Change what a repository says of itself.

    Raises:
        RepositoryUnknown: there is none.
        DescriptionInvalid: it is too long.
    """
    if len(description) > MAX_DESCRIPTION or "\0" in description:
        raise DescriptionInvalid
    repository = enter_repository(work, project_id, path)
    if repository.description == description:
        return
    work.db.execute(_DESCRIBE, {"repository": repository.id, "text": description, "now": work.now})
    work.emit(RepositoryChanged(project_id, path, {"description": description[:255]}))
