"""Projects and their members: create, find, change, delete."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, column, delete, insert, select, table, update
from sqlalchemy.exc import IntegrityError

from moorage.access.policy import RANK, Role
from moorage.access.tables import RoleBinding
from moorage.configuration.service import get_items
from moorage.db.base import db_now
from moorage.db.locks import close_gate
from moorage.db.seed import reserve_id
from moorage.db.unit_of_work import Work
from moorage.errors import (
    MemberExists,
    MemberInvalid,
    MemberUnknown,
    ProjectExists,
    ProjectNotEmpty,
    ProjectUnknown,
    RegistryFixed,
    RoleInvalid,
    UserUnknown,
)
from moorage.events import MemberSet, ProjectChanged, ProjectCreated, ProjectDeleted
from moorage.ldap.names import fold_dn
from moorage.oci.names import parse_project_name
from moorage.projects.metadata import COLUMNS, DEFAULT_TRASH_DAYS, TRASH_DAYS
from moorage.projects.tables import Project, Trash
from moorage.quotas import service as quotas
from moorage.quotas.limits import Limits
from moorage.registries.service import RegistryRow, get_registry
from moorage.robots import accounts
from moorage.users import groups
from moorage.users import service as users
from moorage.users.tables import Group, Principal, RefreshToken, Session, User

LIBRARY_ID = 1
LIBRARY_NAME = "library"
RESTORE_STEP = 1_000_000


class ProjectRow(msgspec.Struct, frozen=True):
    """A live project."""

    id: int
    name: str
    owner_id: int | None
    public: bool
    trash_days: int
    epoch: int
    repository_count: int
    created_at: datetime
    updated_at: datetime


class Member(msgspec.Struct, frozen=True):
    """A role that a user or a group holds in a project. `id` is that of the binding; `kind`: `user` or `group`."""

    id: int
    kind: str
    holder_id: int
    name: str
    role: Role


_PROJECTS = select(
    Project.id,
    Project.name,
    Project.owner_id,
    Project.public,
    Project.trash_days,
    Project.epoch,
    Project.repository_count,
    Project.created_at,
    Project.updated_at,
).where(Project.trash_id.is_(None))
_BY_ID = _PROJECTS.where(Project.id == bindparam("id"))
_BY_NAME = _PROJECTS.where(Project.name == bindparam("name"))
_PAGE = _PROJECTS.where(Project.name > bindparam("after")).order_by(Project.name).limit(bindparam("limit"))
_REPOSITORY = table("repository", column("project_id"), column("trash_id"))  # of a subject above this one
_REPOSITORIES_TO_TRASH = (
    update(_REPOSITORY)
    .where(_REPOSITORY.c.project_id == bindparam("project"), _REPOSITORY.c.trash_id.is_(None))
    .values(trash_id=bindparam("trash"))
)
_LIVE_PRINCIPAL = select(Principal.id).where(Principal.id == bindparam("id"), Principal.deleted_at.is_(None))


# -- reading ----------------------------------------------------------------------------------------------


def find_project(work: Work, name: str) -> ProjectRow | None:
    """The live project called `name`."""
    row = work.db.execute(_BY_NAME, {"name": name}).one_or_none()
    return None if row is None else ProjectRow(*row)


def get_project(work: Work, name: str) -> ProjectRow:
    """The live project called `name`.

    Raises:
        ProjectUnknown: there is none.
    """
    found = find_project(work, name)
    if found is None:
        raise ProjectUnknown(name=name)
    return found


def get_project_by_id(work: Work, project_id: int) -> ProjectRow:
    """The live project with this id.

    Raises:
        ProjectUnknown: there is none.
    """
    row = work.db.execute(_BY_ID, {"id": project_id}).one_or_none()
    if row is None:
        raise ProjectUnknown(id=project_id)
    return ProjectRow(*row)


def list_projects(work: Work, *, after: str = "", limit: int = 100) -> list[ProjectRow]:
    """A page of live projects in the byte order of their names, beginning behind `after`."""
    return [ProjectRow(*row) for row in work.db.execute(_PAGE, {"after": after, "limit": limit})]


def list_members(work: Work, project_id: int, *, after: int = 0, limit: int = 100) -> list[Member]:
    """A page of the members of a project by binding id, beginning behind the id `after`; everyone is not among them."""
    rows = work.db.execute(
        select(
            RoleBinding.id,
            RoleBinding.principal_id,
            RoleBinding.group_id,
            RoleBinding.role,
            Principal.name.label("principal"),
            Group.name.label("user_group"),
        )
        .outerjoin(Principal, Principal.id == RoleBinding.principal_id)
        .outerjoin(Group, Group.id == RoleBinding.group_id)
        .where(RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC, RoleBinding.id > after)
        .order_by(RoleBinding.id)
        .limit(limit)
    )
    return [
        Member(row.id, "user", row.principal_id, row.principal, Role(row.role))
        if row.group_id is None
        else Member(row.id, "group", row.group_id, row.user_group, Role(row.role))
        for row in rows
    ]


# -- changes ----------------------------------------------------------------------------------------------


def create_project(
    work: Work,
    name: str,
    *,
    owner_id: int | None = None,
    public: bool = False,
    limit_bytes: int | None = None,
    settings: Mapping[str, str] | None = None,
    registry_id: int | None = None,
) -> ProjectRow:
    """Create a project; its owner becomes project admin.

    Args:
        limit_bytes: what it may hold; -1: no limit; None: as the live settings say (`storage_per_project`).
        settings: metadata but `public`, in the form that `metadata.parse_metadata` gives; `trash_days` may be among it.
        registry_id: the registry that it mirrors; for good.

    Raises:
        ProjectNameInvalid, QuotaInvalid: as they say.
        ProjectExists: the name is taken; the unique index decides, not a prior read.
        UserUnknown: there is no such owner.
        RegistryUnknown: there is no such registry.
    """
    return _create(
        work,
        parse_project_name(name),
        None,
        owner_id=owner_id,
        public=public,
        limit_bytes=limit_bytes,
        settings=settings or {},
        registry_id=registry_id,
    )


def get_registry_of(work: Work, project_id: int) -> RegistryRow:
    """The registry that a project mirrors.

    Raises:
        RegistryUnknown: it mirrors none.
    """
    found = work.db.scalar(select(Project.registry_id).where(Project.id == project_id))
    return get_registry(work, found or 0)


def require_registry(work: Work, project_id: int, registry_id: int | None) -> None:
    """Refuse another registry than the one that a project mirrors; None and 0 say nothing of it.

    Raises:
        RegistryFixed: it mirrors another, or none.
    """
    if registry_id and work.db.scalar(select(Project.registry_id).where(Project.id == project_id)) != registry_id:
        raise RegistryFixed(registry_id=registry_id)


def ensure_library(work: Work) -> bool:
    """Make project 1, the first administrator's public `library`, unless there is a project 1; whether it was made.

    A library that was deleted does not come back. Safe to repeat, and when two replicas start at once.
    """
    if work.db.scalar(select(Project.id).where(Project.id == LIBRARY_ID)) is not None:
        return False
    try:
        _create(work, LIBRARY_NAME, LIBRARY_ID, owner_id=users.ADMIN_ID, public=True)
    except ProjectExists:
        return False
    reserve_id(work.db, "project", LIBRARY_ID)
    return True


def set_public(work: Work, project_id: int, *, public: bool) -> None:
    """Let everyone pull from a project, or only its members: then the tokens of others stop at once.

    Raises:
        ProjectUnknown: there is none.
    """
    close_gate(work, project_id)
    project = get_project_by_id(work, project_id)
    if project.public == public:
        return
    change_project(work, project_id, by=0 if public else 1, public=public)
    if public:
        _bind_everyone(work, project_id)
    else:
        work.db.execute(
            delete(RoleBinding).where(RoleBinding.project_id == project_id, RoleBinding.role == Role.PUBLIC)
        )
    work.emit(ProjectChanged(project_id, project.name, {"public": public}))


def delete_project(work: Work, project_id: int, *, reason: str = "") -> None:
    """Delete an empty project: it is gone at once, its name is free, its robots and tokens are dead.

    What it still holds in the trash waits there with it, `trash_days` long; and so do repositories that are not listed,
    whose names would else be taken in a new project of this name.

    Raises:
        ProjectUnknown: there is none.
        ProjectNotEmpty: it holds repositories; decided under the gate, so that no push slips in between.
    """
    close_gate(work, project_id)
    project = get_project_by_id(work, project_id)
    if project.repository_count > 0:
        raise ProjectNotEmpty(name=project.name, repositories=project.repository_count)
    trash_id = work.db.execute(
        insert(Trash)
        .values(
            project_id=project_id,
            kind="project",
            label=project.name,
            reason=reason,
            principal_id=work.actor.principal_id,
            deleted_at=work.now,
            purge_at=db_now(project.trash_days * 86_400),
        )
        .returning(Trash.id)
    ).scalar_one()
    change_project(work, project_id, by=1, trash_id=trash_id)
    work.db.execute(_REPOSITORIES_TO_TRASH, {"project": project_id, "trash": trash_id})
    accounts.delete_robots_of_project(work, project_id)
    work.emit(ProjectDeleted(project_id, project.name))


def set_member(work: Work, project_id: int, user_id: int, role: Role) -> int:
    """Give a user a role in a project, in place of the one that they have, and return the binding's id.

    A role that allows less ends the user's tokens.

    Raises:
        ProjectUnknown, UserUnknown: there is none.
        RoleInvalid: 0 is what everyone has in a public project, and cannot be given.
    """
    role = require_role(role)
    project = get_project_by_id(work, project_id)
    user = users.get_user(work, user_id)
    binding_id, before = _bind(work, project_id, role, principal_id=user_id)
    if before is not None and RANK[role] < RANK[before]:
        users.bump_epoch(work, user_id)
    work.emit(MemberSet(project.id, user.name, role, new=before is None))
    return binding_id


def remove_member(work: Work, project_id: int, user_id: int) -> None:
    """Take a user's role in a project away, and end the user's tokens.

    Raises:
        ProjectUnknown, UserUnknown: there is none.
        MemberUnknown: the user has no role there.
    """
    project = get_project_by_id(work, project_id)
    user = users.get_user(work, user_id)
    removed = work.db.execute(
        delete(RoleBinding).where(RoleBinding.project_id == project_id, RoleBinding.principal_id == user_id)
    )
    if removed.rowcount == 0:
        raise MemberUnknown(name=user.name)
    users.bump_epoch(work, user_id)
    work.emit(MemberSet(project.id, user.name, 0))


def set_group_member(work: Work, project_id: int, group_id: int, role: Role) -> int:
    """Give a group a role in a project, and return the binding's id. A role that allows less ends the project's tokens.

    Raises:
        ProjectUnknown, RoleInvalid: as for a user.
        MemberUnknown: there is no such group.
    """
    role = require_role(role)
    project = get_project_by_id(work, project_id)
    name = _get_group_name(work, group_id)
    binding_id, before = _bind(work, project_id, role, group_id=group_id)
    if before is not None and RANK[role] < RANK[before]:
        change_project(work, project_id, by=1)
    work.emit(MemberSet(project.id, name, role, new=before is None))
    return binding_id


def add_member(work: Work, project_id: int, role: Role, *, user_id: int = 0, group_id: int = 0) -> int:
    """Give a user or a group a role in a project where they have none, and return the binding's id.

    Raises:
        ProjectUnknown, RoleInvalid: as `set_member`.
        MemberInvalid: there is no such user or group.
        MemberExists: they have a role there.
    """
    role = require_role(role)
    project = get_project_by_id(work, project_id)
    try:
        name = users.get_user(work, user_id).name if user_id else _get_group_name(work, group_id)
    except (UserUnknown, MemberUnknown) as problem:
        raise MemberInvalid(str(problem)) from None
    try:
        with work.db.begin_nested():
            binding_id = _insert_binding(work, project_id, role, user_id or None, group_id or None)
    except IntegrityError as error:
        raise MemberExists(name=name) from error
    work.emit(MemberSet(project.id, name, role, new=True))
    return binding_id


def find_member_user(work: Work, *, user_id: int, name: str) -> int:
    """The id of the user that somebody wants to make a member, named by id or by name or e-mail address.

    Raises:
        MemberInvalid: there is no such user.
    """
    found = users.find_user(work, name) if not user_id else None
    if not user_id and found is None:
        raise MemberInvalid("There is no such user.", name=name[:255])
    return found.id if found is not None else user_id


def find_member_group(work: Work, *, group_id: int, kind: int, key: str) -> int:
    """The id of the group that somebody wants to make a member; one that is named by kind and key is made known.

    Args:
        kind: the contract's number: 1 LDAP (the key is a DN), 2 HTTP, 3 OIDC (the key is the name).

    Raises:
        MemberInvalid: neither an id nor a kind with a key.
        GroupNameInvalid, NameOfEntryInvalid: the key cannot be one.
    """
    if group_id:
        return group_id
    if kind not in {1, 2, 3} or not key:
        raise MemberInvalid
    return groups.ensure_group(work, kind, fold_dn(key) if kind == 1 else key, key)


def first_administrator(work: Work) -> int:
    """The user who owns what a robot creates: the administrator of the lowest id."""
    return work.db.execute(
        select(Principal.id)
        .join(User, User.principal_id == Principal.id)
        .where(User.admin, Principal.deleted_at.is_(None))
        .order_by(Principal.id)
        .limit(1)
    ).scalar_one()


def set_role_of(work: Work, project_id: int, member_id: int, role: Role) -> None:
    """Change the role of a member, named by the binding's id.

    Raises:
        RoleInvalid: as `set_member`.
        MemberUnknown: there is no such member in this project.
    """
    user_id, group_id = _holder_of(work, project_id, member_id)
    if user_id:
        set_member(work, project_id, user_id, role)
    else:
        set_group_member(work, project_id, group_id, role)


def remove_member_by_id(work: Work, project_id: int, member_id: int) -> None:
    """Take a member's role away, named by the binding's id.

    Raises:
        MemberUnknown: there is no such member in this project.
    """
    user_id, group_id = _holder_of(work, project_id, member_id)
    if user_id:
        remove_member(work, project_id, user_id)
    else:
        remove_group_member(work, project_id, group_id)


def remove_group_member(work: Work, project_id: int, group_id: int) -> None:
    """Take a group's role in a project away, and end the project's tokens.

    Raises:
        ProjectUnknown: there is none.
        MemberUnknown: there is no such group, or it has no role there.
    """
    project = get_project_by_id(work, project_id)
    name = _get_group_name(work, group_id)
    removed = work.db.execute(
        delete(RoleBinding).where(RoleBinding.project_id == project_id, RoleBinding.group_id == group_id)
    )
    if removed.rowcount == 0:
        raise MemberUnknown(name=name)
    change_project(work, project_id, by=1)
    work.emit(MemberSet(project.id, name, 0))


def end_all_tokens(work: Work) -> None:
    """End every registry token, refresh token and session: after a restore from a backup, which turned epochs back.

    The step is larger than what any epoch can have gained since the backup, so that no lost token fits again. Give
    the server a new signing key as well.
    """
    work.db.execute(update(Principal).values(epoch=Principal.epoch + RESTORE_STEP))
    work.db.execute(update(Project).values(epoch=Project.epoch + RESTORE_STEP))
    work.db.execute(delete(RefreshToken))
    work.db.execute(delete(Session))


def _create(
    work: Work,
    name: str,
    project_id: int | None,
    *,
    owner_id: int | None,
    public: bool,
    limit_bytes: int | None = None,
    settings: Mapping[str, str] | None = None,
    registry_id: int | None = None,
) -> ProjectRow:
    if registry_id is not None:
        get_registry(work, registry_id)
    if owner_id is not None and work.db.scalar(_LIVE_PRINCIPAL, {"id": owner_id}) is None:
        raise UserUnknown(id=owner_id)
    values: dict[str, object] = {
        "name": name, "owner_id": owner_id, "public": public, "created_at": work.now, "updated_at": work.now,
        "registry_id": registry_id,
        "settings": {key: value for key, value in (settings or {}).items() if key not in COLUMNS},
        "trash_days": int((settings or {}).get(TRASH_DAYS, DEFAULT_TRASH_DAYS)),
    }  # fmt: skip
    if project_id is not None:
        values["id"] = project_id
    try:
        with work.db.begin_nested():
            row = work.db.execute(insert(Project).values(values).returning(Project.id)).one()
    except IntegrityError as error:
        raise ProjectExists(name=name) from error
    items = get_items(work)
    quotas.create(
        work,
        row.id,
        items.storage_per_project if limit_bytes is None else limit_bytes,
        limits=Limits(items.repositories_per_project, items.tags_per_project),
    )
    if owner_id is not None:
        _bind(work, row.id, Role.PROJECT_ADMIN, principal_id=owner_id)
    if public:
        _bind_everyone(work, row.id)
    work.emit(ProjectCreated(row.id, name, registry_id))
    return get_project_by_id(work, row.id)


def change_project(work: Work, project_id: int, *, by: int, **values: object) -> None:
    """Write columns of a project; `by` is added to its epoch."""
    work.db.execute(
        update(Project).where(Project.id == project_id).values(epoch=Project.epoch + by, updated_at=work.now, **values)
    )


def _bind_everyone(work: Work, project_id: int) -> None:
    work.db.execute(insert(RoleBinding).values(project_id=project_id, role=Role.PUBLIC, created_at=work.now))


def _bind(
    work: Work, project_id: int, role: Role, *, principal_id: int | None = None, group_id: int | None = None
) -> tuple[int, Role | None]:
    """Write a binding; its id and the role from before. Of two who bind at once, the second sees the first's."""
    holder = RoleBinding.principal_id == principal_id if group_id is None else RoleBinding.group_id == group_id
    mine = select(RoleBinding.id, RoleBinding.role).where(RoleBinding.project_id == project_id, holder)
    row = work.db.execute(mine.with_for_update()).one_or_none()
    if row is None:
        try:
            with work.db.begin_nested():
                binding_id = _insert_binding(work, project_id, role, principal_id, group_id)
        except IntegrityError:
            row = work.db.execute(mine.with_for_update()).one()
        else:
            return binding_id, None
    work.db.execute(update(RoleBinding).where(RoleBinding.id == row.id).values(role=role))
    return row.id, Role(row.role)


