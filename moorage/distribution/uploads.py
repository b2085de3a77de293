"""Uploads: POST, PATCH, PUT, GET, DELETE, and mounts.

The order of steps is docs/develop/lossless.md, "Upload": rows before bytes, bytes durable before the row says so,
the reply after that. Bytes are hashed as they arrive, also when POST, PATCH and PUT reach different processes.
Source: OCI distribution-spec v1.1, "Pushing blobs".
"""

import contextlib
import time

from moorage import failpoints
from moorage.access.policy import NO_PROJECT, PULL, PUSH, Entry, Ticket
from moorage.access.repository_grants import grant_to_owner
from moorage.blobs import receive, uploads
from moorage.blobs.blob_integrity import find_damage, is_whole
from moorage.blobs.monolithic_upload import WHOLE_BYTES, Gathered, gather, take_whole
from moorage.blobs.receive import Arriving, Chunk, Found
from moorage.blobs.uploads import FIND_UPLOAD
from moorage.distribution.context import Plane
from moorage.errors import (
    BlobUnknown,
    CredentialsInvalid,
    DigestInvalid,
    Invalid,
    NotCached,
    Problem,
    ProjectUnknown,
    QuotaExceeded,
    SizeInvalid,
    TicketRevoked,
    Unauthenticated,
    UnsupportedMedia,
    UploadInvalid,
    UploadOffsetInvalid,
    UploadUnknown,
)
from moorage.ids import UploadId
from moorage.oci.digest import Digest
from moorage.oci.names import parse_repository
from moorage.repositories.creation import Destination
from moorage.repositories.lookup import find_blob, require_alive, require_pushable
from moorage.storage.base import Progress
from moorage.tokens.registry_tokens import LEEWAY_SECONDS
from moorage.tokens.scopes import Scope
from moorage.web.ranges import parse_content_range
from moorage.web.request import Request
from moorage.web.response import Header, Reply


async def start(plane: Plane, request: Request, name: str, _reference: str) -> Reply:
    """POST: open an upload; or mount a blob; or take one whole when `digest` is given."""
    mount, source = request.field("mount"), request.field("from")
    needs = [Scope("repository", name, (PULL, PUSH))]
    if mount is not None and source:
        needs.append(Scope("repository", parse_repository(source).text, (PULL,)))
    ticket = await _ticket_for_mount(plane, request, needs)
    repository = parse_repository(name).text
    entry = ticket.entries[name]
    actor = request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials)
    to = Destination(entry.project_id, entry.project_epoch, repository)
    await require_pushable(plane.database.read, ticket, entry, name)
    digest = None if mount is None else Digest(mount)
    from_entry = ticket.entry(source, (PULL,)) if digest is not None and source else None
    if digest is not None and source and from_entry is not None and from_entry.project_id != NO_PROJECT:
        there = await _holds(plane, ticket, from_entry, source, digest)
        mounted = there and await plane.database.run_short(
            actor, uploads.mount_blob, to, digest,
            source=Destination(from_entry.project_id, from_entry.project_epoch, source),
            lease_seconds=plane.settings.uploads.lease_seconds,
        )  # fmt: skip
        if mounted:
            failpoints.point("mount.done")
            return _created(name, digest)
    wanted = request.field("digest")
    digest_now = Digest(wanted) if wanted is not None and digest is None else None
    algorithm = digest_now.algorithm if digest_now else _algorithm(request)
    settings = plane.settings.uploads
    body: Arriving = request.body(settings.idle_seconds)
    if digest_now is not None and 0 < (request.content_length or 0) <= WHOLE_BYTES and plane.has_files:
        data = await gather(body.pieces())
        whole = not body.broken and len(data) == request.content_length
        if whole and await take_whole(plane, actor, to, digest_now, data):
            return _created(name, digest_now)
        body = Gathered(data, body.broken)

    async def open_upload() -> UploadId:
        return await plane.database.run_short(
            actor, uploads.create_upload, to,
            algorithm=algorithm, expiry_seconds=settings.expiry_seconds, open_limit=settings.open_limit,
        )  # fmt: skip

    try:
        upload = await open_upload()
    except QuotaExceeded:
        if digest_now is None or not await find_damage(plane, name, digest_now):
            raise
        upload = await open_upload()
    failpoints.point("upload.created")
    progress = await plane.storage.start(upload)
    failpoints.point("upload.started")
    found = Found(upload, name, progress, 0, algorithm, actor)
    if digest_now is None:
        return Reply(202, _session_headers(name, upload, 0))
    try:
        await receive.close(plane, found, digest_now, Chunk(0, request.content_length), body)
    except Problem:
        # Nobody was told where this upload is, so nobody can go on with it.
        with contextlib.suppress(Problem):
            await receive.kill(plane, upload)
        raise
    return _created(name, digest_now)


