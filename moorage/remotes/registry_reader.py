"""Read manifests, blobs and lists from another registry.

All that comes back was written by a stranger: sizes are bounded, digests compared, lists and pages counted, and every
address that is followed stays with the endpoint's own unless it carries no credentials.

Source: OCI distribution-spec v1.1.
"""

import contextlib
import re
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any

import msgspec

from moorage.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    RemoteBusy,
    RemoteMisbehaved,
    RemoteRefused,
    RemoteUnavailable,
    RepositoryUnknown,
    TagInvalid,
)
from moorage.oci.digest import Digest, Hasher, compute
from moorage.oci.manifest import MAX_BYTES as MAX_MANIFEST_BYTES
from moorage.oci.media_types import MANIFEST_KINDS, OCI_INDEX
from moorage.oci.names import parse_tag
from moorage.remotes.http_client import Answer, Incoming
from moorage.remotes.registry_connection import Connection, refusal
from moorage.remotes.retry_policy import Attempts

PAGE = 1_000
MAX_PAGES = 10_000
MAX_PAGE_BYTES = 16 << 20
MAX_REFERRERS = 4_096
SLOW_SECONDS = 60.0
SLOWEST_BYTES = 1_024
"""Whoever sends fewer bytes a second than this, over `SLOW_SECONDS`, is not waited for."""
SECONDS = 60.0

_ACCEPT = ", ".join(MANIFEST_KINDS)
_NEXT = re.compile(r"<([^<>]*)>[^,]*;\s*rel=\"?next\"?", re.IGNORECASE)
_NAME = re.compile(
    r"(?=.{1,255}$)[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*)*"
)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(?:\d{1,19}|\*)")


class RemoteManifest(msgspec.Struct, frozen=True):
    """A manifest as another registry has it, byte for byte; its digest was computed from these bytes."""

    digest: Digest
    media_type: str
    raw: bytes


class Referrer(msgspec.Struct, frozen=True):
    """An entry of a list of referrers."""

    digest: Digest
    media_type: str
    size_bytes: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)


