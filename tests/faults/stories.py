"""What clients are doing when the server dies, and what must be true afterwards.

A story prepares something on a healthy server, acts once on one that dies in the middle, and then does what a client
does whose connection broke: asks how far it got, goes on from there, or sends the request again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from moorage.blobs.monolithic_upload import WHOLE_BYTES
from tests.faults.model import damage
from tests.faults.registry import INDEX, Answer, Body, Client, digest_of, image, index, push_image, some_bytes

HERE, THERE = "team/app", "other/app"


@dataclass
class Story:
    """One story.

    Attributes:
        name: what is done.
        blobs: acknowledged with 201, by (repository, digest); never lost.
        tags: acknowledged, by (repository, tag): the manifest.
        done: whether the act was committed when the server died: what it did has to be seen, or must not be.
        storage: the folder of the blobs, for stories in which somebody damages them.
        damaged: digests whose stored bytes are damaged until the act is done.
    """

    name: ClassVar[str]
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    tags: dict[tuple[str, str], bytes] = field(default_factory=dict)
    done: bool = False
    storage: Path = Path()
    damaged: set[str] = field(default_factory=set)

    @property
    def still_damaged(self) -> set[str]:
        """What is not healed after the server died, before anything is repeated."""
        return set() if self.done else self.damaged

    async def prepare(self, client: Client) -> None:
        """On a healthy server: an image of the same repository that must not come to harm."""
        layer = some_bytes()
        self.tags[HERE, "kept"] = await push_image(client, HERE, "kept", layer)
        self.blobs[HERE, digest_of(layer)] = layer

    async def act(self, client: Client) -> Answer:
        """On the server that dies, or fails."""
        raise NotImplementedError

    async def look(self, client: Client) -> None:
        """After the restart, before anything is repeated: all that was acknowledged is there, byte for byte."""
        for (repository, digest), data in self.blobs.items():
            assert (await client.head_blob(repository, digest)).status == 200
            reply = await client.get_blob(repository, digest)
            assert (reply.status, reply.body == data) == (200, True), f"{digest}: {reply}"
        for (repository, tag), raw in self.tags.items():
            assert await client.pull(repository, tag) == raw, f"{repository}:{tag}"

    async def recover(self, client: Client) -> None:
        """What the client does next, to its success."""
        raise NotImplementedError

    async def look_again(self, client: Client) -> None:
        """At the end: what was acknowledged before the kill is still there."""
        await Story.look(self, client)


@dataclass
class Opening(Story):
    """POST."""

    name = "open an upload"

    async def act(self, client: Client) -> Answer:
        return await client.start(HERE)

    async def recover(self, client: Client) -> None:
        data = some_bytes()
        assert (await client.push_blob(HERE, data)).status == 201


@dataclass
class Chunk(Story):
    """PATCH after a PATCH that was acknowledged."""

    name = "second chunk"
    first: bytes = field(default_factory=some_bytes)
    second: bytes = field(default_factory=some_bytes)
    location: str = ""
    chunked: ClassVar[bool] = False

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        opened = await client.start(HERE)
        reply = await client.patch(opened.location, self.first, at=0)
        assert reply.status == 202
        assert reply.headers["range"] == f"0-{len(self.first) - 1}"
        self.location = reply.location

    async def act(self, client: Client) -> Answer:
        if self.chunked:
            size = len(self.second) // 5
            pieces = [self.second[begin : begin + size] for begin in range(0, len(self.second), size)]
            return await client.patch(self.location, Body(pieces))
        return await client.patch(self.location, self.second, at=len(self.first))

    async def status(self, client: Client) -> int:
        """How many bytes the server has; never fewer than it acknowledged."""
        reply = await client.ask("GET", self.location.partition("?")[0])
        assert reply.status == 204, reply
        self.location = reply.location
        have = int(reply.headers["range"].partition("-")[2]) + 1
        assert len(self.first) <= have <= len(self.first) + len(self.second)
        return have

    async def recover(self, client: Client) -> None:
        data = self.first + self.second
        have = await self.status(client)
        assert have == len(data) if self.done else have in {len(self.first), len(data)}
        if have < len(data):
            reply = await client.patch(self.location, data[have:], at=have)
            assert reply.status == 202, reply
            self.location = reply.location
        assert (await client.close(self.location, digest_of(data))).status == 201
        assert (await client.get_blob(HERE, digest_of(data))).body == data


@dataclass
class LongChunk(Chunk):
    """PATCH of a stream without length, large enough for threads to hash and write it."""

    name = "long stream"
    second: bytes = field(default_factory=lambda: some_bytes(900_000))
    chunked = True


@dataclass
class Close(Chunk):
    """PUT without a body, after the last PATCH."""

    name = "close"

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        reply = await client.patch(self.location, self.second, at=len(self.first))
        assert reply.status == 202
        self.location = reply.location

    async def act(self, client: Client) -> Answer:
        return await client.close(self.location, digest_of(self.first + self.second))

    async def look(self, client: Client) -> None:
        await super().look(client)
        reply = await client.head_blob(HERE, digest_of(self.first + self.second))
        assert reply.status == (200 if self.done else 404)

    async def recover(self, client: Client) -> None:
        data = self.first + self.second
        for _ in range(2):  # a client may lose the second reply as well
            reply = await client.close(self.location, digest_of(data))
            assert reply.status == 201, reply
        assert (await client.get_blob(HERE, digest_of(data))).body == data


@dataclass
class CloseKnown(Close):
    """PUT of bytes that the registry has already, for another project: the upload joins."""

    name = "close a known blob"

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        assert (await client.push_blob(THERE, self.first + self.second)).status == 201
        self.blobs[THERE, digest_of(self.first + self.second)] = self.first + self.second


@dataclass
class Heal(Close):
    """PUT of bytes that the registry has lost, and that an image of another project needs."""

    name = "heal a lost blob"
    how: ClassVar[str] = "lose"
    pulled: bytes = b""

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        data = self.first + self.second
        self.pulled = await push_image(client, THERE, "healed", data)
        self.damaged = {digest_of(data)}
        damage(self.storage, digest_of(data), self.how)

    async def look(self, client: Client) -> None:
        """HEAD never says that the blob is there while it is not, and it is there for both projects or for none."""
        await super().look(client)
        digest = digest_of(self.first + self.second)
        reply = await client.get_blob(THERE, digest)
        assert (await client.head_blob(THERE, digest)).status == (200 if self.done else 404)
        assert (reply.status, reply.body == self.first + self.second) == ((200, True) if self.done else (503, False))
        assert await client.pull(THERE, "healed", damaged=self.still_damaged) == self.pulled

    async def look_again(self, client: Client) -> None:
        await super().look_again(client)
        assert await client.pull(THERE, "healed") == self.pulled


@dataclass
class HealRot(Heal):
    """PUT of bytes whose file was overwritten in place."""

    name = "heal a rotten blob"
    how = "rot"


@dataclass
class CloseWithBody(Chunk):
    """PUT with the last chunk as its body."""

    name = "close with a body"

    async def act(self, client: Client) -> Answer:
        return await client.close(self.location, digest_of(self.first + self.second), self.second)

    async def recover(self, client: Client) -> None:
        data = self.first + self.second
        if self.done:
            assert (await client.close(self.location, digest_of(data), self.second)).status == 201
        else:
            have = await self.status(client)
            reply = await client.close(self.location, digest_of(data), data[have:])
            assert reply.status == 201, reply
        assert (await client.get_blob(HERE, digest_of(data))).body == data


@dataclass
class Whole(Story):
    """POST with the digest and all bytes: the client never learns where its upload was."""

    name = "in one request"
    data: bytes = field(default_factory=lambda: some_bytes(WHOLE_BYTES + 1))

    async def act(self, client: Client) -> Answer:
        return await client.push_whole(HERE, self.data)

    async def look(self, client: Client) -> None:
        await super().look(client)
        assert (await client.head_blob(HERE, digest_of(self.data))).status == (200 if self.done else 404)

    async def recover(self, client: Client) -> None:
        assert (await client.push_whole(HERE, self.data)).status == 201
        assert (await client.get_blob(HERE, digest_of(self.data))).body == self.data


@dataclass
class AtOnce(Whole):
    """The same with few bytes: the place is given before they are written."""

    name = "in one request, at once"
    data: bytes = field(default_factory=some_bytes)


@dataclass
class Mount(Story):
    """POST with mount, across projects."""

    name = "mount"
    data: bytes = field(default_factory=some_bytes)

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        assert (await client.push_blob(THERE, self.data)).status == 201
        self.blobs[THERE, digest_of(self.data)] = self.data

    async def act(self, client: Client) -> Answer:
        return await client.mount(HERE, self.data, source=THERE)

    async def look(self, client: Client) -> None:
        await super().look(client)
        assert (await client.head_blob(HERE, digest_of(self.data))).status == (200 if self.done else 404)

    async def recover(self, client: Client) -> None:
        assert (await client.mount(HERE, self.data, source=THERE)).status == 201
        assert (await client.get_blob(HERE, digest_of(self.data))).body == self.data


@dataclass
class Manifest(Story):
    """PUT of a manifest that moves a tag and makes another."""

    name = "manifest"
    old: bytes = b""
    new: bytes = b""

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        self.old = await push_image(client, HERE, "moved", some_bytes())
        layer = some_bytes()
        assert (await client.push_blob(HERE, layer)).status == 201
        self.new = image(layer)

    async def act(self, client: Client) -> Answer:
        return await client.put_manifest(HERE, "moved?tag=made", self.new)

    async def look(self, client: Client) -> None:
        await super().look(client)
        assert await client.pull(HERE, "moved") == (self.new if self.done else self.old)
        assert await client.pull(HERE, "made") == (self.new if self.done else None)
        assert await client.pull(HERE, digest_of(self.new)) == (self.new if self.done else None)
        assert await client.pull(HERE, digest_of(self.old)) == self.old

    async def recover(self, client: Client) -> None:
        assert (await client.put_manifest(HERE, "moved?tag=made", self.new)).status == 201
        assert await client.pull(HERE, "moved") == self.new


@dataclass
class DeleteTag(Manifest):
    """DELETE of a tag."""

    name = "delete a tag"

    async def act(self, client: Client) -> Answer:
        return await client.delete_manifest(HERE, "moved")

    async def look(self, client: Client) -> None:
        await Story.look(self, client)
        assert await client.pull(HERE, "moved") == (None if self.done else self.old)
        assert await client.pull(HERE, digest_of(self.old)) == self.old

    async def recover(self, client: Client) -> None:
        assert (await client.delete_manifest(HERE, "moved")).status == (404 if self.done else 202)
        assert await client.pull(HERE, "moved") is None


@dataclass
class DeleteManifest(Manifest):
    """DELETE of a manifest with its tag; then the same image is pushed again."""

    name = "delete a manifest"

    async def act(self, client: Client) -> Answer:
        return await client.delete_manifest(HERE, digest_of(self.old))

    async def look(self, client: Client) -> None:
        await Story.look(self, client)
        for reference in ("moved", digest_of(self.old)):
            assert await client.pull(HERE, reference) == (None if self.done else self.old)

    async def recover(self, client: Client) -> None:
        assert (await client.delete_manifest(HERE, digest_of(self.old))).status == (404 if self.done else 202)
        assert (await client.put_manifest(HERE, "again", self.old)).status == 201
        assert await client.pull(HERE, "again") == self.old


@dataclass
class RestoreArtifact(Manifest):
    """The trash gives an image back that was deleted with two tags, while another tag of it moved on."""

    name = "restore a manifest"
    entry: int = 0

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        assert (await client.put_manifest(HERE, "too", self.old)).status == 201
        assert (await client.delete_manifest(HERE, digest_of(self.old))).status == 202
        listed = json.loads((await client.api("GET", "/projects/team/trash")).body)
        self.entry = listed[0]["id"]

    async def act(self, client: Client) -> Answer:
        return await client.api("POST", f"/trash/{self.entry}/restore", {})

    async def look(self, client: Client) -> None:
        await Story.look(self, client)
        for reference in ("moved", "too", digest_of(self.old)):
            assert await client.pull(HERE, reference) == (self.old if self.done else None)

    async def recover(self, client: Client) -> None:
        """Who repeats it is refused: what is no more in the trash is nobody's to restore."""
        assert (await self.act(client)).status == (403 if self.done else 200)
        assert await client.pull(HERE, "too") == self.old


