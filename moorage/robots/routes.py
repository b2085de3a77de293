"""Routes of robot accounts, in the system and in projects."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from moorage.access.effective_permissions import Standing
from moorage.access.operations import operation
from moorage.access.policy import EVERY_ACTION
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import Needs, inside
from moorage.configuration.cached_settings import Live
from moorage.db.list_query import Listing
from moorage.db.unit_of_work import Work
from moorage.errors import (
    Denied,
    Invalid,
    PasswordInvalid,
    RobotDurationInvalid,
    RobotExceeds,
    RobotExists,
    RobotNameInvalid,
    RobotPermissionInvalid,
    RobotUnknown,
)
from moorage.robots import accounts, lists

MAX_BLOCKS = 1_000
MAX_OVERLAP_SECONDS = 2_592_000


def _at_its_level(action: str) -> Needs:
    return inside(f"robot:{action} in the project of the robot, or in the system for a robot of the system")


class Access(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An action on a resource."""

    resource: str | None = None
    action: str | None = None
    effect: str | None = None
    """Only `allow` (or nothing) is known."""


class RobotPermission(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a robot may do in one place."""

    kind: str | None = None
    """`system` or `project`."""
    namespace: str | None = None
    """`/` for the system; the name of a project, or `*` for every project."""
    access: list[Access] | None = None


class RobotCreate(msgspec.Struct, kw_only=True):
    """A robot to create."""

    name: str | None = None
    """Without prefix and project: lower-case letters and digits, single '.', '_' or '-' between them."""
    description: str | None = None
    secret: str | None = None
    """Empty: a random one."""
    level: str | None = None
    """`system` or `project`."""
    disable: bool | None = None
    duration: int | None = None
    """Days; -1: for ever."""
    permissions: list[RobotPermission] | None = None


class RobotCreated(msgspec.Struct, kw_only=True):
    """A new robot; its secret is shown this once."""

    id: int
    name: str
    secret: str
    creation_time: str
    expires_at: int
    """Unix seconds; -1: never."""


class Robot(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A robot; its secret is never shown here."""

    id: int = 0
    name: str | None = None
    """As it signs in, with the prefix."""
    description: str | None = None
    secret: str | None = None
    level: str | None = None
    duration: int | None = None
    editable: bool | None = None
    disable: bool | None = None
    expires_at: int | None = None
    """Unix seconds; -1: never."""
    permissions: list[RobotPermission] | None = None
    creator_type: str | None = None
    """`local`: a person; `robot`."""
    creator_ref: int | None = None
    creation_time: str | None = None
    update_time: str | None = None
    last_used: str | None = None
    """Ours: when it last signed in, to a minute; absent: never."""
    secret_time: str | None = None
    """Ours: since when it has its secret."""


class RobotSec(msgspec.Struct, kw_only=True):
    """A secret for a robot."""

    secret: str | None = None
    """Empty in a request: make a random one. In the answer: that one; empty when the request chose."""
    overlap_seconds: int = 0
    """Ours: how long the old secret still signs in, at most 30 days; not with a chosen secret."""


# -- operations -------------------------------------------------------------------------------------------


@operation(
    "GET", "/robots", id="ListRobot", tag="robot", paged=True,
    needs=inside("robot:list in the system; with q=Level=project,ProjectID=ID in that project"), problems=(Invalid,),
)  # fmt: skip
async def list_robots(call: NamedDependency[Call], live: NamedDependency[Live]) -> Response[list[Robot]]:
    """The robots of the system, or with `q=Level=project,ProjectID=ID` those of a project."""
    call.signed_in()
    listing, project_id = _take_level(call.listing())
    if project_id is None:
        await call.require_in_system("robot:list")
    else:
        await call.require_in_project("robot:list", project_id=project_id)
    rows, total, ignored = await call.look(lists.list_robots, listing, project_id=project_id)
    call.ignored.extend(ignored)
    prefix = (await live.items()).robot_name_prefix
    return call.page([_robot(row, prefix) for row in rows], listing, total)


@operation(
    "POST", "/robots", id="CreateRobot", tag="robot", status=201,
    needs=inside("robot:create in the system or in the project; a robot gives no more than it has"),
    problems=(
        RobotNameInvalid, RobotDurationInvalid, RobotPermissionInvalid, RobotExists, PasswordInvalid, Invalid, Denied,
    ),
)  # fmt: skip
async def create_robot(
    data: JSONBody[RobotCreate], call: NamedDependency[Call], live: NamedDependency[Live]
) -> Response[RobotCreated]:
    """Create a robot. The secret is in this answer and nowhere else."""
    account = call.signed_in()
    _require_whole_token(call)
    home = await _home(call, data.level, data.permissions, "robot:create")
    permissions = await _permissions(call, data.permissions, home)
    await _require_own(call, permissions)
    items = await live.items()
    chosen = accounts.hash_chosen(data.secret) if data.secret else None
    # 0 is what a client that knows no duration sends.
    duration = data.duration or items.robot_token_duration

    def create(work: Work) -> accounts.NewRobot:
        made = accounts.create_robot(
            work,
            data.name or "",
            permissions,
            project=(home.project_id, home.project_name) if home is not None else None,
            duration_days=duration,
            description=data.description or "",
            creator_id=account.principal_id,
        )
        if chosen is not None:
            accounts.set_secret(work, made.id, chosen)
        if data.disable:
            accounts.set_disabled(work, made.id, disabled=True)
        return made

    made = await call.run(create)
    found = await call.look(lists.find_robot, made.id)
    body = RobotCreated(
        id=made.id,
        name=items.robot_name_prefix + made.name,
        secret=data.secret or made.secret,
        creation_time=stamp(found.created_at if found else None),
        expires_at=_seconds(made.expires_at),
    )
    return call.created(f"/robots/{made.id}", body)


@operation(
    "GET",
    "/robots/{robot_id:int}",
    id="GetRobotByID",
    tag="robot",
    needs=_at_its_level("read"),
    problems=(RobotUnknown,),
)
async def get_robot(
    call: NamedDependency[Call], robot_id: FromPath[int], live: NamedDependency[Live]
) -> Response[Robot]:
    """A robot."""
    row = await _find(call, robot_id, "robot:read")
    return Response(_robot(row, (await live.items()).robot_name_prefix))


@operation(
    "PUT", "/robots/{robot_id:int}", id="UpdateRobot", tag="robot", needs=_at_its_level("update"),
    problems=(RobotUnknown, RobotPermissionInvalid, RobotDurationInvalid, Invalid, Denied),
)  # fmt: skip
async def update_robot(
    data: JSONBody[Robot], call: NamedDependency[Call], robot_id: FromPath[int], live: NamedDependency[Live]
) -> Response[None]:
    """Replace description, state, duration and permissions. Name and level have to be those it has."""
    row = await _find(call, robot_id, "robot:update")
    prefix = (await live.items()).robot_name_prefix
    if data.level != row.level or data.name != prefix + row.name:
        raise Invalid("The level and the whole name of a robot have to be those it has; they cannot be changed.")
    home = await call.find_project(project_id=row.project_id) if row.project_id is not None else None
    permissions = await _permissions(call, data.permissions, home)
    if home is not None and {one.project_id for one in permissions} - {home.project_id}:
        raise Invalid("The project of a robot cannot be changed.")
    await _require_own(call, permissions)

    def change(work: Work) -> None:
        accounts.set_permissions(work, robot_id, permissions)
        accounts.set_description(
            work, robot_id, description=data.description or "",
            duration_days=data.duration or row.duration_days,
        )  # fmt: skip
        if bool(data.disable) != row.disabled:
            accounts.set_disabled(work, robot_id, disabled=bool(data.disable))

    await call.run(change)
    return Response(None)


@operation(
    "PATCH", "/robots/{robot_id:int}", id="RefreshSec", tag="robot", needs=_at_its_level("update"),
    problems=(RobotUnknown, PasswordInvalid, Invalid),
)  # fmt: skip
async def refresh_secret(
    data: JSONBody[RobotSec], call: NamedDependency[Call], robot_id: FromPath[int]
) -> Response[RobotSec]:
    """Give a robot another secret: the one that is sent, else a random one, which is in this answer only."""
    await _find(call, robot_id, "robot:update")
    if data.secret:
        if data.overlap_seconds:
            raise Invalid("A chosen secret replaces the old one at once; leave overlap_seconds out.")
        await call.run(accounts.set_secret, robot_id, accounts.hash_chosen(data.secret))
        return Response(RobotSec(secret=""))
    if not 0 <= data.overlap_seconds <= MAX_OVERLAP_SECONDS:
        raise Invalid(f"overlap_seconds is 0 to {MAX_OVERLAP_SECONDS}.")
    secret = await call.run(accounts.refresh_secret, robot_id, overlap_seconds=data.overlap_seconds)
    return Response(RobotSec(secret=secret, overlap_seconds=data.overlap_seconds))


@operation(
    "DELETE",
    "/robots/{robot_id:int}",
    id="DeleteRobot",
    tag="robot",
    needs=_at_its_level("delete"),
    problems=(RobotUnknown,),
)
async def delete_robot(call: NamedDependency[Call], robot_id: FromPath[int]) -> Response[None]:
    """Delete a robot; its tokens stop working."""
    await _find(call, robot_id, "robot:delete")
    await call.run(accounts.delete_robot, robot_id)
    return Response(None)


ROUTES = (list_robots, create_robot, get_robot, update_robot, refresh_secret, delete_robot)


# -- who may give what ------------------------------------------------------------------------------------


async def _find(call: Call, robot_id: int, permission: str) -> lists.ListedRobot:
    """The robot, for somebody who may do it at its level.

    Raises:
        RobotUnknown: said to administrators only.
        Denied: they may not, or there is none.
    """
    call.signed_in()
    row = await call.look(lists.find_robot, robot_id)
    if row is None:
        if call.admin:
            raise RobotUnknown(id=robot_id)
        raise call.denied(permission, f"robot {robot_id}", None)
    if row.project_id is None:
        await call.require_in_system(permission)
    else:
        await call.require_in_project(permission, project_id=row.project_id)
    if permission == "robot:update":
        _require_whole_token(call)
    # A robot that could change others would make them, and so itself, more than it was given.
    if permission == "robot:update" and call.signed_in().kind == "robot":
        raise call.denied(permission, f"robot {robot_id}", row.project_id)
    return row


def _require_whole_token(call: Call) -> None:
    """Refuse an access token that may not do all that a robot may: its secret would outgrow the token.

    Raises:
        RobotExceeds: it would; written to the audit log.
    """
    account = call.signed_in()
    if account.limits is not None and not account.limits.scopes.issuperset(EVERY_ACTION):
        call.note_refusal(call.actor, "create", "robot", "access token", None)
        raise RobotExceeds("Making and changing robots with an access token takes the scopes pull, push and delete.")


async def _home(
    call: Call, level: str | None, blocks: Sequence[RobotPermission] | None, permission: str
) -> Standing | None:
    """The project that a new robot belongs to; None: the system. The caller may make robots there."""
    if level == "system":
        await call.require_in_system(permission)
        return None
    if level != "project":
        raise Invalid("The level of a robot is 'system' or 'project'.")
    if not blocks or len(blocks) != 1 or blocks[0].kind != "project" or blocks[0].namespace in {None, "", "*"}:
        raise Invalid("A robot of a project has exactly one block of permissions, for that project.")
    return await call.require_in_project(permission, name=blocks[0].namespace or "")


async def _permissions(
    call: Call, blocks: Sequence[RobotPermission] | None, home: Standing | None
) -> list[accounts.Permission]:
    """The blocks as permissions; a project that is missing and one that the caller does not know answer alike."""
    if not blocks or len(blocks) > MAX_BLOCKS:
        raise Invalid(f"A robot needs permissions, in at most {MAX_BLOCKS} blocks.")
    found: list[accounts.Permission] = []
    for block in blocks:
        project_id: int | None = None
        if block.kind == "project" and block.namespace != "*":
            standing = home if home is not None and block.namespace == home.project_name else None
            if standing is None:
                standing = await call.find_project(name=block.namespace or "")
                if standing is None or not (standing.roles or standing.admin or standing.permissions):
                    raise Invalid("There is no such project.", namespace=(block.namespace or "")[:255])
            project_id = standing.project_id
        elif block.kind == "system":
            if block.namespace != "/":
                raise Invalid("The namespace of a block of the kind 'system' is '/'.")
        elif block.kind != "project":
            raise Invalid("The kind of a block is 'system' or 'project'.")
        if not block.access:
            raise Invalid("A block of permissions is empty.")
        for one in block.access:
            if one.effect not in {None, "", "allow"}:
                raise Invalid("The effect of a permission is 'allow'.")
            found.append(
                accounts.Permission(one.resource or "", one.action or "", project_id, system=block.kind == "system")
            )
    return found


async def _require_own(call: Call, permissions: Sequence[accounts.Permission]) -> None:
    """Refuse a robot that gives more than it has.

    Raises:
        RobotExceeds: it would; written to the audit log.
    """
    account = call.signed_in()
    if account.kind != "robot":
        return
    held = set(await call.look(accounts.list_permissions, account.principal_id))
    for one in permissions:
        wider = accounts.Permission(one.resource, one.action, None, system=False)
        if one not in held and not (not one.system and wider in held):
            call.note_refusal(call.actor, "create", "robot", f"{one.resource}:{one.action}", one.project_id)
            raise RobotExceeds(permission=f"{one.resource}:{one.action}")


# -- between rows and structs -----------------------------------------------------------------------------


def _take_level(listing: Listing) -> tuple[Listing, int | None]:
    """Take `Level` and `ProjectID` out of the filter.

    Raises:
        Invalid: a project's robots without a project.
        QueryInvalid: one of both is no single value, or the project no id.
    """
    level, project_id = "system", None
    rest = []
    for clause in listing.clauses:
        key = clause.key.lower().replace("_", "")
        if key not in {"level", "projectid"}:
            rest.append(clause)
            continue
        if clause.shape != "exact":
            raise clause.refuse("expected one value")
        text = clause.values[0]
        if key == "level":
            level = text
        elif not (text.isascii() and text.isdigit()):
            raise clause.refuse("expected the id of a project")
        else:
            project_id = int(text) if len(text) < 19 else 0
    if level not in {"system", "project"} or (level == "project" and project_id is None):
        raise Invalid("q takes Level=system, or Level=project with ProjectID=ID.")
    return replace(listing, clauses=tuple(rest)), project_id if level == "project" else None


def _robot(row: lists.ListedRobot, prefix: str) -> Robot:
    return Robot(
        id=row.id,
        name=prefix + row.name,
        description=row.description,
        level=row.level,
        duration=row.duration_days,
        editable=True,
        disable=row.disabled,
        expires_at=_seconds(row.expires_at),
        permissions=[
            RobotPermission(
                kind="system" if namespace == "/" else "project",
                namespace=namespace,
                access=[Access(resource=resource, action=action, effect="allow") for resource, action in access],
            )
            for namespace, access in row.permissions.items()
        ],
        creator_type="robot" if row.creator_is_robot else "local",
        creator_ref=row.creator_id or 0,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        last_used=stamp(row.used_at) if row.used_at is not None else None,
        secret_time=stamp(row.secret_at) if row.secret_at is not None else None,
    )


def _seconds(moment: datetime | None) -> int:
    return -1 if moment is None else int(moment.timestamp())
