"""Compute the bytes that come back when each entry of the trash is purged."""

from collections.abc import Iterable, Sequence

from moorage.artifacts import deletion_closure
from moorage.db.hand_written_sql import call, each
from moorage.db.unit_of_work import Work
from moorage.trash.trash import TrashRow
from moorage.usage import sizes
from moorage.usage.sizes import RepositorySize

_ARTIFACTS_OF = deletion_closure.of_ids("SELECT trash_id, id, manifest_bytes FROM artifact WHERE trash_id IN ({ids})")
_REPOSITORIES_OF = deletion_closure.of_ids("SELECT trash_id, id FROM repository WHERE trash_id IN ({ids})")
_HELD_OF = deletion_closure.of_ids(
    "SELECT project_id, sum(used_bytes) FROM quota_slot WHERE project_id IN ({ids}) GROUP BY project_id"
)
# Each blob of these artifacts in each repository, with all that use it there and whether others hold it.
_BLOBS_OF = deletion_closure.of_ids(
    """SELECT w.repository_id, w.blob_id, c.size_bytes,
    (SELECT count(*) FROM artifact_blob u WHERE u.repository_id = w.repository_id AND u.blob_id = w.blob_id),
    EXISTS (SELECT 1 FROM repository_blob l
        WHERE l.project_id = w.project_id AND l.blob_id = w.blob_id AND l.repository_id <> w.repository_id)
FROM (SELECT DISTINCT u.repository_id, u.blob_id, r.project_id
    FROM artifact_blob u JOIN repository r ON r.id = u.repository_id WHERE u.artifact_id IN ({ids})) w
JOIN project_blob c ON c.project_id = w.project_id AND c.blob_id = w.blob_id"""
)
_USES_OF = deletion_closure.of_ids(
    "SELECT artifact_id, repository_id, blob_id FROM artifact_blob WHERE artifact_id IN ({ids})"
)


def measure_acts(work: Work, rows: Sequence[TrashRow]) -> dict[int, int]:
    """Bytes that the quota gets back if an act alone is purged, by its id; what two acts share, neither has.

    A tag's act holds none. A repository's holds all that only the repository holds, a project's all of the project.

    Cost: seven statements at most.
    """
    by_kind: dict[str, list[TrashRow]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row)
    found = dict.fromkeys((row.id for row in rows), 0)
    found |= _measure_artifacts(work, [row.id for row in by_kind.get("artifact", ())])
    found |= _measure_repositories(work, [row.id for row in by_kind.get("repository", ())])
    projects = {row.project_id: row.id for row in by_kind.get("project", ())}
    if projects:
        (held,) = each(work, (call(_HELD_OF, deletion_closure.ids_argument(work, projects)),))
        found |= {projects[project]: int(size) for project, size in held}
    return found


def _measure_artifacts(work: Work, acts: Iterable[int]) -> dict[int, int]:
    ids = list(acts)
    if not ids:
        return {}
    (artifacts,) = each(work, (call(_ARTIFACTS_OF, deletion_closure.ids_argument(work, ids)),))
    act_of = {artifact: act for act, artifact, _ in artifacts}
    found = dict.fromkeys(ids, 0)
    for act, _, size in artifacts:
        found[act] += size
    wanted = deletion_closure.ids_argument(work, act_of)
    uses, blobs = each(work, (call(_USES_OF, wanted), call(_BLOBS_OF, wanted)))
    counted: dict[tuple[int, int, int], int] = {}
    for artifact, repository, blob in uses:
        key = (act_of[artifact], repository, blob)
        counted[key] = counted.get(key, 0) + 1
    known = {(repository, blob): (size, users, elsewhere) for repository, blob, size, users, elsewhere in blobs}
    for (act, repository, blob), count in counted.items():
        size, users, elsewhere = known[repository, blob]
        if users == count and not elsewhere:
            found[act] += size
    return found


def _measure_repositories(work: Work, acts: Iterable[int]) -> dict[int, int]:
    ids = list(acts)
    if not ids:
        return {}
    (repositories,) = each(work, (call(_REPOSITORIES_OF, deletion_closure.ids_argument(work, ids)),))
    act_of = {repository: act for act, repository in repositories}
    measured = sizes.measure_repositories(work, [RepositorySize(repository, "", 0) for repository in act_of])
    return {act_of[one.id]: one.own_bytes for one in measured}