@dataclass
class PurgeArtifact(RestoreArtifact):
    """What was deleted is deleted for ever; then the same image is pushed again."""

    name = "purge a manifest"

    async def act(self, client: Client) -> Answer:
        return await client.api("DELETE", f"/trash/{self.entry}")

    async def look(self, client: Client) -> None:
        await Story.look(self, client)
        for reference in ("moved", "too", digest_of(self.old)):
            assert await client.pull(HERE, reference) is None

    async def recover(self, client: Client) -> None:
        """Who repeats it is refused, and so is who wants it back: it goes."""
        if self.done:
            assert (await client.api("POST", f"/trash/{self.entry}/restore", {})).status == 403
        assert (await self.act(client)).status == (403 if self.done else 200)
        assert (await client.put_manifest(HERE, "again", self.old)).status == 201
        assert await client.pull(HERE, "again") == self.old


@dataclass
class Copy(Story):
    """An index with its children goes to another project, where one of its tags points elsewhere."""

    name = "copy an index"
    raws: list[bytes] = field(default_factory=list)
    before: bytes = b""

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        children = [await push_image(client, HERE, "", some_bytes()) for _ in range(2)]
        self.raws = [*children, index(children)]
        for tag in ("multi", "latest"):
            assert (await client.put_manifest(HERE, tag, self.raws[-1], INDEX)).status == 201
        self.before = await push_image(client, THERE, "latest", some_bytes())

    async def act(self, client: Client) -> Answer:
        return await client.api("POST", f"/projects/other/repositories/app/artifacts?from={HERE}:multi")

    async def look(self, client: Client) -> None:
        """All of it is there, or nothing."""
        await super().look(client)
        assert await client.pull(THERE, "latest") == (self.raws[-1] if self.done else self.before)
        assert await client.pull(THERE, "multi") == (self.raws[-1] if self.done else None)
        for raw in self.raws:
            assert await client.pull(THERE, digest_of(raw)) == (raw if self.done else None)
        assert await client.pull(THERE, digest_of(self.before)) == self.before

    async def recover(self, client: Client) -> None:
        assert (await self.act(client)).status == 201
        for reference in ("latest", "multi"):
            assert await client.pull(THERE, reference) == self.raws[-1]


