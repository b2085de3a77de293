"""The audit log as lists: the contract's by page, ours by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, func, literal, or_, select, tuple_, union_all
from sqlalchemy.sql import operators

from moorage.access.policy import Account
from moorage.access.role_matrix import ROLE_PERMISSIONS
from moorage.access.tables import RoleBinding
from moorage.audit.keyset_page import Rows, edge_condition, find_edge, make_rows
from moorage.audit.row_counts import PROJECT, total
from moorage.audit.tables import Audit
from moorage.db.base import Id, UtcTime, from_micros, to_micros
from moorage.db.compiled_statements import Prepared, each
from moorage.db.list_query import Field, Fields, Listing, turn
from moorage.db.statements import Row
from moorage.db.unit_of_work import Work
from moorage.errors import ListingInvalid
from moorage.projects.tables import Project
from moorage.users.tables import GroupMember, RobotPermission

FIELDS = Fields(
    {
        "id": Field(Audit.id, "number"),
        "op_time": Field(Audit.at, "time"),
        # Only these two can be sorted by: an order of a million rows by another column is no answer but a load.
        "username": Field(Audit.principal_name, sortable=False),
        "resource": Field(Audit.resource, sortable=False),
        "resource_type": Field(Audit.resource_type, sortable=False),
        "operation": Field(Audit.operation, sortable=False),
        "operation_result": Field(Audit.ok, "flag", sortable=False),
        "project_id": Field(Audit.project_id, "number", sortable=False),
        "address": Field(Audit.address, sortable=False),
        "credential": Field(Audit.credential, sortable=False),
        "request_id": Field(Audit.request_id, sortable=False),
    },
    key=Audit.id,
    aliases={"op_result": "operation_result"},
)
NEWEST_FIRST, OLDEST_FIRST = "-op_time", "op_time"
SORTED_FROM = 2
"""SQLite: to gather and sort a row of somebody's projects takes as long as to pass so many rows in an index."""
DEEP = 20_000
"""Rows before a page from which on whole parts of the log are skipped."""
EARLY = 100
"""PostgreSQL: a page that begins before so many rows is read while they are counted."""
ASKED_UP_TO = 200
"""SQLite: so many rows are asked one by one whether somebody sees them, in the time in which all of somebody's
projects are found."""

_LOG_ROLES = sorted(role for role, allowed in ROLE_PERMISSIONS.items() if ("log", "list") in allowed)
COLUMNS = (
    Audit.id, Audit.at, Audit.principal_name, Audit.credential, Audit.address, Audit.request_id, Audit.project_id,
    Audit.resource_type, Audit.resource, Audit.operation, Audit.ok, Audit.repeats, Audit.detail,
)  # fmt: skip

_DONE: ColumnElement[bool] = Audit.ok.is_(True)

Whose = Literal["all", "project", "user", "robot"]
Way = Literal["gather", "walk", "ask"]
"""Gather the rows of somebody's projects; go through all in their order, with the projects at hand, or asking of
each row."""


class Entry(msgspec.Struct, frozen=True):
    """One row of the log.

    Attributes:
        username: who; "" for nobody in particular.
        ok: done; False: refused.
        repeats: how often, within a minute, the same was refused, or within two seconds the same was pulled.
        detail: what else is known about it; never a secret.
    """

    id: int
    at: datetime
    username: str
    credential: str
    address: str
    request_id: str
    project_id: int | None
    resource_type: str
    resource: str
    operation: str
    ok: bool
    repeats: int
    detail: dict[str, Any]

    @property
    def event(self) -> str:
        """The contract's name of what happened: `create_artifact`."""
        return f"{self.operation}_{self.resource_type}"

    @property
    def description(self) -> str:
        """One sentence for people: `create project: team`."""
        about = f": {self.resource}" if self.resource else ""
        return f"{self.operation} {self.resource_type}{about}" + ("" if self.ok else " (refused)")


@dataclass(frozen=True, slots=True)
class Sees:
    """The rows that an account may see.

    Attributes:
        whose: all rows; those of one project; those of the live projects whose log a user or a robot may list.
        number: of the project or of the principal.
    """

    whose: Whose
    number: int = 0


ALL = Sees("all")


