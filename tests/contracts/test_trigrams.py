"""The index of trigrams finds what a comparison of all names finds, and follows every change of a name."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from moorage.db.engine import Database
from moorage.db.migrate import HEAD, migrate
from moorage.db.trigrams import MAX_MATCHES, find_match
from moorage.db.unit_of_work import Work
from moorage.events import SYSTEM

NAMES = ("team/api-web", "team/web", 'od"d/na"me', "we", "Team/WEB-2", "a%b_c/d")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with its tables, and names in one of them."""
    migrate(f"sqlite:///{tmp_path / 'moorage.db'}")
    with closing(sqlite3.connect(tmp_path / "moorage.db")) as db:
        db.execute("INSERT INTO project (id, name, created_at, updated_at) VALUES (1, 'team', 0, 0)")
        db.executemany(
            "INSERT INTO repository (project_id, path, created_at, updated_at) VALUES (1, ?, 0, 0)",
            [(name,) for name in NAMES],
        )
        db.commit()
    return tmp_path / "moorage.db"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    """The same, as the product opens it."""
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.engine.dispose()


def found(database: Database, word: str) -> list[str] | None:
    """The names that the index finds; None: it is not asked."""

    def ask(work: Work) -> list[str] | None:
        match = find_match(work, "repository", word)
        if match is None:
            return None
        rows = work.db.exec_driver_sql("SELECT path FROM repository_search WHERE repository_search MATCH ?", (match,))
        return sorted(str(row[0]) for row in rows)

    return database.run_here(SYSTEM, ask)


@pytest.mark.parametrize("word", ["web", "WEB", "eam/", 'd"d/n', "%b_", "NEAR(", "web OR api", "a*b", "-web"])
def test_the_index_finds_what_a_comparison_finds(database: Database, word: str) -> None:
    assert found(database, word) == sorted(name for name in NAMES if word.lower() in name.lower())


@pytest.mark.parametrize("word", ["", "w", "we", "web\0"])
def test_short_words_are_looked_for_in_the_names(database: Database, word: str) -> None:
    assert found(database, word) is None


def test_a_word_that_many_names_hold_is_looked_for_in_the_names(database: Database, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.executemany(
            "INSERT INTO repository (project_id, path, created_at, updated_at) VALUES (1, ?, 0, 0)",
            [(f"team/many-{number}",) for number in range(MAX_MATCHES)],
        )
        db.commit()
    assert found(database, "many") is None
    assert found(database, "many-399") == ["team/many-399"]


def test_the_index_follows_deletion_and_another_name(database: Database, file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DELETE FROM repository WHERE path = 'team/web'")
        db.execute("UPDATE repository SET path = 'team/other' WHERE path = 'team/api-web'")
        db.commit()
        db.execute("INSERT INTO repository_search (repository_search, rank) VALUES ('integrity-check', 1)")
    assert found(database, "web") == ["Team/WEB-2"]
    assert found(database, "oth") == ["team/other"]


def _as_nobody(url: str) -> URL:
    """The same database for an account that owns it and may not trust an extension."""
    place = make_url(url)
    with psycopg.connect(place.set(drivername="postgresql").render_as_string(hide_password=False)) as db:
        db.execute("CREATE ROLE nobody_special LOGIN")
        db.execute("GRANT CREATE ON SCHEMA public TO nobody_special")
    return place.set(username="nobody_special")


def test_without_the_right_to_the_extension_all_else_is_made(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    place = _as_nobody(postgres_url)

    assert migrate(place.render_as_string(hide_password=False)) == (None, None)

    assert [one.levelname for one in caplog.records if "pg_trgm" in one.getMessage()] == ["WARNING"]
    with psycopg.connect(place.set(drivername="postgresql").render_as_string(hide_password=False)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
        assert db.execute("SELECT to_regclass('ix_repository_search')").fetchone() == (None,)
    with psycopg.connect(make_url(postgres_url).set(drivername="postgresql").render_as_string(False)) as db:
        db.execute("DROP OWNED BY nobody_special")
        db.execute("DROP ROLE nobody_special")
