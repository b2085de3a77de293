"""What a registry must look like after some operations: a model in sets and dictionaries, without storage or locks.

It is compared with the real one after rounds of operations at the same time (`explain.py`): there must be an order of
what the round's operations do, one after the other, in which the model gives every answer that the clients got and
ends as the registry looks now. That is linearizability, decided by trying all orders.
"""

import asyncio
import copy
import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from tests.faults.model_trash import Act, Trash, list_trash, project_of
from tests.faults.registry import INDEX, MANIFEST, Answer, Body, Client, digest_of, image, index

UNKNOWN_LENGTH = -1
"""As `Operation.pieces`: one piece whose length is not announced."""


@dataclass(frozen=True)
class Content:
    """A manifest that operations may push: its bytes, the blobs it names, the children of an index, by number."""

    raw: bytes
    blobs: frozenset[int] = frozenset()
    children: frozenset[int] = frozenset()
    subject: int | None = None

    @property
    def media_type(self) -> str:
        """For Content-Type."""
        return INDEX if self.children else MANIFEST


@dataclass(frozen=True)
class Universe:
    """All that there is to push, and where to.

    Attributes:
        repositories: whole names; the part before the first slash is the project.
        limits: of projects that have one, in bytes.
    """

    repositories: tuple[str, ...]
    blobs: tuple[bytes, ...]
    contents: tuple[Content, ...]
    tags: tuple[str, ...] = ("a", "b")
    limits: tuple[tuple[str, int], ...] = ()

    def limit(self, repository: str) -> int | None:
        """The limit of a repository's project."""
        return dict(self.limits).get(repository.partition("/")[0])


@dataclass(frozen=True)
class Operation:
    """One thing that a client does: its kind, where, and with what (numbers of blobs or contents, names of tags).

    Attributes:
        more: further tags of a `put`.
        pieces: of a `push`: 0 for one request, or how many chunks, or `UNKNOWN_LENGTH`. An `append` knows that, too.
        upload: of `begin`, `append`, `finish` and `abandon`: the number of the upload, from 1 on.
        at: where this upload ends, as its client believes.
        size: how many bytes of the blob an `append` or `finish` brings.
        how: of `damage`: what happens to the file, one of `DAMAGE`.
        late: of `damage`: how many turns of the loop it waits, so that it meets others in the middle.
    """

    kind: str
    repository: str
    item: int = 0
    tag: str = ""
    source: str = ""
    more: tuple[str, ...] = ()
    pieces: int = 0
    upload: int = 0
    at: int = 0
    size: int = 0
    how: str = ""
    late: int = 0


DAMAGE = ("lose", "cut", "rot")
"""What happens to files behind the registry's back: they vanish, are cut, or get other bytes of the same size."""


