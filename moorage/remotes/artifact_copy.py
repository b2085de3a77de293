"""Copy one artifact from one registry to another: its children, its blobs, and what refers to it.

Nothing is put before what it names, and the tag comes last: whoever finds the tag at the target finds all of it, with
its signatures. What the target has is not sent again, so a copy that broke off goes on where it was. Our content has
the interface of a remote, too (`artifacts/local_registry.py`): replication in both directions and the proxy cache are
this one function.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from moorage.errors import (
    CopyLimit,
    DigestInvalid,
    ManifestUnknown,
    RemoteMisbehaved,
    RemoteRefused,
)
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest, Hasher
from moorage.oci.manifest import Descriptor, Manifest
from moorage.oci.media_types import OCI_INDEX, Kind
from moorage.oci.platforms import Platform, is_attestation, read_platform
from moorage.remotes.blob_upload import SMALL_BYTES, Journal, Read
from moorage.remotes.registry_reader import Referrer, RemoteManifest, referrers_tag

MAX_ARTIFACTS = 5_000
MAX_DEPTH = 8
"""How deep indexes may be nested, and how far referrers of referrers are followed."""

SIGNATURE_TAGS = ("sig", "att", "sbom")
"""What cosign's first form hangs on an artifact, under the tags `sha256-HEX.SUFFIX`. Source: cosign, "SPEC"."""

_SUBJECT = "vnd.docker.reference.digest"


class Source(Protocol):
    """Where content is read. `remotes.client.Client` is one, `artifacts.local.Local` another.

    Every method may raise what `remotes.connection.Connection` names.
    """

    async def get_manifest(self, repository: str, reference: str) -> RemoteManifest:
        """A manifest by tag or digest. Raises `ManifestUnknown` when it is not there."""
        ...

    async def find_manifest(self, repository: str, reference: str) -> Digest | None:
        """The digest that a tag or a digest leads to; None when it is not there."""
        ...

    async def list_referrers(self, repository: str, subject: Digest) -> list[Referrer]:
        """What refers to a manifest; empty where nothing does, or the repository is not known."""
        ...

    def read_blob(
        self, repository: str, digest: Digest, size_bytes: int, *, start: int = 0, compare: bool = True
    ) -> AsyncIterator[bytes]:
        """The bytes of a blob from `start` on, whose digest is compared before the last piece when `start` is 0.

        `compare`: False where the caller compares all bytes with the digest anyhow.

        Raises `BlobUnknown` when it is not there.
        """
        ...


class Target(Source, Protocol):
    """Where content is written: a source of its own, too.

    Attributes:
        takes_whole_blobs: a small blob is sent with one request, so that to ask for it before costs as much.
        compares: it is sure to compare the digest of every blob that is put, over all bytes, and raises
            `DigestInvalid`; so nobody needs to hash them before. Of strangers that is not believed.
    """

    takes_whole_blobs: bool
    compares: bool

    async def find_blob(self, repository: str, digest: Digest) -> int | None:
        """The size of a blob in bytes; None when it is not there. What is found stays for the time of a push."""
        ...

    async def put_blob(
        self, repository: str, digest: Digest, size_bytes: int, read: Read, *, mount_from: str = "",
        chunk_bytes: int = 0, journal: Journal | None = None,
    ) -> bool:  # fmt: skip
        """Put a blob, mounted from another repository or read; True: nothing was read. Safe to repeat."""
        ...

    async def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str) -> bool:
        """Put a manifest under a tag or its digest; whether the target lists it by its subject. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to copy.

    Attributes:
        platforms: which children of an index go along; None: all. The index stays what it is, byte for byte.
        referrers: whether signatures, bills of materials and whatever else refers to it go along.
        override: whether a tag of the target that leads elsewhere is moved.
        mount_from: another repository of the target that may hold the same blobs.
        places: repositories of the target that hold a blob, as far as the caller and copies before this one know: it
            is mounted from there within a project, and what this one finds or puts is noted.
        chunk_bytes: how many bytes go into one request to the target; 0: a blob whole.
        bytes_per_second: 0: as fast as it goes.
        blobs_at_once: how many blobs are on their way at the same time.
        journal: has the uploads that a copy before this one began, and gets those of this one.
        known_tags: the source's tags, where the caller has them: so it need not be asked for each signature.
    """

    platforms: Callable[[Platform], bool] | None = None
    referrers: bool = True
    override: bool = True
    mount_from: str = ""
    places: MutableMapping[Digest, str] | None = None
    chunk_bytes: int = 0
    bytes_per_second: int = 0
    blobs_at_once: int = 3
    journal: Journal | None = None
    known_tags: Collection[str] | None = None


