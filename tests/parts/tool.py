"""A part that is a program without a server: found, asked for its version, run by the tests of `clients/`."""

import re
from pathlib import Path
from typing import ClassVar

from tests.parts.base import Missing, Part, find_program, run
from tools.build_go_tools import folder as go_folder
from tools.build_go_tools import pins


class Tool(Part):
    """A program on PATH.

    Attributes:
        program: where it is; set by `find`.
        asks_version: the arguments that make it print its version.
        mend: the command that installs it.
    """

    program: Path
    asks_version: ClassVar[tuple[str, ...]] = ("--version",)
    mend: ClassVar[str] = ""

    def find(self) -> str:
        """The version it prints."""
        self.program = find_program(self.name, mend=self.mend or f"apt-get install {self.name}")
        return read_version(run(self.program, *self.asks_version).stdout)


class GoTool(Tool):
    """A program of tests/clients/go.txt: as built by tools/build_go_tools.py, else one on PATH."""

    supply = "go"
    mend = "python -m tools.build_go_tools"

    def find(self) -> str:
        """The version that go.txt pins, or what the program on PATH prints."""
        built = go_folder() / self.name
        if built.exists():
            self.program = built
            return pins()[self.name].version
        return super().find()


class PinnedGoTool(GoTool):
    """A program of go.txt that counts only in the pinned version."""

    def find(self) -> str:
        """The version that go.txt pins."""
        self.program = go_folder() / self.name
        if not self.program.exists():
            raise Missing(f"{self.name} is not built ({self.mend})")
        return pins()[self.name].version


def read_version(printed: str) -> str:
    """The first thing in a program's output that looks like a version: `1.9.3`, `v0.22.1`."""
    found = re.search(r"v?\d+\.\d+(\.\d+)?\S*", printed)
    return found[0].rstrip(",") if found else printed.strip()[:40]
