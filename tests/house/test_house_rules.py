"""The rules of how the tree is laid out and named that no linter knows. The message of each says what to do."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LONG_FILES: dict[str, str] = {
    "portal/src/api/schema.ts": "every operation and schema of the REST API, as tools/portal_types.py writes them",
    "moorage/errors.py": "every error with its codes and its message, which is the table that docs/use/errors.md shows",
    "moorage/db/migrations/versions/0001_the_first_tables.py": "every table, once, as Alembic writes it",
}
"""Files of more than 600 lines, each with its reason. An honest table may be long."""

LEAVES_OUT = {
    "tests/conftest.py": "the one place that leaves tests out for want of a part",
    "tests/clients/test_images.py": "runs machine code for x86_64",
}
"""Files that skip tests, and why. In CI even these fail when they do."""

EMPTY_WORDS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "core",
    "manager",
    "controller",
    "handler",
    "impl",
    "misc",
}
"""Module names that say nothing. A helper with no home lives where its only caller is."""


@cache
def list_files(*endings: str) -> list[Path]:
    """The files that git knows or would take, by their ending; all without one."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [ROOT / name for name in listed if (not endings or name.endswith(endings)) and (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    """The path inside the repository."""
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_600_lines_without_a_reason() -> None:
    lengths = {
        name_of(path): len(path.read_text().splitlines()) for path in list_files(".py", ".ts", ".tsx", ".css", ".sh")
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > 600 and name not in LONG_FILES}

    assert len(lengths) > 20
    assert not too_long, "find the verb inside and split there, or give the reason in LONG_FILES"


def test_no_listed_long_file_has_become_short() -> None:
    assert not [name for name in LONG_FILES if len((ROOT / name).read_text().splitlines()) <= 600]


def test_every_package_says_what_it_is_in_a_paragraph() -> None:
    silent = []
    for path in list_files("/__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        if len(text.split()) < 8:
            silent.append(name_of(path))

    assert not silent, "what this is, its words, what it is not: a paragraph in the package's docstring"


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [
        name_of(path) for path in list_files(".py") if path.stem in EMPTY_WORDS or path.parent.name in EMPTY_WORDS
    ]


def test_the_version_stands_in_one_place() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    literal = re.compile(rf"""["']v?{re.escape(version)}["']""")
    found = [
        name_of(path)
        for path in list_files(".py")
        if path.is_relative_to(ROOT / "moorage") and literal.search(path.read_text())
    ]

    assert not found, "read moorage.__version__ instead"


def test_every_target_of_the_makefile_is_one_line_with_a_description() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(.*)\n((?:\t.*\n)*)", text, re.MULTILINE)

    assert len(targets) >= 10
    for target, head, recipe in targets:
        assert "## " in head, f"`make` with no word prints the description of `{target}`"
        assert recipe.count("\n") == 1, f"`{target}`: one line, so that nobody needs make to work here"


def test_no_test_leaves_itself_out() -> None:
    pattern = re.compile(r"pytest\.(?:skip|importorskip)\(|mark\.(?:skip|skipif|xfail)\b|unittest\.skip")
    tests = [path for path in list_files(".py") if path.is_relative_to(ROOT / "tests") and path != Path(__file__)]
    found = {name_of(path) for path in tests if pattern.search(path.read_text())}

    assert found <= set(LEAVES_OUT), (
        "what a test needs is a part (tests/parts): it is counted, and missing in CI it fails"
    )


def test_a_fragment_of_the_changelog_has_a_kind() -> None:
    pattern = re.compile(r"(README\.md|[a-z0-9-]+\.(feature|fix|change|security|removal)\.md)")

    assert not [
        path.name for path in list_files() if path.parent == ROOT / "changes" and not pattern.fullmatch(path.name)
    ]
