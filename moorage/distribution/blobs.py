"""Blobs: HEAD, GET with single ranges, DELETE.

A blob is seen only through its link to a repository. Source: OCI distribution-spec v1.1, "Pulling blobs".
"""

from collections.abc import AsyncIterator

from moorage import failpoints
from moorage.access.policy import DELETE, PULL, PUSH, Entry
from moorage.blobs import blob_rows
from moorage.blobs.blob_integrity import Look, alarm, is_whole, keep_promise, look, verified
from moorage.distribution import proxy_pull
from moorage.distribution.context import Plane
from moorage.errors import BlobDamaged, BlobUnknown, NotCached
from moorage.oci.digest import Digest
from moorage.repositories.lookup import FoundBlob, find_blob, find_repository
from moorage.tokens.scopes import Scope
from moorage.web.ranges import if_range_matches, is_known, parse_range
from moorage.web.request import Request
from moorage.web.response import Header, Reply

_COMMON: list[Header] = [
    (b"content-type", b"application/octet-stream"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox"),  # a blob may be a page, and this is where people are signed in
    (b"content-disposition", b"attachment"),
    (b"accept-ranges", b"bytes"),
    (b"cache-control", b"max-age=31536000"),
]


def _headers(digest: Digest) -> list[Header]:
    text = str(digest).encode("ascii")
    return [*_COMMON, (b"docker-content-digest", text), (b"etag", b'"' + text + b'"')]


async def get(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """GET and HEAD."""
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (PULL,)),))
    entry = ticket.entries[name]
    digest = Digest(reference)
    try:
        found = await find_blob(plane.database.read, ticket, entry, name, digest)
    except NotCached:

        async def serve(there: FoundBlob) -> Reply:
            return await _reply(plane, request, entry, there, digest)

        return await proxy_pull.get_blob(plane, request, entry, name, digest, headers=_headers(digest), serve=serve)
    return await _reply(plane, request, entry, found, digest)


async def _reply(plane: Plane, request: Request, entry: Entry, found: FoundBlob, digest: Digest) -> Reply:
    """The reply with a blob that is here."""
    etag, headers = f'"{digest}"', _headers(digest)
    if request.method == "HEAD":
        if not await _may_be_told(plane, digest, found, may_push=PUSH in entry.actions):
            raise BlobUnknown(digest=str(digest))
        if PUSH in entry.actions:
            await keep_promise(plane, found)
    if is_known(request.headers, etag):
        return Reply(304, headers)
    if request.method == "HEAD":
        return Reply(200, headers, length=found.size_bytes)
    span = None
    if if_range_matches(request.header(b"if-range"), etag):
        span = parse_range(request.header(b"range"), found.size_bytes)
    return await _serve(plane, found, digest, headers, span)


async def _may_be_told(plane: Plane, digest: Digest, found: FoundBlob, *, may_push: bool) -> bool:
    """Whether a HEAD may say that the blob is here.

    Who may push leaves out an upload because of it, so the bytes are looked at, wherever they are; others are told what
    can be seen without a request or a hash.
    """
    if may_push:
        return await is_whole(plane, digest, found)
    if not plane.has_files:
        return True
    seen = await look(plane, found)
    if seen.is_damage:
        await alarm(plane, digest, found, seen)
    return not seen.is_damage


async def _serve(plane: Plane, found: FoundBlob, digest: Digest, headers: list[Header], span: slice | None) -> Reply:
    """Send the bytes: by a signed URL, as a file, or as a stream."""
    storage = plane.storage
    path = storage.path(found.key)
    if path is None and plane.settings.storage.redirect:
        url = await storage.url(found.key, plane.settings.storage.redirect_seconds)
        if url is not None:
            return Reply(307, [*headers, (b"location", url.encode("latin-1"))])
    if path is not None:
        seen = await look(plane, found)
        if seen.is_damage:
            await alarm(plane, digest, found, seen)
            raise BlobDamaged(digest=str(digest), headers={"Retry-After": "60"})
        if seen is Look.TOUCHED:
            return await _serve_touched(plane, found, digest, headers, span)
        if span is None:
            return Reply(200, headers, path=path, length=found.size_bytes)
    if span is None:
        return Reply(200, headers, stream=storage.read(found.key), length=found.size_bytes)
    return _partial(headers, span, found.size_bytes, storage.read(found.key, span.start, span.stop))


def _partial(headers: list[Header], span: slice, size: int, stream: AsyncIterator[bytes]) -> Reply:
    headers = [*headers, (b"content-range", f"bytes {span.start}-{span.stop - 1}/{size}".encode("ascii"))]
    return Reply(206, headers, stream=stream, length=span.stop - span.start)


async def _serve_touched(
    plane: Plane, found: FoundBlob, digest: Digest, headers: list[Header], span: slice | None
) -> Reply:
    """Somebody touched the file since its bytes were verified: hash them before the last byte leaves.

    A whole blob is hashed as it is sent, and the connection is cut before the last piece when it is not what its
    name says; a range is sent only after the whole was hashed. What is right again gets a new seal.
    """
    plane.metrics.counters["moorage_blob_verified_total"] += 1
    if span is None:
        stream = verified(plane, digest, found)
        first = await anext(stream, b"")  # of a blob of one piece everything is known now, and an error is a 503
        return Reply(200, headers, stream=_go_on(first, stream), length=found.size_bytes)
    async for _ in verified(plane, digest, found):
        pass
    return _partial(headers, span, found.size_bytes, plane.storage.read(found.key, span.start, span.stop))


async def _go_on(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece


async def remove(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """DELETE: 202 and 404 from then on, unless a manifest of the repository needs it."""
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (DELETE,)),))
    entry = ticket.entries[name]
    digest = Digest(reference)
    repository_id = await find_repository(plane.database.read, ticket, entry, name, missing=BlobUnknown)
    if repository_id is None:
        raise BlobUnknown(repository=name, digest=reference)
    await plane.database.run(
        request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials),
        blob_rows.delete_blob, entry.project_id, repository_id, name, digest,
    )  # fmt: skip
    failpoints.point("delete.done")
    return Reply(202)
