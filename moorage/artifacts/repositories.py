"""Repositories: they come into being with the first thing that is put into them."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.artifacts.tables import Repository
from moorage.db.locks import pass_gate
from moorage.db.work import Work
from moorage.errors import RepositoryUnknown
from moorage.projects.tables import Project

_FIND = (
    select(Repository.id, Project.epoch, Project.immutable_rules)
    .join(Project, Project.id == Repository.project_id)
    .where(
        Repository.path == bindparam("path"), Repository.trash_id.is_(None),
        Project.id == bindparam("project"), Project.trash_id.is_(None),
    )
)  # fmt: skip
_PROJECT = select(Project.epoch).where(Project.id == bindparam("project"), Project.trash_id.is_(None))
_INSERT = insert(Repository).returning(Repository.id)
_COUNT = (
    update(Repository)
    .where(Repository.id == bindparam("repository"))
    .values(artifact_count=Repository.artifact_count + bindparam("by"), updated_at=bindparam("now"))
    .returning(Repository.artifact_count, Repository.project_id)
)
_COUNT_PROJECT = (
    update(Project)
    .where(Project.id == bindparam("project"))
    .values(repository_count=Project.repository_count + bindparam("by"))
)


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
    """

    repository_id: int
    project_id: int
    path: str
    immutable_rules: int = 0


def ensure_repository(work: Work, to: Destination) -> Target:
    """The repository of a live project whose gate is passed, made unless it is there; the unique index decides.

    A repository that holds no artifact is not listed.

    Raises:
        RepositoryUnknown: the project is gone, or changed since the ticket was issued.
    """
    pass_gate(work, to.project_id)
    row = work.db.execute(_FIND, {"path": to.path, "project": to.project_id}).first()
    epoch = row.epoch if row is not None else work.db.execute(_PROJECT, {"project": to.project_id}).scalar()
    if epoch != to.project_epoch:
        raise RepositoryUnknown(repository=to.path)
    if row is not None:
        return Target(row.id, to.project_id, to.path, row.immutable_rules)
    try:
        with work.db.begin_nested():
            made = work.db.execute(
                _INSERT,
                {"project_id": to.project_id, "path": to.path, "created_at": work.now, "updated_at": work.now},
            ).scalar_one()
    except IntegrityError:
        row = work.db.execute(_FIND, {"path": to.path, "project": to.project_id}).first()
        if row is None:
            raise
        return Target(row.id, to.project_id, to.path, row.immutable_rules)
    return Target(made, to.project_id, to.path)


def count_artifacts(work: Work, repository_id: int, by: int) -> None:
    """Note that `by` artifacts entered (or, negative, left) the repository's default list."""
    if by == 0:
        return
    row = work.db.execute(_COUNT, {"repository": repository_id, "by": by, "now": work.now}).one()
    if row.artifact_count in {0, by}:
        step = 1 if by > 0 else -1
        work.db.execute(_COUNT_PROJECT, {"project": row.project_id, "by": step})
