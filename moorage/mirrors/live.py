"""The mirrors as a serving process knows them: all in memory, and a second old at most."""

import asyncio
import logging
from collections.abc import Mapping

import msgspec

from moorage.db.statements import Query, Reader
from moorage.errors import MirrorUnknown, Problem
from moorage.mirrors.tables import HOST, NS, PORT
from moorage.web.request import Hosts, Request, split_host

WATCH_SECONDS = 1.0

_ALL = Query(
    """SELECT m.kind, m.name, p.name, p.trash_id FROM mirror m JOIN project p ON p.id = m.project_id
ORDER BY m.kind, m.name LIMIT 1000"""
)
_DEFAULT_PORTS = {"https": "443", "http": "80"}

log = logging.getLogger("moorage.mirrors")


class Table(msgspec.Struct, frozen=True):
    """Every mirror. Values are names of projects; empty: the project is in the trash.

    Attributes:
        hosts: by `HOST` or `HOST:PORT`.
        ports: by port.
        names: by what containerd sends as `?ns=`.
    """

    hosts: Mapping[str, str]
    ports: Mapping[str, str]
    names: Mapping[str, str]


class Mirrors:
    """The mirrors of this process. Used from one event loop.

    Attributes:
        idle: there is none at all: then a request need not ask. False until that is known.
    """

    def __init__(self, read: Reader, hosts: Hosts) -> None:
        self.idle = False
        self._read = read
        self._hosts = hosts
        self._table: Table | None = None

    async def load(self) -> Table:
        """Read them anew.

        Raises:
            Unavailable: the database is away.
        """
        found: dict[str, dict[str, str]] = {HOST: {}, PORT: {}, NS: {}}
        rows = await self._read.all(_ALL)
        for kind, name, project, trash_id in rows:
            found[kind][name] = project if trash_id is None else ""
        table = Table(found[HOST], found[PORT], found[NS])
        if table != self._table:
            self._hosts.learn(split_host(name)[0] for name in table.hosts)
            self._table, self.idle = table, not rows
        return table

    async def watch(self) -> None:
        """Keep them current, until cancelled. While the database is away, those from before hold."""
        while True:
            try:
                await self.load()
            except Problem as problem:
                log.warning("the mirrors could not be read; those from before hold: %s", problem)
            await asyncio.sleep(WATCH_SECONDS)

    async def find_project(self, request: Request) -> str | None:
        """The project that a request means without naming it; None: it names its project itself.

        What it names as `?ns=` is more than where it was sent, and a registry that is not mirrored here is never taken
        for another one (docs/develop/mirrors.md).

        Raises:
            MirrorUnknown: it names a registry that is not mirrored here, or whose project is in the trash.
            Unavailable: the mirrors were never read, and cannot be.
        """
        table = self._table or await self.load()
        named = request.field("ns") if b"ns=" in request.query_string else None
        project: str | None
        if named and (project := table.names.get(named.lower())) is not None:
            return _require_live(project, named)
        if named and not self._hosts.is_own(named, request):
            raise MirrorUnknown(
                f"'{named[:255]}' is not mirrored here: an administrator can add a mirror of the kind 'ns' for it."
            )
        host, port = split_host(request.host)
        project = table.hosts.get(request.host.lower())
        if project is None:
            project = table.hosts.get(host)
        if project is None:
            project = table.ports.get(port or _DEFAULT_PORTS.get(request.scheme, ""))
        return None if project is None else _require_live(project, request.host)


def _require_live(project: str, name: str) -> str:
    if not project:
        raise MirrorUnknown(f"The project that '{name[:255]}' leads to is in the trash.")
    return project
