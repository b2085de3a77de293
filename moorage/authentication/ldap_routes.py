"""Routes to test an LDAP directory, search it, and import its users."""

import asyncio
from collections.abc import Sequence

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import Call
from moorage.access.required_permission import system
from moorage.authentication.external_accounts import LDAP_GROUP, ensure_person
from moorage.authentication.ldap_directory import Directory
from moorage.configuration import validation
from moorage.configuration.cached_settings import Live
from moorage.configuration.schema import Items
from moorage.errors import DirectoryNotSet, GroupUnknown, Invalid, NotFound, Problem, TooManyPeople, Unavailable
from moorage.ldap.client import parse_url
from moorage.settings import Secret

MAX_IMPORTED = 500
_AT_ONCE = 8
"""Conversations with the directory for one request."""


# -- what clients send ------------------------------------------------------------------------------------


class LdapConf(msgspec.Struct, kw_only=True):
    """Settings to try before they are saved; what is left out is taken from those that are saved."""

    ldap_url: str | None = None
    ldap_search_dn: str | None = None
    ldap_search_password: str | None = None
    """Left out: the saved one, if address and account are the saved ones, too."""
    ldap_base_dn: str | None = None
    ldap_filter: str | None = None
    ldap_uid: str | None = None
    ldap_scope: int | None = None
    ldap_connection_timeout: int | None = None
    """Seconds; `ldap_timeout` of the settings."""
    ldap_verify_cert: bool | None = None
    ldap_start_tls: bool | None = None
    """Of ours: as the setting of that name."""
    ldap_ca_certificate: str | None = None
    """Of ours: as the setting of that name."""


class LdapImportUsers(msgspec.Struct):
    """Whom to import, by the value of `ldap_uid`; at most 500."""

    ldap_uid_list: list[str] | None = None


# -- what clients see -------------------------------------------------------------------------------------


class LdapPingStep(msgspec.Struct):
    """One step: `resolve`, `connect`, `tls`, `bind`, `search`."""

    name: str
    success: bool
    milliseconds: float
    message: str
    reason: str
    """Why it failed, as a code (docs/use/errors.md); "" where none is known."""


class LdapPingResult(msgspec.Struct):
    """Whether all steps went well; else which one did not, and why."""

    success: bool
    message: str
    steps: list[LdapPingStep]
    """Of ours."""
    reason: str
    """Of ours: the code of what failed; "" where none is known, and when all went well."""


class LdapUser(msgspec.Struct):
    """Somebody in the directory."""

    username: str
    realname: str
    email: str


class LdapGroup(msgspec.Struct):
    """A group in the directory; what `POST /usergroups` takes."""

    group_name: str
    ldap_group_dn: str
    group_type: int = LDAP_GROUP


class LdapFailedImportUser(msgspec.Struct):
    """Somebody who could not be imported, and why: `error` for people, `reason` for programs (docs/use/errors.md).

    `reason` is ours, beside the contract: a page says it in its reader's language. `PERSON_UNKNOWN`: the directory has
    nobody of this name, or several.
    """

    uid: str
    error: str
    reason: str


# -- operations -------------------------------------------------------------------------------------------


@operation("POST", "/ldap/ping", id="pingLdap", tag="Ldap", needs=system("configuration:read"), problems=(Invalid,))
async def ping_ldap(
    call: NamedDependency[Call], live: NamedDependency[Live], data: JSONBody[LdapConf | None] = None
) -> Response[LdapPingResult]:
    """Try a directory: with the settings in the body, or with those that are saved.

    A directory that cannot be reached, or says no, is an answer too: 200 with `success` false, and the step.
    """
    call.signed_in()
    items = _with(await live.items(), data or LdapConf())
    ping = await Directory(items).ping()
    steps = [LdapPingStep(step.name, step.ok, step.milliseconds, step.message, step.reason) for step in ping.steps]
    return Response(LdapPingResult(ping.ok, ping.message, steps, ping.reason))


@operation(
    "GET",
    "/ldap/users/search",
    id="searchLdapUser",
    tag="Ldap",
    needs=system("ldap-user:list"),
    problems=(Invalid,),
)
async def search_ldap_users(
    call: NamedDependency[Call], live: NamedDependency[Live], username: FromQuery[str] = ""
) -> Response[list[LdapUser]]:
    """People in the directory whose name has `username` in it, at most 500; without it, the first 500."""
    call.signed_in()
    people = await (await _directory(live)).search_people(username)
    return Response([LdapUser(person.name, person.realname, person.email) for person in people])


