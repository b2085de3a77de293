"""Pages of projects and of members, as somebody sees them; a constant number of statements, however many rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all
from sqlalchemy.sql.selectable import ScalarSelect

from moorage.access.policy import RANK, Account, Role
from moorage.access.tables import RoleBinding
from moorage.db.query import Field, Fields, Listing, holds
from moorage.db.work import Work
from moorage.identity.tables import Group, GroupMember, Principal, RobotPermission
from moorage.projects.tables import CveAllowlist, Project

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
    if name:
        conditions.append(holds(Project.name, name))
    if owner:
        conditions.append(_OWNER.c.name == owner)
    if public is not None:
        conditions.append(Project.public.is_(public))
    order, more_ignored = PROJECT_FIELDS.order(listing, "name")
    where = and_(_LIVE, _visible(account), *conditions)
    rows = work.db.execute(
        select(*_COLUMNS)
        .outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
        .outerjoin(CveAllowlist, CveAllowlist.project_id == Project.id)
        .where(where)
        .order_by(*order)
        .limit(listing.page_size)
        .offset(listing.offset)
    ).all()
    count = select(func.count()).select_from(Project)
    if owner or any(clause.key.lower().startswith("owner") for clause in listing.clauses):
        count = count.outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    total = work.db.scalar(count.where(where)) or 0
    roles = _roles_of(work, account, [row.id for row in rows])
    return [_listed(row, roles.get(row.id, ())) for row in rows], total, ignored + more_ignored


def find_listed_project(work: Work, account: Account | None, project_id: int) -> ListedProject | None:
    """One live project as its list would show it, whoever may see it."""
    row = work.db.execute(
        select(*_COLUMNS)
        .outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
        .outerjoin(CveAllowlist, CveAllowlist.project_id == Project.id)
        .where(_LIVE, Project.id == project_id)
    ).one_or_none()
    return None if row is None else _listed(row, _roles_of(work, account, [project_id]).get(project_id, ()))


def has_project(work: Work, name: str) -> bool:
    """Whether a live project has this name."""
    return work.db.scalar(select(Project.id).where(Project.name == name, _LIVE)) is not None


def visible_project_ids(account: Account | None) -> ScalarSelect[int] | None:
    """The ids of the projects that the account may know of, for lists of what lies in projects; None: all."""
    if account is not None and account.admin:
        return None
    return select(Project.id).where(_LIVE, _visible(account)).scalar_subquery()


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


def _visible(account: Account | None) -> ColumnElement[bool]:
    """That an account may know of a project."""
    if account is None:
        return Project.public.is_(True)
    if account.admin:
        return literal(value=True)
    if account.kind == "robot":
        mine = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == account.principal_id, RobotPermission.project_id.is_not(None)
        )
        everywhere = (
            select(RobotPermission.id)
            .where(RobotPermission.robot_id == account.principal_id, RobotPermission.scope == "all")
            .exists()
        )
        return or_(Project.public, Project.id.in_(mine), everywhere)
    return or_(Project.public, Project.id.in_(select(_bindings_of(account).c.project_id)))


def _bindings_of(account: Account) -> Any:  # noqa: ANN401 - a subquery of project_id and role
    """What the account holds by itself and by its groups; two index look-ups instead of one scan over all bindings."""
    return union_all(
        select(RoleBinding.project_id, RoleBinding.role).where(RoleBinding.principal_id == account.principal_id),
        select(RoleBinding.project_id, RoleBinding.role)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == account.principal_id),
    ).subquery()


def _roles_of(work: Work, account: Account | None, project_ids: Sequence[int]) -> dict[int, tuple[Role, ...]]:
    if account is None or account.kind != "user" or not project_ids:
        return {}
    groups = select(GroupMember.group_id).where(GroupMember.principal_id == account.principal_id)
    rows = work.db.execute(
        select(RoleBinding.project_id, RoleBinding.role)
        .where(
            RoleBinding.project_id.in_(project_ids),
            or_(RoleBinding.principal_id == account.principal_id, RoleBinding.group_id.in_(groups)),
        )
        .order_by(_ROLE_ORDER)
    )
    roles: dict[int, dict[Role, None]] = {}
    for project_id, role in rows:
        roles.setdefault(project_id, {})[Role(role)] = None
    return {project_id: tuple(held) for project_id, held in roles.items()}


def _listed(row: Any, roles: tuple[Role, ...]) -> ListedProject:  # noqa: ANN401 - the columns of _COLUMNS
    allowlist = None
    if row.allowlist_id is not None:
        allowlist = Allowlist(
            row.allowlist_id, row.expires_at, row.items, row.allowlist_created_at, row.allowlist_updated_at
        )
    return ListedProject(
        row.id, row.name, row.owner_id, row.owner_name, bool(row.public), row.registry_id, row.settings,
        row.repository_count, row.created_at, row.updated_at, allowlist, roles,
    )  # fmt: skip
