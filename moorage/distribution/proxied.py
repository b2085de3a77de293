"""What is pulled from projects that mirror another registry, where it is not here yet or has to be looked up again."""

from collections.abc import Awaitable, Callable

from moorage.access.policy import Entry, Ticket
from moorage.artifacts.pull import FoundBlob
from moorage.distribution.plane import Plane
from moorage.oci.digest import Digest
from moorage.web.ranges import etag_matches, if_range_matches, parse_range
from moorage.web.reply import Header, Reply
from moorage.web.request import Request

STALE: Header = (b"warning", b'110 - "Response is Stale", 111 - "Revalidation Failed"')
"""What goes with a manifest that the upstream could not be asked about. Source: RFC 7234, sections 5.5.1 and 5.5.2."""


async def get_manifest(plane: Plane, request: Request, ticket: Ticket, name: str, reference: str) -> Reply:
    """GET and HEAD of a manifest by way of the upstream."""
    entry = ticket.entries[name]
    served = (
        await plane.proxy_cache.get_by_digest(entry, name, Digest(reference))
        if ":" in reference
        else await plane.proxy_cache.get_tagged(entry, name, reference)
    )
    if request.method == "GET":
        plane.proxy_cache.note_pull(ticket, entry, served, reference=reference, address=request.address)
    digest = str(served.digest).encode("ascii")
    headers = [
        (b"content-type", served.media_type.encode("latin-1")),
        (b"docker-content-digest", digest),
        (b"etag", b'"' + digest + b'"'),
        (b"x-content-type-options", b"nosniff"),
        *([STALE] if served.stale else ()),
    ]
    condition = request.header(b"if-none-match")
    if condition is not None and etag_matches(condition, f'"{served.digest}"', weak=True):
        return Reply(304, headers)
    return Reply(200, headers, served.raw)


ServeBlob = Callable[[FoundBlob], Awaitable[Reply]]


async def get_blob(
    plane: Plane,
    request: Request,
    entry: Entry,
    name: str,
    digest: Digest,
    *,
    headers: list[Header],
    serve: ServeBlob,
) -> Reply:
    """GET and HEAD of a blob that is not in this repository.

    Args:
        plane: the parts.
        request: as it came.
        entry: of the ticket.
        name: of the repository.
        digest: of the blob.
        headers: of every reply with a blob.
        serve: serves one that turns out to be here.
    """
    if request.method == "HEAD":
        return Reply(200, headers, length=await plane.proxy_cache.find_blob_size(entry, name, digest))
    found = await plane.proxy_cache.open_blob(entry, name, digest)
    if isinstance(found, FoundBlob):
        return await serve(found)
    span = None
    if if_range_matches(request.header(b"if-range"), f'"{digest}"'):
        span = parse_range(request.header(b"range"), found.size_bytes)
    if span is None:
        return Reply(200, headers, stream=found.read(0, found.size_bytes), length=found.size_bytes)
    where = f"bytes {span.start}-{span.stop - 1}/{found.size_bytes}".encode("ascii")
    stream = found.read(span.start, span.stop)
    return Reply(206, [*headers, (b"content-range", where)], stream=stream, length=span.stop - span.start)
