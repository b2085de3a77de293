"""Upload a blob to another registry: mount, whole or in chunks, resumed after a break.

Source: OCI distribution-spec v1.1, "Pushing blobs".
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from moorage.errors import Problem, RemoteBusy, RemoteMisbehaved, RemoteRefused, RemoteUnavailable
from moorage.oci.digest import Digest
from moorage.remotes.http_client import Answer, Incoming
from moorage.remotes.registry_reader import Reading, pulling, pushing
from moorage.remotes.retry_policy import Attempts

SMALL_BYTES = 64 << 10
"""A blob up to this size is sent with the request that opens its upload, where the registry takes it so."""

CHUNK_BYTES = 10 << 20
"""A good size for chunks: what proxies that keep whole bodies in memory or limit them still let through."""

_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,19})")
_LOST = frozenset({400, 404})
"""Statuses by which a registry says that an upload is gone."""
_ASTRAY = _LOST | {416}
"""And by which it says that the upload is not where we think it is, or that the request before still writes to it."""

_GIVE_BACK_SECONDS = 1.0
"""How long a copy that ends may still talk: who stopped it waits."""

_FORGIVEN = 3
"""A registry that loses an upload with every broken connection is sent the blob whole from then on: the more requests
there are, the surer it is that one of them breaks."""

Read = Callable[[int], AsyncIterator[bytes]]
"""Gives the bytes of a blob from an offset on; may be called again."""


JOURNAL_BYTES = 16 << 20
"""A blob that is shorter is not worth a note: it is begun anew."""


class Journal(Protocol):
    """Where uploads are noted that go on, so that who comes after a killed copy finds them."""

    def find(self, digest: Digest) -> str:
        """What was noted of a blob; empty: nothing."""
        ...

    async def note(self, digest: Digest, place: str) -> None:
        """Note where a blob is being put, in words of the target's own."""
        ...


@dataclass(slots=True)
class _Upload:
    """An open upload. `offset`: bytes that the registry has."""

    location: str
    offset: int
    chunk_bytes: int


