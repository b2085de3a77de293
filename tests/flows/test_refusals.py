"""What a server refuses to start with: an exit status, within 2 s, and one sentence that names it."""

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from moorage.cli.exit_status import DONE, UNFIT, UNREACHABLE, USAGE
from tests.commands import NOBODY, make_certificate, refuse, run, serving
from tests.parts.base import free_port


def test_a_port_in_use_is_named(data: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        status, message = refuse("serve", "--data", data, "--listen", f"127.0.0.1:{port}")

    assert status == UNFIT
    assert f"127.0.0.1:{port}" in message
    assert "another process listens there" in message


def test_another_server_of_ours_on_the_port_is_seen_too(filled: Path, data: Path) -> None:
    with serving(filled) as moorage:
        status, message = refuse("serve", "--data", data, "--listen", f"127.0.0.1:{moorage.port}")

    assert status == UNFIT
    assert f"127.0.0.1:{moorage.port}" in message


def test_an_address_that_is_not_ours_is_named(data: Path) -> None:
    status, message = refuse("serve", "--data", data, "--listen", "192.0.2.1:8080")

    assert status == UNFIT
    assert "192.0.2.1:8080" in message


def test_a_second_server_on_the_same_folder_names_the_first(filled: Path) -> None:
    with serving(filled) as moorage:
        status, message = refuse("serve", "--data", filled, "--listen", "127.0.0.1:0")

    assert status == UNFIT
    assert str(filled) in message
    assert f"pid {moorage.server.pid}" in message


def test_a_folder_of_another_account_is_named_with_its_owner(data: Path) -> None:
    data.mkdir()
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    folder, owner = (data, NOBODY) if os.geteuid() == 0 else (Path("/usr"), 0)

    status, message = refuse("serve", "--data", folder)

    assert status == UNFIT
    assert str(folder) in message
    assert f"uid {owner}" in message


def test_a_folder_that_cannot_be_written_is_named(data: Path) -> None:
    data.mkdir(mode=0o500)
    folder = Path("/proc/sys") if os.geteuid() == 0 else data  # root's own, and yet nobody can make a file in it

    status, message = refuse("serve", "--data", folder)

    assert status == UNFIT
    assert str(folder) in message
    assert "cannot be written" in message


def test_a_folder_that_cannot_be_made_is_named() -> None:
    status, message = refuse("serve", "--data", "/proc/nothing/here")

    assert status == UNFIT
    assert "/proc/nothing" in message


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    status, message = refuse("serve", "--data", tmp_path / "file")

    assert status == UNFIT
    assert f"{tmp_path / 'file'} is not a folder" in message


def test_an_unknown_setting_is_named_with_the_nearest(data: Path) -> None:
    data.mkdir()
    (data / "moorage.toml").write_text("[storage]\nknd = 's3'\n")

    status, message = refuse("serve", "--data", data)

    assert status == UNFIT
    assert "`storage.knd`" in message
    assert "`storage.kind`" in message
    assert str(data / "moorage.toml") in message


def test_an_unknown_variable_is_named_with_the_nearest(data: Path) -> None:
    status, message = refuse("serve", "--data", data, MOORAGE_EXTERNALURL="https://a.example")

    assert status == UNFIT
    assert "MOORAGE_EXTERNALURL" in message
    assert "MOORAGE_EXTERNAL_URL" in message
    assert not data.exists()


def test_a_database_that_does_not_answer_is_named_without_its_password(data: Path) -> None:
    url = f"postgresql://moorage:hush@127.0.0.1:{free_port()}/moorage"

    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0", MOORAGE_DATABASE__URL=url)

    assert status == UNREACHABLE
    assert "127.0.0.1" in message
    assert "hush" not in message


def test_an_empty_postgresql_database_asks_for_the_command(data: Path, postgres_url: str) -> None:
    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0", MOORAGE_DATABASE__URL=postgres_url)

    assert status == UNFIT
    assert "`moorage migrate`" in message

    assert run("migrate", "--data", data, MOORAGE_DATABASE__URL=postgres_url).returncode == DONE
    with serving(data, MOORAGE_DATABASE__URL=postgres_url) as moorage:
        assert moorage.get("/readyz") == 200
        assert moorage.banner["database"] == "postgresql"


def test_postgresql_may_be_migrated_by_the_start(data: Path, postgres_url: str) -> None:
    environment = {"MOORAGE_DATABASE__URL": postgres_url, "MOORAGE_DATABASE__MIGRATE": "auto", "MOORAGE_WORKERS": "1"}

    with serving(data, **environment) as moorage:
        assert moorage.get("/readyz") == 200
        assert run("user", "list", "--data", data, **environment).stdout.count("admin") == 1


def test_tables_of_a_newer_version_are_refused(data: Path) -> None:
    with serving(data):
        pass
    with closing(sqlite3.connect(data / "moorage.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()

    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0")

    assert status == UNFIT
    assert "revision 9999" in message


@pytest.mark.parametrize("statement", ["DROP TABLE preferences", "ALTER TABLE preferences DROP COLUMN updated_at"])
def test_tables_of_another_state_of_the_same_revision_are_refused(data: Path, statement: str) -> None:
    with serving(data):
        pass
    with closing(sqlite3.connect(data / "moorage.db")) as db:
        db.execute(statement)
        db.commit()

    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0")

    assert status == UNFIT
    assert "lacks the column preferences." in message
    assert "another data folder" in message


@pytest.mark.parametrize(
    ("pattern", "spoil", "words"),
    [
        ("keys/token/*.pem", Path.unlink, "no signing key"),
        ("keys/seal/*.key", Path.unlink, "no sealing key"),
        ("keys/token/*.pem", lambda file: file.chmod(0o644), "chmod 600"),
        ("keys/seal/*.key", lambda file: file.chmod(0o640), "chmod 600"),
        ("keys/token/*.pem", lambda file: file.write_text("nonsense"), "signing key"),
        ("keys/seal/*.key", lambda file: file.write_text("nonsense"), "damaged"),
        ("keys/seal/*.key", lambda file: file.write_bytes(b"another key of the same form 123"), "of this database"),
    ],
    ids=["token-missing", "seal-missing", "token-open", "seal-open", "token-broken", "seal-broken", "seal-other"],
)
def test_a_key_that_is_missing_open_or_broken_later_stops_the_start(
    data: Path, pattern: str, spoil: Callable[[Path], object], words: str
) -> None:
    with serving(data):
        pass
    spoil(next(data.glob(pattern)))

    status, message = refuse("serve", "--data", data, "--listen", "127.0.0.1:0")

    assert status == UNFIT
    assert words in message
    assert str(data / pattern.rpartition("/")[0]) in message


def test_a_wrong_command_line_is_a_usage_error() -> None:
    for words in (["serv"], [], ["serve", "--lissten", "x"], ["user"], ["member", "set", "a", "b", "--role", "king"]):
        done = run(*words)
        assert done.returncode == USAGE, words
        assert done.stderr.startswith("usage: ")


def test_a_number_of_tasks_at_once_has_its_bounds_on_the_command_line_too(data: Path) -> None:
    for slots in ("0", "-1", "1001", "two"):
        status, message = refuse("work", "--data", data, f"--slots={slots}")
        assert status == UNFIT
        assert message.startswith("moorage: Setting `jobs.slots` (--slots): expected `int`")


def test_a_certificate_that_cannot_be_used_is_named(data: Path, tmp_path: Path) -> None:
    one, two = make_certificate(tmp_path / "one"), make_certificate(tmp_path / "two")
    text = tmp_path / "text.pem"
    text.write_text("hello")
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    cases = [
        (tmp_path / "missing.pem", one.key, [str(tmp_path / "missing.pem"), "tls_cert"]),
        (one.chain, tmp_path / "missing.pem", [str(tmp_path / "missing.pem"), "tls_key"]),
        (text, one.key, [str(text), "not PEM"]),
        (broken, one.key, [str(broken), "no certificate"]),
        (one.chain, two.key, [str(two.key), "does not belong", str(one.chain)]),
        (one.chain, one.chain, [str(one.chain), "no private key"]),
    ]
    for chain, key, words in cases:
        status, message = refuse("serve", "--data", data, "--tls-cert", chain, "--tls-key", key)
        assert status == UNFIT
        for word in words:
            assert word in message


def test_a_certificate_without_a_key_is_refused(data: Path, tmp_path: Path) -> None:
    status, message = refuse("serve", "--data", data, "--tls-cert", tmp_path / "cert.pem")

    assert status == UNFIT
    assert "`tls_key`" in message
