"""The server under test is watched: what goes wrong in it does not stay in its log."""

import os
import signal
from pathlib import Path

import pytest

from tests import serving
from tests.parts.base import Broken, Server, wait_until


def test_a_traceback_in_the_log_fails_once(tmp_path: Path) -> None:
    moorage = serving.Moorage(tmp_path / "data")
    moorage.log.write_text("started\n")
    moorage.check_log()
    moorage.log.write_text("started\nTraceback (most recent call last):\n  here\nValueError: broken\n")

    with pytest.raises(Broken, match="ValueError: broken"):
        moorage.check_log()
    moorage.check_log()


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    moorage = serving.Moorage(tmp_path / "data", settings={"no_such_setting": True})

    with pytest.raises(Broken, match=r"ended before it was ready\n.+"):
        moorage.start(seconds=90)


def test_a_failed_test_is_not_hidden_by_the_end_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.Moorage, "start", lambda *_, **__: None)

    def check() -> None:
        with serving.serve(tmp_path / "data") as moorage:
            moorage.log.write_text("Traceback (most recent call last):\n")
            pytest.fail("the test's own reason")

    with pytest.raises(pytest.fail.Exception, match="the test's own reason"):
        check()


def test_settings_become_variables_of_their_own_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_LISTEN", "0.0.0.0:1")
    settings = {"storage.s3.path_style": False, "allowed_hosts": ["a.example"], "log.level": "debug"}
    moorage = serving.Moorage(tmp_path / "data", settings=settings, database_url="postgresql://x/y", workers=2)

    environment = moorage._environment()

    assert environment["MOORAGE_STORAGE__S3__PATH_STYLE"] == "false"
    assert environment["MOORAGE_ALLOWED_HOSTS"] == '["a.example"]'
    assert environment["MOORAGE_LOG__LEVEL"] == "debug"
    assert environment["MOORAGE_DATABASE__URL"] == "postgresql://x/y"
    assert environment["MOORAGE_DATABASE__MIGRATE"] == "auto"
    assert environment["MOORAGE_WORKERS"] == "2"
    assert "MOORAGE_LISTEN" not in environment
    assert "MOORAGE_LISTEN" in serving._only(environment)


def test_a_server_is_alive_until_its_last_process_is_gone(tmp_path: Path) -> None:
    moorage = serving.Moorage(tmp_path / "data")
    moorage._server = Server(["sh", "-c", "sleep 60 & exec sleep 60"], tmp_path / "log")
    first = moorage.pid
    wait_until(lambda: list(serving._list_groups()).count(first) == 2, what="both processes")

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: moorage._server is not None and not moorage._server.is_alive(), what="the end of the first")
    assert moorage.is_alive(), "its child is left"
    moorage.kill()

    assert not moorage.is_alive()
    assert first not in list(serving._list_groups())
