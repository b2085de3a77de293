"""Routes of user groups."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import SIGNED_IN, system
from moorage.errors import GroupExists, GroupNameInvalid, GroupUnknown
from moorage.ldap.names import NameOfEntryInvalid, fold_dn
from moorage.users import groups, lists

LDAP, HTTP, OIDC = 1, 2, 3
_KINDS = frozenset({LDAP, HTTP, OIDC})


class UserGroup(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A group of users."""

    id: int | None = None
    group_name: str | None = None
    group_type: int | None = None
    """1 LDAP, 2 HTTP (a header of a proxy), 3 OIDC."""
    ldap_group_dn: str | None = None
    """The DN of an LDAP group."""


class UserGroupSearchItem(msgspec.Struct):
    """A group as anybody who is signed in may find one."""

    id: int
    group_name: str
    group_type: int


@operation("GET", "/usergroups", id="listUserGroups", tag="usergroup", needs=system("user-group:list"), paged=True)
async def list_user_groups(
    call: NamedDependency[Call],
    ldap_group_dn: FromQuery[str | None] = None,
    group_name: FromQuery[str | None] = None,
) -> Response[list[UserGroup]]:
    """All groups that are known; by the whole DN, or by a part of the name."""
    listing = call.listing()
    key = fold_dn(ldap_group_dn) if ldap_group_dn else ""
    rows, total, ignored = await call.look(lists.list_groups, listing, part=group_name or "", key=key)
    return call.page([_group(row) for row in rows], listing, total, ignored)


@operation(
    "POST", "/usergroups", id="createUserGroup", tag="usergroup", needs=system("user-group:create"), status=201,
    problems=(GroupExists, GroupNameInvalid, NameOfEntryInvalid),
)  # fmt: skip
async def create_user_group(data: JSONBody[UserGroup], call: NamedDependency[Call]) -> Response[None]:
    """Make a group known before somebody of it has signed in."""
    kind = data.group_type or 0
    if kind not in _KINDS:
        raise GroupNameInvalid("The type of a group is 1 (LDAP), 2 (HTTP) or 3 (OIDC).", group_type=kind)
    if kind == LDAP:
        key = fold_dn(data.ldap_group_dn or "")
        name = data.group_name or data.ldap_group_dn or ""
    else:
        key = name = data.group_name or ""
    group_id = await call.run(groups.create_group, kind, key, name)
    return call.created(f"/usergroups/{group_id}")


@operation("GET", "/usergroups/search", id="searchUserGroups", tag="usergroup", needs=SIGNED_IN, paged=True)
async def search_user_groups(
    call: NamedDependency[Call], groupname: FromQuery[str]
) -> Response[list[UserGroupSearchItem]]:
    """Groups by a part of their name: for whoever adds members."""
    listing = call.listing()
    rows, total, ignored = await call.look(lists.list_groups, listing, part=groupname)
    return call.page([UserGroupSearchItem(row.id, row.name, row.kind) for row in rows], listing, total, ignored)


@operation(
    "GET", "/usergroups/{group_id:int}", id="getUserGroup", tag="usergroup", needs=system("user-group:read"),
    problems=(GroupUnknown,),
)  # fmt: skip
async def get_user_group(call: NamedDependency[Call], group_id: FromPath[int]) -> Response[UserGroup]:
    """A group."""
    return Response(_group(await call.look(groups.get_group, group_id)))


@operation(
    "PUT", "/usergroups/{group_id:int}", id="updateUserGroup", tag="usergroup", needs=system("user-group:update"),
    problems=(GroupUnknown, GroupNameInvalid),
)  # fmt: skip
async def update_user_group(
    data: JSONBody[UserGroup], call: NamedDependency[Call], group_id: FromPath[int]
) -> Response[None]:
    """Show a group under another name; nothing else of it can be changed."""
    await call.run(groups.rename_group, group_id, data.group_name or "")
    return Response(None)


@operation(
    "DELETE", "/usergroups/{group_id:int}", id="deleteUserGroup", tag="usergroup", needs=system("user-group:delete"),
    problems=(GroupUnknown,),
)  # fmt: skip
async def delete_user_group(call: NamedDependency[Call], group_id: FromPath[int]) -> Response[None]:
    """Forget a group and its roles."""
    await call.run(groups.delete_group, group_id)
    return Response(None)


ROUTES = (
    list_user_groups,
    create_user_group,
    search_user_groups,
    get_user_group,
    update_user_group,
    delete_user_group,
)


def _group(row: groups.GroupRow) -> UserGroup:
    return UserGroup(
        id=row.id, group_name=row.name, group_type=row.kind, ldap_group_dn=row.key if row.kind == LDAP else None
    )