def _insert_binding(work: Work, project_id: int, role: Role, principal_id: int | None, group_id: int | None) -> int:
    return work.db.execute(
        insert(RoleBinding)
        .values(project_id=project_id, principal_id=principal_id, group_id=group_id, role=role, created_at=work.now)
        .returning(RoleBinding.id)
    ).scalar_one()


def _holder_of(work: Work, project_id: int, member_id: int) -> tuple[int, int]:
    """The user and the group of a binding, of which one is 0."""
    row = work.db.execute(
        select(RoleBinding.principal_id, RoleBinding.group_id).where(
            RoleBinding.id == member_id, RoleBinding.project_id == project_id, RoleBinding.role != Role.PUBLIC
        )
    ).one_or_none()
    if row is None:
        raise MemberUnknown(id=member_id)
    return row.principal_id or 0, row.group_id or 0


def require_role(role: int) -> Role:
    """A role that can be given.

    Raises:
        RoleInvalid: there is none of this number, or everybody has it in a public project.
    """
    if role not in set(Role) - {Role.PUBLIC}:
        raise RoleInvalid(role=int(role))
    return Role(role)


def _get_group_name(work: Work, group_id: int) -> str:
    name = work.db.scalar(select(Group.name).where(Group.id == group_id))
    if name is None:
        raise MemberUnknown("There is no such group.", group_id=group_id)
    return name
