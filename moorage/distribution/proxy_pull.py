"""Pull from a proxy cache project: from here, or from its upstream."""

import json
from collections.abc import Awaitable, Callable

from moorage.access.policy import Entry, Ticket
from moorage.distribution.context import Plane
from moorage.errors import ManifestUnknown, RepositoryUnknown
from moorage.oci.digest import Digest
from moorage.repositories.lookup import FoundBlob, dump_tags, find_place
from moorage.web.ranges import if_range_matches, is_known, parse_range
from moorage.web.request import Request
from moorage.web.response import Header, Reply

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
    if is_known(request.headers, f'"{served.digest}"'):
        return Reply(304, headers)
    return Reply(200, headers, served.raw)


async def list_tags(plane: Plane, ticket: Ticket, name: str) -> list[str]:
    """The tags here and at the upstream, in byte order; where that does not answer, those that are here.

    Raises:
        RepositoryUnknown: neither has the repository.
    """
    entry, read = ticket.entries[name], plane.database.read
    try:
        path, there = await plane.proxy_cache.list_tags(entry, name)
    except ManifestUnknown:
        raise RepositoryUnknown(repository=name) from None
    place = await find_place(read, ticket, entry, path)
    if place.repository_id is None and there is None:
        raise RepositoryUnknown(repository=name)
    here = [] if place.repository_id is None else json.loads(await dump_tags(read, place.repository_id, ""))
    return sorted({*here, *(there or ())})


async def list_referrers(
    plane: Plane, ticket: Ticket, name: str, subject: Digest, *, but: list[dict[str, object]], wanted: str | None
) -> list[dict[str, object]]:
    """What the upstream lists as referring to a manifest, without those of `but`; `wanted`: of this type only."""
    seen = {one["digest"] for one in but}
    entries = []
    for one in await plane.proxy_cache.list_referrers(ticket.entries[name], name, subject):
        if str(one.digest) in seen or (wanted is not None and one.artifact_type != wanted):
            continue
        entry: dict[str, object] = {
            "mediaType": one.media_type, "digest": str(one.digest), "size": one.size_bytes,
        }  # fmt: skip
        if one.artifact_type:
            entry["artifactType"] = one.artifact_type
        if one.annotations:
            entry["annotations"] = dict(one.annotations)
        entries.append(entry)
    return entries


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
