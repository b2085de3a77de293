"""Resolve a tag or digest: from here or from the upstream, and decide when to ask it.

A tag is looked up at the upstream at most once in the time to live, by one process of the machine for all of
them; the answer is a mark in the database, and this process remembers it, so that a warm pull costs nothing more than
that of a hosted tag. When the upstream does not answer, what is here is served as stale.
"""

import asyncio
import logging

import msgspec

from moorage.blobs.blob_integrity import Shelf
from moorage.db.unit_of_work import Work
from moorage.errors import (
    ManifestInvalid,
    ManifestUnknown,
    Problem,
    ProjectFull,
    QuotaExceeded,
    RemoteMisbehaved,
    RemoteUnavailable,
)
from moorage.oci.digest import Digest
from moorage.proxycache import service
from moorage.proxycache.error_messages import tell
from moorage.proxycache.eviction import Evict
from moorage.proxycache.service import PROXY
from moorage.proxycache.singleflight import Turns
from moorage.proxycache.upstream_cache import Remembered
from moorage.proxycache.upstreams import Proxy
from moorage.remotes.registry_reader import RemoteManifest
from moorage.repositories.lookup import FoundManifest

ASK_SECONDS = 10.0
"""How long a look-up may take when there is something to serve without it."""

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


class Lookups:
    """The look-ups of this process. Used from one event loop. Repositories are a name here and one at the upstream."""

    def __init__(self, shelf: Shelf, evict: Evict, turns: Turns, remembered: Remembered) -> None:
        self._shelf = shelf
        self._database = shelf.database
        self._read = shelf.database.read
        self._evict = evict
        self._turns = turns
        self._remembered = remembered

    async def get_tagged(self, proxy: Proxy, path: str, upstream: str, tag: str) -> Served:
        """What a tag leads to.

        Raises:
            ManifestUnknown: neither here nor there.
            RemoteBusy, UpstreamFailed: not here, and the upstream does not give it.
        """
        served = await self._look(proxy, path, tag)
        if served is None:
            turn = self._turns.take(f"tag {proxy.project_id} {path} {tag}")
            async with turn, self._remembered.absent(proxy, path, tag):
                served = await self._look(proxy, path, tag) or await self._ask(proxy, path, upstream, tag)
        return served

    async def get_by_digest(self, proxy: Proxy, path: str, upstream: str, digest: Digest) -> Served:
        """The manifest of a digest.

        Raises:
            ManifestUnknown, RemoteBusy, UpstreamFailed: as `get_tagged`.
        """
        served = await self._find(proxy, path, digest)
        if served is not None:
            return served
        turn = self._turns.take(f"manifest {proxy.project_id} {path} {digest}")
        async with turn, self._remembered.absent(proxy, path, str(digest)):
            served = await self._find(proxy, path, digest)
            if served is not None:
                return served
            self._count("moorage_proxy_manifest_requests_total")
            try:
                got = await proxy.client.get_manifest(upstream, str(digest))
            except Problem as problem:
                raise tell(proxy, problem) from problem
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
            self._remembered.note_tag(found, tag, proxy.tag_seconds - mark.age_seconds)
            return _served(found, path)
        served = await self._find(proxy, path, mark.digest)
        if served is None or (served.found is not None and found is None):
            return None  # somebody took the tag away here: that is how to have it looked up
        return served

    async def _ask(self, proxy: Proxy, path: str, upstream: str, tag: str) -> Served:
        """Ask the upstream where a tag leads; what is here is served where it does not say."""
        here = await self._find_newest(proxy, path, tag)
        if here is not None and self._remembered.is_paused(proxy, path):
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
            await self._database.run(PROXY, _drop, proxy.project_id, path, tag)
            raise ManifestUnknown(repository=path, reference=tag) from None
        except (Problem, TimeoutError) as problem:
            self._remembered.pause(proxy, path, problem)
            if here is None:
                raise tell(proxy, _as_problem(problem)) from problem
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
            self._remembered.note_tag(served.found, tag, proxy.tag_seconds)
        return served

    async def _keep(self, proxy: Proxy, path: str, got: RemoteManifest, tag: str = "") -> Served:
        """Keep what was fetched; it is served also where there is no room for it."""

        async def put() -> None:
            await self._database.run(PROXY, _keep, proxy.project_id, path, got, tag)

        try:
            await self._evict.making_room(proxy, path, tag or str(got.digest), put)
        except ManifestInvalid as problem:
            useless = RemoteMisbehaved(f"The upstream's manifest cannot be kept: {problem}")
            raise tell(proxy, useless) from problem
        except (QuotaExceeded, ProjectFull) as problem:
            log.info("%s@%s was passed on and not kept: %s", path, got.digest, problem)
            return Served(got.digest, got.media_type, got.raw, path)
        served = await self._find(proxy, path, got.digest)
        if served is not None and served.found is not None and tag:
            self._remembered.note_tag(served.found, tag, proxy.tag_seconds)
        return served or Served(got.digest, got.media_type, got.raw, path)

    def _count(self, name: str) -> None:
        self._shelf.metrics.counters[name] += 1


def _served(found: FoundManifest, path: str) -> Served:
    return Served(Digest.from_binary(bytes(found.digest)), found.media_type, bytes(found.bytes), path, found)


def _as_problem(problem: Exception) -> Problem:
    return problem if isinstance(problem, Problem) else RemoteUnavailable("The upstream did not answer in time.")


def _keep(work: Work, project_id: int, path: str, got: RemoteManifest, tag: str) -> None:
    service.keep_manifest(work, service.destination(work, project_id, path), got, tag)


def _drop(work: Work, project_id: int, path: str, tag: str) -> None:
    service.drop_tag(work, service.destination(work, project_id, path), tag)


def _move(work: Work, project_id: int, path: str, tag: str, digest: Digest) -> None:
    if not service.move_tag(work, service.destination(work, project_id, path), tag, digest):
        service.note_mark(work, project_id, path, tag, digest)
