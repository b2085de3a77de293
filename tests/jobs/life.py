"""A worker as a process of its own, with jobs that the tests can watch: `python -m tests.jobs.life DATA URL`."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import text

from moorage.cli.work import work
from moorage.db.unit_of_work import Work
from moorage.jobs.queue import job
from moorage.jobs.task_context import Task
from moorage.settings import Database, Log, Settings, Storage
from tests.jobs.haste import hasten

ROOT = Path(__file__).resolve().parents[2]

EFFECTS = "CREATE TABLE effect (task BIGINT, step BIGINT, attempt BIGINT, PRIMARY KEY (task, step))"


class Life:
    """A worker process."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.life", settings.data, settings.database.url],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=file, stderr=file,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end; how it ended."""
        return self._process.wait(seconds)

    def close(self) -> None:
        """End it whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


def read_steps(work: Work, task_id: int) -> list[tuple[int, int]]:
    """What a task has done. Shape: [(step, attempt)]."""
    query = text("SELECT step, attempt FROM effect WHERE task = :task ORDER BY step")
    return [(row.step, row.attempt) for row in work.db.execute(query, {"task": task_id})]


def _add(work: Work, task: Task, step: int) -> None:
    query = text("INSERT INTO effect VALUES (:task, :step, :attempt)")
    work.db.execute(query, {"task": task.id, "step": step, "attempt": task.attempt})


@job("life.steps", timeout_seconds=120)
async def take_steps(task: Task, *, steps: int, seconds: float) -> None:
    """Write one row for each step, in a transaction of its own; goes on where it was."""
    for step in range(len(await task.look(read_steps, task.id)), steps):
        await asyncio.sleep(seconds)
        task.log(f"step {step}")
        task.progress(step + 1, steps)
        if step + 1 == steps:
            await task.complete(_add, task, step)
        else:
            await task.run(_add, task, step)


@job("life.block", timeout_seconds=120)
async def block(task: Task, *, seconds: float) -> None:
    """Wait where nobody can be told to stop: in a thread, which then tries to write."""
    try:
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(time.sleep, seconds)))
    finally:
        await asyncio.sleep(seconds)
        await task.run(_add, task, 0)


if __name__ == "__main__":
    hasten()
    given = Settings(
        data=sys.argv[1],
        database=Database(url=sys.argv[2]),
        storage=Storage(kind="memory"),
        log=Log(level="warning", format="text"),
    )
    raise SystemExit(work(given, slots=4))
