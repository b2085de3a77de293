"""Compute the sizes of projects, repositories and artifacts, and the bytes a deletion would free.

What *own* and *shared* mean for artifacts stands in `family`. For a repository own is what the project's quota would
get back if it were deleted and purged: its manifests and the blobs that no other repository of the project holds, with
what waits in its trash. For a project it is what the registry would get back: the blobs that no other project holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from moorage.artifacts import deletion_closure, service
from moorage.artifacts.deletion_closure import Bytes
from moorage.db import compiled_statements
from moorage.db.compiled_statements import Prepared
from moorage.db.hand_written_sql import call, each, one
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.quotas import service as quotas
from moorage.repositories.tables import Artifact, Pull, Repository, Tag

MAX_REFERENCES = 500
MAX_NAMES = 10
"""Repositories that are named as those that share."""

BY_SIZE = ("own", "shared")


class RepositorySize(msgspec.Struct, frozen=True):
    """What a repository holds. `shared_bytes`: of blobs that other repositories of the project hold, too."""

    id: int
    path: str
    artifact_count: int
    own_bytes: int = 0
    shared_bytes: int = 0
    tag_count: int = 0
    pulled_at: datetime | None = None


class Sharer(msgspec.Struct, frozen=True):
    """A repository, and how many bytes it shares with another."""

    path: str
    shared_bytes: int


@dataclass(frozen=True, slots=True)
class ProjectSize:
    """What a project holds.

    Attributes:
        held_bytes: what its quota counts: blobs, manifests, and what open uploads have reserved.
        trash_bytes: of those, what only the trash holds.
        limit_bytes: -1: none.
        own_bytes: of the blobs; None: the caller may not know.
    """

    held_bytes: int
    trash_bytes: int
    limit_bytes: int
    blobs: int
    blob_bytes: int
    own_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What artifacts hold, each for itself and all together. `missing`: references that name nothing."""

    each: Mapping[str, tuple[deletion_closure.Member, Bytes]] = field(default_factory=dict)
    together: Bytes = field(default_factory=Bytes)
    artifacts: int = 0
    missing: Sequence[str] = ()


_ALONE = """NOT EXISTS (SELECT 1 FROM repository_blob o
    WHERE o.project_id = l.project_id AND o.blob_id = l.blob_id AND o.repository_id <> l.repository_id)"""
_LINKS = f"""SELECT l.repository_id, sum(CASE WHEN {_ALONE} THEN c.size_bytes ELSE 0 END), sum(c.size_bytes)
FROM repository_blob l JOIN project_blob c ON c.project_id = l.project_id AND c.blob_id = l.blob_id
WHERE c.holding <> 'released' AND l.repository_id IN ({{ids}}) GROUP BY l.repository_id"""  # noqa: S608 - put together from constants
_MANIFESTS = """SELECT repository_id, sum(manifest_bytes) FROM artifact
WHERE repository_id IN ({ids}) GROUP BY repository_id"""
_LINKS_OF, _MANIFESTS_OF = deletion_closure.of_ids(_LINKS), deletion_closure.of_ids(_MANIFESTS)
_SHARERS = Query(
    """SELECT r.path, sum(c.size_bytes)
FROM repository_blob l
JOIN repository_blob o ON o.project_id = l.project_id AND o.blob_id = l.blob_id AND o.repository_id <> l.repository_id
JOIN project_blob c ON c.project_id = l.project_id AND c.blob_id = l.blob_id
JOIN repository r ON r.id = o.repository_id
WHERE l.repository_id = $1 AND r.trash_id IS NULL AND c.holding <> 'released'
GROUP BY r.id, r.path ORDER BY 2 DESC, 1 LIMIT $2"""
)
_PROJECT = Query(
    """SELECT count(*), coalesce(sum(size_bytes), 0) FROM project_blob
WHERE project_id = $1 AND holding <> 'released'"""
)
_PROJECT_OWN = Query(
    """SELECT coalesce(sum(c.size_bytes), 0) FROM project_blob c
WHERE c.project_id = $1 AND c.holding <> 'released' AND NOT EXISTS (
    SELECT 1 FROM project_blob o
    WHERE o.blob_id = c.blob_id AND o.project_id <> c.project_id AND o.holding <> 'released')"""
)
_IDS: Any = bindparam("ids", expanding=True)
_FIELDS = Fields(
    {
        "name": Field(Repository.path),
        "artifacts": Field(Repository.artifact_count, kind="number"),
    },
    key=Repository.id,
)
_IN_PROJECT = select(Repository.id, Repository.path, Repository.artifact_count).where(
    Repository.project_id == bindparam("project"), Repository.trash_id.is_(None), Repository.artifact_count > 0
)


_TAGS = Prepared(select(Tag.repository_id, func.count()).where(Tag.repository_id.in_(_IDS)).group_by(Tag.repository_id))
_PULLED = Prepared(
    select(Artifact.repository_id, func.max(Pull.pulled_at))
    .join(Pull, Pull.artifact_id == Artifact.id)
    .where(Artifact.repository_id.in_(_IDS), Artifact.trash_id.is_(None))
    .group_by(Artifact.repository_id)
)


