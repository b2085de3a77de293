"""The promises of a storage driver about uploads."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moorage.errors import BlobDamaged, Problem, UploadUnknown
from moorage.ids import UploadId
from moorage.oci.digest import Hasher, compute
from moorage.storage.base import LocalFile, Progress, Storage
from moorage.storage.keys import find_digest
from moorage.testing.bodies import (
    LARGE,
    ClientGone,
    broken,
    cut,
    gather,
    list_uploads,
    new_upload,
    pieces,
    store,
    upload_all,
)


class UploadPromises:
    """What holds for uploads; part of `StorageContract`."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def another(self, storage: Storage) -> Storage:
        """The same storage as another process sees it. Memory alone may give the same object."""
        return storage

    # -- uploads

    @pytest.mark.parametrize(
        "bodies",
        [
            [], [b""], [b"", b""], [b"x"], [b"x", b"", b"y"], [b"a" * 10] * 20, [LARGE], [LARGE, LARGE],
            [LARGE, b"tail"], [b"head", LARGE], [b"", LARGE, b""],
        ],
        ids=["none", "empty", "empties", "byte", "a gap", "crumbs", "large", "two large", "tail", "head", "padded"],
    )  # fmt: skip
    async def test_an_upload_becomes_a_blob(self, storage: Storage, bodies: list[bytes]) -> None:
        upload = new_upload()

        progress, digest = await upload_all(storage, upload, *bodies)
        assert progress.size_bytes == sum(map(len, bodies))
        assert await gather(storage.read_upload(upload, progress)) == b"".join(bodies)
        key = storage.place(digest, upload, progress, first=True)
        said = await storage.finish(upload, progress, key)

        assert digest == compute(b"".join(bodies))
        assert said == await storage.stat(key)
        assert said.size_bytes == progress.size_bytes
        assert await gather(storage.read(key)) == b"".join(bodies)
        assert await list_uploads(storage) == set()

    async def test_any_range_of_a_chunked_blob_can_be_read(self, storage: Storage) -> None:
        bodies = [b"abc", b"defgh", b"i", LARGE, b"jk"]
        whole = b"".join(bodies)
        key = await store(storage, *bodies)

        for start in (0, 1, 3, 8, 9, 100, len(whole) - 2, len(whole) - 1, len(whole)):
            for stop in (start, start + 1, 9, 10, len(whole) - 1, len(whole), None):
                if stop is None or start <= stop <= len(whole):
                    assert await gather(storage.read(key, start, stop)) == whole[start:stop], (start, stop)
        with pytest.raises(BlobDamaged):
            await gather(storage.read(key, 0, len(whole) + 1))
        with pytest.raises(BlobDamaged):
            await gather(storage.read(key, len(whole) + 1))

    @pytest.mark.parametrize("size", [1, 100, 11_000, 410_000, 5_000_000])
    async def test_pieces_may_have_any_size(self, storage: Storage, size: int) -> None:
        data = LARGE if size > 100 else LARGE[:2000]
        upload, hasher = new_upload(), Hasher()

        progress = await storage.append(
            upload, await storage.start(upload), pieces(*cut(data, size)), hasher, takeover=False
        )

        assert hasher.digest() == compute(data)
        assert await gather(storage.read_upload(upload, progress)) == data

    async def test_starting_again_is_safe(self, storage: Storage) -> None:
        upload = new_upload()
        await storage.start(upload)
        progress = await storage.start(upload)

        progress = await storage.append(upload, progress, pieces(b"x"), None, takeover=False)

        assert progress.size_bytes == 1

    @pytest.mark.parametrize("data", [b"x", LARGE], ids=["byte", "large"])
    async def test_a_file_that_is_at_hand_is_taken_or_left(self, storage: Storage, tmp_path: Path, data: bytes) -> None:
        upload, hasher, path = new_upload(), Hasher(), tmp_path / "at hand"
        await storage.start(upload)
        hasher.update(data)
        with path.open("w+b", buffering=0) as file:
            file.write(data)
            progress = await storage.adopt(upload, LocalFile(path, file.fileno(), hasher))

        if progress is None:
            assert path.read_bytes() == data
            assert await list_uploads(storage) == set()
            return
        assert not path.exists()
        assert Hasher.resume("sha256", progress.hash_state).digest() == compute(data)
        assert await gather(storage.read_upload(upload, progress)) == data
        key = storage.place(compute(data), upload, progress, first=True)
        said = await storage.finish(upload, progress, key)
        assert said == await storage.stat(key)
        assert await gather(storage.read(key)) == data

    async def test_a_file_that_the_hash_does_not_cover_is_refused(self, storage: Storage, tmp_path: Path) -> None:
        upload, path = new_upload(), tmp_path / "at hand"
        with path.open("w+b", buffering=0) as file:
            file.write(b"more")
            with contextlib.suppress(ValueError):
                assert await storage.adopt(upload, LocalFile(path, file.fileno(), Hasher())) is None

        assert path.read_bytes() == b"more"
        assert await list_uploads(storage) == set()

    async def test_another_process_goes_on(self, storage: Storage, another: Storage) -> None:
        upload = new_upload()
        progress, _ = await upload_all(storage, upload, LARGE)
        hasher = Hasher.resume("sha256", progress.hash_state)

        progress = await another.append(upload, progress, pieces(b"more"), hasher, takeover=False)
        key = another.place(hasher.digest(), upload, progress, first=True)
        await another.finish(upload, progress, key)

        assert hasher.digest() == compute(LARGE + b"more")
        assert await gather(storage.read(key)) == LARGE + b"more"

    @pytest.mark.parametrize("takeover", [False, True], ids=["given back", "taken over"])
    async def test_a_hash_at_zero_catches_up(self, storage: Storage, *, takeover: bool) -> None:
        upload = new_upload()
        progress = await storage.start(upload)
        progress = await storage.append(upload, progress, pieces(*cut(LARGE, 300_000)), None, takeover=False)
        assert progress.hash_state == b""
        hasher = Hasher()

        progress = await storage.append(upload, progress, pieces(b"more"), hasher, takeover=takeover)

        assert hasher.digest() == compute(LARGE + b"more")
        assert Hasher.resume("sha256", progress.hash_state).digest() == hasher.digest()

    async def test_a_hash_that_stands_elsewhere_is_refused(self, storage: Storage) -> None:
        upload, hasher = new_upload(), Hasher()
        progress, _ = await upload_all(storage, upload, b"seven77")
        hasher.update(b"six666")

        with pytest.raises(ValueError, match="stands at"):
            await storage.append(upload, progress, pieces(b"x"), hasher, takeover=False)

    @pytest.mark.parametrize("sent", [[], [b"lost"], [LARGE]], ids=["nothing", "a little", "much"])
    async def test_a_body_that_breaks_leaves_the_progress_valid(self, storage: Storage, sent: list[bytes]) -> None:
        upload = new_upload()
        progress, _ = await upload_all(storage, upload, LARGE, b"kept")
        for _ in range(2):
            with pytest.raises(ClientGone):
                await storage.append(upload, progress, broken(*sent), None, takeover=False)
            assert await gather(storage.read_upload(upload, progress)) == LARGE + b"kept"

        hasher = Hasher.resume("sha256", progress.hash_state)
        progress = await storage.append(upload, progress, pieces(b"new"), hasher, takeover=False)
        key = storage.place(hasher.digest(), upload, progress, first=True)
        await storage.finish(upload, progress, key)

        assert await gather(storage.read(key)) == LARGE + b"keptnew"
        assert await list_uploads(storage) == set()

    @pytest.mark.parametrize("sent", [b"lost", LARGE], ids=["a little", "much"])
    async def test_a_tail_that_failed_is_no_part_of_the_blob(self, storage: Storage, sent: bytes) -> None:
        upload = new_upload()
        progress, digest = await upload_all(storage, upload, b"kept")
        with pytest.raises(ClientGone):
            await storage.append(upload, progress, broken(sent), None, takeover=False)

        key = storage.place(digest, upload, progress, first=True)
        said = await storage.finish(upload, progress, key)

        assert said.size_bytes == 4
        assert await gather(storage.read(key)) == b"kept"

    @pytest.mark.parametrize("sent", [b"little", LARGE], ids=["a little", "much"])
    async def test_a_cancelled_append_can_be_repeated(self, storage: Storage, sent: bytes) -> None:
        upload, waiting = new_upload(), asyncio.Event()
        progress, _ = await upload_all(storage, upload, b"kept")

        async def stalled() -> AsyncIterator[bytes]:
            yield sent
            waiting.set()
            await asyncio.sleep(60)

        task = asyncio.create_task(storage.append(upload, progress, stalled(), Hasher(), takeover=False))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        progress = await storage.append(upload, progress, pieces(b"new"), None, takeover=False)
        assert await gather(storage.read_upload(upload, progress)) == b"keptnew"

    @pytest.mark.parametrize("prefix", [b"", b"prefix", LARGE], ids=["at 0", "small prefix", "large prefix"])
    @pytest.mark.parametrize("junk", [b"junk", LARGE[::-1]], ids=["little junk", "much junk"])
    async def test_a_frozen_writer_reaches_nothing(
        self, storage: Storage, another: Storage, prefix: bytes, junk: bytes
    ) -> None:
        upload, frozen, thaw = new_upload(), asyncio.Event(), asyncio.Event()
        progress, _ = await upload_all(storage, upload, *([prefix] if prefix else []))

        async def freezing() -> AsyncIterator[bytes]:
            yield junk
            frozen.set()
            await thaw.wait()
            for part in cut(junk, 200_000):
                yield part

        writer = asyncio.create_task(storage.append(upload, progress, freezing(), None, takeover=False))
        await frozen.wait()
        hasher = Hasher.resume("sha256", progress.hash_state) if prefix else Hasher()
        taken = await another.append(upload, progress, pieces(b"ours"), hasher, takeover=True)
        second = await another.append(upload, taken, pieces(b", all of it"), hasher, takeover=False)
        thaw.set()
        with contextlib.suppress(Problem):
            await writer
        key = another.place(hasher.digest(), upload, second, first=True)
        await another.finish(upload, second, key)

        assert hasher.digest() == compute(prefix + b"ours, all of it")
        assert await gather(another.read(key)) == prefix + b"ours, all of it"

    async def test_a_writer_frozen_until_the_blob_is_there_reaches_nothing(
        self, storage: Storage, another: Storage
    ) -> None:
        upload, frozen, thaw = new_upload(), asyncio.Event(), asyncio.Event()
        progress, _ = await upload_all(storage, upload, LARGE)

        async def freezing() -> AsyncIterator[bytes]:
            yield LARGE[::-1]
            frozen.set()
            await thaw.wait()
            yield LARGE[::-1]

        writer = asyncio.create_task(storage.append(upload, progress, freezing(), None, takeover=False))
        await frozen.wait()
        hasher = Hasher.resume("sha256", progress.hash_state)
        taken = await another.append(upload, progress, pieces(b"ours"), hasher, takeover=True)
        key = another.place(hasher.digest(), upload, taken, first=True)
        said = await another.finish(upload, taken, key)
        thaw.set()
        with contextlib.suppress(Problem):
            await writer

        assert await gather(another.read(key)) == LARGE + b"ours"
        assert await another.stat(key) == said

    async def test_two_who_take_over_at_once_do_not_share_bytes(self, storage: Storage, another: Storage) -> None:
        upload = new_upload()
        progress, _ = await upload_all(storage, upload, b"prefix ")

        one, two = await asyncio.gather(
            storage.append(upload, progress, pieces(LARGE), None, takeover=True),
            another.append(upload, progress, pieces(LARGE[::-1]), None, takeover=True),
        )

        assert await gather(storage.read_upload(upload, one)) == b"prefix " + LARGE
        assert await gather(storage.read_upload(upload, two)) == b"prefix " + LARGE[::-1]

    async def test_uploads_do_not_disturb_each_other(self, storage: Storage) -> None:
        bodies = [bytes([number]) * (number * 90_000) for number in range(12)]

        keys = await asyncio.gather(*(store(storage, body, body) for body in bodies))

        for key, body in zip(keys, bodies, strict=True):
            assert await gather(storage.read(key)) == body * 2

    # -- place, finish, abort

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    async def test_places_differ_by_upload_and_digest(self, storage: Storage, algorithm: str) -> None:
        upload, other = new_upload(), new_upload()
        progress, _ = await upload_all(storage, upload, b"x")
        others, _ = await upload_all(storage, other, b"x")
        digest, wrong = compute(b"x", algorithm), compute(b"y", algorithm)

        key = storage.place(digest, upload, progress, first=True)
        later = [
            storage.place(digest, upload, progress, first=False),
            storage.place(digest, other, others, first=False),
            storage.place(wrong, upload, progress, first=True),
        ]

        assert key == storage.place(digest, upload, progress, first=True)
        assert find_digest(key) == digest
        assert len({key, *later[1:]}) == 3
        assert len(set(later)) == 3

    async def test_deleting_a_place_that_was_not_finished_leaves_the_upload(self, storage: Storage) -> None:
        upload = new_upload()
        progress, digest = await upload_all(storage, upload, LARGE, b"tail")
        key = storage.place(digest, upload, progress, first=True)

        await storage.delete(key)
        await storage.finish(upload, progress, key)

        assert await gather(storage.read(key)) == LARGE + b"tail"

    async def test_deleting_one_place_of_an_upload_leaves_another(self, storage: Storage) -> None:
        """One upload has one place; should there be two all the same, the late one does not lose its bytes."""
        upload, data = new_upload(), LARGE + b"tail"
        progress, digest = await upload_all(storage, upload, LARGE, b"tail")
        old = storage.place(digest, upload, progress, first=True)
        new = storage.place(compute(data, "sha512"), upload, progress, first=True)
        await storage.finish(upload, progress, old)
        with contextlib.suppress(UploadUnknown):  # where the bytes moved away, there is no second place
            await storage.finish(upload, progress, new)

        await storage.delete(old)

        assert await storage.stat(new) is None or await gather(storage.read(new)) == data

    async def test_finishing_again_is_safe(self, storage: Storage, another: Storage) -> None:
        upload = new_upload()
        progress, digest = await upload_all(storage, upload, LARGE)
        key = storage.place(digest, upload, progress, first=True)

        said = [await storage.finish(upload, progress, key), await another.finish(upload, progress, key)]

        assert said[0] == said[1]
        assert await gather(storage.read(key)) == LARGE

    async def test_an_upload_whose_bytes_are_gone_is_unknown(self, storage: Storage) -> None:
        upload = new_upload()
        progress, digest = await upload_all(storage, upload, b"bytes")
        await storage.abort(upload, progress)

        for takeover in (False, True):
            with pytest.raises(UploadUnknown):
                await append_and_finish(storage, upload, progress, takeover=takeover)
        with pytest.raises(UploadUnknown):
            await gather(storage.read_upload(upload, progress))
        with pytest.raises(UploadUnknown):
            await storage.finish(upload, progress, storage.place(digest, upload, progress, first=True))

    @pytest.mark.parametrize("state", ["unknown", "started", "written", "failed", "taken over"])
    async def test_aborting_removes_what_is_there(self, storage: Storage, state: str) -> None:
        upload, progress = new_upload(), Progress()
        if state != "unknown":
            progress = await storage.start(upload)
        if state in {"written", "failed", "taken over"}:
            progress = await storage.append(upload, progress, pieces(LARGE), None, takeover=False)
        if state == "failed":
            with pytest.raises(ClientGone):
                await storage.append(upload, progress, broken(LARGE), None, takeover=False)
        if state == "taken over":
            progress = await storage.append(upload, progress, pieces(b"x"), None, takeover=True)

        for _ in range(2):
            await storage.abort(upload, progress)

        assert await list_uploads(storage) == set()
        assert [entry async for entry in storage.walk()] == []

    async def test_aborting_after_finish_leaves_the_object(self, storage: Storage) -> None:
        upload = new_upload()
        progress, digest = await upload_all(storage, upload, LARGE, b"tail")
        key = storage.place(digest, upload, progress, first=True)
        await storage.finish(upload, progress, key)

        await storage.abort(upload, progress)
        await storage.abort(upload, Progress())

        assert await gather(storage.read(key)) == LARGE + b"tail"

    async def test_uploads_with_bytes_are_listed(self, storage: Storage) -> None:
        with_bytes = {new_upload() for _ in range(3)}
        for upload in with_bytes:
            await upload_all(storage, upload, b"bytes")
        await store(storage, b"finished")
        await storage.put("object", pieces(b"x"))

        assert await list_uploads(storage) == with_bytes

    # -- a model

    @pytest.mark.parametrize("seed", range(6))
    async def test_random_stories_end_as_a_model_says(self, storage: Storage, another: Storage, seed: int) -> None:
        rng = random.Random(seed)
        upload = new_upload()
        progress, expected = await storage.start(upload), b""
        for _ in range(rng.randint(3, 8)):
            driver = rng.choice([storage, another])
            body = rng.randbytes(rng.choice([0, 1, 1000, 256 * 1024, 700_000]))
            parts = cut(body, rng.choice([1000, 11_000, 410_000])) if body else []
            takeover = rng.random() < 0.3
            hasher = rng.choice([None, Hasher()])
            if hasher is not None and progress.hash_state and rng.random() < 0.5:
                hasher = Hasher.resume("sha256", progress.hash_state)
            if rng.random() < 0.3:
                with pytest.raises(ClientGone):
                    await driver.append(upload, progress, broken(*parts), hasher, takeover=takeover)
                continue
            progress = await driver.append(upload, progress, pieces(*parts), hasher, takeover=takeover)
            expected += body
            assert progress.size_bytes == len(expected)
            assert hasher is None or hasher.digest() == compute(expected)
        key = storage.place(compute(expected), upload, progress, first=rng.random() < 0.5)
        await another.finish(upload, progress, key)

        assert await gather(storage.read(key)) == expected
        assert [entry async for entry in storage.walk()] == [(key, len(expected))]
        assert await list_uploads(storage) == set()


async def append_and_finish(storage: Storage, upload: UploadId, progress: Progress, *, takeover: bool) -> None:
    """Go on with an upload to its end."""
    more = await storage.append(upload, progress, pieces(b"x"), None, takeover=takeover)
    await storage.finish(upload, more, storage.place(compute(b"x"), upload, more, first=True))
