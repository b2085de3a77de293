"""Rows of garbage collection: very many orphans go, and what somebody who pulls meanwhile sees of it."""

import asyncio
import http.client
import json
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM
from moorage.settings import Database, Settings
from moorage.wiring import open_database
from tests.bench import orphans, store
from tests.bench.load import Target, Wrong, ask
from tests.bench.report import Column, Row
from tests.bench.servers import Servers
from tests.parts.base import Missing
from tests.serving import Moorage

ORPHANS = 100_000
WANTED_SECONDS = 60
RATE = 200
"""Manifests asked for a second, one after the other on one connection."""

LITE, POSTGRES = "SQLite", "PostgreSQL"
_SHAPE = store.Shape(repositories=10, artifacts=2_000, tags=0)


def measure(servers: Servers, rounds: int) -> Iterator[Row]:
    """The collector as a job of a server that answers, on SQLite and on PostgreSQL."""
    del rounds  # a store is filled for each: once is long enough
    took = Row(
        "gc", f"collect {ORPHANS:,} orphans on the file system, beside pulls", "s",
        "blobs of 256 bytes in one project; the job's time, the wait for the last signed URL left out",
    )  # fmt: skip
    waits = Row(
        "gc-pulls", "p99 of GET of a manifest while it runs", "ms",
        f"{RATE} a second on one connection, each counted from when it was due; {_SHAPE.artifacts:,} artifacts",
    )  # fmt: skip
    for label, database_url in _databases(servers):
        moorage = _fill(servers.folder / f"gc-{label}", database_url)
        try:
            moorage.start()
            target = Target(label, moorage.host, (store.USERNAME, store.PASSWORD), moorage.pid)
            paths = servers.folder / f"gc-{label}.txt"
            paths.write_text("\n".join(_list_paths(target)))
            _pull(target, paths, seconds=2)
            alone = _pull(target, paths, seconds=10)
            seconds, beside = _collect(moorage, target, paths, database_url)
        finally:
            moorage.kill()
        took.columns.append(Column(label, "POST /api/v2.0/system/gc/schedule {Manual}", [seconds]))
        took.limit(f"{WANTED_SECONDS} s, {label}", label, WANTED_SECONDS)
        command = "python -m tests.bench.collecting"
        waits.columns += [
            Column(f"{label}, nothing else runs", command, [alone]), Column(f"{label}, collecting", command, [beside]),
        ]  # fmt: skip
        waits.ask(f"at most doubled, {label}", f"{label}, collecting", f"{label}, nothing else runs", 0.5)
    yield took
    yield waits


def _databases(servers: Servers) -> Iterator[tuple[str, str]]:
    yield LITE, ""
    try:
        yield POSTGRES, servers.postgres_url()
    except Missing as missing:
        servers.missing[f"{POSTGRES}, gc"] = str(missing)


def _fill(folder: Path, database_url: str) -> Moorage:
    """A store with some artifacts, and the orphans in one of its repositories."""
    moorage = Moorage(folder, workers=1, database_url=database_url)
    moorage.start()
    moorage.stop()
    settings = _settings(moorage, database_url)
    asyncio.run(store.fill(settings.database_url, _SHAPE))
    database = open_database(settings)
    database.run_here(SYSTEM, orphans.add_orphans, store.name_of(0), ORPHANS)
    if database_url:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("VACUUM ANALYZE"))
    database.engine.dispose()
    store.write_files(moorage.data / "storage", _SHAPE)
    orphans.write_orphans(moorage.data / "storage", ORPHANS)
    return moorage


def _settings(moorage: Moorage, database_url: str) -> Settings:
    return Settings(data=str(moorage.data), database=Database(url=database_url))


def _list_paths(target: Target) -> Iterator[str]:
    for path in store.list_manifest_paths(_SHAPE):
        yield f"{path} {target.authorise(path.removeprefix('/v2/').partition('/manifests/')[0])}"


