"""Find wrong counters and flags in one snapshot, and repair them under the project's exclusive lock.

Every commit keeps them right; a database that was put together by hand, or a bug, may not. Only of live projects:
nobody asks what a project in the trash holds, and one that comes back can be checked then.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import text

from moorage.blobs import charge_states
from moorage.db.locks import close_gate
from moorage.db.unit_of_work import Work
from moorage.quotas import limits
from moorage.quotas import service as quotas


class Wrong(NamedTuple):
    """A counter that is wrong, or artifacts with a wrong flag: how many (`expected` is 0 then).

    `what`: `project NAME: COUNTER` or `repository PATH: COUNTER or FLAG`.
    """

    what: str
    counted: int
    expected: int


_OWN = """r.project_id = :project AND NOT EXISTS (
    SELECT 1 FROM trash t WHERE t.id = r.trash_id AND t.purging)"""  # what is being purged has no list any more
_PARENT = """EXISTS (SELECT 1 FROM artifact_reference x JOIN artifact p ON p.id = x.parent_id
    WHERE x.child_id = artifact.id AND p.trash_id IS NULL)"""
_TAGGED = "EXISTS (SELECT 1 FROM tag WHERE tag.artifact_id = artifact.id)"
_FLAGS = {
    "tagged": (_TAGGED, "true"),
    "child": (_PARENT, "artifact.trash_id IS NULL"),
    "accessory": ("(artifact.subject_digest IS NOT NULL)", "true"),
}
"""Each flag: what it has to be, and of which artifacts it says something."""
_MARKED = {
    name: text(f"""SELECT r.path, count(*) FROM artifact JOIN repository r ON r.id = artifact.repository_id
WHERE {_OWN} AND {where} AND artifact.{name} <> {value} GROUP BY r.path ORDER BY r.path""")  # noqa: S608 - ours
    for name, (value, where) in _FLAGS.items()
}
_MARK = {
    name: text(f"""UPDATE artifact SET {name} = {value} WHERE {where} AND {name} <> {value}
AND repository_id IN (SELECT r.id FROM repository r WHERE {_OWN})""")  # noqa: S608 - ours
    for name, (value, where) in _FLAGS.items()
}
_LISTED = """(SELECT count(*) FROM artifact a WHERE a.repository_id = r.id AND a.trash_id IS NULL
    AND (a.tagged OR NOT a.child) AND NOT a.accessory)"""
_COUNTS = text(f"""SELECT path, artifact_count, listed FROM (
    SELECT r.path, r.artifact_count, {_LISTED} AS listed FROM repository r WHERE {_OWN}) found
WHERE artifact_count <> listed ORDER BY path""")  # noqa: S608 - ours
_COUNT = text(f"""UPDATE repository AS r SET artifact_count = {_LISTED}
WHERE {_OWN} AND artifact_count <> {_LISTED}""")  # noqa: S608 - ours
_HOLDING_SOME = "(SELECT count(*) FROM repository r WHERE r.project_id = :project AND r.trash_id IS NULL AND r.listed)"
_REPOSITORIES = text(f"SELECT repository_count, {_HOLDING_SOME} FROM project WHERE id = :project")  # noqa: S608 - ours
_COUNT_REPOSITORIES = text(f"UPDATE project SET repository_count = {_HOLDING_SOME} WHERE id = :project")  # noqa: S608 - ours
_USES = """SELECT 1 FROM repository_blob l
    JOIN repository r ON r.id = l.repository_id
    JOIN artifact_blob u ON u.repository_id = l.repository_id AND u.blob_id = l.blob_id
    JOIN artifact a ON a.id = u.artifact_id
    WHERE l.project_id = project_blob.project_id AND l.blob_id = project_blob.blob_id"""
_HELD_BY = f"""CASE WHEN EXISTS ({_USES} AND a.trash_id IS NULL AND r.trash_id IS NULL) THEN 'used'
    WHEN EXISTS ({_USES}) THEN 'trash' WHEN holding = 'released' THEN 'released' ELSE 'used' END"""
_HOLDINGS = text(f"""SELECT count(*) FROM project_blob
WHERE project_id = :project AND holding <> {_HELD_BY}""")  # noqa: S608 - ours
_HOLD = text(f"""UPDATE project_blob SET holding = {_HELD_BY}
WHERE project_id = :project AND holding <> {_HELD_BY}""")  # noqa: S608 - ours
_TRASH = text("""SELECT trash_bytes,
    (SELECT coalesce(sum(size_bytes), 0) FROM project_blob WHERE project_id = :project AND holding = 'trash')
    + (SELECT coalesce(sum(a.manifest_bytes), 0) FROM artifact a JOIN repository r ON r.id = a.repository_id
       WHERE r.project_id = :project AND (a.trash_id IS NOT NULL OR r.trash_id IS NOT NULL))
