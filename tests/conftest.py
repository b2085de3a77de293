"""What all tests share: the real parts, the report of what ran, and the rules about sockets and counts."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings as hypothesis_settings

from tests.parts import Parts, is_ci, list_excused, list_names
from tests.parts.postgres import Postgres

TESTS = Path(__file__).parent

hypothesis_settings.register_profile("normal", max_examples=100, deadline=None, print_blob=True)
hypothesis_settings.register_profile("deep", max_examples=5_000, deadline=None, print_blob=True)


# -- options ----------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("moorage")
    group.addoption("--deep", action="store_true", help="large counts: what `make test-deep` runs")
    group.addoption("--postgres", metavar="URL", help="use this PostgreSQL server instead of starting one")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis_settings.load_profile("deep" if config.getoption("--deep") else "normal")
    Postgres.given = config.getoption("--postgres")
    config.pluginmanager.register(Report(), "moorage-report")
    config.stash[PARTS] = Parts()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[PARTS].stop()


@pytest.fixture(scope="session")
def deep(request: pytest.FixtureRequest) -> bool:
    """Whether this run uses large counts."""
    return bool(request.config.getoption("--deep"))


# -- parts ------------------------------------------------------------------------------------------------

PARTS = pytest.StashKey[Parts]()


def list_asked(item: pytest.Item) -> list[str]:
    """The parts that a test needs: those of its marks, and those whose fixture it uses."""
    marked = [name for mark in item.iter_markers("part") for name in mark.args]
    used = set(getattr(item, "fixturenames", ())) & set(list_names())
    return list(dict.fromkeys([*marked, *sorted(used)]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = list_names()
    for item in items:
        for name in list_asked(item):
            if name not in known:
                raise pytest.UsageError(f"{item.nodeid}: there is no tests/parts/{name}.py")
    if not config.getoption("--deep"):
        deep = [item for item in items if item.get_closest_marker("deep")]
        if deep:
            config.hook.pytest_deselected(items=deep)
            items[:] = [item for item in items if item not in deep]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out when a part is missing, or fail it where that is not allowed."""
    missing = []
    excused = True
    for name in list_asked(item):
        found = item.config.stash[PARTS].find(name)
        item.user_properties.append(("part", [name, found.version, found.reason]))
        if found.reason:
            missing.append(f"{name}: {found.reason}")
            excused = excused and found.excused
    if not missing:
        return
    if is_ci() and not excused:
        pytest.fail("; ".join(missing), pytrace=False)
    pytest.skip("; ".join(missing))


@pytest.fixture(scope="session")
def parts(pytestconfig: pytest.Config) -> Parts:
    """The real programs: `parts.get("postgres", Postgres)` starts it the first time."""
    return pytestconfig.stash[PARTS]


@pytest.fixture(scope="session")
def postgres(parts: Parts) -> Postgres:
    """A running PostgreSQL."""
    return parts.get("postgres", Postgres)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database of this test's own. Shape: `postgresql+psycopg://…/NAME`."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


# -- sockets ----------------------------------------------------------------------------------------------

MAY_CONNECT = {
    "unit": (),
    "house": (),
    "api": ("127.0.0.1", "localhost", "::1"),
    "contracts": ("127.0.0.1", "localhost", "::1"),
}
"""Folder: the hosts that its tests may connect to. What is not listed starts servers and is free to talk to them."""


@pytest.fixture(autouse=True)
def _closed_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to elsewhere. Drivers in C or Rust (libpq, obstore) do not pass here."""
    folder = request.path.relative_to(TESTS).parts[0] if request.path.is_relative_to(TESTS) else ""
    if folder not in MAY_CONNECT:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:  # any shape of address that the family has
        if self.family != socket.AF_UNIX and address[0] not in MAY_CONNECT[folder]:
            pytest.fail(f"a test in {folder}/ connects to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


# -- the report -------------------------------------------------------------------------------------------


@dataclass
class Row:
    """One line of the closing table.

    Attributes:
        name: the part.
        version: as found; empty when it is missing.
        reason: why it is missing.
        seconds: time of the tests that used it, starting included.
        ran: tests that ran with it.
        left_out: tests that were skipped or failed because a part is missing.
    """

    name: str
    version: str = ""
    reason: str = ""
    seconds: float = 0.0
    ran: int = 0
    left_out: int = 0


class Report:
    """Gathers what ran; also for xdist, because all it needs travels with each test's report."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        asked = [cast("list[str]", value) for key, value in report.user_properties if key == "part"]  # as set above
        is_missing = any(reason for _, _, reason in asked)
        for name, version, reason in asked:
            row = self.rows.setdefault(name, Row(name))
            row.version, row.reason = version, reason
            row.seconds += report.duration
            row.ran += report.when == "call"
            row.left_out += report.when == "setup" and is_missing

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # pytest keeps the reporter's class to itself
        """Print the table, and leave the figures to tools/run_tests.py where it asks for them."""
        if self.rows:
            terminalreporter.section("real parts")
            for line in format_table(sorted(self.rows.values(), key=lambda row: row.name)):
                terminalreporter.write_line(line)
        target = os.environ.get("MOORAGE_TEST_REPORT")
        if target:
            stats = {key: len(value) for key, value in terminalreporter.stats.items() if key}
            Path(target).write_text(json.dumps({"stats": stats, "parts": [asdict(row) for row in self.rows.values()]}))


def format_table(rows: list[Row]) -> list[str]:
    """The lines of the closing table: part, version, seconds, ran or why not."""
    lines = [f"{'part':<16} {'version':<24} {'seconds':>8}  result"]
    for row in rows:
        result = f"missing: {row.reason} ({row.left_out} left out)" if row.reason else f"{row.ran} ran"
        if not row.reason and row.left_out:
            result += f", {row.left_out} left out for want of another part"
        lines.append(f"{row.name:<16} {row.version or '-':<24} {row.seconds:>8.1f}  {result}")
    return lines


def pytest_report_header() -> list[str]:
    """Say at once what this run does without."""
    excused = list_excused()
    without = [f"CI_WITHOUT={','.join(excused)}: parts supplied by these may be missing"] if excused else []
    return [*without, f"python {sys.version.split()[0]}, CI={'true' if is_ci() else 'false'}"]