@dataclass
class Model(Trash):
    """The state, with that of `Trash`.

    Attributes:
        uploads: those that are open: their repository and how many bytes they have.
        lost: blobs whose file is gone or of the wrong size: pushing them again, and nothing else, brings them back.
        rotten: blobs whose file has other bytes of the right size: the same, but only reading them tells.
        lent: of each project, what requests on their way have borrowed; `borrowed`: of open uploads.
    """

    uploads: dict[int, tuple[str, int]] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    rotten: set[int] = field(default_factory=set)
    lent: dict[str, int] = field(default_factory=dict)
    borrowed: dict[int, int] = field(default_factory=dict)

    def used(self, project: str) -> int:
        """What the project holds, in bytes."""
        paid = self.charged - self.released
        blobs = sum(len(self.universe.blobs[blob]) for owner, blob in paid if owner == project)
        manifests = sum(
            len(self.universe.contents[item].raw) for name, item in self.stored if name.partition("/")[0] == project
        )
        arriving = sum(
            size - self.borrowed.get(number, 0)
            for number, (name, size) in self.uploads.items()
            if name.partition("/")[0] == project
        )
        return blobs + manifests + arriving + self.reserved.get(project, 0)

    def has_room(self, repository: str, size: int) -> bool:
        """Whether the project's limit allows `size` bytes more, with its trash."""
        limit = self.universe.limit(repository)
        return limit is None or self.used(project_of(repository)) + size <= limit

    def may_borrow(self, repository: str, size: int) -> bool:
        """Whether a full project may borrow so much, to heal what it pays for: all together as much as is damaged.

        As far as somebody has noticed the damage.
        """
        project = project_of(repository)
        damaged = [blob for owner, blob in self.charged if owner == project and not self._is_whole(blob)]
        lent = self.lent.get(project, 0) + sum(
            size for number, size in self.borrowed.items() if project_of(self.uploads[number][0]) == project
        )
        return bool(damaged) and lent + size <= sum(len(self.universe.blobs[blob]) for blob in damaged)

    def copy(self) -> "Model":
        """One that can be changed without this one."""
        changed = {item.name: copy.copy(getattr(self, item.name)) for item in fields(self) if item.name != "universe"}
        return Model(self.universe, **changed)

    def key(self) -> Hashable:
        """All that there is to it: models of the same key are the same."""
        sets = (self.links, self.hidden, self.charged, self.released, self.artifacts, self.stored, self.fresh,
                self.lost, self.rotten)  # fmt: skip
        dictionaries = (self.tags, self.reserved, self.lent, self.uploads, self.borrowed)
        return (
            *(frozenset(one) for one in sets), *(frozenset(one.items()) for one in dictionaries), tuple(self.acts)
        )  # fmt: skip

    def apply(self, operation: Operation) -> int:
        """Do it at once, and return the status of the answer.

        Raises:
            NoRoom: the project's limit does not allow it; nothing was done.
        """
        done: int = getattr(self, f"_{operation.kind}")(operation)
        return done

    def _push(self, operation: Operation) -> int:
        self.bring(operation.repository, operation.item)
        return 201

    def bring(self, repository: str, blob: int) -> None:
        """Bytes that were verified just now: whatever became of older ones, every holder has them again.

        Raises:
            NoRoom: the project has no room for them, beside what is reserved.
        """
        if (project_of(repository), blob) not in self.charged - self.released:
            self.pay(repository, len(self.universe.blobs[blob]))
        self._link(repository, blob)
        self.lost.discard(blob)
        self.rotten.discard(blob)

    def _damage(self, operation: Operation) -> int:
        """One place holds the blob for all repositories. What was never pushed has no file; a push forgets it."""
        if operation.how != "rot":
            self.lost.add(operation.item)
            self.rotten.discard(operation.item)
        elif operation.item not in self.lost:
            self.rotten.add(operation.item)
        return 200

    def _is_whole(self, blob: int) -> bool:
        return blob not in self.lost and blob not in self.rotten

    def _link(self, repository: str, blob: int) -> None:
        self.links.add((repository, blob))
        self.fresh.add((repository, blob))
        self.hidden.discard((repository, blob))
        self.charged.add((project_of(repository), blob))
        self.use(repository, frozenset({blob}))

    def _cancel(self, _operation: Operation) -> int:
        return 204

    def _mount(self, operation: Operation) -> int:
        new = (project_of(operation.repository), operation.item) not in self.charged - self.released
        size = len(self.universe.blobs[operation.item]) if new else 0
        there = (operation.source, operation.item) in self.links and self._is_whole(operation.item)
        if not there or (new and not self.has_room(operation.repository, size)):
            return 202
        self._link(operation.repository, operation.item)
        return 201

    def _put(self, operation: Operation) -> int:
        name, item = operation.repository, operation.item
        content = self.universe.contents[item]
        if any((name, blob) not in self.links or blob in self.lost for blob in content.blobs):
            return 404
        if any((name, child) not in self.artifacts for child in content.children):
            return 404

        before = self.used(project_of(name))
        self.use(name, content.blobs)
        self.stored.add((name, item))
        self.artifacts.add((name, item))
        self._give_up(name, {item})
        for tag in _tags(operation):
            self.tags[name, tag] = item
        self.settle(name, before)
        return 201

    def _untag(self, operation: Operation) -> int:
        item = self.tags.pop((operation.repository, operation.tag), None)
        if item is None:
            return 404
        label = f"{operation.repository}:{operation.tag}"
        self.open_act(Act(operation.repository, label, tags=((operation.tag, item),)))
        return 202

    def _delete(self, operation: Operation) -> int:
        name, item = operation.repository, operation.item
        if (name, item) not in self.artifacts:
            return 404
        if self._parents(name, item):
            return 412
        waiting, taken, tags = [item], set(), []
        while waiting:
            gone = waiting.pop()
            if (name, gone) not in self.artifacts:
                continue
            self.artifacts.discard((name, gone))
            taken.add(gone)
            for key in [key for key, tagged in self.tags.items() if key[0] == name and tagged == gone]:
                del self.tags[key]
                tags.append((key[1], gone))
            lonely = [
                child
                for child in self.universe.contents[gone].children
                if not self._parents(name, child)
                and all(key[0] != name or tagged != child for key, tagged in self.tags.items())
            ]
            referrers = [one for one, content in enumerate(self.universe.contents) if content.subject == gone]
            waiting += lonely + referrers
        label = f"{name}@{digest_of(self.universe.contents[item].raw)}"
        self.open_act(Act(name, label, frozenset(taken), tuple(sorted(tags))))
        return 202

    def _parents(self, name: str, item: int) -> list[int]:
        contents = self.universe.contents
        return [one for repository, one in self.artifacts if repository == name and item in contents[one].children]

    def _unlink(self, operation: Operation) -> int:
        name, blob = operation.repository, operation.item
        if (name, blob) not in self.links:
            return 404
        used = any(
            blob in self.universe.contents[one].blobs for repository, one in self.artifacts if repository == name
        )
        if used:
            return 405
        self.links.discard((name, blob))
        self.hidden.add((name, blob))
        self.fresh.discard((name, blob))
        return 202

    # -- uploads in several requests

    def _begin(self, operation: Operation) -> int:
        self.uploads[operation.upload] = (operation.repository, 0)
        return 202

    def find_end(self, operation: Operation) -> int:
        """What an `append` or `finish` is told at once; 0: that it may go on.

        Who has lost the answer of a `finish` asks again, and is told that the blob is there.
        """
        name, item = operation.repository, operation.item
        if operation.upload not in self.uploads:
            there = operation.kind == "finish" and (name, item) in self.links and self._is_whole(item)
            return 201 if there else 404
        return 0 if operation.at == self.uploads[operation.upload][1] else 416

    def _append(self, operation: Operation) -> int:
        if refused := self.find_end(operation):
            return refused
        name, size = self.uploads[operation.upload]
        self.pay(name, operation.size)
        self.uploads[operation.upload] = (name, size + operation.size)
        return 202

    def _finish(self, operation: Operation) -> int:
        if refused := self.find_end(operation):
            return refused
        self._append(operation)
        _, size = self.uploads[operation.upload]
        self.drop(operation.upload)
        if size != len(self.universe.blobs[operation.item]):
            return 400
        self.bring(operation.repository, operation.item)
        return 201

    def drop(self, upload: int) -> bool:
        """End an upload; False: there is none."""
        self.borrowed.pop(upload, None)
        return self.uploads.pop(upload, None) is not None

    def _abandon(self, operation: Operation) -> int:
        return 204 if self.drop(operation.upload) else 404

    def view(self) -> dict[str, object]:
        """What clients can see."""
        damaged = {blob for _, blob in self.links if not self._is_whole(blob)}
        return {
            "links": self.links, "artifacts": self.artifacts, "tags": self.tags, "damaged": damaged,
            "trash": sorted(act.label for act in self.acts if not act.purging),
        }  # fmt: skip

    def figures(self) -> dict[str, tuple[int, int]]:
        """Of each project what it uses, and what only its trash holds, in bytes."""
        projects = {project_of(name) for name in self.universe.repositories}
        return {name: (self.used(name) - self.trash(name), self.trash(name)) for name in projects}

    def know(self, numbers: dict[int, str]) -> bool:
        """Give acts that were just made the ids that the list shows for their labels; False: they had another order.

        Acts that take artifacts of one project do so one after the other, and so beside acts of tags.
        """
        new = sorted(numbers.keys() - {act.number for act in self.acts})
        for at, act in enumerate(self.acts):
            if act.number < 0 and not act.purging:
                number = next((one for one in new if numbers[one] == act.label), 0)
                if not number:
                    return False
                new.remove(number)
                self.acts[at] = replace(act, number=number)
        if {act.number for act in self.acts if not act.purging} != numbers.keys():
            return False
        last: dict[str, int] = {}
        highest: dict[str, int] = {}
        for act in self.acts:
            project = project_of(act.repository)
            if act.number < 0:
                continue
            if act.number < (last if "@" not in act.label else highest).get(project, 0):
                return False
            highest[project] = max(highest.get(project, 0), act.number)
            if "@" in act.label:
                last[project] = act.number
        # Tags of one project at the same time have no order; what nobody saw in the list stays where it is.
        seen = iter(sorted((act for act in self.acts if act.number > 0), key=lambda act: act.number))
        self.acts = [act if act.number < 0 else next(seen) for act in self.acts]
        return True


