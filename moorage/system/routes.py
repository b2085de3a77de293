"""Versions, signs of life, figures, search."""

import asyncio
import os
from datetime import UTC, datetime

import msgspec
from litestar import MediaType, Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from moorage import __version__
from moorage.access.operations import operation
from moorage.access.request_context import Call, stamp
from moorage.access.required_permission import PUBLIC, SIGNED_IN, system
from moorage.configuration.cached_settings import Live
from moorage.errors import AllowlistInvalid, CertificateUnknown
from moorage.projects import allowlists
from moorage.projects.routes import CVEAllowlist, Project, allowlist_out, project_out
from moorage.settings import Settings
from moorage.system import service
from moorage.system.health import Health

CONTRACT_VERSION = "v2.16.0"
CA_FILE = "ca.crt"
"""In the data folder: the certificate that clients need to trust this server, offered for download."""

STORAGE_NAMES = {"filesystem": "filesystem", "s3": "s3", "memory": "inmemory"}
"""Our drivers under the contract's names."""


class ComponentHealthStatus(msgspec.Struct, omit_defaults=True):
    """The health of a part."""

    name: str
    status: str
    """`healthy` or `unhealthy`."""
    error: str = ""


class OverallHealthStatus(msgspec.Struct):
    """The health of all parts; `healthy` when each is."""

    status: str
    components: list[ComponentHealthStatus]


class GeneralInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What clients need to know of this server; the second half only for whoever is signed in."""

    auth_mode: str
    """The contract's name of the first source of people."""
    primary_auth_mode: bool = msgspec.field(default=False)
    self_registration: bool | None = None
    banner_message: str = ""
    """The text of a JSON object."""
    oidc_provider_name: str = ""
    auth_sources: list[str] = []
    """Ours: all sources, in the order in which they are asked."""
    moorage_version: str = ""
    """Ours; for whoever is signed in."""
    has_ca_root: bool | None = None
    project_creation_restriction: str | None = None
    harbor_version: str = ""
    """The contract's version and ours."""
    external_url: str = ""
    registry_url: str = ""
    read_only: bool | None = None
    registry_storage_provider_name: str = ""
    database: str = ""
    """Ours: `sqlite` or `postgresql`."""
    notification_enable: bool | None = None
    current_time: str = ""


class Storage(msgspec.Struct):
    """A volume, in bytes."""

    total: int
    free: int


class SystemInfo(msgspec.Struct):
    """Where bytes lie. An object store has no volumes to tell of."""

    storage: list[Storage]


class Statistic(msgspec.Struct, kw_only=True):
    """How many there are of what the caller may see; the totals are 0 for others than administrators."""

    private_project_count: int
    private_repo_count: int
    public_project_count: int
    public_repo_count: int
    total_project_count: int = 0
    total_repo_count: int = 0
    total_storage_consumption: int = 0
    """Bytes; each blob once."""


class SearchRepository(msgspec.Struct):
    """A repository that was found."""

    project_id: int
    project_name: str
    project_public: bool
    repository_name: str
    pull_count: int
    artifact_count: int


class Search(msgspec.Struct):
    """What was found."""

    project: list[Project]
    repository: list[SearchRepository]


@operation("GET", "/ping", id="getPing", tag="ping", needs=PUBLIC, answers=("text/plain",))
async def ping() -> Response[str]:
    """Answer without looking at anything."""
    return Response("Pong", media_type=MediaType.TEXT)


@operation("GET", "/health", id="getHealth", tag="health", needs=PUBLIC)
async def get_health(health: NamedDependency[Health]) -> Response[OverallHealthStatus]:
    """Whether the parts that this server stands on work; looked at every 10 s at most."""
    components = [
        ComponentHealthStatus(name, "unhealthy" if error else "healthy", error)
        for name, error in (await health.components()).items()
    ]
    well = all(one.status == "healthy" for one in components)
    return Response(OverallHealthStatus("healthy" if well else "unhealthy", components))


