"""A store for a test: a data folder and a database, copied from one that was filled once."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from moorage.access.policy import Role
from moorage.app import open_database, running
from moorage.cli.prepare import prepare
from moorage.db.work import Work
from moorage.events import SYSTEM
from moorage.identity.passwords import hash_password
from moorage.identity.service import create_user, get_user_by_name
from moorage.projects.service import create_project, get_project, set_member
from moorage.settings import Database, Log, Secret, Settings
from tests.faults.invariants import check
from tests.faults.registry import Client, into
from tests.serving import Account

ADMIN = Account("admin", "Adm1n-of-these-tests")
ALICE = Account("alice", "Al1ce-of-these-tests")
BOB = Account("bob", "B0b-of-these-tests")
PROJECTS = ("team", "other")


@dataclass
class Place:
    """Where a server keeps everything.

    Attributes:
        data: the data folder.
        database: the URL of a PostgreSQL database; empty: SQLite in the data folder.
    """

    data: Path
    database: str = ""

    @property
    def settings(self) -> Settings:
        """What a server of this place is started with."""
        return Settings(
            data=str(self.data),
            database=Database(url=self.database, migrate="auto"),
            admin_password=Secret(ADMIN.password),
            log=Log(access=False, level="error"),
        )

    @property
    def url(self) -> str:
        """The URL of the database."""
        return self.settings.database_url

    @property
    def storage(self) -> Path:
        """The folder of the blobs."""
        return self.settings.storage_folder

    def check(self, *, rest: bool = False, limits: bool = True) -> None:
        """The invariants."""
        check(self.url, self.storage, rest=rest, limits=limits)

    @contextlib.asynccontextmanager
    async def open(self, account: Account = ALICE) -> AsyncIterator[Client]:
        """The server in this process, and a client of it."""
        async with running(self.settings) as app:
            yield Client(into(app), account)

    def make_project(self, name: str, limit_bytes: int) -> None:
        """One more project of which alice is maintainer."""
        database = open_database(self.settings)
        database.run_here(SYSTEM, _make_project, name, limit_bytes)
        database.engine.dispose()

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """One SQL statement of the test's own, committed: time that passes, for example."""
        database = open_database(self.settings)

        def story(work: Work) -> list[tuple[object, ...]]:
            result = work.db.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

        try:
            return database.run_here(SYSTEM, story)
        finally:
            database.engine.dispose()


class Templates:
    """Stores that were filled once: an administrator, alice and bob, and the projects of `PROJECTS`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, target: Path, database: str = "") -> Place:
        """A data folder of a test's own; with the keys, and with the database unless that is elsewhere."""
        if not self._folder.exists():
            self.fill("")
        shutil.copytree(self._folder, target)
        if database:
            for file in target.glob("moorage.db*"):
                file.unlink()
        return Place(target, database)

    def fill(self, database: str) -> None:
        """Fill a database, and the folder when that is empty."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Place(self._folder, database)
        prepare(place.settings)
        store = open_database(place.settings)
        hashes = {account: hash_password(account.password) for account in (ALICE, BOB)}
        store.run_here(SYSTEM, _fill, hashes)
        store.engine.dispose()


def _fill(work: Work, hashes: dict[Account, str]) -> None:
    for name in PROJECTS:
        create_project(work, name)
    for account, hashed in hashes.items():
        create_user(work, account.username, password_hash=hashed)
        for name in PROJECTS:
            _join(work, name, account)


def _join(work: Work, project: str, account: Account) -> None:
    set_member(work, get_project(work, project).id, get_user_by_name(work, account.username).id, Role.MAINTAINER)


def _make_project(work: Work, name: str, limit_bytes: int) -> None:
    create_project(work, name, limit_bytes=limit_bytes)
    for account in (ALICE, BOB):
        _join(work, name, account)
