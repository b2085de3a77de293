"""What the storage suites send and read: bodies that come, break and stall, and whole uploads."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator

from moorage.ids import UploadId
from moorage.oci.digest import Digest, Hasher
from moorage.storage.base import Progress, Storage

PIECE_BYTES = 1024 * 1024
LARGE = random.Random(1).randbytes(3 * PIECE_BYTES + 12_345)


class ClientGone(Exception):
    """What a test's body raises in the middle."""


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """A body that arrives in these pieces."""
    for part in parts:
        yield part
        await asyncio.sleep(0)


async def broken(*parts: bytes) -> AsyncIterator[bytes]:
    """A body that ends with an exception."""
    async for part in pieces(*parts):
        yield part
    raise ClientGone


def cut(data: bytes, size: int) -> list[bytes]:
    """The data in pieces of one size."""
    return [data[offset : offset + size] for offset in range(0, len(data), size)]


async def gather(body: AsyncIterator[bytes]) -> bytes:
    """All of a body, whose pieces are of at most 1 MiB and never empty."""
    got = []
    async for piece in body:
        assert 0 < len(piece) <= PIECE_BYTES
        got.append(piece)
    return b"".join(got)


def new_upload() -> UploadId:
    """An id that nobody used."""
    return UploadId(secrets.token_hex(16))


async def upload_all(storage: Storage, upload: UploadId, *bodies: bytes) -> tuple[Progress, Digest]:
    """An upload with one append per body."""
    progress, hasher = await storage.start(upload), Hasher()
    for body in bodies:
        progress = await storage.append(upload, progress, pieces(body), hasher, takeover=False)
    return progress, hasher.digest()


async def store(storage: Storage, *bodies: bytes) -> str:
    """A finished blob; returns its key."""
    upload = new_upload()
    progress, digest = await upload_all(storage, upload, *bodies)
    key = storage.place(digest, upload, progress, first=True)
    await storage.finish(upload, progress, key)
    return key


async def list_uploads(storage: Storage) -> set[UploadId]:
    """All uploads with bytes."""
    return {upload async for upload in storage.uploads()}
