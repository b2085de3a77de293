"""The rules about what is committed: no place of one machine, hashed locks, a record for each dependency."""

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.house.test_house_rules import list_files, name_of

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = importlib.metadata.packages_distributions()
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# Written in pieces, so that this file does not name what it forbids.
HOST_PATHS = re.compile(r"(?<![\w.-])/(?:wor[k]|roo[t]|hom[e]|far[m]|tm[p]/wt)/[\w.]")
REGISTRIES = re.compile(
    r"(?:pypi\.or[g]|pythonhosted\.or[g]|registry\.npmjs\.or[g]|proxy\.golang\.or[g]|crates\.i[o]|deb\.debian\.or[g])"
)

HOST_PATHS_ALLOWED: dict[str, str] = {}
"""Files that name such a path as an example, each with its reason."""

RECORDS = {
    "alembic": "0004",
    "argon2-cffi": "0007",
    "cryptography": "0008",
    "google-re2": "0025",
    "granian": "0003",
    "h11": "0071",
    "httpcore": "0028",
    "joserfc": "0027",
    "litestar": "0024",
    "msgspec": "0010",
    "obstore": "0006",
    "psycopg": "0005",
    "pyyaml": "0032",
    "redis": "0023",
    "sqlalchemy": "0004",
    "uvloop": "0022",
}
"""Each dependency of the product and the decision record that answers for it."""


