"""What the page is made of: its own tests, its types, and how much of it a reader has to load."""

import gzip
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.parts import Parts
from tests.parts.portal import Portal
from tools.portal import environment

pytestmark = pytest.mark.part("portal")

KB = 1000
BUDGETS = {
    "first page": 220 * KB,
    "sign-in": 150 * KB,
    "one more page": 60 * KB,
    "styles": 28 * KB,
    "texts of a page": 20 * KB,
}
"""At most, gzip, in every language; the product's limit is 300 kB for the first page after signing in."""

SECTIONS = ("repository", "project", "account", "system")
"""Whose texts the pages of a section wait for, besides those of the entry, the frame and the common ones."""

FRAME = ("src/app/Shell.tsx", "src/jobs/RunningWork.tsx", "src/projects/ProjectsPage.tsx")
"""What is loaded after signing in: the frame of every page, for whoever may see most, and the list of projects."""


def npm(parts: Parts, *words: str) -> None:
    portal = parts.get("portal", Portal)
    done = subprocess.run(
        portal.npm(*words),
        cwd=portal.folder_of_sources,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tests_of_its_parts_pass(parts: Parts) -> None:
    npm(parts, "run", "--silent", "test")


def test_its_types_hold_against_the_rest_api_of_this_code(parts: Parts) -> None:
    npm(parts, "run", "--silent", "types")


class Built:
    """The manifest of what was built, and the sizes of its files."""

    def __init__(self, files: Path) -> None:
        self._files = files
        self._entries: dict[str, dict[str, Any]] = json.loads((files / "manifest.json").read_text())

    def scripts(self, *sources: str) -> int:
        """Bytes, gzip, of the scripts that these modules load before they can run."""
        wanted = list(sources)
        seen: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name not in seen:
                seen.add(name)
                wanted += self._entries[name].get("imports", [])
        return sum(self._packed(self._entries[name]["file"]) for name in seen)

    def pages(self) -> list[str]:
        """The modules of all pages."""
        return [name for name in self._entries if name.endswith("Page.tsx")]

    def languages(self) -> list[str]:
        """The modules of all languages; each has parts, as `…/entry`."""
        return [
            name.removesuffix("/entry") for name in self._entries if re.fullmatch("virtual:texts/[^/]+/entry", name)
        ]

    def styles(self) -> int:
        """Bytes, gzip, of all style sheets."""
        return sum(self._packed(path.relative_to(self._files).as_posix()) for path in self._files.rglob("*.css"))

    def _packed(self, name: str) -> int:
        return len(gzip.compress((self._files / name).read_bytes(), 9))


def test_what_a_browser_loads_has_its_licence_beside_it(parts: Parts) -> None:
    said = (parts.get("portal", Portal).files / "licences.txt").read_text()
    for name in ("react ", "@mantine/core ", "d3-scale ", "marked "):
        assert f"\n{name}" in f"\n{said}"
    assert "Permission is hereby granted" in said


def test_a_reader_loads_no_more_than_the_budgets_allow(
    parts: Parts, record_property: Callable[[str, object], None]
) -> None:
    built = Built(parts.get("portal", Portal).files)
    languages = built.languages()
    sign_in = built.scripts("index.html", "src/authentication/SignInPage.tsx")
    first = built.scripts("index.html", *FRAME)
    further = {
        page: built.scripts("index.html", *FRAME, page) - first
        for page in built.pages()
        if page not in (*FRAME, "src/authentication/SignInPage.tsx")
    }
    entry = {language: built.scripts(f"{language}/entry") for language in languages}
    frame = {language: entry[language] + built.scripts(f"{language}/frame") for language in languages}
    page = {
        language: frame[language]
        + built.scripts(f"{language}/common")
        + max(built.scripts(f"{language}/{section}") for section in SECTIONS)
        for language in languages
    }
    record_property(
        "portal",
        "gzip of what a reader loads, in the language that needs most: "
        f"first page after signing in {first + max(frame.values()):,} B of JavaScript, "
        f"page for signing in {sign_in + max(entry.values()):,}, "
        f"one more page at most {max(further.values()):,} ({max(further, key=lambda one: further[one])}), "
        f"texts of a page at most {max(page.values()):,}, all styles {built.styles():,}",
    )

    assert len(further) > 40
    assert len(languages) == 11
    assert first > 100 * KB  # it measures something
    assert built.styles() < BUDGETS["styles"]
    for language in languages:
        assert built.scripts(f"{language}/errors") < BUDGETS["texts of a page"], language
        assert page[language] < BUDGETS["texts of a page"], language
        assert first + frame[language] < BUDGETS["first page"], language
        assert sign_in + entry[language] < BUDGETS["sign-in"], language
    for name, more in further.items():
        assert more < BUDGETS["one more page"], name
