"""The commands beside `serve`, also while a server runs."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from moorage.cli.exit_status import DONE, FAILED, UNFIT, USAGE
from tests.commands import NOBODY, Commands, clean_environment, make_certificate, serving
from tests.parts.base import free_port

# -- the other commands beside a running server -----------------------------------------------------------


def test_accounts_projects_and_members_are_managed_while_the_server_runs(command: Commands, filled: Path) -> None:
    with serving(filled):
        made = command("user", "create", "alice", "--email", "alice@example.com", "--json", "--data", filled)
        alice = json.loads(made.stdout)
        assert (alice["name"], len(alice["password"])) == ("alice", 24)
        again = command("user", "create", "Alice", "--data", filled)
        assert (again.returncode, again.stdout) == (FAILED, "")
        assert again.stderr.startswith("moorage: A user of this name")

        assert command("user", "set-admin", "alice", "--data", filled).returncode == DONE
        people = json.loads(command("user", "list", "--json", "--data", filled).stdout)
        assert [(person["name"], person["admin"]) for person in people] == [("admin", True), ("alice", True)]
        assert command("user", "set-admin", "admin", "--off", "--data", filled).returncode == DONE
        last = command("user", "set-admin", "alice@example.com", "--off", "--data", filled)
        assert last.returncode == FAILED
        assert "administrator has to remain" in last.stderr

        assert command("project", "create", "team", "--public", "--quota", "2G", "--data", filled).returncode == DONE
        projects = json.loads(command("project", "list", "--json", "--data", filled).stdout)
        assert [(project["name"], project["public"]) for project in projects] == [("library", True), ("team", True)]
        with closing(sqlite3.connect(filled / "moorage.db")) as db:
            limit = db.execute("SELECT limit_bytes FROM quota JOIN project p ON p.id = project_id WHERE name = 'team'")
            assert limit.fetchall() == [(2 * 1024**3,)]
        member = ("member", "set", "team", "alice", "--data", filled, "--role")
        assert command(*member, "maintainer").returncode == DONE
        assert command(*member, "none").returncode == DONE
        assert command(*member, "none").returncode == DONE
        assert command("project", "delete", "team", "--data", filled).returncode == DONE
        gone = command("project", "delete", "team", "--data", filled)
        assert (gone.returncode, gone.stdout) == (FAILED, "")
        assert "no such project" in gone.stderr


def test_a_password_is_never_taken_from_an_argument(command: Commands, filled: Path) -> None:
    done = command("user", "create", "bob", "--password", "S3cret-enough", "--data", filled)

    assert done.returncode == USAGE


@pytest.mark.parametrize("password", ["", "short", "alllowercaseletters1"])
def test_a_bad_password_is_refused_before_anything_is_made(command: Commands, filled: Path, password: str) -> None:
    done = command("user", "create", "bob", "--password-stdin", "--data", filled, given=f"{password}\n")

    assert done.returncode in {FAILED, USAGE}
    assert "bob" not in command("user", "list", "--data", filled).stdout


def test_commands_say_when_there_is_no_store(command: Commands, data: Path) -> None:
    done = command("user", "list", "--data", data)

    assert done.returncode == UNFIT
    assert str(data / "moorage.db") in done.stderr
    assert not data.exists()


def test_settings_are_shown_with_their_sources_and_without_secrets(command: Commands, data: Path) -> None:
    data.mkdir()
    (data / "moorage.toml").write_text("workers = 3\n")
    environment = {
        "MOORAGE_ADMIN_PASSWORD": "hush",
        "MOORAGE_DATABASE__URL": "postgresql://moorage:hush@db/moorage",
        "MOORAGE_STORAGE__S3__SECRET_KEY": "hush",
    }

    done = command("settings", "--json", "--data", data, **environment)

    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["workers"] == {
        "key": "workers", "value": 3, "source": str(data / "moorage.toml"), "variable": "MOORAGE_WORKERS",
    }  # fmt: skip
    assert rows["admin_password"]["value"] == "***"
    assert rows["database.url"]["value"] == "postgresql://moorage:***@db/moorage"
    assert rows["listen"]["source"] == "default"
    assert "hush" not in done.stdout + command("settings", "--data", data, **environment).stdout


# -- moorage check ----------------------------------------------------------------------------------------


def check(command: Commands, *words: str | Path, **environment: str) -> tuple[int, list[dict[str, str]]]:
    """The exit status and the findings that are not ok, but for that of root."""
    done = command("check", "--json", *words, **environment)
    assert done.stderr == ""
    findings = json.loads(done.stdout)
    for finding in findings:
        assert bool(finding["mend"]) == bool(finding["code"]) == (finding["state"] != "ok"), finding
    return done.returncode, [row for row in findings if row["state"] != "ok" and row["area"] != "machine"]


def test_check_finds_nothing_wrong_with_a_new_folder_and_makes_nothing(command: Commands, data: Path) -> None:
    status, findings = check(command, "--data", data, "--listen", "127.0.0.1:0")

    assert (status, findings) == (DONE, [])
    assert not data.exists()


def test_check_finds_nothing_wrong_beside_a_running_server(command: Commands, filled: Path) -> None:
    command("user", "set-password", "admin", "--data", filled)

    with serving(filled) as moorage:
        status, findings = check(command, "--data", filled, "--listen", f"127.0.0.1:{moorage.port}")

    assert (status, findings) == (DONE, [])


def test_check_names_each_thing_that_is_wrong_with_its_mend(command: Commands, data: Path, tmp_path: Path) -> None:
    with serving(data):
        pass
    key = next((data / "keys" / "token").glob("*.pem"))
    key.chmod(0o644)
    data.chmod(0o755)
    (data / "moorage.toml").write_text("[database]\npassword = 'x'\n")
    (data / "moorage.toml").chmod(0o644)
    tls = make_certificate(tmp_path / "tls", days=-1)
    tls.key.chmod(0o644)

    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        status, findings = check(command,
            "--data", data, "--listen", listen, "--tls-cert", tls.chain, "--tls-key", tls.key,
            MOORAGE_EXTERNAL_URL="https://other.test", MOORAGE_TRUSTED_PROXIES='["0.0.0.0/0"]',
        )  # fmt: skip

    found = {(row["area"], row["state"], row["text"].replace(str(tmp_path), "T"), row["mend"]) for row in findings}
    expected = [
        ("settings", "warning", "trusted_proxies", "proxies only"),
        ("permissions", "warning", f"{data}/moorage.toml", f"chmod 600 {data}/moorage.toml"),
        ("permissions", "warning", f"look into {data}", f"chmod 700 {data}"),
        ("permissions", "warning", f"{data}/admin-password", "moorage user set-password admin"),
        ("keys", "error", f"{key}", "message"),
        ("port", "error", listen, "--listen"),
        ("certificate", "error", f"{tls.chain} ended", "renew"),
        ("certificate", "error", "other.test", "name"),
        ("permissions", "warning", f"{tls.key}", f"chmod 600 {tls.key}"),
    ]
    assert status == FAILED
    for area, state, text, mend in expected:
        assert any(
            row["area"] == area and row["state"] == state and text in row["text"] and mend in row["mend"]
            for row in findings
        ), (area, text, found)
    assert len(findings) == len(expected)


def test_check_names_the_owner_the_database_and_the_setting(command: Commands, data: Path) -> None:
    status, (finding,) = check(command, "--data", data, MOORAGE_LISTN="x")
    assert (status, finding["area"]) == (FAILED, "settings")
    assert "MOORAGE_LISTEN" in finding["text"]

    port = free_port()
    url = f"postgresql://moorage:hush@127.0.0.1:{port}/moorage"
    status, (finding,) = check(command, "--data", data, "--listen", "127.0.0.1:0", MOORAGE_DATABASE__URL=url)
    assert (status, finding["area"], finding["state"]) == (FAILED, "database", "error")
    assert str(port) in finding["text"]
    assert "hush" not in finding["text"]

    if os.geteuid() == 0:
        data.mkdir()
        os.chown(data, NOBODY, NOBODY)
        status, (finding,) = check(command, "--data", data, "--listen", "127.0.0.1:0")
        assert (status, finding["area"]) == (FAILED, "permissions")
        assert f"uid {NOBODY}" in finding["text"]


def test_check_sees_a_damaged_database(command: Commands, data: Path) -> None:
    with serving(data):
        pass
    (data / "moorage.db").write_bytes(b"no database " * 500)

    status, findings = check(command, "--data", data, "--listen", "127.0.0.1:0")

    assert status == FAILED
    assert any(row["area"] == "database" and str(data / "moorage.db") in row["text"] for row in findings)


@pytest.mark.part("postgres")
def test_check_says_who_makes_the_tables_of_postgresql(command: Commands, data: Path, postgres_url: str) -> None:
    def look(**environment: str) -> list[str]:
        words = ("--data", data, "--listen", "127.0.0.1:0")
        _, findings = check(command, *words, MOORAGE_DATABASE__URL=postgres_url, **environment)
        return [one["mend"] for one in findings if one["area"] == "database"]

    assert look() == ["moorage migrate, or set database.migrate to auto"]
    assert look(MOORAGE_DATABASE__MIGRATE="auto") == []

    assert command("migrate", "--data", data, MOORAGE_DATABASE__URL=postgres_url).returncode == DONE

    assert look() == []


WITHOUT_TOOLS = """
import sys

sys.modules.update(dict.fromkeys(("pytest", "_pytest", "hypothesis", "schemathesis")))  # importing one fails

from moorage.__main__ import main

for words in sys.argv[2:]:
    print(words, main([*words.split(), "--data", sys.argv[1]]), file=sys.stderr)
"""


def test_no_command_needs_what_only_tests_need(filled: Path, tmp_path: Path) -> None:
    data = shutil.copytree(filled, tmp_path / "data")
    words = [
        "check --listen 127.0.0.1:0",
        "settings",
        "migrate",
        "user list",
        "project create x",
        "project list",
        "project delete x",
    ]
    words += ["restore", "gc --dry-run", "gc", "fsck", "secrets status", "secrets rotate", "secrets retire"]

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TOOLS, data, *words],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert [line for line in done.stderr.splitlines() if line.endswith(" 0")] == [f"{each} 0" for each in words], done
