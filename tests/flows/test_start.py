"""Starting and stopping: the real command, as a process."""

import contextlib
import gc
import http.client
import os
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from moorage.cli.exit_status import DONE, UNFIT
from moorage.cli.serve import _worker
from moorage.secret_encryption import create_seal_key
from moorage.web.request import Send
from tests.commands import MOORAGE, Running, clean_environment, make_certificate, refuse, run, serving
from tests.parts.base import free_port, wait_until

# -- the first start --------------------------------------------------------------------------------------


def test_the_first_start_makes_everything_for_us_alone(data: Path) -> None:
    with serving(data) as moorage:
        assert moorage.get("/livez") == 200
        assert moorage.get("/readyz") == 200

        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        open_to_others = [file for file in data.rglob("*") if file.stat().st_mode & 0o077]
        assert open_to_others == []
        assert len(list((data / "keys" / "token").glob("*.pem"))) == 1
        assert [file.stat().st_size for file in (data / "keys" / "seal").glob("*.key")] == [32]
        with closing(sqlite3.connect(data / "moorage.db")) as db:
            users = db.execute("SELECT p.id, name, admin FROM principal p JOIN user_account ON principal_id = p.id")
            assert users.fetchall() == [(1, "admin", 1)]
            assert db.execute("SELECT id, name, public FROM project").fetchall() == [(1, "library", 1)]