@dataclass
class DeleteRepository(Manifest):
    """DELETE of a repository with an image in it; then the name is used anew."""

    name = "delete a repository"
    layer: bytes = b""

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        self.layer = some_bytes()
        self.old = await push_image(client, THERE, "v1", self.layer)

    async def act(self, client: Client) -> Answer:
        return await client.api("DELETE", "/projects/other/repositories/app")

    async def look(self, client: Client) -> None:
        await Story.look(self, client)
        assert await client.pull(THERE, "v1") == (None if self.done else self.old)
        assert (await client.head_blob(THERE, digest_of(self.layer))).status == (404 if self.done else 200)

    async def recover(self, client: Client) -> None:
        assert (await self.act(client)).status == (404 if self.done else 200)
        assert await push_image(client, THERE, "v1", self.layer) == self.old
        assert await client.pull(THERE, "v1") == self.old


@dataclass
class DeleteBlob(Story):
    """DELETE of a blob; then it is pushed again."""

    name = "delete a blob"
    data: bytes = field(default_factory=some_bytes)

    async def prepare(self, client: Client) -> None:
        await super().prepare(client)
        assert (await client.push_blob(HERE, self.data)).status == 201

    async def act(self, client: Client) -> Answer:
        return await client.delete_blob(HERE, digest_of(self.data))

    async def look(self, client: Client) -> None:
        await super().look(client)
        assert (await client.head_blob(HERE, digest_of(self.data))).status == (404 if self.done else 200)

    async def recover(self, client: Client) -> None:
        reply = await client.delete_blob(HERE, digest_of(self.data))
        assert reply.status == (404 if self.done else 202)
        assert (await client.push_blob(HERE, self.data)).status == 201
        assert (await client.get_blob(HERE, digest_of(self.data))).body == self.data


