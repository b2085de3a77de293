"""Projects, their metadata and their members, as clients of the contract know them."""

from collections.abc import Mapping

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.policy import Account, Role
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import PUBLIC, SIGNED_IN, project
from moorage.configuration.cached_settings import Live
from moorage.db.unit_of_work import Work
from moorage.errors import (
    AllowlistInvalid,
    Conflict,
    Denied,
    Invalid,
    MemberExists,
    MemberUnknown,
    MetadataExists,
    MetadataUnknown,
    ProjectExists,
    ProjectNotEmpty,
    ProjectUnknown,
    RegistryUnknown,
)
from moorage.projects import allowlists, lists, service, settings
from moorage.projects.metadata import PUBLIC as PUBLIC_KEY
from moorage.projects.metadata import TRASH_DAYS, parse_metadata, parse_one
from moorage.projects.shapes import ProjectMetadata
from moorage.quotas.lists import find_quota
from moorage.registries.routes import Registry
from moorage.registries.service import RegistryRow
from moorage.users.group_routes import UserGroup

ROLE_NAMES: Mapping[Role, str] = {
    Role.PROJECT_ADMIN: "projectAdmin",
    Role.MAINTAINER: "maintainer",
    Role.DEVELOPER: "developer",
    Role.GUEST: "guest",
    Role.LIMITED_GUEST: "limitedGuest",
}


# -- what clients send ------------------------------------------------------------------------------------


class CVEAllowlistItem(msgspec.Struct):
    """A vulnerability that no policy minds."""

    cve_id: str
    """As in `CVE-2024-3094`."""


class CVEAllowlist(msgspec.Struct, kw_only=True):
    """Vulnerabilities that no policy minds."""

    id: int = 0
    project_id: int = 0
    """0: the system's list."""
    expires_at: int | None = None
    """In Unix seconds; null: never."""
    items: list[CVEAllowlistItem] | None = None
    creation_time: str = ""
    update_time: str = ""


class ProjectReq(msgspec.Struct, kw_only=True):
    """A project to create, or what to change in one."""

    project_name: str | None = None
    """Lower-case letters and digits, single '.', '_' or '-' between them. A project cannot be renamed."""
    public: bool | None = None
    """Of old clients: as `metadata.public`."""
    metadata: ProjectMetadata | None = None
    cve_allowlist: CVEAllowlist | None = None
    storage_limit: int | None = None
    """Bytes that the project may hold, -1 for no limit; 0 or null: what `storage_per_project` says. Only
    administrators choose."""
    registry_id: int | None = None
    """Makes it a proxy cache of that registry. Only administrators do."""


class UserEntity(msgspec.Struct, kw_only=True):
    """A user, by id or by name."""

    user_id: int | None = None
    username: str | None = None


class ProjectMember(msgspec.Struct, kw_only=True):
    """A role for one user or one group."""

    role_id: int | None = None
    """1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest."""
    member_user: UserEntity | None = None
    member_group: UserGroup | None = None


class RoleRequest(msgspec.Struct):
    """Another role."""

    role_id: int
    """1 project admin, 2 developer, 3 guest, 4 maintainer, 5 limited guest."""


# -- what clients get -------------------------------------------------------------------------------------


