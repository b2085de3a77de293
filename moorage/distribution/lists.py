"""Lists of the data plane: tags, catalog, referrers. Each pages by key, so every page costs the same.

Source: OCI distribution-spec v1.1, "Listing Tags", "Listing Referrers"; distribution's `_catalog`.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from moorage.access.policy import PULL
from moorage.distribution import proxy_pull
from moorage.distribution.context import Plane
from moorage.errors import Invalid, ManifestUnknown, NotCached, PageKeyInvalid, PageSizeInvalid, RepositoryUnknown
from moorage.oci.digest import Digest
from moorage.oci.media_types import OCI_INDEX
from moorage.repositories.lookup import (
    dump_tags,
    find_manifest,
    find_place,
    list_referrers,
    list_repositories,
    list_tags,
)
from moorage.tokens.scopes import Scope
from moorage.web.request import Request, whole_number
from moorage.web.response import JSON_TYPE, Header, Reply, json_reply

PAGE_LIMIT = 1000
_REFERRERS_PAGE = 200
_EVERYTHING = 1_000_000
_KEY_LIMIT = 512


def _page(request: Request) -> tuple[int | None, str]:
    """`n` (None: not given) and `last`.

    Raises:
        PageSizeInvalid: `n` is no whole number from 0 up. Larger than 1,000 counts as 1,000.
    """
    text = request.field("n")
    last = request.field("last") or ""
    if len(last) > _KEY_LIMIT:
        msg = "The query field 'last' is too long."
        raise Invalid(msg)
    last = last.replace("\x00", "")  # no name holds it, and PostgreSQL takes none
    return (None if text is None else whole_number(text, limit=PAGE_LIMIT, problem=PageSizeInvalid)), last


def _next(request: Request, query: Mapping[str, object]) -> Header:
    """The way to the next page: where this one was asked for, also through a mirror."""
    ns = request.field("ns") if request.mirror else None
    text = urlencode({**query, **({"ns": ns} if ns else {})}, quote_via=quote)
    return (b"link", f'<{request.path}?{text}>; rel="next"'.encode("latin-1"))


def _shown(request: Request, name: str) -> str:
    """A repository's name as the client knows it."""
    return name.removeprefix(f"{request.mirror}/") if request.mirror else name


async def tags(plane: Plane, request: Request, name: str, _reference: str) -> Reply:
    """The tags of a repository in byte order; all of them without `n`."""
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (PULL,)),))
    size, last = _page(request)
    read = plane.database.read
    place = await find_place(read, ticket, ticket.entries[name], name)
    shown = _shown(request, name)
    if place.registry_id is not None:
        every = await proxy_pull.list_tags(plane, ticket, name)
        return _page_of_tags(request, shown, every, size, last)
    repository_id = place.repository_id
    if repository_id is None:
        raise RepositoryUnknown(repository=name)
    if size is None:
        names = await dump_tags(read, repository_id, last)
        return Reply(200, [JSON_TYPE], f'{{"name":"{shown}","tags":{names}}}'.encode("ascii"))
    if size == 0:
        return json_reply(200, {"name": shown, "tags": []})
    found = await list_tags(read, repository_id, last, size + 1)
    headers: list[Header] = []
    if len(found) > size:
        found = found[:size]
        headers.append(_next(request, {"n": size, "last": found[-1]}))
    return json_reply(200, {"name": shown, "tags": found}, headers)


def _page_of_tags(request: Request, shown: str, every: list[str], size: int | None, last: str) -> Reply:
    """A page of tags that are all at hand, in byte order."""
    rest = every[bisect_right(every, last) :]
    headers: list[Header] = []
    if size is not None and len(rest) > size:
        rest = rest[:size]
        if size:
            headers.append(_next(request, {"n": size, "last": rest[-1]}))
    return json_reply(200, {"name": shown, "tags": rest}, headers)


