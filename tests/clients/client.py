"""A real client under test: runs its commands, keeps what was run, and says clearly what went wrong."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.parts import Parts
from tests.parts.base import Part


@dataclass
class Record:
    """What a run of the tests did with the clients; becomes reports/clients.json and reports/clients.md."""

    versions: dict[str, str] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)  # JSON: test, client, command, status, seconds
    _hidden: dict[str, str] = field(default_factory=dict)

    def hide(self, text: str, instead: str) -> None:
        """Write `instead` wherever `text` (a password, a port, a temporary folder) stands in a command."""
        self._hidden[text] = instead

    def add(self, test: str, client: str, command: Sequence[str], status: int, seconds: float) -> None:
        """Keep one command."""
        words = " ".join(command)
        for text in sorted(self._hidden, key=len, reverse=True):
            words = words.replace(text, self._hidden[text])
        self.commands.append(
            {"test": test, "client": client, "command": words, "status": status, "seconds": round(seconds, 2)}
        )

    def write(self, folder: Path) -> None:
        """Write both forms of the report."""
        folder.mkdir(parents=True, exist_ok=True)
        whole = {"versions": self.versions, "commands": self.commands}
        (folder / "clients.json").write_text(json.dumps(whole, indent=1) + "\n")
        lines = ["# Clients", "", "| client | version | commands | seconds |", "|---|---|---|---|"]
        for client, version in sorted(self.versions.items()):
            own = [command for command in self.commands if command["client"] == client]
            lines.append(f"| {client} | {version} | {len(own)} | {sum(one['seconds'] for one in own):.1f} |")
        for client in sorted(self.versions):
            lines += ["", f"## {client}", ""]
            test = None
            for one in (command for command in self.commands if command["client"] == client):
                if one["test"] != test:
                    test = one["test"]
                    lines.append(f"* {test}")
                lines.append(f"    * `{one['command']}` → {one['status']}, {one['seconds']:.2f} s")
        (folder / "clients.md").write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Setting:
    """What one test gives to its clients.

    Attributes:
        test: its name, for the record.
        host: the registry, `127.0.0.1:PORT`.
        folder: a folder of its own.
        parts: where the programs' versions are known.
        record: keeps what was run.
    """

    test: str
    host: str
    folder: Path
    parts: Parts
    record: Record


class Client:
    """One client with settings of its own.

    Attributes:
        name: of its program, as in the report.
        host: the registry, `127.0.0.1:PORT`.
        folder: the test's folder.
    """

    def __init__(
        self, setting: Setting, part: Part, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Say how it is run.

        Args:
            setting: the test's.
            part: where the program comes from.
            command: the program, and what comes before each command.
            environment: variables beside those of this process.
        """
        self.name = Path(command[0]).name
        self.host = setting.host
        self.folder = setting.folder
        self._command = [str(word) for word in command]
        self._record = setting.record
        self._test = setting.test
        self._record.versions[self.name] = setting.parts.find(part.name).version
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "DOCKER_CONFIG": str(home / "docker")}
        self._environment = {**own, **(environment or {})}

    def run(self, *words: str | Path, given: str | None = None, folder: Path | None = None) -> str:
        """Run a command that has to succeed; its standard output.

        Args:
            words: the command.
            given: its standard input.
            folder: where it runs.
        """
        done = self._run(words, given, folder)
        assert done.returncode == 0, f"{self._said(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def output(self, *words: str | Path) -> str:
        """Run a command that has to succeed; all it printed, its log included."""
        done = self._run(words, None, None)
        assert done.returncode == 0, f"{self._said(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def refuses(self, *words: str | Path, given: str | None = None) -> str:
        """Run a command that has to fail; all it printed."""
        done = self._run(words, given, None)
        assert done.returncode != 0, f"{self._said(words)} succeeded:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def json(self, *words: str | Path) -> Any:  # whatever the client prints
        """Run a command that prints JSON."""
        return json.loads(self.run(*words))

    def _run(
        self, words: Sequence[str | Path], given: str | None, folder: Path | None
    ) -> "subprocess.CompletedProcess[str]":
        began = time.monotonic()
        done = subprocess.run(
            [*self._command, *map(str, words)],
            env={**os.environ, **self._environment},
            input=given or "",
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self._record.add(
            self._test, self.name, [self.name, *map(str, words)], done.returncode, time.monotonic() - began
        )
        return done

    def _said(self, words: Sequence[str | Path]) -> str:
        return " ".join([self.name, *map(str, words)])
