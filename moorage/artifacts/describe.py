"""What an artifact's config says of it: platform, author and labels of an image, metadata of a chart.

A config is a blob, so reading it has no place in the transaction of a push, nor on the way of a pull. It is read when
somebody first looks at the artifact through the REST API, and kept. What cannot be read now is read the next time.

Source: OCI image-spec v1.1 config.md; Harbor API v2.0 (`Artifact.extra_attrs`).
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from moorage.artifacts import kinds
from moorage.artifacts.lists import ArtifactRow
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.errors import Problem
from moorage.events import SYSTEM
from moorage.logs import with_cause
from moorage.oci.digest import Digest, compute
from moorage.repositories.tables import Artifact, Blob, Description
from moorage.storage.base import Storage

log = logging.getLogger("moorage.artifacts")

MAX_CONFIG_BYTES = 1 << 20
MAX_KEPT_BYTES = 64 << 10
_SECONDS = 3.0
"""How long a request waits for configs; what is not there by then is shown without."""

_AT_ONCE = 8
_LARGE_AT_ONCE = 2
"""Blobs of up to 20 MiB in memory at a time (`additions`)."""

_IMAGE_KEYS = ("architecture", "author", "config", "created", "os", "os.version", "variant")

_PLACES = select(Blob.digest, Blob.key, Blob.size_bytes).where(
    Blob.state == "live", Blob.digest.in_(bindparam("digests", expanding=True))
)
_STILL_THERE = (
    select(Artifact.id)
    .where(Artifact.id.in_(bindparam("ids", expanding=True)))
    .order_by(Artifact.id)
    .with_for_update(read=True, key_share=True)
)
_KEEP = {
    "postgresql": postgresql.insert(Description).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(Description).on_conflict_do_nothing(),
}


class Contents:
    """The bytes of blobs, for the routes: a class of its own, because the framework checks what it hands over."""

    __slots__ = ("database", "storage", "turns")

    def __init__(self, database: Database, storage: Storage) -> None:
        self.database = database
        self.storage = storage
        self.turns = asyncio.Semaphore(_LARGE_AT_ONCE)


async def describe(contents: Contents, rows: Sequence[ArtifactRow]) -> dict[int, dict[str, Any]]:
    """What the configs of these artifacts say, by the artifact's id; nothing for what cannot be read at the moment.

    Reads the configs of those that nobody looked at before, at most 1 MiB each and for 3 s in all, and keeps what they
    say. Safe to repeat, and when two requests do it at once.
    """
    known = {row.id: row.attributes for row in rows if row.attributes is not None}
    missing = [row for row in rows if row.attributes is None and row.config_digest is not None]
    if not missing:
        return known
    read = await _read_configs(contents, missing)
    if read:
        try:
            await contents.database.run(SYSTEM, keep, read)
        except Problem as problem:  # it is shown all the same, and read again the next time
            log.warning("descriptions could not be kept: %s", with_cause(problem))
    return known | read


async def _read_configs(contents: Contents, rows: Sequence[ArtifactRow]) -> dict[int, dict[str, Any]]:
    digests = {row.config_digest for row in rows if row.config_digest is not None}
    places = {digest: (key, size) for digest, key, size in await contents.database.look(_find_places, list(digests))}
    turns = asyncio.Semaphore(_AT_ONCE)
    found: dict[int, dict[str, Any]] = {}

    async def read_one(row: ArtifactRow) -> None:
        place = places.get(row.config_digest or b"")
        if place is None:
            return
        async with turns:
            raw = await read_blob(contents.storage, place[0], Digest.from_binary(row.config_digest or b""), place[1])
        if raw is not None:
            found[row.id] = attributes_of(row.kind, raw)

    tasks = [asyncio.create_task(read_one(row)) for row in rows]
    _, late = await asyncio.wait(tasks, timeout=_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Problem):
            raise error
        if error is not None:
            log.warning("a config could not be read: %s", with_cause(error))
    return found


async def read_blob(storage: Storage, key: str, digest: Digest, size_bytes: int) -> bytes | None:
    """The bytes of a small blob; empty when it is over 1 MiB, None when they are not what their name says.

    Raises:
        BlobDamaged, StorageUnavailable: as `Storage.read`.
    """
    if size_bytes > MAX_CONFIG_BYTES:
        return b""
    raw = b"".join([piece async for piece in storage.read(key)])
    return raw if compute(raw, digest.algorithm) == digest else None


def attributes_of(kind: str, raw: bytes) -> dict[str, Any]:
    """The contract's `extra_attrs` from a config; empty when it is no JSON object. At most 64 KiB as JSON.

    Of an image `architecture`, `author`, `config`, `created`, `os` and its variant and version; of everything else the
    whole config. What makes it too large is left out, the largest first.
    """
    try:
        config = msgspec.json.decode(raw)
        if not isinstance(config, dict):
            return {}
        if kind == kinds.IMAGE:
            config = {key: config[key] for key in _IMAGE_KEYS if key in config}
        sizes = {key: len(msgspec.json.encode({key: value})) for key, value in config.items()}
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError, TypeError, ValueError):
        return {}
    total = sum(sizes.values())
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= MAX_KEPT_BYTES:
            break
        total -= sizes[key]
        del config[key]
    return config


def keep(work: Work, found: Mapping[int, Mapping[str, Any]]) -> None:
    """Write down what was read, unless somebody else did, of the artifacts that are still there."""
    ids = work.db.execute(_STILL_THERE, {"ids": sorted(found)}).scalars().all()
    if ids:
        work.db.execute(
            _KEEP[work.db.dialect.name],
            [{"artifact_id": one, "attributes": dict(found[one])} for one in ids],
        )


def _find_places(work: Work, digests: list[bytes]) -> list[tuple[bytes, str, int]]:
    return [(bytes(digest), key, size) for digest, key, size in work.db.execute(_PLACES, {"digests": digests})]