async def catalog(plane: Plane, request: Request, _name: str, _reference: str) -> Reply:
    """The repositories that hold artifacts, for administrators; 1,000 at a time unless `n` says fewer.

    Through a mirror those of its project, without its name.
    """
    await plane.gate.ticket(request, (Scope("registry", "catalog", ("*",)),))
    size, last = _page(request)
    if size == 0:
        return json_reply(200, {"repositories": []})
    size = size or PAGE_LIMIT
    found = await list_repositories(plane.database.read, last, size + 1, project=request.mirror)
    headers: list[Header] = []
    if len(found) > size:
        found = found[:size]
        headers.append(_next(request, {"n": size, "last": found[-1]}))
    return json_reply(200, {"repositories": found}, headers)


async def referrers(plane: Plane, request: Request, name: str, reference: str) -> Reply:
    """The artifacts whose subject is a digest, as an index; empty for what nobody refers to, known or not.

    What a client without this API keeps under the tag `<algorithm>-<hex>` is shown as well, on the first page.
    """
    ticket = await plane.gate.ticket(request, (Scope("repository", name, (PULL,)),))
    digest = Digest(reference)
    read = plane.database.read
    entry = ticket.entries[name]
    wanted = request.field("artifactType")
    if wanted is not None and len(wanted) > _KEY_LIMIT:
        msg = "The query field 'artifactType' is too long."
        raise Invalid(msg)
    if wanted is not None and "\x00" in wanted:
        wanted = "\ufffd"  # no type holds NUL nor this, and PostgreSQL takes the second only
    after = whole_number(request.field("last") or "0", limit=2**62, problem=PageKeyInvalid)
    place = await find_place(read, ticket, entry, name)
    repository_id = place.repository_id
    headers: list[Header] = [(b"content-type", OCI_INDEX.encode("ascii"))]
    if wanted:
        headers.append((b"oci-filters-applied", b"artifactType"))
    entries: list[dict[str, object]] = []
    if repository_id is not None:
        rows = await list_referrers(
            read, repository_id, digest, artifact_type=wanted or None, after=after, limit=_REFERRERS_PAGE + 1
        )
        if len(rows) > _REFERRERS_PAGE:
            rows = rows[:_REFERRERS_PAGE]
            query = {"last": rows[-1][0], **({"artifactType": wanted} if wanted else {})}
            headers.append(_next(request, query))
        entries = [_descriptor(row) for row in rows]
        if after == 0:
            try:
                index = await find_manifest(read, ticket, entry, name, f"{digest.algorithm}-{digest.hex[:64]}")
            except (ManifestUnknown, NotCached):
                pass
            else:
                everything = await list_referrers(
                    read, repository_id, digest, artifact_type=None, after=0, limit=_EVERYTHING
                )
                seen = {str(Digest.from_binary(row[1])) for row in everything}
                entries += _fallback(index.bytes, index.media_type, wanted or None, seen)
    if place.registry_id is not None and after == 0:
        entries += await proxy_pull.list_referrers(plane, ticket, name, digest, but=entries, wanted=wanted or None)
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Reply(200, headers, json.dumps(body, separators=(",", ":")).encode())


def _descriptor(row: tuple[int, bytes, str, int, str, object]) -> dict[str, object]:
    entry: dict[str, object] = {
        "mediaType": row[2],
        "digest": str(Digest.from_binary(row[1])),
        "size": row[3],
    }
    if row[4]:
        entry["artifactType"] = row[4]
    annotations = json.loads(row[5]) if isinstance(row[5], str) else row[5]
    if annotations:
        entry["annotations"] = annotations
    return entry


def _fallback(raw: bytes, media_type: str, wanted: str | None, seen: set[str]) -> list[dict[str, object]]:
    """The entries of a fallback index that are not listed by themselves, on whichever page.

    Source: OCI distribution-spec v1.1, "Referrers Tag Schema".
    """
    if media_type != OCI_INDEX:
        return []
    listed = json.loads(raw).get("manifests", [])
    return [
        entry
        for entry in listed
        if entry.get("digest") not in seen and (wanted is None or entry.get("artifactType") == wanted)
    ]
