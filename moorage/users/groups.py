"""User groups, as LDAP, OpenID or a proxy names them.

A group is known by its kind and its key: a directory's group by its distinguished name in one spelling, others by their
name. Groups become known when somebody of them signs in, or before that, when an administrator names them. Who is in
them is what the source said at each person's last sign-in (`people.ensure_person`).
"""

from datetime import datetime

import msgspec
from sqlalchemy import bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.access.tables import RoleBinding
from moorage.db.unit_of_work import Work
from moorage.errors import GroupExists, GroupNameInvalid, GroupUnknown
from moorage.events import GroupChanged, GroupCreated
from moorage.users.tables import Group, GroupMember, Principal

MAX_GROUP_NAME_CHARACTERS = 255
MAX_KEY_CHARACTERS = 512


class GroupRow(msgspec.Struct, frozen=True):
    """A group as others see it. `kind`: 1 of a directory, 2 of a header, 3 of an OpenID provider."""

    id: int
    kind: int
    name: str
    key: str
    created_at: datetime


_GROUPS = select(Group.id, Group.kind, Group.name, Group.key, Group.created_at)
_BY_ID = _GROUPS.where(Group.id == bindparam("id"))
_BY_KEY = _GROUPS.where(Group.kind == bindparam("kind"), Group.key == bindparam("key"))


def get_group(work: Work, group_id: int) -> GroupRow:
    """The group with this id.

    Raises:
        GroupUnknown: there is none.
    """
    row = work.db.execute(_BY_ID, {"id": group_id}).first()
    if row is None:
        raise GroupUnknown(id=group_id)
    return GroupRow(*row)


def find_group(work: Work, kind: int, key: str) -> GroupRow | None:
    """The group of this kind and key."""
    row = work.db.execute(_BY_KEY, {"kind": kind, "key": key}).first()
    return None if row is None else GroupRow(*row)


def create_group(work: Work, kind: int, key: str, name: str) -> int:
    """Make a group known before somebody of it has signed in, and return its id.

    Raises:
        GroupNameInvalid: the name or the key is empty or too long, or has characters that cannot be seen.
        GroupExists: it is known already; the unique index decides.
    """
    if not (_is_text(name, MAX_GROUP_NAME_CHARACTERS) and _is_text(key, MAX_KEY_CHARACTERS)):
        raise GroupNameInvalid(name=name[:MAX_GROUP_NAME_CHARACTERS])
    try:
        with work.db.begin_nested():
            group_id: int = work.db.execute(
                insert(Group).values(kind=kind, key=key, name=name, created_at=work.now).returning(Group.id)
            ).scalar_one()
    except IntegrityError as error:
        raise GroupExists(name=name) from error
    work.emit(GroupCreated(group_id, name))
    return group_id


def ensure_group(work: Work, kind: int, key: str, name: str) -> int:
    """The id of a group, which is made unless it is there. A name that somebody gave it stays. Safe to repeat.

    Raises:
        GroupNameInvalid: as `create_group`.
    """
    found = find_group(work, kind, key)
    if found is not None:
        return found.id
    try:
        return create_group(work, kind, key, name)
    except GroupExists:  # somebody was faster
        found = find_group(work, kind, key)
        if found is None:
            raise
        return found.id


def rename_group(work: Work, group_id: int, name: str) -> None:
    """Show a group under another name. Its key, and so who is in it, stays.

    Raises:
        GroupUnknown: there is none.
        GroupNameInvalid: the name is empty, too long, or has characters that cannot be seen.
    """
    if not _is_text(name, MAX_GROUP_NAME_CHARACTERS):
        raise GroupNameInvalid(name=name[:MAX_GROUP_NAME_CHARACTERS])
    if work.db.execute(update(Group).where(Group.id == group_id).values(name=name)).rowcount == 0:
        raise GroupUnknown(id=group_id)
    work.emit(GroupChanged(group_id, name, "name"))


def delete_group(work: Work, group_id: int) -> None:
    """Forget a group and its roles. What was issued to its members, where it had a role, stops working.

    It comes back, without roles, when somebody of it signs in.

    Raises:
        GroupUnknown: there is none.
    """
    name = get_group(work, group_id).name
    if _has_role(work, group_id):
        members = select(GroupMember.principal_id).where(GroupMember.group_id == group_id)
        work.db.execute(update(Principal).where(Principal.id.in_(members)).values(epoch=Principal.epoch + 1))
    work.db.execute(delete(RoleBinding).where(RoleBinding.group_id == group_id))
    work.db.execute(delete(GroupMember).where(GroupMember.group_id == group_id))
    work.db.execute(delete(Group).where(Group.id == group_id))
    work.emit(GroupChanged(group_id, name, "deleted"))


def _has_role(work: Work, group_id: int) -> bool:
    return bool(work.db.scalar(select(exists().where(RoleBinding.group_id == group_id))))


def _is_text(text: str, limit: int) -> bool:
    return 0 < len(text) <= limit and text.isprintable() and text == text.strip()
