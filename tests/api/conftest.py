"""The application, on both databases, with projects and people of each test's own.

One application per database serves the whole run: a test takes a new project and new names, never `library`. A test
that needs other settings, or two workers, makes its own with `serve`.
"""

import asyncio
import itertools
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from moorage.access.policy import Role
from moorage.configuration.service import set_items
from moorage.db.migrate import migrate
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.projects import service as projects
from moorage.robots import accounts
from moorage.secret_encryption import Seals, create_seal_key
from moorage.settings import Database as DatabaseSettings
from moorage.settings import Log, Settings
from moorage.tokens.registry_tokens import create_key
from moorage.users import service as users
from moorage.users.login_throttle import Throttle
from moorage.wiring import open_database
from tests.api.client import HOST, Client, Repo, Server
from tests.parts import Parts
from tests.parts.postgres import Postgres

HERE = Path(__file__).parent
ADMIN_PASSWORD = "Adm1n-of-all-tests"
PASSWORD = "Passw0rd-of-everybody"

_number = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests here, and for those below that use an application: it lives in it."""
    for item in items:
        here = item.path.parent == HERE or (HERE in item.path.parents and "stores" in getattr(item, "fixturenames", ()))
        if here and asyncio.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


# -- databases --------------------------------------------------------------------------------------------


def fill(url: str) -> None:
    """What the first start leaves: tables, the administrator, the public project `library`."""
    migrate(url)
    database = open_database(Settings(database=DatabaseSettings(url=url)))

    def first_rows(work: Work) -> None:
        users.ensure_admin(work, _hash(ADMIN_PASSWORD))
        projects.ensure_library(work)

    database.run_here(SYSTEM, first_rows)
    database.engine.dispose()


_hashes: dict[str, str] = {}


def _hash(password: str) -> str:
    """A hash that is checked in no time: every test has people of its own, and each is checked at least once."""
    if password not in _hashes:
        _hashes[password] = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)
    return _hashes[password]


class Stores:
    """Makes filled databases and settings for them, and applications on them."""

    def __init__(self, folder: Path, parts: Parts) -> None:
        self._folder = folder
        self._parts = parts
        self._shared: dict[tuple[str, int], Server] = {}
        self._exits = AsyncExitStack()

    def make_settings(self, kind: str, **changes: Any) -> Settings:
        """Settings of a new store."""
        data = self._folder / f"store-{next(_number)}"
        data.mkdir(mode=0o700)
        if kind == "sqlite":
            template = self._folder / "template.db"
            if not template.exists():
                fill(f"sqlite:///{template}")
                with closing(sqlite3.connect(template)) as db:
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(template, data / "moorage.db")
            url = ""
        else:
            postgres = self._parts.get("postgres", Postgres)
            url = postgres.url(postgres.create(fill)).replace("+psycopg", "")
        create_key(data / "keys" / "token")
        create_seal_key(data / "keys" / "seal")
        settings = Settings(
            data=str(data),
            database=DatabaseSettings(url=url, pool_size=4),
            allowed_hosts=(HOST,),
            log=Log(access=False),
        )
        return msgspec.structs.replace(settings, **changes)

    async def shared(self, kind: str, worker: int = 1) -> Server:
        """The application that most tests use; worker 2 is another one on the same store."""
        if (kind, worker) not in self._shared:
            settings = self.make_settings(kind) if worker == 1 else (await self.shared(kind)).settings
            server = Server(settings)
            await server.start()
            self._exits.push_async_callback(server.stop)
            self._shared[kind, worker] = server
        return self._shared[kind, worker]

    async def stop(self) -> None:
        """Stop the applications."""
        await self._exits.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stores(tmp_path_factory: pytest.TempPathFactory, parts: Parts) -> AsyncIterator[Stores]:
    """The stores of this run."""
    made = Stores(tmp_path_factory.mktemp("stores"), parts)
    yield made
    await made.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def kind(request: pytest.FixtureRequest) -> str:
    """The database; every test that uses it runs on both."""
    return str(request.param)


# -- applications -----------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def app(kind: str, stores: Stores) -> Server:
    """The application that is shared by all tests of one database."""
    return await stores.shared(kind)


Serve = Callable[..., Awaitable[Server]]


@pytest_asyncio.fixture(loop_scope="session")
async def serve(kind: str, stores: Stores) -> AsyncIterator[Serve]:
    """A way to start an application of the test's own, for example with `uploads=Uploads(open_limit=2)`.

    With `beside=other` it is one more worker of the other's store.
    """
    async with AsyncExitStack() as exits:

        async def start(*, beside: Server | None = None, **changes: Any) -> Server:
            settings = stores.make_settings(kind, **changes) if beside is None else beside.settings
            server = Server(settings)
            await server.start()
            exits.push_async_callback(server.stop)
            return server

        yield start


@pytest.fixture
def no_time_passes(app: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """For whoever `app` slows down: a wait of a second is not over before a busy machine has come to the next try."""
    assert isinstance(app, Server)
    now = time.monotonic()
    monkeypatch.setattr(Throttle, "_clock", property(lambda _: lambda: now), raising=False)


# -- who asks, and where ----------------------------------------------------------------------------------


def unique(word: str) -> str:
    """A name that no other test has."""
    return f"{word}{next(_number)}"


async def make_project(server: Server, **options: Any) -> str:
    """Make a project and return its name."""
    name = unique("p")
    await server.run(projects.create_project, name, **options)
    return name


async def make_user(server: Server, roles: Mapping[str, Role] | None = None, *, admin: bool = False) -> Client:
    """Make somebody with these roles in projects, by their names."""
    name = unique("user")
    user_id = await server.run(users.create_user, name, password_hash=_hash(PASSWORD), admin=admin)
    for project, role in (roles or {}).items():
        row = await server.run(projects.get_project, project)
        await server.run(projects.set_member, row.id, user_id, role)
    return Client(server, name, PASSWORD, user_id)


async def make_robot(server: Server, project: str, *actions: str, **options: Any) -> Client:
    """Make a robot of a project that may do `actions` with its repositories."""
    row = await server.run(projects.get_project, project)
    may = [
        accounts.Permission("artifact" if action == "delete" else "repository", action, row.id, system=False)
        for action in actions
    ]
    made = await server.run(accounts.create_robot, unique("robot"), may, project=(row.id, project), **options)
    return Client(server, f"robot${made.name}", made.secret, made.id)


async def give_refresh_tokens(server: Server) -> None:
    """Switch refresh tokens on at this server, for people who log in with their password."""
    await server.run(set_items, Seals(server.settings.seal_key_folder), {"refresh_token_enable": True})


async def project_id(server: Server, name: str) -> int:
    """The id of a project."""
    return (await server.run(projects.get_project, name)).id


def administrator(server: Server) -> Client:
    """User 1."""
    return Client(server, "admin", ADMIN_PASSWORD, 1)


@pytest.fixture
def admin(app: Server) -> Client:
    """User 1."""
    return administrator(app)


@pytest_asyncio.fixture(loop_scope="session")
async def project(app: Server) -> str:
    """A new private project."""
    return await make_project(app)


@pytest_asyncio.fixture(loop_scope="session")
async def owner(app: Server, project: str) -> Client:
    """May pull, push and delete in `project`, and nothing elsewhere: a robot, whose secret is cheap to check."""
    return await make_robot(app, project, "pull", "push", "delete")


@pytest.fixture
def repo(owner: Client, project: str) -> Repo:
    """A repository in `project` in the eyes of `owner`; nothing is in it yet."""
    return owner.repo(f"{project}/app")


class Pushed(Protocol):
    """What the fixture `pushed` gives."""

    async def __call__(self, *tags: str, layers: list[bytes] = ...) -> str:
        """Push an image and return its digest."""
        ...


@pytest.fixture
def pushed(repo: Repo) -> Pushed:
    """A way to push an image to `repo` under some tags."""

    async def push(*tags: str, layers: list[bytes] | None = None) -> str:
        return await repo.image(*tags, layers=layers or [unique("layer").encode()])

    return push
