"""What all tests share: the real parts, the report of what ran, and the rules about sockets and counts."""

import gc
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

from tests.described import watch
from tests.parts import Parts, is_ci, list_excused, list_names
from tests.parts.postgres import Postgres
from tests.parts.seaweedfs import SeaweedFS

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


@pytest.fixture(scope="session", autouse=True)
def described() -> Iterator[None]:
    """Answers of the REST API are those that our own document declares, whichever test asks."""
    with pytest.MonkeyPatch.context() as patch:
        watch(patch)
        yield


# -- parts ------------------------------------------------------------------------------------------------

PARTS = pytest.StashKey[Parts]()


def list_asked(item: pytest.Item) -> list[str]:
    """The parts that a test needs: those of its marks, and those whose fixture it uses."""
    marked = [name for mark in item.iter_markers("part") for name in mark.args]
    used = set(getattr(item, "fixturenames", ())) & set(list_names())
    return list(dict.fromkeys([*marked, *sorted(used)]))


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = list_names()
    for item in items:
        asked = list_asked(item)
        if asked:
            item.add_marker(pytest.mark.part(*asked))
        for name in asked:
            if name not in known:
                raise pytest.UsageError(f"{item.nodeid}: there is no tests/parts/{name}.py")
    if not config.getoption("--deep"):
        deep = [item for item in items if item.get_closest_marker("deep")]
        if deep:
            config.hook.pytest_deselected(items=deep)
            items[:] = [item for item in items if item not in deep]


def pytest_collection_finish() -> None:
    """Some hundred thousand objects of modules and tests stay to the end: no collection need look at them again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out when a part is missing, or fail it where that is not allowed."""
    missing = []
    excused = True
    for name in list_asked(item):
        found = item.config.stash[PARTS].find(name)
        item.user_properties.append(("part", [name, found.version, found.reason, found.excused]))
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


@pytest.fixture(scope="session")
def seaweedfs(parts: Parts) -> SeaweedFS:
    """A running S3 store."""
    return parts.get("seaweedfs", SeaweedFS)


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
        allowed = MAY_CONNECT[folder]
        is_loopback = self.family == socket.AF_INET and address[0].startswith("127.") and "127.0.0.1" in allowed
        if self.family != socket.AF_UNIX and not is_loopback and address[0] not in allowed:
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

    def add(self, other: "Row") -> None:
        """Count in another row of the same part."""
        self.version, self.reason = other.version or self.version, other.reason or self.reason
        self.seconds += other.seconds
        self.ran += other.ran
        self.left_out += other.left_out


class Report:
    """Gathers what ran; also for xdist, because all it needs travels with each test's report."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.left_out: list[tuple[str, str, bool]] = []
        """Test, reason, and whether CI_WITHOUT excuses it."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one phase of one test."""
        asked = [cast("tuple[str, str, str, bool]", value) for key, value in report.user_properties if key == "part"]
        is_missing = any(reason for _, _, reason, _ in asked)
        for name, version, reason, _ in asked:
            ran, left_out = int(report.when == "call"), int(report.when == "setup" and is_missing)
            row = Row(name, version=version, reason=reason, seconds=report.duration, ran=ran, left_out=left_out)
            self.rows.setdefault(name, Row(name)).add(row)
        if report.skipped and not hasattr(report, "wasxfail"):
            is_excused = is_missing and all(excused for _, _, reason, excused in asked if reason)
            self.left_out.append((report.nodeid, read_reason(report), is_excused))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that skips itself leaves out all its tests."""
        if report.skipped:
            self.left_out.append((report.nodeid, read_reason(report), False))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail where leaving out is failing."""
        if is_ci() and session.exitstatus == 0 and any(not is_excused for *_, is_excused in self.left_out):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # pytest keeps the reporter's class to itself
        """Print the table, and leave the figures to tools/run_tests.py where it asks for them."""
        if self.rows:
            terminalreporter.section("real parts")
            for line in format_table(sorted(self.rows.values(), key=lambda row: row.name)):
                terminalreporter.write_line(line)
        target = os.environ.get("MOORAGE_TEST_REPORT")
        if target:
            stats = {key: len(value) for key, value in terminalreporter.stats.items() if key}
            rows = [asdict(row) for row in self.rows.values()]
            Path(target).write_text(json.dumps({"stats": stats, "parts": rows, "left_out": self.left_out}))


def read_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, without the place."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def format_table(rows: list[Row]) -> list[str]:
    """The lines of the closing table: part, version, seconds, ran or why not."""
    names, versions = max(16, *(len(row.name) for row in rows)), max(16, *(len(row.version) for row in rows))
    lines = [f"{'part':<{names}}  {'version':<{versions}}  {'seconds':>8}  result"]
    for row in rows:
        if row.reason:
            result = f"missing: {row.reason} ({row.left_out} left out)"
        else:
            result = f"{row.ran} ran" if row.ran else "no test used it"
            result += f", {row.left_out} left out for want of another part" if row.left_out else ""
        lines.append(f"{row.name:<{names}}  {row.version or '-':<{versions}}  {row.seconds:>8.1f}  {result}")
    return lines


def pytest_report_header() -> list[str]:
    """Say at once what this run does without."""
    excused = list_excused()
    without = [f"CI_WITHOUT={','.join(excused)}: parts supplied by these may be missing"] if excused else []
    return [*without, f"python {sys.version.split()[0]}, CI={'true' if is_ci() else 'false'}"]
