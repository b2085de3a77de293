"""Pages of repositories, as somebody sees them; two statements, with a filter three, however many rows.

The default order and that of names have an index over all repositories. Somebody who sees many of them finds a page by
going through it; somebody who sees few, by gathering those of their projects. The total, a sum of counters, says which.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, literal_column, or_, select, union_all

from moorage.access.policy import Account
from moorage.access.tables import RoleBinding
from moorage.artifacts.lists import LISTED, find_page
from moorage.artifacts.service import REPOSITORY_COLUMNS, RepositoryRow
from moorage.db.compiled_statements import Prepared
from moorage.db.list_query import Field, Fields, Listing, turn
from moorage.db.statements import Row
from moorage.db.unit_of_work import Work
from moorage.projects.lists import audience
from moorage.projects.tables import Project
from moorage.repositories.tables import Repository
from moorage.users.tables import GroupMember, RobotPermission

NEWEST_FIRST = "-creation_time"
_PUSHED = func.coalesce(Repository.pushed_at, Repository.created_at)
"""It was made by a push, which is noted some seconds later."""

_FIELDS = Fields(
    {
        "name": Field(Repository.path),
        "project_id": Field(Repository.project_id, kind="number"),
        "repository_id": Field(Repository.id, kind="number"),
        "description": Field(Repository.description),
        "artifact_count": Field(Repository.artifact_count, kind="number"),
        "pull_count": Field(Repository.pull_count, kind="number"),
        "creation_time": Field(Repository.created_at, kind="time"),
        "update_time": Field(Repository.updated_at, kind="time"),
        "last_push_time": Field(_PUSHED, kind="time", nullable=False),
    },
    key=Repository.id,
    aliases={"id": "repository_id"},
)
_INDEXED = ("creation_time", "name")
"""Keys of a sort that an index over all repositories serves."""

_EARLY = 100
"""Up to so many rows a page is found by asking of each repository whether the caller sees it."""

Whose = Literal["all", "public", "robot", "user", "project"]
Way = Literal["gather", "walk", "ask"]
"""Gather the repositories of the caller's projects; go through all in their order, with the caller's projects at hand,
or asking of each one."""

_ROWS = Prepared(select(*REPOSITORY_COLUMNS).where(Repository.id.in_(bindparam("ids", expanding=True))))
_CALLER = bindparam("caller", type_=RoleBinding.principal_id.type)
_LIVE = Project.trash_id.is_(None)


def list_repositories(
    work: Work, account: Account | None, listing: Listing, *, project_id: int | None = None
) -> tuple[list[RepositoryRow], int, list[str]]:
    """A page of the repositories that hold artifacts, the newest first; how many there are; what was ignored.

    Args:
        account: without a project: who asks (None: anonymous); they see those of projects that they can list.
        project_id: those of one project, which the caller may list.

    Cost: two statements, with a filter three. The total is a sum of counters unless `q`
    filters; a page is read from the nearer end.
    """
    conditions, ignored = _FIELDS.where(listing)
    whose: Whose = audience(account) if project_id is None else "project"
    values: dict[str, Any] = {"caller": account.principal_id if account else 0}
    if project_id is not None:
        values = {"project": project_id}
    if conditions:
        rows, total, more = _find(work, whose, conditions, listing, values)
    else:
        rows, total, more = _list(work, whose, listing, values)
    return [RepositoryRow(*row) for row in rows], total, ignored + more


def _list(work: Work, whose: Whose, listing: Listing, values: dict[str, Any]) -> tuple[Sequence[Row], int, list[str]]:
    ((total, newest),) = _count(whose).rows(work, values) or [(0, 0)]
    total = int(total or 0)
    skip, size, backwards = listing.window(total)
    way = _choose(listing.sort, skip + size, total, newest or 0)
    page, ignored = _page(whose, listing.sort, way, backwards=backwards)
    if not size:
        return [], total, ignored
    rows = page.rows(work, {**values, "size": size, "skip": skip})
    return rows[::-1] if backwards else rows, total, ignored


def _choose(sort: tuple[tuple[str, bool], ...], to_pass: int, total: int, newest: int) -> Way:
    """How to find a page that ends after `to_pass` rows. Of `newest` repositories, at most, the caller sees `total`."""
    if sort and sort[0][0] not in _INDEXED:
        return "gather"
    if to_pass * newest > total * total:  # it would go through more than there is to gather
        return "gather"
    return "ask" if to_pass <= _EARLY else "walk"


def _find(
    work: Work, whose: Whose, conditions: Sequence[ColumnElement[bool]], listing: Listing, values: dict[str, Any]
) -> tuple[Sequence[Row], int, list[str]]:
    matching = select(Repository.id).where(LISTED, *_seen(whose, "gather"), *conditions)
    total = work.db.scalar(select(func.count()).select_from(matching.subquery()), values) or 0
    ids, ignored = find_page(
        work, matching, listing, order=_FIELDS.order, default=NEWEST_FIRST, total=total, values=values
    )
    found = {row[0]: row for row in _ROWS.rows(work, {"ids": ids})} if ids else {}
    return [found[one] for one in ids if one in found], total, ignored


@lru_cache(256)  # making a statement takes longer than running it; the keys of a sort are anybody's
def _page(whose: Whose, sort: tuple[tuple[str, bool], ...], way: Way, *, backwards: bool) -> tuple[Prepared, list[str]]:
    default = NEWEST_FIRST
    if backwards:
        sort, default = turn(sort, default)
    order, ignored = _FIELDS.order(Listing(sort=sort), default)
    page = select(*REPOSITORY_COLUMNS).where(LISTED, *_seen(whose, way)).order_by(*order)
    return Prepared(page.limit(bindparam("size")).offset(bindparam("skip"))), ignored


@cache
def _count(whose: Whose) -> Prepared:
    """How many somebody sees, and the newest id of all."""
    newest = select(func.max(Repository.id)).scalar_subquery()
    if whose == "project":
        return Prepared(select(Project.repository_count, newest).where(Project.id == bindparam("project")))
    seen: list[ColumnElement[bool]] = []
    if whose == "user":
        seen = [or_(Project.public, Project.id.in_(union_all(*_bound())))]
    elif whose != "all":
        seen = [Project.id.in_(_readable(whose))]
    return Prepared(select(func.sum(Project.repository_count), newest).where(_LIVE, *seen))


# -- who sees what ----------------------------------------------------------------------------------------


def _seen(whose: Whose, way: Way) -> list[ColumnElement[bool]]:
    """That the caller may list a repository."""
    if whose == "all":
        return []
    if whose == "project":
        return [Repository.project_id == bindparam("project")]
    if way == "ask" and whose == "user":
        here = Project.id == Repository.project_id
        public = select(Project.id).where(_LIVE, Project.public, here).correlate(Repository)
        bound = [one.where(RoleBinding.project_id == Repository.project_id).correlate(Repository) for one in _bound()]
        return [or_(*(one.exists() for one in (public, *bound)))]
    if way == "gather":
        return [Repository.project_id.in_(_readable(whose))]
    # Not the column itself, or SQLite would take the index over it; and two sets, which PostgreSQL keeps by hash.
    project = func.coalesce(Repository.project_id, literal_column("0"))
    if whose != "user":
        return [project.in_(_readable(whose))]
    return [or_(project.in_(_readable("public")), project.in_(union_all(*_bound())))]


def _bound() -> tuple[Select[int], Select[int]]:
    """Projects in which the user `:caller`, or a group of theirs, is a member; each has an index."""
    return (
        select(RoleBinding.project_id).where(RoleBinding.principal_id == _CALLER),
        select(RoleBinding.project_id)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == _CALLER),
    )


def _readable(whose: Whose) -> Any:  # noqa: ANN401 - what SQL's IN takes
    """Ids of the live projects whose repositories the principal `:caller` may list."""
    public = select(Project.id).where(_LIVE, Project.public)
    if whose == "public":
        return public
    if whose == "robot":
        allowed = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == _CALLER,
            RobotPermission.resource == "repository",
            RobotPermission.action == "list",
        )
        everywhere = exists(allowed.where(RobotPermission.scope == "all"))
        return select(Project.id).where(
            _LIVE, or_(Project.public, Project.id.in_(allowed.where(RobotPermission.scope == "project")), everywhere)
        )
    return union_all(public, *_bound())
