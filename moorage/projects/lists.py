"""Pages of projects and of members, as somebody sees them; a constant number of statements, however many rows."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, literal, or_, select, union_all
from sqlalchemy.sql.selectable import ScalarSelect

from moorage.access.policy import RANK, Account, Role
from moorage.access.tables import RoleBinding
from moorage.db.query import Field, Fields, Listing, holds, holds_pattern, pattern_of
from moorage.db.work import Work
from moorage.identity.tables import Group, GroupMember, Principal, RobotPermission
from moorage.projects.tables import CveAllowlist, Project

Audience = Literal["all", "public", "robot", "user"]
"""Administrators, anonymous callers, and the others."""

_OWNER = Principal.__table__.alias("owner")

PROJECT_FIELDS = Fields(
    {
        "name": Field(Project.name),
        "public": Field(Project.public, kind="flag"),
        "owner_id": Field(Project.owner_id, kind="number"),
        "owner_name": Field(_OWNER.c.name),
        "project_id": Field(Project.id, kind="number"),
        "repo_count": Field(Project.repository_count, kind="number"),
        "creation_time": Field(Project.created_at, kind="time"),
        "update_time": Field(Project.updated_at, kind="time"),
    },
    key=Project.id,
    aliases={"owner": "owner_name"},
)


class Allowlist(msgspec.Struct, frozen=True):
    """Vulnerabilities that no policy of the project minds; `expires_at` in Unix seconds, None: never."""

    id: int
    expires_at: int | None
    items: list[str]
    created_at: datetime
    updated_at: datetime


class ListedProject(msgspec.Struct, frozen=True):
    """A project as its list shows it. `roles`: what the caller holds there, the highest first."""

    id: int
    name: str
    owner_id: int | None
    owner_name: str | None
    public: bool
    trash_days: int
    registry_id: int | None
    settings: dict[str, str]
    repository_count: int
    created_at: datetime
    updated_at: datetime
    allowlist: Allowlist | None
    roles: tuple[Role, ...] = ()


_COLUMNS = (
    Project.id,
    Project.name,
    Project.owner_id,
    _OWNER.c.name.label("owner_name"),
    Project.public,
    Project.trash_days,
    Project.registry_id,
    Project.settings,
    Project.repository_count,
    Project.created_at,
    Project.updated_at,
    CveAllowlist.id.label("allowlist_id"),
    CveAllowlist.expires_at,
    CveAllowlist.items,
    CveAllowlist.created_at.label("allowlist_created_at"),
    CveAllowlist.updated_at.label("allowlist_updated_at"),
)
_PROJECTS = (
    select(*_COLUMNS)
    .outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    .outerjoin(CveAllowlist, CveAllowlist.project_id == Project.id)
)
_CALLER = bindparam("caller", type_=RoleBinding.principal_id.type)
_LIVE = Project.trash_id.is_(None)
_ROLE_ORDER = case({int(role): -rank for role, rank in RANK.items()}, value=RoleBinding.role)


def list_visible_projects(
    work: Work,
    account: Account | None,
    listing: Listing,
    *,
    public: bool | None = None,
    name: str = "",
    owner: str = "",
) -> tuple[list[ListedProject], int, list[str]]:
    """A page of the projects that the account (None: anonymous) may know of; how many there are; what was ignored.

    An administrator knows all; a user the public ones and those of which they or a group of theirs are a member; a
    robot the public ones and those of its permissions.

    Args:
        public: only public ones, or only those that are not.
        name: a part of the name, whatever its case.
        owner: the whole name of the owner.

    Cost: three statements: the page, the count, the caller's roles.
    """
    conditions, ignored = PROJECT_FIELDS.where(listing)
    if owner:
        conditions.append(_OWNER.c.name == owner)
    who = audience(account)
    values: dict[str, object] = {"caller": account.principal_id if account else 0}
    if name:
        values["pattern"] = pattern_of(name)
    if conditions:
        joined = bool(owner) or any(clause.key.lower().startswith("owner") for clause in listing.clauses)
        made = _make(who, listing.sort, conditions, named=bool(name), public=public, by_owner=joined)
    else:
        made = _keep(who, listing.sort, named=bool(name), public=public)
    page, count, more_ignored = made
    rows = work.db.execute(page, {**values, "size": listing.page_size, "skip": listing.offset}).all()
    total = work.db.scalar(count, values) or 0
    roles = _roles_of(work, account, [row[0] for row in rows])
    return [_listed(row, roles.get(row[0], ())) for row in rows], total, ignored + list(more_ignored)


@lru_cache(256)  # making the statements takes longer than running them; the keys of a sort are anybody's
def _keep(
    who: Audience, sort: tuple[tuple[str, bool], ...], *, named: bool, public: bool | None
) -> tuple[Select[Any], Select[Any], list[str]]:
    return _make(who, sort, (), named=named, public=public)


def _make(
    who: Audience,
    sort: tuple[tuple[str, bool], ...],
    conditions: Sequence[ColumnElement[bool]],
    *,
    named: bool,
    public: bool | None,
    by_owner: bool = False,
) -> tuple[Select[Any], Select[Any], list[str]]:
    """The statement of a page, which finds its ids first; that of the count; the sort keys that are ignored."""
    order, ignored = PROJECT_FIELDS.order(Listing(sort=sort), "name")
    where = [_LIVE, *_visible(who), *conditions]
    if named:
        where.append(holds_pattern(Project.name, bindparam("pattern", type_=Project.name.type)))
    if public is not None:
        where.append(Project.public.is_(public))
    ids, count = select(Project.id), select(func.count()).select_from(Project)
    if by_owner:
        count = count.outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    if by_owner or any("owner" in key.lower() for key, _ in sort):
        ids = ids.outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    ids = ids.where(*where).order_by(*order).limit(bindparam("size")).offset(bindparam("skip"))
    page = _PROJECTS.where(Project.id.in_(ids.correlate(None))).order_by(*order)
    return page, count.where(*where), ignored


def find_listed_project(work: Work, account: Account | None, project_id: int) -> ListedProject | None:
    """One live project as its list would show it, whoever may see it."""
    row = work.db.execute(_PROJECTS.where(_LIVE, Project.id == project_id)).one_or_none()
    return None if row is None else _listed(row, _roles_of(work, account, [project_id]).get(project_id, ()))


def has_project(work: Work, name: str) -> bool:
    """Whether a live project has this name."""
    return work.db.scalar(select(Project.id).where(Project.name == name, _LIVE)) is not None


def visible_project_ids(account: Account | None) -> ScalarSelect[int] | None:
    """The ids of the projects that the account may know of, for lists of what lies in projects; None: all."""
    if account is not None and account.admin:
        return None
    return select(Project.id).where(_LIVE, *_visible(audience(account), account)).scalar_subquery()


def count_members(work: Work, project_id: int) -> dict[Role, int]:
    """How many users and groups hold each role."""
    rows = work.db.execute(
        select(RoleBinding.role, func.count())
        .where(RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC)
        .group_by(RoleBinding.role)
    )
    return {Role(role): count for role, count in rows}


# -- members ----------------------------------------------------------------------------------------------


class ListedMember(msgspec.Struct, frozen=True):
    """A member of a project. `kind`: `u` a user, `g` a group."""

    id: int
    kind: str
    holder_id: int
    name: str
    role: Role


_MEMBER_NAME = func.coalesce(Principal.name, Group.name)
_MEMBERS = (
    select(RoleBinding.id, RoleBinding.principal_id, RoleBinding.group_id, _MEMBER_NAME.label("name"), RoleBinding.role)
    .outerjoin(Principal, Principal.id == RoleBinding.principal_id)
    .outerjoin(Group, Group.id == RoleBinding.group_id)
)
MEMBER_FIELDS = Fields(
    {
        "entity_name": Field(_MEMBER_NAME),
        "role_id": Field(RoleBinding.role, kind="number"),
        "id": Field(RoleBinding.id, kind="number"),
    },
    key=RoleBinding.id,
)


def list_project_members(
    work: Work, project_id: int, listing: Listing, *, name: str = ""
) -> tuple[list[ListedMember], int, list[str]]:
    """A page of the members of a project by name, how many there are, and what was ignored. Two statements.

    Args:
        name: a part of the name, whatever its case.
    """
    conditions, ignored = MEMBER_FIELDS.where(listing)
    if name:
        conditions.append(holds(_MEMBER_NAME, name))
    order, more_ignored = MEMBER_FIELDS.order(listing, "entity_name")
    where = and_(RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC, *conditions)
    rows = work.db.execute(_MEMBERS.where(where).order_by(*order).limit(listing.page_size).offset(listing.offset)).all()
    count = (
        select(func.count())
        .select_from(RoleBinding)
        .outerjoin(Principal, Principal.id == RoleBinding.principal_id)
        .outerjoin(Group, Group.id == RoleBinding.group_id)
        .where(where)
    )
    return [_member(row) for row in rows], work.db.scalar(count) or 0, ignored + more_ignored


def find_member(work: Work, project_id: int, member_id: int) -> ListedMember | None:
    """A member of this project by the binding's id; one of another project is none."""
    row = work.db.execute(
        _MEMBERS.where(
            RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC, RoleBinding.id == member_id
        )
    ).one_or_none()
    return None if row is None else _member(row)


