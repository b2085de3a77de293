"""The invariants of docs/develop/lossless.md, recomputed from rows and files: call `check` at the end of any test.

Everything is read in one snapshot and counted anew in Python, so that no query of the product judges itself. Nothing
else may be writing to the storage folder meanwhile: a request in flight has files that a moment later have a row.
"""

import hashlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, create_engine, event, make_url, select
from sqlalchemy.pool import NullPool

import moorage.db.tables  # noqa: F401 - every table, so that `Base.metadata` is whole
from moorage.db.base import Base
from moorage.oci.digest import Digest, Hasher
from moorage.oci.manifest import parse
from moorage.oci.versions import order_key

TABLES = (
    "project", "repository", "artifact", "manifest", "artifact_reference", "tag", "tag_history", "trash",
    "blob", "project_blob", "repository_blob", "artifact_blob", "upload", "quota", "quota_slot", "audit",
)  # fmt: skip

Rows = dict[str, list[Row[Any]]]


def check(
    database: str,
    storage: Path,
    *,
    rest: bool = False,
    audit: bool = True,
    limits: bool = True,
    damaged: Collection[str] = (),
) -> None:
    """Fail with every invariant that does not hold.

    Args:
        database: its URL.
        storage: the folder of the file system driver.
        rest: nobody is in the middle of anything: no upload is open, no place is given out, and no file is left but
            those of live or doomed blobs (I8 as far as it can be seen without the collector).
        audit: compare what was done with the audit rows (I12); not where audit rows or trash were purged.
        limits: no project holds more than its limit allows; not where a limit was lowered below what is held.
        damaged: digests whose live files somebody lost or damaged, and nobody has healed: they have to be wrong.
    """
    broken = list(find_broken(database, storage, rest=rest, audit=audit, limits=limits, damaged=damaged))
    assert not broken, "invariants that do not hold:\n" + "\n".join(broken[:40])


def find_broken(
    database: str,
    storage: Path,
    *,
    rest: bool = False,
    audit: bool = True,
    limits: bool = True,
    damaged: Collection[str] = (),
) -> Iterator[str]:
    """A line for everything that is not as it must be, beginning with the invariant's number."""
    rows = read(database)
    yield from _blobs(rows, storage, damaged)
    yield from _charges(rows)
    yield from _links(rows)
    yield from _manifests(rows)
    yield from _quota(rows, limits=limits)
    yield from _tags(rows)
    yield from _counts(rows)
    yield from _uploads(rows, storage)
    yield from _files(rows, storage)
    if audit:
        yield from _audit(rows)
    if rest:
        yield from (f"I8: upload {row.id} is left (dead: {row.dead})" for row in rows["upload"])
        yield from (f"I8: blob {row.id} is still arriving" for row in rows["blob"] if row.state == "arriving")


def read(database: str) -> Rows:
    """All rows of the tables that matter, in one snapshot."""
    with _engine(database).connect() as db:
        return {name: list(db.execute(select(Base.metadata.tables[name]))) for name in TABLES}