@dataclass(slots=True)
class Progress:
    """How far a copy has come. `total_bytes` grows as manifests are read; bytes that are not sent count as done."""

    done_bytes: int = 0
    total_bytes: int = 0
    sent_bytes: int = 0
    manifests: int = 0
    blobs: int = 0
    mounted: int = 0
    skipped: int = 0


Watch = Callable[[Progress], Awaitable[None]]
"""Told of progress after every piece; what it raises stops the copy."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of a copy.

    Attributes:
        digest: of the artifact, the same on both sides.
        changed: whether the target got anything that it did not have.
        tags: those that now lead to it.
        kept_tags: those that lead elsewhere at the target, and were not to be moved.
        missing_children: of an index, what was left out or is not at the source.
    """

    digest: Digest
    changed: bool
    tags: tuple[str, ...]
    kept_tags: tuple[str, ...]
    missing_children: int
    progress: Progress


async def copy_artifact(
    source: Source,
    repository: str,
    reference: str,
    target: Target,
    to: str,
    *,
    tags: Collection[str] = (),
    options: Options = Options(),
    watch: Watch | None = None,
) -> Copied:
    """Copy an artifact. Safe to repeat: what the target has is left alone.

    Args:
        source, repository: where it is.
        reference: a tag or a digest; a tag that moves meanwhile changes nothing.
        target, to: where it goes; repositories are whole names.
        tags: those that are to lead to it at the target, set last.
        options: what goes along, and how fast.
        watch: told of progress.

    Raises:
        ManifestUnknown, BlobUnknown: the source does not have it, or not all of it.
        ManifestInvalid: it is of a kind that we do not know.
        CopyLimit: more than 5,000 manifests hang on it, or deeper than 8 levels.
        QuotaExceeded, TagImmutable: the target is ours, and refuses.
        Problem: whatever source or target raise.
    """
    copying = _Copying(source, repository, target, to, options, watch or _nobody)
    root = await source.get_manifest(repository, reference)
    kept = [tag for tag in tags if not await copying.may_point(tag, root.digest)]
    free = [tag for tag in tags if tag not in kept]
    if kept and not free:  # nobody would ever see what was copied
        return Copied(root.digest, False, (), tuple(kept), 0, copying.progress)
    await copying.prepare(root, 0)
    done: list[str] = []
    for tag in free:
        # What was not there a moment ago no tag leads to.
        anew = options.override and root.digest in copying.absent
        there = None if anew else await target.find_manifest(to, tag)
        if not copying.may_move(there, root.digest):
            kept.append(tag)  # somebody was faster
            continue
        if there != root.digest:
            await copying.put(root, tag)
        done.append(tag)
    if not done and await target.find_manifest(to, str(root.digest)) is None:
        await copying.put(root, str(root.digest))
    return Copied(root.digest, copying.changed, tuple(done), tuple(kept), copying.missing, copying.progress)


async def _nobody(_progress: Progress) -> None:
    """Watches nothing."""


