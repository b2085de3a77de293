"""The audit log over the REST API: the contract's lists, and one of ours by key."""

from typing import Annotated

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import SIGNED_IN, project, system
from moorage.audit.event_filter import EVENTS
from moorage.audit.service import ALL, Entry, Sees, list_by_key, list_entries, make_key, sees_in_projects
from moorage.audit.syslog import check_receiver
from moorage.configuration.validation import read_value
from moorage.db.list_query import read_listing
from moorage.errors import ItemInvalid, ListingInvalid, QueryInvalid, ReceiverUnusable


class AuditLogExt(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What somebody did, or was refused. Source: the contract's `AuditLogExt`."""

    id: int
    username: str = ""
    resource: str = ""
    resource_type: str = ""
    operation: str = ""
    operation_description: str = ""
    operation_result: bool
    op_time: str = ""


class AuditLog(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What somebody did, in the older form. Source: the contract's `AuditLog`."""

    id: int
    username: str = ""
    resource: str = ""
    resource_type: str = ""
    operation: str = ""
    op_time: str = ""


class AuditLogEventType(msgspec.Struct):
    """A kind of event, as `disabled_audit_log_event_types` names it."""

    event_type: str


class AuditEntryOut(msgspec.Struct, kw_only=True):
    """All that is known about one act.

    `credential`: what it was done with; `address`: from where; `repeats`: how often, within seconds, the same was
    pulled or refused; `detail`: what changed.
    """

    id: int
    op_time: str
    username: str
    credential: str
    address: str
    request_id: str
    project_id: int | None
    event_type: str
    operation: str
    resource_type: str
    resource: str
    operation_description: str
    operation_result: bool
    repeats: int
    detail: dict[str, object]


class SyslogPing(msgspec.Struct, kw_only=True):
    """A receiver of syslog to test."""

    endpoint: str
    """As the setting `audit_log_forward_endpoint`: `HOST:PORT`."""
    tls: bool = False
    ca_certificate: str = ""
    """Certificates (PEM) that the receiver's may come from. Empty: those of the system."""


class AuditEntriesOut(msgspec.Struct):
    """Entries, the newest first, and the keys to ask for those before and after them."""

    entries: list[AuditEntryOut]
    older_than: str
    newer_than: str


@operation("GET", "/auditlog-exts", id="listAuditLogExts", tag="auditlog", needs=SIGNED_IN, paged=True)
async def list_all(call: NamedDependency[Call]) -> Response[list[AuditLogExt]]:
    """List what was done: everything, or for most people what was done in the projects that they administer."""
    return await _page(call, await _sees(call))


@operation(
    "GET", "/projects/{project_name:str}/auditlog-exts", id="getLogExts", tag="project", needs=project("log:list"),
    paged=True,
)  # fmt: skip
async def list_of_project(call: NamedDependency[Call]) -> Response[list[AuditLogExt]]:
    """List what was done in a project."""
    return await _page(call, Sees("project", call.project.project_id))


@operation("GET", "/audit-logs", id="listAuditLogs", tag="auditlog", needs=SIGNED_IN, paged=True)
async def list_all_done(call: NamedDependency[Call]) -> Response[list[AuditLog]]:
    """List what was done, in the older form, which has no refusals."""
    return await _done(call, await _sees(call))


@operation(
    "GET", "/projects/{project_name:str}/logs", id="getLogs", tag="project", needs=project("log:list"), paged=True
)
async def list_done_in_project(call: NamedDependency[Call]) -> Response[list[AuditLog]]:
    """List what was done in a project, in the older form, which has no refusals."""
    return await _done(call, Sees("project", call.project.project_id))


@operation("GET", "/auditlog-exts/events", id="listAuditLogEventTypes", tag="auditlog", needs=system("audit-log:list"))
async def list_event_types() -> list[AuditLogEventType]:
    """List the kinds of events that can be left out of the log."""
    return [AuditLogEventType(name) for name in EVENTS]


@operation(
    "GET", "/audit", id="listAuditEntries", tag="auditlog", needs=SIGNED_IN, ours=True,
    problems=(QueryInvalid, ListingInvalid),
)  # fmt: skip
async def list_entries_by_key(
    call: NamedDependency[Call],
    q: Annotated[str, Parameter(description="as in the other lists")] = "",
    page_size: Annotated[int, Parameter(description="1 to 100; 0 or less: 100")] = 50,
    older_than: Annotated[str, Parameter(description="a key: only what was before it")] = "",
    newer_than: Annotated[str, Parameter(description="a key: only what was after it")] = "",
) -> AuditEntriesOut:
    """List what was done, by key and with all that is known: no page costs more than the first, nothing shifts."""
    listing = read_listing({"q": [q], "page_size": [str(page_size)]})
    entries, ignored = await call.look(
        list_by_key, await _sees(call), listing, older_than=older_than, newer_than=newer_than
    )
    call.ignored += ignored
    ends = (make_key(entries[-1]), make_key(entries[0])) if entries else ("", newer_than)
    return AuditEntriesOut([_whole(entry) for entry in entries], *ends)


@operation(
    "POST", "/system/syslog/ping", id="pingSyslog", tag="auditlog", needs=system("configuration:update"), ours=True,
    problems=(ReceiverUnusable, ItemInvalid),
)  # fmt: skip
async def ping_syslog(data: JSONBody[SyslogPing]) -> Response[None]:
    """Test a receiver of the audit log before it is set, by connecting to it; a refusal says what went wrong."""
    endpoint = read_value("audit_log_forward_endpoint", data.endpoint)
    ca = read_value("audit_log_forward_ca_certificate", data.ca_certificate)
    await check_receiver(endpoint, tls=data.tls, ca=ca)
    return Response(None)


async def _sees(call: Call) -> Sees:
    """All of it for who may list the log of the system, else that of the projects whose log they may list."""
    if await call.may_in_system("audit-log:list"):
        return ALL
    return sees_in_projects(call.signed_in())


async def _page(call: Call, sees: Sees) -> Response[list[AuditLogExt]]:
    listing = call.listing()
    page = await call.look(list_entries, sees, listing)
    return call.page([_ext(entry) for entry in page.entries], listing, page.total, page.ignored)


async def _done(call: Call, sees: Sees) -> Response[list[AuditLog]]:
    listing = call.listing()
    page = await call.look(list_entries, sees, listing, only_done=True)
    return call.page([_old(entry) for entry in page.entries], listing, page.total, page.ignored)


def _ext(entry: Entry) -> AuditLogExt:
    return AuditLogExt(
        id=entry.id,
        username=entry.username,
        resource=entry.resource,
        resource_type=entry.resource_type,
        operation=entry.operation,
        operation_description=entry.description,
        operation_result=entry.ok,
        op_time=stamp(entry.at),
    )


def _old(entry: Entry) -> AuditLog:
    return AuditLog(
        id=entry.id,
        username=entry.username,
        resource=entry.resource,
        resource_type=entry.resource_type,
        operation=entry.operation,
        op_time=stamp(entry.at),
    )


def _whole(entry: Entry) -> AuditEntryOut:
    return AuditEntryOut(
        id=entry.id,
        op_time=stamp(entry.at),
        username=entry.username,
        credential=entry.credential,
        address=entry.address,
        request_id=entry.request_id,
        project_id=entry.project_id,
        event_type=entry.event,
        operation=entry.operation,
        resource_type=entry.resource_type,
        resource=entry.resource,
        operation_description=entry.description,
        operation_result=entry.ok,
        repeats=entry.repeats,
        detail=entry.detail,
    )


ROUTES = (
    list_all,
    list_of_project,
    list_all_done,
    list_done_in_project,
    list_event_types,
    list_entries_by_key,
    ping_syslog,
)
