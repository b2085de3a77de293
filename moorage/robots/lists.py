"""Pages of robot accounts with their permissions, in a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Integer, String, and_, column, select, table

from moorage.db.list_query import Field, Fields, Listing
from moorage.db.unit_of_work import Work
from moorage.users.tables import Principal, Robot, RobotPermission

_PROJECT = table("project", column("id", Integer), column("name", String), column("trash_id", Integer))
"""Of a subject above this one only the names are asked for."""

_CREATOR = Principal.__table__.alias("creator")

ROBOT_FIELDS = Fields(
    {
        "name": Field(Principal.name),
        "id": Field(Principal.id, kind="number"),
        "description": Field(Robot.description),
        "disable": Field(Principal.disabled, kind="flag"),
        "expires_at": Field(Robot.expires_at, kind="time"),
        "duration": Field(Robot.duration_days, kind="number"),
        "creation_time": Field(Principal.created_at, kind="time"),
        "update_time": Field(Principal.updated_at, kind="time"),
        "last_used": Field(Principal.used_at, kind="time"),
        "secret_time": Field(Robot.secret_at, kind="time"),
    },
    key=Principal.id,
)


class ListedRobot(msgspec.Struct, frozen=True):
    """A robot as the REST API shows it.

    Attributes:
        name: as stored, without the prefix.
        permissions: (resource, action) by namespace: `/`, `*`, or the name of a live project.
    """

    id: int
    name: str
    description: str
    project_id: int | None
    disabled: bool
    duration_days: int
    expires_at: datetime | None
    creator_id: int | None
    creator_is_robot: bool
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None
    secret_at: datetime | None
    permissions: dict[str, list[tuple[str, str]]]

    @property
    def level(self) -> str:
        """`system` or `project`."""
        return "system" if self.project_id is None else "project"


_ROBOTS = (
    select(
        Principal.id,
        Principal.name,
        Robot.description,
        Robot.project_id,
        Principal.disabled,
        Robot.duration_days,
        Robot.expires_at,
        Robot.creator_id,
        _CREATOR.c.kind.label("creator_kind"),
        Principal.created_at,
        Principal.updated_at,
        Principal.used_at,
        Robot.secret_at,
    )
    .join(Robot, Robot.principal_id == Principal.id)
    .outerjoin(_CREATOR, _CREATOR.c.id == Robot.creator_id)
    .where(Principal.kind == "robot", Principal.deleted_at.is_(None))
)


def list_robots(work: Work, listing: Listing, *, project_id: int | None) -> tuple[list[ListedRobot], int, list[str]]:
    """A page of the visible robots of a project (None: of the system), how many there are, and what was ignored.

    Cost: three statements: the page, the count, the permissions.
    """
    owned = Robot.project_id.is_(None) if project_id is None else Robot.project_id == project_id
    rows, total, ignored = ROBOT_FIELDS.list_rows(work, _ROBOTS.where(owned, Robot.visible), listing, "-id")
    permissions = _permissions_of(work, [row.id for row in rows])
    return [_robot(row, permissions) for row in rows], total, ignored


def find_robot(work: Work, robot_id: int) -> ListedRobot | None:
    """One robot; one that the server made for itself is none."""
    row = work.db.execute(_ROBOTS.where(Principal.id == robot_id, Robot.visible)).one_or_none()
    return None if row is None else _robot(row, _permissions_of(work, [robot_id]))


def _permissions_of(work: Work, ids: Sequence[int]) -> dict[int, dict[str, list[tuple[str, str]]]]:
    found: dict[int, dict[str, list[tuple[str, str]]]] = {one: {} for one in ids}
    if not ids:
        return found
    rows = work.db.execute(
        select(
            RobotPermission.robot_id,
            RobotPermission.scope,
            RobotPermission.resource,
            RobotPermission.action,
            _PROJECT.c.name,
        )
        .outerjoin(_PROJECT, and_(_PROJECT.c.id == RobotPermission.project_id, _PROJECT.c.trash_id.is_(None)))
        .where(RobotPermission.robot_id.in_(ids))
        .order_by(RobotPermission.id)
    )
    for robot_id, scope, resource, action, name in rows:
        namespace = {"system": "/", "all": "*"}.get(scope, name)
        if namespace is not None:  # a project that was deleted vanishes from the list
            found[robot_id].setdefault(namespace, []).append((resource, action))
    return found


def _robot(row: Any, permissions: dict[int, dict[str, list[tuple[str, str]]]]) -> ListedRobot:  # noqa: ANN401 - of _ROBOTS
    return ListedRobot(
        id=row.id,
        name=row.name,
        description=row.description,
        project_id=row.project_id,
        disabled=bool(row.disabled),
        duration_days=row.duration_days,
        expires_at=row.expires_at,
        creator_id=row.creator_id,
        creator_is_robot=row.creator_kind == "robot",
        created_at=row.created_at,
        updated_at=row.updated_at,
        used_at=row.used_at,
        secret_at=row.secret_at,
        permissions=permissions[row.id],
    )
