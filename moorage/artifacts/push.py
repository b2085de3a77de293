"""Record a pushed manifest: links, artifact, tags and quota in one transaction.

Source: OCI distribution-spec v1.1, "Pushing Manifests"; docs/develop/lossless.md, "Manifest PUT".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, cast

from sqlalchemy import bindparam, select

from moorage import failpoints
from moorage.artifacts.manifest_rows import (
    ACCESSORY,
    LOCK_ALL,
    SIZE,
    Around,
    Child,
    Held,
    Place,
    Recorded,
    Told,
    find_artifact,
    insert_artifact,
    read_columns,
    write,
)
from moorage.blobs import charge_states
from moorage.db.hand_written_sql import Call, call, each, filled, sized
from moorage.db.locks import locking_tag
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.errors import ManifestBlobUnknown, ManifestInvalid, TagMoved
from moorage.events import ManifestPushed
from moorage.oci.digest import Digest
from moorage.oci.manifest import Manifest as Parsed
from moorage.oci.media_types import FOREIGN_LAYERS
from moorage.quotas import limits
from moorage.quotas import service as quotas
from moorage.repositories.creation import (
    Destination,
    Target,
    count_artifacts,
    counting,
    ensure_repository,
    settle_count,
)
from moorage.repositories.tables import Artifact

_DIGEST_OF = select(Artifact.digest).where(Artifact.id == bindparam("artifact"))


@lru_cache(maxsize=512)
def _links(count: int) -> Query:
    """The live blobs that a repository holds, of so many digests; their links are share-locked."""
    return Query(
        f"""SELECT b.id, b.digest, b.size_bytes
