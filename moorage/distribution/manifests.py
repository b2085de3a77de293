"""Manifests: HEAD, GET, PUT, DELETE by tag and by digest.

Source: OCI distribution-spec v1.1, "Pulling manifests", "Pushing Manifests", "Deleting Manifests".
"""

from moorage import failpoints
from moorage.access.policy import DELETE, PULL, PUSH
from moorage.artifacts import delete, push
from moorage.artifacts.push import Condition
from moorage.blobs.blob_integrity import alarm, look
from moorage.distribution import proxy_pull
from moorage.distribution.context import Plane
from moorage.errors import DigestInvalid, Invalid, ManifestBlobUnknown, ManifestUnknown, NotCached, TooLarge
from moorage.oci import manifest as manifests
from moorage.oci.digest import Digest, compute
from moorage.oci.names import parse_repository, parse_tag
from moorage.repositories.creation import Destination
from moorage.repositories.lookup import find_manifest, find_repository, find_stored, require_pushable
from moorage.tokens.scopes import Scope
from moorage.web.ranges import etag_matches, is_known
from moorage.web.request import Request
from moorage.web.response import Reply

MAX_BYTES = 4 << 20
MAX_TAGS = 100
_NAMES = {1: b"sha256:", 2: b"sha512:"}


def digest_bytes(binary: bytes) -> bytes:
    """The text of a digest from the database's form, as a header value."""
    return _NAMES[binary[0]] + binary[1:].hex().encode("ascii")


async def get(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """GET and HEAD: the exact bytes that were pushed, under the type they were pushed with."""
    needs = (Scope("repository", name, (PULL,)),)
    ticket = await plane.gate.ticket(request, needs)
    if ":" not in reference:
        parse_tag(reference)
    entry = ticket.entries[name]
    try:
        found = await find_manifest(plane.database.read, ticket, entry, name, reference)
    except NotCached:
        return await proxy_pull.get_manifest(plane, request, ticket, name, reference)
    if found.registry_id is not None and ":" not in reference and not plane.proxy_cache.is_fresh(found, reference):
        return await proxy_pull.get_manifest(plane, request, ticket, name, reference)
    digest = digest_bytes(found.digest)
    etag = b'"' + digest + b'"'
    headers = [
        (b"content-type", found.media_type.encode("latin-1")),
        (b"docker-content-digest", digest),
        (b"etag", etag),
        (b"x-content-type-options", b"nosniff"),
    ]
    if is_known(request.headers, etag.decode("ascii")):
        return Reply(304, headers)
    if request.method == "GET":
        plane.pulls.note(ticket, entry, found, repository=name, reference=reference, address=request.address)
    return Reply(200, headers, found.bytes)


async def put(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """PUT: record the manifest and point the tag, or every `tag=` of the query, at it. 201 means it is written.

    With the header `Moorage-Sparse: true` an index may lack children: whoever copies some platforms says that it is
    meant. Source: OCI distribution-spec v1.1, "Pushing Manifests", which leaves it to the registry.
    """
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (PULL, PUSH)),))
    entry = ticket.entries[name]
    repository = parse_repository(name)
    await require_pushable(plane.database.read, ticket, entry, name)
    expected = Digest(reference) if ":" in reference else None
    tags = [parse_tag(reference)] if expected is None else []
    extra = request.query.get("tag", [])
    if len(extra) > MAX_TAGS:
        msg = f"Too many tags in one request: at most {MAX_TAGS}."
        raise Invalid(msg)
    tags += [tag for tag in map(parse_tag, extra) if tag not in tags]
    tags = list(dict.fromkeys(tags))
    try:
        raw = await request.body(plane.settings.uploads.idle_seconds).whole(MAX_BYTES)
    except TooLarge:
        msg = "The manifest is larger than 4 MiB."
        raise TooLarge(msg, limit_bytes=MAX_BYTES) from None
    media_type = (request.header(b"content-type") or "").partition(";")[0].strip()
    parsed = manifests.parse(raw, media_type)
    digest = compute(raw, expected.algorithm if expected else "sha256")
    if expected is not None and digest != expected:
        msg = "The manifest's digest is not the one in the URL."
        raise DigestInvalid(msg, expected=str(expected), actual=str(digest))
    await _require_bytes(plane, repository.text, parsed)
    await plane.database.run_short(
        request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials),
        push.record,
        Destination(entry.project_id, entry.project_epoch, repository.text),
        digest,
        parsed,
        raw,
        tags=tags,
        condition=_condition(request) if tags else None,
        sparse=request.header(b"moorage-sparse") == "true",
    )  # fmt: skip
    failpoints.point("manifest.done")
    headers = [
        (b"location", f"/v2/{name}/manifests/{digest}".encode("ascii")),
        (b"docker-content-digest", str(digest).encode("ascii")),
    ]
    if parsed.subject is not None:
        headers.append((b"oci-subject", str(parsed.subject.digest).encode("ascii")))
    if extra:
        headers.append((b"oci-tag", ", ".join(tags).encode("ascii")))
    return Reply(201, headers)


async def _require_bytes(plane: Plane, repository: str, parsed: manifests.Manifest) -> None:
    """Refuse a manifest whose blobs have lost their bytes: nobody could pull it, and a push of them heals.

    Only where a look costs no request. Whether they are linked at all is seen under the locks of `push.record`.

    Raises:
        ManifestBlobUnknown: with the digests that have to be pushed again.
    """
    if not plane.has_files:
        return
    digests = {entry.digest.binary: entry.digest for entry in parsed.blobs}
    missing = []
    for binary, blob in await find_stored(plane.database.read, repository, digests.values()):
        seen = await look(plane, blob)
        if seen.is_damage:
            await alarm(plane, digests[binary], blob, seen)
            missing.append(str(digests[binary]))
    if missing:
        raise ManifestBlobUnknown(missing=missing[:20])


def _condition(request: Request) -> Condition | None:
    """What the first tag has to point to: `If-Match` or `If-None-Match`.

    Source: RFC 9110, sections 13.1.1, 13.1.2 and 13.2.2, which has the second ignored when the first is there.
    """
    wanted = request.header(b"if-match")
    if wanted is not None:
        return lambda etag: etag_matches(wanted, etag, weak=False)
    unwanted = request.header(b"if-none-match")
    if unwanted is not None:
        return lambda etag: not etag_matches(unwanted, etag, weak=True)
    return None


async def remove(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """DELETE: by tag only the tag goes; by digest the artifact with all its tags. 202, and gone at once."""
    needs = (Scope("repository", name, (DELETE,)),)
    ticket = await plane.gate.ticket(request, needs)
    entry = ticket.entries[name]
    digest = Digest(reference) if ":" in reference else None
    tag = None if digest else parse_tag(reference)
    repository_id = await find_repository(plane.database.read, ticket, entry, name)
    if repository_id is None:
        raise ManifestUnknown(repository=name, reference=reference)
    actor = request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials)
    if digest is not None:
        await plane.database.run(actor, delete.delete_artifact, entry.project_id, repository_id, name, digest)
    elif tag is not None:
        await plane.database.run(actor, delete.delete_tag, entry.project_id, repository_id, name, tag)
    failpoints.point("delete.done")
    return Reply(202)
