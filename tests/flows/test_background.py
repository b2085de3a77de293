"""Background work of a real server: its processes come when there is work, die, come again; and `moorage work`."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, update

from moorage.cli.worker_supervisor import NAME
from moorage.jobs.tables import Schedule
from tests.commands import MOORAGE, clean_environment
from tests.parts.base import wait_until
from tests.serving import Moorage, serve

RUN = {"schedule": {"type": "Manual"}, "parameters": {"delete_untagged": True}}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.part("postgres"))])
def database_url(request: pytest.FixtureRequest) -> str:
    """Of an empty PostgreSQL database; for SQLite nothing."""
    if request.param == "sqlite":
        return ""
    return str(request.getfixturevalue("postgres_url")).replace("+psycopg", "")


def ask(moorage: Moorage, method: str, path: str, body: object = None) -> Any:
    """A request of the administrator's that has to work; its body, or the last word of its Location."""
    auth = (moorage.admin.username, moorage.admin.password)
    answer = httpx.request(method, f"{moorage.url}/api/v2.0{path}", json=body, auth=auth, timeout=60)
    assert answer.is_success, answer.text
    if "location" in answer.headers:
        return answer.headers["location"].rpartition("/")[2]
    return answer.json() if answer.content else None


def collect(moorage: Moorage) -> str:
    """Start a run; its path."""
    return f"/system/gc/{ask(moorage, 'POST', '/system/gc/schedule', RUN)}"


def has_ended(moorage: Moorage, run: str) -> Callable[[], bool]:
    """Whether a run has ended well."""
    return lambda: bool(ask(moorage, "GET", run)["job_status"] == "Success")


def counts(moorage: Moorage, runs: int) -> bool:
    """Whether the metrics know of so many runs that ended well."""
    auth = (moorage.admin.username, moorage.admin.password)
    text = httpx.get(f"{moorage.url}/metrics", auth=auth, timeout=60).text
    return f'harbor_jobservice_task_total{{type="GARBAGE_COLLECTION",status="success"}} {runs}\n' in text


def list_processes(moorage: Moorage) -> list[int]:
    """The processes of background jobs, the keeper first: the worker is its child."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = status.read_text().rpartition(")")
            state, parent, group = rest.split()[:3]
            if int(group) == moorage.pid and state != "Z" and name.partition("(")[2] == NAME:
                found[int(status.parent.name)] = int(parent)
    return sorted(found, key=lambda pid: found[pid] in found)


def test_a_worker_comes_when_there_is_work_and_another_one_when_it_is_killed(tmp_path: Path, database_url: str) -> None:
    with serve(tmp_path / "data", database_url=database_url, settings={"jobs.idle_seconds": 8}) as moorage:
        if not database_url:
            assert len(list_processes(moorage)) == 1, "on SQLite nobody works while there is no work"
        run = collect(moorage)
        wait_until(has_ended(moorage, run), what="the first run", seconds=60)
        assert "files deleted" in httpx.get(
            f"{moorage.url}/api/v2.0{run}/log", auth=(moorage.admin.username, moorage.admin.password), timeout=60
        ).text  # fmt: skip
        _, worker = list_processes(moorage)
        [pool] = ask(moorage, "GET", "/jobservice/pools")
        assert pool["pid"] == worker
        wait_until(lambda: counts(moorage, 1), what="the run's count", seconds=60)  # a kill loses what is not written

        os.kill(worker, signal.SIGKILL)
        run = collect(moorage)
        wait_until(has_ended(moorage, run), what="a run after the worker was killed", seconds=60)

        def is_forgotten() -> bool:
            return worker not in {one["pid"] for one in ask(moorage, "GET", "/jobservice/pools")}

        wait_until(is_forgotten, what="the end of what the dead worker left", seconds=60)

        if not database_url:
            wait_until(lambda: len(list_processes(moorage)) == 1, what="the end of the idle worker", seconds=60)
            assert ask(moorage, "GET", "/jobservice/pools") == []
        moorage.restart()
        run = collect(moorage)
        wait_until(has_ended(moorage, run), what="a run after a restart", seconds=60)
        wait_until(lambda: counts(moorage, 3), what="the count of all three", seconds=60)


@contextlib.contextmanager
def working(moorage: Moorage, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`moorage work` on the same data."""
    environment = clean_environment(**moorage._environment())
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*MOORAGE, "work", "--data", str(moorage.data), "--slots", "2"], env=environment, stdout=file, stderr=file
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(10)
    assert "Traceback" not in log.read_text()


