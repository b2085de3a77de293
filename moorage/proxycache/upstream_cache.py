"""Cache of upstream answers in one process; all of it can be lost."""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from time import monotonic

import msgspec

from moorage.errors import ManifestUnknown, Problem, RemoteBusy, RemoteUnavailable
from moorage.proxycache.upstreams import Proxy
from moorage.remotes.retry_policy import read_retry_after
from moorage.repositories.lookup import FoundManifest

_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 60.0
"""How long an upstream that failed is not asked about what is here."""
_NOWHERE_SECONDS = 2.0
_MARKS = 100_000
_NOTES = 10_000


class _Known(msgspec.Struct, frozen=True):
    """What this process remembers of a tag: where it led, and until when that holds (monotonic seconds)."""

    digest: bytes
    until: float


class Remembered:
    """Where tags led, what was nowhere, and which upstreams are left alone. Used from one event loop."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, str], _Known] = OrderedDict()
        self._nowhere: dict[tuple[int, str, str], float] = {}
        self._paused: dict[object, float] = {}

    def is_fresh(self, found: FoundManifest, tag: str) -> bool:
        """Whether the upstream said lately that a tag leads to this artifact."""
        known = self._known.get((found.repository_id, tag))
        return known is not None and known.digest == found.digest and known.until > monotonic()

    def note_tag(self, found: FoundManifest, tag: str, seconds: float) -> None:
        """Note that a tag leads to an artifact, for so long."""
        key = (found.repository_id, tag)
        self._known[key] = _Known(found.digest, monotonic() + seconds)
        self._known.move_to_end(key)
        if len(self._known) > _MARKS:
            self._known.popitem(last=False)

    def pause(self, proxy: Proxy, path: str, problem: Exception) -> None:
        """Leave an upstream that failed alone for a while: all of it where it is busy or away, else this repository."""
        told = read_retry_after(problem.headers) if isinstance(problem, Problem) else None
        seconds = min(_LONGEST_PAUSE_SECONDS, max(_PAUSE_SECONDS, told or 0.0))
        everything = isinstance(problem, RemoteUnavailable | RemoteBusy | TimeoutError)
        if len(self._paused) > _NOTES:
            self._paused.clear()
        self._paused[proxy.project_id if everything else path] = monotonic() + seconds

    def is_paused(self, proxy: Proxy, path: str) -> bool:
        """Whether an upstream is to be left alone."""
        now = monotonic()
        return any(self._paused.get(key, 0.0) > now for key in (proxy.project_id, path))

    @contextlib.asynccontextmanager
    async def absent(self, proxy: Proxy, path: str, reference: str) -> AsyncIterator[None]:
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
            if len(self._nowhere) >= _NOTES:
                self._nowhere.clear()
            self._nowhere[key] = monotonic() + min(_NOWHERE_SECONDS, proxy.tag_seconds)
            raise
