"""What this server can do, and what is wrong with it: for pages that offer only what is there."""

import socket
from typing import Literal

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from moorage import __version__
from moorage.access.operations import operation
from moorage.access.required_permission import PUBLIC, system
from moorage.configuration.cached_settings import Live
from moorage.system import doctor
from moorage.system.capabilities import Built, list_capabilities
from moorage.system.diagnostics import Findings

State = Literal["ok", "warning", "error"]


class Capabilities(msgspec.Struct):
    """What this server can do."""

    capabilities: dict[str, bool]
    """By name: trash, tag_history, immutability, replication, scanning, mirror, preheat, retention, webhooks, …"""
    sign_in: list[str]
    """Where people come from: `local`, `ldap`, `oidc`, `header`, in the order in which they are asked."""
    read_only: bool
    """Whether every change is refused now."""


class Finding(msgspec.Struct):
    """One thing that was looked at."""

    code: str
    """Which thing is wrong: `DISK_NEARLY_FULL`; empty where all is well."""
    state: State
    area: str
    """settings, permissions, keys, database, storage, port, certificate, machine, sign-in, audit, clock, jobs,
    registries."""
    where: str
    """The file, the setting or the part."""
    text: str
    mend: str
    """What to do about it; empty where all is well."""
    kind: str
    """What was found, also where all is well: the code, or a name such as `STORAGE_WRITABLE`."""
    facts: dict[str, str | int | list[str]]
    """What `text` names beside `where`, for other languages: `_at` is a time (RFC 3339), `_bytes` a size."""


class Diagnosis(msgspec.Struct):
    """What was found, errors first."""

    state: State
    """The worst of all findings."""
    host: str
    """The machine that answered: another replica may find other things."""
    version: str
    findings: list[Finding]


@operation("GET", "/capabilities", id="getCapabilities", tag="systeminfo", needs=PUBLIC, ours=True)
async def get_capabilities(built: NamedDependency[Built], live: NamedDependency[Live]) -> Response[Capabilities]:
    """What this server can do; what is false has its place in the contract and answers 501."""
    items = await live.items()
    return Response(Capabilities(list_capabilities(built), list(items.auth_sources), items.read_only))


@operation("GET", "/health/findings", id="listFindings", tag="health", needs=system("configuration:read"), ours=True)
async def list_findings(findings: NamedDependency[Findings]) -> Response[Diagnosis]:
    """What is wrong with the server, each with its mend, as `moorage check` says it, and what only a running one knows.

    Looked at every 10 s at most.
    """
    found = await findings.list_findings()
    worst: State = "ok"
    for state in ("error", "warning"):
        if worst == "ok" and any(one.state == state for one in found):
            worst = state
    return Response(
        Diagnosis(
            worst,
            socket.gethostname(),
            __version__,
            [_shown(one) for one in found],
        )
    )


def _shown(found: doctor.Finding) -> Finding:
    facts = {name: one if isinstance(one, str | int) else list(one) for name, one in found.facts.items()}
    kind = found.kind or found.code
    return Finding(found.code, _state(found.state), found.area, found.where, found.text, found.mend, kind, facts)


def _state(text: str) -> State:
    return "error" if text == "error" else "warning" if text == "warning" else "ok"


ROUTES = (get_capabilities, list_findings)