def test_moorage_work_does_it_when_the_server_does_not(tmp_path: Path, database_url: str) -> None:
    log = tmp_path / "work.log"
    with serve(tmp_path / "data", database_url=database_url, settings={"jobs.beside": False}) as moorage:
        assert list_processes(moorage) == []
        run = collect(moorage)
        time.sleep(1.5)
        assert ask(moorage, "GET", run)["job_status"] == "Running"
        assert ask(moorage, "GET", "/jobservice/pools") == []
        with working(moorage, log) as process:
            wait_until(has_ended(moorage, run), what="the run", seconds=60)
            [pool] = ask(moorage, "GET", "/jobservice/pools")
            assert (pool["pid"], pool["concurrency"]) == (process.pid, 2)
        assert ask(moorage, "GET", "/jobservice/pools") == []


def test_a_new_store_collects_every_night_until_somebody_sets_it_otherwise(tmp_path: Path, database_url: str) -> None:
    with serve(tmp_path / "data", database_url=database_url) as moorage:
        shown = ask(moorage, "GET", "/system/gc/schedule")
        second, minute, hours, *every_day = shown["schedule"]["cron"].split()
        assert (shown["job_name"], shown["schedule"]["type"]) == ("GARBAGE_COLLECTION", "Custom")
        assert second == "0"
        assert every_day == ["*", "*", "*"]
        first, again = map(int, hours.split(","))
        assert 2 <= first < 5
        assert again == first + 1
        assert 0 <= int(minute) < 60
        assert json.loads(shown["job_parameters"]) == {
            "delete_untagged": False, "delete_tag": False, "dry_run": False, "workers": 1,
        }  # fmt: skip
        told = ask(moorage, "GET", "/audit?page_size=100")["entries"]
        assert [one["username"] for one in told if one["resource"] == "GARBAGE_COLLECTION"] == ["system"]

        _fall_due(moorage, database_url)
        wait_until(lambda: bool(ask(moorage, "GET", "/system/gc")), what="the night's run", seconds=60)
        [run] = ask(moorage, "GET", "/system/gc")
        assert run["job_kind"] == "SCHEDULE"
        wait_until(has_ended(moorage, f"/system/gc/{run['id']}"), what="its end", seconds=60)

        weekly = {"schedule": {"type": "Weekly"}, "parameters": {"delete_untagged": True}}
        ask(moorage, "PUT", "/system/gc/schedule", weekly)
        moorage.restart()
        assert ask(moorage, "GET", "/system/gc/schedule")["schedule"]["type"] == "Weekly"
        ask(moorage, "PUT", "/system/gc/schedule", {"schedule": {"type": "None"}})
        moorage.restart()
        assert ask(moorage, "GET", "/system/gc/schedule") == {}


def _fall_due(moorage: Moorage, database_url: str) -> None:
    """Let the next collection be due by now."""
    url, file = (
        database_url.replace("postgresql://", "postgresql+psycopg://"),
        f"sqlite:///{moorage.data / 'moorage.db'}",
    )
    engine = create_engine(url) if url else create_engine(file, connect_args={"timeout": 60})
    due = update(Schedule).where(Schedule.vendor_type == "GARBAGE_COLLECTION")
    with engine.begin() as db:
        db.execute(due.values(next_at=datetime.now(UTC) - timedelta(seconds=1)))
    engine.dispose()


def test_work_without_a_store_says_how_to_make_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [*MOORAGE, "work", "--data", str(tmp_path)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "moorage serve" in done.stderr
    assert "Traceback" not in done.stderr