async def _holds(plane: Plane, ticket: Ticket, entry: Entry, name: str, digest: Digest) -> bool:
    """Whether a repository has a blob, and its bytes are what they were.

    Raises:
        TicketRevoked: the ticket no longer fits the repository's project.
    """
    try:
        blob = await find_blob(plane.database.read, ticket, entry, name, digest)
    except (BlobUnknown, NotCached):
        return False
    return await is_whole(plane, digest, blob)


async def _ticket_for_mount(plane: Plane, request: Request, needs: list[Scope]) -> Ticket:
    """The ticket for an upload, and for the source of a mount if the caller may pull from it.

    A token that is good for the upload only is sent back for both scopes when its owner would be granted both. Where
    the source is forbidden or missing it becomes an ordinary upload: another token would change nothing.
    """
    try:
        return await plane.gate.ticket(request, needs)
    except ProjectUnknown:
        return await plane.gate.ticket(request, needs[:1])
    except CredentialsInvalid:
        raise
    except Unauthenticated:
        if len(needs) == 1:
            raise
        try:
            ticket = await plane.gate.ticket(request, needs[:1])
        except Unauthenticated:
            ticket = None
        if ticket is None:
            raise
        if ticket.credential == "token" and (await grant_to_owner(plane.database.read, ticket, needs[1:])).entries:
            raise
        return ticket


def _algorithm(request: Request) -> str:
    named = request.field("digest-algorithm")
    if named is None or named == "sha256":
        return "sha256"
    if named == "sha512":
        return named
    msg = "The digest algorithm is not supported; use sha256 or sha512."
    raise DigestInvalid(msg, algorithm=named[:40])