# -- the real one -----------------------------------------------------------------------------------------


async def perform(  # noqa: C901 - a list of kinds
    client: Client,
    universe: Universe,
    operation: Operation,
    uploads: dict[int, str] | None = None,
    storage: Path | None = None,
) -> int:
    """Do it to a registry, and return the status of the answer that decides.

    Args:
        uploads: where each upload is, for the operations in several requests; `begin` adds to it.
        storage: the folder of the file system driver, for `damage`.
    """
    name, item = operation.repository, operation.item
    if operation.kind == "damage" and storage is not None:
        for _ in range(operation.late):
            await asyncio.sleep(0)
        damage(storage, digest_of(universe.blobs[item]), operation.how)
        return 200
    if operation.upload and uploads is not None:
        return await _go_on(client, universe.blobs[item], operation, uploads)
    if operation.kind == "push":
        reply = await _push(client, name, universe.blobs[item], operation.pieces)
    elif operation.kind == "cancel":
        reply = await client.start(name)
        if reply.status != 202:
            return reply.status
        location = reply.location
        reply = await client.patch(location, universe.blobs[item])
        ended = await client.ask("DELETE", reply.location if reply.status == 202 else location)
        reply = ended if reply.status == 202 else reply
    elif operation.kind == "mount":
        reply = await client.mount(name, universe.blobs[item], source=operation.source)
        if reply.status == 202:
            assert (await client.ask("DELETE", reply.location)).status == 204
    elif operation.kind == "put":
        content = universe.contents[item]
        first = operation.tag or digest_of(content.raw)
        query = "".join(f"{mark}tag={tag}" for mark, tag in zip("?&&", operation.more, strict=False))
        reply = await client.put_manifest(name, first + query, content.raw, content.media_type)
    elif operation.kind in {"restore", "purge"}:
        path, method = f"/trash/{item}", "DELETE"
        reply = await (
            client.api("POST", f"{path}/restore", {}) if operation.kind == "restore" else client.api(method, path)
        )
        return 404 if reply.status == 403 else reply.status  # who may not is not told whether it is there
    elif operation.kind == "copy":
        project, _, rest = name.partition("/")
        digest = digest_of(universe.contents[item].raw)
        path = f"/projects/{project}/repositories/{rest}/artifacts?from={operation.source}@{digest}"
        reply = await client.api("POST", path)
    elif operation.kind == "untag":
        reply = await client.delete_manifest(name, operation.tag)
    elif operation.kind == "delete":
        reply = await client.delete_manifest(name, digest_of(universe.contents[item].raw))
    else:
        reply = await client.delete_blob(name, digest_of(universe.blobs[item]))
    return reply.status


