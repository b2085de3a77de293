"""The real programs that tests talk to: one module per part, each saying how it is found, started and stopped.

A test asks for one with `@pytest.mark.part("postgres")`, or just by using the fixture of that name, and gets the
object from the fixture `parts` (or the part's own). What is missing is left out with its reason on a workstation
and is a failure with CI=true, unless CI_WITHOUT names where it comes from (`CI_WITHOUT=go`). `make test` closes with
the table of all parts, so the list of what CI must have is the list of these modules.
"""

import importlib
import os
import pkgutil
import shutil
from dataclasses import dataclass, field
from typing import TypeVar

from tests.parts.base import Missing, Part, make_folder

P = TypeVar("P", bound=Part)

NO_PARTS = {"base", "certificates", "tool"}
"""Modules of this folder that are neither a part nor tests."""


def list_names() -> list[str]:
    """The names of all parts, in alphabetical order."""
    names = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("test_")}
    return sorted(names - NO_PARTS)


def load(name: str) -> type[Part]:
    """The class of one part, which its module gives as `PART`."""
    part: type[Part] = importlib.import_module(f"{__name__}.{name}").PART
    if part.name != name:
        raise TypeError(f"tests/parts/{name}.py describes a part called {part.name!r}")
    return part


def is_ci() -> bool:
    """Whether leaving a test out is a failure."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def list_excused() -> list[str]:
    """The suppliers that this run has to do without: CI_WITHOUT, separated by commas or blanks."""
    return os.environ.get("CI_WITHOUT", "").replace(",", " ").split()


@dataclass
class Found:
    """What we know of one part: its version, or why it cannot be used.

    Attributes:
        part: the object that tests get.
        version: what `find` said; empty when it is missing.
        reason: why it is missing; empty when it is there.
        excused: it is missing, and CI_WITHOUT says that this is known.
    """

    part: Part
    version: str = ""
    reason: str = ""
    excused: bool = False


@dataclass
class Parts:
    """The parts of one test process: looked for once, started when first asked for, stopped at the end."""

    _found: dict[str, Found] = field(default_factory=dict)
    _started: list[Part] = field(default_factory=list)

    def find(self, name: str) -> Found:
        """Look for a part; the answer is remembered."""
        if name not in self._found:
            part = load(name)()
            found = Found(part, excused=part.supply in list_excused())
            try:
                found.version = part.find()
            except Missing as exc:
                found.reason = str(exc)
            self._found[name] = found
        return self._found[name]

    def get(self, name: str, kind: type[P]) -> P:
        """A part that is started and answers.

        Raises:
            Missing: it cannot be used here; the mark `part` says so before the test begins.
            Broken: it is here and did not start.
        """
        found = self.find(name)
        if found.reason:
            raise Missing(found.reason)
        part = found.part
        if not isinstance(part, kind):
            raise TypeError(f"the part {name!r} is a {type(part).__name__}")
        if part not in self._started:
            self._started.append(part)
            part.folder = make_folder(name)
            part.start()
        return part

    def stop(self) -> None:
        """Stop what was started, the last one first, and remove the folders."""
        failures = []
        while self._started:
            part = self._started.pop()
            try:
                part.stop()
            except Exception as exc:  # noqa: BLE001 - the others have to be stopped all the same; raised below
                failures.append(exc)
            shutil.rmtree(part.folder, ignore_errors=True)
        if failures:
            raise ExceptionGroup("parts that did not stop", failures)
