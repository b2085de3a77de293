"""Look up the manifest or blob to serve: the fast lane of every pull.

One prepared statement per request. The same row brings the live epochs of the project and of the principal, so
that a token stops working on the next request, on every worker and replica, at no extra query. Nothing that can
change is cached: a tag moved through another process is never served stale after its 201.
"""

from collections.abc import Collection
from functools import cache

import msgspec

from moorage.access.policy import Entry, Ticket
from moorage.db.statements import Query, Reader, Row
from moorage.errors import BlobUnknown, ManifestUnknown, NotCached, Problem, ProxyPush, RepositoryUnknown, TicketRevoked
from moorage.oci.digest import Digest

_ALIVE = "p.id, p.epoch, q.epoch, q.disabled, q.deleted_at"
_OWNERS = """FROM repository r
JOIN project p ON p.id = r.project_id AND p.trash_id IS NULL"""
_WHERE = """LEFT JOIN principal q ON q.id = $3
WHERE r.path = $1 AND r.trash_id IS NULL"""

_BY_TAG = Query(
    f"""SELECT {_ALIVE}, a.id, a.digest, a.media_type, m.bytes, r.id, p.registry_id
{_OWNERS}
JOIN tag t ON t.repository_id = r.id AND t.name = $2
JOIN artifact a ON a.id = t.artifact_id
JOIN manifest m ON m.artifact_id = a.id
{_WHERE}"""
)
_BY_DIGEST = Query(
    f"""SELECT {_ALIVE}, a.id, a.digest, a.media_type, m.bytes, r.id, p.registry_id
{_OWNERS}
JOIN artifact a ON a.repository_id = r.id AND a.digest = $2 AND a.trash_id IS NULL
JOIN manifest m ON m.artifact_id = a.id
{_WHERE}"""
)
_BLOB = Query(
    f"""SELECT {_ALIVE}, b.id, b.key, b.size_bytes, b.seal, {{left:l.lease_until}}, r.id
{_OWNERS}
JOIN blob b ON b.digest = $2 AND b.state = 'live'
JOIN repository_blob l ON l.repository_id = r.id AND l.blob_id = b.id AND NOT l.hidden
{_WHERE}"""
)
_SCOPE = Query(
    """SELECT p.id, p.epoch, q.epoch, q.disabled, q.deleted_at, r.id, p.registry_id
FROM project p
LEFT JOIN repository r ON r.project_id = p.id AND r.path = $1 AND r.trash_id IS NULL
LEFT JOIN principal q ON q.id = $3
WHERE p.id = $2 AND p.trash_id IS NULL"""
)
_TAGS = Query("SELECT name FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3")
# The database writes the JSON: 10,000 rows taken one by one would hold the loop four times as long. SQLite visits a
# range of the clustered table in its order; through a subselect that says so it would take twice as long. No tag holds
# a character that JSON would escape.
_ALL_TAGS = Query(
    """SELECT coalesce(json_agg(name ORDER BY name), '[]')::text
FROM tag WHERE repository_id = $1 AND name > $2""",
    sqlite="""SELECT coalesce('["' || group_concat(name, '","') || '"]', '[]')
FROM tag WHERE repository_id = $1 AND name > $2""",
    alone=True,
)
_CATALOG = Query(
    """SELECT path FROM repository WHERE trash_id IS NULL AND artifact_count > 0 AND path > $1
ORDER BY path LIMIT $2""",
    alone=True,
)
_CATALOG_OF = Query(
    """SELECT path FROM repository WHERE trash_id IS NULL AND artifact_count > 0 AND path > $1 AND path < $3
ORDER BY path LIMIT $2""",
    alone=True,
)
_REFERRERS = Query(
    """SELECT a.id, a.digest, a.media_type, a.manifest_bytes, a.artifact_type, a.annotations
FROM artifact a
WHERE a.repository_id = $1 AND a.subject_digest = $2 AND a.id > $3 AND a.trash_id IS NULL
ORDER BY a.id LIMIT $4"""
)
_REFERRERS_OF_TYPE = Query(
    """SELECT a.id, a.digest, a.media_type, a.manifest_bytes, a.artifact_type, a.annotations
FROM artifact a
WHERE a.repository_id = $1 AND a.subject_digest = $2 AND a.id > $3 AND a.trash_id IS NULL AND a.artifact_type = $5
ORDER BY a.id LIMIT $4"""
)
_PRINCIPAL = Query("SELECT q.epoch, q.disabled, q.deleted_at FROM principal q WHERE q.id = $1")


