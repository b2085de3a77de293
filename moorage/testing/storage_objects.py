"""The promises of a storage driver about objects and serving them."""

import asyncio
import contextlib
import random

import pytest

from moorage.errors import BlobDamaged, StorageUnavailable
from moorage.ids import UploadId
from moorage.oci.digest import compute
from moorage.storage.base import Progress, Storage
from moorage.storage.keys import find_digest
from moorage.testing.bodies import (
    LARGE,
    PIECE_BYTES,
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


class ObjectPromises:
    """What holds for objects; part of `StorageContract`."""

    pytestmark = pytest.mark.asyncio

    @staticmethod
    def order(key: str) -> str | list[str]:
        """How ordinary objects are sorted in a walk."""
        return key

    # -- ready

    async def test_opening_again_is_safe(self, storage: Storage) -> None:
        await storage.put("a", pieces(b"bytes"))

        await storage.open()

        assert await gather(storage.read("a")) == b"bytes"

    async def test_a_check_leaves_nothing(self, storage: Storage) -> None:
        await storage.check()

        assert [entry async for entry in storage.walk()] == []
        assert await list_uploads(storage) == set()

    async def test_an_empty_storage_has_no_objects_and_no_uploads(self, storage: Storage) -> None:
        assert [entry async for entry in storage.walk()] == []
        assert await list_uploads(storage) == set()

    # -- keys

    @pytest.mark.parametrize("key", ["a", "a/b", "a-b_c.d/1", "a/.b", "a..b/c", "A/b", "x" * 200 + "/y"])
    async def test_a_key_of_the_grammar_works(self, storage: Storage, key: str) -> None:
        await storage.put(key, pieces(b"bytes"))

        assert await gather(storage.read(key)) == b"bytes"
        assert [entry async for entry in storage.walk()] == [(key, 5)]

    @pytest.mark.parametrize(
        "key",
        [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "../a",
            "a/../b",
            "a/.",
            "./a",
            "a\0b",
            "a b",
            "a\\b",
            "é",
            "a\n",
            "x" * 600,
        ],
    )
    async def test_anything_else_is_refused(self, storage: Storage, key: str) -> None:
        with pytest.raises(ValueError, match="storage key"):
            await storage.put(key, pieces(b"bytes"))
        with pytest.raises(ValueError, match="storage key"):
            await storage.stat(key)
        with pytest.raises(ValueError, match="storage key"):
            await storage.delete(key)
        with pytest.raises(ValueError, match="storage key"):
            await gather(storage.read(key))
        with pytest.raises(ValueError, match="storage key"):
            storage.path(key)

    @pytest.mark.parametrize("upload", ["", "..", "a", "A" * 32, "0" * 31, "0" * 33, "../" + "0" * 29, "0" * 31 + "\n"])
    async def test_an_upload_id_of_another_form_is_refused(self, storage: Storage, upload: str) -> None:
        with pytest.raises(ValueError, match="upload id"):
            await storage.start(UploadId(upload))
        with pytest.raises(ValueError, match="upload id"):
            await storage.append(UploadId(upload), Progress(), pieces(b"x"), None, takeover=False)
        with pytest.raises(ValueError, match="upload id"):
            await storage.abort(UploadId(upload), Progress())

    @pytest.mark.parametrize("key", ["uploads/a", "temporary/a"])
    async def test_the_drivers_own_places_are_not_for_objects(self, storage: Storage, key: str) -> None:
        with pytest.raises(ValueError, match="not for objects"):
            await storage.put(key, pieces(b"bytes"))

    # -- put

    @pytest.mark.parametrize(
        "data",
        [b"", b"x", b"two", b"\xff\xfe\x00\x80", b"\0" * 1000, LARGE[: 256 * 1024], LARGE[: 256 * 1024 + 1], LARGE],
        ids=["empty", "one byte", "short", "not text", "zeros", "small", "just not small", "large"],
    )
    async def test_what_was_put_is_read(self, storage: Storage, data: bytes) -> None:
        said = await storage.put("a/b", pieces(*cut(data, 100_000)))

        assert said.size_bytes == len(data)
        assert await gather(storage.read("a/b")) == data
        assert await storage.stat("a/b") == said

    async def test_one_piece_may_be_larger_than_all_buffers(self, storage: Storage) -> None:
        data = LARGE * 4

        await storage.put("a", pieces(data))

        assert await gather(storage.read("a")) == data

    async def test_an_existing_object_is_replaced_whole(self, storage: Storage) -> None:
        for data in (LARGE, b"short", b"longer than before", b""):
            await storage.put("a", pieces(data))

            assert await gather(storage.read("a")) == data

    @pytest.mark.parametrize("sent", [[], [b"part"], [LARGE]], ids=["nothing", "a little", "much"])
    async def test_a_body_that_breaks_makes_no_object(self, storage: Storage, sent: list[bytes]) -> None:
        with pytest.raises(ClientGone):
            await storage.put("a", broken(*sent))

        assert await storage.stat("a") is None
        assert [entry async for entry in storage.walk()] == []

    async def test_a_body_that_breaks_leaves_the_object_as_it_was(self, storage: Storage) -> None:
        await storage.put("a", pieces(b"before"))

        with pytest.raises(ClientGone):
            await storage.put("a", broken(LARGE))

        assert await gather(storage.read("a")) == b"before"

    async def test_the_same_key_may_be_put_many_times(self, storage: Storage) -> None:
        for _ in range(20):
            await storage.put("a", pieces(b"same"))

        assert [entry async for entry in storage.walk()] == [("a", 4)]

    async def test_putting_at_once_ends_with_one_of_them(self, storage: Storage) -> None:
        bodies = [bytes([number]) * 300_000 for number in range(8)]

        await asyncio.gather(*(storage.put("a", pieces(*cut(body, 70_000))) for body in bodies))

        assert await gather(storage.read("a")) in bodies

    # -- read

    @pytest.mark.parametrize(
        ("start", "stop"),
        [
            (0, None), (0, 0), (0, 1), (1, 4), (5, None), (5, 5), (7, None), (7, 7), (0, 7),
        ],
    )  # fmt: skip
    async def test_a_range_is_half_open(self, storage: Storage, start: int, stop: int | None) -> None:
        await storage.put("a", pieces(b"moor", b"age"))

        assert await gather(storage.read("a", start, stop)) == b"moorage"[start:stop]

    @pytest.mark.parametrize("start", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 7, len(LARGE) - 1])
    async def test_a_range_of_a_large_object_may_begin_anywhere(self, storage: Storage, start: int) -> None:
        key = await store(storage, LARGE)

        assert await gather(storage.read(key, start)) == LARGE[start:]
        assert await gather(storage.read(key, start, len(LARGE) - 1)) == LARGE[start:-1]
        assert await gather(storage.read(key, start, start + 1)) == LARGE[start : start + 1]

    @pytest.mark.parametrize(("start", "stop"), [(0, 8), (8, None), (8, 9), (6, 100)])
    async def test_what_lies_behind_the_end_is_damage(self, storage: Storage, start: int, stop: int | None) -> None:
        await storage.put("a", pieces(b"moorage"))

        with pytest.raises(BlobDamaged):
            await gather(storage.read("a", start, stop))

    @pytest.mark.parametrize(("start", "stop"), [(-1, None), (-1, 3), (4, 3), (0, -1)])
    async def test_a_range_that_makes_no_sense_is_refused(self, storage: Storage, start: int, stop: int | None) -> None:
        await storage.put("a", pieces(b"moorage"))

        with pytest.raises(ValueError, match="range"):
            await gather(storage.read("a", start, stop))

    @pytest.mark.parametrize("key", ["missing", "folder", "folder/object/below"])
    async def test_a_missing_object_is_damage_to_a_reader(self, storage: Storage, key: str) -> None:
        await storage.put("folder/object", pieces(b"x"))

        with pytest.raises(BlobDamaged):
            await gather(storage.read(key))
        assert await storage.stat(key) is None

    async def test_a_deleted_object_never_ends_early_in_silence(self, storage: Storage) -> None:
        key = await store(storage, LARGE)
        reader = storage.read(key)
        got = await anext(reader)

        await storage.delete(key)

        with contextlib.suppress(StorageUnavailable):
            got += await gather(reader)
            assert got == LARGE

    async def test_a_reader_may_stop_in_the_middle(self, storage: Storage) -> None:
        key = await store(storage, LARGE)

        for _ in range(5):
            reader = storage.read(key)
            await anext(reader)
            await reader.aclose()  # type: ignore[attr-defined] # every driver's is a generator

        assert await gather(storage.read(key)) == LARGE

    async def test_many_may_read_at_once(self, storage: Storage) -> None:
        key = await store(storage, LARGE)

        got = await asyncio.gather(*(gather(storage.read(key, number * 1000)) for number in range(8)))

        assert got == [LARGE[number * 1000 :] for number in range(8)]

    # -- stat and delete

    async def test_a_seal_holds_until_somebody_writes(self, storage: Storage) -> None:
        before = await storage.put("a", pieces(b"first"))
        await gather(storage.read("a"))
        same = await storage.stat("a")
        await storage.put("b", pieces(b"other"))
        after = await storage.put("a", pieces(b"later"))

        assert same == before
        assert before.seal is None or after.seal != before.seal

    async def test_removing_what_is_not_there_is_no_error(self, storage: Storage) -> None:
        await storage.delete("missing")
        await storage.delete("missing/too")

        key = await store(storage, b"bytes")
        await storage.delete(key)
        await storage.delete(key)

        assert await storage.stat(key) is None

    async def test_of_many_each_is_deleted(self, storage: Storage) -> None:
        wanted = [await store(storage, b"one"), await store(storage, b"two"), "missing"]
        left = await store(storage, b"three")

        assert await storage.delete_many([]) == {}
        assert await storage.delete_many(wanted) == {}

        assert [await storage.stat(key) for key in wanted] == [None, None, None]
        assert await gather(storage.read(left)) == b"three"

    async def test_only_the_object_itself_is_deleted(self, storage: Storage) -> None:
        for key in ("a/b", "a/bc", "a/b.c", "a/d/e", "ab"):
            await storage.put(key, pieces(b"x"))

        await storage.delete("a/b")
        await storage.delete("a/d")
        await storage.delete("a")

        assert {key async for key, _ in storage.walk()} == {"a/bc", "a/b.c", "a/d/e", "ab"}

    async def test_one_incarnation_is_deleted_beside_another(self, storage: Storage) -> None:
        keys = []
        for first in (True, False):
            upload = new_upload()
            progress, digest = await upload_all(storage, upload, LARGE)
            keys.append(storage.place(digest, upload, progress, first=first))
            await storage.finish(upload, progress, keys[-1])
        old, new = keys

        await storage.delete(old)

        assert old != new
        assert await storage.stat(old) is None
        assert await gather(storage.read(new)) == LARGE

    # -- walk

    async def test_a_walk_is_in_byte_order(self, storage: Storage) -> None:
        keys = [f"{name}/{letter}" for name in ("a", "b", "b1", "B", "b-", "b_") for letter in "zZ0"]
        for number, key in enumerate(random.Random(3).sample(keys, len(keys))):
            await storage.put(key, pieces(b"x" * number))

        walked = [entry async for entry in storage.walk()]

        assert [key for key, _ in walked] == sorted(keys, key=self.order)
        for key, size in walked:
            assert len(await gather(storage.read(key))) == size

    async def test_blobs_are_walked_in_byte_order_and_uploads_are_not(self, storage: Storage) -> None:
        stored = {await store(storage, bytes([number]) * 10, b"more"): 14 for number in range(12)}
        upload = new_upload()
        await upload_all(storage, upload, b"unfinished")

        walked = [entry async for entry in storage.walk()]

        assert walked == sorted(stored.items())

    async def test_a_blobs_key_tells_its_digest(self, storage: Storage) -> None:
        await store(storage, b"one")
        await store(storage, LARGE, b"two")
        await storage.put("other", pieces(b"x"))

        found = {find_digest(key) async for key, _ in storage.walk()}

        assert found == {compute(b"one"), compute(LARGE + b"two"), None}

    # -- serving

    async def test_a_path_is_the_file_of_the_object_or_none(self, storage: Storage) -> None:
        key = await store(storage, LARGE)

        path = storage.path(key)

        assert path is None or await asyncio.to_thread(path.read_bytes) == LARGE
        assert (storage.path("missing") is None) == (path is None)

    async def test_a_url_is_signed_or_none(self, storage: Storage) -> None:
        key = await store(storage, LARGE)

        url = await storage.url(key, 60)

        assert url is None or url.startswith(("http://", "https://"))
