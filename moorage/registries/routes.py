"""Other registries: where they are, and what their kinds can do."""

import logging
from collections.abc import Mapping

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from moorage.access.operations import operation
from moorage.access.request_context import MASK, Call, stamp
from moorage.access.required_permission import system
from moorage.configuration.cached_settings import Live
from moorage.errors import (
    RegistryExists,
    RegistryInUse,
    RegistryInvalid,
    RegistryUnhealthy,
    RegistryUnknown,
    TargetRefused,
)
from moorage.registries import health, service
from moorage.registries.adapters import get_adapter, list_adapters
from moorage.registries.adapters.base import Adapter
from moorage.registries.service import Draft, RegistryRow
from moorage.remotes.http_client import Outgoing
from moorage.secret_encryption import SealBroken
from moorage.settings import Secret

log = logging.getLogger("moorage.registries")

LOCAL = 0
"""The id under which clients ask what this registry itself can do."""


# -- what clients send and see ----------------------------------------------------------------------------


class RegistryCredential(msgspec.Struct, omit_defaults=True):
    """Who we are there. The secret is never given out."""

    type: str | None = None
    """`basic`, `oauth` or `secret`."""
    access_key: str | None = None
    access_secret: str | None = None


class Registry(msgspec.Struct, omit_defaults=True, kw_only=True):
    """An endpoint of another registry."""

    id: int | None = None
    name: str | None = None
    url: str | None = None
    type: str | None = None
    credential: RegistryCredential | None = None
    insecure: bool | None = None
    """Whether any certificate is believed. Only a system administrator sets it."""
    ca_certificate: str | None = None
    """In PEM, believed beside the system's. Only a system administrator sets it."""
    description: str | None = None
    status: str | None = None
    creation_time: str | None = None
    update_time: str | None = None
    token_hosts: list[str] | None = None
    """Of ours: `HOST` or `HOST:PORT` of others that issue its tokens, and so see the credentials."""
    status_reason: str | None = None
    """Of ours: why it is unhealthy."""
    status_time: str | None = None
    """Of ours: since when it is so."""
    latency: int | None = None
    """Of ours: milliseconds that the last look took."""


class RegistryUpdate(msgspec.Struct, kw_only=True):
    """What is to change; what is left out stays."""

    name: str | None = None
    description: str | None = None
    url: str | None = None
    credential_type: str | None = None
    access_key: str | None = None
    access_secret: str | None = None
    insecure: bool | None = None
    ca_certificate: str | None = None
    token_hosts: list[str] | None = None
    """Of ours."""


class RegistryPing(RegistryUpdate, kw_only=True):
    """What to try: the endpoint with this id, changed as the other fields say; or one that is not saved."""

    id: int | None = None
    type: str | None = None


class FilterStyle(msgspec.Struct, omit_defaults=True):
    """A filter of a replication policy, and how a form asks for it."""

    type: str
    style: str
    values: list[str] = []


