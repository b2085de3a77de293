"""Robot accounts: create and change them, and rotate their secrets.

A generated secret is 256 random bits. Slow hashes exist to make guessing from a list of likely passwords dear; there
is no list of 256-bit numbers, so one HMAC-SHA256 under a salt is as strong as the secret itself, and takes two
microseconds where argon2id takes 20 ms. The contract lets somebody choose a secret too; such a one is hashed with
argon2id like a password. The first byte of what is stored says which it is.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import Account
from moorage.access.robot_permissions import PROJECT_PERMISSIONS, SYSTEM_PERMISSIONS
from moorage.configuration.service import get_items
from moorage.db.base import db_now
from moorage.db.statements import Query, Reader
from moorage.db.unit_of_work import Work
from moorage.errors import RobotDurationInvalid, RobotExists, RobotPermissionInvalid, RobotUnknown
from moorage.events import RobotChanged, RobotCreated
from moorage.oci.names import MAX_NAME_CHARACTERS, parse_robot_name
from moorage.users.login_throttle import Turn
from moorage.users.passwords import Passwords, hash_chosen_secret, require_good_password
from moorage.users.tables import Principal, RefreshToken, Robot, RobotPermission

PREFIX = "robot$"
MAX_DAYS = 2_147_483_646

_GENERATED, _CHOSEN = b"\x01", b"\x02"


class Permission(msgspec.Struct, frozen=True):
    """An action on a resource: in one project, with neither project nor `system` in every project there is or will be.

    Attributes:
        project_id: the one project.
        system: in the system instead of in projects.
    """

    resource: str
    action: str
    project_id: int | None = None
    system: bool = False


class NewRobot(msgspec.Struct, frozen=True):
    """A robot that was just made. `secret` is shown this once; `name` is as stored, without the prefix."""

    id: int
    name: str
    secret: str
    expires_at: datetime | None


_LOCK = (
    select(Robot.secret, Robot.salt)
    .join(Principal, Principal.id == Robot.principal_id)
    .where(Robot.principal_id == bindparam("id"), Principal.deleted_at.is_(None))
    .with_for_update()
)
_BUMP = (
    update(Principal)
    .where(Principal.id == bindparam("robot_id"), Principal.kind == "robot", Principal.deleted_at.is_(None))
    .returning(Principal.name)
)
_FIND = Query(
    """SELECT p.id, p.epoch, p.name, r.secret, r.salt, r.old_secret, {left:r.old_secret_until},
    {left:r.expires_at}, r.project_id
