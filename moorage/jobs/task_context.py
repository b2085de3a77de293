"""The context of a running job: progress, log, fenced transactions and process resources."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Concatenate, ParamSpec, TypeVar

from moorage import failpoints
from moorage.configuration.cached_settings import Live
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM, Actor
from moorage.jobs.queue import SUCCESS
from moorage.jobs.task_claims import Attempt, Progress, clean, finish, require_held
from moorage.remotes.http_client import Outgoing
from moorage.secret_encryption import Seals
from moorage.settings import Settings
from moorage.storage.base import Storage

P = ParamSpec("P")
T = TypeVar("T")

LOG_BYTES = 10 * 1024 * 1024
"""How long a task's log may become. Source: the contract's description of task logs."""

CHUNK_CHARACTERS = 16 * 1024
"""The longest piece of a log: 64 KiB of UTF-8 at most."""

_CUT = "the log is full; what follows is left out"


@dataclass(frozen=True, slots=True)
class Parts:
    """Resources shared by the jobs of a process.

    Attributes:
        outgoing: the one way to other systems; a feature makes its clients from it.
    """

    settings: Settings
    database: Database
    storage: Storage
    live: Live
    seals: Seals
    outgoing: Outgoing


@dataclass(slots=True, eq=False)
class Task:
    """A task that runs here.

    Attributes:
        attempt: 1 for the first; it fences, and makes an attempt's own names.
        vendor_id: of the execution: the policy that it runs for, or -1.
        actor: for what the job does: the system.
        message: a sentence for people, kept when the task ends well.
    """

    id: int
    execution_id: int
    vendor_type: str
    vendor_id: int
    job: str
    attempt: int
    worker: str
    parts: Parts
    log_bytes: int = 0
    actor: Actor = SYSTEM
    message: str = ""
    completed: bool = False
    _done: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    _rate: float = 0.0
    _seen: tuple[float, int] | None = None
    _dirty: bool = False
    _lines: list[str] = field(default_factory=list)

    @property
    def key(self) -> Attempt:
        """The fencing token of this attempt."""
        return Attempt(self.id, self.attempt, self.worker)

    # -- transactions -----------------------------------------------------------------------------------------

    async def run(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `story` as one transaction that counts only while this attempt holds the task.

        So what a frozen worker does after it wakes, and what is done after a stop, has no effect.

        Raises:
            TaskLost: it does not hold it any more; nothing was done.
            DatabaseUnavailable, StorageFull: as `Database.run`.
        """
        return await self.parts.database.run(self.actor, _fenced, self.key, story, *args, **kwargs)

    async def look(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a story that only reads, in one snapshot."""
        return await self.parts.database.look(story, *args, **kwargs)

    async def complete(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the last `story`, and end the task well, in the same transaction: its effects happen once.

        Nothing that the job does after it counts.
        """

        def last(work: Work) -> T:
            result = story(work, *args, **kwargs)
            finish(work, self.key, SUCCESS, self.message, progress=self.take())
            return result

        result = await self.parts.database.run(self.actor, _fenced, self.key, last)
        self.completed = True
        return result

    # -- what people see --------------------------------------------------------------------------------------

    def progress(
        self,
        done: int | None = None,
        total: int | None = None,
        *,
        done_bytes: int | None = None,
        total_bytes: int | None = None,
    ) -> None:
        """How far the task has come, in things and in bytes; what is not given stays. Written once a second."""
        for place, value in enumerate((done, total, done_bytes, total_bytes)):
            if value is not None:
                self._done[place] = value
        self._dirty = True

    def log(self, line: str, *, level: str = "INFO") -> None:
        """Add a line to the task's log, which can be read a second later. Never a secret."""
        if self.log_bytes > LOG_BYTES:
            return
        entry = clean(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} [{level}] {line}\n")
        self.log_bytes += len(entry.encode())
        if self.log_bytes > LOG_BYTES:
            entry = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} [WARNING] {_CUT}\n"
        self._lines.append(entry)
        self._dirty = True

    # -- for the worker ---------------------------------------------------------------------------------------

    def take(self) -> Progress | None:
        """What has not been written yet; None: nothing. Give it back with `give_back` if that fails."""
        if not self._dirty:
            return None
        self._dirty = False
        log, self._lines = "".join(self._lines), []
        pieces = tuple(log[start : start + CHUNK_CHARACTERS] for start in range(0, len(log), CHUNK_CHARACTERS))
        self._measure()
        done, total, done_bytes, total_bytes = self._done
        return Progress(self.id, self.attempt, done, total, done_bytes, total_bytes, self._rate, pieces)

    def give_back(self, snapshot: Progress) -> None:
        """Keep what could not be written for the next time."""
        self._lines[:0] = snapshot.pieces
        self._dirty = True

    def _measure(self) -> None:
        """The rate since the last time, with what it was before: a hiccup does not change it much."""
        now, value = time.monotonic(), self._done[2] or self._done[0]
        if self._seen is not None and now - self._seen[0] > 0.1:
            rate = max(0.0, (value - self._seen[1]) / (now - self._seen[0]))
            self._rate = rate if not self._rate else 0.7 * self._rate + 0.3 * rate
        self._seen = now, value


def _fenced(
    work: Work, attempt: Attempt, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    require_held(work, attempt)
    result = story(work, *args, **kwargs)
    failpoints.point("job.recorded")
    return result
