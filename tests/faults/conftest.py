"""Stores for the fault tests, on both databases."""

import contextlib
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moorage import failpoints
from tests.faults.life import Nursery
from tests.faults.place import Place, Templates
from tests.parts.postgres import Postgres

SEED = int(os.environ.get("MOORAGE_TEST_SEED") or random.SystemRandom().getrandbits(32))
"""The seed of everything that these tests leave to chance."""


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Filled stores to copy."""
    return Templates(tmp_path_factory.mktemp("template") / "data")


@pytest.fixture
def postgres_place(postgres: Postgres, templates: Templates, tmp_path: Path) -> Iterator[Place]:
    """A store on PostgreSQL."""
    keys = templates.copy(tmp_path / "data")  # first: its keys belong to all databases
    name = postgres.create(templates.fill)
    yield templates.move(keys, postgres.url(name))
    postgres.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.part("postgres"))])
def place(request: pytest.FixtureRequest) -> Place:
    """A store of this test's own, on SQLite and on PostgreSQL."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def sqlite_place(templates: Templates, tmp_path: Path) -> Place:
    """A store on SQLite."""
    return templates.copy(tmp_path / "data")


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Starts servers in a moment."""
    made = Nursery(tmp_path_factory.mktemp("nursery") / "log")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """No fault outlives its test."""
    yield
    failpoints.disarm()


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Writes a line of the report: counts and seeds belong into every run's output."""
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        if reporter is None:
            return
        with capture.global_and_fixture_disabled() if capture is not None else contextlib.nullcontext():
            reporter.write_line(f"\n{text}")

    return say


@pytest.fixture
def seed(tell: Callable[[str], None]) -> int:
    """The seed of this run, which is told; MOORAGE_TEST_SEED gives one."""
    tell(f"MOORAGE_TEST_SEED={SEED}")
    return SEED
