"""A revision of the database that has landed is never changed again."""

import hashlib
from pathlib import Path

from moorage.db.migrate import FOLDER, HEAD

LANDED = {
    "0001_the_first_tables.py": "feb6deb9412fafb6931277b9e14ac11efd54f43b1fc115822d0690bb685623de",
    "0002_search_names_by_trigrams.py": "067f3781397911ee649aebbb77cc31d7bc0cf6de44acd97189e339c0538ced08",
}
"""SHA-256 of each landed revision. A new revision adds its line in the commit that brings it."""


def hash_of(file: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_landed_revision_is_frozen() -> None:
    found = {file.name: hash_of(file) for file in sorted((FOLDER / "versions").glob("*.py"))}

    changed = [name for name, digest in LANDED.items() if found.get(name) != digest]
    assert not changed, f"{', '.join(changed)}: a landed revision is frozen: add a new one (make migration m=...)"


def test_each_revision_has_its_hash_here() -> None:
    found = {file.name: hash_of(file) for file in sorted((FOLDER / "versions").glob("*.py"))}

    unknown = [f'"{name}": "{digest}"' for name, digest in found.items() if name not in LANDED]
    assert not unknown, f"add to LANDED: {', '.join(unknown)}"
    assert max(LANDED).partition("_")[0] == HEAD
