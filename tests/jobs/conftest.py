"""A database with every table, and workers of this process on it."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from moorage.db.base import Base
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.jobs import queue, tables, worker
from moorage.jobs.queue import JOBS
from moorage.jobs.task_context import Parts
from moorage.jobs.worker import Worker
from moorage.secret_encryption import create_seal_key
from moorage.settings import Database, Log, Settings, Storage
from moorage.wiring import open_database
from moorage.worker_app import opening
from tests.jobs.haste import WAITS, hasten
from tests.parts.postgres import Postgres


def fill(url: str) -> None:
    """Every table, and nothing in them."""
    database = open_database(Settings(database=Database(url=url)))
    Base.metadata.create_all(database.engine)
    database.engine.dispose()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with every table, to copy."""
    file = tmp_path_factory.mktemp("template") / "moorage.db"
    fill(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def settings(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> Iterator[Settings]:
    """Settings of a database of this test's own, with its tables."""
    url, name = "", ""
    postgres: Postgres | None = None
    if request.param == "sqlite":
        shutil.copy(template, tmp_path / "moorage.db")
    else:
        postgres = request.getfixturevalue("postgres")
        assert postgres is not None
        name = postgres.create(fill)
        url = postgres.url(name)
    made = Settings(
        data=str(tmp_path), database=Database(url=url), storage=Storage(kind="memory"), log=Log(level="error")
    )
    made.seal_key_folder.mkdir(parents=True)
    create_seal_key(made.seal_key_folder)
    yield made
    if postgres is not None:
        postgres.drop(name)


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    """What jobs share."""
    async with opening(settings) as made:
        yield made


@pytest.fixture(autouse=True)
def _own_jobs() -> Iterator[None]:
    """The jobs of a test are gone after it."""
    before = dict(JOBS)
    yield
    JOBS.clear()
    JOBS.update(before)


@pytest.fixture(scope="session", autouse=True)
def _hasty() -> Iterator[None]:
    before = {name: getattr(worker, name) for name in WAITS}
    hasten()
    yield
    for name, seconds in before.items():
        setattr(worker, name, seconds)


class Office:
    """A queue, and workers on it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def start(self, job: str, /, **options: Any) -> int:
        """An execution with one task; the task's id."""
        return int(await self.run(_start, job, options))

    async def run(self, story: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A transaction."""
        return await self.parts.database.run(SYSTEM, story, *args, **kwargs)

    async def row(self, task_id: int) -> Any:
        """A task's row."""
        return await self.parts.database.look(_row, task_id)

    async def rows(self) -> list[Any]:
        """All tasks, in the order of their ids."""
        return await self.parts.database.look(_rows)

    async def execution(self, execution_id: int) -> Any:
        """An execution's row."""
        return await self.parts.database.look(_execution, execution_id)

    async def log(self, task_id: int) -> str:
        """A task's log."""
        return await self.parts.database.look(_log, task_id)

    async def execute(self, statement: str) -> None:
        """A statement of the test's own."""
        await self.run(lambda work: work.db.execute(text(statement)) and None)

    async def until(self, holds: Callable[[], Awaitable[bool] | bool], seconds: float = 60) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(seconds):
            while True:
                found = holds()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.02)

    async def reaches(self, task_id: int, status: str, seconds: float = 60) -> Any:
        """Wait for a task to reach a state; its row."""

        async def holds() -> bool:
            return bool((await self.row(task_id)).status == status)

        await self.until(holds, seconds)
        return await self.row(task_id)

    @contextlib.asynccontextmanager
    async def working(self, **options: Any) -> AsyncIterator[Worker]:
        """A worker at work."""
        hired = Worker(self.parts, **options)
        stop = asyncio.Event()
        running = asyncio.create_task(hired.run(stop))
        try:
            yield hired
        finally:
            stop.set()
            await running


@pytest.fixture
def office(parts: Parts) -> Office:
    """A queue, and workers on it."""
    return Office(parts)


def _start(work: Work, name: str, options: dict[str, Any]) -> int:
    execution_id = queue.start(work, name, "TEST", **options)
    return int(work.db.execute(select(tables.Task.id).where(tables.Task.execution_id == execution_id)).scalar_one())


def _row(work: Work, task_id: int) -> Any:
    return work.db.execute(select(tables.Task).where(tables.Task.id == task_id)).one()


def _rows(work: Work) -> list[Any]:
    return list(work.db.execute(select(tables.Task).order_by(tables.Task.id)))


def _execution(work: Work, execution_id: int) -> Any:
    return work.db.execute(select(tables.Execution).where(tables.Execution.id == execution_id)).one()


def _log(work: Work, task_id: int) -> str:
    query = select(tables.TaskLog.text).where(tables.TaskLog.task_id == task_id).order_by(tables.TaskLog.id)
    return "".join(work.db.scalars(query))