@dataclass(slots=True)
class _Copying:
    """One copy on its way.

    `done`: digests of manifests that are at the target with all that they name; `absent`: those that were not there.
    """

    source: Source
    repository: str
    target: Target
    to: str
    options: Options
    watch: Watch
    progress: Progress = field(default_factory=Progress)
    done: set[Digest] = field(default_factory=set)
    absent: set[Digest] = field(default_factory=set)
    blobs: set[Digest] = field(default_factory=set)
    missing: int = 0
    changed: bool = False
    pace: "_Pace" = field(init=False)

    def __post_init__(self) -> None:
        self.pace = _Pace(self.options.bytes_per_second)

    async def prepare(self, manifest: RemoteManifest, depth: int) -> Manifest:
        """See that the target has all that a manifest names, and what refers to it, but not the manifest itself."""
        if depth > MAX_DEPTH or len(self.done) >= MAX_ARTIFACTS:
            raise CopyLimit(limit=MAX_ARTIFACTS, depth=MAX_DEPTH)
        self.done.add(manifest.digest)
        parsed = manifests.parse(manifest.raw, manifest.media_type)
        if parsed.kind is Kind.INDEX:
            await self._copy_children(parsed, depth)
        elif await self.target.find_manifest(self.to, str(manifest.digest)) is None:
            self.absent.add(manifest.digest)
            await self._copy_blobs(parsed)
        if self.options.referrers:
            await self._copy_referrers(manifest.digest, depth)
        return parsed

    async def may_point(self, tag: str, digest: Digest) -> bool:
        """Whether a tag of the target may be set: it is free, or leads there already, or may be moved."""
        return self.options.override or self.may_move(await self.target.find_manifest(self.to, tag), digest)

    def may_move(self, there: Digest | None, digest: Digest) -> bool:
        """As `may_point`, of a tag that leads `there`."""
        return self.options.override or there in {None, digest}

    async def put(self, manifest: RemoteManifest, reference: str) -> None:
        """Put a manifest that is prepared."""
        try:
            listed = await self.target.put_manifest(self.to, reference, manifest.raw, manifest.media_type)
        except RemoteRefused as problem:
            if self.missing and problem.detail.get("status") in {400, 404}:
                raise RemoteRefused(
                    "The target takes no index without all of its children: copy all platforms there.",
                    status=problem.detail["status"],
                ) from problem
            raise
        self.changed = True
        self.progress.manifests += 1
        await self.watch(self.progress)
        if not listed:
            parsed = manifests.parse(manifest.raw, manifest.media_type)
            if parsed.subject is not None:
                await self._list_by_tag(manifest, parsed, parsed.subject.digest)

    async def _copy_children(self, index: Manifest, depth: int) -> None:
        for child in self._choose(index):
            if child.digest in self.done:
                continue
            try:
                manifest = await self.source.get_manifest(self.repository, str(child.digest))
            except ManifestUnknown:
                self.missing += 1  # the source itself has a part of it only
                continue
            await self._copy_untagged(manifest, depth + 1)

    def _choose(self, index: Manifest) -> list[Descriptor]:
        """The children that go along: those of the platforms, what is of none, and what builders say of those."""
        wanted = self.options.platforms
        if wanted is None:
            return list(index.children)
        chosen: list[Descriptor] = []
        for child in index.children:
            platform = read_platform(_platform(child))
            if is_attestation(child.annotations) or platform is None or wanted(platform):
                chosen.append(child)
        there = {str(child.digest) for child in chosen if not is_attestation(child.annotations)}
        chosen = [
            one for one in chosen if not is_attestation(one.annotations) or one.annotations.get(_SUBJECT) in there
        ]
        self.missing += len(index.children) - len(chosen)
        return chosen

    async def _copy_untagged(self, manifest: RemoteManifest, depth: int) -> None:
        await self.prepare(manifest, depth)
        if await self.target.find_manifest(self.to, str(manifest.digest)) is None:
            await self.put(manifest, str(manifest.digest))

    # -- what refers to it ----------------------------------------------------------------------------------

    async def _copy_referrers(self, subject: Digest, depth: int) -> None:
        for one in await self.source.list_referrers(self.repository, subject):
            if one.digest in self.done:
                continue
            try:
                manifest = await self.source.get_manifest(self.repository, str(one.digest))
            except ManifestUnknown:
                continue  # an index under a tag may name what is long gone
            await self._copy_untagged(manifest, depth + 1)
        for suffix in SIGNATURE_TAGS:
            await self._copy_signature(f"{subject.algorithm}-{subject.hex}.{suffix}", depth)

    async def _copy_signature(self, tag: str, depth: int) -> None:
        known = self.options.known_tags
        if known is not None and tag not in known:
            return
        digest = await self.source.find_manifest(self.repository, tag)
        if digest is None or await self.target.find_manifest(self.to, tag) == digest:
            return
        manifest = await self.source.get_manifest(self.repository, str(digest))
        if digest not in self.done:
            await self.prepare(manifest, depth + 1)
        await self.put(manifest, tag)

    async def _list_by_tag(self, manifest: RemoteManifest, parsed: Manifest, subject: Digest) -> None:
        """Add a manifest to the index of its subject's referrers, for a target that keeps no list of them.

        Two who do so at once for one subject can lose an entry, as the specification says; a copy that is repeated
        adds it again.
        Source: OCI distribution-spec v1.1, "Pushing Manifests with Subject".
        """
        entries = [_entry(one) for one in await self.target.list_referrers(self.to, subject)]
        mine = Referrer(
            manifest.digest, manifest.media_type, len(manifest.raw), parsed.artifact_type, parsed.annotations
        )
        if any(one["digest"] == str(mine.digest) for one in entries):
            return
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, _entry(mine)]}
        raw = json.dumps(body, separators=(",", ":")).encode()
        await self.target.put_manifest(self.to, referrers_tag(subject), raw, OCI_INDEX)

    # -- blobs ----------------------------------------------------------------------------------------------

    async def _copy_blobs(self, parsed: Manifest) -> None:
        """Copy what a manifest names, some at once. Layers that stay with their publisher are not asked for."""
        wanted = [one for one in parsed.blobs if one.digest not in self.blobs]
        self.blobs.update(one.digest for one in wanted)
        self.progress.total_bytes += sum(one.size_bytes for one in wanted)
        places = asyncio.Semaphore(self.options.blobs_at_once)

        async def copy(blob: Descriptor) -> None:
            async with places:
                await self._copy_blob(blob)

        if len(wanted) == 1:
            await self._copy_blob(wanted[0])
            return
        try:
            async with asyncio.TaskGroup() as group:
                for blob in wanted:
                    group.create_task(copy(blob))
        except BaseExceptionGroup as failed:
            raise _first(failed) from None

    async def _copy_blob(self, blob: Descriptor) -> None:
        small = self.target.takes_whole_blobs and blob.size_bytes <= SMALL_BYTES
        known = self.options.mount_from or (self.options.places or {}).get(blob.digest)
        size = None if small and not known else await self.target.find_blob(self.to, blob.digest)
        if size is not None and size in {-1, blob.size_bytes}:
            self._note(blob.digest)
            self.progress.skipped += 1
            self.progress.done_bytes += blob.size_bytes
            await self.watch(self.progress)
            return
        reading = _Reading(self, blob)
        try:
            mounted = await self.target.put_blob(
                self.to, blob.digest, blob.size_bytes, reading.read,
                mount_from=self._find_mount(blob.digest), chunk_bytes=self.options.chunk_bytes,
                journal=self.options.journal,
            )  # fmt: skip
        except DigestInvalid as problem:
            raise _wrong(blob.digest) from problem
        self._note(blob.digest)
        self.changed = True
        self.progress.blobs += not mounted
        self.progress.mounted += mounted
        self.progress.done_bytes += blob.size_bytes - reading.counted
        await self.watch(self.progress)

    def _note(self, digest: Digest) -> None:
        if self.options.places is not None:
            self.options.places[digest] = self.to

    def _find_mount(self, digest: Digest) -> str:
        """Where the target may have a blob. Of another project the account may not know anything: that is not asked."""
        place = (self.options.places or {}).get(digest, "")
        same = place.partition("/")[0] == self.to.partition("/")[0]
        return place if same and place != self.to else self.options.mount_from


