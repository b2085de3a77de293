"""Pending manifests, which become artifacts once their blobs have arrived."""

import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

from moorage.access.policy import Entry, Ticket
from moorage.artifacts.pull_log import PullNotes
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.proxycache import service
from moorage.proxycache.blobs import Wanted
from moorage.proxycache.resolve import Served
from moorage.proxycache.service import PROXY
from moorage.proxycache.upstreams import Proxy
from moorage.remotes.registry_reader import RemoteManifest
from moorage.repositories.lookup import FoundManifest

_QUIET_SECONDS = 5.0
"""How long nothing of a repository was pulled before what is missing is fetched."""
_FORGET_SECONDS = 3_600.0
_WAITING = 10_000

log = logging.getLogger("moorage.proxycache")

Fetch = Callable[[int, str, Digest], Awaitable[None]]
"""Has a blob stored: of a project, for a repository."""


class _Pulled(NamedTuple):
    """A pull of a manifest."""

    ticket: Ticket
    entry: Entry
    reference: str
    address: str


@dataclass(slots=True)
class _Waiting:
    """Pulls of a manifest that is no artifact yet. `used`: its blobs are pulled, too. `tried`: the rest was fetched."""

    pulls: list[_Pulled]
    seen_at: float
    used: bool = False
    tried: bool = False


class Held:
    """What this process serves and holds. Used from one event loop."""

    def __init__(self, database: Database, pulls: PullNotes, fetch: Fetch) -> None:
        self._database = database
        self._read = database.read
        self._pulls = pulls
        self._fetch = fetch
        self._waiting: dict[tuple[int, str, Digest], _Waiting] = {}

    def note_pull(self, ticket: Ticket, entry: Entry, served: Served, *, reference: str, address: str) -> None:
        """Note that a manifest was pulled; of one that is held, once it is an artifact."""
        note = _Pulled(ticket, entry, reference, address)
        if served.found is not None:
            self._note(note, served.found, served.path)
            return
        key = (entry.project_id, served.path, served.digest)
        notes = self._waiting.setdefault(key, _Waiting([], monotonic()))
        notes.seen_at = monotonic()
        if len(notes.pulls) < _WAITING and len(self._waiting) < _WAITING:
            notes.pulls.append(note)

    def _note(self, note: "_Pulled", found: FoundManifest, path: str) -> None:
        self._pulls.note(
            note.ticket, note.entry, found, repository=path, reference=note.reference, address=note.address
        )

    async def keep_whole(self) -> None:
        """Note the pulls of what is an artifact by now, and have fetched what clients left out of what is none."""
        for key, waiting in list(self._waiting.items()):
            try:
                await self._settle(key, waiting)
            except Problem as problem:
                log.warning("what was pulled of %s could not be noted yet: %s", key[1], problem)

    async def _settle(self, key: tuple[int, str, Digest], waiting: "_Waiting") -> None:
        project_id, path, digest = key
        found = await service.find_kept(self._read, project_id, path, digest)
        if found is not None:
            self._waiting.pop(key, None)
            for note in waiting.pulls:
                self._note(note, found, path)
            return
        quiet = monotonic() - waiting.seen_at
        if quiet > _FORGET_SECONDS:
            self._waiting.pop(key, None)
        elif quiet > _QUIET_SECONDS and waiting.used and not waiting.tried:
            waiting.tried = True
            held = await service.find_held(self._read, project_id, path, digest)
            if held is not None:
                await self._complete(project_id, path, held)

    async def _complete(self, project_id: int, path: str, held: RemoteManifest) -> None:
        """Fetch what a held manifest lacks."""
        for entry in manifests.parse(held.raw, held.media_type).blobs:
            await self._fetch(project_id, path, entry.digest)
        await self._promote(project_id, path, held.digest)

    def use(self, wanted: Wanted) -> None:
        """Note that somebody pulls blobs of a repository: what is held there is pulled in earnest."""
        for key, waiting in self._waiting.items():
            if key[:2] == (wanted.proxy.project_id, wanted.path):
                waiting.used, waiting.seen_at = True, monotonic()

    async def on_blob(self, proxy: Proxy, path: str, digest: Digest) -> None:
        """A blob is here: what was held for it may be whole now."""
        sought = str(digest).encode("ascii")
        for held in await service.list_held(self._read, proxy.project_id, path):
            if sought in held.raw:
                with contextlib.suppress(Problem):
                    await self._promote(proxy.project_id, path, held.digest)

    async def _promote(self, project_id: int, path: str, digest: Digest) -> None:
        await self._database.run(PROXY, _promote, project_id, path, digest)


def _promote(work: Work, project_id: int, path: str, digest: Digest) -> None:
    service.promote(work, service.destination(work, project_id, path), digest)