FROM blob b JOIN repository_blob l ON l.blob_id = b.id
WHERE l.repository_id = $1 AND NOT l.hidden AND b.state = 'live' AND b.digest IN ({_places(count)})
ORDER BY b.id {{lock:FOR KEY SHARE OF l}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _children(count: int) -> Query:
    """The artifacts of a repository, of so many digests, share-locked."""
    return Query(
        f"""SELECT id, digest, size_bytes, manifest_bytes FROM artifact
WHERE repository_id = $1 AND trash_id IS NULL AND digest IN ({_places(count)})
ORDER BY id {{lock:FOR KEY SHARE}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _tags(count: int) -> Query:
    """Where so many tags of a repository point, locked."""
    return Query(
        f"""SELECT name, artifact_id, history_id FROM tag
WHERE repository_id = $1 AND name IN ({_places(count)})
ORDER BY name {{lock:FOR UPDATE}}"""  # noqa: S608 - put together from constants
    )


@lru_cache(maxsize=512)
def _losers(count: int) -> Query:
    """Lock the artifact of a digest, if there is one, and so many that may lose a tag to it, in one order."""
    return Query(
        "",
        postgresql=f"""SELECT id FROM artifact
WHERE repository_id = $1 AND digest = $2 OR id IN ({_places(count, 3)})
ORDER BY id FOR NO KEY UPDATE""",  # noqa: S608 - put together from constants
    )


def _places(count: int, first: int = 2) -> str:
    return ", ".join(f"${number}" for number in range(first, sized(count) + first))


Condition = Callable[[str | None], bool]
"""Given the entity tag of what a tag points to now (its digest; None: the tag does not exist), whether it may move."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of a push. `new`: the repository did not hold this manifest. `tags`: how many it did not have.

    `owed`, `back`: bytes that the project had not paid for, and bytes that the trash alone held (`holding.Used`), with
    the manifest's own. They are counted already where the push was `charged`.
    """

    artifact_id: int
    new: bool
    tags: int
    owed: int
    back: int


def record(
    work: Work,
    to: Destination,
    digest: Digest,
    parsed: Parsed,
    raw: bytes,
    *,
    tags: Sequence[str] = (),
    condition: Condition | None = None,
    charged: bool = True,
    sparse: bool = False,
) -> Pushed:
    """Record a manifest and point `tags` at it: all of it or nothing. Safe to repeat.

    Args:
        charged: charge the project for the manifest's own bytes, and count its new tags. A caller who records several
            in one transaction does so for all of them at its end: whoever holds the counters waits for nothing else.
        condition: must hold for the first tag, as it is under the lock of this transaction.
        sparse: children of an index may be missing: somebody chose to copy some of them. Those that come later are
            linked then.

    Raises:
        ManifestBlobUnknown: blobs or children are not in this repository; the detail names them.
        ManifestInvalid: a size in it is not that of the blob or child; not where it is `sparse`, for such a copy says
            what its source does.
        TagMoved: the condition does not hold.
        TagImmutable: a rule keeps a tag that points to another artifact where it is.
        QuotaExceeded: no room for the manifest's own bytes.
        ProjectFull: a repository or a tag too many.
    """
    target = ensure_repository(work, to)
    repository = target.repository_id
    names = sorted(set(tags))
    held, blobs, children, sizes = _look_around(work, repository, names, parsed)
    if condition is not None:
        _check_condition(work, tags[0], held, condition)
    linked = _require_blobs(parsed, blobs)
    if not sparse:
        _require_children(parsed, children)
        _require_sizes(parsed, sizes)
    failpoints.point("manifest.linked")

    columns = read_columns(parsed, raw, children, tags)
    losers = sorted({one.artifact_id for one in held.values()} | {one.id for one in children.values()})
    recorded = _ensure_artifact(work, Place(repository, digest, losers), columns, raw, linked)
    artifact, new, _, _ = recorded
    used = charge_states.use(work, to.project_id, linked) if target.has_trash else charge_states.Used()
    owed = used.owed + (len(raw) if new else 0)
    back = used.back + (len(raw) if recorded.back else 0)
    told = Told(digest, parsed, tags, sparse=sparse)
    listed, made, calls = write(work, target, recorded, told, Around(held, children))
    pays = charged and (new or owed > 0)
    tally = _Tally(listed, made if charged else 0, back if charged else 0, owed if pays else None)
    _count_and_charge(work, to.project_id, repository, calls, tally)
    work.emit(ManifestPushed(to.project_id, repository, to.path, artifact, str(digest), tuple(tags), new))
    failpoints.point("manifest.recorded")
    return Pushed(artifact, new, made, owed, back)


@dataclass(frozen=True, slots=True)
class Draft:
    """A manifest to record together with others.

    Attributes:
        tags: what is to point to it; no other draft has one of them.
        blobs: the ids of its blobs: live, and linked to the repository by this transaction.
    """

    digest: Digest
    parsed: Parsed
    raw: bytes
    tags: Sequence[str]
    blobs: Sequence[int]


def record_all(work: Work, target: Target, drafts: Sequence[Draft], held: dict[str, Held]) -> int:
    """Record manifests, children before the indexes that name them; the bytes that the project now owes for them.

    Children of an index that are neither among them nor in the repository are left out, as where it comes from.

    The locks are those of a push, each kind taken once for all of them and in one order, so that neither pushes nor
    others who record many wait in a circle with this: new artifacts by digest, those that are there and those that lose
    a tag by id, then the counters. The caller charges what is owed, last.

    Args:
        held: the locked tags of all of them, from `hold_tags`.

    Raises:
        TagImmutable, ProjectFull: as `record`.
    """
    repository = target.repository_id
    children = _find_others(work, repository, drafts)
    others = sorted(one.id for one in children.values())
    columns: dict[bytes, tuple[object, ...]] = {}
    for draft in drafts:
        said = read_columns(draft.parsed, draft.raw, _among(draft.parsed, children), draft.tags)
        columns[draft.digest.binary] = said
        children[draft.digest.binary] = Child(0, cast("int", said[SIZE]))
    made: dict[bytes, Recorded] = {}
    for draft in sorted(drafts, key=lambda one: one.digest.binary):
        key = draft.digest.binary
        place = Place(repository, draft.digest, [])
        artifact = insert_artifact(work, place, columns[key], draft.raw, draft.blobs)
        if artifact is not None:
            made[key] = Recorded(artifact, True, 0 if columns[key][ACCESSORY] else 1)
    losers = sorted({*(one.artifact_id for one in held.values()), *others})
    there = [draft.digest.binary for draft in drafts if draft.digest.binary not in made]
    each(work, (call(LOCK_ALL, repository, there, losers),))
    for key in there:
        made[key] = find_artifact(work, repository, key, accessory=bool(columns[key][ACCESSORY]))
    used = charge_states.Used()
    if target.has_trash:
        used = charge_states.use(work, target.project_id, sorted({blob for draft in drafts for blob in draft.blobs}))
    owed, back = used
    listed = tags = 0
    for draft in drafts:
        recorded = made[draft.digest.binary]
        children[draft.digest.binary] = Child(recorded.id, children[draft.digest.binary].size_bytes)
        told = Told(draft.digest, draft.parsed, draft.tags, sparse=True)
        grew, named, calls = write(work, target, recorded, told, Around(held, _among(draft.parsed, children)))
        each(work, calls)
        listed, tags = listed + grew, tags + named
        owed += len(draft.raw) if recorded.new else 0
        back += len(draft.raw) if recorded.back else 0
        work.emit(
            ManifestPushed(
                target.project_id, repository, target.path, recorded.id, str(draft.digest), tuple(draft.tags),
                recorded.new,
            )
        )  # fmt: skip
    count_artifacts(work, repository, listed)
    limits.count_tags(work, target.project_id, tags)
    quotas.count_trash(work, target.project_id, -back)
    return owed


def _find_others(work: Work, repository: int, drafts: Sequence[Draft]) -> dict[bytes, Child]:
    """The children of drafts that are in the repository and no drafts themselves, share-locked."""
    own = {draft.digest.binary for draft in drafts}
    wanted = sorted({entry.digest.binary for draft in drafts for entry in draft.parsed.children} - own)
    if not wanted:
        return {}
    (rows,) = each(work, (call(_children(len(wanted)), repository, *filled(wanted)),))
    return {bytes(digest): Child(id_, size) for id_, digest, size, _ in rows}


def _look_around(
    work: Work, repository: int, names: list[str], parsed: Parsed
) -> tuple[dict[str, Held], dict[bytes, int], dict[bytes, Child], dict[bytes, int]]:
    """What is there now, locked in the order of locks: tags by name, then ids of blobs and children by digest.

    At last how many bytes each of those blobs, or the manifest of each child, has.

    The links of the blobs are share-locked: the collector passes them by. The leases are left alone: it turns a spent
    one into "held" when it finds the link in use.
    """
    blobs = [descriptor.digest.binary for descriptor in (*parsed.blobs, *parsed.foreign)]
    wanted = [descriptor.digest.binary for descriptor in parsed.children]
    calls = [locking_tag(repository, name) for name in names]
    for query, values in ((_tags, names), (_links, blobs), (_children, wanted)):
        if values:
            calls.append(call(query(len(values)), repository, *filled(values)))
    found = iter(each(work, calls)[len(names) :])
    held = {name: Held(artifact, history) for name, artifact, history in (next(found) if names else ())}
    links, children, sizes = {}, {}, {}
    for blob, binary, size in next(found) if blobs else ():
        digest = bytes(binary)
        links[digest], sizes[digest] = blob, size
    for artifact, binary, size, manifest_size in next(found) if wanted else ():
        digest = bytes(binary)
        children[digest], sizes[digest] = Child(artifact, size), manifest_size
    return held, links, children, sizes


def hold_tags(work: Work, repository: int, names: list[str]) -> dict[str, Held]:
    """Lock tags of a repository by their names; where those that exist point."""
    if not names:
        return {}
    calls = [locking_tag(repository, name) for name in names]
    rows = each(work, [*calls, call(_tags(len(names)), repository, *filled(names))])[-1]
    return {name: Held(artifact, history) for name, artifact, history in rows}


def _among(parsed: Parsed, known: dict[bytes, Child]) -> dict[bytes, Child]:
    """Those of the known that an index names."""
    digests = [entry.digest.binary for entry in parsed.children]
    return {digest: known[digest] for digest in digests if digest in known}


def _check_condition(work: Work, tag: str, held: dict[str, Held], condition: Condition) -> None:
    row = held.get(tag)
    now = work.db.execute(_DIGEST_OF, {"artifact": row.artifact_id}).scalar() if row is not None else None
    if not condition(None if now is None else str(Digest.from_binary(bytes(now)))):
        raise TagMoved(tag=tag)


def _require_blobs(parsed: Parsed, found: dict[bytes, int]) -> list[int]:
    """The ids of the blobs that the manifest names. Foreign layers need not be here; those that are count, too."""
    missing = [str(entry.digest) for entry in parsed.blobs if entry.digest.binary not in found]
    if missing:
        raise ManifestBlobUnknown(missing=list(dict.fromkeys(missing))[:20])
    return sorted(found.values())


def _require_children(parsed: Parsed, found: dict[bytes, Child]) -> None:
    missing = [str(entry.digest) for entry in parsed.children if entry.digest.binary not in found]
    if missing:
        raise ManifestBlobUnknown(missing=list(dict.fromkeys(missing))[:20])


def _require_sizes(parsed: Parsed, sizes: dict[bytes, int]) -> None:
    """Each size that the manifest gives is that of what is here: a client that checks could not pull it otherwise.

    Foreign layers are left alone: they are fetched elsewhere.
    """
    for entry in parsed.children or (*filter(None, (parsed.config,)), *parsed.layers):
        stored = sizes.get(entry.digest.binary, entry.size_bytes)
        is_foreign = entry.media_type in FOREIGN_LAYERS and entry is not parsed.config
        if stored == entry.size_bytes or is_foreign:
            continue
        what = "manifest" if parsed.children else "blob"
        raise ManifestInvalid(
            f"The manifest is invalid: it gives {entry.digest} a size of {entry.size_bytes} bytes, and the {what} "
            f"stored here has {stored}. Push a manifest with the size of the {what}.",
            digest=str(entry.digest), manifest_size=entry.size_bytes, stored_size=stored,
        )  # fmt: skip


def _ensure_artifact(work: Work, place: Place, columns: tuple[object, ...], raw: bytes, blobs: list[int]) -> Recorded:
    """The artifact of a manifest, made unless it is there, and locked together with those that may lose a tag to it."""
    repository, digest, _ = place
    accessory = bool(columns[ACCESSORY])
    made = insert_artifact(work, place, columns, raw, blobs)
    _lock_losers(work, place)
    if made is not None:
        return Recorded(made, True, 0 if accessory else 1)
    return find_artifact(work, repository, digest.binary, accessory=accessory)


def _lock_losers(work: Work, place: Place) -> None:
    if place.losers:
        query = _losers(len(place.losers))
        each(work, (call(query, place.repository_id, place.digest.binary, *filled(place.losers)),))


class _Tally(NamedTuple):
    """What grew: the default list, the project's tags, and what it holds in bytes (None: nothing to charge).

    `back`: bytes that the trash alone held.
    """

    listed: int
    tags: int
    back: int
    charged: int | None


def _count_and_charge(work: Work, project: int, repository: int, calls: list[Call], grew: _Tally) -> None:
    """Run `calls`, and with them the counting of what grew.

    Raises:
        QuotaExceeded: no room.
        ProjectFull: a repository or a tag too many.
    """
    if grew.listed:
        calls.append(counting(work, repository, grew.listed))
    if grew.tags:
        calls.append(limits.counting_tags(project, grew.tags))
    if grew.back:
        calls.append(quotas.counting_trash(project, -grew.back))
    if grew.charged is not None:
        calls.append(quotas.charging(project, grew.charged))
    results = each(work, calls)
    if grew.charged is not None:
        quotas.settle_charge(work, project, grew.charged, results.pop())
    if grew.back:
        results.pop()
    if grew.tags:
        limits.settle_tags(work, grew.tags, results.pop())
    if grew.listed:
        settle_count(work, grew.listed, results.pop())