FROM principal p
JOIN robot r ON r.principal_id = p.id
LEFT JOIN project o ON o.id = r.project_id
WHERE p.kind = 'robot' AND p.folded = $1 AND p.deleted_at IS NULL AND NOT p.disabled
    AND (r.project_id IS NULL OR o.trash_id IS NULL)"""
)


# -- changes ----------------------------------------------------------------------------------------------


def create_robot(
    work: Work,
    name: str,
    permissions: Sequence[Permission],
    *,
    project: tuple[int, str] | None = None,
    duration_days: int | None = -1,
    description: str = "",
    creator_id: int | None = None,
    visible: bool = True,
    internal: bool = False,
) -> NewRobot:
    """Create a robot.

    Args:
        name: without prefix and project.
        project: id and name of the project that it belongs to; None: a robot of the system.
        duration_days: how long it lives; -1: for ever; None: as the live settings say (`robot_token_duration`).
        internal: made by the server itself, which may grant `scanner-pull`.

    Raises:
        RobotNameInvalid, RobotDurationInvalid: as they say.
        RobotPermissionInvalid: not in the lists above, or a project's robot that would reach beyond its project.
        RobotExists: the name is taken; the unique index decides.
    """
    stored = parse_robot_name(name) if project is None else f"{project[1]}+{parse_robot_name(name)}"
    _require_grantable(permissions, project[0] if project else None, internal=internal)
    if duration_days is None:
        duration_days = min(get_items(work).robot_token_duration, MAX_DAYS)
    expires_at = _expiry(work.now, duration_days)
    secret = _generate_secret()
    salt = secrets.token_bytes(32)
    try:
        with work.db.begin_nested():
            robot_id = work.db.scalar(
                insert(Principal)
                .values(kind="robot", name=stored, folded=stored, created_at=work.now, updated_at=work.now)
                .returning(Principal.id)
            )
            assert robot_id is not None  # noqa: S101 - for mypy: RETURNING gives the row that was inserted
    except IntegrityError as error:
        raise RobotExists(name=stored) from error
    work.db.execute(
        insert(Robot).values(
            principal_id=robot_id,
            project_id=project[0] if project else None,
            description=description,
            secret=_hash_generated(secret, salt),
            salt=salt,
            secret_at=db_now(),
            expires_at=expires_at,
            duration_days=duration_days,
            visible=visible,
            creator_id=creator_id,
        )
    )
    _insert_permissions(work, robot_id, permissions)
    work.emit(RobotCreated(robot_id, project[0] if project else None, stored))
    return NewRobot(robot_id, stored, secret, expires_at)


def refresh_secret(work: Work, robot_id: int, *, overlap_seconds: int = 0) -> str:
    """Give a robot a new random secret and return it; this is the only time it is seen.

    Args:
        overlap_seconds: how long the old secret still signs in. Without, its tokens stop at once; with, they live
            out their 30 minutes: whoever still has the old secret could fetch another meanwhile anyway.

    Raises:
        RobotUnknown: there is none.
    """
    row = work.db.execute(_LOCK, {"id": robot_id}).one_or_none()
    if row is None:
        raise RobotUnknown(id=robot_id)
    secret = _generate_secret()
    salt = row.salt if overlap_seconds else secrets.token_bytes(32)
    values: dict[str, object] = {"old_secret": None, "old_secret_until": None}
    if overlap_seconds:  # both secrets are under one salt: there is one column, and random secrets need no second
        values = {"old_secret": row.secret, "old_secret_until": db_now(overlap_seconds)}
    hashed = _hash_generated(secret, salt)
    work.db.execute(
        update(Robot)
        .where(Robot.principal_id == robot_id)
        .values(secret=hashed, salt=salt, secret_at=db_now(), **values)
    )
    name, project_id = _bump(work, robot_id, by=0 if overlap_seconds else 1)
    work.emit(RobotChanged(robot_id, project_id, name, "secret"))
    return secret


def set_secret(work: Work, robot_id: int, hashed: tuple[bytes, bytes]) -> None:
    """Give a robot the secret that somebody chose. `hashed` comes from `hash_chosen`; the old one stops at once.

    Raises:
        RobotUnknown: there is none.
    """
    stored, salt = hashed
    name, project_id = _bump(work, robot_id)
    work.db.execute(
        update(Robot)
        .where(Robot.principal_id == robot_id)
        .values(secret=stored, salt=salt, secret_at=db_now(), old_secret=None, old_secret_until=None)
    )
    work.emit(RobotChanged(robot_id, project_id, name, "secret"))


def hash_chosen(secret: str) -> tuple[bytes, bytes]:
    """What is stored for a chosen secret, and its salt. Takes 20 ms: call it outside of a transaction.

    Raises:
        PasswordInvalid: the secret breaks the rule for passwords.
    """
    require_good_password(secret)
    salt = secrets.token_bytes(32)
    return _CHOSEN + hash_chosen_secret(secret.encode(), salt), salt


def set_permissions(work: Work, robot_id: int, permissions: Sequence[Permission]) -> None:
    """Replace what a robot may do; its tokens stop working.

    Raises:
        RobotUnknown, RobotPermissionInvalid: as they say.
    """
    name, project_id = _bump(work, robot_id)
    _require_grantable(permissions, project_id, internal=False)
    work.db.execute(delete(RobotPermission).where(RobotPermission.robot_id == robot_id))
    _insert_permissions(work, robot_id, permissions)
    work.emit(RobotChanged(robot_id, project_id, name, "permissions"))


def set_description(work: Work, robot_id: int, *, description: str, duration_days: int) -> None:
    """Change what describes a robot, and how long it lives: from its creation on, as the contract has it.

    Raises:
        RobotUnknown: there is none.
        RobotDurationInvalid: as `create_robot`.
    """
    created_at = work.db.scalar(select(Principal.created_at).where(Principal.id == robot_id))
    if created_at is None:
        raise RobotUnknown(id=robot_id)
    values = {
        "description": description,
        "duration_days": duration_days,
        "expires_at": _expiry(created_at, duration_days),
    }
    work.db.execute(update(Robot).where(Robot.principal_id == robot_id).values(values))


def set_disabled(work: Work, robot_id: int, *, disabled: bool) -> None:
    """Switch a robot off, with its tokens, or on again.

    Raises:
        RobotUnknown: there is none.
    """
    name, project_id = _bump(work, robot_id, disabled=disabled)
    work.emit(RobotChanged(robot_id, project_id, name, "disabled" if disabled else "enabled"))


def delete_robot(work: Work, robot_id: int) -> None:
    """Delete a robot; its name is free at once.

    Raises:
        RobotUnknown: there is none.
    """
    name, project_id = _bump(work, robot_id, deleted_at=work.now)
    work.db.execute(delete(RobotPermission).where(RobotPermission.robot_id == robot_id))
    work.db.execute(delete(RefreshToken).where(RefreshToken.principal_id == robot_id))
    work.emit(RobotChanged(robot_id, project_id, name, "deleted"))


def delete_robots_of_project(work: Work, project_id: int) -> None:
    """Delete the robots that belong to a project, and what others may do there."""
    ids = work.db.scalars(
        select(Robot.principal_id)
        .join(Principal, Principal.id == Robot.principal_id)
        .where(Robot.project_id == project_id, Principal.deleted_at.is_(None))
        .order_by(Robot.principal_id)
    ).all()
    for robot_id in ids:
        delete_robot(work, robot_id)
    work.db.execute(delete(RobotPermission).where(RobotPermission.project_id == project_id))


def list_permissions(work: Work, robot_id: int) -> list[Permission]:
    """All that a robot may do."""
    rows = work.db.execute(
        select(RobotPermission.resource, RobotPermission.action, RobotPermission.project_id, RobotPermission.scope)
        .where(RobotPermission.robot_id == robot_id)
        .order_by(RobotPermission.id)
    )
    return [Permission(row.resource, row.action, row.project_id, row.scope == "system") for row in rows]


def _require_grantable(permissions: Sequence[Permission], project_id: int | None, *, internal: bool) -> None:
    for permission in permissions:
        allowed = SYSTEM_PERMISSIONS if permission.system else PROJECT_PERMISSIONS
        known = permission.action in allowed.get(permission.resource, ()) or (
            internal and (permission.resource, permission.action) == ("repository", "scanner-pull")
        )
        if not known or (permission.system and permission.project_id is not None):
            raise RobotPermissionInvalid(
                f"bad request permission: {permission.resource}:{permission.action}; "
                "GET /api/v2.0/permissions lists those that a robot can have.",
                resource=permission.resource,
                action=permission.action,
            )
        if project_id is not None and permission.project_id != project_id:
            raise RobotPermissionInvalid("A project's robot can be given permissions in that project only.")


def _insert_permissions(work: Work, robot_id: int, permissions: Sequence[Permission]) -> None:
    rows = [
        {
            "robot_id": robot_id,
            "scope": "system" if one.system else "all" if one.project_id is None else "project",
            "project_id": one.project_id,
            "resource": one.resource,
            "action": one.action,
        }
        for one in dict.fromkeys(permissions)
    ]
    if rows:
        work.db.execute(insert(RobotPermission), rows)


def _expiry(now: datetime, duration_days: int) -> datetime | None:
    if duration_days == -1:
        return None
    if not 1 <= duration_days <= MAX_DAYS:
        raise RobotDurationInvalid(duration_days=duration_days)
    try:
        return now + timedelta(days=duration_days)
    except OverflowError:
        return datetime.max.replace(tzinfo=now.tzinfo)


def _generate_secret() -> str:
    """264 random bits in 44 characters, among them a lower-case and an upper-case letter and a digit, by contract."""
    while True:
        secret = urlsafe_b64encode(secrets.token_bytes(33)).decode("ascii")
        if any(map(str.islower, secret)) and any(map(str.isupper, secret)) and any(map(str.isdigit, secret)):
            return secret


def _hash_generated(secret: str, salt: bytes) -> bytes:
    return _GENERATED + hmac.digest(salt, secret.encode("utf-8", "surrogatepass"), "sha256")


def _bump(work: Work, robot_id: int, *, by: int = 1, **values: object) -> tuple[str, int | None]:
    """Change a robot's principal, end its tokens, and return its stored name and its project."""
    name = work.db.scalar(
        _BUMP.values(epoch=Principal.epoch + by, updated_at=work.now, **values), {"robot_id": robot_id}
    )
    if name is None:
        raise RobotUnknown(id=robot_id)
    project_id = work.db.scalar(select(Robot.project_id).where(Robot.principal_id == robot_id))
    return name, project_id


