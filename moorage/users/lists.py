"""Pages of users and groups, in a constant number of statements."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, select

from moorage.db.list_query import Field, Fields, Listing, holds
from moorage.db.unit_of_work import Work
from moorage.users.groups import GroupRow
from moorage.users.tables import Group, Principal, User


class ListedUser(msgspec.Struct, frozen=True):
    """A user as the REST API shows it. `admin_by_source`: the directory or provider says so."""

    id: int
    name: str
    email: str | None
    realname: str
    comment: str
    admin: bool
    admin_by_source: bool
    disabled: bool
    source: str
    source_subject: str | None
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None


_LIVE = and_(Principal.kind == "user", Principal.deleted_at.is_(None))
_USERS = (
    select(
        Principal.id,
        Principal.name,
        User.email,
        User.realname,
        User.comment,
        User.admin,
        User.admin_by_source,
        Principal.disabled,
        User.source,
        User.source_subject,
        Principal.created_at,
        Principal.updated_at,
        Principal.used_at,
    )
    .join(User, User.principal_id == Principal.id)
    .where(_LIVE)
)
USER_FIELDS = Fields(
    {
        "username": Field(Principal.name, folded=Principal.folded),
        "email": Field(User.email, folded=User.email_folded),
        "realname": Field(User.realname),
        "user_id": Field(Principal.id, kind="number"),
        "sysadmin_flag": Field(User.admin, kind="flag"),
        "source": Field(User.source),
        "creation_time": Field(Principal.created_at, kind="time"),
        "update_time": Field(Principal.updated_at, kind="time"),
        "last_used": Field(Principal.used_at, kind="time"),
    },
    key=Principal.id,
)
GROUP_FIELDS = Fields(
    {
        "group_name": Field(Group.name),
        "group_type": Field(Group.kind, kind="number"),
        "ldap_group_dn": Field(Group.key),
        "id": Field(Group.id, kind="number"),
    },
    key=Group.id,
)


def list_listed_users(work: Work, listing: Listing, *, but: int = 0) -> tuple[list[ListedUser], int, list[str]]:
    """A page of users by name, how many there are, and what was ignored. Two statements.

    Args:
        but: the id of a user who is left out; the contract leaves out the first.
    """
    rows, total, ignored = USER_FIELDS.list_rows(work, _USERS.where(Principal.id != but), listing, "username")
    return [_user(row) for row in rows], total, ignored


def find_listed_user(work: Work, user_id: int) -> ListedUser | None:
    """One user as the list shows it."""
    row = work.db.execute(_USERS.where(Principal.id == user_id)).one_or_none()
    return None if row is None else _user(row)


def search_users(work: Work, name: str, listing: Listing) -> tuple[list[tuple[int, str]], int]:
    """Ids and names of users whose name begins with or holds `name`, whatever its case, by name; and how many."""
    where: ColumnElement[bool] = and_(_LIVE, Principal.folded.contains(name.casefold(), autoescape=True))
    rows = work.db.execute(
        select(Principal.id, Principal.name)
        .where(where)
        .order_by(Principal.folded, Principal.id)
        .limit(listing.page_size)
        .offset(listing.offset)
    )
    total = work.db.scalar(select(func.count()).select_from(Principal).where(where))
    return [(row.id, row.name) for row in rows], total or 0


def list_groups(
    work: Work, listing: Listing, *, part: str = "", key: str = ""
) -> tuple[list[GroupRow], int, list[str]]:
    """A page of groups by name, how many there are, and what was ignored.

    Args:
        part: a part of the name, whatever its case.
        key: the key, which is a DN for an LDAP group.
    """
    groups = select(Group.id, Group.kind, Group.name, Group.key, Group.created_at)
    if part:
        groups = groups.where(holds(Group.name, part))
    if key:
        groups = groups.where(Group.key == key)
    rows, total, ignored = GROUP_FIELDS.list_rows(work, groups, listing, "group_name")
    return [GroupRow(*row) for row in rows], total, ignored


def _user(row: Any) -> ListedUser:  # noqa: ANN401 - the columns of _USERS
    return ListedUser(*row)
