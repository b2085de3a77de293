"""A database of each kind with its tables, and somebody in it."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import pytest
from sqlalchemy import select

import moorage.app  # noqa: F401 - with it every table is known
from moorage.access.policy import Account, Role
from moorage.audit.tables import Audit
from moorage.authentication.backends.ldap import Ldap
from moorage.authentication.service import Login
from moorage.configuration.cached_settings import Settled
from moorage.configuration.schema import Items
from moorage.db.base import Base
from moorage.db.engine import Database
from moorage.db.unit_of_work import Work
from moorage.events import Actor
from moorage.projects import service as projects
from moorage.users import passwords as passwords_module
from moorage.users import service as users
from moorage.users.login_throttle import Throttle
from moorage.users.passwords import Passwords
from moorage.wiring import wire
from tests.api.identity.directories import PASSWORD, Person, Town, make_town
from tests.parts import Parts
from tests.parts.postgres import Postgres
from tests.parts.samba import Samba
from tests.parts.slapd import Slapd

P = ParamSpec("P")
T = TypeVar("T")

ADDRESS = "192.0.2.1"
"""Where people come in from."""

TESTER = Actor(principal_id=1, name="admin", credential="cli", address="192.0.2.9", request_id="r1")


def make_tables(url: str) -> None:
    """Fill an empty database with tables."""
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.engine.dispose()


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "moorage.db"
    make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def shared_url(postgres: Postgres) -> Iterator[str]:
    """A PostgreSQL database with all tables, to be emptied before each use: five times as fast as a fresh one."""
    name = postgres.create(make_tables)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database with all tables, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "moorage.db")
        database = Database(f"sqlite:///{path}", subscribers=wire())
    else:
        database = Database(request.getfixturevalue("shared_url"), subscribers=wire())
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    yield database
    await database.close()


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@dataclass
class Noted:
    """Refusals, kept in a list. Shape of each: (name, operation, resource)."""

    refusals: list[tuple[str, str, str]] = field(default_factory=list)

    def note(
        self, actor: Actor, operation: str, resource_type: str, resource: str, *, project_id: int | None = None
    ) -> None:
        """See `Refusals.note`."""
        assert resource_type == "user"
        assert project_id is None
        self.refusals.append((actor.name, operation, resource))


def hash_cheaply(password: str) -> str:
    """A hash that the cheap check of these tests knows; the real one has its tests in tests/unit."""
    return f"cheap:{password}"


@dataclass
class World:
    """Services on a database, and who lives there. Passwords are the name with `-Pass1` behind it."""

    database: Database
    passwords: Passwords
    login: Login
    clock: Clock
    refused: Noted
    checks: list[str]

    def run(self, story: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """One transaction."""
        return self.database.run_here(TESTER, story, *args, **kwargs)

    def user(self, name: str, **more: Any) -> int:
        """A user with the usual password."""
        return self.run(users.create_user, name, password_hash=hash_cheaply(f"{name}-Pass1"), **more)

    def project(self, name: str, **more: Any) -> int:
        """A project."""
        return self.run(projects.create_project, name, **more).id

    def member(self, project_id: int, user_id: int, role: Role) -> int:
        """A role for somebody."""
        return self.run(projects.set_member, project_id, user_id, role)

    def scalar(self, statement: Any) -> Any:
        """The first value of a statement."""
        return self.run(lambda work: work.db.scalar(statement))

    def audit(self) -> list[tuple[Any, ...]]:
        """All rows of the audit. Shape: (operation, resource type, resource, ok, repeats, detail)."""
        columns = (Audit.operation, Audit.resource_type, Audit.resource, Audit.ok, Audit.repeats, Audit.detail)
        return self.run(lambda work: [tuple(row) for row in work.db.execute(select(*columns).order_by(Audit.id)).all()])


@pytest.fixture
async def world(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A first administrator on an empty database. Passwords are compared, not hashed: each check is in `checks`."""
    checks: list[str] = []

    def matches(stored: str, password: str) -> bool:
        checks.append(stored)
        return stored == hash_cheaply(password)

    monkeypatch.setattr(passwords_module, "_matches", matches)
    clock = Clock()
    refused = Noted()
    passwords = Passwords(clock=clock)
    login = Login(
        database.read, passwords, refusals=refused, people=Throttle(clock=clock), machines=Throttle(clock=clock)
    )
    database.run_here(TESTER, users.ensure_admin, hash_cheaply("admin-Pass1"))
    yield World(database, passwords, login, clock, refused, checks)
    await passwords.close()


@pytest.fixture(
    params=[
        pytest.param("openldap", marks=pytest.mark.part("slapd")),
        pytest.param("ad", marks=pytest.mark.part("samba")),
    ]
)
def town(request: pytest.FixtureRequest, parts: Parts) -> Town:
    """An empty branch of a directory of each kind."""
    return make_town(parts.get("slapd", Slapd) if request.param == "openldap" else parts.get("samba", Samba))


@pytest.fixture
def openldap(parts: Parts) -> Town:
    """An empty branch of OpenLDAP, for what only one of them can show."""
    return make_town(parts.get("slapd", Slapd))


@pytest.fixture
def ad(parts: Parts) -> Town:
    """An empty branch of Active Directory."""
    return make_town(parts.get("samba", Samba))


class Door:
    """Where people come in: the login of a process, under settings that a test can change."""

    def __init__(self, world: World, items: Items) -> None:
        self.live = Settled(items)
        self.throttle = Throttle(clock=world.clock)
        self.backend = Ldap(world.database, world.passwords, self.live, clock=world.clock)
        self.login = Login(
            world.database.read,
            world.passwords,
            live=self.live,
            refusals=world.refused,
            backends=(self.backend,),
            people=self.throttle,
        )

    async def enter(self, who: Person | str, password: str = PASSWORD) -> Account:
        return await self.login.authenticate(who if isinstance(who, str) else who.name, password, ADDRESS)

    def set(self, **changes: Any) -> None:
        self.live.current = msgspec.structs.replace(self.live.current, **changes)


@pytest.fixture
def door(world: World) -> Callable[..., Door]:
    """A way in to a directory."""
    return lambda town, **changes: Door(world, town.items(**changes))