class FoundManifest(msgspec.Struct, frozen=True):
    """A manifest to serve. `registry_id`: of the registry that its project mirrors; None: it mirrors none."""

    artifact_id: int
    digest: bytes
    media_type: str
    bytes: bytes
    repository_id: int
    registry_id: int | None = None


class Place(msgspec.Struct, frozen=True):
    """A repository as a ticket for it still finds it.

    Attributes:
        repository_id: None: there is no such repository.
        registry_id: of the registry that its project mirrors; None: it mirrors none.
    """

    repository_id: int | None
    registry_id: int | None


class Stored(msgspec.Struct, frozen=True):
    """Where the row of a live blob says that its bytes are, and the seal of the moment they were verified."""

    blob_id: int
    key: str
    size_bytes: int
    seal: str | None


class FoundBlob(Stored, frozen=True):
    """A blob to serve. `lease_seconds`: until its link may be collected; None: an artifact holds it."""

    lease_seconds: float | None
    repository_id: int


def require_alive(ticket: Ticket, entry: Entry, row: Row) -> None:
    """Compare a ticket with the live project and principal: the first five columns of a row, `_ALIVE`.

    Raises:
        TicketRevoked: one of them was changed since it was issued.
    """
    if row[0] != entry.project_id or row[1] != entry.project_epoch:
        raise TicketRevoked
    if ticket.principal_id and (row[2] != ticket.principal_epoch or row[3] or row[4] is not None):
        raise TicketRevoked


async def find_manifest(read: Reader, ticket: Ticket, entry: Entry, repository: str, reference: str) -> FoundManifest:
    """The manifest that `reference` (a tag, or a digest in text) names.

    Raises:
        ManifestUnknown: it is not there, in a repository that the caller may pull from.
        NotCached: the same, and the project mirrors a registry that may have it.
        RepositoryUnknown: there is no such repository.
        TicketRevoked: the ticket no longer fits.

    Cost: one statement of six look-ups by primary key or unique index; two when there is nothing.
    """
    if ":" in reference:
        row = await read.one(_BY_DIGEST, repository, Digest(reference).binary, ticket.principal_id)
    else:
        row = await read.one(_BY_TAG, repository, reference, ticket.principal_id)
    if row is None:
        await _require_hosted(read, ticket, entry, repository, RepositoryUnknown)
        raise ManifestUnknown(repository=repository, reference=reference)
    require_alive(ticket, entry, row)
    return FoundManifest(row[5], row[6], row[7], row[8], row[9], row[10])


async def find_blob(read: Reader, ticket: Ticket, entry: Entry, repository: str, digest: Digest) -> FoundBlob:
    """The blob `digest`, if it can be seen in `repository`: there is no look-up across repositories.

    Raises:
        BlobUnknown: it is not linked there.
        NotCached: the same, and the project mirrors a registry that may have it.
        TicketRevoked: the ticket no longer fits.
    """
    row = await read.one(_BLOB, repository, digest.binary, ticket.principal_id)
    if row is None:
        await _require_hosted(read, ticket, entry, repository, BlobUnknown)
        raise BlobUnknown(repository=repository, digest=str(digest))
    require_alive(ticket, entry, row)
    return FoundBlob(row[5], row[6], row[7], row[8], row[9], row[10])


async def find_stored(read: Reader, repository: str, digests: Collection[Digest]) -> list[tuple[bytes, Stored]]:
    """Where the bytes of these blobs are, by their binary digests; what the repository does not show is left out.

    Cost: one statement.
    """
    wanted = [digest.binary for digest in digests]
    if not wanted:
        return []
    # Of a few lengths only, so that each is prepared once: the last digest fills the rest.
    wanted += wanted[-1:] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))
    rows = await read.all(_stored_query(len(wanted)), repository, *wanted)
    return [(bytes(row[0]), Stored(row[1], row[2], row[3], row[4])) for row in rows]


