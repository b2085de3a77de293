"""Manifests of proxies: what is here, what the upstream has, and when to ask it.

A tag is looked up at the upstream at most once in the time to live, by one process of the machine for all of
them; the answer is a mark in the database, and this process remembers it, so that a warm pull costs nothing more than
that of a hosted tag. When the upstream does not answer, what is here is served as stale.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple

import msgspec

from moorage.access.policy import Entry, Ticket
from moorage.artifacts.pull import FoundBlob, FoundManifest
from moorage.artifacts.pulled import PullNotes
from moorage.artifacts.stored import Shelf
from moorage.db.work import Work
from moorage.errors import (
    BlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    Problem,
    ProjectFull,
    QuotaExceeded,
    RemoteBusy,
    RemoteMisbehaved,
    RemoteUnavailable,
)
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest
from moorage.proxycache import service
from moorage.proxycache.arrivals import Arrivals
from moorage.proxycache.blobs import Blobs, Coming, Wanted
from moorage.proxycache.evict import Evict
from moorage.proxycache.explain import explain
from moorage.proxycache.listing import Listing
from moorage.proxycache.proxies import Proxies, Proxy
from moorage.proxycache.service import PROXY
from moorage.remotes.http import Outgoing
from moorage.remotes.patience import read_retry_after
from moorage.remotes.reading import Referrer, RemoteManifest
from moorage.sealing import Seals

ASK_SECONDS = 10.0
"""How long a look-up may take when there is something to serve without it."""
_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 60.0
"""How long an upstream that failed is not asked about what is here."""
_NOWHERE_SECONDS = 2.0
_WHOLE_EVERY_SECONDS = 2.0
_QUIET_SECONDS = 5.0
"""How long nothing of a repository was pulled before what is missing is fetched."""
_FORGET_SECONDS = 3_600.0
_MARKS = 100_000
_WAITING = 10_000

log = logging.getLogger("moorage.proxycache")


class Served(msgspec.Struct, frozen=True):
    """A manifest to serve.

    Attributes:
        path: of the repository that keeps it.
        found: the artifact; None while its blobs are not all here.
        stale: the upstream could not be asked whether it is still this one.
    """

    digest: Digest
    media_type: str
    raw: bytes
    path: str
    found: FoundManifest | None = None
    stale: bool = False


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


class _Known(msgspec.Struct, frozen=True):
    """What this process remembers of a tag: where it led, and until when that holds (monotonic seconds)."""

    digest: bytes
    until: float


class ProxyCache:
    """The proxies of this process. Used from one event loop."""

    def __init__(self, shelf: Shelf, pulls: PullNotes, outgoing: Outgoing, seals: Seals) -> None:
        self._shelf = shelf
        self._database = shelf.database
        self._read = shelf.database.read
        self._pulls = pulls
        self._proxies = Proxies(shelf.settings, shelf.database, outgoing, seals)
        self._arrivals = Arrivals(shelf.settings.arrivals_folder)
        self._evict = Evict(shelf.database)
        self._blobs = Blobs(shelf, self._arrivals, self._evict, self._on_blob)
        self._known: OrderedDict[tuple[int, str], _Known] = OrderedDict()
        self._turns: dict[str, tuple[asyncio.Lock, list[None]]] = {}
        self._listing = Listing()
        self._nowhere: dict[tuple[int, str, str], float] = {}
        self._paused: dict[object, float] = {}
        self._waiting: dict[tuple[int, str, Digest], _Waiting] = {}

    async def live(self) -> None:
        """Now and then fetch what clients left out, and note what was pulled; at the end, close what is open."""
        self._arrivals.sweep()
        try:
            while True:
                await asyncio.sleep(_WHOLE_EVERY_SECONDS)
                await self._keep_whole()
        finally:
            await self._blobs.close()
            await self._proxies.close()
            await self._arrivals.close()

    # -- manifests ------------------------------------------------------------------------------------------

    def is_fresh(self, found: FoundManifest, tag: str) -> bool:
        """Whether the upstream need not be asked where a tag leads. Costs no statement."""
        known = self._known.get((found.repository_id, tag))
        return known is not None and known.digest == found.digest and known.until > monotonic()

    async def get_tagged(self, entry: Entry, name: str, tag: str) -> Served:
        """What a tag leads to.

        Raises:
            ManifestUnknown: neither here nor there.
            RemoteBusy, UpstreamFailed: not here, and the upstream does not give it.
        """
        proxy = await self._proxies.get(entry.project_id)
        path, upstream = proxy.place(name)
        served = await self._look(proxy, path, tag)
        if served is None:
            async with self._turn(f"tag {proxy.project_id} {path} {tag}"), self._absent(proxy, path, tag):
                served = await self._look(proxy, path, tag) or await self._ask(proxy, path, upstream, tag)
        return served

    async def get_by_digest(self, entry: Entry, name: str, digest: Digest) -> Served:
        """The manifest of a digest.

        Raises:
            ManifestUnknown, RemoteBusy, UpstreamFailed: as `get_tagged`.
        """
        proxy = await self._proxies.get(entry.project_id)
        path, upstream = proxy.place(name)
        served = await self._find(proxy, path, digest)
        if served is not None:
            return served
        turn = self._turn(f"manifest {proxy.project_id} {path} {digest}")
        async with turn, self._absent(proxy, path, str(digest)):
            served = await self._find(proxy, path, digest)
            if served is not None:
                return served
            self._count("moorage_proxy_manifest_requests_total")
            try:
                got = await proxy.client.get_manifest(upstream, str(digest))
            except Problem as problem:
                raise self._told(proxy, problem) from problem
            return await self._keep(proxy, path, got)

    async def _look(self, proxy: Proxy, path: str, tag: str) -> Served | None:
        """What a tag leads to by what the upstream said lately; None: it has to be asked."""
        mark = await service.find_mark(self._read, proxy.project_id, path, tag)
        if mark is None or mark.age_seconds >= proxy.tag_seconds:
            return None
        if mark.digest is None:
            raise ManifestUnknown(repository=path, reference=tag)
        found = await service.find_tagged(self._read, proxy.project_id, path, tag)
        if found is not None and found.digest == mark.digest.binary:
            self._remember(found, tag, proxy.tag_seconds - mark.age_seconds)
            return _served(found, path)
        served = await self._find(proxy, path, mark.digest)
        if served is None or (served.found is not None and found is None):
            return None  # somebody took the tag away here: that is how to have it looked up
        return served

    async def _ask(self, proxy: Proxy, path: str, upstream: str, tag: str) -> Served:
        """Ask the upstream where a tag leads; what is here is served where it does not say."""
        here = await self._find_newest(proxy, path, tag)
        if here is not None and self._is_paused(proxy, path):
            return msgspec.structs.replace(here, stale=True)
        self._count("moorage_proxy_manifest_requests_total")
        try:
            async with asyncio.timeout(None if here is None else ASK_SECONDS):
                if here is None:
                    got = await proxy.client.get_manifest(upstream, tag)
                else:
                    digest = await proxy.client.find_manifest(upstream, tag)
                    if digest is None:
                        raise ManifestUnknown(repository=path, reference=tag)  # noqa: TRY301 - the same as below
                    if digest == here.digest:
                        return await self._mark(proxy, path, tag, here)
                    kept = await self._find(proxy, path, digest)
                    if kept is not None:
                        return await self._mark(proxy, path, tag, kept)
                    got = await proxy.client.get_manifest(upstream, str(digest))
        except ManifestUnknown:
            if here is None:
                raise ManifestUnknown(repository=path, reference=tag) from None
            if proxy.keeps_gone:
                return await self._mark(proxy, path, tag, here)
            await self._database.run(PROXY, service.note_mark, proxy.project_id, path, tag, None)
            raise ManifestUnknown(repository=path, reference=tag) from None
        except (Problem, TimeoutError) as problem:
            self._pause(proxy, path, problem)
            if here is None:
                raise self._told(proxy, _as_problem(problem)) from problem
            log.warning("%s:%s is served as it was: %s", path, tag, _as_problem(problem))
            self._count("moorage_proxy_stale_total")
            return msgspec.structs.replace(here, stale=True)
        return await self._keep(proxy, path, got, tag)

    async def _find(self, proxy: Proxy, path: str, digest: Digest) -> Served | None:
        """The manifest of a digest, if it is here."""
        found = await service.find_kept(self._read, proxy.project_id, path, digest)
        if found is not None:
            return _served(found, path)
        held = await service.find_held(self._read, proxy.project_id, path, digest)
        return None if held is None else Served(held.digest, held.media_type, held.raw, path)

    async def _find_newest(self, proxy: Proxy, path: str, tag: str) -> Served | None:
        """What is here of a tag: where it led last, else the artifact that has it; nothing of one that was gone."""
        mark = await service.find_mark(self._read, proxy.project_id, path, tag)
        if mark is not None and mark.digest is None and not proxy.keeps_gone:
            return None
        if mark is not None and mark.digest is not None:
            served = await self._find(proxy, path, mark.digest)
            if served is not None:
                return served
        found = await service.find_tagged(self._read, proxy.project_id, path, tag)
        return None if found is None else _served(found, path)

    # -- keeping --------------------------------------------------------------------------------------------

    async def _mark(self, proxy: Proxy, path: str, tag: str, served: Served) -> Served:
        """Note that a tag leads to what is here."""
        await self._database.run(PROXY, _move, proxy.project_id, path, tag, served.digest)
        if served.found is not None:
            self._remember(served.found, tag, proxy.tag_seconds)
        return served

    async def _keep(self, proxy: Proxy, path: str, got: RemoteManifest, tag: str = "") -> Served:
        """Keep what was fetched; it is served also where there is no room for it."""

        async def put() -> None:
            await self._database.run(PROXY, _keep, proxy.project_id, path, got, tag)

        try:
            await self._evict.making_room(proxy, put)
        except ManifestInvalid as problem:
            useless = RemoteMisbehaved(f"The upstream's manifest cannot be kept: {problem}")
            raise self._told(proxy, useless) from problem
        except (QuotaExceeded, ProjectFull) as problem:
            log.info("%s@%s was passed on and not kept: %s", path, got.digest, problem)
            return Served(got.digest, got.media_type, got.raw, path)
        served = await self._find(proxy, path, got.digest)
        if served is not None and served.found is not None and tag:
            self._remember(served.found, tag, proxy.tag_seconds)
        return served or Served(got.digest, got.media_type, got.raw, path)

    async def _on_blob(self, proxy: Proxy, path: str, digest: Digest) -> None:
        """A blob is here: what was held for it may be whole now."""
        sought = str(digest).encode("ascii")
        for held in await service.list_held(self._read, proxy.project_id, path):
            if sought in held.raw:
                with contextlib.suppress(Problem):
                    await self._promote(proxy, path, held.digest)

    async def _promote(self, proxy: Proxy, path: str, digest: Digest) -> None:
        await self._database.run(PROXY, _promote, proxy.project_id, path, digest)

    # -- blobs ----------------------------------------------------------------------------------------------

    async def open_blob(self, entry: Entry, name: str, digest: Digest) -> FoundBlob | Coming:
        """A blob that is here, or comes now.

        Raises:
            BlobUnknown, RemoteBusy, UpstreamFailed: as `Blobs.open`.
        """
        wanted = await self._wanted(entry, name, digest)
        self._used(wanted)
        return await self._blobs.open(wanted)

    async def find_blob_size(self, entry: Entry, name: str, digest: Digest) -> int:
        """How many bytes a blob has.

        Raises:
            BlobUnknown, RemoteBusy, UpstreamFailed: as `Blobs.open`.
        """
        wanted = await self._wanted(entry, name, digest)
        found = await self._blobs.find(wanted)
        if found is not None:
            return found.size_bytes
        try:
            size = await wanted.proxy.client.find_blob(wanted.upstream, digest)
        except Problem as problem:
            raise self._told(wanted.proxy, problem) from problem
        if size is None or size < 0:
            raise BlobUnknown(repository=name, digest=str(digest))
        return size

    async def _wanted(self, entry: Entry, name: str, digest: Digest) -> Wanted:
        proxy = await self._proxies.get(entry.project_id)
        try:
            path, upstream = proxy.place(name)
        except ManifestUnknown as problem:
            raise BlobUnknown(str(problem), repository=name, digest=str(digest)) from None
        return Wanted(proxy, path, upstream, digest)

    # -- lists ----------------------------------------------------------------------------------------------

    async def list_tags(self, entry: Entry, name: str) -> tuple[str, list[str] | None]:
        """Where a repository is kept here, and its tags at the upstream; None: that names none.

        Raises:
            ManifestUnknown: the project's filter leaves it out.
        """
        proxy = await self._proxies.get(entry.project_id)
        path, upstream = proxy.place(name)
        return path, await self._listing.list_tags(proxy, path, upstream)

    async def list_referrers(self, entry: Entry, name: str, subject: Digest) -> list[Referrer]:
        """What refers to a manifest at the upstream, where the project asks for it."""
        proxy = await self._proxies.get(entry.project_id)
        try:
            path, upstream = proxy.place(name)
        except ManifestUnknown:
            return []
        return await self._listing.list_referrers(proxy, path, upstream, subject)

    # -- pulls ----------------------------------------------------------------------------------------------

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

    async def _keep_whole(self) -> None:
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
                await self._complete(await self._proxies.get(project_id), path, held)

    async def _complete(self, proxy: Proxy, path: str, held: RemoteManifest) -> None:
        """Fetch what a held manifest lacks."""
        _, upstream = proxy.place(path)
        for entry in manifests.parse(held.raw, held.media_type).blobs:
            await self._blobs.fetch(Wanted(proxy, path, upstream, entry.digest))
        await self._promote(proxy, path, held.digest)

    def _used(self, wanted: Wanted) -> None:
        """Note that somebody pulls blobs of a repository: what is held there is pulled in earnest."""
        for key, waiting in self._waiting.items():
            if key[:2] == (wanted.proxy.project_id, wanted.path):
                waiting.used, waiting.seen_at = True, monotonic()

    @contextlib.asynccontextmanager
    async def _absent(self, proxy: Proxy, path: str, reference: str) -> AsyncIterator[None]:
        """Remember for a moment what is neither here nor there: those who wait for their turn need not ask again.

        Raises:
            ManifestUnknown: it was so a moment ago.
        """
        key, now = (proxy.project_id, path, reference), monotonic()
        if self._nowhere.get(key, 0.0) > now:
            raise ManifestUnknown(repository=path, reference=reference)
        try:
            yield
        except ManifestUnknown:
            if len(self._nowhere) >= _WAITING:
                self._nowhere.clear()
            self._nowhere[key] = monotonic() + min(_NOWHERE_SECONDS, proxy.tag_seconds)
            raise

    # -- what is remembered ---------------------------------------------------------------------------------

    def _remember(self, found: FoundManifest, tag: str, seconds: float) -> None:
        key = (found.repository_id, tag)
        self._known[key] = _Known(found.digest, monotonic() + seconds)
        self._known.move_to_end(key)
        if len(self._known) > _MARKS:
            self._known.popitem(last=False)

    def _pause(self, proxy: Proxy, path: str, problem: Exception) -> None:
        """Leave an upstream that failed alone for a while: all of it where it is busy or away, else this repository."""
        told = read_retry_after(problem.headers) if isinstance(problem, Problem) else None
        seconds = min(_LONGEST_PAUSE_SECONDS, max(_PAUSE_SECONDS, told or 0.0))
        everything = isinstance(problem, RemoteUnavailable | RemoteBusy | TimeoutError)
        if len(self._paused) > _WAITING:
            self._paused.clear()
        self._paused[proxy.project_id if everything else path] = monotonic() + seconds

    def _is_paused(self, proxy: Proxy, path: str) -> bool:
        now = monotonic()
        return any(self._paused.get(key, 0.0) > now for key in (proxy.project_id, path))

    def _told(self, proxy: Proxy, problem: Problem) -> Problem:
        told = explain(proxy, problem)
        if told.status >= 500:
            log.warning("%s: %s", proxy.registry, problem)
        return told

    def _count(self, name: str) -> None:
        self._shelf.metrics.counters[name] += 1

    @contextlib.asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """Be the only one of this machine who does what `key` names."""
        lock, users = self._turns.setdefault(key, (asyncio.Lock(), []))
        users.append(None)
        try:
            async with lock, self._arrivals.turn(key):
                yield
        finally:
            users.pop()
            if not users:
                self._turns.pop(key, None)


def _served(found: FoundManifest, path: str) -> Served:
    return Served(Digest.from_binary(bytes(found.digest)), found.media_type, bytes(found.bytes), path, found)


def _as_problem(problem: Exception) -> Problem:
    return problem if isinstance(problem, Problem) else RemoteUnavailable("The upstream did not answer in time.")


def _keep(work: Work, project_id: int, path: str, got: RemoteManifest, tag: str) -> None:
    service.keep_manifest(work, service.destination(work, project_id, path), got, tag)


def _move(work: Work, project_id: int, path: str, tag: str, digest: Digest) -> None:
    if not service.move_tag(work, service.destination(work, project_id, path), tag, digest):
        service.note_mark(work, project_id, path, tag, digest)


def _promote(work: Work, project_id: int, path: str, digest: Digest) -> None:
    service.promote(work, service.destination(work, project_id, path), digest)
