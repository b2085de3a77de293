"""tools/setup.sh makes what is missing and nothing else; python3 and pip are stand-ins that write down their calls."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  *ensurepip*) exit "$ENSUREPIP" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip ;;
esac
"""


class Tree:
    """A copy of the files that setup reads, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        self.calls = folder / "calls"
        self.ensurepip = 0
        for name in (
            "tools/setup.sh",
            "pyproject.toml",
            "requirements/run.txt",
            "requirements/develop.txt",
            "requirements/build.txt",
        ):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3").write_text(PYTHON)
        (self.bin / "python3").chmod(0o755)

    def setup(self, name: str) -> tuple[int, str, list[str]]:
        """Run it. Shape: status, what it said, the calls of python."""
        self.calls.write_text("")
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "CALLS": str(self.calls), "ENSUREPIP": str(self.ensurepip)}
        done = subprocess.run(
            [self.folder / "tools/setup.sh", name],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stderr, self.calls.read_text().splitlines()

    def installed(self, name: str) -> list[str]:
        """What one run installed: lock files and `.`."""
        _, _, calls = self.setup(name)
        return [call.split("-r ")[1].split()[0] if "-r " in call else "." for call in calls if "-m pip install" in call]


def worked() -> float:
    """Seconds of the processor that programs of this process took: what a busy machine takes does not count."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_first_start_installs_the_run_set_with_hashes_and_the_product(tree: Tree) -> None:
    status, _, calls = tree.setup("run")

    assert status == 0
    installs = [call for call in calls if "-m pip install" in call]
    assert len(installs) == 2
    assert "--require-hashes --only-binary :all: -r requirements/run.txt -r requirements/build.txt" in installs[0]
    assert "--no-index --no-deps --no-build-isolation --editable ." in installs[1]


def test_a_second_start_calls_nothing(tree: Tree) -> None:
    tree.setup("run")

    began = worked()
    status, said, calls = tree.setup("run")

    assert (status, said, calls) == (0, "", [])
    assert worked() - began < 1


def test_the_develop_set_is_added_once(tree: Tree) -> None:
    tree.setup("run")

    assert tree.installed("develop") == ["requirements/develop.txt"]
    assert tree.installed("develop") == []
    assert tree.installed("run") == []


def test_a_changed_lock_file_is_installed_again(tree: Tree) -> None:
    tree.setup("run")
    lock = tree.folder / "requirements/run.txt"
    lock.write_text(lock.read_text() + "# another\n")

    assert tree.installed("run") == ["requirements/run.txt"]


def test_a_changed_project_is_installed_again_without_its_dependencies(tree: Tree) -> None:
    tree.setup("run")
    project = tree.folder / "pyproject.toml"
    project.write_text(project.read_text() + "# another\n")

    assert tree.installed("run") == ["."]


def test_a_moved_folder_gets_a_new_environment(tree: Tree) -> None:
    tree.setup("run")
    tree.folder = tree.folder.rename(tree.folder.with_name("moved"))

    assert tree.installed("run") == ["requirements/run.txt", "."]


def test_a_missing_venv_module_is_named_with_the_command_that_mends_it(tree: Tree) -> None:
    tree.ensurepip = 1

    began = worked()
    status, said, _ = tree.setup("run")

    assert status == 1
    assert said == "setup: python3-venv is missing. On Debian: apt-get install python3-venv\n"
    assert worked() - began < 1
    assert not (tree.folder / ".venv").exists()


def test_an_install_that_failed_is_tried_again(tree: Tree) -> None:
    failing = PYTHON.replace("esac", '  *"-m pip install"*) exit 1 ;;\nesac')
    (tree.bin / "python3").write_text(failing)
    status, said, _ = tree.setup("run")
    shutil.copy(tree.bin / "python3", tree.folder / ".venv/bin/python")
    (tree.folder / ".venv/bin/python").write_text(PYTHON)

    assert status == 1
    assert "could not be installed" in said
    assert tree.installed("run") == ["requirements/run.txt", "."]