@dataclass
class Cancel(Chunk):
    """DELETE of an upload."""

    name = "cancel"

    async def act(self, client: Client) -> Answer:
        return await client.ask("DELETE", self.location)

    async def recover(self, client: Client) -> None:
        for method in ("GET", "DELETE"):
            assert (await client.ask(method, self.location)).status == 404
        assert (await client.push_blob(HERE, self.first)).status == 201


@dataclass
class WrongDigest(Cancel):
    """PUT with a digest that the bytes do not have: the upload is removed."""

    name = "close with a wrong digest"

    async def act(self, client: Client) -> Answer:
        return await client.close(self.location, digest_of(b"other bytes"))


APPEND = ("append.begun", "append.piece", "append.written", "append.synced", "append.recorded")
CLOSING = ("commit.verified", "commit.placed", "commit.renamed", "commit.stored", "commit.joining", "commit.live")
HEALING = (
    "commit.verified", "commit.looked", "commit.placed", "commit.renamed", "commit.stored", "commit.healing",
    "commit.live",
)  # fmt: skip
CASES: list[tuple[Callable[[], Story], str]] = [
    *((Opening, point) for point in ("upload.created", "upload.started")),
    *((Chunk, point) for point in APPEND),
    *((LongChunk, point) for point in ("append.piece:2", "append.written", "append.synced")),
    *((Close, point) for point in CLOSING),
    *((CloseWithBody, point) for point in (*APPEND[:4], "commit.verified", "commit.placed", "commit.renamed")),
    *((CloseWithBody, point) for point in ("commit.stored", "commit.joining", "commit.live")),
    *((Whole, point) for point in ("upload.started", "append.synced", *CLOSING[1:])),
    *((AtOnce, point) for point in ("append.written", *CLOSING[1:])),
    *((CloseKnown, point) for point in ("commit.verified", "commit.looked")),
    *((Heal, point) for point in HEALING),
    *((HealRot, point) for point in ("commit.looked", "commit.renamed", "commit.healing", "commit.live")),
    *((Mount, point) for point in ("mount.joining", "mount.done")),
    *((Manifest, point) for point in ("manifest.linked", "manifest.recorded", "manifest.done")),
    *((Copy, point) for point in ("copy.linked", "copy.recorded", "copy.done")),
    *((DeleteRepository, point) for point in ("repository.recorded", "repository.done")),
    *((story, point) for story in (DeleteTag, DeleteManifest, DeleteBlob) for point in
      ("delete.recorded", "delete.done")),
    *((RestoreArtifact, point) for point in ("restore.written", "restore.recorded", "restore.done")),
    *((PurgeArtifact, point) for point in ("purge.marked", "purge.begun", "purge.taken", "purge.done")),
    *((story, point) for story in (Cancel, WrongDigest) for point in ("cancel.dead", "cancel.removed")),
]  # fmt: skip
"""Every story with every point that it passes; a number is the time at which it passes it."""

ONCE = list({point.partition(":")[0]: (story, point) for story, point in reversed(CASES)}.values())
"""One story for each point, the first."""

DONE = {
    "append.recorded",
    "commit.live",
    "mount.done",
    "manifest.done",
    "copy.done",
    "repository.done",
    "delete.done",
    "restore.done",
    "purge.begun",
    "purge.taken",
    "purge.done",
    "cancel.dead",
    "cancel.removed",
}
"""Points behind the commit: what was asked for is done, only nobody was told."""