class _Reading:
    """Gives a blob to the target, as often as that asks; all of it is compared with its digest, here or there, once.

    Hashing takes as long as reading: where all of it is done in a worker's loop, nothing else goes on meanwhile.
    """

    def __init__(self, copying: _Copying, blob: Descriptor) -> None:
        self._copying = copying
        self._blob = blob
        self._hasher = None if copying.target.compares else Hasher(blob.digest.algorithm)
        self.counted = 0
        """Bytes that progress has: what is read again is not counted again."""

    async def read(self, start: int) -> AsyncIterator[bytes]:
        """The bytes from `start` on.

        Raises:
            RemoteMisbehaved: they are not what the digest says; before the last piece is given.
        """
        copying, blob, at = self._copying, self._blob, start
        copying.progress.done_bytes += max(0, start - self.counted)  # the target has them from a copy before this one
        self.counted = max(self.counted, start)
        pieces = copying.source.read_blob(
            copying.repository, blob.digest, blob.size_bytes, start=start, compare=False
        )  # fmt: skip
        async for whole in pieces:
            for piece in copying.pace.cut(whole):
                at += len(piece)
                if self._hasher is not None:
                    self._compare(self._hasher, piece, at)
                await copying.pace.wait(len(piece))
                copying.progress.sent_bytes += len(piece)
                copying.progress.done_bytes += max(0, at - max(self.counted, at - len(piece)))
                self.counted = max(self.counted, at)
                await copying.watch(copying.progress)
                yield piece

    def _compare(self, hasher: Hasher, piece: bytes, at: int) -> None:
        """Hash what is new in a piece that ends `at`; with the last one, all of it has to be right."""
        new = at - hasher.size_bytes
        if 0 < new <= len(piece):
            hasher.update(piece[-new:] if new < len(piece) else piece)
        whole = hasher.size_bytes == self._blob.size_bytes
        if at >= self._blob.size_bytes and whole and hasher.digest() != self._blob.digest:
            raise _wrong(self._blob.digest)


