"""Note that artifacts were pulled: in memory, written in batches outside of the requests.

A kill loses at most the notes of the last few seconds; retention takes an unknown pull for "keep".
"""

import asyncio
import time
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Insert, bindparam, cast, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from moorage.access.policy import Entry, Ticket
from moorage.artifacts.pull import FoundManifest
from moorage.artifacts.tables import Artifact, Pull, Repository
from moorage.configuration.service import get_items
from moorage.db.base import UtcTime
from moorage.db.engine import Database
from moorage.db.work import Work
from moorage.events import SYSTEM, Actor, ArtifactsPulled, Pulled
from moorage.oci.digest import Digest
from moorage.storage.intake import settle

_KEPT = 10_000


# From a select: an artifact that is gone meanwhile leaves no row to note a pull on.
_ROW = select(
    Artifact.id,
    cast(bindparam("at", type_=UtcTime()), UtcTime()),
    cast(bindparam("count"), BigInteger),
).where(Artifact.id == bindparam("artifact"))
_COLUMNS = ["artifact_id", "pulled_at", "pulls"]
_PG = postgresql.insert(Pull).from_select(_COLUMNS, _ROW)
_LITE = sqlite.insert(Pull).from_select(_COLUMNS, _ROW)
_NOTE: dict[str, Insert] = {
    "postgresql": _PG.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={
            "pulls": Pull.pulls + _PG.excluded.pulls,
            "pulled_at": func.greatest(Pull.pulled_at, _PG.excluded.pulled_at),  # null is passed over
        },
    ),
    "sqlite": _LITE.on_conflict_do_update(
        index_elements=["artifact_id"],
        set_={
            "pulls": Pull.pulls + _LITE.excluded.pulls,
            "pulled_at": func.max(
                func.coalesce(Pull.pulled_at, _LITE.excluded.pulled_at),
                func.coalesce(_LITE.excluded.pulled_at, Pull.pulled_at),
            ),
        },
    ),
}
_COUNT = (
    update(Repository)
    .where(Repository.id == bindparam("repository"))
    .values(pull_count=Repository.pull_count + bindparam("count"))
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
    by_artifact: dict[int, list[float]] = {}
    by_repository: dict[int, int] = {}
    for key, (count, at) in notes.items():
        repository, artifact = key[0], key[1]
        noted = by_artifact.setdefault(artifact, [0, at])
        noted[0] += count
        noted[1] = max(noted[1], at)
        by_repository[repository] = by_repository.get(repository, 0) + int(count)
    rows = [
        {
            "artifact": artifact,
            "count": int(count) if with_count else 0,
            "at": datetime.fromtimestamp(at, UTC) if with_time else None,
        }
        for artifact, (count, at) in sorted(by_artifact.items())
    ]
    totals = [{"repository": repository, "count": total} for repository, total in sorted(by_repository.items())]
    if not rows:
        return
    # In bulk: a call for each of 10,000 pulls takes 0.3 s from the requests, this 0.09 s.
    if with_time or with_count:
        work.db.execute(_NOTE[work.db.dialect.name], rows)
    if with_count:
        work.db.execute(_COUNT, totals)
    work.emit(ArtifactsPulled(tuple(_pulled(key, int(count), at) for key, (count, at) in notes.items())))


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
