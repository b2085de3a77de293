"""The proxy caches of a process, and the parts that answer a pull."""

import asyncio

from moorage.access.policy import Entry, Ticket
from moorage.artifacts.pull_log import PullNotes
from moorage.blobs.blob_integrity import Shelf
from moorage.errors import BlobUnknown, ManifestUnknown
from moorage.oci.digest import Digest
from moorage.proxycache.blobs import Blobs, Coming, Wanted
from moorage.proxycache.eviction import Evict, Refused
from moorage.proxycache.inflight_fetches import Arrivals
from moorage.proxycache.pending_manifests import Held
from moorage.proxycache.resolve import Lookups, Served
from moorage.proxycache.singleflight import Turns
from moorage.proxycache.upstream_cache import Remembered
from moorage.proxycache.upstream_lists import Listing
from moorage.proxycache.upstreams import Proxies
from moorage.remotes.http_client import Outgoing
from moorage.remotes.registry_reader import Referrer
from moorage.repositories.lookup import FoundBlob, FoundManifest
from moorage.secret_encryption import Seals

_WHOLE_EVERY_SECONDS = 2.0


class ProxyCache:
    """The proxies of this process. Used from one event loop."""

    def __init__(self, shelf: Shelf, pulls: PullNotes, outgoing: Outgoing, seals: Seals, refused: Refused) -> None:
        self._proxies = Proxies(shelf.settings, shelf.database, outgoing, seals)
        self._arrivals = Arrivals(shelf.settings.arrivals_folder)
        self._remembered = Remembered()
        evict = Evict(shelf.database, refused)
        self._lookups = Lookups(shelf, evict, Turns(self._arrivals), self._remembered)
        self._held = Held(shelf.database, pulls, self._fetch)
        self._blobs = Blobs(shelf, self._arrivals, evict, self._held.on_blob)
        self._listing = Listing()

    async def live(self) -> None:
        """Now and then fetch what clients left out, and note what was pulled; at the end, close what is open."""
        self._arrivals.sweep()
        try:
            while True:
                await asyncio.sleep(_WHOLE_EVERY_SECONDS)
                await self._held.keep_whole()
        finally:
            await self._blobs.close()
            await self._proxies.close()
            await self._arrivals.close()

    # -- manifests ------------------------------------------------------------------------------------------

    def is_fresh(self, found: FoundManifest, tag: str) -> bool:
        """Whether the upstream need not be asked where a tag leads. Costs no statement."""
        return self._remembered.is_fresh(found, tag)

    async def get_tagged(self, entry: Entry, name: str, tag: str) -> Served:
        """What a tag leads to.

        Raises:
            ManifestUnknown: neither here nor there.
            RemoteBusy, UpstreamFailed: not here, and the upstream does not give it.
        """
        proxy = await self._proxies.get(entry.project_id)
        path, upstream = proxy.place(name)
        return await self._lookups.get_tagged(proxy, path, upstream, tag)

    async def get_by_digest(self, entry: Entry, name: str, digest: Digest) -> Served:
        """The manifest of a digest.

        Raises:
            ManifestUnknown, RemoteBusy, UpstreamFailed: as `get_tagged`.
        """
        proxy = await self._proxies.get(entry.project_id)
        path, upstream = proxy.place(name)
        return await self._lookups.get_by_digest(proxy, path, upstream, digest)

    def note_pull(self, ticket: Ticket, entry: Entry, served: Served, *, reference: str, address: str) -> None:
        """Note that a manifest was pulled; of one that is held, once it is an artifact."""
        self._held.note_pull(ticket, entry, served, reference=reference, address=address)

    # -- blobs ----------------------------------------------------------------------------------------------

    async def open_blob(self, entry: Entry, name: str, digest: Digest) -> FoundBlob | Coming:
        """A blob that is here, or comes now.

        Raises:
            BlobUnknown, RemoteBusy, UpstreamFailed: as `Blobs.open`.
        """
        wanted = await self._wanted(entry, name, digest)
        self._held.use(wanted)
        return await self._blobs.open(wanted)

    async def find_blob_size(self, entry: Entry, name: str, digest: Digest) -> int:
        """How many bytes a blob has.

        Raises:
            BlobUnknown, RemoteBusy, UpstreamFailed: as `Blobs.open`.
        """
        wanted = await self._wanted(entry, name, digest)
        return await self._blobs.find_size(wanted)

    async def _wanted(self, entry: Entry, name: str, digest: Digest) -> Wanted:
        proxy = await self._proxies.get(entry.project_id)
        try:
            path, upstream = proxy.place(name)
        except ManifestUnknown as problem:
            raise BlobUnknown(str(problem), repository=name, digest=str(digest)) from None
        return Wanted(proxy, path, upstream, digest)

    async def _fetch(self, project_id: int, path: str, digest: Digest) -> None:
        proxy = await self._proxies.get(project_id)
        _, upstream = proxy.place(path)
        await self._blobs.fetch(Wanted(proxy, path, upstream, digest))

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
