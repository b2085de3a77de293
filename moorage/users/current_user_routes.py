"""Routes of the current user: permissions in many places, and preferences. Ours."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from moorage.access.effective_permissions import Standing
from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import PUBLIC, SIGNED_IN
from moorage.access.role_matrix import EVERY_PROJECT_PERMISSION, SYSTEM_PERMISSIONS
from moorage.errors import NotAPerson, PreferencesLimit, PreferencesStale
from moorage.users import preferences
from moorage.web.ranges import etag_matches

MAX_SCOPES = 200
_SYSTEM = "/system"
_PROJECT = "/project/"


class ScopesReq(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where one wants to know what one may do."""

    scopes: Annotated[list[str], Meta(min_length=1, max_length=MAX_SCOPES)]
    """1 to 200 of `/system`, `/project/ID` and `/project/NAME`; what is all digits is an id."""


class ScopePermissions(msgspec.Struct, kw_only=True):
    """What the caller may do in one place."""

    scope: str
    project_id: int | None
    """null: `/system`, or there is nothing that the caller may see."""
    permissions: list[str]
    """`RESOURCE:ACTION`, in order; the project itself is the resource `project`."""


@operation(
    "POST", "/users/current/permissions", id="listPermissionsInScopes", tag="user", needs=PUBLIC, ours=True, reads=True
)
async def list_permissions(data: JSONBody[ScopesReq], call: NamedDependency[Call]) -> Response[list[ScopePermissions]]:
    """What the caller may do in many places, in the order of the question. Changes nothing.

    Of a project that mirrors another registry, what it refuses to everybody is left out.

    A project that is missing and one that is not theirs come out alike: without permissions. Who is not signed in
    has what everybody has.
    """
    ids, names = _read(data.scopes)
    standings = await call.find_projects(project_ids=ids.values(), names=names.values())
    by_id = {one.project_id: one for one in standings}
    by_name = {one.project_name: one for one in standings}
    shown: list[ScopePermissions] = []
    for scope in data.scopes:
        if scope == _SYSTEM:
            shown.append(ScopePermissions(scope=scope, project_id=None, permissions=await _in_system(call)))
            continue
        found = by_id.get(ids[scope]) if scope in ids else by_name.get(names.get(scope, ""))
        may = [] if found is None else _in_project(found)
        number = found.project_id if found is not None and may else None
        shown.append(ScopePermissions(scope=scope, project_id=number, permissions=may))
    return Response(shown)


def _read(scopes: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Ids and names of projects, by the scopes that name them."""
    ids: dict[str, int] = {}
    names: dict[str, str] = {}
    for scope in scopes:
        said = scope.removeprefix(_PROJECT)
        if said == scope:
            continue
        if said.isascii() and said.isdigit():
            ids[scope] = int(said) if len(said) < 20 else 0
        else:
            names[scope] = said
    return ids, names


async def _in_system(call: Call) -> list[str]:
    asked = [f"{resource}:{action}" for resource, actions in SYSTEM_PERMISSIONS.items() for action in actions]
    return [permission for permission in sorted(asked) if await call.may_in_system(permission)]


_REFUSED_BY_PROXY = frozenset({"artifact:create", "repository:push", "tag:create"})
"""What a proxy cache has comes from its upstream: nothing is pushed, copied or tagged there (`ProxyReadOnly`)."""


def _in_project(standing: Standing) -> list[str]:
    given = (f"{resource}:{action}" for resource, action in EVERY_PROJECT_PERMISSION if standing.may(resource, action))
    return sorted(one for one in given if not (standing.is_proxy and one in _REFUSED_BY_PROXY))


# -- preferences ------------------------------------------------------------------------------------------


@operation(
    "GET", "/users/current/preferences", id="getPreferences", tag="user", needs=SIGNED_IN, ours=True,
    problems=(NotAPerson,), headers=("ETag",),
)  # fmt: skip
async def get_preferences(call: NamedDependency[Call]) -> Response[dict[str, Any]]:
    """What the caller prefers: the JSON object that was kept last; empty where none was."""
    document, tag = await call.look(preferences.get_preferences, _person(call))
    return Response(document, headers={"ETag": tag})


@operation(
    "PUT", "/users/current/preferences", id="setPreferences", tag="user", needs=SIGNED_IN, ours=True,
    problems=(NotAPerson, PreferencesLimit, PreferencesStale), headers=("ETag",),
)  # fmt: skip
async def set_preferences(data: JSONBody[dict[str, Any]], call: NamedDependency[Call]) -> Response[None]:
    """Keep a JSON object of at most 16 KiB in place of the one before. The server does not read what is in it.

    With `If-Match: ETAG` only if nobody changed it meanwhile: else 412.
    """
    given = call.request.header(b"if-match")
    condition = None if given is None else lambda tag: etag_matches(given, tag, weak=False)
    tag = await call.run(preferences.set_preferences, _person(call), data, condition)
    return Response(None, headers={"ETag": tag})


def _person(call: Call) -> int:
    account = call.signed_in()
    if account.kind != "user":
        raise NotAPerson
    return account.principal_id


ROUTES = (list_permissions, get_preferences, set_preferences)