# -- signing in -------------------------------------------------------------------------------------------


async def authenticate(
    read: Reader, passwords: Passwords, stored_name: str, secret: str, turn: Turn, *, prefix: str = PREFIX
) -> Account | None:
    """The robot, or None: wrong secret, unknown, disabled, expired, or its project is gone.

    Args:
        stored_name: what follows the prefix.

    Raises:
        LoginThrottled: by `turn`.
    """
    known = 0 < len(stored_name) <= 2 * MAX_NAME_CHARACTERS and stored_name.isascii() and stored_name.isprintable()
    row = await read.one(_FIND, stored_name) if known else None
    if row is not None and (row[7] is None or row[7] > 0):
        account = Account(
            principal_id=row[0],
            epoch=row[1],
            kind="robot",
            name=prefix + row[2],
            project_id=row[8],
            seconds_left=row[7],
        )
        salt = bytes(row[4])
        stored = [bytes(row[3])]
        if row[5] is not None and row[6] is not None and row[6] > 0:
            stored.append(bytes(row[5]))
        for one in stored:
            if one.startswith(_GENERATED) and hmac.compare_digest(one, _hash_generated(secret, salt)):
                return account
            if one.startswith(_CHOSEN) and passwords.remembers(row[0], one, secret):
                return account
        async with turn:
            for one in stored:
                if one.startswith(_CHOSEN) and await passwords.verify_by(
                    row[0], one, secret, partial(_matches_chosen, one, secret, salt)
                ):
                    return account
        return None
    async with turn:
        return None


def _matches_chosen(stored: bytes, secret: str, salt: bytes) -> bool:
    return hmac.compare_digest(stored, _CHOSEN + hash_chosen_secret(secret.encode("utf-8", "surrogatepass"), salt))
