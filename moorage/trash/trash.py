"""List the trash: one row for each deletion that can still be undone."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, func, literal, or_, select, union_all

from moorage.access.policy import Account, Role
from moorage.access.tables import RoleBinding
from moorage.db.base import db_now
from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.projects.tables import Project, Trash
from moorage.repositories.tables import Repository, TagHistory
from moorage.users.tables import GroupMember, Principal, RobotPermission

KINDS = ("tag", "artifact", "repository", "project")
DELETERS = (Role.PROJECT_ADMIN, Role.MAINTAINER)
"""The roles that may delete tags, artifacts and repositories, and so undo it."""


class TrashRow(msgspec.Struct, frozen=True):
    """An act of deleting that can be undone.

    Attributes:
        label: what was deleted: `project/rest:tag`, `project/rest@digest`, `project/rest` or the project's name.
        by: who deleted it, as they are called now; None: the account is gone, or it was the system.
        purge_at: until when it can be restored.
        first: the act that has to be undone first, because it took what this belongs to; None: none.
    """

    id: int
    project_id: int
    project_name: str
    kind: str
    label: str
    reason: str
    by: str | None
    deleted_at: datetime
    purge_at: datetime
    first: int | None


_HOME = and_(Repository.id == Trash.repository_id, Trash.kind != "repository")
_FIRST = func.coalesce(Repository.trash_id, Project.trash_id)
_COLUMNS = (
    Trash.id,
    Trash.project_id,
    Project.name.label("project_name"),
    Trash.kind,
    Trash.label,
    Trash.reason,
    Principal.name.label("by"),
    Trash.deleted_at,
    Trash.purge_at,
    _FIRST.label("first"),
)
_TRASH = (
    select(*_COLUMNS)
    .join(Project, Project.id == Trash.project_id)
    .outerjoin(Repository, _HOME)
    .outerjoin(Principal, Principal.id == Trash.principal_id)
)
_OPEN = (~Trash.purging, Trash.purge_at > db_now())
TRASH_FIELDS = Fields(
    {
        "id": Field(Trash.id, kind="number"),
        "project_id": Field(Trash.project_id, kind="number"),
        "kind": Field(Trash.kind, nullable=False),
        "name": Field(Trash.label, nullable=False),
        "deleted_at": Field(Trash.deleted_at, kind="time", nullable=False),
        "purge_at": Field(Trash.purge_at, kind="time", nullable=False),
    },
    key=Trash.id,
)


def list_trash(
    work: Work, listing: Listing, *, account: Account | None = None, project_id: int | None = None
) -> tuple[list[TrashRow], int, list[str]]:
    """A page of the trash, what was deleted last first; how much there is; what was ignored. Two statements.

    Args:
        account: only what this account may restore; None: all.
        project_id: of one project; None: of all.
    """
    seen: list[ColumnElement[bool]] = [*_OPEN]
    if project_id is not None:
        seen.append(Trash.project_id == project_id)
    if account is not None and not account.admin:
        seen.append(_may_restore(account))
    rows, total, ignored = TRASH_FIELDS.list_rows(
        work, _TRASH.where(*seen), listing, "-id", counted=select(Trash.id).where(*seen)
    )
    return [_row(row) for row in rows], total, ignored


def find_trash(work: Work, trash_id: int) -> TrashRow | None:
    """An act that can still be undone."""
    row = work.db.execute(_TRASH.where(Trash.id == trash_id, *_OPEN)).one_or_none()
    return None if row is None else _row(row)


def find_names(work: Work, trash_id: int) -> list[str]:
    """The names that come back with an act, in their order: tags, the repository's whole name, or the project's."""
    row = find_trash(work, trash_id)
    if row is None:
        return []
    if row.kind in {"repository", "project"}:
        return [row.label]
    named = select(TagHistory.name).where(TagHistory.trash_id == trash_id).order_by(TagHistory.name)
    return list(work.db.execute(named).scalars())


def is_project_admin(work: Work, account: Account, project_id: int) -> bool:
    """Whether somebody is an administrator of a project, which may be in the trash itself."""
    if account.admin:
        return True
    bound = select(RoleBinding.id).where(
        RoleBinding.project_id == project_id, RoleBinding.role == Role.PROJECT_ADMIN, _holds(account)
    )
    return account.kind == "user" and work.db.execute(bound.limit(1)).first() is not None


def _may_restore(account: Account) -> ColumnElement[bool]:
    """As the single operations decide it: who may delete such a thing may undo it."""
    if account.kind == "robot":
        given = select(RobotPermission.project_id).where(
            RobotPermission.robot_id == account.principal_id, RobotPermission.resource == "artifact",
            RobotPermission.action == "delete",
        )  # fmt: skip
        everywhere = given.where(RobotPermission.scope == "all").exists()
        return and_(Trash.kind != "project", or_(Trash.project_id.in_(given), everywhere))
    # Two index look-ups instead of one scan over all bindings.
    bound = [
        union_all(
            select(RoleBinding.project_id).where(
                RoleBinding.role.in_(roles), RoleBinding.principal_id == account.principal_id
            ),
            select(RoleBinding.project_id)
            .join(GroupMember, GroupMember.group_id == RoleBinding.group_id)
            .where(RoleBinding.role.in_(roles), GroupMember.principal_id == account.principal_id),
        )
        for roles in (DELETERS, [Role.PROJECT_ADMIN])
    ]
    return or_(
        and_(Trash.kind != "project", Trash.project_id.in_(bound[0])),
        and_(Trash.kind == "project", Trash.project_id.in_(bound[1])),
    )


def _holds(account: Account) -> ColumnElement[bool]:
    caller = literal(account.principal_id, RoleBinding.principal_id.type)
    groups = select(GroupMember.group_id).where(GroupMember.principal_id == caller)
    return or_(RoleBinding.principal_id == caller, RoleBinding.group_id.in_(groups))


def _row(row: Any) -> TrashRow:  # noqa: ANN401 - the columns of _COLUMNS
    first = row.first if row.kind != "project" else None
    return TrashRow(*(*row[:-1], first))
