"""Create a repository with the first thing that is pushed to it, and count its artifacts."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from moorage.db.hand_written_sql import Call, call, each, moment, one
from moorage.db.locks import passing_gate
from moorage.db.statements import Query, Row
from moorage.db.unit_of_work import Work
from moorage.errors import RepositoryUnknown
from moorage.projects.tables import Project
from moorage.quotas import limits
from moorage.repositories.tables import Repository

_FIND = Query(
    """SELECT r.id, p.epoch, p.immutable_rules, r.artifact_count, p.has_trash
FROM repository r JOIN project p ON p.id = r.project_id
WHERE r.path = $1 AND r.trash_id IS NULL AND p.id = $2 AND p.trash_id IS NULL"""
)
_PROJECT = select(Project.epoch, Project.has_trash).where(
    Project.id == bindparam("project"), Project.trash_id.is_(None)
)
_INSERT = insert(Repository).returning(Repository.id)
_COUNT = Query(
    """UPDATE repository SET artifact_count = artifact_count + $2, updated_at = $3 WHERE id = $1
RETURNING artifact_count, project_id""",
    postgresql="""WITH counted AS (
UPDATE repository SET artifact_count = artifact_count + $2, updated_at = $3 WHERE id = $1
RETURNING artifact_count, project_id)
UPDATE project SET repository_count = repository_count + sign($2::integer)::integer
FROM counted WHERE project.id = counted.project_id AND counted.artifact_count IN (0, $2)
RETURNING counted.artifact_count, project.id""",
)
_COUNT_PROJECT = Query("UPDATE project SET repository_count = repository_count + $2 WHERE id = $1", postgresql="")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a caller may write: a repository's whole name in a project, as the ticket knew the project."""

    project_id: int
    project_epoch: int
    path: str


@dataclass(frozen=True, slots=True)
class Target:
    """A repository to write to, in a live project whose gate is passed.

    Attributes:
        immutable_rules: how many rules may keep its tags where they are; 0 for a repository that was just made.
        has_trash: whether something that the project is charged for may be held by the trash alone, or by nothing.
    """

    repository_id: int
    project_id: int
    path: str
    immutable_rules: int = 0
    has_trash: bool = False


def find_destination(work: Work, project_id: int, path: str) -> Destination | None:
    """A repository to write to, as the project is now; None: there is no such live project."""
    row = work.db.execute(_PROJECT, {"project": project_id}).first()
    return None if row is None else Destination(project_id, row.epoch, path)


def ensure_repository(work: Work, to: Destination) -> Target:
    """The repository of a live project whose gate is passed, made unless it is there; the unique index decides.

    A repository that holds no artifact is not listed.

    Raises:
        RepositoryUnknown: the project is gone, or changed since the ticket was issued.
        ProjectFull: it would be one repository too many. Whoever fills it is refused again, exactly (`settle_count`);
            here nobody has sent anything yet.
    """
    _, rows = each(work, (passing_gate(to.project_id), call(_FIND, to.path, to.project_id)))
    if rows:
        epoch, has_trash = rows[0][1], rows[0][4]
    else:
        epoch, has_trash = work.db.execute(_PROJECT, {"project": to.project_id}).first() or (None, False)
    if epoch != to.project_epoch:
        raise RepositoryUnknown(repository=to.path)
    if not rows or not rows[0][3]:
        limits.require_repositories(work, to.project_id, more=1)
    if rows:
        return Target(rows[0][0], to.project_id, to.path, rows[0][2], bool(has_trash))
    try:
        with work.db.begin_nested():
            made = work.db.execute(
                _INSERT,
                {"project_id": to.project_id, "path": to.path, "created_at": work.now, "updated_at": work.now},
            ).scalar_one()
    except IntegrityError:
        row = one(work, _FIND, to.path, to.project_id)
        if row is None:
            raise
        return Target(row[0], to.project_id, to.path, row[2], bool(has_trash))
    return Target(made, to.project_id, to.path, has_trash=bool(has_trash))


def count_artifacts(work: Work, repository_id: int, by: int) -> None:
    """Note that `by` artifacts entered (or, negative, left) the repository's default list.

    Raises:
        ProjectFull: as `settle_count`.
    """
    if by:
        settle_count(work, by, each(work, (counting(work, repository_id, by),))[0])


def counting(work: Work, repository_id: int, by: int) -> Call:
    """The first half of `count_artifacts`, for a caller who has more to run; `by` is not 0."""
    return call(_COUNT, repository_id, by, moment(work, work.now))


def settle_count(work: Work, by: int, rows: list[Row]) -> None:
    """The second half, with the rows of `counting`: the project's number of repositories that hold something.

    PostgreSQL has counted both at once, and shows a row only where the second count moved.

    Raises:
        ProjectFull: the repository held nothing before, and the project may not hold one more.
    """
    for count, project in rows:
        if count in {0, by}:
            one(work, _COUNT_PROJECT, project, 1 if by > 0 else -1)
            if by > 0:
                limits.require_repositories(work, project)