@cache
def _stored_query(count: int) -> Query:
    places = ", ".join(f"${number}" for number in range(2, count + 2))
    return Query(
        f"""SELECT b.digest, b.id, b.key, b.size_bytes, b.seal
FROM repository r
JOIN repository_blob l ON l.repository_id = r.id AND NOT l.hidden
JOIN blob b ON b.id = l.blob_id AND b.state = 'live'
WHERE r.path = $1 AND r.trash_id IS NULL AND b.digest IN ({places})"""  # noqa: S608 - our own words
    )


async def find_repository(
    read: Reader, ticket: Ticket, entry: Entry, repository: str, *, missing: type[Problem] = RepositoryUnknown
) -> int | None:
    """The id of a repository for which the ticket still holds.

    Raises:
        missing: there is no such repository.
        TicketRevoked: the ticket no longer fits, or its project is gone.
    """
    place = await find_place(read, ticket, entry, repository)
    if place.repository_id is None:
        raise missing(repository=repository)
    return place.repository_id


async def find_place(read: Reader, ticket: Ticket, entry: Entry, repository: str) -> Place:
    """A repository for which the ticket still holds; it need not exist yet.

    Raises:
        TicketRevoked: the ticket no longer fits, or its project is gone.
    """
    row = await read.one(_SCOPE, repository, entry.project_id, ticket.principal_id)
    if row is None:
        raise TicketRevoked
    require_alive(ticket, entry, row)
    return Place(row[5], row[6])


async def _require_hosted(read: Reader, ticket: Ticket, entry: Entry, repository: str, missing: type[Problem]) -> None:
    """Refuse what is in no repository here; and what is not here of a registry that the project mirrors."""
    place = await find_place(read, ticket, entry, repository)
    if place.registry_id is not None:
        raise NotCached
    if place.repository_id is None:
        raise missing(repository=repository)


async def require_pushable(read: Reader, ticket: Ticket, entry: Entry, repository: str) -> None:
    """Check that a ticket still holds for a repository, which need not exist yet, and that one may push to it.

    Raises:
        TicketRevoked: its principal or project changed since, or is gone.
        ProxyPush: the project mirrors another registry.
    """
    place = await find_place(read, ticket, entry, repository)
    if place.registry_id is not None:
        raise ProxyPush


async def require_principal(read: Reader, ticket: Ticket) -> None:
    """Check that the ticket's principal is still what it was; nobody in particular always is.

    Raises:
        TicketRevoked: changed, disabled or deleted.
    """
    if not ticket.principal_id:
        return
    row = await read.one(_PRINCIPAL, ticket.principal_id)
    if row is None or row[0] != ticket.principal_epoch or row[1] or row[2] is not None:
        raise TicketRevoked


async def list_tags(read: Reader, repository_id: int, last: str, limit: int) -> list[str]:
    """Tags after `last` in byte order, at most `limit`."""
    return [row[0] for row in await read.all(_TAGS, repository_id, last, limit)]


async def dump_tags(read: Reader, repository_id: int, last: str) -> str:
    """All tags after `last` in byte order, as a JSON array."""
    row = await read.one(_ALL_TAGS, repository_id, last)
    names: str = row[0] if row else "[]"
    return names


async def list_repositories(read: Reader, last: str, limit: int, *, project: str = "") -> list[str]:
    """Repositories that hold artifacts, after `last` in byte order, at most `limit`.

    With `project` those of that one only; `last` and what is returned lack its name then.
    """
    if not project:
        return [row[0] for row in await read.all(_CATALOG, last, limit)]
    begin = f"{project}/"
    rows = await read.all(_CATALOG_OF, begin + last, limit, f"{project}0")  # 0 is what comes after the slash
    return [row[0].removeprefix(begin) for row in rows]


async def list_referrers(
    read: Reader, repository_id: int, subject: Digest, *, artifact_type: str | None, after: int, limit: int
) -> list[tuple[int, bytes, str, int, str, object]]:
    """Artifacts whose subject is `subject`, in the order of their ids, after the id `after`, at most `limit`.

    Shape of a row: id, digest, media type, size of the manifest in bytes, artifact type, annotations (JSON text or
    mapping or null).
    """
    if artifact_type is None:
        rows = await read.all(_REFERRERS, repository_id, subject.binary, after, limit)
    else:
        rows = await read.all(_REFERRERS_OF_TYPE, repository_id, subject.binary, after, limit, artifact_type)
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