def _collect(moorage: Moorage, target: Target, paths: Path, database_url: str) -> tuple[float, float]:
    """Collect all of it, while others pull; seconds of the two runs, and the pulls' p99 in milliseconds."""
    client = _start_pulls(target, paths, seconds=600)
    try:
        time.sleep(1)
        seconds = _run_job(moorage)
        # Nobody has a signed URL of a file: the minutes that the bytes are kept for those are over at once.
        database = open_database(_settings(moorage, database_url))
        database.run_here(SYSTEM, _let_wait_end)
        database.engine.dispose()
        seconds += _run_job(moorage)
    finally:
        client.terminate()
        printed, _ = client.communicate(timeout=30)
    left = sum(1 for _ in (moorage.data / "storage").rglob("data"))
    expected = _SHAPE.repositories * store.FILES_PER_REPOSITORY
    if left != expected:
        raise Wrong(f"{target.label}: {left} files are left of {expected}")
    return seconds, _read(printed)


def _let_wait_end(work: Work) -> None:
    ago = "interval '1 hour'" if work.db.dialect.name == "postgresql" else "3600000000"
    work.db.execute(text(f"UPDATE blob SET changed_at = changed_at - {ago} WHERE state = 'doomed'"))  # noqa: S608 - ours


def _run_job(moorage: Moorage) -> float:
    """Run the job to its end; its seconds, from the request on."""
    basic = Target("", moorage.host, (moorage.admin.username, moorage.admin.password)).basic
    headers = {"Authorization": basic, "Content-Type": "application/json"}
    began = time.perf_counter()
    body = json.dumps({"schedule": {"type": "Manual"}, "parameters": {"workers": 1}}).encode()
    status, found, answer = ask(moorage.host, "POST", "/api/v2.0/system/gc/schedule", headers, body)
    if status != http.HTTPStatus.CREATED:
        raise Wrong(f"gc: {status} {answer[:300]!r}")
    while True:
        time.sleep(0.25)
        _, _, answer = ask(moorage.host, "GET", found["location"], headers)
        state = json.loads(answer)["job_status"]
        if state == "Success":
            return time.perf_counter() - began
        if state in {"Error", "Stopped"} or time.perf_counter() - began > 900:
            raise Wrong(f"gc: {answer[:500]!r}")


# -- pulls at a rate ----------------------------------------------------------------------------------------


def _start_pulls(target: Target, paths: Path, *, seconds: float) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", "tests.bench.collecting", target.host, str(paths), str(RATE), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def _pull(target: Target, paths: Path, *, seconds: float) -> float:
    """Pull for a while; the p99 in milliseconds."""
    printed, _ = _start_pulls(target, paths, seconds=seconds).communicate(timeout=seconds + 60)
    return _read(printed)


def _read(printed: str) -> float:
    found = json.loads(printed)
    if found["bad"] or found["count"] < RATE:
        raise Wrong(f"pulls beside collection: {found}")
    p99: float = found["p99"]
    return p99


def _pull_at_rate(host: str, paths: Path, rate: float, seconds: float, stop: threading.Event) -> dict[str, float]:
    """GET one after the other, each at its time; how many, how many failed, and percentiles in milliseconds.

    A wait is counted from when the request was due, so that one which holds up those behind it counts for them too.
    """
    asked = [line.split(" ", 1) for line in paths.read_text().splitlines()]
    connection = http.client.HTTPConnection(host, timeout=60)
    waits, bad = [], 0
    began = time.perf_counter()
    number = 0
    while not stop.is_set() and (due := began + number / rate) < began + seconds:
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        path, authorization = asked[number * 7919 % len(asked)]
        connection.request("GET", path, headers={"Authorization": authorization, "Accept": store.MANIFEST_TYPE})
        answer = connection.getresponse()
        answer.read()
        bad += answer.status != http.HTTPStatus.OK
        waits.append((time.perf_counter() - due) * 1000)
        number += 1
    cuts = statistics.quantiles(waits, n=1000)
    return {"count": number, "bad": bad, "p50": cuts[499], "p99": cuts[989], "p999": cuts[998], "most": max(waits)}


def _main() -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    host, paths, rate, seconds = sys.argv[1:]
    print(json.dumps(_pull_at_rate(host, Path(paths), float(rate), float(seconds), stop)))


if __name__ == "__main__":
    _main()
