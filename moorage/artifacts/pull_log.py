"""Record pull times in batches, outside the request.

A kill loses at most the notes of the last few seconds; retention takes an unknown pull for "keep".
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from moorage.access.policy import Entry, Ticket
from moorage.configuration.service import get_items
from moorage.db.engine import Database
from moorage.db.hand_written_sql import moment, one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM, Actor, ArtifactsPulled, Pulled
from moorage.oci.digest import Digest
from moorage.repositories.lookup import FoundManifest
from moorage.storage.body_writer import settle

_KEPT = 10_000


# Joined: an artifact that is gone meanwhile leaves no row to note a pull on. In the order of their ids: two workers
# that write at the same time never wait for each other in a circle. All in one statement: a call for each of 10,000
# pulls takes 0.3 s from the requests of a server on SQLite, and more on PostgreSQL.
_NOTE = Query(
    """INSERT INTO pull AS p (artifact_id, pulled_at, pulls)
SELECT a.id, n.at, n.pulls
FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS n (id, at, pulls)
JOIN artifact a ON a.id = n.id
ORDER BY a.id
ON CONFLICT (artifact_id) DO UPDATE SET
    pulls = p.pulls + excluded.pulls, pulled_at = greatest(p.pulled_at, excluded.pulled_at)""",  # null is passed over
    sqlite="""INSERT INTO pull AS p (artifact_id, pulled_at, pulls)
SELECT a.id, n.value ->> 1, n.value ->> 2
FROM json_each($1) n
JOIN artifact a ON a.id = n.value ->> 0
WHERE true
ON CONFLICT (artifact_id) DO UPDATE SET
    pulls = p.pulls + excluded.pulls,
    pulled_at = max(coalesce(p.pulled_at, excluded.pulled_at), coalesce(excluded.pulled_at, p.pulled_at))""",
)
_COUNT = Query(
    """WITH held AS (
    SELECT r.id, n.pulls
    FROM unnest($1::bigint[], $2::bigint[]) AS n (id, pulls)
    JOIN repository r ON r.id = n.id
    ORDER BY r.id FOR NO KEY UPDATE OF r
)
UPDATE repository AS r SET pull_count = r.pull_count + held.pulls FROM held WHERE r.id = held.id""",
    sqlite="""UPDATE repository SET pull_count = pull_count + (n.value ->> 1)
FROM json_each($1) n WHERE repository.id = n.value ->> 0""",
)


class PullNotes:
    """The pulls of this process that are not written yet."""

    __slots__ = ("_notes",)

    def __init__(self) -> None:
        self._notes: dict[_Key, list[float]] = {}

    def note(
        self, ticket: Ticket, entry: Entry, found: FoundManifest, *, repository: str, reference: str, address: str
    ) -> None:
        """One manifest was pulled, now. Bounded: past 10,000 kinds between two writes only known ones count.

        Pulls are of one kind when the same account pulled the same artifact under the same name from the same address.
        """
        key = (
            found.repository_id, found.artifact_id, reference, ticket.principal_id, ticket.name, ticket.credentials,
            address, repository, entry.project_id, found.digest,
        )  # fmt: skip
        noted = self._notes.get(key)
        if noted is not None:
            noted[0] += 1
            noted[1] = time.time()
        elif len(self._notes) < _KEPT:
            self._notes[key] = [1, time.time()]

    async def flush(self, database: Database) -> None:
        """Write what was noted; what cannot be written now stays for the next time.

        Runs to its end when this task is cancelled: a transaction that waits for its thread would be dropped with
        its notes, and of one that runs nobody would know whether they are written.
        """
        if not self._notes:
            return
        notes, self._notes = self._notes, {}
        writing = asyncio.ensure_future(database.run(SYSTEM, write_pulls, notes))
        try:
            await settle(writing)
        finally:
            if writing.cancelled() or writing.exception() is not None:
                for key, entry in notes.items():
                    held = self._notes.setdefault(key, [0, entry[1]])
                    held[0] += entry[0]


_Key = tuple[int, int, str, int, str, tuple[str, str], str, str, int, bytes]


def write_pulls(work: Work, notes: dict[_Key, list[float]]) -> None:
    """Add pulls to the rows of artifacts and repositories, in the order of their ids, and tell of them.

    The live settings may leave out the time, the count, or both of the rows.
    """
    items = get_items(work)
    with_time, with_count = not items.pull_time_update_disable, not items.pull_count_update_disable
    by_artifact: dict[int, tuple[int, float]] = {}
    by_repository: dict[int, int] = {}
    for key, (count, at) in notes.items():
        repository, artifact = key[0], key[1]
        pulls, last = by_artifact.get(artifact, (0, at))
        by_artifact[artifact] = (pulls + int(count), max(last, at))
        by_repository[repository] = by_repository.get(repository, 0) + int(count)
    if not by_artifact:
        return
    if with_time or with_count:
        _run(
            work, _NOTE,
            [
                (artifact, moment(work, datetime.fromtimestamp(at, UTC)) if with_time else None, count * with_count)
                for artifact, (count, at) in sorted(by_artifact.items())
            ],
        )  # fmt: skip
    if with_count:
        _run(work, _COUNT, sorted(by_repository.items()))
    work.emit(ArtifactsPulled(tuple(_pulled(key, int(count), at) for key, (count, at) in notes.items())))


def _run(work: Work, query: Query, rows: Sequence[tuple[object, ...]]) -> None:
    """Run a statement for all rows: their columns are its arguments, on SQLite one JSON of all."""
    if work.db.dialect.name == "sqlite":
        one(work, query, msgspec.json.encode(rows).decode())
    else:
        one(work, query, *map(list, zip(*rows, strict=True)))


def _pulled(key: _Key, count: int, at: float) -> Pulled:
    _, artifact, reference, principal, name, (credential, token), address, repository, project, digest = key
    return Pulled(
        project_id=project,
        repository=repository,
        artifact_id=artifact,
        digest=str(Digest.from_binary(digest)),
        tag="" if ":" in reference else reference,
        actor=Actor(principal or None, name, credential, address, token=token),
        count=count,
        at=datetime.fromtimestamp(at, UTC),
    )
