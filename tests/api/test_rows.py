"""The catalogue of bad input is covered whole: a row without a test is named here, and so is a test without a row."""

import re
from pathlib import Path

from tests.api.rows import CONTROL, LATER, NOT_HERE, ROWS

_NAMED = re.compile(r"@row\(([^)]*)\)")


DIFFERENCES = Path(__file__).resolve().parents[2] / "docs/develop/differences.md"


def find_tested() -> set[str]:
    """The rows that the tests of this folder name."""
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py") if path.name != Path(__file__).name]
    return {name for text in texts for inside in _NAMED.findall(text) for name in re.findall(r'"(\w+)"', inside)}


def test_every_row_of_the_catalogue_has_a_test_or_a_reason() -> None:
    tested = find_tested()

    assert not set(ROWS) - tested - set(NOT_HERE), "mark its test with @row, or say in NOT_HERE why it has none"
    assert not tested & set(NOT_HERE), "it has a test now"


def test_no_test_names_a_row_that_the_catalogue_lacks() -> None:
    assert not (find_tested() | set(NOT_HERE)) - set(ROWS)


CATALOGUE = {
    "C": 5, "S": 5, "I": 10, "X": 5, "A": 7, "O": 2, "Q": 3, "W": 4, "P": 2, "L": 2, "H": 1, "K": 1, "B": 1,
}  # fmt: skip
"""How many rows the catalogue has for the control plane, by letter."""


def test_every_row_of_the_control_plane_has_tests_or_a_reason() -> None:
    rows = {f"{letter}{number + 1}" for letter, count in CATALOGUE.items() for number in range(count)}
    assert not CONTROL.keys() & LATER.keys()
    assert CONTROL.keys() | LATER.keys() | (ROWS.keys() & rows) == rows


def test_every_test_that_a_row_of_the_control_plane_names_is_there() -> None:
    tests = Path(__file__).resolve().parents[1]
    known = {name for path in tests.rglob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    for row, (_, *named) in CONTROL.items():
        assert named, row
        assert set(named) <= known, row


def test_every_difference_names_a_test_that_there_is() -> None:
    tests = Path(__file__).resolve().parents[1]
    known = {name for path in tests.rglob("test_*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())}
    rows = [line.split("|")[-2] for line in DIFFERENCES.read_text().splitlines() if line.startswith("| ")][1:]

    for cell in rows:
        named = re.findall(r"`([^`]+)`", cell)
        assert named, cell
        for name in named:
            assert name in known or (tests.parent / name).is_file(), name