class Reading(Connection):
    """What can be read from one registry. What is raised beside what a method names: see `Connection`."""

    # -- lists ----------------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """See that it is a registry and takes the credentials; without any, that it answers as a registry does."""
        if await self.has_credentials():
            await self.send("GET", "/v2/", ())
            return
        answer = await self.send_plainly("GET", self.url("/v2/"))
        challenged = answer.status == 401 and "www-authenticate" in answer.headers
        if not 200 <= answer.status < 300 and not challenged:
            raise refusal(answer.status, answer.body)

    async def list_tags(self, repository: str) -> AsyncIterator[str]:
        """The tags of a repository, in the order in which it lists them; what can be no tag is left out.

        Raises:
            RepositoryUnknown: there is no such repository.
        """
        async for name in self._list(f"{self.path(repository)}/tags/list", "tags", pulling(repository)):
            with contextlib.suppress(TagInvalid):
                yield parse_tag(name)

    async def list_repositories(self) -> AsyncIterator[str]:
        """All repositories that the account sees, where the registry has such a list."""
        async for name in self._list("/v2/_catalog", "repositories", ("registry:catalog:*",)):
            if _NAME.fullmatch(name):
                yield name

    async def _list(self, path: str, key: str, scopes: Collection[str]) -> AsyncIterator[str]:
        url, seen = self.url(f"{path}?n={PAGE}"), set[str]()
        while url:
            if url in seen or len(seen) >= MAX_PAGES:
                raise RemoteMisbehaved("The other registry's list has no end.")
            seen.add(url)
            answer = await self.send("GET", url, scopes, also=(404,), max_bytes=MAX_PAGE_BYTES)
            if answer.status == 404:
                raise RepositoryUnknown("The other registry has no such repository, or no such list.")
            names = _member(answer, key)
            for name in names:
                if isinstance(name, str):
                    yield name
            url = self._next(answer) if names else ""

    def _next(self, answer: Answer) -> str:
        """Where the next page is; "" when this is the last.

        Raises:
            RemoteMisbehaved: elsewhere.
        """
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return ""
        url = self.resolve(answer, found[1])
        if not self.is_own(url):
            raise RemoteMisbehaved("The other registry's list goes on at another host.")
        return url

    # -- manifests ------------------------------------------------------------------------------------------

    async def get_manifest(self, repository: str, reference: str) -> RemoteManifest:
        """A manifest by tag or digest, with the digest of its bytes, which is the one that was asked for.

        Raises:
            ManifestUnknown: it is not there.
        """
        answer = await self.send(
            "GET", self.manifest_path(repository, reference), pulling(repository), also=(404,),
            headers={"accept": _ACCEPT}, max_bytes=MAX_MANIFEST_BYTES,
        )  # fmt: skip
        if answer.status == 404:
            raise ManifestUnknown(repository=repository, reference=reference)
        said = find_digest(reference) or find_digest(answer.headers.get("docker-content-digest", ""))
        digest = compute(answer.body, said.algorithm if said else "sha256")
        if said is not None and said != digest:
            raise RemoteMisbehaved("The manifest is not what its digest says.", expected=str(said), actual=str(digest))
        return RemoteManifest(digest, _media_type(answer.headers), answer.body)

    async def find_manifest(self, repository: str, reference: str) -> Digest | None:
        """The digest that a tag or a digest leads to; None when it is not there. One HEAD."""
        answer = await self.send(
            "HEAD", self.manifest_path(repository, reference), pulling(repository), also=(404, 405),
            headers={"accept": _ACCEPT},
        )  # fmt: skip
        if answer.status == 404:
            return None
        said = find_digest(answer.headers.get("docker-content-digest", ""))
        asked = find_digest(reference)
        if answer.status == 405 or (said is None and asked is None):
            try:
                return (await self.get_manifest(repository, reference)).digest
            except ManifestUnknown:
                return None
        return asked or said

    async def list_referrers(self, repository: str, subject: Digest) -> list[Referrer]:
        """What refers to a manifest: the registry's own list, else the index under the tag that stands for it.

        Source: OCI distribution-spec v1.1, "Listing Referrers", "Referrers Tag Schema".
        """
        url, found, pages = f"{self.path(repository)}/referrers/{subject}", dict[Digest, Referrer](), 0
        while url:
            answer = await self.send(
                "GET", url, pulling(repository), also=(400, 404, 405), max_bytes=MAX_MANIFEST_BYTES,
                headers={"accept": OCI_INDEX},
            )  # fmt: skip
            pages += 1
            if answer.status >= 400 or _media_type(answer.headers) != OCI_INDEX:
                return await self._list_tagged_referrers(repository, subject)
            for one in read_referrers(_member(answer, "manifests")):
                found[one.digest] = one
            url = self._next(answer)
            if len(found) > MAX_REFERRERS or pages > MAX_REFERRERS:
                raise RemoteMisbehaved("The other registry lists too many referrers.", limit=MAX_REFERRERS)
        return list(found.values())

    async def _list_tagged_referrers(self, repository: str, subject: Digest) -> list[Referrer]:
        try:
            index = await self.get_manifest(repository, referrers_tag(subject))
        except ManifestUnknown:
            return []
        if index.media_type != OCI_INDEX:
            return []
        body = Answer(200, {}, index.raw, "")
        return read_referrers(_member(body, "manifests"))[:MAX_REFERRERS]

    # -- blobs ----------------------------------------------------------------------------------------------

    async def find_blob(self, repository: str, digest: Digest) -> int | None:
        """The size of a blob in bytes; None when it is not there. -1: it is there, and the registry does not say."""
        answer = await self.send("HEAD", self.blob_path(repository, digest), pulling(repository), also=(404,))
        if answer.status == 404:
            return None
        length = answer.headers.get("content-length", "")
        return int(length) if length.isdigit() else -1

    async def read_blob(
        self, repository: str, digest: Digest, size_bytes: int, *, start: int = 0, compare: bool = True
    ) -> AsyncIterator[bytes]:
        """The bytes of a blob from `start` on, in pieces; a connection that breaks is taken up again where it broke.

        From 0 on the digest is compared before the last piece is given, unless the caller does so; the size always is.

        Raises:
            BlobUnknown: it is not there.
            RemoteMisbehaved: the bytes are not what digest or size say.
        """
        hasher = Hasher(digest.algorithm) if compare and start == 0 else None
        attempts, at, held = Attempts(self.patience), start, b""
        while True:
            try:
                async for piece in self._read_once(repository, digest, at, size_bytes):
                    if held:
                        yield held
                    held = piece
                    at += len(piece)
                    attempts.moved(len(piece))
                    if hasher is not None:
                        hasher.update(piece)
                break
            except (RemoteBusy, RemoteUnavailable) as problem:
                await attempts.wait(problem)
        if hasher is not None and hasher.digest() != digest:
            raise RemoteMisbehaved("The blob is not what its digest says.", digest=str(digest))
        if held:
            yield held

    @contextlib.asynccontextmanager
    async def open_blob(
        self, repository: str, digest: Digest, *, start: int = 0
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """The whole size of a blob in bytes, and its bytes from `start` on over one connection; whoever reads compares.

        Raises:
            BlobUnknown: it is not there.
            RemoteMisbehaved: it does not say how long it is, or has fewer bytes than `start`.
        """
        headers = {"range": f"bytes={start}-"} if start else {}
        path, scopes = self.blob_path(repository, digest), pulling(repository)
        async with self.open("GET", path, scopes, headers=headers, also=(404, 416)) as incoming:
            if incoming.status == 404:
                raise BlobUnknown(repository=repository, digest=str(digest))
            if incoming.status == 416:
                raise RemoteMisbehaved("The blob is shorter than it was said to be.", digest=str(digest))
            length = incoming.headers.get("content-length", "")
            if incoming.headers.get("content-encoding", "identity") != "identity" or not length.isdigit():
                raise RemoteMisbehaved("The other registry does not say how long a blob is, or compresses it.")
            at = _first_byte(incoming, start)
            yield at + int(length), _from(_in_time(incoming), start - at)

    async def _read_once(self, repository: str, digest: Digest, start: int, stop: int) -> AsyncIterator[bytes]:
        """The rest of a blob over one connection."""
        if start == stop > 0:
            return
        headers = {"range": f"bytes={start}-"} if start else {}
        path, scopes = self.blob_path(repository, digest), pulling(repository)
        async with self.open("GET", path, scopes, headers=headers, also=(404, 416)) as incoming:
            if incoming.status == 404:
                raise BlobUnknown(repository=repository, digest=str(digest))
            if incoming.status == 416:
                raise RemoteMisbehaved("The blob is shorter than it was said to be.", digest=str(digest))
            if incoming.headers.get("content-encoding", "identity") != "identity":
                raise RemoteMisbehaved("The other registry compresses a blob that was not asked for so.")
            at = _first_byte(incoming, start)
            async for piece in _in_time(incoming):
                rest = piece[start - at :] if at < start else piece  # a registry without ranges sends all of it again
                at += len(piece)
                if at > stop:
                    raise RemoteMisbehaved("The blob is longer than it was said to be.", digest=str(digest))
                if rest and at > start:
                    yield rest
            if at != stop:
                raise RemoteUnavailable("The blob ended early.", digest=str(digest))

    # -- addresses ------------------------------------------------------------------------------------------

    def path(self, repository: str) -> str:
        """The path of a repository.

        Raises:
            RemoteRefused: this can be no name of one, so no path is made of it.
        """
        if not _NAME.fullmatch(repository):
            raise RemoteRefused(f"No registry has a repository of the name {repository[:100]!r}.")
        return f"/v2/{repository}"

    def manifest_path(self, repository: str, reference: str) -> str:
        """The path of a manifest by tag or digest."""
        name = str(Digest(reference)) if ":" in reference else parse_tag(reference)
        return f"{self.path(repository)}/manifests/{name}"

    def blob_path(self, repository: str, digest: Digest) -> str:
        """The path of a blob."""
        return f"{self.path(repository)}/blobs/{digest}"


# -- what replies hold --------------------------------------------------------------------------------------


def pulling(repository: str) -> tuple[str, ...]:
    """The scope of reading."""
    return (f"repository:{repository}:pull",)


def pushing(repository: str) -> tuple[str, ...]:
    """The scope of writing."""
    return (f"repository:{repository}:pull,push",)


def referrers_tag(subject: Digest) -> str:
    """The tag under which the index of a manifest's referrers is kept where there is no list of them."""
    return f"{subject.algorithm}-{subject.hex}"[:128]


def _member(answer: Answer, key: str) -> list[Any]:
    """A list in a JSON object; null is the empty one."""
    body = answer.json()
    found = body.get(key) if isinstance(body, dict) else None
    if found is None and isinstance(body, dict):
        return []
    if not isinstance(found, list):
        raise RemoteMisbehaved("The other registry's answer has another shape than it should.")
    return found


def read_referrers(entries: Iterable[Any]) -> list[Referrer]:
    """The entries of an index, of whatever shape, that can be read."""
    found = []
    for entry in entries:
        with contextlib.suppress(msgspec.ValidationError, DigestInvalid):
            one = msgspec.convert(entry, _Entry)
            found.append(Referrer(Digest(one.digest), one.media_type, one.size, one.artifact_type, one.annotations))
    return found


class _Entry(msgspec.Struct, rename="camel"):
    """A descriptor in a list of referrers."""

    digest: str
    media_type: str
    size: int
    artifact_type: str = ""
    annotations: dict[str, str] = {}


def find_digest(text: str) -> Digest | None:
    """The digest that a text is; None when it is none."""
    try:
        return Digest(text)
    except DigestInvalid:
        return None


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip()


async def _from(pieces: AsyncIterator[bytes], skip: int) -> AsyncIterator[bytes]:
    """Pieces without their first `skip` bytes: a registry without ranges sends all of it again."""
    async for piece in pieces:
        rest = piece[skip:] if skip else piece
        skip = max(0, skip - len(piece))
        if rest:
            yield rest


async def _in_time(incoming: Incoming) -> AsyncIterator[bytes]:
    """The pieces of a body, as long as they do not come too slowly; how long the reader takes for them is no matter.

    Raises:
        RemoteMisbehaved: for a minute less than 1 KiB a second came.
    """
    waited, got, pieces = 0.0, 0, aiter(incoming.pieces)
    while True:
        began = time.monotonic()
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            return
        waited += time.monotonic() - began
        got += len(piece)
        yield piece
        if waited >= SLOW_SECONDS:
            if got < SLOWEST_BYTES * waited:
                raise RemoteMisbehaved("The other registry sends too slowly.", bytes_per_second=int(got / waited))
            waited, got = 0.0, 0


def _first_byte(incoming: Incoming, asked: int) -> int:
    """Where the body of a reply begins."""
    if incoming.status != 206:
        return 0
    found = _CONTENT_RANGE.fullmatch(incoming.headers.get("content-range", "").strip())
    if found is None or int(found[1]) > asked:
        raise RemoteMisbehaved("The other registry gave another part of the blob than was asked for.")
    return int(found[1])
