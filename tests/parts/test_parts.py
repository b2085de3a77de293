"""The frame that finds, starts and stops the real parts."""

import os
from pathlib import Path

import psycopg
import pytest

from tests.parts import list_names, load
from tests.parts.base import Broken, Missing, Part, Server, find_program, wait_until
from tests.parts.postgres import Postgres


@pytest.mark.parametrize("name", list_names())
def test_every_module_of_the_folder_describes_a_part(name: str) -> None:
    part = load(name)

    assert issubclass(part, Part)
    assert part.supply in {"apt", "go", "pypi", "npm"}
    assert part.__doc__


def test_a_program_that_is_not_there_is_missing_with_the_command_that_mends_it() -> None:
    with pytest.raises(Missing, match="apt-get install nothing"):
        find_program("no-such-program-here", mend="apt-get install nothing")


def test_a_server_that_dies_says_the_end_of_its_log(tmp_path: Path) -> None:
    server = Server(["sh", "-c", "echo cannot bind; exit 3"], tmp_path / "log")

    with pytest.raises(Broken, match="cannot bind"):
        server.wait(lambda: False, what="it", seconds=60)

    server.stop()


def test_a_server_that_ignores_its_stop_signal_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    server = Server(["sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done"], tmp_path / "log")
    server.wait(ready.exists, what="the loop", seconds=60)

    server.stop(seconds=0.3)

    assert not server.is_alive()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_waiting_gives_up_in_time() -> None:
    with pytest.raises(Broken, match=r"not ready after 0\.2 s"):
        wait_until(lambda: False, what="it", seconds=0.2)


def test_each_database_of_one_preparation_is_a_copy_of_its_own(postgres: Postgres) -> None:
    calls = []

    def prepare(url: str) -> None:
        calls.append(url)
        with psycopg.connect(url.replace("+psycopg", "")) as db:
            db.execute("CREATE TABLE boat (name text)")

    first, second = postgres.create(prepare), postgres.create(prepare)
    with psycopg.connect(postgres.url(first).replace("+psycopg", "")) as db:
        db.execute("INSERT INTO boat VALUES ('one')")
    with psycopg.connect(postgres.url(second).replace("+psycopg", "")) as db:
        rows = db.execute("SELECT * FROM boat").fetchall()

    assert len(calls) == 1
    assert rows == []
    postgres.drop(first)
    postgres.drop(second)


def test_a_test_gets_an_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as db:
        rows = db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall()

    assert rows == [(0,)]