@lru_cache(8)
def _engine(database: str) -> Engine:
    """Kept for its compiled statements; no connection is."""
    url = make_url(database)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        return create_engine(url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    engine = create_engine(url, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 begins no transaction for reads

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


# -- bytes ------------------------------------------------------------------------------------------------


def _hash(path: Path, algorithm: str, size: int | None = None) -> str:
    data = path.read_bytes()
    return hashlib.new(algorithm, data if size is None else data[:size]).hexdigest()


def _blobs(rows: Rows, storage: Path, damaged: Collection[str]) -> Iterator[str]:
    live: Counter[bytes] = Counter()
    for row in rows["blob"]:
        digest = Digest.from_binary(bytes(row.digest))
        if (row.state == "live") != (row.live is True):
            yield f"I4: blob {row.id} is {row.state}, and its `live` is {row.live}"
        if row.state != "live":
            continue
        live[bytes(row.digest)] += 1
        path = storage / row.key
        if str(digest) in damaged:
            if path.is_file() and _hash(path, digest.algorithm) == digest.hex:
                yield f"damage: {row.key} is whole, which the test does not expect"
        elif not path.is_file():
            yield f"I1: the live blob {row.id} has no file {row.key}"
        elif path.stat().st_size != row.size_bytes:
            yield f"I1: {row.key} has {path.stat().st_size} bytes, its row says {row.size_bytes}"
        elif _hash(path, digest.algorithm) != digest.hex:
            yield f"I10: the bytes of {row.key} are not what its digest says"
    yield from (f"I4: {digest.hex()} has {count} live places" for digest, count in live.items() if count > 1)
    keys = Counter(row.key for row in rows["blob"])
    yield from (f"I4: the key {key} belongs to {count} rows" for key, count in keys.items() if count > 1)


def _charges(rows: Rows) -> Iterator[str]:
    """Projects pay for live blobs, and what nobody holds is marked for the collector."""
    blobs = {row.id: row for row in rows["blob"]}
    held = {(row.project_id, row.blob_id) for row in rows["repository_blob"]}
    for row in rows["project_blob"]:
        blob = blobs.get(row.blob_id)
        if blob is None or blob.state != "live":
            yield f"I1: project {row.project_id} is charged for blob {row.blob_id}, which is not live"
        elif blob.size_bytes != row.size_bytes:
            yield f"I7: project {row.project_id} is charged {row.size_bytes} for a blob of {blob.size_bytes} bytes"
        if (row.project_id, row.blob_id) not in held and row.idle_since is None:
            yield f"I5: project {row.project_id} pays for blob {row.blob_id}, nothing holds it and nobody will look"
    charged = {row.blob_id for row in rows["project_blob"]}
    for row in blobs.values():
        if row.state == "live" and row.id not in charged and row.idle_since is None:
            yield f"I5: blob {row.id} is live, no project is charged for it and nobody will look"


def _links(rows: Rows) -> Iterator[str]:
    """Links lead to what the project pays for, and are held by a lease or by an artifact."""
    charges = {(row.project_id, row.blob_id) for row in rows["project_blob"]}
    links = {(row.repository_id, row.blob_id): row for row in rows["repository_blob"]}
    project_of = {row.id: row.project_id for row in rows["repository"]}
    artifacts = {row.id: row for row in rows["artifact"]}
    used = {(row.repository_id, row.blob_id) for row in rows["artifact_blob"]}
    for (repository, blob), row in links.items():
        if (row.project_id, blob) not in charges or project_of[repository] != row.project_id:
            yield f"I2: repository {repository} links blob {blob}, which its project is not charged for"
        if row.lease_until is None and (repository, blob) not in used:
            yield f"I5: repository {repository} holds blob {blob} without a lease, and nothing uses it"
    for row in rows["artifact_blob"]:
        artifact, link = artifacts[row.artifact_id], links.get((row.repository_id, row.blob_id))
        if link is None or artifact.repository_id != row.repository_id:
            yield f"I1: artifact {row.artifact_id} needs blob {row.blob_id}, which its repository does not link"
        elif artifact.trash_id is None and link.hidden:
            yield f"I1: the visible artifact {row.artifact_id} needs blob {row.blob_id}, which is hidden"


def _manifests(rows: Rows) -> Iterator[str]:
    """Every artifact has its bytes, and a link for each blob that they name."""
    bodies = {row.artifact_id: bytes(row.bytes) for row in rows["manifest"]}
    digest_of = {row.id: bytes(row.digest) for row in rows["blob"]}
    uses: defaultdict[int, set[bytes]] = defaultdict(set)
    for row in rows["artifact_blob"]:
        uses[row.artifact_id].add(digest_of[row.blob_id])
    children: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows["artifact_reference"]:
        children[row.parent_id].append(row)
    artifacts = {row.id: row for row in rows["artifact"]}
    for row in artifacts.values():
        raw, digest = bodies.get(row.id), Digest.from_binary(bytes(row.digest))
        if raw is None:
            yield f"I1: artifact {row.id} has no manifest"
            continue
        if hashlib.new(digest.algorithm, raw).hexdigest() != digest.hex or len(raw) != row.manifest_bytes:
            yield f"I10: the manifest of artifact {row.id} is not what its digest says"
            continue
        parsed = parse(raw, row.media_type)
        missing = {entry.digest.binary for entry in parsed.blobs} - uses[row.id]
        yield from (f"I1: artifact {row.id} names blob {one.hex()} and does not hold it" for one in missing)
        if row.trash_id is not None:
            continue
        found = sorted(children[row.id], key=lambda entry: entry.position)
        if [entry.digest.binary for entry in parsed.children] != [bytes(entry.child_digest) for entry in found]:
            yield f"I1: the references of artifact {row.id} are not those of its manifest"
        for entry in found:
            child = artifacts.get(entry.child_id) if entry.child_id is not None else None
            if child is None or child.repository_id != row.repository_id or child.trash_id is not None:
                yield f"I1: the index {row.id} names {bytes(entry.child_digest).hex()}, which is not visible"


# -- numbers ----------------------------------------------------------------------------------------------


def _uses(rows: Rows, held: Counter[int], trash: Counter[int]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The blobs of projects that something live uses, and those that anything does; manifests are added to the sums.

    What a project's own act took counts as before: nobody asks what a project in the trash holds.
    """
    whole = {row.id for row in rows["trash"] if row.kind == "project"}
    away = {row.id for row in rows["repository"] if row.trash_id is not None and row.trash_id not in whole}
    project_of = {row.id: row.project_id for row in rows["repository"]}
    artifacts = {row.id: row for row in rows["artifact"]}
    in_trash = {row.id for row in artifacts.values() if row.trash_id is not None or row.repository_id in away}
    for row in artifacts.values():
        held[project_of[row.repository_id]] += row.manifest_bytes
        trash[project_of[row.repository_id]] += row.manifest_bytes if row.id in in_trash else 0
    live: set[tuple[int, int]] = set()
    used: set[tuple[int, int]] = set()
    for row in rows["artifact_blob"]:
        key = (project_of[row.repository_id], row.blob_id)
        used.add(key)
        if row.artifact_id not in in_trash:
            live.add(key)
    return live, used


def _quota(rows: Rows, *, limits: bool) -> Iterator[str]:
    expected: Counter[int] = Counter()
    trash: Counter[int] = Counter()
    live, used = _uses(rows, expected, trash)
    flagged = {row.id for row in rows["project"] if row.has_trash}
    for row in rows["project_blob"]:
        key = (row.project_id, row.blob_id)
        fits = {"used": key in live or key not in used, "trash": key in used - live, "released": key not in used}
        if not fits[row.holding]:
            yield f"I7: the charge {key} says {row.holding}; used live: {key in live}, at all: {key in used}"
        if row.holding != "used" and row.project_id not in flagged:
            yield f"I7: the charge {key} says {row.holding}, and pushes into its project do not look"
        expected[row.project_id] += row.size_bytes if row.holding != "released" else 0
        trash[row.project_id] += row.size_bytes if row.holding == "trash" else 0
    for row in rows["upload"]:
        expected[row.project_id] += row.reserved_bytes
    counted: Counter[int] = Counter()
    for row in rows["quota_slot"]:
        counted[row.project_id] += row.used_bytes
    yield from _limits(rows, limits=limits)
    limit = {row.project_id: row.limit_bytes for row in rows["quota"]}
    yield from (
        f"I7: project {row.project_id} counts {row.trash_bytes} bytes of trash and holds {trash[row.project_id]}"
        for row in rows["quota"]
        if row.trash_bytes != trash[row.project_id]
    )
    for project in (row.id for row in rows["project"]):
        if counted[project] != expected[project]:
            yield f"I7: project {project} counts {counted[project]} bytes and holds {expected[project]}"
        if limits and 0 <= limit[project] < counted[project]:
            yield f"I7: project {project} counts {counted[project]} bytes, its limit is {limit[project]}"


def _limits(rows: Rows, *, limits: bool) -> Iterator[str]:
    """Tags are counted where there is a limit of tags; of projects in the trash nobody asks."""
    projects = {row.id: row for row in rows["project"] if row.trash_id is None}
    project_of = {row.id: row.project_id for row in rows["repository"] if row.trash_id is None}
    tags = Counter(project_of[row.repository_id] for row in rows["tag"] if row.repository_id in project_of)
    for row in rows["quota"]:
        project = projects.get(row.project_id)
        if project is None:
            continue
        if row.limit_tags >= 0 and row.used_tags != tags[project.id]:
            yield f"I7: project {project.name} counts {row.used_tags} tags and holds {tags[project.id]}"
        if limits and 0 <= row.limit_tags < tags[project.id]:
            yield f"I7: project {project.name} holds {tags[project.id]} tags, its limit is {row.limit_tags}"
        if limits and 0 <= row.limit_repositories < project.repository_count:
            held = project.repository_count
            yield f"I7: project {project.name} holds {held} of {row.limit_repositories} repositories"


def _tags(rows: Rows) -> Iterator[str]:
    artifacts = {row.id: row for row in rows["artifact"]}
    history = {row.id: row for row in rows["tag_history"]}
    tags = {(row.repository_id, row.name): row for row in rows["tag"]}
    for (repository, name), row in tags.items():
        artifact, opened = artifacts[row.artifact_id], history[row.history_id]
        if artifact.trash_id is not None or artifact.repository_id != repository:
            yield f"I9: the tag {name} of repository {repository} points to artifact {artifact.id}, which is not there"
        if opened.until is not None or (opened.repository_id, opened.name) != (repository, name):
            yield f"I9: the history row of tag {name} of repository {repository} is closed, or another tag's"
        if bytes(opened.digest) != bytes(artifact.digest):
            yield f"I9: the history of tag {name} of repository {repository} names another digest"
        if row.version != order_key(name):
            yield f"I9: the tag {name} of repository {repository} is ordered as {row.version!r}"
    opens = Counter((row.repository_id, row.name) for row in history.values() if row.until is None)
    yield from (f"I9: tag {key} has {count} open history rows" for key, count in opens.items() if count > 1)
    yield from (f"I9: the history of tag {key} is open, and there is no such tag" for key in opens.keys() - tags.keys())
    for row in history.values():
        if (row.until is None) != (row.ended_by is None):
            yield f"I9: history row {row.id} ended by {row.ended_by!r} at {row.until}"


def _counts(rows: Rows) -> Iterator[str]:
    """Flags and counters that are kept beside what they count; not in a repository that is being purged."""
    purging = {row.id for row in rows["trash"] if row.purging}
    lost = {row.id for row in rows["project"] if row.trash_id in purging}
    going = {row.id for row in rows["repository"] if row.trash_id in purging or row.project_id in lost}
    artifacts = {row.id: row for row in rows["artifact"]}
    tagged = {row.artifact_id for row in rows["tag"]}
    child = {
        row.child_id
        for row in rows["artifact_reference"]
        if row.child_id is not None and artifacts[row.parent_id].trash_id is None
    }
    listed: Counter[int] = Counter()
    for row in artifacts.values():
        if row.repository_id in going:
            continue
        if row.tagged != (row.id in tagged):
            yield f"flags: artifact {row.id} says tagged={row.tagged}"
        if row.trash_id is not None:
            continue
        if row.child != (row.id in child):
            yield f"flags: artifact {row.id} says child={row.child}"
        listed[row.repository_id] += (row.tagged or not row.child) and not row.accessory
    holding: Counter[int] = Counter()
    for row in rows["repository"]:
        if row.id not in going and row.artifact_count != listed[row.id]:
            yield f"counts: repository {row.path} says {row.artifact_count} artifacts, it has {listed[row.id]}"
        holding[row.project_id] += row.trash_id is None and row.artifact_count > 0
    for row in rows["project"]:
        if row.repository_count != holding[row.id]:
            yield f"counts: project {row.name} says {row.repository_count} repositories, it has {holding[row.id]}"


# -- files ------------------------------------------------------------------------------------------------


def _upload_file(storage: Path, row: Row[Any]) -> Path:
    name: str = f"data.{row.driver}" if row.driver else "data"
    upload: str = row.id
    return storage / "uploads" / upload / name


def _uploads(rows: Rows, storage: Path) -> Iterator[str]:
    """What was acknowledged of an upload is there, and its saved hash is that of these bytes."""
    keys = {row.id: row.key for row in rows["blob"]}
    given = {row.blob_id for row in rows["upload"]}
    for row in rows["blob"]:
        if row.state == "arriving" and row.id not in given:
            yield f"I8: blob {row.id} is arriving, and no upload is on its way to it"
    for row in rows["upload"]:
        if row.dead:
            if row.reserved_bytes or row.lent_bytes or row.blob_id is not None:
                yield f"I7: the dead upload {row.id} still reserves {row.reserved_bytes} bytes, or a place"
            continue
        if row.reserved_bytes + row.lent_bytes < row.offset_bytes:
            yield f"I7: upload {row.id} has {row.offset_bytes} bytes and reserved {row.reserved_bytes}"
        if not row.offset_bytes:
            continue
        path = _upload_file(storage, row)
        if not path.is_file() and row.blob_id is not None:
            path = storage / keys[row.blob_id]
        if not path.is_file() or path.stat().st_size < row.offset_bytes:
            yield f"I11: upload {row.id} acknowledged {row.offset_bytes} bytes that are not in {path}"
        elif row.hash_state:
            expected = Hasher.resume(row.algorithm, bytes(row.hash_state)).digest().hex
            if _hash(path, row.algorithm, row.offset_bytes) != expected:
                yield f"I11: the saved hash of upload {row.id} is not that of its bytes"


def _files(rows: Rows, storage: Path) -> Iterator[str]:
    """No file is there that no row names: what nobody names, nobody would ever remove.

    `temporary` is the driver's own: it removes what is a day old when it starts.
    """
    named = {row.key for row in rows["blob"] if row.state != "gone"}
    uploads = {row.id for row in rows["upload"]}
    for path in sorted(storage.rglob("*")):
        if path.is_dir():
            continue
        key = path.relative_to(storage).as_posix()
        first, _, rest = key.partition("/")
        if first == "uploads":
            if rest.partition("/")[0] not in uploads:
                yield f"I8: {key} belongs to no upload"
        elif first != "temporary" and key not in named:
            yield f"I8: no row names {key}"


def _audit(rows: Rows) -> Iterator[str]:
    """What changed is written down, and nothing that did not."""
    written: defaultdict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in rows["audit"]:
        if row.ok:
            written[row.operation, row.resource_type].append(row)
    path_of = {row.id: row.path for row in rows["repository"]}
    pushed = Counter(
        (row.resource.partition("@")[0].partition(":")[0], row.detail["digest"])
        for row in written["create", "artifact"]
        if row.detail.get("new")
    )
    held = Counter((path_of[row.repository_id], str(Digest.from_binary(bytes(row.digest)))) for row in rows["artifact"])
    purged = [row for (operation, _), found in written.items() if operation == "purge" for row in found]
    if (held - pushed) if purged else pushed != held:
        yield f"I12: artifacts and their audit rows differ: {dict((held - pushed) + (pushed - held))}"
    trash = Counter(row.kind for row in rows["trash"] if not row.purging)
    lost = {row.resource_type for row in purged} & {"repository", "project"}  # with the acts within
    for kind in ("tag", "artifact", "repository"):
        count = len(written["delete", kind]) - len(written["restore", kind]) - len(written["purge", kind])
        if trash[kind] > count if lost else count != trash[kind]:
            yield f"I12: {count} audit rows for {trash[kind]} acts of deleting a {kind} that were not undone"
    ended = sum(1 for row in rows["tag_history"] if row.ended_by == "deleted")
    told = len(written["delete", "tag"]) + sum(len(row.detail["tags"]) for row in written["delete", "artifact"])
    if ended > told if purged else ended != told:
        yield f"I12: {ended} tags were deleted, the audit knows of {told}"