async def status(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """GET: how far the upload is. The Location before the newest one may still ask."""
    found = await _find(plane, request, name, reference)
    state = _state(request)
    if state is not None and state not in {found.progress.size_bytes, found.previous_offset}:
        raise UploadInvalid("The `_state` of this URL is not one of this upload; ask at the newest Location.")
    return Reply(204, _session_headers(name, found.upload, found.progress.size_bytes))


async def cancel(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """DELETE: end the upload and remove what it holds."""
    found = await _find(plane, request, name, reference)
    if not await receive.kill(
        plane, found.upload
    ):  # somebody else ended it meanwhile: with a closing PUT, it may be a blob
        raise UploadUnknown
    return Reply(204)


async def append(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """PATCH: add a chunk, with `Content-Range`, or a stream without. 202 means that these bytes are durable."""
    found = await _find(plane, request, name, reference)
    _refuse_encoding(request)
    progress = await _receive(plane, request, found, _chunk(request, found))
    failpoints.point("append.recorded")
    return Reply(202, _session_headers(name, found.upload, progress.size_bytes))


async def finish(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """PUT: close the upload, with a last chunk or without. 201 means that the blob is durable and linked."""
    wanted = request.field("digest")
    digest = None if wanted is None else Digest(wanted)
    try:
        found = await _find(plane, request, name, reference)
    except UploadUnknown:
        # A second PUT after a lost reply finds no row: the blob being here is what the client wants to know.
        if digest is None or not await _is_here(plane, request, name, digest):
            raise
        return _created(name, digest)
    if digest is None:
        raise DigestInvalid("The closing PUT needs `digest=`; the upload is still open.")
    _refuse_encoding(request)
    await receive.close(plane, found, digest, _chunk(request, found), request.body(plane.settings.uploads.idle_seconds))
    return _created(name, digest)


async def _is_here(plane: Plane, request: Request, name: str, digest: Digest) -> bool:
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (PULL, PUSH)),))
    try:
        return await _holds(plane, ticket, ticket.entries[name], name, digest)
    except TicketRevoked:
        return False


async def _find(plane: Plane, request: Request, name: str, reference: str) -> Found:
    """The upload of a URL, for the subject that opened it.

    A token that has expired since the upload began will do, at this URL only, while its owner and project are what
    they were; one that had expired before cannot be the one that opened it, nor a newer one.
    Whoever else asks is told that there is no such upload.

    Raises:
        UploadUnknown, Unauthenticated.
    """
    needs = (Scope("repository", name, (PULL, PUSH)),)
    ticket = await plane.gate.ticket(request, needs, late=True)
    if len(reference) > 64 or not reference.isalnum():
        raise UploadUnknown
    row = await plane.database.read.one(FIND_UPLOAD, name, reference, ticket.principal_id)
    if row is None or row[10] != ticket.principal_id:
        await require_pushable(plane.database.read, ticket, ticket.entries[name], name)
        raise UploadUnknown
    if ticket.credential == "token" and ticket.expires_at + LEEWAY_SECONDS < time.time() + row[11]:
        raise plane.gate.refusal(request, needs, error="invalid_token", message="The token is older than this upload.")
    try:
        require_alive(ticket, ticket.entries[name], row)
    except TicketRevoked as problem:
        raise plane.gate.revoked(request, needs, problem) from None
    progress = Progress(size_bytes=row[5], hash_state=bytes(row[7]), driver=row[8])
    actor = request.as_actor(ticket.principal_id, ticket.name, *ticket.credentials)
    return Found(UploadId(reference), name, progress, row[6], row[9], actor)


def _refuse_encoding(request: Request) -> None:
    encoding = request.header(b"content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise UnsupportedMedia("Blobs are stored as they are sent; Content-Encoding is not accepted.")


def _state(request: Request) -> int | None:
    text = request.field("_state")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise UploadInvalid("The `_state` of this URL is not one of this upload.")
    return int(text)


def _chunk(request: Request, found: Found) -> Chunk:
    """Where the body belongs, from `Content-Range` or from the Location's `_state`.

    Raises:
        UploadOffsetInvalid: not where the upload ends.
        SizeInvalid: the range and the announced length disagree.
        UploadInvalid: malformed.
    """
    size = found.progress.size_bytes
    header = request.header(b"content-range")
    length = request.content_length
    if header is not None:
        start, stop = parse_content_range(header)
        if length is not None and length != stop - start:
            raise SizeInvalid("Content-Range and Content-Length disagree.", range=header, length=length)
        if start != size:
            raise _misplaced(found)
        return Chunk(start, stop - start)
    state = _state(request)
    if state is not None and state != size:
        raise _misplaced(found)
    return Chunk(size, length)


def _misplaced(found: Found) -> UploadOffsetInvalid:
    headers = {key.decode(): value.decode() for key, value in
               _session_headers(found.name, found.upload, found.progress.size_bytes)}  # fmt: skip
    return UploadOffsetInvalid(
        f"The chunk does not begin where the upload ends, at byte {found.progress.size_bytes}.",
        offset=found.progress.size_bytes, headers=headers,
    )  # fmt: skip


async def _receive(plane: Plane, request: Request, found: Found, chunk: Chunk) -> Progress:
    """Write the body of a PATCH: claim, write, record. Bytes that came before a client went away are kept."""
    body = request.body(plane.settings.uploads.idle_seconds)
    claimed = await plane.database.run_short(
        found.actor, uploads.claim_upload, found.upload, offset=chunk.offset, length=chunk.length
    )
    progress = await receive.write(plane, claimed, body, chunk.length, keep_claim=False)
    if body.broken:
        raise Invalid(f"The body ended early; {progress.size_bytes} bytes are safe, go on from there.")
    return progress


def _session_headers(name: str, upload: UploadId, size: int) -> list[Header]:
    return [
        (b"location", f"/v2/{name}/blobs/uploads/{upload}?_state={size}".encode("ascii")),
        (b"range", b"0-%d" % max(0, size - 1)),
        (b"docker-upload-uuid", upload.encode("ascii")),
    ]


def _created(name: str, digest: Digest) -> Reply:
    text = str(digest).encode("ascii")
    return Reply(201, [(b"location", f"/v2/{name}/blobs/".encode("ascii") + text), (b"docker-content-digest", text)])