class RegistryInfo(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What the kind of a registry can do."""

    type: str
    description: str
    supported_resource_filters: list[FilterStyle]
    supported_triggers: list[str]
    supported_copy_by_chunk: bool = False


class RegistryEndpoint(msgspec.Struct):
    """An address that a form offers."""

    key: str
    value: str


class RegistryProviderEndpointPattern(msgspec.Struct, omit_defaults=True):
    """How a form asks for the address."""

    endpoint_type: str
    endpoints: list[RegistryEndpoint] = []


class RegistryProviderCredentialPattern(msgspec.Struct, omit_defaults=True):
    """How a form asks for the credentials."""

    access_key_type: str
    access_key_data: str = ""
    access_secret_type: str = "AccessSecretTypeStandard"  # noqa: S105 - the name of a kind of field
    access_secret_data: str = ""


class RegistryProviderInfo(msgspec.Struct):
    """What a form has to know of a kind."""

    endpoint_pattern: RegistryProviderEndpointPattern
    credential_pattern: RegistryProviderCredentialPattern
    label: str
    """Of ours: its name for people."""
    description: str
    """Of ours: what it is, and whether it was ever proven against the service."""


# -- operations -------------------------------------------------------------------------------------------


@operation("GET", "/registries", id="listRegistries", tag="registry", needs=system("registry:list"), paged=True)
async def list_registries(call: NamedDependency[Call], name: FromQuery[str] = "") -> Response[list[Registry]]:
    """The endpoints; `name` is a part of their names."""
    listing = call.listing()
    rows, total, ignored = await call.look(service.list_registries, listing, name=name)
    return call.page([show_registry(row) for row in rows], listing, total, ignored)


@operation(
    "POST",
    "/registries",
    id="createRegistry",
    tag="registry",
    needs=system("registry:create"),
    problems=(RegistryInvalid, RegistryUnhealthy, TargetRefused, RegistryExists),
    status=201,
)
async def create_registry(
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    outgoing: NamedDependency[Outgoing],
    data: JSONBody[Registry],
) -> Response[None]:
    """Save an endpoint, which has to answer now.

    Its own host and port may then be reached, wherever they are; what it redirects to only if a project might go there.
    """
    credential = data.credential or RegistryCredential()
    change = RegistryPing(
        name=data.name, description=data.description, url=data.url, type=data.type, insecure=data.insecure,
        ca_certificate=data.ca_certificate, token_hosts=data.token_hosts, credential_type=credential.type,
        access_key=credential.access_key, access_secret=credential.access_secret or "",
    )  # fmt: skip
    draft = service.check_draft(_merge(call, Draft(), change))
    await _require_healthy(outgoing, draft, draft.secret or Secret(""))
    made = await call.run(service.create_registry, draft, live.seals, healthy=True)
    return call.created(f"/registries/{made}")


@operation(
    "POST",
    "/registries/ping",
    id="pingRegistry",
    tag="registry",
    needs=system("registry:read"),
    problems=(RegistryInvalid, RegistryUnhealthy, TargetRefused, RegistryUnknown),
    reads=True,
)
async def ping_registry(
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    outgoing: NamedDependency[Outgoing],
    data: JSONBody[RegistryPing],
) -> Response[None]:
    """Try an endpoint: a saved one, one that is not saved, or a saved one with changes. 400 says what is wrong.

    A saved secret goes only to the address that it was saved for.
    """
    draft, secret = Draft(), Secret("")
    if data.id is not None:
        row = await call.look(service.get_registry, data.id)
        draft = service.check_address(_merge(call, service.draft_of(row), data))
        if not service.is_elsewhere(row, draft):
            secret = _open(row, live)
    else:
        draft = service.check_address(_merge(call, draft, data))
    await _require_healthy(outgoing, draft, secret if draft.secret is None else draft.secret)
    return Response(None)


@operation(
    "GET",
    "/registries/{id:int}",
    id="getRegistry",
    tag="registry",
    needs=system("registry:read"),
    problems=(RegistryUnknown,),
)
async def get_registry(call: NamedDependency[Call], id: FromPath[int]) -> Response[Registry]:  # noqa: A002 - the contract's
    """One endpoint."""
    return Response(show_registry(await call.look(service.get_registry, id)))


@operation(
    "PUT",
    "/registries/{id:int}",
    id="updateRegistry",
    tag="registry",
    needs=system("registry:update"),
    problems=(RegistryInvalid, RegistryUnhealthy, TargetRefused, RegistryUnknown, RegistryExists),
)
async def update_registry(
    call: NamedDependency[Call],
    live: NamedDependency[Live],
    outgoing: NamedDependency[Outgoing],
    data: JSONBody[RegistryUpdate],
    id: FromPath[int],  # noqa: A002 - the contract's
) -> Response[None]:
    """Change an endpoint, which has to answer now if anything but its name and description changes.

    With another address, the secret has to be given again.
    """
    row = await call.look(service.get_registry, id)
    before = service.draft_of(row)
    draft = service.check_draft(_merge(call, before, data))
    service.require_secret(row, draft)
    words = msgspec.structs.replace(before, name=draft.name, description=draft.description)
    if moves := draft != words:
        secret = _open(row, live) if draft.secret is None else draft.secret
        await _require_healthy(outgoing, draft, secret)
    await call.run(service.update_registry, id, draft, live.seals, healthy=moves)
    return Response(None)


@operation(
    "DELETE",
    "/registries/{id:int}",
    id="deleteRegistry",
    tag="registry",
    needs=system("registry:delete"),
    problems=(RegistryUnknown, RegistryInUse),
)
async def delete_registry(call: NamedDependency[Call], id: FromPath[int]) -> Response[None]:  # noqa: A002 - the contract's
    """Delete an endpoint that no policy and no proxy-cache project uses."""
    await call.run(service.delete_registry, id)
    return Response(None)


@operation(
    "GET",
    "/registries/{id:int}/info",
    id="getRegistryInfo",
    tag="registry",
    needs=system("registry:read"),
    problems=(RegistryUnknown,),
)
async def get_registry_info(call: NamedDependency[Call], id: FromPath[int]) -> Response[RegistryInfo]:  # noqa: A002 - the contract's
    """What an endpoint can do; with the id 0, what this registry can."""
    if id == LOCAL:
        return Response(_info(get_adapter("harbor"), local=True))
    row = await call.look(service.get_registry, id)
    return Response(_info(get_adapter(row.kind), local=False))


@operation(
    "GET",
    "/replication/adapters",
    id="listRegistryProviderTypes",
    tag="registry",
    needs=system("replication-adapter:list"),
)
async def list_kinds(call: NamedDependency[Call]) -> Response[list[str]]:  # noqa: ARG001 - every operation has one
    """The kinds of registries.

    `harbor` and `docker-registry` are tested against real ones. All others (`aws-ecr`, `azure-acr`, `docker-hub`,
    `github-ghcr`, `gitlab`, `google-gcr`, `jfrog-artifactory`, `quay`) were written from the vendor's public reference
    and are not proven against the service.
    """
    return Response(list(list_adapters()))


@operation(
    "GET",
    "/replication/adapterinfos",
    id="listRegistryProviderInfos",
    tag="registry",
    needs=system("replication-adapter:list"),
)
async def list_kind_infos(call: NamedDependency[Call]) -> Response[dict[str, RegistryProviderInfo]]:  # noqa: ARG001 - as above
    """What a form has to know of each kind of registry, by its type."""
    return Response({kind: _provider(adapter) for kind, adapter in list_adapters().items()})


ROUTES = (
    list_registries,
    create_registry,
    ping_registry,
    get_registry,
    update_registry,
    delete_registry,
    get_registry_info,
    list_kinds,
    list_kind_infos,
)


# -- shapes -----------------------------------------------------------------------------------------------


def _merge(call: Call, before: Draft, change: RegistryUpdate) -> Draft:
    """A draft with what the caller changes. The address is trusted as far as whoever gave it.

    Raises:
        Denied: somebody but a system administrator says what is to be believed or told.
    """
    given: Mapping[str, object] = {
        "name": change.name, "description": change.description, "url": change.url, "access_key": change.access_key,
        "credential_type": change.credential_type, "insecure": change.insecure,
        "ca_certificate": change.ca_certificate, "kind": change.type if isinstance(change, RegistryPing) else None,
        "token_hosts": None if change.token_hosts is None else tuple(change.token_hosts),
        "secret": None if change.access_secret in {None, MASK} else Secret(change.access_secret or ""),
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    after = msgspec.structs.replace(before, **changes)
    if call.admin:
        moved = after.url != before.url or not before.url
        return msgspec.structs.replace(after, trusted=True) if moved else after
    for name in ("insecure", "ca_certificate", "token_hosts"):
        if getattr(after, name) != getattr(before, name):
            raise call.denied("registry:update", f"the system, to set {name}", None)
    return msgspec.structs.replace(after, trusted=before.trusted and after.url == before.url)


def _open(row: RegistryRow, live: Live) -> Secret:
    """The stored secret.

    Raises:
        RegistryInvalid: its key is missing, or somebody wrote to the row; the log has which.
    """
    try:
        return service.open_secret(row, live.seals)
    except SealBroken as error:
        log.error("the secret of the registry %s: %s", row.name, error)  # noqa: TRY400 - no bug of ours
        message = "The stored secret cannot be opened: give it again."
        raise RegistryInvalid(message, which="REGISTRY_SECRET_AGAIN") from None


async def _require_healthy(outgoing: Outgoing, draft: Draft, secret: Secret) -> None:
    """Refuse an endpoint that does not answer as a registry of its kind.

    Raises:
        RegistryUnhealthy: it does not.
    """
    problem = await health.find_trouble(outgoing, draft.kind, draft.endpoint(secret))
    if problem is not None:
        which = problem.detail.get("which") or problem.reason
        raise RegistryUnhealthy(f"The registry cannot be used. {problem}", headers=problem.headers, which=which)


def show_registry(row: RegistryRow) -> Registry:
    """An endpoint as clients see it: its secret is masked."""
    credential = None
    if row.access_key or row.sealed_secret is not None:
        secret = MASK if row.sealed_secret is not None else None
        credential = RegistryCredential(row.credential_type or None, row.access_key or None, secret)
    return Registry(
        id=row.id, name=row.name, url=row.url, type=row.kind, credential=credential, insecure=row.insecure,
        ca_certificate=row.ca_certificate or None, description=row.description or None, status=row.status or None,
        creation_time=stamp(row.created_at), update_time=stamp(row.updated_at),
        token_hosts=row.token_hosts or None, status_reason=row.status_reason or None,
        status_time=stamp(row.status_at) if row.status_at is not None else None, latency=row.latency_ms,
    )  # fmt: skip


def _info(adapter: type[Adapter], *, local: bool) -> RegistryInfo:
    traits = adapter.traits
    filters = [FilterStyle("name", "input"), FilterStyle("tag", "input")]
    if traits.label_filter:
        filters.append(FilterStyle("label", "input"))
    filters.append(FilterStyle("resource", "radio", ["image", "artifact"]))
    return RegistryInfo(
        type=adapter.kind,
        description=traits.description,
        supported_resource_filters=filters,
        supported_triggers=["manual", "scheduled", *(["event_based"] if local else [])],
        supported_copy_by_chunk=traits.copy_by_chunk,
    )


def _provider(adapter: type[Adapter]) -> RegistryProviderInfo:
    traits = adapter.traits
    shape = "Standard" if not traits.places else "Fix" if traits.fixed else "List"
    return RegistryProviderInfo(
        RegistryProviderEndpointPattern(
            f"EndpointPatternType{shape}", [RegistryEndpoint(one.key, one.url) for one in traits.places]
        ),
        RegistryProviderCredentialPattern(
            "AccessKeyTypeFix" if traits.fixed_key else "AccessKeyTypeStandard",
            traits.fixed_key,
            "AccessSecretTypeFile" if traits.secret_is_file else "AccessSecretTypeStandard",
        ),
        adapter.label,
        traits.description,
    )