class Feed:
    """Reads a source once, as far as what is wanted follows what was given; anew where it does not."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._source: AsyncIterator[bytes] | None = None
        self._at = 0
        self._rest = b""
        self.failure: Problem | None = None
        """What the source raised: nobody's fault on the other side, so nothing to try again there."""

    async def take(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to `stop`."""
        if self._source is None or start != self._at:
            await self.close()
            self._source, self._at, self._rest = self._read(start), start, b""
        while self._at < stop:
            piece = self._rest or await self._next()
            given, self._rest = piece[: stop - self._at], piece[stop - self._at :]
            self._at += len(given)
            yield given

    async def _next(self) -> bytes:
        assert self._source is not None  # noqa: S101 - `take` made it
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            self.failure = RemoteMisbehaved("The blob is shorter than it was said to be.")
            raise self.failure from None
        except Problem as problem:
            self.failure = problem
            raise

    async def close(self) -> None:
        """Let go of the source."""
        source, self._source = self._source, None
        if isinstance(source, AsyncGenerator):
            await source.aclose()


async def send_blob(
    client: Reading,
    repository: str,
    digest: Digest,
    size_bytes: int,
    read: Read,
    *,
    mount_from: str = "",
    chunk_bytes: int = 0,
    journal: Journal | None = None,
) -> bool:
    """Put a blob into a repository. True: it was mounted, and nothing was read. Safe to repeat.

    A copy that fails takes its upload back, unless it was noted, so that the next one goes on with it: when there is no
    next one, `cancel_upload`.

    Args:
        client: the registry.
        repository: where to.
        digest: what the registry has to find in the bytes.
        size_bytes: how many they are.
        read: gives them.
        mount_from: another repository of the same registry that may hold it.
        chunk_bytes: how many go into one request; 0: all.
        journal: has the upload that was begun before, if there was one; None: nobody asks.

    Raises:
        RemoteUnavailable, RemoteBusy, RemoteDenied, RemoteRefused, RemoteMisbehaved: as for `Connection`. The same
            upload is gone on with while the registry keeps it, and begun anew when it does not.
        Problem: whatever `read` raises.
    """
    noted = journal if size_bytes >= JOURNAL_BYTES else None
    sending = _Sending(client, repository, digest, size_bytes, Feed(read), chunk_bytes, noted)
    try:
        return await sending.run(mount_from)
    except BaseException:
        await sending.give_back()
        raise
    finally:
        await sending.feed.close()


@dataclass(slots=True)
class _Sending:
    """One blob on its way."""

    client: Reading
    repository: str
    digest: Digest
    size_bytes: int
    feed: Feed
    chunk_bytes: int
    journal: Journal | None = None
    upload: _Upload | None = None
    furthest: int = 0
    noted: str = ""
    """Where the journal says that it is."""
    forgotten: int = 0
    """How often the registry lost an upload that it had bytes of."""

    async def run(self, mount_from: str) -> bool:
        attempts = Attempts(self.client.patience)
        await self._resume()
        while True:
            try:
                if self.upload is None and await self._begin(mount_from):
                    return bool(mount_from)
                while self.upload is not None and self.upload.offset < self.size_bytes:
                    await self._send_chunk(self.upload)
                if self.upload is not None:
                    await self._close(self.upload)
            except (RemoteUnavailable, RemoteBusy, RemoteRefused) as problem:
                status = problem.detail.get("status")
                astray = self.upload is not None and status in _ASTRAY
                if problem is self.feed.failure or (isinstance(problem, RemoteRefused) and not astray):
                    raise
                if self.upload is not None and self.upload.offset > self.furthest:
                    attempts.moved(self.upload.offset - self.furthest)
                    self.furthest = self.upload.offset
                await attempts.wait(problem)
                if await self._look(lost=status in _LOST):
                    return False
            else:
                return False

    async def _begin(self, mount_from: str) -> bool:
        """Open an upload; True: the blob is there already, mounted or sent with it."""
        path, scopes, body = f"{self.client.path(self.repository)}/blobs/uploads/", pushing(self.repository), b""
        if mount_from and mount_from != self.repository:
            path += f"?mount={self.digest}&from={self.client.path(mount_from).removeprefix('/v2/')}"
            scopes += pulling(mount_from)
        elif 0 < self.size_bytes <= SMALL_BYTES and self.client.takes_whole_blobs:
            path += f"?digest={self.digest}"
            body = b"".join([piece async for piece in self.feed.take(0, self.size_bytes)])
        headers = {"content-type": "application/octet-stream"} if body else {}
        answer = await self._open(path, scopes, headers, body)
        if answer.status == 201:
            return True
        if body:
            self.client.takes_whole_blobs = False
        told = answer.headers.get("oci-chunk-min-length", "")
        least = int(told) if told.isdigit() and len(told) < 12 else 0
        chunk = max(self.chunk_bytes, least) if self.chunk_bytes else 0
        self.upload = _Upload(self._location(answer), 0, chunk)
        await self._note(self.upload)
        return False

    async def _open(self, path: str, scopes: Collection[str], headers: Mapping[str, str], body: bytes) -> Answer:
        """Ask for an upload. Who is cancelled meanwhile learns where it is all the same, to take it back."""
        opening = asyncio.ensure_future(self.client.send("POST", path, scopes, headers=headers, body=body))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError, Problem):
                async with asyncio.timeout(_GIVE_BACK_SECONDS):
                    answer = await opening
                    if answer.status != 201:
                        self.upload = _Upload(self._location(answer), 0, 0)
            raise

    async def _resume(self) -> None:
        """Go on with the upload that a copy before this one began, where the registry still has it."""
        place = self.journal.find(self.digest) if self.journal is not None else ""
        if place and self.client.is_own(place):
            self.noted = place
            self.upload = await self._find_again(_Upload(place, 0, self.chunk_bytes))

    async def _note(self, upload: _Upload) -> None:
        if self.journal is not None:
            await self.journal.note(self.digest, upload.location)
            self.noted = upload.location

    def _location(self, answer: Answer | Incoming) -> str:
        location = answer.headers.get("location", "")
        if not location:
            raise RemoteMisbehaved("The other registry does not say where an upload goes.")
        return self.client.resolve(answer, location)

    async def _send_chunk(self, upload: _Upload) -> None:
        start = upload.offset
        stop = min(self.size_bytes, start + upload.chunk_bytes) if upload.chunk_bytes else self.size_bytes
        headers = {"content-type": "application/octet-stream", "content-length": str(stop - start)}
        if start or stop < self.size_bytes:
            headers["content-range"] = f"{start}-{stop - 1}"
        async with self.client.open(
            "PATCH", upload.location, pushing(self.repository), headers=headers, body=self.feed.take(start, stop)
        ) as incoming:
            upload.location = self._location(incoming)
            offset = _read_offset(incoming, stop) or min(stop, 1)
            if not start < offset <= stop:
                raise RemoteMisbehaved("The other registry says that it has other bytes than it was sent.")
            upload.offset = offset
        await self._note(upload)  # some keep in the address how far it is
        if offset < stop:
            raise RemoteUnavailable("The other registry took a part of what it was sent.")

    async def _close(self, upload: _Upload) -> None:
        url = f"{upload.location}{'&' if '?' in upload.location else '?'}digest={self.digest}"
        answer = await self.client.send("PUT", url, pushing(self.repository))
        said = answer.headers.get("docker-content-digest", str(self.digest))
        if said != str(self.digest) and said.startswith(self.digest.algorithm):
            raise RemoteMisbehaved("The other registry stored something else than it was given.")

    async def _look(self, *, lost: bool) -> bool:
        """See where the upload stands after a failure; True: the blob is there, and only the reply was lost."""
        upload = self.upload
        if upload is None:
            return False
        if upload.offset == self.size_bytes and await self.client.find_blob(self.repository, self.digest) is not None:
            return True
        self.upload = None if lost else await self._find_again(upload)
        if self.upload is None:
            self.forgotten += 1
            if self.forgotten >= _FORGIVEN:
                self.chunk_bytes = 0
        return False

    async def _find_again(self, upload: _Upload) -> _Upload | None:
        """The upload as the registry has it now; None when it has it no more."""
        with contextlib.suppress(RemoteUnavailable, RemoteBusy, RemoteRefused, RemoteMisbehaved):
            answer = await self.client.send("GET", upload.location, pushing(self.repository))
            offset = _read_offset(answer, 0)
            if offset <= self.size_bytes:
                return _Upload(self._location(answer), offset, upload.chunk_bytes)
        return None

    async def give_back(self) -> None:
        """Take back an upload that nobody goes on with, so that it reserves nothing there. In a second, or not."""
        if self.upload is None or (self.noted and self.client.is_own(self.noted)):
            return
        with contextlib.suppress(TimeoutError, Problem):
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await cancel_upload(self.client, self.repository, self.upload.location)


async def cancel_upload(client: Reading, repository: str, place: str) -> bool:
    """Take back an upload that will not be finished; whether it was there. The registry forgets it anyway, some day.

    Args:
        client: the registry.
        repository: where the upload goes.
        place: its address, as the registry gave it.

    Raises:
        RemoteUnavailable, RemoteBusy, RemoteDenied, RemoteRefused, RemoteMisbehaved: as for `Connection`.
    """
    answer = await client.send("DELETE", place, pushing(repository), also=(400, 404))
    return answer.status < 400


def _read_offset(answer: Answer | Incoming, otherwise: int) -> int:
    """How many bytes an upload has. `0-0` is how registries say "none", and could mean one: then it is sent again."""
    found = _RANGE.fullmatch(answer.headers.get("range", "").strip())
    if found is None:
        return otherwise
    last = int(found[1])
    return last + 1 if last else 0