@operation(
    "POST",
    "/ldap/users/import",
    id="importLdapUser",
    tag="Ldap",
    needs=system("ldap-user:create"),
    problems=(Invalid, NotFound),
)
async def import_ldap_users(
    data: JSONBody[LdapImportUsers], call: NamedDependency[Call], live: NamedDependency[Live]
) -> Response[list[LdapFailedImportUser] | None]:
    """Make accounts before their people sign in. Who has one is brought up to date.

    Each stands for themselves: those who can be imported are; the others are listed, with 404.
    """
    names = list(dict.fromkeys(data.ldap_uid_list or []))
    if len(names) > MAX_IMPORTED:
        raise TooManyPeople
    failed = await _import(await _directory(live), call, names)
    return Response(failed, status_code=404) if failed else Response(None)


@operation(
    "GET",
    "/ldap/groups/search",
    id="searchLdapGroup",
    tag="Ldap",
    needs=system("ldap-user:list"),
    problems=(Invalid,),
)
async def search_ldap_groups(
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    groupname: FromQuery[str] = "",
    groupdn: FromQuery[str] = "",
) -> Response[list[LdapGroup]]:
    """Groups in the directory whose name has `groupname` in it, at most 500; or the one whose DN is `groupdn`."""
    call.signed_in()
    directory = await _directory(live)
    if not groupdn:
        groups = await directory.search_groups(groupname)
        return Response([LdapGroup(group.name, group.key) for group in groups])
    try:
        group = await directory.get_group(groupdn)
    except GroupUnknown:
        return Response([])
    return Response([LdapGroup(group.name, groupdn)])


ROUTES = (ping_ldap, search_ldap_users, import_ldap_users, search_ldap_groups)


async def _directory(live: Live) -> Directory:
    """The directory of the live settings.

    Raises:
        DirectoryNotSet: there is none.
    """
    items = await live.items()
    if not items.ldap_url:
        raise DirectoryNotSet
    return Directory(items, asyncio.Semaphore(_AT_ONCE))


async def _import(directory: Directory, call: Call, names: Sequence[str]) -> list[LdapFailedImportUser]:
    """Import each, several at a time; who could not be.

    Raises:
        Unavailable: the directory or the database is away. Those before are imported; the call can be repeated.
    """
    places = asyncio.Semaphore(_AT_ONCE)

    async def import_one(name: str) -> LdapFailedImportUser | None:
        async with places:
            try:
                known = await directory.find(name) if name.strip() and name.isprintable() else None
                if known is None:
                    return LdapFailedImportUser(name, "The directory has no such person, or several.", "PERSON_UNKNOWN")
                await call.run(ensure_person, known)
            except Unavailable:
                raise
            except Problem as problem:
                return LdapFailedImportUser(name, str(problem), problem.reason)
        return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(import_one(name)) for name in names]
    except ExceptionGroup as failures:  # `except*` of Python before 3.11.4 puts what is raised there into a group
        outages = failures.subgroup(Unavailable)
        if outages is None:
            raise
        raise outages.exceptions[0] from None
    return [failed for task in tasks if (failed := task.result()) is not None]


def _with(saved: Items, data: LdapConf) -> Items:
    """The settings to try.

    The saved password goes only where it goes anyway: to the saved address, as the saved account, and no less safely.

    Raises:
        ItemInvalid: a value cannot be one of that setting.
    """
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
    timeout = changes.pop("ldap_connection_timeout", None)
    if timeout is not None:
        changes["ldap_timeout"] = timeout
    items = validation.change(msgspec.structs.replace(saved, auth_sources=("local",)), changes)
    if data.ldap_search_password is None and not _is_no_less_safe(items, saved):
        items = msgspec.structs.replace(items, ldap_search_password=Secret(""))
    return items


def _is_no_less_safe(items: Items, saved: Items) -> bool:
    if not items.ldap_url or not saved.ldap_url:
        return False
    return (
        parse_url(items.ldap_url) == parse_url(saved.ldap_url)
        and items.ldap_search_dn == saved.ldap_search_dn
        and (items.ldap_verify_cert or not saved.ldap_verify_cert)
        and (items.ldap_start_tls or not saved.ldap_start_tls)
    )