FROM quota WHERE project_id = :project""")
_HELD = text("""SELECT
    (SELECT coalesce(sum(size_bytes), 0) FROM project_blob WHERE project_id = :project AND holding <> 'released')
    + (SELECT coalesce(sum(a.manifest_bytes), 0) FROM artifact a JOIN repository r ON r.id = a.repository_id
       WHERE r.project_id = :project)
    + (SELECT coalesce(sum(reserved_bytes), 0) FROM upload WHERE project_id = :project)""")
_COUNTED = text("SELECT coalesce(sum(used_bytes), 0) FROM quota_slot WHERE project_id = :project")
_TAGS = text("""SELECT used_tags, (SELECT count(*) FROM tag JOIN repository r ON r.id = tag.repository_id
    WHERE r.project_id = :project AND r.trash_id IS NULL)
FROM quota WHERE project_id = :project AND limit_tags >= 0""")
_PAGE = text("SELECT id, name FROM project WHERE trash_id IS NULL AND id > :after ORDER BY id LIMIT :limit")
_LIVE = text("SELECT 1 FROM project WHERE id = :project AND trash_id IS NULL")


def list_projects(work: Work, after: int, limit: int = 500) -> list[tuple[int, str]]:
    """The next live projects by their ids."""
    return [(row[0], row[1]) for row in work.db.execute(_PAGE, {"after": after, "limit": limit})]


def find_wrong(work: Work, project_id: int, name: str) -> list[Wrong]:
    """Find wrong counters of a project in one snapshot. Reads all its artifacts, tags and charges."""
    found: list[Wrong] = []
    values = {"project": project_id}
    for flag, query in _MARKED.items():
        found += [Wrong(f"repository {path}: {flag}", count, 0) for path, count in work.db.execute(query, values)]
    found += [
        Wrong(f"repository {path}: artifact_count", counted, listed)
        for path, counted, listed in work.db.execute(_COUNTS, values)
    ]
    if charges := work.db.execute(_HOLDINGS, values).scalar_one():
        found.append(Wrong(f"project {name}: holding", charges, 0))
    counted = int(work.db.execute(_COUNTED, values).scalar_one())
    found += _compare(name, "used_bytes", [(counted, work.db.execute(_HELD, values).scalar_one())])
    found += _compare(name, "trash_bytes", work.db.execute(_TRASH, values).all())
    found += _compare(name, "repository_count", work.db.execute(_REPOSITORIES, values).all())
    found += _compare(name, "used_tags", work.db.execute(_TAGS, values).all())
    return found


def mend(work: Work, project_id: int) -> bool:
    """Recount everything under the project's exclusive lock; False when the project is gone."""
    close_gate(work, project_id)
    values = {"project": project_id}
    if work.db.execute(_LIVE, values).scalar() is None:
        return False
    for query in (*_MARK.values(), _COUNT, _COUNT_REPOSITORIES, _HOLD):
        work.db.execute(query, values)
    charge_states.flag(work, project_id)
    charge_states.settle(work, project_id)
    limits.recount_tags(work, project_id)
    counted, expected = work.db.execute(_TRASH, values).one()
    quotas.count_trash(work, project_id, int(expected) - counted)
    # Uploads pass no gate: they wait for the slots, which are locked before anything is summed.
    quotas.recount(work, project_id, lambda: int(work.db.execute(_HELD, values).scalar_one()))
    return True


def _compare(name: str, counter: str, rows: Iterable[Any]) -> list[Wrong]:
    return [
        Wrong(f"project {name}: {counter}", int(counted), int(expected))
        for counted, expected in rows
        if int(counted) != int(expected)
    ]