def note_use(work: Work, repositories: Iterable[RepositorySize]) -> list[RepositorySize]:
    """These repositories, with how many tags they have and when one of their artifacts was last pulled.

    Two statements.
    """
    listed = list(repositories)
    if not listed:
        return []
    ids = {"ids": [one.id for one in listed]}
    counted, pulled = compiled_statements.each(work, (_TAGS, ids), (_PULLED, ids))
    tags = {row[0]: row[1] for row in counted}
    times = {row[0]: row[1] for row in pulled}
    return [msgspec.structs.replace(one, tag_count=tags.get(one.id, 0), pulled_at=times.get(one.id)) for one in listed]


def measure_repositories(work: Work, repositories: Iterable[RepositorySize]) -> list[RepositorySize]:
    """These repositories, of whatever project, with what they hold. Two statements."""
    listed = list(repositories)
    ids = deletion_closure.ids_argument(work, (one.id for one in listed))
    links, manifests = each(work, (call(_LINKS_OF, ids), call(_MANIFESTS_OF, ids)))
    held = {row[0]: (int(row[1]), int(row[2])) for row in links}
    written = {row[0]: int(row[1]) for row in manifests}
    measured = []
    for repository in listed:
        own, both = held.get(repository.id, (0, 0))
        measured.append(
            msgspec.structs.replace(repository, own_bytes=own + written.get(repository.id, 0), shared_bytes=both - own)
        )
    return measured


def list_repositories(work: Work, project_id: int, listing: Listing) -> tuple[list[RepositorySize], int, list[str]]:
    """A page of a project's repositories with what they hold, how many there are, and what was ignored.

    Without an order of its own the largest own bytes come first.

    Cost: six statements. By `own` or `shared` it reads all links of the project, else those of the page.
    """
    here = {"project": project_id}
    key, descends = listing.sort[0] if listing.sort else ("own", True)
    if key in BY_SIZE:
        conditions, ignored = _FIELDS.where(listing)
        matching = _IN_PROJECT.where(*conditions)
        ignored += [name for name, _ in listing.sort[1:]]
        rows = measure_repositories(work, [RepositorySize(*row) for row in work.db.execute(matching, here)])
        rows.sort(key=lambda row: row.path)
        rows.sort(key=lambda row: row.own_bytes if key == "own" else row.shared_bytes, reverse=descends)
        return note_use(work, rows[listing.offset : listing.offset + listing.page_size]), len(rows), ignored
    page, total, ignored = _FIELDS.list_rows(work, _IN_PROJECT, listing, "name", here)
    return note_use(work, measure_repositories(work, [RepositorySize(*row) for row in page])), total, ignored


def measure_repository(work: Work, project_id: int, path: str) -> tuple[RepositorySize, list[Sharer]]:
    """What a repository holds, and the ten repositories of the project that share most with it.

    Raises:
        RepositoryUnknown: there is none.

    Cost: six statements.
    """
    found = service.get_repository(work, project_id, path)
    row = RepositorySize(found.id, found.path, found.artifact_count)
    (measured,) = note_use(work, measure_repositories(work, [row]))
    (sharers,) = each(work, (call(_SHARERS, found.id, MAX_NAMES),))
    return measured, [Sharer(name, int(size)) for name, size in sharers]


def measure_project(work: Work, project_id: int, *, over_projects: bool) -> ProjectSize:
    """What a project holds. Two statements, one more for what it shares with other projects.

    Args:
        over_projects: look at other projects, too: only for whoever may see all of them.

    Raises:
        ProjectUnknown: there is none.
    """
    usage = quotas.get_usage(work, project_id)
    counted = one(work, _PROJECT, project_id) or (0, 0)
    own = one(work, _PROJECT_OWN, project_id) if over_projects else None
    return ProjectSize(
        usage.used_bytes + usage.trash_bytes,
        usage.trash_bytes,
        usage.limit_bytes,
        int(counted[0]),
        int(counted[1]),
        None if own is None else int(own[0]),
    )


def measure_artifacts(work: Work, project_id: int, path: str, references: Iterable[str]) -> Measured:
    """What the artifacts hold that tags and digests name: each as if it alone were deleted, and all as if together.

    Raises:
        RepositoryUnknown: there is none.
        MeasureLimit: as `family.find_family`.

    Cost: eight statements.
    """
    repository = service.get_repository(work, project_id, path)
    wanted = list(dict.fromkeys(references))
    named = service.find_artifacts(work, repository.id, wanted)
    found = deletion_closure.find_family(work, project_id, repository.id, named.values())
    uses = deletion_closure.find_uses(work, found)
    single = {
        reference: (
            found.members[artifact],
            deletion_closure.measure(found, uses, deletion_closure.find_going(found, [artifact])),
        )
        for reference in wanted
        if (artifact := named.get(reference)) is not None
    }
    going = deletion_closure.find_going(found, set(named.values()))
    missing = [reference for reference in wanted if reference not in named]
    return Measured(single, deletion_closure.measure(found, uses, going), len(going), missing)
