"""Pages of projects and of members, as somebody sees them; a constant number of statements, however many rows."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    UnaryExpression,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.sql.selectable import ScalarSelect

from moorage.access.policy import RANK, Account, Role
from moorage.access.tables import RoleBinding
from moorage.db.compiled_statements import Prepared, each
from moorage.db.list_query import Field, Fields, Listing, holds, holds_pattern, pattern_of, turn
from moorage.db.statements import Row
from moorage.db.trigrams import find_match, is_matched
from moorage.db.unit_of_work import Work
from moorage.projects.tables import CveAllowlist, Project
from moorage.users.tables import Group, GroupMember, Principal, RobotPermission, User

Audience = Literal["all", "public", "robot", "user"]
"""Administrators, anonymous callers, and the others."""

_OWNER = Principal.__table__.alias("owner")
_ALL = Project.__table__.alias("every")

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
        "last_push_time": Field(Project.pushed_at, kind="time"),
        "proxy": Field(Project.registry_id.is_not(None), kind="flag", sortable=False),
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
    pushed_at: datetime | None
    allowlist: Allowlist | None
    roles: tuple[Role, ...] = ()


_CALLER = bindparam("caller", type_=RoleBinding.principal_id.type)
_LIVE = Project.trash_id.is_(None)
_MINE = RoleBinding.__table__.alias("mine")
_OWN_ROLE = select(_MINE.c.role).where(_MINE.c.project_id == Project.id, _MINE.c.principal_id == _CALLER)
_GROUP_ROLES = (
    select(func.aggregate_strings(cast(_MINE.c.role, String), ","))
    .join(GroupMember, GroupMember.group_id == _MINE.c.group_id)
    .where(_MINE.c.project_id == Project.id, GroupMember.principal_id == _CALLER)
)
_ROLES = tuple(one.correlate(Project).scalar_subquery() for one in (_OWN_ROLE, _GROUP_ROLES))
"""The role that the caller was given in a project, and those of their groups, as in `1,4,4`. Two look-ups: for an OR of
both PostgreSQL goes through all bindings."""

_OWN_COLUMNS = (
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
    Project.pushed_at,
)
_ALLOWLIST_COLUMNS = (
    CveAllowlist.id.label("allowlist_id"),
    CveAllowlist.expires_at,
    CveAllowlist.items,
    CveAllowlist.created_at.label("allowlist_created_at"),
    CveAllowlist.updated_at.label("allowlist_updated_at"),
)
_OWN = len(_OWN_COLUMNS)


def _projects(who: Audience) -> Select[Any]:
    roles = _ROLES if who in {"all", "user"} else (literal_column("NULL"), literal_column("NULL"))
    return (
        select(*_OWN_COLUMNS, *_ALLOWLIST_COLUMNS, roles[0].label("own_role"), roles[1].label("group_roles"))
        .outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
        .outerjoin(CveAllowlist, CveAllowlist.project_id == Project.id)
    )


_EARLY = 100
"""SQLite: where so few projects are passed until the end of a page, it is asked of each whether the caller may know of
it. PostgreSQL finds all of theirs first, and counts them meanwhile if the page begins so early."""


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

    Cost: two statements, the page and the count.
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
        order, more_ignored = PROJECT_FIELDS.order(Listing(sort=listing.sort), "name")
        where = [*_conditions(who, named=bool(name), public=public), *conditions]
        page = _page(who, where, order, by_owner=joined or _sorts_by_owner(listing.sort))
        paged = {**values, "size": listing.page_size, "skip": listing.offset}
        rows: Sequence[Row] = [tuple(row) for row in work.db.execute(page, paged)]
        total = work.db.scalar(_count(where, by_owner=joined), values) or 0
    else:
        more_ignored = PROJECT_FIELDS.order(listing, "name")[1] if listing.sort else []
        rows, total = _list(work, who, listing, values, named=bool(name), public=public)
    return [_listed(row) for row in rows], total, ignored + more_ignored


def _list(
    work: Work, who: Audience, listing: Listing, values: dict[str, object], *, named: bool, public: bool | None
) -> tuple[Sequence[Row], int]:
    counting = _keep_count(who, named=named, public=public)
    if work.db.dialect.name == "postgresql" and listing.offset < _EARLY:  # in one round trip
        page = _keep(who, listing.sort, named=named, public=public, early=True)
        paged = {**values, "size": listing.page_size, "skip": listing.offset}
        counted, rows = each(work, (counting, values), (page, paged))
        return rows, counted[0][0]
    ((total, newest),) = counting.rows(work, values)
    skip, size, backwards = listing.window(total)
    if not size:
        return [], total
    one_by_one = work.db.dialect.name == "sqlite" and _is_early(skip + size, total, newest or 0)
    early = skip + size <= _EARLY
    page = _keep(who, listing.sort, named=named, public=public, early=early, one_by_one=one_by_one, backwards=backwards)
    rows = page.rows(work, {**values, "size": size, "skip": skip})
    return rows[::-1] if backwards else rows, total


def _is_early(to_pass: int, total: int, newest: int) -> bool:
    """Whether few of `newest` projects, at most, are passed until `to_pass` of the `total` that somebody knows."""
    return to_pass * newest <= _EARLY * total


def search_visible_projects(work: Work, account: Account | None, name: str, size: int) -> list[ListedProject]:
    """The first projects with `name` in their names that the account may know of, in the order of their names.

    Cost: one statement.
    """
    one_by_one = work.db.dialect.name == "sqlite"
    match = find_match(work, "project", name)
    indexed = match is not None
    page = _keep(
        audience(account), (), named=bool(name), public=None, early=True, one_by_one=one_by_one, indexed=indexed
    )
    values = {
        "caller": account.principal_id if account else 0, "size": size, "skip": 0,
        **({"pattern": pattern_of(name)} if name else {}), **({"match": match} if indexed else {}),
    }  # fmt: skip
    return [_listed(row) for row in page.rows(work, values)]


@lru_cache(256)  # making a statement takes longer than running it; the keys of a sort are anybody's
def _keep(
    who: Audience,
    sort: tuple[tuple[str, bool], ...],
    *,
    named: bool,
    public: bool | None,
    early: bool = False,
    one_by_one: bool = False,
    backwards: bool = False,
    indexed: bool = False,
) -> Prepared:
    default = "name"
    by_owner = _sorts_by_owner(sort)
    if backwards:
        sort, default = turn(sort, default)
    order, _ = PROJECT_FIELDS.order(Listing(sort=sort), default)
    where = _conditions(who, named=named, public=public, one_by_one=one_by_one)
    if indexed:
        where.append(is_matched("project", Project.id))
    return Prepared(_page(who, where, order, by_owner=by_owner, early=early))


@cache
def _keep_count(who: Audience, *, named: bool, public: bool | None) -> Prepared:
    """How many there are, and the newest id of all."""
    count = _count(_conditions(who, named=named, public=public), by_owner=False)
    return Prepared(count.add_columns(select(func.max(_ALL.c.id)).scalar_subquery()))


def _sorts_by_owner(sort: tuple[tuple[str, bool], ...]) -> bool:
    return any("owner" in key.lower() for key, _ in sort)


def _conditions(
    who: Audience, *, named: bool, public: bool | None, one_by_one: bool = False
) -> list[ColumnElement[bool]]:
    where = [_LIVE, *_visible(who, one_by_one=one_by_one)]
    if named:
        where.append(holds_pattern(Project.name, bindparam("pattern", type_=Project.name.type)))
    if public is not None:
        where.append(Project.public.is_(public))
    return where


def _page(
    who: Audience,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[UnaryExpression[Any]],
    *,
    by_owner: bool,
    early: bool = False,
) -> Select[Any]:
    """The statement of a page. Unless it is an early one it finds its ids first: then nothing is joined to others."""
    if early:
        return _cut(_projects(who).where(*where).order_by(*order))
    ids = select(Project.id)
    if by_owner:
        ids = ids.outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    ids = _cut(ids.where(*where).order_by(*order))
    return _projects(who).where(Project.id.in_(ids.correlate(None))).order_by(*order)


def _cut(statement: Select[Any]) -> Select[Any]:
    return statement.limit(bindparam("size")).offset(bindparam("skip"))


def _count(where: Sequence[ColumnElement[bool]], *, by_owner: bool) -> Select[int]:
    count = select(func.count()).select_from(Project)
    if by_owner:
        count = count.outerjoin(_OWNER, _OWNER.c.id == Project.owner_id)
    return count.where(*where)


@cache
def _one(who: Audience) -> Prepared:
    return Prepared(_projects(who).where(_LIVE, Project.id == bindparam("project")))


def find_listed_project(work: Work, account: Account | None, project_id: int) -> ListedProject | None:
    """One live project as its list would show it, whoever may see it."""
    values = {"project": project_id, "caller": account.principal_id if account else 0}
    rows = _one(audience(account)).rows(work, values)
    return _listed(rows[0]) if rows else None


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
    """A member of a project. `kind`: `u` a user, `g` a group.

    Attributes:
        through: of a user in a page: groups of theirs that have a role here as well, by name.
        admin: of a user in a page: an administrator of the system.
    """

    id: int
    kind: str
    holder_id: int
    name: str
    role: Role
    through: tuple[tuple[str, Role], ...] = ()
    admin: bool = False


_MEMBER_NAME = func.coalesce(Principal.name, Group.name)
_MEMBERS = (
    select(RoleBinding.id, RoleBinding.principal_id, RoleBinding.group_id, _MEMBER_NAME.label("name"), RoleBinding.role)
    .outerjoin(Principal, Principal.id == RoleBinding.principal_id)
    .outerjoin(Group, Group.id == RoleBinding.group_id)
)
_PEOPLE: Any = bindparam("people", expanding=True)
_THROUGH = Prepared(
    select(GroupMember.principal_id, Group.name, RoleBinding.role)
    .join(Group, Group.id == GroupMember.group_id)
    .join(RoleBinding, RoleBinding.group_id == Group.id)
    .where(RoleBinding.project_id == bindparam("project"), GroupMember.principal_id.in_(_PEOPLE))
    .order_by(GroupMember.principal_id, Group.name)
)
_ADMINS = Prepared(
    select(User.principal_id).where(or_(User.admin, User.admin_by_source), User.principal_id.in_(_PEOPLE))
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
    """A page of the members of a project by name, how many there are, and what was ignored. Four statements.

    Args:
        name: a part of the name, whatever its case.
    """
    members = _MEMBERS.where(RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC)
    if name:
        members = members.where(holds(_MEMBER_NAME, name))
    rows, total, ignored = MEMBER_FIELDS.list_rows(work, members, listing, "entity_name")
    return _with_ways(work, project_id, [_member(row) for row in rows]), total, ignored


def _with_ways(work: Work, project_id: int, members: list[ListedMember]) -> list[ListedMember]:
    """The same, with what else gives those who are users access."""
    people = [one.holder_id for one in members if one.kind == "u"]
    if not people:
        return members
    through, admins = each(work, (_THROUGH, {"project": project_id, "people": people}), (_ADMINS, {"people": people}))
    groups: dict[int, list[tuple[str, Role]]] = {}
    for person, name, role in through:
        groups.setdefault(person, []).append((name, Role(role)))
    above = {row[0] for row in admins}
    return [
        msgspec.structs.replace(one, through=tuple(groups.get(one.holder_id, ())), admin=one.holder_id in above)
        if one.kind == "u"
        else one
        for one in members
    ]


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


def seen_by(who: Audience, *, one_by_one: bool = False) -> list[ColumnElement[bool]]:
    """That the principal `:caller` may know of a live project; for statements that are kept.

    Args:
        one_by_one: of a user's projects each is looked up by itself. Else all of them are, first.
    """
    return [_LIVE, *_visible(who, one_by_one=one_by_one)]


def _visible(who: Audience, account: Account | None = None, *, one_by_one: bool = False) -> list[ColumnElement[bool]]:
    """That somebody may know of a project: the principal `:caller`, or this account.

    Args:
        one_by_one: a user's are looked up project by project. Else all of them are, first.
    """
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
    own, groups = bindings_of(caller)
    if one_by_one:
        here = RoleBinding.project_id == Project.id
        found = [one.where(here).correlate(Project).exists() for one in (own, groups)]
        return [or_(Project.public, *found)]
    # Two index look-ups instead of one scan over all bindings.
    return [or_(Project.public, Project.id.in_(union_all(own, groups)))]


def bindings_of(caller: ColumnElement[int]) -> tuple[Select[int], Select[int]]:
    """The ids of the projects in which a user has a role: of their own, and by a group."""
    own = select(RoleBinding.project_id).where(RoleBinding.principal_id == caller)
    groups = (
        select(RoleBinding.project_id)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == caller)
    )
    return own, groups


@lru_cache(1024)
def _held(own: int | None, of_groups: str | None) -> tuple[Role, ...]:
    """The roles of somebody, the highest first."""
    numbers = {int(role) for role in of_groups.split(",")} if of_groups else set()
    if own is not None:
        numbers.add(own)
    return tuple(sorted((Role(number) for number in numbers), key=lambda role: -RANK[role]))


def _listed(row: Row) -> ListedProject:
    """The columns of `_projects`."""
    allowlist = Allowlist(*row[_OWN:-2]) if row[_OWN] is not None else None
    return ListedProject(*(*row[:_OWN], allowlist, _held(row[-2], row[-1])))
