"""The `Storage` protocol: the promises that every driver keeps.

Each sentence of these docstrings has a test in `tests/contracts/test_storage.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from moorage.errors import Problem, StorageFull, StorageUnavailable
from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher


class Stat(msgspec.Struct, frozen=True):
    """What the storage says about a key.

    Attributes:
        size_bytes: the length of the object.
        seal: changes whenever anybody touches the bytes (file system: inode, size, mtime and ctime); None
            where the storage itself vouches for them. A row keeps the seal of the moment the bytes were
            verified; while it still fits, they need not be hashed again before they are served.
    """

    size_bytes: int
    seal: str | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an upload has come: all that another process needs to go on with it. Kept in the upload's row.

    Attributes:
        size_bytes: durable bytes; what lies behind them in the storage is ignored.
        hash_state: the saved state of the hash over exactly these bytes; empty when there is none (no bytes
            yet, or a platform without a resumable hash: then they are read back once).
        driver: the driver's own notes (which temporary file, how many segments); nobody else reads them.
    """

    size_bytes: int = 0
    hash_state: bytes = b""
    driver: str = ""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine with all bytes of a blob, written to by nobody any more.

    Attributes:
        path: its only name.
        descriptor: the one by which it was written: what could not be written since is told to it.
        hasher: has hashed exactly these bytes.
    """

    path: Path
    descriptor: int
    hasher: Hasher


class Storage(Protocol):
    """Keeps bytes under keys.

    Every method may raise `StorageFull` (no space) or `StorageUnavailable` (anything else that is the
    storage's fault), and no other exception of its own but those it names. A key or upload id of a wrong form is
    a mistake of the caller and a ValueError.
    """

    kind: ClassVar[str]
    """The name in the settings: `filesystem`, `s3`, `memory`."""

    async def open(self) -> None:
        """Make ready: create folders, check that a write works. Safe to repeat."""
        ...

    async def close(self) -> None:
        """Give back threads and connections."""
        ...

    async def check(self) -> None:
        """Write, read back and delete a few bytes, durably: what `/readyz` asks."""
        ...

    # -- objects

    async def put(self, key: str, pieces: AsyncIterator[bytes]) -> Stat:
        """Store an object. It appears whole and durable, or not at all; an existing object is replaced whole.

        When `pieces` raises, the exception passes through and an existing object stays as it was.
        """
        ...

    def read(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` (included) to `stop` (excluded; None: to the end), in pieces of at most 1 MiB.

        An object deleted after the first piece can still be read to its end, or the iterator raises
        `StorageUnavailable`; it never ends early in silence.

        Raises:
            BlobDamaged: there is no such object, or it is shorter than `stop`.
        """
        ...

    async def stat(self, key: str) -> Stat | None:
        """Size and seal, or None when there is no such object."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object. Removing what is not there is no error. Other objects are not touched.

        A power cut or a slow object store may bring it back; the collector deletes a key twice for that reason.
        """
        ...

    async def delete_many(self, wanted: Sequence[str]) -> dict[str, Problem]:
        """`delete` each of these keys, one after the other; why, for each that could not be.

        One that fails keeps none of the others. The caller asks for several at once where that is faster.
        """
        ...

    def walk(self) -> AsyncIterator[tuple[str, int]]:
        """All objects (not uploads) as (key, size in bytes), in byte order of the key.

        An object store that lists in another order (SeaweedFS, by folders) shows ordinary objects so, but blobs,
        whose keys are all of one form, in byte order too.
        """
        ...

    # -- serving

    def path(self, key: str) -> Path | None:
        """The file that holds the object, or None when it is no local file. Does not look whether it exists."""
        ...

    async def url(self, key: str, ttl_seconds: int) -> str | None:
        """A signed URL that serves the object for `ttl_seconds`, or None when the storage has no such thing."""
        ...

    # -- uploads

    def place(self, digest: Digest, upload: UploadId, progress: Progress, *, first: bool) -> str:
        """The key that this upload's bytes will have. `first`: no row ever had the digest's first key.

        A file system gives the first incarnation of a blob the place of the distribution registry,
        `docker/registry/v2/blobs/<algorithm>/<xx>/<hex>/data`, and every later one `data.<upload id>`
        beside it. An object store leaves the bytes where they were written, and the key says where that is.

        Ask once and keep the answer in the blob's row: an upload has one place, whoever goes on with it, because
        on an object store two places would share bytes. When `finish` says that the kept key does not fit any
        more (somebody took the upload over after it was placed), the upload has to be given up.
        """
        ...

    async def start(self, upload: UploadId) -> Progress:
        """Make room for an upload. Safe to repeat before the first byte."""
        ...

    async def append(
        self,
        upload: UploadId,
        progress: Progress,
        pieces: AsyncIterator[bytes],
        hasher: Hasher | None,
        *,
        takeover: bool,
    ) -> Progress:
        """Write `pieces` after `progress.size_bytes`, feed them to `hasher`, and return once they are durable.

        Bytes behind `progress.size_bytes` from an attempt that failed are overwritten or cut off. When
        `pieces` raises, the exception passes through and `progress` stays valid. Memory is bounded: at most
        8 MiB per running call, whatever the size and however slow the disk (an object store: 24 MiB).

        Args:
            hasher: stands at `progress.size_bytes`; or at 0: then the bytes before are read back and fed to it
                first; or None when the bytes are to be hashed later. After a failure it is of no use any more.
            takeover: the previous writer may still be alive and writing: nothing that it does from now on
                may reach these bytes (a file system copies them to a new file first).

        Raises:
            UploadUnknown: the bytes before are not there any more; the client has to begin a new upload. An
                object store does not look before `finish`.
        """
        ...

    async def adopt(self, upload: UploadId, file: LocalFile) -> Progress | None:
        """Take a file for the bytes of an upload that has none, and return once they are durable.

        Its path is gone then. None: it cannot be had without a copy, and is where it was. When this fails, nothing of
        the upload is there; the file may be gone.
        """
        ...

    def read_upload(self, upload: UploadId, progress: Progress) -> AsyncIterator[bytes]:
        """The first `progress.size_bytes` of an upload, in pieces of at most 1 MiB.

        Raises:
            UploadUnknown: they are not there any more.
        """
        ...

    async def finish(self, upload: UploadId, progress: Progress, key: str) -> Stat:
        """Make the upload's bytes the object `key` (from `place`), whole and durable, with its directory entry.

        Safe to repeat when the reply was lost, until the object is deleted.

        Raises:
            UploadUnknown: the bytes are not there any more, or the key does not fit what was written since.
        """
        ...

    async def abort(self, upload: UploadId, progress: Progress) -> None:
        """Remove what an upload left, whatever state it is in.

        Safe to repeat, also after `finish`, whose object stays.
        """
        ...

    def uploads(self) -> AsyncIterator[UploadId]:
        """The uploads that have bytes in the storage, in any order; what the sweep compares with rows."""
        ...


async def delete_in_turn(delete: Callable[[str], Awaitable[None]], wanted: Sequence[str]) -> dict[str, Problem]:
    """`Storage.delete_many` of a driver to which many are no cheaper than one after the other."""
    failed: dict[str, Problem] = {}
    for key in wanted:
        try:
            await delete(key)
        except (StorageFull, StorageUnavailable) as problem:
            failed[key] = problem
    return failed