def read(path: Path) -> str:
    """The text of a file; empty when it is no text."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def normalise(requirement: str) -> str:
    """The name of a requirement, as the index compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def list_dependencies() -> list[str]:
    """The names of what the product needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return sorted(normalise(requirement) for requirement in project["dependencies"])


def test_no_committed_file_names_a_path_of_one_machine() -> None:
    found = {
        name_of(path): HOST_PATHS.findall(read(path))
        for path in list_files()
        if name_of(path) not in HOST_PATHS_ALLOWED
    }

    assert len(found) > 40
    assert not {name: hits for name, hits in found.items() if hits}


def test_no_committed_file_names_a_package_registry() -> None:
    assert not [name_of(path) for path in list_files() if REGISTRIES.search(read(path))], (
        "that is the machine's business"
    )


def test_the_patterns_see_what_they_forbid() -> None:
    assert HOST_PATHS.search("cd /" + "work/main")
    assert HOST_PATHS.search("'/" + "root/.cache'")
    assert not HOST_PATHS.search("https://example.com/work")
    assert not HOST_PATHS.search("moorage/homes/x")
    assert REGISTRIES.search("https://" + "pypi." + "org/simple")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_holds_exact_versions_with_hashes_and_no_place(lock: Path) -> None:
    text = lock.read_text()
    entries = [entry for entry in re.split(r"\n(?! )", text) if entry and not entry.startswith("#")]

    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE), "an option of pip names a place or weakens the check"
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,]+\])?==[\w.!+]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), f"without a hash: {entry}"


def test_the_lock_of_the_web_page_holds_hashes_and_no_place() -> None:
    packages = json.loads(read(ROOT / "portal" / "package-lock.json"))["packages"]

    assert len(packages) > 100
    assert not [name for name, one in packages.items() if name and "integrity" not in one]
    assert "://" not in json.dumps(packages), "npm writes whom to fund into it: leave that out"


def test_the_lock_files_are_in_step_with_what_they_are_made_from() -> None:
    run = {normalise(line) for line in (ROOT / "requirements/run.txt").read_text().splitlines() if "==" in line}
    missing = set(list_dependencies()) - run
    for source in (ROOT / "requirements").glob("*.in"):
        asked = {normalise(line) for line in source.read_text().splitlines() if line and line[0] not in "#-"}
        locked = {normalise(line) for line in source.with_suffix(".txt").read_text().splitlines() if "==" in line}
        missing |= asked - locked

    assert not missing, "make lock"


def test_every_dependency_has_a_decision_record_that_names_it() -> None:
    assert list_dependencies() == sorted(RECORDS), "a new dependency needs a page in docs/adr and a line in RECORDS"
    for name, number in RECORDS.items():
        (record,) = (ROOT / "docs/adr").glob(f"{number}-*.md")
        assert re.search(rf"\b{name}\b", record.read_text(), re.IGNORECASE), f"{record.name} does not speak of {name}"


def test_everything_that_is_imported_is_asked_for_by_name() -> None:
    tools = [
        line for name in ("develop", "build") for line in (ROOT / f"requirements/{name}.in").read_text().splitlines()
    ]
    asked = {*list_dependencies(), *(normalise(line) for line in tools if line and line[0] not in "#-")}
    product = set(list_dependencies())
    for path in list_files(".py"):
        names = re.findall(r"^\s*(?:import|from) ([a-z_0-9]+)", path.read_text(), re.MULTILINE)
        needed = {normalise(source) for name in set(names) for source in DISTRIBUTIONS.get(name, ())} - {"moorage"}
        ships = path.is_relative_to(ROOT / "moorage") and not path.is_relative_to(ROOT / "moorage/testing")
        allowed = product if ships else asked  # moorage.testing is a plug-in of pytest: who loads it has pytest

        assert needed <= allowed, f"{name_of(path)}: not in pyproject.toml or requirements/*.in"


def test_every_dependency_is_imported_by_the_product() -> None:
    modules = {"argon2-cffi": "argon2", "google-re2": "re2", "pyyaml": "yaml"}
    by_name = {"psycopg", "uvloop"}  # SQLAlchemy and granian load them by their names
    source = "\n".join(path.read_text() for path in (ROOT / "moorage").rglob("*.py"))
    unused = [
        name
        for name in list_dependencies()
        if name not in by_name
        and not re.search(rf"^\s*(?:import|from) {modules.get(name, name)}\b", source, re.MULTILINE)
    ]

    assert not unused, "what nothing imports is not a dependency"


@pytest.mark.parametrize("record", sorted((ROOT / "docs/adr").glob("[0-9]*.md")), ids=lambda path: path.stem)
def test_a_decision_record_is_a_page_with_the_five_headings(record: Path) -> None:
    text = record.read_text()
    headings = " ".join(re.findall(r"^(?:#+ |\*\*)(.+)$", text, re.MULTILINE)).lower()

    for heading in ("context", "decision", "easier", "harder", "look again"):
        assert heading in headings
    assert len(text.split()) < 800, "a page at most"


def test_every_decision_record_that_is_referred_to_is_there() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    referred = {found for path in list_files() for found in re.findall(r"docs/adr/([0-9]{4})", read(path))}

    assert referred
    assert referred <= numbers


def test_decision_records_are_numbered_without_a_double() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs/adr").glob("[0-9]*.md")]

    assert len(numbers) == len(set(numbers))


def test_every_decision_record_is_in_the_index_once() -> None:
    index = (ROOT / "docs/adr/index.md").read_text()
    rows = re.findall(r"^\| \[(\d+)\. (.+)\]\((\S+)\) \| (.+\.) \| (?:in force|superseded by \d+)", index, re.MULTILINE)
    records = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    titles = [path.read_text().partition("\n")[0] for path in records]

    assert [name for _, _, name, _ in rows] == [path.name for path in records], (
        "docs/adr/index.md has one row for each record, in order: | [N. title](file) | decision. | state |"
    )
    assert [f"# {number}. {title}" for number, title, _, _ in rows] == titles


def test_a_superseded_record_says_so_in_the_index() -> None:
    index = (ROOT / "docs/adr/index.md").read_text()
    for path in (ROOT / "docs/adr").glob("[0-9]*.md"):
        superseded = re.search(r"^Superseded by \[record (\d+)\]", path.read_text(), re.MULTILINE)
        (row,) = (line for line in index.splitlines() if line.startswith("| [") and f"({path.name})" in line)

        assert (f"superseded by {superseded[1]}" if superseded else "in force") in row
