"""The plans of SQLite: made from statements and indexes alone, so what is looked at here is what runs after years."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from moorage.artifacts import manifest_rows, push
from moorage.blobs import uploads
from moorage.db.migrate import forget_statistics, migrate
from moorage.db.statements import Query
from moorage.quotas import service as quotas
from moorage.repositories import creation, lookup

HOT = {
    "a manifest by its tag": lookup._BY_TAG,
    "a manifest by its digest": lookup._BY_DIGEST,
    "a blob": lookup._BLOB,
    "a repository": lookup._SCOPE,
    "referrers": lookup._REFERRERS,
    "the names of tags": lookup._TAGS,
    "where to push": creation._FIND,
    "an upload": uploads.FIND_UPLOAD,
    "links of a push": push._links(4),
    "children of a push": push._children(4),
    "tags of a push": push._tags(1),
    "a new artifact": manifest_rows._NEW_ARTIFACT,
    "a charge": quotas._CHARGE,
    "the room of a project": quotas._ROOM,
}
"""What a pull or a push runs."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with its tables."""
    migrate(f"sqlite:///{tmp_path / 'moorage.db'}")
    return tmp_path / "moorage.db"


@pytest.fixture
def db(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as opened:
        yield opened


def plan(db: sqlite3.Connection, query: Query) -> list[str]:
    """The steps of a statement, in their order."""
    count = max(int(number) for number in re.findall(r"\?(\d+)", query.sqlite))
    return [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {query.sqlite}", [None] * count)]


@pytest.mark.parametrize("name", HOT)
def test_what_a_pull_or_a_push_runs_scans_nothing_and_sorts_nothing_large(db: sqlite3.Connection, name: str) -> None:
    steps = plan(db, HOT[name])
    assert not [step for step in steps if step.startswith("SCAN ") and "CONSTANT" not in step], steps


def test_a_manifest_is_looked_for_in_its_repository_however_many_others_have_it(db: sqlite3.Connection) -> None:
    steps = plan(db, lookup._BY_DIGEST)
    assert steps[0].startswith("SEARCH r USING INDEX uq_repository_path"), steps
    assert any("(repository_id=? AND digest=?)" in step for step in steps), steps


def test_what_analyze_left_is_forgotten_and_no_plan_depends_on_it(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        before = {name: plan(db, query) for name, query in HOT.items()}
        db.execute("ANALYZE")
        rows = [
            ("artifact", "ix_artifact_digest", "10000 1"),
            ("artifact", "sqlite_autoindex_artifact_1", "10000 900 1"),
        ]
        db.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", rows)
    with closing(sqlite3.connect(file)) as db:
        assert plan(db, lookup._BY_DIGEST) != before["a manifest by its digest"], "figures make no difference any more"

    assert forget_statistics(file)

    with closing(sqlite3.connect(file)) as db:
        assert {name: plan(db, query) for name, query in HOT.items()} == before
    assert not forget_statistics(file)
