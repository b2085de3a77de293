"""`moorage restore`: what was deleted is listed and brought back from a shell, beside a running server."""

import json
from pathlib import Path

from moorage.cli.exit_status import DONE, FAILED, USAGE
from moorage.cli.settings_loader import load
from moorage.events import SYSTEM
from moorage.projects.service import create_project, delete_project
from moorage.wiring import open_database
from tests.commands import Commands, serving


def test_what_was_deleted_is_listed_and_comes_back(command: Commands, filled: Path) -> None:
    def moorage(*words: str) -> tuple[int, str, str]:
        done = command(*words, "--data", filled)
        return done.returncode, done.stdout, done.stderr

    with serving(filled):
        assert moorage("project", "create", "gone")[0] == DONE
        assert moorage("project", "delete", "gone", "--reason", "by mistake")[0] == DONE
        status, text, _ = moorage("restore", "--json")
        assert status == DONE
        (entry,) = [one for one in json.loads(text) if one["name"] == "gone"]
        assert (entry["kind"], entry["reason"], entry["restore_first"]) == ("project", "by mistake", None)
        number = str(entry["id"])
        table = moorage("restore")[1].splitlines()
        assert table[0].split() == ["ID", "KIND", "NAME", "BY", "DELETED", "UNTIL", "FIRST"]
        assert [number, "project", "gone"] in [line.split()[:3] for line in table[1:]]
        assert moorage("restore", "--project", "library")[1].splitlines()[1:] == []

        assert moorage("project", "create", "gone")[0] == DONE
        status, text, told = moorage("restore", number)
        assert (status, text) == (FAILED, "")
        assert told.rstrip().endswith(f"Free is: `moorage restore {number} --as gone=gone-restored`")
        for wrong in (("--as", "x"), (number, "--as", "other=x"), (number, "--as", "NOT A NAME")):
            assert moorage("restore", *wrong)[0] in {USAGE, FAILED}
        status, text, _ = moorage("restore", number, "--as", "gone-before")
        assert (status, text) == (DONE, "Restored the project gone.\n  gone is gone-before now.\n")
        again = moorage("restore", number)
        assert again[0] == FAILED
        assert "is not in the trash" in again[2]
        names = [one["name"] for one in json.loads(moorage("project", "list", "--json")[1])]
        assert {"gone", "gone-before"} <= set(names)


def test_a_list_of_more_than_a_page_is_whole(command: Commands, filled: Path) -> None:
    database = open_database(load({"data": str(filled)}).settings)
    for number in range(101):
        made = database.run_here(SYSTEM, create_project, f"p-{number}")
        database.run_here(SYSTEM, delete_project, made.id)
    database.engine.dispose()

    found = [one["name"] for one in json.loads(command("restore", "--json", "--data", filled).stdout)]

    assert {f"p-{number}" for number in range(101)} <= set(found)
    assert len(found) == len(set(found))