def sees_in_projects(account: Account) -> Sees:
    """What an account sees that may not list the log of the system: the logs of projects that it may list."""
    return Sees("robot" if account.kind == "robot" else "user", account.principal_id)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list. `ignored`: keys of the listing that are not known here."""

    entries: list[Entry]
    total: int
    ignored: list[str]


def list_entries(work: Work, sees: Sees, listing: Listing, *, only_done: bool = False) -> Page:
    """One page, the newest first unless `listing` says otherwise.

    Raises:
        QueryInvalid: a filter has a value that does not fit.

    Cost: two statements. The total is exact, and costs nothing that grows unless `q` filters; then the rows of the
    filter's index are counted. The page is read from the end of the list that is nearer.
    """
    conditions, ignored = FIELDS.where(listing)
    unsorted = FIELDS.order(listing, NEWEST_FIRST)[1] if listing.sort else []
    if conditions:
        rows, count = _find(work, sees, [*conditions, _DONE] if only_done else conditions, listing)
    else:
        rows, count = _list(work, sees, listing, only_done=only_done)
    return Page([_entry(row) for row in rows], count, ignored + unsorted)


def _list(work: Work, sees: Sees, listing: Listing, *, only_done: bool) -> tuple[Sequence[Row], int]:
    seen = {"whose": sees.number}
    counting = _count(sees.whose, only_done=only_done)
    if work.db.dialect.name == "postgresql" and listing.offset < EARLY:  # in one round trip; it chooses by itself
        page = _page(sees.whose, listing.sort, NEWEST_FIRST, only_done=only_done)
        paged = {**seen, "size": listing.page_size, "skip": listing.offset}
        counted, rows = each(work, (counting, seen), (page, paged))
        return rows, int(counted[0][0])
    ((found, newest),) = counting.rows(work, seen)
    count = int(found)
    skip, size, backwards = listing.window(count)
    if not size:
        return [], count
    sort, default = turn(listing.sort, NEWEST_FIRST) if backwards else (listing.sort, NEWEST_FIRST)
    way: Way = _choose(skip + size, count, newest or 0) if work.db.dialect.name == "sqlite" else "gather"
    edge = None
    if skip > DEEP:
        by_time, descends = _order_of(sort, default)
        parts = _count_parts(sees.whose, only_done=only_done)
        edge = find_edge(work, parts, seen, skip, size, by_time=by_time, descends=descends)
    paged = {**seen, "size": size, "skip": skip}
    if edge is not None:
        way = "walk" if work.db.dialect.name == "sqlite" else "gather"
        paged |= {"edge": edge.at, "until": edge.until, "skip": edge.skip}
    page = _page(sees.whose, sort, default, only_done=only_done, way=way, from_edge=edge is not None)
    rows = page.rows(work, paged)
    return rows[::-1] if backwards else rows, count


def _find(
    work: Work, sees: Sees, conditions: Sequence[ColumnElement[bool]], listing: Listing
) -> tuple[Sequence[Row], int]:
    seen = {"whose": sees.number}
    count = work.db.scalar(_count_where(sees.whose, conditions), seen) or 0
    skip, size, backwards = listing.window(count)
    if not size:
        return [], count
    sort, default = turn(listing.sort, NEWEST_FIRST) if backwards else (listing.sort, NEWEST_FIRST)
    statement = _page_where(sees.whose, conditions, sort, default)
    rows = [tuple(row) for row in work.db.execute(statement, {**seen, "size": size, "skip": skip})]
    return rows[::-1] if backwards else rows, count


def _choose(to_pass: int, count: int, newest: int) -> Way:
    """How SQLite finds a page that ends after `to_pass` rows. Of `newest` rows, at most, somebody sees `count`."""
    if to_pass * newest > SORTED_FROM * count * count:
        return "gather"
    return "ask" if to_pass * newest <= ASKED_UP_TO * count else "walk"


def list_by_key(
    work: Work, sees: Sees, listing: Listing, *, older_than: str = "", newer_than: str = ""
) -> tuple[list[Entry], list[str]]:
    """Entries older (or newer) than a key (`make_key`), the newest first; `listing` gives filter and size.

    Raises:
        ListingInvalid: a key that is none.
        QueryInvalid: a filter has a value that does not fit.

    Cost: one statement; no page costs more than the first.
    """
    conditions, ignored = FIELDS.where(listing)
    place = tuple_(Audit.at, Audit.id)
    forward = bool(newer_than) and not older_than
    if older_than:
        conditions.append(place < _place(older_than))
    if newer_than:
        conditions.append(place > _place(newer_than))
    statement = _page_where(sees.whose, conditions, (), OLDEST_FIRST if forward else NEWEST_FIRST)
    rows = work.db.execute(statement, {"whose": sees.number, "size": listing.page_size, "skip": 0}).all()
    return [_entry(row) for row in (rows[::-1] if forward else rows)], ignored


def make_key(entry: Entry) -> str:
    """The place of an entry in the list by key."""
    return f"{to_micros(entry.at)}-{entry.id}"


def _place(key: str) -> ColumnElement[Any]:
    moment, number = _read_key(key)
    return tuple_(literal(moment, UtcTime()), literal(number, Id))


def _read_key(key: str) -> tuple[datetime, int]:
    micros, _, number = key.partition("-")
    if len(key) > 40 or not (micros.isascii() and micros.isdigit() and number.isascii() and number.isdigit()):
        raise ListingInvalid("The key is not one that this list gave out.", parameter="key")
    try:
        moment = from_micros(int(micros))
    except OverflowError:
        raise ListingInvalid("The key is not one that this list gave out.", parameter="key") from None
    return moment, min(int(number), 2**63 - 1)


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(*row)


# -- statements -------------------------------------------------------------------------------------------

# Made once where there is no filter: making one takes as long as running it.


def _projects(whose: Whose) -> Any:  # noqa: ANN401 - what SQL's IN takes
    """The ids of the projects whose log the principal `:whose` may list."""
    principal = bindparam("whose", type_=Audit.id.type)
    live = select(Project.id).where(Project.trash_id.is_(None))
    if whose == "project":
        return [principal]
    if whose == "user":
        # Two index look-ups instead of one scan over all bindings.
        return live.where(Project.id.in_(union_all(*_administered(principal))))
    return live.where(_given(principal).exists())


def _administered(principal: Any) -> tuple[Select[int], Select[int]]:  # noqa: ANN401 - a parameter
    """Projects in which a user, or a group of theirs, has a role that may list the log."""
    return (
        select(RoleBinding.project_id).where(RoleBinding.principal_id == principal, RoleBinding.role.in_(_LOG_ROLES)),
        select(RoleBinding.project_id)
        .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
        .where(GroupMember.principal_id == principal, RoleBinding.role.in_(_LOG_ROLES)),
    )


def _given(principal: Any) -> Select[int]:  # noqa: ANN401 - as above
    return select(RobotPermission.id).where(
        RobotPermission.robot_id == principal,
        RobotPermission.resource == "log",
        RobotPermission.action == "list",
        (RobotPermission.project_id == Project.id) | (RobotPermission.scope == "all"),
    )


def _visible(whose: Whose, way: Way = "gather") -> list[ColumnElement[bool]]:
    if whose == "all":
        return []
    if whose == "project":
        return [Audit.project_id == bindparam("whose")]
    if way == "ask" and whose == "user":
        live = select(Project.id).where(Project.id == Audit.project_id, Project.trash_id.is_(None))
        held = [
            one.where(RoleBinding.project_id == Audit.project_id).correlate(Audit).exists()
            for one in _administered(bindparam("whose", type_=Audit.id.type))
        ]
        return [live.correlate(Audit).exists(), or_(*held)]
    column = Audit.project_id if way == "gather" else PROJECT
    return [column.in_(_projects(whose))]


@cache
def _count(whose: Whose, *, only_done: bool) -> Prepared:
    """How many rows somebody sees, and the newest id of all."""
    count = total(None if whose == "all" else _projects(whose), only_done=only_done)
    return Prepared(count.add_columns(select(func.max(Audit.id)).scalar_subquery()))


def _count_where(whose: Whose, conditions: Sequence[ColumnElement[bool]]) -> Select[int]:
    return select(func.count()).select_from(Audit).where(*_visible(whose), *conditions)


@cache
def _count_parts(whose: Whose, *, only_done: bool) -> Rows:
    return make_rows(None if whose == "all" else _projects(whose), only_done=only_done)


def _order_of(sort: tuple[tuple[str, bool], ...], default: str) -> tuple[bool, bool]:
    """Whether an order is by time, and whether it begins with the newest: of all keys these two can be sorted by."""
    order, _ = FIELDS.order(Listing(sort=sort), default)
    first = order[0]
    return first.element.key == "at", first.modifier is operators.desc_op


@lru_cache(256)  # the keys of a sort are anybody's
def _page(
    whose: Whose,
    sort: tuple[tuple[str, bool], ...],
    default: str,
    *,
    only_done: bool,
    way: Way = "gather",
    from_edge: bool = False,
) -> Prepared:
    done = [_DONE] if only_done else []
    if from_edge:
        by_time, descends = _order_of(sort, default)
        done.append(edge_condition(by_time=by_time, descends=descends))
    return Prepared(_page_of([*_visible(whose, way), *done], sort, default))


def _page_where(
    whose: Whose, conditions: Sequence[ColumnElement[bool]], sort: tuple[tuple[str, bool], ...], default: str
) -> Select[*tuple[Any, ...]]:
    return _page_of([*_visible(whose), *conditions], sort, default)


def _page_of(
    conditions: Sequence[ColumnElement[bool]], sort: tuple[tuple[str, bool], ...], default: str
) -> Select[*tuple[Any, ...]]:
    """The ids of a page from an index, then its rows."""
    order, _ = FIELDS.order(Listing(sort=sort), default)
    ids = select(Audit.id).where(*conditions).order_by(*order).limit(bindparam("size")).offset(bindparam("skip"))
    return select(*COLUMNS).where(Audit.id.in_(ids)).order_by(*order)