def find_files(storage: Path, digest: str) -> list[Path]:
    """All files that were ever given to a digest and are still there."""
    algorithm, _, name = digest.partition(":")
    return sorted((storage / "docker/registry/v2/blobs" / algorithm / name[:2] / name).glob("data*"))


def damage(storage: Path, digest: str, how: str) -> None:
    """Do one of `DAMAGE` to every file of a blob."""
    for path in find_files(storage, digest):
        if how == "lose":
            path.unlink()
        elif how == "cut":
            os.truncate(path, 1)
        else:
            path.write_bytes(bytes(path.stat().st_size))
            os.utime(path, (1, 1))  # the kernel's clock may not have ticked since the blob was sealed


def _tags(operation: Operation) -> list[str]:
    return [tag for tag in (operation.tag, *operation.more) if tag]


async def _go_on(client: Client, blob: bytes, operation: Operation, uploads: dict[int, str]) -> int:
    """One request of an upload in several."""
    if operation.kind == "begin":
        reply = await client.start(operation.repository)
        if reply.status == 202:
            uploads[operation.upload] = reply.location.partition("?")[0]
        return reply.status
    place = uploads[operation.upload]
    if operation.kind == "abandon":
        return (await client.ask("DELETE", place)).status
    location = f"{place}?_state={operation.at}"
    data = blob[operation.at : operation.at + operation.size]
    body = Body([data]) if operation.pieces == UNKNOWN_LENGTH else data
    if operation.kind == "append":
        reply = await client.patch(location, body)
    else:
        reply = await client.close(location, digest_of(blob), body)
    busy = reply.status == 400 and b"DIGEST_INVALID" not in reply.body  # somebody else has begun to close it
    return 416 if busy else reply.status


