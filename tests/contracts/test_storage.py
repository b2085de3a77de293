"""Our storage drivers keep the promises of the protocol."""

import asyncio
import resource
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from moorage import settings
from moorage.oci.digest import Hasher
from moorage.settings import Settings
from moorage.storage.base import Storage
from moorage.storage.drivers import open_storage
from moorage.storage.filesystem import Filesystem
from moorage.storage.memory import Memory
from moorage.storage.s3 import S3
from moorage.testing.bodies import LARGE, gather, list_uploads, new_upload, store
from moorage.testing.storage import StorageContract
from tests.parts.seaweedfs import SeaweedFS


class TestMemory(StorageContract):
    """Memory."""

    @pytest.fixture
    async def storage(self) -> AsyncIterator[Storage]:
        driver = Memory()
        await driver.open()
        yield driver
        await driver.close()


class TestFilesystem(StorageContract):
    """Files."""

    @pytest.fixture
    async def storage(self, tmp_path: Path) -> AsyncIterator[Storage]:
        driver = Filesystem(tmp_path / "storage")
        await driver.open()
        yield driver
        await driver.close()

    @pytest.fixture
    async def another(self, tmp_path: Path) -> AsyncIterator[Storage]:
        driver = Filesystem(tmp_path / "storage")
        yield driver
        await driver.close()


@pytest.fixture(scope="session")
def shared(seaweedfs: SeaweedFS) -> str:
    """One bucket for all tests: each takes volumes of the store, which has few."""
    return seaweedfs.make_bucket("storage")


@pytest.mark.part("seaweedfs")
class TestS3(StorageContract):
    """An S3 store, with parts and segments small enough to have several of each."""

    @pytest.fixture
    def bucket(self, seaweedfs: SeaweedFS, shared: str) -> settings.S3:
        return settings.S3(
            bucket=shared,
            endpoint=seaweedfs.endpoint,
            access_key=settings.Secret(seaweedfs.access_key),
            secret_key=settings.Secret(seaweedfs.secret_key),
            prefix=f"tests/{secrets.token_hex(8)}",
        )

    @pytest.fixture
    async def storage(self, bucket: settings.S3) -> AsyncIterator[Storage]:
        driver = S3(bucket)
        await driver.open()
        yield driver
        await driver.close()

    @pytest.fixture
    async def another(self, bucket: settings.S3) -> AsyncIterator[Storage]:
        driver = S3(bucket)
        yield driver
        await driver.close()

    @staticmethod
    def order(key: str) -> str | list[str]:
        """SeaweedFS walks by folders; Amazon's store and others go by the bytes."""
        return key.split("/")

    async def test_a_signed_url_serves_the_bytes_and_nothing_else_does(self, storage: Storage) -> None:
        key = await store(storage, LARGE)

        url = await storage.url(key, 60)

        assert url is not None
        async with httpx.AsyncClient(timeout=60) as client:
            served = await client.get(url)
            part = await client.get(url, headers={"Range": "bytes=3-9"})
            forged = await client.get(url[:-3] + "000")
            bare = await client.get(url.partition("?")[0])
        assert served.content == LARGE
        assert (part.status_code, part.content) == (206, LARGE[3:10])
        assert (forged.status_code, bare.status_code) == (403, 403)

    async def test_several_segments_have_no_url(self, storage: Storage) -> None:
        assert await storage.url(await store(storage, LARGE, b"tail"), 60) is None
        assert await storage.url(await store(storage, b""), 60) is None

    async def test_one_long_append_goes_on_in_another_segment(self, bucket: settings.S3) -> None:
        part = 5 * 1024 * 1024
        driver = S3(bucket, part_bytes=part, segment_bytes=part * 2)
        data = LARGE * 11
        try:
            key = await store(driver, data, b"tail")

            assert ".5." in key  # 34.6 MB in segments of 10.5 MB, and the tail
            assert await gather(driver.read(key)) == data + b"tail"
            assert await gather(driver.read(key, part * 2 - 5, part * 4 + 5)) == data[part * 2 - 5 : part * 4 + 5]
            await driver.delete(key)
            assert [entry async for entry in driver.walk()] == []
            assert await list_uploads(driver) == set()
        finally:
            await driver.close()

    @pytest.mark.deep
    async def test_six_gigabytes_pass_with_bounded_memory(self, storage: Storage) -> None:
        """Over the 5 GB that a simple copy may have, in two appends; zeros, whose digest hashlib computes beside."""
        piece, count = bytes(512 * 1024), 3 * 2048

        async def half() -> AsyncIterator[bytes]:
            for _ in range(count):
                yield piece

        upload, hasher, begun = new_upload(), Hasher(), time.monotonic()
        progress = await storage.start(upload)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(2):
            progress = await storage.append(upload, progress, half(), hasher, takeover=False)
        key = storage.place(hasher.digest(), upload, progress, first=True)
        said = await storage.finish(upload, progress, key)
        written = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, got = time.monotonic(), 0
        reader = Hasher()
        async for part in storage.read(key):
            got += len(part)
            await asyncio.to_thread(reader.update, part)
        await storage.delete(key)
        print(f"\n6 GiB: {written:.0f} s to write, {time.monotonic() - begun:.0f} s to read, {after - before} KiB more")  # noqa: T201 - the figure

        assert said.size_bytes == got == 2 * count * len(piece)
        assert reader.digest() == hasher.digest()
        assert after - before < 150 * 1024


def test_the_settings_name_the_driver(tmp_path: Path) -> None:
    made = [
        open_storage(Settings(data=str(tmp_path), storage=settings.Storage(kind=kind, s3=settings.S3(bucket="b"))))
        for kind in ("filesystem", "memory", "s3")
    ]

    assert [driver.kind for driver in made] == ["filesystem", "memory", "s3"]
    assert [driver.path("a") for driver in made] == [tmp_path / "storage" / "a", None, None]