_LEAST_BYTES = 256
"""A part that is held back is no shorter."""


class _Pace:
    """Holds back what is faster than so many bytes per second, over all blobs of a copy."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0

    def cut(self, piece: bytes) -> Iterator[bytes]:
        """A piece in parts that are not held back for long: an upload that stands still for a minute is given up."""
        step = max(self._rate // 4, _LEAST_BYTES) if self._rate > 0 else len(piece)
        if step >= len(piece):
            yield piece
            return
        for start in range(0, len(piece), step):
            yield piece[start : start + step]

    async def wait(self, size_bytes: int) -> None:
        """Wait until so many bytes may go on."""
        if self._rate <= 0:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + size_bytes / self._rate
        await asyncio.sleep(self._free_at - now)


def _wrong(digest: Digest) -> RemoteMisbehaved:
    return RemoteMisbehaved("The blob is not what its digest says.", digest=str(digest))


def _platform(child: Descriptor) -> dict[str, str] | None:
    said = child.platform
    if said is None:
        return None
    return {
        "os": said.os, "architecture": said.architecture, "variant": said.variant, "os.version": said.os_version,
    }  # fmt: skip


def _entry(one: Referrer) -> dict[str, object]:
    entry: dict[str, object] = {"mediaType": one.media_type, "digest": str(one.digest), "size": one.size_bytes}
    if one.artifact_type:
        entry["artifactType"] = one.artifact_type
    if one.annotations:
        entry["annotations"] = dict(one.annotations)
    return entry


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One exception of a group: what somebody is told."""
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    return one