def _member(row: Any) -> ListedMember:  # noqa: ANN401 - the columns of _MEMBERS
    if row.group_id is not None:
        return ListedMember(row.id, "g", row.group_id, row.name, Role(row.role))
    return ListedMember(row.id, "u", row.principal_id, row.name, Role(row.role))


# -- who sees what ----------------------------------------------------------------------------------------


def audience(account: Account | None) -> Audience:
    """Which of the kept statements answers this caller."""
    if account is None:
        return "public"
    if account.admin:
        return "all"
    return "robot" if account.kind == "robot" else "user"


def seen_by(who: Audience) -> list[ColumnElement[bool]]:
    """That the principal `:caller` may know of a live project; for statements that are kept."""
    return [_LIVE, *_visible(who)]


def _visible(who: Audience, account: Account | None = None) -> list[ColumnElement[bool]]:
    """That somebody may know of a project: the principal `:caller`, or this account."""
    if who == "all":
        return []
    if who == "public":
        return [Project.public.is_(True)]
    caller = _CALLER if account is None else literal(account.principal_id, RoleBinding.principal_id.type)
    if who == "robot":
        mine = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == caller, RobotPermission.project_id.is_not(None)
        )
        given = select(RobotPermission.id).where(RobotPermission.robot_id == caller, RobotPermission.scope == "all")
        return [or_(Project.public, Project.id.in_(mine), given.exists())]
    # Two index look-ups instead of one scan over all bindings.
    bound = union_all(
        select(RoleBinding.project_id).where(RoleBinding.principal_id == caller),
        select(RoleBinding.project_id)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == caller),
    )
    return [or_(Project.public, Project.id.in_(bound))]


