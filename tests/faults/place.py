"""A store for a test: a data folder and a database, copied from one that was filled once."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import select

from moorage.access.policy import EVERY_ACTION, Entry, Role
from moorage.access.policy import Account as AccessAccount
from moorage.app import running
from moorage.blobs.uploads import forget_upload, kill_upload
from moorage.cli.prepare import prepare
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.ids import UploadId
from moorage.projects.service import create_project, get_project, set_member
from moorage.quotas import service as quotas
from moorage.quotas.limits import set_limits
from moorage.settings import Database, Log, Secret, Settings
from moorage.storage.base import Progress
from moorage.storage.drivers import open_storage
from moorage.tokens.registry_tokens import TokenKeys
from moorage.users.passwords import hash_password
from moorage.users.service import create_user, get_user_by_name
from moorage.users.tables import Principal
from moorage.wiring import open_database
from tests.faults.invariants import check, read
from tests.faults.registry import Client, into, over_http
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
        tokens: those of alice; they survive a restart.
    """

    data: Path
    database: str = ""
    tokens: dict[tuple[str, ...], str] = field(default_factory=dict)

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

    def check(self, *, rest: bool = False, limits: bool = True, damaged: Collection[str] = ()) -> None:
        """The invariants."""
        check(self.url, self.storage, rest=rest, limits=limits, damaged=damaged)

    @contextlib.asynccontextmanager
    async def open(self, account: Account = ALICE) -> AsyncIterator[Client]:
        """The server in this process, and a client of it."""
        async with running(self.settings) as app:
            yield Client(into(app), account, self.tokens if account == ALICE else {})

    @contextlib.asynccontextmanager
    async def visit(self, url: str, account: Account = ALICE, *, seconds: float = 120) -> AsyncIterator[Client]:
        """A client of a server that runs elsewhere on this place, with new connections for every request.

        Args:
            seconds: how long it waits for an answer.
        """
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=seconds) as connections:
            yield Client(over_http(url, connections), account, self.tokens if account == ALICE else {})

    def sweep(self) -> None:
        """What a later sweep does, from the rows alone: after it nothing is left but what is live."""
        asyncio.run(_sweep(self.settings))
        self.check(rest=True)
        rows = read(self.url)
        assert not rows["upload"]
        files = (path.relative_to(self.storage) for path in self.storage.rglob("*") if path.is_file())
        left = {path.as_posix() for path in files if path.parts[0] != "temporary"}
        assert left == {row.key for row in rows["blob"] if row.state == "live"}, "files that are no live blob"
        assert not list((self.storage / "uploads").iterdir()), "folders of uploads"

    def let_claims_lapse(self) -> None:
        """A minute passes: whoever writes to an upload now seems dead."""
        past = "to_timestamp(0)" if self.database else "0"
        self.execute(f"UPDATE upload SET claim_until = {past} WHERE claim IS NOT NULL")  # noqa: S608 - our own words

    def let_uploads_grow_old(self, hours: int) -> None:
        """Hours pass since the open uploads were begun."""
        ago = f"interval '{hours} hours'" if self.database else str(hours * 3_600_000_000)
        self.execute(f"UPDATE upload SET started_at = started_at - {ago}")  # noqa: S608 - our own words

    def make_project(self, name: str, limit_bytes: int, members: Sequence[Account] = (ALICE, BOB)) -> None:
        """One more project of which alice is maintainer. A limit of -1 is none."""
        database = open_database(self.settings)
        database.run_here(SYSTEM, _make_project, name, limit_bytes, members)
        database.engine.dispose()

    def set_limit(self, name: str, limit_bytes: int) -> None:
        """Let a project hold no more than so much."""
        database = open_database(self.settings)
        database.run_here(SYSTEM, _set_limit, name, limit_bytes)
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
        self._tokens: dict[tuple[str, ...], str] = {}

    def copy(self, target: Path) -> Place:
        """A data folder of a test's own, with keys and database."""
        if not self._folder.exists():
            self.fill("")
            self._mint()
        shutil.copytree(self._folder, target)
        return Place(target, tokens=dict(self._tokens))

    def move(self, place: Place, database: str) -> Place:
        """The same place with its rows in another database, which `fill` has filled."""
        for file in place.data.glob("moorage.db*"):
            file.unlink()
        return Place(place.data, database, place.tokens)

    def fill(self, database: str) -> None:
        """Fill a database, and the folder when that is empty."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = Place(self._folder, database)
        prepare(place.settings)
        store = open_database(place.settings)
        hashes = {account: hash_password(account.password) for account in (ALICE, BOB)}
        store.run_here(SYSTEM, _fill, hashes)
        store.engine.dispose()

    def _mint(self) -> None:
        """Tokens of alice for the usual repositories, so that not every test has to check a password for one."""
        place = Place(self._folder)
        keys = TokenKeys(place.settings.token_key_folder)
        for names in (("team/app",), ("other/app",), ("team/app", "other/app")):
            self._tokens[names] = mint(place, keys, *names)


def mint(place: Place, keys: TokenKeys, *repositories: str) -> str:
    """A token of alice for half an hour, made by hand."""
    database = open_database(place.settings)
    try:
        account, entries = database.run_here(SYSTEM, _grant, repositories)
    finally:
        database.engine.dispose()
    return keys.mint(account, entries, lifetime_seconds=1800).token


def _grant(work: Work, repositories: Sequence[str]) -> tuple[AccessAccount, dict[str, Entry]]:
    person = get_user_by_name(work, ALICE.username)
    epoch = work.db.execute(select(Principal.epoch).where(Principal.id == person.id)).scalar_one()
    entries = {}
    for name in repositories:
        project = get_project(work, name.partition("/")[0])
        entries[name] = Entry(EVERY_ACTION, project.id, project.epoch)
    return AccessAccount(person.id, epoch, "user", ALICE.username), entries


async def _sweep(settings: Settings) -> None:
    """The sweep of docs/develop/lossless.md, at a time when every upload has expired and nobody reads."""
    database, storage = open_database(settings), open_storage(settings)
    await storage.open()
    rows = read(settings.database_url)
    for row in rows["upload"]:
        await database.run(SYSTEM, kill_upload, UploadId(row.id))
        await storage.abort(UploadId(row.id), Progress(size_bytes=row.offset_bytes, driver=row.driver))
        await database.run(SYSTEM, forget_upload, UploadId(row.id))
    for row in read(settings.database_url)["blob"]:
        if row.state == "doomed":
            await storage.delete(row.key)
    async for upload in storage.uploads():  # only a power cut leaves bytes without a row
        await storage.abort(upload, Progress())
    await storage.close()
    await database.close()


def _fill(work: Work, hashes: dict[Account, str]) -> None:
    for name in PROJECTS:
        # Limits that nobody reaches: so tags are counted in every story, and the invariants look at the count.
        set_limits(work, create_project(work, name).id, repositories=10_000, tags=100_000)
    for account, hashed in hashes.items():
        create_user(work, account.username, password_hash=hashed)
        for name in PROJECTS:
            _join(work, name, account)


def _join(work: Work, project: str, account: Account) -> None:
    set_member(work, get_project(work, project).id, get_user_by_name(work, account.username).id, Role.MAINTAINER)


def _set_limit(work: Work, name: str, limit_bytes: int) -> None:
    quotas.set_limit(work, get_project(work, name).id, limit_bytes)


def _make_project(work: Work, name: str, limit_bytes: int, members: Sequence[Account]) -> None:
    create_project(work, name, limit_bytes=limit_bytes)
    for account in members:
        _join(work, name, account)