def test_the_banner_says_where_who_and_how_to_log_in(data: Path) -> None:
    with serving(data) as moorage:
        file = data / "admin-password"
        assert moorage.banner["url"] == f"http://127.0.0.1:{moorage.port}"
        assert moorage.banner["user"] == "admin"
        assert moorage.banner["password"] == str(file)
        assert moorage.banner["login"] == (
            f"docker login 127.0.0.1:{moorage.port} --username admin --password-stdin < {file}"
        )
        password = file.read_text()
        assert len(password.strip()) == 24
        assert password.strip() not in moorage.log
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_on_a_terminal_the_banner_is_for_people(data: Path) -> None:
    leader, follower = os.openpty()
    port = free_port()
    process = subprocess.Popen(
        [*MOORAGE, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}"],
        env=clean_environment(), stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    seen = b""
    until = time.monotonic() + 90
    while b"Ctrl-C" not in seen and time.monotonic() < until:
        seen += os.read(leader, 4096)
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does: to all processes of the terminal

    assert process.wait(30) == DONE
    with contextlib.suppress(OSError):  # nothing more was printed
        seen += os.read(leader, 65536)
    os.close(leader)
    text = seen.decode()
    assert f"URL       http://127.0.0.1:{port}" in text
    assert f"docker login 127.0.0.1:{port} --username admin --password-stdin < {data / 'admin-password'}" in text
    assert "Traceback" not in text
    assert "Unexpected exit" not in text


def test_a_second_start_keeps_the_password_and_the_keys(data: Path) -> None:
    with serving(data):
        before = {file: file.read_bytes() for file in [*(data / "keys").rglob("*.*"), data / "admin-password"]}

    with serving(data):
        after = {file: file.read_bytes() for file in [*(data / "keys").rglob("*.*"), data / "admin-password"]}

    assert len(before) == 3
    assert after == before


def test_a_sealing_key_that_was_in_use_may_not_go_when_a_new_one_comes(data: Path) -> None:
    with serving(data):
        [old] = (data / "keys" / "seal").glob("*.key")
    new = create_seal_key(data / "keys" / "seal")

    with serving(data) as moorage:
        assert f"from now on the sealing key {new} seals" in moorage.log
    with serving(data) as moorage:
        assert "sealing key" not in moorage.log
    old.unlink()
    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0")

    assert status == UNFIT
    assert f"The sealing key {old.stem} of this database is not in" in message


def test_a_given_admin_password_is_used_once_and_ignored_with_a_note_later(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("any words at all\n")

    with serving(data, MOORAGE_ADMIN_PASSWORD_FILE=str(secret)) as moorage:
        assert not (data / "admin-password").exists()
        assert moorage.banner["login"] == f"docker login 127.0.0.1:{moorage.port} --username admin"
        assert "ignored" not in moorage.log

    with closing(sqlite3.connect(data / "moorage.db")) as db:
        before = db.execute("SELECT password FROM user_account").fetchall()
    with serving(data, MOORAGE_ADMIN_PASSWORD="another one") as moorage:
        assert "the given admin password is ignored" in moorage.log
        assert "another one" not in moorage.log
    with closing(sqlite3.connect(data / "moorage.db")) as db:
        assert db.execute("SELECT password FROM user_account").fetchall() == before


def test_the_first_change_of_the_password_ends_its_file(data: Path) -> None:
    with serving(data):
        assert (data / "admin-password").exists()

        done = run("user", "set-password", "admin", "--password-stdin", "--data", data, given="N3w-and-long-enough\n")

        assert done.returncode == DONE, done.stderr
        assert not (data / "admin-password").exists()

    with serving(data) as moorage:
        assert not (data / "admin-password").exists()
        assert moorage.banner["login"] == f"docker login 127.0.0.1:{moorage.port} --username admin"


def test_no_secret_is_in_the_arguments_or_the_environment_of_a_process(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush-hush-hush\n")
    words = ("--workers", "2")

    with serving(data, *words, MOORAGE_ADMIN_PASSWORD_FILE=str(secret)) as moorage:
        key = next((data / "keys" / "token").glob("*.pem")).read_text().splitlines()[1].encode()
        processes = moorage.list_processes()
        assert len(processes) == 3
        for pid in [*processes, moorage.find_jobs()]:
            for name in ("cmdline", "environ"):
                content = Path(f"/proc/{pid}/{name}").read_bytes()
                assert b"hush" not in content
                assert key not in content
        assert "hush" not in moorage.log
        holders = [file for file in data.rglob("*") if file.is_file() and b"hush" in file.read_bytes()]
        assert holders == []


# -- stopping ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_every_process_within_10_s(filled: Path, end: signal.Signals) -> None:
    with serving(filled) as moorage:
        processes = [*moorage.list_processes(), moorage.find_jobs()]
        with closing(socket.create_connection(("127.0.0.1", moorage.port))) as idle:
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # a request that is never finished
            os.kill(moorage.server.pid, end)
            wait_until(lambda: not moorage.server.is_alive(), what="the end", seconds=10)

        assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
        assert "Traceback" not in moorage.log
        assert moorage.server._process.returncode == DONE


def test_a_worker_that_dies_is_replaced(filled: Path) -> None:
    with serving(filled) as moorage:
        _, worker = moorage.list_processes()
        os.kill(worker, signal.SIGKILL)

        def is_replaced() -> bool:
            processes = moorage.list_processes()
            return len(processes) == 2 and processes[1] != worker

        wait_until(is_replaced, what="another worker", seconds=60)
        wait_until(lambda: _answers(moorage), what="its answer", seconds=60)


def test_the_process_of_background_jobs_is_replaced_when_it_dies_and_can_be_left_out(filled: Path) -> None:
    with serving(filled) as moorage:
        jobs = moorage.find_jobs()
        os.kill(jobs, signal.SIGKILL)

        def is_replaced() -> bool:
            with contextlib.suppress(ValueError):
                return moorage.find_jobs() != jobs
            return False

        wait_until(is_replaced, what="another process of background jobs", seconds=60)
    with serving(filled, "--no-jobs") as moorage, pytest.raises(ValueError, match="not enough values"):
        moorage.find_jobs()


def test_workers_do_not_outlive_their_parent(filled: Path) -> None:
    with serving(filled) as moorage:
        _, worker = moorage.list_processes()
        jobs = moorage.find_jobs()
        os.kill(moorage.server.pid, signal.SIGKILL)

        with serving(filled) as again:  # at once: the lock of those that are about to end is waited for
            assert again.get("/livez") == 200
        wait_until(lambda: not _is_running(worker), what="the worker's end", seconds=60)
        wait_until(lambda: not _is_running(jobs), what="the end of background jobs", seconds=60)
    with serving(filled) as moorage:
        assert moorage.get("/livez") == 200


async def test_a_worker_looks_for_garbage_once_it_is_up_and_never_in_what_it_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    for name in ("freeze", "enable"):
        monkeypatch.setattr(gc, name, partial(done.append, name))
    heard, told = os.pipe()

    async def application(_scope: object, _receive: object, send: Send) -> None:
        done.append("loaded")
        await send({"type": "lifespan.startup.complete"})

    async def hear() -> dict[str, object]:
        return {}

    async def say(_message: object) -> None:
        """To nobody."""

    monkeypatch.setattr(signal, "signal", lambda *_: None)
    await _worker(application, told, {"type": "lifespan"}, hear, say)

    assert done == ["loaded", "freeze", "enable"]
    assert os.read(heard, 2) == b"."
    os.close(heard)
    os.close(told)


def _answers(moorage: Running) -> bool:
    try:
        return moorage.get("/livez") == 200
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


# -- TLS --------------------------------------------------------------------------------------------------


def test_tls_is_served_on_the_same_port_and_plain_http_is_not(data: Path, tmp_path: Path) -> None:
    tls = make_certificate(tmp_path / "tls")

    with serving(data, "--tls-cert", str(tls.chain), "--tls-key", str(tls.key)) as moorage:
        context = ssl.create_default_context(cafile=str(tls.chain))
        connection = http.client.HTTPSConnection("127.0.0.1", moorage.port, timeout=60, context=context)
        with closing(connection):
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.getheader("strict-transport-security") == "max-age=31536000"
            answer.read()
            connection.request("GET", "/livez", headers={"host": f"localhost:{moorage.port}"})
            assert connection.getresponse().getheader("strict-transport-security") is None
        assert moorage.banner["url"] == f"https://127.0.0.1:{moorage.port}"
        with pytest.raises((OSError, http.client.HTTPException)):
            moorage.get("/livez")


def test_a_certificate_that_has_ended_is_served_with_a_warning(data: Path, tmp_path: Path) -> None:
    tls = make_certificate(tmp_path / "tls", days=-1)
    tls.key.chmod(0o644)

    with serving(data, "--tls-cert", str(tls.chain), "--tls-key", str(tls.key)) as moorage:
        assert f"warning: {tls.chain} ended at " in moorage.log
        assert f"warning: others may read the key {tls.key}: chmod 600 {tls.key}." in moorage.log