class Project(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A project."""

    project_id: int
    owner_id: int = 0
    name: str
    registry_id: int = 0
    """Of a proxy cache."""
    creation_time: str
    update_time: str
    owner_name: str = ""
    current_user_role_id: int = msgspec.field(default=-1)
    """Of the caller: the role that allows most; 0 without one."""
    current_user_role_ids: list[int] | None = None
    """Of the caller: all roles."""
    repo_count: int
    last_push_time: str | None = None
    """Ours: when something was last pushed there, some seconds late. Left out where nothing ever was."""
    metadata: ProjectMetadata
    cve_allowlist: CVEAllowlist | None = None


class ProjectDeletable(msgspec.Struct):
    """Whether a project can be deleted, and why not."""

    deletable: bool
    message: str


class ProjectSummaryQuota(msgspec.Struct):
    """What the project may hold and holds, as `Quota` has it."""

    hard: dict[str, int]
    used: dict[str, int]
    trash: int
    """Ours: bytes that only the trash holds. `hard.storage` bounds them together with `used.storage`."""


class ProjectSummary(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Figures of a project. What the caller may not know is left out."""

    repo_count: int = -1
    project_admin_count: int | None = None
    maintainer_count: int | None = None
    developer_count: int | None = None
    guest_count: int | None = None
    limited_guest_count: int | None = None
    quota: ProjectSummaryQuota | None = None
    registry: Registry | None = None
    """Of a proxy cache: the registry that it mirrors, without credentials."""


class MemberGroup(msgspec.Struct):
    """A group through which somebody has access, and the role that it gives."""

    group_name: str
    role_id: int


class ProjectMemberEntity(msgspec.Struct, omit_defaults=True):
    """A member of a project."""

    id: int
    project_id: int
    entity_name: str
    role_name: str
    role_id: int
    entity_id: int
    entity_type: str
    """`u` a user, `g` a group."""
    through: list[MemberGroup] = []
    """Ours, in lists: groups of this user that have a role here as well; whichever role allows more holds."""
    is_admin: bool = False
    """Ours, in lists, for whoever may change members: an administrator of the system, whatever the role says."""


# -- projects ---------------------------------------------------------------------------------------------


@operation("GET", "/projects", id="listProjects", tag="project", needs=PUBLIC, paged=True, problems=(Invalid,))
async def list_projects(
    call: NamedDependency[Call],
    name: FromQuery[str | None] = None,
    public: FromQuery[bool | None] = None,
    owner: FromQuery[str | None] = None,
    with_detail: FromQuery[bool] = True,
) -> Response[list[Project]]:
    """The projects that the caller may know of: public ones, and those where they have a role; administrators all.

    `q` knows name, public, owner_id, owner_name, project_id, repo_count, creation_time, update_time; ours are
    last_push_time, and proxy (`true`: proxy caches only, `false`: without them).
    """
    listing = call.listing()
    rows, total, ignored = await call.look(
        lists.list_visible_projects,
        call.account,
        listing,
        public=public,
        name=name or "",
        owner=owner or "",
    )
    return call.page([project_out(row, detail=with_detail) for row in rows], listing, total, ignored)


@operation("HEAD", "/projects", id="headProject", tag="project", needs=SIGNED_IN, problems=(ProjectUnknown, Invalid))
async def head_project(call: NamedDependency[Call], project_name: FromQuery[str]) -> Response[None]:
    """Whether a project of this name exists; any signed-in caller may ask, as the contract has it."""
    if not await call.look(lists.has_project, project_name):
        raise ProjectUnknown(name=project_name[:255])
    return Response(None)


@operation(
    "POST", "/projects", id="createProject", tag="project", needs=SIGNED_IN, status=201,
    problems=(ProjectExists, Denied, Invalid, RegistryUnknown),
)  # fmt: skip
async def create_project(
    data: JSONBody[ProjectReq], call: NamedDependency[Call], live: NamedDependency[Live]
) -> Response[None]:
    """Create a project; the caller becomes its owner and project admin.

    With the header `X-Resource-Name-In-Location: true` the Location ends in the name.
    """
    items = await live.items()
    account = call.signed_in()
    privileged = await call.may_in_system("project:create")
    if not privileged and (items.project_creation_restriction == "adminonly" or account.kind == "robot"):
        raise call.denied("project:create", "system", None)
    if data.registry_id and not privileged:
        raise call.denied("registry:read", "system", None)
    limit = data.storage_limit if privileged and data.storage_limit else items.storage_per_project
    values = parse_metadata(_texts(data.metadata), is_proxy=bool(data.registry_id))
    is_public = values.pop(PUBLIC_KEY, "true" if data.public else "false") == "true"
    row = await call.run(_create, account, data, values, is_public=is_public, limit_bytes=limit)
    by_name = (call.request.header(b"x-resource-name-in-location") or "").lower() == "true"
    return call.created(f"/projects/{row.name if by_name else row.id}")


def _create(
    work: Work, account: Account, data: ProjectReq, values: dict[str, str], *, is_public: bool, limit_bytes: int
) -> service.ProjectRow:
    owner_id = account.principal_id if account.kind == "user" else service.first_administrator(work)
    row = service.create_project(
        work, data.project_name or "", owner_id=owner_id, public=is_public, limit_bytes=limit_bytes, settings=values,
        registry_id=data.registry_id or None,
    )  # fmt: skip
    _write_allowlist(work, row.id, row.name, data)
    return row


@operation("GET", "/projects/{project_name_or_id:str}", id="getProject", tag="project", needs=project("project:read"))
async def get_project(call: NamedDependency[Call]) -> Response[Project]:
    """A project."""
    row = await call.look(lists.find_listed_project, call.account, call.project.project_id)
    if row is None:
        raise ProjectUnknown(name=call.project.project_name)
    return Response(project_out(row, detail=True))


@operation(
    "PUT", "/projects/{project_name_or_id:str}", id="updateProject", tag="project", needs=project("project:update"),
    problems=(Invalid, AllowlistInvalid),
)  # fmt: skip
async def update_project(data: JSONBody[ProjectReq], call: NamedDependency[Call]) -> Response[None]:
    """Change the settings that are sent, and the allowlist if it is sent; the others stay."""
    values = parse_metadata(_texts(data.metadata), is_proxy=call.project.is_proxy)

    def change(work: Work) -> None:
        service.require_registry(work, call.project.project_id, data.registry_id)
        settings.set_metadata(work, call.project.project_id, values)
        _write_allowlist(work, call.project.project_id, call.project.project_name, data)

    await call.run(change)
    return Response(None)


@operation(
    "DELETE", "/projects/{project_name_or_id:str}", id="deleteProject", tag="project",
    needs=project("project:delete"), problems=(ProjectNotEmpty,),
)  # fmt: skip
async def delete_project(call: NamedDependency[Call]) -> Response[None]:
    """Delete a project that holds no repositories; its name is free at once."""
    await call.run(service.delete_project, call.project.project_id)
    return Response(None)


@operation(
    "GET", "/projects/{project_name_or_id:str}/_deletable", id="getProjectDeletable", tag="project",
    needs=project("project:delete"),
)  # fmt: skip
async def get_project_deletable(call: NamedDependency[Call]) -> Response[ProjectDeletable]:
    """Whether the project can be deleted now."""
    row = await call.look(service.get_project_by_id, call.project.project_id)
    if row.repository_count:
        return Response(
            ProjectDeletable(deletable=False, message="the project contains repositories, can not be deleted")
        )
    return Response(ProjectDeletable(deletable=True, message=""))


@operation(
    "GET", "/projects/{project_name_or_id:str}/summary", id="getProjectSummary", tag="project",
    needs=project("project:read"),
)  # fmt: skip
async def get_project_summary(call: NamedDependency[Call]) -> Response[ProjectSummary]:
    """Figures of a project: the quota for whoever may read it, members per role for whoever may list them."""
    standing = call.project

    def read(work: Work) -> ProjectSummary:
        row = service.get_project_by_id(work, standing.project_id)
        summary = ProjectSummary(repo_count=row.repository_count)
        if standing.is_proxy:
            summary.registry = _registry(service.get_registry_of(work, standing.project_id))
        if standing.may("quota", "read"):
            quota = find_quota(work, standing.project_id)
            summary.quota = None if quota is None else ProjectSummaryQuota(quota.hard, quota.used, quota.trash_bytes)
        if standing.may("member", "list"):
            counts = lists.count_members(work, standing.project_id)
            summary.project_admin_count = counts.get(Role.PROJECT_ADMIN, 0)
            summary.maintainer_count = counts.get(Role.MAINTAINER, 0)
            summary.developer_count = counts.get(Role.DEVELOPER, 0)
            summary.guest_count = counts.get(Role.GUEST, 0)
            summary.limited_guest_count = counts.get(Role.LIMITED_GUEST, 0)
        return summary

    return Response(await call.look(read))


# -- metadata ---------------------------------------------------------------------------------------------


@operation(
    "GET", "/projects/{project_name_or_id:str}/metadatas", id="listProjectMetadatas", tag="projectMetadata",
    needs=project("metadata:list"),
)  # fmt: skip
async def list_project_metadatas(call: NamedDependency[Call]) -> Response[dict[str, str]]:
    """All settings that the project has. No role of a project may list them; one by one they can be read."""
    return Response(await call.look(_all_metadata, call.project.project_id))


@operation(
    "POST", "/projects/{project_name_or_id:str}/metadatas", id="addProjectMetadatas", tag="projectMetadata",
    needs=project("metadata:create"), problems=(Invalid, MetadataExists, MetadataUnknown),
)  # fmt: skip
async def add_project_metadatas(data: JSONBody[dict[str, str]], call: NamedDependency[Call]) -> Response[None]:
    """Give the project a setting that it does not have; exactly one in a request."""
    key, value = _single(data)
    parsed = parse_one(key, value, is_proxy=call.project.is_proxy)
    await call.run(settings.add_metadata, call.project.project_id, key, parsed)
    return Response(None)


@operation(
    "GET", "/projects/{project_name_or_id:str}/metadatas/{meta_name:str}", id="getProjectMetadata",
    tag="projectMetadata", needs=project("metadata:read"), problems=(MetadataUnknown,),
)  # fmt: skip
async def get_project_metadata(call: NamedDependency[Call], meta_name: FromPath[str]) -> Response[dict[str, str]]:
    """One setting of the project."""
    found = await call.look(_all_metadata, call.project.project_id)
    if meta_name not in found:
        raise MetadataUnknown(name=meta_name[:64])
    return Response({meta_name: found[meta_name]})


@operation(
    "PUT", "/projects/{project_name_or_id:str}/metadatas/{meta_name:str}", id="updateProjectMetadata",
    tag="projectMetadata", needs=project("metadata:update"), problems=(Invalid, MetadataUnknown, Conflict),
)  # fmt: skip
async def update_project_metadata(
    data: JSONBody[dict[str, str]], call: NamedDependency[Call], meta_name: FromPath[str]
) -> Response[None]:
    """Change one setting; the body holds exactly that one."""
    key, value = _single(data)
    if key != meta_name:
        raise Invalid(f"The body has to hold '{meta_name[:64]}', and nothing else.")
    parsed = parse_one(key, value, is_proxy=call.project.is_proxy)
    await call.run(settings.set_metadata, call.project.project_id, {key: parsed})
    return Response(None)


@operation(
    "DELETE", "/projects/{project_name_or_id:str}/metadatas/{meta_name:str}", id="deleteProjectMetadata",
    tag="projectMetadata", needs=project("metadata:delete"), problems=(Invalid, MetadataUnknown, Conflict),
)  # fmt: skip
async def delete_project_metadata(call: NamedDependency[Call], meta_name: FromPath[str]) -> Response[None]:
    """Take one setting away; the default holds again."""
    await call.run(settings.delete_metadata, call.project.project_id, meta_name)
    return Response(None)


# -- members ----------------------------------------------------------------------------------------------


@operation(
    "GET", "/projects/{project_name_or_id:str}/members", id="listProjectMembers", tag="member",
    needs=project("member:list"), paged=True, problems=(Invalid,),
)  # fmt: skip
async def list_project_members(
    call: NamedDependency[Call], entityname: FromQuery[str | None] = None
) -> Response[list[ProjectMemberEntity]]:
    """The users and groups that have a role in the project; `entityname` is a part of the name."""
    listing = call.listing()
    rows, total, ignored = await call.look(
        lists.list_project_members, call.project.project_id, listing, name=entityname or ""
    )
    tells = call.project.may("member", "update")
    shown = [_member(row, call.project.project_id, tells=tells) for row in rows]
    return call.page(shown, listing, total, ignored)


@operation(
    "POST", "/projects/{project_name_or_id:str}/members", id="createProjectMember", tag="member",
    needs=project("member:create"), status=201, problems=(Invalid, MemberExists),
)  # fmt: skip
async def create_project_member(data: JSONBody[ProjectMember], call: NamedDependency[Call]) -> Response[None]:
    """Give a user or a group a role. A group is named by id, by the DN of an LDAP group, or by type and name."""
    member_id = await call.run(_add_member, call.project.project_id, data)
    return call.created(f"/projects/{call.project.project_id}/members/{member_id}")


@operation(
    "GET", "/projects/{project_name_or_id:str}/members/{mid:int}", id="getProjectMember", tag="member",
    needs=project("member:read"), problems=(Invalid, MemberUnknown),
)  # fmt: skip
async def get_project_member(call: NamedDependency[Call], mid: FromPath[int]) -> Response[ProjectMemberEntity]:
    """A member of the project, by the id of the membership."""
    found = await call.look(lists.find_member, call.project.project_id, mid)
    if found is None:
        raise MemberUnknown(id=mid)
    return Response(_member(found, call.project.project_id))


@operation(
    "PUT", "/projects/{project_name_or_id:str}/members/{mid:int}", id="updateProjectMember", tag="member",
    needs=project("member:update"), problems=(Invalid, MemberUnknown),
)  # fmt: skip
async def update_project_member(
    data: JSONBody[RoleRequest], call: NamedDependency[Call], mid: FromPath[int]
) -> Response[None]:
    """Give a member another role."""
    await call.run(service.set_role_of, call.project.project_id, mid, service.require_role(data.role_id))
    return Response(None)


@operation(
    "DELETE", "/projects/{project_name_or_id:str}/members/{mid:int}", id="deleteProjectMember", tag="member",
    needs=project("member:delete"), problems=(Invalid, MemberUnknown),
)  # fmt: skip
async def delete_project_member(call: NamedDependency[Call], mid: FromPath[int]) -> Response[None]:
    """Take a member's role away; their tokens stop working."""
    await call.run(service.remove_member_by_id, call.project.project_id, mid)
    return Response(None)


ROUTES = (
    list_projects,
    head_project,
    create_project,
    get_project,
    update_project,
    delete_project,
    get_project_deletable,
    get_project_summary,
    list_project_metadatas,
    add_project_metadatas,
    get_project_metadata,
    update_project_metadata,
    delete_project_metadata,
    list_project_members,
    create_project_member,
    get_project_member,
    update_project_member,
    delete_project_member,
)


# -- between rows and structs -----------------------------------------------------------------------------


def _texts(metadata: ProjectMetadata | None) -> dict[str, str | None]:
    return {} if metadata is None else msgspec.structs.asdict(metadata)


def project_out(row: lists.ListedProject, *, detail: bool) -> Project:
    """A project as clients see it; without `detail` only what its row holds."""
    chosen = row.settings and {
        key: value for key, value in row.settings.items() if key in ProjectMetadata.__struct_fields__
    }
    roles = [int(role) for role in row.roles]
    return Project(
        project_id=row.id,
        owner_id=row.owner_id or 0,
        owner_name=row.owner_name or "",
        name=row.name,
        registry_id=row.registry_id or 0,
        creation_time=stamp(row.created_at),
        update_time=stamp(row.updated_at),
        metadata=ProjectMetadata(public="true" if row.public else "false", trash_days=str(row.trash_days), **chosen),
        current_user_role_id=(roles[0] if roles else 0) if detail else -1,
        current_user_role_ids=roles if detail else None,
        repo_count=row.repository_count,
        last_push_time=None if row.pushed_at is None else stamp(row.pushed_at),
        cve_allowlist=allowlist_out(row.allowlist, row.id) if detail else None,
    )


def allowlist_out(found: lists.Allowlist | None, project_id: int) -> CVEAllowlist:
    """An allowlist as clients see it; an empty one where nobody wrote one."""
    if found is None:
        return CVEAllowlist(project_id=project_id, items=[], creation_time=stamp(None), update_time=stamp(None))
    return CVEAllowlist(
        id=found.id,
        project_id=project_id,
        expires_at=found.expires_at,
        items=[CVEAllowlistItem(item) for item in found.items],
        creation_time=stamp(found.created_at),
        update_time=stamp(found.updated_at),
    )


def _registry(row: RegistryRow) -> Registry:
    """What whoever may see a proxy cache is told of its registry."""
    return Registry(
        id=row.id, name=row.name, url=row.url, type=row.kind, description=row.description or None,
        status=row.status or None, creation_time=stamp(row.created_at), update_time=stamp(row.updated_at),
    )  # fmt: skip


def _write_allowlist(work: Work, project_id: int, name: str, data: ProjectReq) -> None:
    if data.cve_allowlist is not None:
        entries = [item.cve_id for item in data.cve_allowlist.items or []]
        allowlists.set_allowlist(work, project_id, entries, expires_at=data.cve_allowlist.expires_at, project_name=name)


def _single(data: Mapping[str, str]) -> tuple[str, str]:
    if len(data) != 1:
        raise Invalid("The body has to hold exactly one setting.")
    return next(iter(data.items()))


def _all_metadata(work: Work, project_id: int) -> dict[str, str]:
    row = service.get_project_by_id(work, project_id)
    own = {PUBLIC_KEY: "true" if row.public else "false", TRASH_DAYS: str(row.trash_days)}
    return {**own, **settings.get_settings(work, project_id)}


def _add_member(work: Work, project_id: int, data: ProjectMember) -> int:
    role = service.require_role(data.role_id or 0)
    user, group = data.member_user, data.member_group
    if user is not None and (user.user_id or user.username):
        user_id = service.find_member_user(work, user_id=user.user_id or 0, name=user.username or "")
        return service.add_member(work, project_id, role, user_id=user_id)
    if group is None:
        group = UserGroup()
    group_id = service.find_member_group(
        work,
        group_id=group.id or 0,
        kind=group.group_type or (1 if group.ldap_group_dn else 0),
        key=group.ldap_group_dn or group.group_name or "",
    )
    return service.add_member(work, project_id, role, group_id=group_id)


def _member(row: lists.ListedMember, project_id: int, *, tells: bool = False) -> ProjectMemberEntity:
    return ProjectMemberEntity(
        id=row.id,
        project_id=project_id,
        entity_name=row.name,
        role_name=ROLE_NAMES[row.role],
        role_id=int(row.role),
        entity_id=row.holder_id,
        entity_type=row.kind,
        through=[MemberGroup(name, int(role)) for name, role in row.through],
        is_admin=row.admin and tells,
    )