@operation("GET", "/systeminfo", id="getSystemInfo", tag="systeminfo", needs=PUBLIC)
async def get_system_info(
    call: NamedDependency[Call], live: NamedDependency[Live], settings: NamedDependency[Settings]
) -> Response[GeneralInfo]:
    """What a client needs before it signs in, and more once it has."""
    items = await live.items()
    info = GeneralInfo(
        auth_mode=items.auth_mode,
        primary_auth_mode=items.primary_auth_mode,
        self_registration=items.self_registration,
        banner_message=items.banner_message,
        oidc_provider_name=items.oidc_name if "oidc" in items.auth_sources else "",
        auth_sources=list(items.auth_sources),
    )
    if call.account is not None:
        info.moorage_version = __version__
        info.harbor_version = f"{CONTRACT_VERSION}-moorage.{__version__}"
        info.has_ca_root = (settings.data_folder / CA_FILE).is_file()
        info.project_creation_restriction = items.project_creation_restriction
        info.external_url = call.request.origin
        info.registry_url = call.request.origin.partition("://")[2]
        info.read_only = items.read_only
        info.registry_storage_provider_name = STORAGE_NAMES[settings.storage.kind]
        info.database = "sqlite" if settings.sqlite_file else "postgresql"
        info.notification_enable = items.notification_enable
        info.current_time = stamp(datetime.now(UTC))
    return Response(info)


@operation("GET", "/systeminfo/volumes", id="getVolumes", tag="systeminfo", needs=system("system-volumes:read"))
async def get_volumes(settings: NamedDependency[Settings]) -> Response[SystemInfo]:
    """How large the volume is that blobs lie on, and how much of it is free."""
    if settings.storage.kind != "filesystem":
        return Response(SystemInfo([]))
    found = await asyncio.to_thread(os.statvfs, settings.data_folder)
    return Response(SystemInfo([Storage(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)]))


@operation(
    "GET", "/systeminfo/getcert", id="getCert", tag="systeminfo", needs=PUBLIC, problems=(CertificateUnknown,),
    answers=("application/octet-stream",), headers=("Content-Disposition",),
)  # fmt: skip
async def get_certificate(settings: NamedDependency[Settings]) -> Response[bytes]:
    """The certificate that clients need to trust this server: `ca.crt` of the data folder."""
    try:
        content = await asyncio.to_thread((settings.data_folder / CA_FILE).read_bytes)
    except OSError:
        raise CertificateUnknown from None
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": 'attachment; filename="ca.crt"'},
    )


@operation("GET", "/statistics", id="getStatistic", tag="statistic", needs=SIGNED_IN)
async def get_statistics(call: NamedDependency[Call]) -> Response[Statistic]:
    """How many projects and repositories there are of those that the caller may see."""
    account = call.signed_in()
    found = await call.look(service.count_everything, account)
    out = Statistic(
        private_project_count=found.private_projects,
        private_repo_count=found.private_repositories,
        public_project_count=found.public_projects,
        public_repo_count=found.public_repositories,
    )
    if account.admin:
        out.total_project_count = found.private_projects + found.public_projects
        out.total_repo_count = found.private_repositories + found.public_repositories
        out.total_storage_consumption = found.stored_bytes
    return Response(out)


@operation("GET", "/search", id="search", tag="search", needs=PUBLIC)
async def search(call: NamedDependency[Call], q: FromQuery[str]) -> Response[Search]:
    """Projects and repositories by a part of their name, of those that the caller may see; at most 100 of each."""
    projects, repositories = await call.look(service.search, call.account, q)
    return Response(
        Search(
            [project_out(row, detail=True) for row in projects],
            [
                SearchRepository(
                    row.project_id, row.project_name, row.project_public, row.path, row.pull_count, row.artifact_count
                )
                for row in repositories
            ],
        )
    )


@operation("GET", "/system/CVEAllowlist", id="getSystemCVEAllowlist", tag="SystemCVEAllowlist", needs=SIGNED_IN)
async def get_system_allowlist(call: NamedDependency[Call]) -> Response[CVEAllowlist]:
    """The vulnerabilities that no policy minds in projects without a list of their own."""
    return Response(allowlist_out(await call.look(allowlists.find_allowlist, allowlists.SYSTEM), 0))


@operation(
    "PUT", "/system/CVEAllowlist", id="putSystemCVEAllowlist", tag="SystemCVEAllowlist",
    needs=system("configuration:update"), problems=(AllowlistInvalid,),
)  # fmt: skip
async def set_system_allowlist(data: JSONBody[CVEAllowlist], call: NamedDependency[Call]) -> Response[None]:
    """Replace that list."""
    entries = [item.cve_id for item in data.items or []]
    await call.run(allowlists.set_allowlist, allowlists.SYSTEM, entries, expires_at=data.expires_at)
    return Response(None)


ROUTES = (
    ping,
    get_health,
    get_system_info,
    get_volumes,
    get_certificate,
    get_statistics,
    search,
    get_system_allowlist,
    set_system_allowlist,
)
