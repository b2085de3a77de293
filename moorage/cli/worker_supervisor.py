"""Supervise the worker subprocess: start it when there is work, and restart it when it dies.

It is forked from the server's parent before that has threads, and imports as little: three resident interpreters do
not fit a small machine. So on SQLite a worker lives only while there are tasks, and a minute longer. On PostgreSQL it
stays.
"""

import contextlib
import ctypes
import logging
import logging.config
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Never

from moorage.cli.exit_status import Stop
from moorage.logs import make_config
from moorage.settings import Settings

log = logging.getLogger("moorage.jobs")

POLL_SECONDS = 0.5
"""How often the database is asked whether there is something to do, at least: time alone makes some of it due."""

WATCH_SECONDS = 0.1
"""How often it is seen whether anybody wrote to it since: a `stat`, and nobody waits longer than that for a worker."""

SHORT_LIFE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0

_DUE = """
SELECT EXISTS (SELECT 1 FROM task WHERE status = 'Pending' AND vendor_type NOT IN (SELECT vendor_type FROM pause))
    OR EXISTS (SELECT 1 FROM task WHERE status = 'Running')
    OR EXISTS (SELECT 1 FROM task WHERE status = 'Scheduled' AND (due_at <= ?1 OR updated_at > ?1 + 60000000))
    OR EXISTS (SELECT 1 FROM schedule WHERE (next_at <= ?1 OR updated_at > ?1 + 60000000)
        AND 'SCHEDULER' NOT IN (SELECT vendor_type FROM pause))
"""


class Beside:
    """The process, seen from the server's parent: started now, and again should it die.

    Args:
        leave: lets go, in the new process, of what is the server's alone.
    """

    def __init__(self, settings: Settings, leave: Callable[[], None]) -> None:
        self._settings = settings
        self._leave = leave
        self._ends = False
        self._child = self._fork()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="jobs")

    def watch(self) -> None:
        """Start it again when it dies: from now on, since the first one is forked before there are threads."""
        self._thread.start()

    def end(self) -> None:
        """Tell it to end."""
        self._ends = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Wait for its end; after `seconds` it is killed, and the kernel ends its worker."""
        self.end()
        self._thread.join(seconds)
        if self._thread.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def _watch(self) -> None:
        while True:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._child, 0)
            if self._is_ending():
                return
            log.error("the process that keeps background jobs ended unasked; another is started")
            time.sleep(1)
            self._child = self._fork()
            if self._is_ending():  # it was told to end while there was none
                self.end()

    def _is_ending(self) -> bool:
        return self._ends

    def _fork(self) -> int:
        parent = os.getpid()
        child = os.fork()
        if not child:
            _end_after(partial(self._live, parent))
        return child

    def _live(self, parent: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with(parent)
        _take_name()
        self._leave()
        logging.config.dictConfig(make_config(self._settings.log))
        _Keeper(self._settings).run()
        return 0


NAME = "moorage-jobs"
"""What the processes of background jobs are called in lists of processes."""


def _take_name() -> None:
    pr_set_name = 15
    ctypes.CDLL(None).prctl(pr_set_name, NAME.encode())


def die_with(parent: int) -> None:
    """Let the kernel end this process in order when its parent dies, whatever killed it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)


def is_due(file: Path) -> bool:
    """Whether a SQLite database has something for a worker to do now; through the driver alone."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=1)) as db:
            return bool(db.execute(_DUE, (time.time_ns() // 1000,)).fetchone()[0])
    except sqlite3.Error:  # busy, or being replaced: the next look will tell
        return False


def _await_change(file: Path, seen: tuple[int, int] | None) -> None:
    """Wait until somebody has written to a SQLite database since `seen`, or for a while."""
    until = time.monotonic() + POLL_SECONDS
    while time.monotonic() < until:
        time.sleep(WATCH_SECONDS)
        if _stamp(_log_of(file)) != seen:
            return


def _log_of(file: Path) -> Path:
    """What a SQLite database writes its transactions to."""
    return file.with_name(f"{file.name}-wal")


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes when a file is written to; None: there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _end_after(life: Callable[[], int]) -> Never:
    """Run `life`, and end this forked process with its status, whatever happens."""
    status = 1
    try:
        status = life()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - this process has to end here and nowhere else
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class _Keeper:
    """Starts a worker, and waits for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._child = 0
        self._ends = False

    def run(self) -> None:
        """Until SIGTERM, or until the parent is gone."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, for the whole group: the parent decides
        pause = 0.0
        while not self._ends:
            file = self._settings.sqlite_file
            if file is not None:
                seen = _stamp(_log_of(file))  # before the look: what is written meanwhile counts
                if not is_due(file):
                    _await_change(file, seen)
                    continue
            began = time.monotonic()
            status = self._work()
            short = time.monotonic() - began < SHORT_LIFE_SECONDS
            pause = min(max(1.0, pause * 2), LONGEST_PAUSE_SECONDS) if status and short else float(bool(status))
            if status and not self._ends:
                log.error("the process of background jobs ended unasked (%s); another is started", _tell(status))
            until = time.monotonic() + pause
            while not self._ends and time.monotonic() < until:
                time.sleep(0.1)

    def _work(self) -> int:
        """Run one worker; what `waitpid` says of its end."""
        parent = os.getpid()
        self._child = os.fork()
        if not self._child:
            _end_after(partial(_live, self._settings, parent))
        if self._ends:  # the signal came before there was anybody to tell
            self._end()
        while True:
            with contextlib.suppress(InterruptedError):
                return os.waitpid(self._child, 0)[1]

    def _end(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self._ends = True
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGTERM)


def _live(settings: Settings, parent: int) -> int:
    """The life of a worker."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with(parent)
    from moorage.cli.work import work

    try:
        return work(
            settings,
            slots=settings.jobs.slots,
            idle_seconds=settings.jobs.idle_seconds if settings.sqlite_file is not None else 0.0,
        )
    except Stop as stop:
        log.error("background jobs cannot run yet: %s", stop)  # noqa: TRY400 - the sentence is for the operator
        return stop.status


def _tell(status: int) -> str:
    number = os.waitstatus_to_exitcode(status)
    return f"signal {-number}" if number < 0 else f"status {number}"
