"""The composition root: builds everything, wires subscribers, knows every other module; only the server imports it.

Start reading here: `create_app` is the server, from its parts to its routes.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from moorage.api.guard import ApiGuard
from moorage.api.oidc_sign_in import OidcSignIn
from moorage.api.rest_api import ApiPlane
from moorage.api.sign_in import SignIn
from moorage.artifacts.describe import Contents
from moorage.artifacts.pull_log import PullNotes
from moorage.audit.denials import WrittenRefusals
from moorage.audit.event_filter import LiveRules
from moorage.audit.row_counts import keep_counts
from moorage.audit.syslog import check_receiver
from moorage.audit.syslog_export import Exporter
from moorage.authentication import oidc_provider
from moorage.authentication.backends.ldap import Ldap
from moorage.authentication.backends.oidc import CliSecrets
from moorage.authentication.ldap_directory import Directory
from moorage.authentication.oidc_accounts import OidcPeople
from moorage.authentication.oidc_http import GuardedHttp
from moorage.authentication.oidc_provider import Provider
from moorage.authentication.service import Login
from moorage.authentication.trusted_header import TrustedHeader
from moorage.blobs.blob_integrity import OwnShelf
from moorage.configuration.cached_settings import Live
from moorage.configuration.connection_checks import Checks
from moorage.configuration.schema import Items
from moorage.db.engine import Database
from moorage.distribution.auth import Gate
from moorage.distribution.context import Plane
from moorage.distribution.router import Distribution
from moorage.distribution.token import TokenEndpoint
from moorage.errors import OidcSettingsInvalid, Problem
from moorage.logs import is_text, with_cause
from moorage.mirrors.live import Mirrors
from moorage.proxycache.proxy_cache import ProxyCache
from moorage.registries.health import keep_health
from moorage.remotes.http_client import Outgoing
from moorage.secret_encryption import Seals
from moorage.sessions.session_store import Sessions
from moorage.settings import Settings
from moorage.site.api_explorer import Explorer
from moorage.site.portal import Portal
from moorage.site.probes import Probes
from moorage.storage.base import Storage
from moorage.storage.drivers import open_storage
from moorage.system.diagnostics import Findings
from moorage.system.health import Health
from moorage.tokens.access_tokens import AccessTokens
from moorage.tokens.refresh_tokens import RefreshTokenUses
from moorage.tokens.registry_tokens import TokenKeys
from moorage.usage.daily_usage import DayNotes, keep_days
from moorage.users.last_use import UseBatch, UseNotes
from moorage.users.passwords import Passwords
from moorage.users.registration_limit import SignUps
from moorage.web.metrics import Metrics
from moorage.web.middleware import AccessLog, Stack
from moorage.web.request import App, Hosts, Receive, Scope, Send
from moorage.webhooks.on_events import Teller
from moorage.webhooks.refused_pushes import RefusedPushes
from moorage.wiring import host_of, open_database

log = logging.getLogger("moorage")

_PULLS_EVERY_SECONDS = 2.0
_API_AFTER_SECONDS = 0.3
"""The server listens first; then the framework of the REST API is loaded beside it."""


class Application:
    """The ASGI application of one process: a lifespan around the stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live through the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._stack is not None:
            await self._stack(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        started = False
        try:
            async with running(self._settings) as stack:
                self._stack = stack
                started = True
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception:
            log.exception("the server could not be %s", "stopped in order" if started else "started")
            await send({"type": f"lifespan.{'shutdown' if started else 'startup'}.failed"})
            return
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[App]:
    """The server's parts, started; stopped in the other order on leaving."""
    audit_rules = LiveRules()
    metrics, pulls, days, uses = Metrics(), PullNotes(), DayNotes(), UseNotes()
    refresh_uses = RefreshTokenUses()
    database = open_database(settings, audit_rules, days)
    storage = await _open(settings)
    tokens = TokenKeys(settings.token_key_folder)
    live = Live(database, Seals(settings.seal_key_folder))
    try:
        await live.start(settings.overwrite)
    except BaseException:
        await database.close()
        raise
    passwords = Passwords()
    audit_rules.items = lambda: live.current
    refusals = WrittenRefusals(database, rules=audit_rules)
    hosts = Hosts(settings.external_url, settings.allowed_hosts, settings.trusted_proxies, port=settings.address[1])
    mirrors = Mirrors(database.read, hosts)
    refused = RefusedPushes(database, Teller(host_of(settings), lambda: live.current))
    outgoing = Outgoing(allowed_networks=settings.outgoing.allowed_networks, proxy=settings.outgoing.proxy)
    provider = Provider(oidc_http := GuardedHttp(outgoing))
    oidc_people = OidcPeople(database, live, provider)
    # CLI secrets are our own, too: they never leave for a directory, and work while it is away.
    backends = (CliSecrets(database.read, passwords, oidc_people, live), Ldap(database, passwords, live))
    login = Login(
        database.read,
        passwords,
        live=live,
        refusals=refusals,
        backends=backends,
        tokens=AccessTokens(database, check_soon=oidc_people.check_soon),
        uses=uses,
    )
    sessions = Sessions(database, redis_url=settings.sessions.redis_url.reveal(), items=lambda: live.current)
    gate = Gate(tokens, login, database.read, refusals=refusals, challenge_basic=settings.registry_auth == "basic")
    shelf = OwnShelf(settings, database, storage, metrics)
    plane = Plane(
        settings, database, storage, gate, metrics, pulls, has_files=shelf.has_files, live=live,
        mirrors=mirrors, refused=refused, proxy_cache=ProxyCache(shelf, pulls, outgoing, live.seals, refused.note),
    )  # fmt: skip
    token_endpoint = TokenEndpoint(
        database, login, tokens, live=live, refusals=refusals, bearers=[login, oidc_people], uses=refresh_uses
    )
    guard = ApiGuard(
        database, login, refusals, sessions, bearers=[login, oidc_people], header=TrustedHeader(database, live, hosts)
    )
    explorer = Explorer()
    health = Health({"core": _nothing, "database": database.check, "registry": storage.check})
    api = ApiPlane(
        guard,
        live,
        {
            "passwords": passwords,
            "login": login,
            "oidc_http": oidc_http,
            "outgoing": outgoing,
            "settings": settings,
            "hosts": hosts,
            "refused": refused,
            "checks": Checks(
                receiver=_check_receiver,
                directory=_try_directory,
                provider=functools.partial(_try_provider, oidc_http),
            ),
            "sign_ups": SignUps(),
            "health": health,
            "findings": Findings(settings, database, live, health),
            "contents": Contents(database, storage),
        },
        page=explorer,
    )
    sign_in = SignIn(
        database, login, sessions, live, guard=guard, oidc=OidcSignIn(database, sessions, live, provider, refusals)
    )
    probes = Probes(database, storage, metrics, gate)
    access_log = AccessLog(text=is_text(settings.log)) if settings.log.access else None
    stack = Stack(
        {
            "v2": Distribution(plane),
            "service": token_endpoint,
            "api": api,
            "c": sign_in,
            "devcenter-api-2.0": explorer.moved,
            "livez": probes.livez,
            "readyz": probes.readyz,
            "metrics": probes.metrics,
        },
        Portal(),
        hosts,
        metrics,
        access_log,
        https_seconds=settings.https_only_seconds,
    )
    background = [
        asyncio.create_task(_write_pulls(pulls, (uses, refresh_uses), database)),
        asyncio.create_task(live.watch()),
        asyncio.create_task(mirrors.watch()),
        asyncio.create_task(keep_counts(database)),
        asyncio.create_task(keep_days(days, database)),
        asyncio.create_task(plane.proxy_cache.live()),
        asyncio.create_task(keep_health(outgoing, database, live.seals)),
    ]
    (exporter := Exporter(database, lambda: live.current)).start()
    asyncio.get_running_loop().call_later(_API_AFTER_SECONDS, api.start)
    try:
        yield stack
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        with contextlib.suppress(Problem):
            await _write_notes(pulls, days, (uses, refresh_uses), database)
            await refusals.close()
            await refused.close()
        await exporter.close()
        if access_log is not None:
            access_log.flush()
        await storage.close()
        await oidc_people.close()
        await passwords.close()
        await sessions.close()
        await database.close()


async def _open(settings: Settings) -> Storage:
    """The storage, also where it is not there yet: it may come; until then /readyz says no, and asks again."""
    storage: Storage = open_storage(settings)
    try:
        await storage.open()
    except Problem as problem:
        log.warning("the storage is not there yet: %s", with_cause(problem))
    return storage


async def _check_receiver(items: Items) -> None:
    """What is tried before the audit log is sent somewhere else."""
    await check_receiver(
        items.audit_log_forward_endpoint,
        tls=items.audit_log_forward_tls,
        ca=items.audit_log_forward_ca_certificate,
    )


async def _try_directory(items: Items) -> str:
    """What keeps people from signing in by LDAP; "": nothing. Whoever saves settings waits for it: 10 s at most."""
    ping = await Directory(msgspec.structs.replace(items, ldap_timeout=min(items.ldap_timeout, 10))).ping()
    return "" if ping.ok else ping.message


async def _try_provider(http: GuardedHttp, items: Items) -> str:
    """What keeps people from signing in through a provider; "": nothing."""
    try:
        await oidc_provider.ping(http, items.oidc_endpoint, oidc_provider.trust_of(items))
    except OidcSettingsInvalid as problem:
        return str(problem)
    return ""


async def _nothing() -> None:
    """The check of ourselves: whoever answers works."""


async def _write_notes(pulls: PullNotes, days: DayNotes, uses: Sequence[UseBatch[Any]], database: Database) -> None:
    """The last ones of this process. Pulls first: when they are written, the days learn of them."""
    await pulls.flush(database)
    await days.flush(database)
    for one in uses:
        await one.flush(database)


async def _write_pulls(pulls: PullNotes, uses: Sequence[UseBatch[Any]], database: Database) -> None:
    while True:
        await asyncio.sleep(_PULLS_EVERY_SECONDS)
        try:
            await pulls.flush(database)
            for one in uses:
                await one.flush(database)
        except Problem as problem:
            log.warning("pulls and uses could not be noted yet: %s", with_cause(problem))


def create_app(settings: Settings) -> Application:
    """The ASGI application for these settings."""
    return Application(settings)