async def _push(client: Client, name: str, data: bytes, pieces: int) -> Answer:
    """Upload in one request or in several; what is refused in the middle is cancelled."""
    if not pieces:
        return await client.push_whole(name, data)
    opened = await client.start(name)
    if opened.status != 202:
        return opened
    location = opened.location
    if pieces == UNKNOWN_LENGTH:
        reply = await client.patch(location, Body([data]))
        if reply.status != 202:
            assert (await client.ask("DELETE", location)).status == 204
            return reply
        location = reply.location
    for part in range(pieces):
        begin, end = len(data) * part // pieces, len(data) * (part + 1) // pieces
        reply = await client.patch(location, data[begin:end], at=begin)
        if reply.status != 202:
            assert (await client.ask("DELETE", location)).status == 204
            return reply
        location = reply.location
    return await client.close(location, digest_of(data))


async def look(client: Client, universe: Universe) -> dict[str, object]:
    """What clients can see now, in the form of `Model.view`. Every tag that answers has to pull completely.

    But for damaged blobs: they are 404 to whoever asks before a push, and 503 to whoever pulls.
    """
    numbers = {digest_of(content.raw): number for number, content in enumerate(universe.contents)}
    blobs = {
        (name, number): digest_of(data) for name in universe.repositories for number, data in enumerate(universe.blobs)
    }
    manifests = {(name, number): digest for name in universe.repositories for digest, number in numbers.items()}
    heads = await asyncio.gather(*(client.head_blob(name, digest) for (name, _), digest in blobs.items()))
    absent = [key for key, reply in zip(blobs, heads, strict=True) if reply.status != 200]
    gets = await asyncio.gather(*(client.get_blob(name, blobs[name, number]) for name, number in absent))
    damaged = {key for key, reply in zip(absent, gets, strict=True) if reply.status != 404}
    assert all(reply.status in {404, 503} for reply in gets), gets
    broken = {blobs[key] for key in damaged}
    found = await asyncio.gather(
        *(client.ask("HEAD", f"/v2/{name}/manifests/{digest}") for (name, _), digest in manifests.items())
    )
    tags: dict[tuple[str, str], int] = {}
    for name in universe.repositories:
        for tag in await client.list_tags(name):
            raw = await client.pull(name, tag, damaged=broken)
            assert raw is not None, f"{name}:{tag} is listed and not there"
            tags[name, tag] = numbers[digest_of(raw)]
        for tag in universe.tags:
            reply = await client.ask("HEAD", f"/v2/{name}/manifests/{tag}")
            assert reply.status == (200 if (name, tag) in tags else 404), f"{name}:{tag}: {reply}"
    return {
        "links": {key for key, reply in zip(blobs, heads, strict=True) if reply.status == 200} | damaged,
        "damaged": {number for _, number in damaged},
        "artifacts": {key for key, reply in zip(manifests, found, strict=True) if reply.status == 200},
        "tags": tags,
        "trash": sorted((await list_trash(client, universe)).values()),
    }


def make_universe(repositories: Iterable[str], limits: Iterable[tuple[str, int]] = ()) -> Universe:
    """Four blobs; three images that share them, two indexes that share a child, and a referrer."""
    blobs = tuple(bytes([65 + number]) * (700 + 300 * number) for number in range(4))
    images = [
        Content(image(blobs[1], config=blobs[0]), frozenset({0, 1})),
        Content(image(blobs[1], blobs[2], config=blobs[0]), frozenset({0, 1, 2})),
        Content(image(blobs[3], config=blobs[0]), frozenset({0, 3})),
    ]
    indexes = [
        Content(index([images[0].raw, images[1].raw]), children=frozenset({0, 1})),
        Content(index([images[1].raw, images[2].raw]), children=frozenset({1, 2})),
    ]
    signature = Content(image(blobs[0], config=blobs[0], subject=images[0].raw), frozenset({0}), subject=0)
    return Universe(tuple(repositories), blobs, (*images, *indexes, signature), limits=tuple(limits))


async def look_at_uploads(client: Client, uploads: dict[int, str]) -> dict[int, int]:
    """The uploads that are open, and how many bytes they have."""
    numbers = list(uploads)
    replies = await asyncio.gather(*(client.ask("GET", uploads[number]) for number in numbers))
    found = {}
    for number, reply in zip(numbers, replies, strict=True):
        assert reply.status in {204, 404}, f"upload {number}: {reply}"
        if reply.status == 204:
            last = int(reply.headers["range"].removeprefix("0-"))
            found[number] = last + 1 if last else 0  # one byte and none look the same; nobody sends one byte here
    return found