_ROLES = (
    select(RoleBinding.project_id, RoleBinding.role)
    .where(
        RoleBinding.project_id.in_(bindparam("projects", expanding=True)),
        or_(
            RoleBinding.principal_id == _CALLER,
            RoleBinding.group_id.in_(select(GroupMember.group_id).where(GroupMember.principal_id == _CALLER)),
        ),
    )
    .order_by(_ROLE_ORDER)
)


def _roles_of(work: Work, account: Account | None, project_ids: Sequence[int]) -> dict[int, tuple[Role, ...]]:
    if account is None or account.kind != "user" or not project_ids:
        return {}
    roles: dict[int, dict[Role, None]] = {}
    for project_id, role in work.db.execute(_ROLES, {"projects": project_ids, "caller": account.principal_id}):
        roles.setdefault(project_id, {})[Role(role)] = None
    return {project_id: tuple(held) for project_id, held in roles.items()}


def _listed(row: Any, roles: tuple[Role, ...]) -> ListedProject:  # noqa: ANN401 - the columns of _COLUMNS
    allowlist = None
    if row.allowlist_id is not None:
        allowlist = Allowlist(
            row.allowlist_id, row.expires_at, row.items, row.allowlist_created_at, row.allowlist_updated_at
        )
    return ListedProject(
        row.id, row.name, row.owner_id, row.owner_name, bool(row.public), row.trash_days, row.registry_id, row.settings,
        row.repository_count, row.created_at, row.updated_at, allowlist, roles,
    )  # fmt: skip
