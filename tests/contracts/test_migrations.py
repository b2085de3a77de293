"""The tables that the migrations make are those of the code, on both databases."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from moorage.db.base import Base, load_tables
from moorage.db.migrate import (
    FOLDER,
    HEAD,
    MigrationRefused,
    configure,
    find_revision,
    find_sqlite_revision,
    is_current,
    list_columns,
    migrate,
    require_columns,
)
from tests.parts.postgres import Postgres

load_tables()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'moorage.db'}"


def read_sqlite(file: Path) -> dict[str, list[str]]:
    """The parts of each table and index as SQLite keeps them, in an order that does not depend on the writer."""
    with closing(sqlite3.connect(file)) as db:
        rows = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {
        name: sorted(part.strip(" ,") for part in re.split(r"\n|, (?=CONSTRAINT|FOREIGN)", sql))
        for name, sql in rows
        if name not in {"alembic_version", "sqlite_sequence"}
    }


READ_POSTGRESQL = """
SELECT 'column', c.relname, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), l.collname, a.attidentity)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
AND c.relnamespace = 'public'::regnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
UNION ALL SELECT 'index', tablename, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
"""


def read_postgresql(db: Connection) -> set[tuple[str, ...]]:
    """Every column, index and constraint, as PostgreSQL writes them."""
    db.exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32))")
    return {tuple(row) for row in db.execute(text(READ_POSTGRESQL.replace(":", r"\:")))}


def test_the_newest_revision_is_the_one_that_the_code_names() -> None:
    scripts = ScriptDirectory(str(FOLDER))

    assert scripts.get_heads() == [HEAD]
    assert len(list(scripts.walk_revisions())) == len(list((FOLDER / "versions").glob("*.py")))


def test_every_revision_says_what_it_locks() -> None:
    for file in (FOLDER / "versions").glob("*.py"):
        assert "\nLocks: " in file.read_text()
        assert "say which table" not in file.read_text()


# -- SQLite -----------------------------------------------------------------------------------------------


def test_sqlite_gets_the_tables_of_the_code(sqlite_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"

    migrate(sqlite_url)
    Base.metadata.create_all(create_engine(f"sqlite:///{other}"))

    migrated, made = read_sqlite(tmp_path / "moorage.db"), read_sqlite(other)
    assert len(made) > 40
    assert migrated == made


def test_the_columns_that_a_start_looks_for_are_those_of_the_code() -> None:
    tables = Base.metadata.tables.values()
    assert list_columns() == {f"{table.name}.{column.name}" for table in tables for column in table.columns}


def test_later_revisions_count_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "versions").mkdir()
    first = 'op.create_table(\n "a",\n sa.Column("id"), sa.Column("x"))\nop.create_table("b", sa.Column("id"))'
    (tmp_path / "versions" / "0001_a.py").write_text(first)
    second = 'op.add_column("a", sa.Column("y"))\nop.drop_column("a", "x")\nop.drop_table("b")'
    (tmp_path / "versions" / "0002_b.py").write_text(second)
    monkeypatch.setattr("moorage.db.migrate.FOLDER", tmp_path)
    assert list_columns() == {"a.id", "a.y"}
    require_columns(["a.id", "a.y", "a.z"])
    with pytest.raises(MigrationRefused, match=r"lacks the column a\.id and 1 more"):
        require_columns([])


def test_the_row_of_the_readiness_check_is_there(sqlite_url: str, tmp_path: Path) -> None:
    migrate(sqlite_url)

    with closing(sqlite3.connect(tmp_path / "moorage.db")) as db:
        assert db.execute("SELECT id, count FROM probe").fetchall() == [(1, 0)]


def test_a_second_time_changes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    assert migrate(sqlite_url) == (None, None)
    before = read_sqlite(tmp_path / "moorage.db")

    assert migrate(sqlite_url) == (HEAD, None)
    assert read_sqlite(tmp_path / "moorage.db") == before


def test_the_look_at_a_database_tells_its_revision(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "moorage.db"
    assert find_sqlite_revision(file) is None
    file.touch()
    assert find_sqlite_revision(file) is None

    migrate(sqlite_url)

    assert find_sqlite_revision(file) == HEAD
    with create_engine(sqlite_url).connect() as db:
        assert find_revision(db) == HEAD


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "moorage.db"
    file.write_bytes(b"these are not the bytes of a database, and there are enough of them to be sure of it" * 20)

    with pytest.raises(MigrationRefused, match=r"moorage\.db cannot be read"):
        find_sqlite_revision(file)


def test_a_newer_database_is_refused_and_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    migrate(sqlite_url)
    with closing(sqlite3.connect(tmp_path / "moorage.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()

    with pytest.raises(MigrationRefused, match="revision 9999, and this version of Moorage knows up to"):
        migrate(sqlite_url)

    assert find_sqlite_revision(tmp_path / "moorage.db") == "9999"
    assert not list(tmp_path.glob("*.before-*"))


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """A function that adds a revision to the chain, with the given body, as a later version would."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def add(body: str) -> None:
        (folder / "versions" / "9000_later.py").write_text(
            f'from alembic import op\nrevision = "9000"\ndown_revision = "{HEAD}"\n\ndef upgrade():\n    {body}\n'
        )
        monkeypatch.setattr("moorage.db.migrate.FOLDER", folder)
        monkeypatch.setattr("moorage.db.migrate.HEAD", "9000")

    return add


def test_a_copy_is_kept_before_a_store_is_changed(
    sqlite_url: str, tmp_path: Path, older: Callable[[str], None]
) -> None:
    migrate(sqlite_url)
    older("""op.execute("ALTER TABLE probe ADD COLUMN more INTEGER")""")

    before, copy = migrate(sqlite_url)

    assert (before, copy) == (HEAD, tmp_path / f"moorage.db.before-{HEAD}")
    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
    assert find_sqlite_revision(copy) == HEAD
    assert find_sqlite_revision(tmp_path / "moorage.db") == "9000"
    assert len(read_sqlite(copy)["probe"]) < len(read_sqlite(tmp_path / "moorage.db")["probe"]) + 2


def test_a_revision_that_fails_halfway_changes_nothing(
    sqlite_url: str, tmp_path: Path, older: Callable[[str], None]
) -> None:
    migrate(sqlite_url)
    before = read_sqlite(tmp_path / "moorage.db")
    older("""op.execute("CREATE TABLE half (id INTEGER)"); op.execute("ALTER TABLE nothing ADD COLUMN x INTEGER")""")

    with pytest.raises(Exception, match="nothing"):
        migrate(sqlite_url)

    assert read_sqlite(tmp_path / "moorage.db") == before
    assert find_sqlite_revision(tmp_path / "moorage.db") == HEAD


def test_only_the_newest_revision_is_current() -> None:
    assert is_current(HEAD)
    assert not is_current(None)


# -- PostgreSQL -------------------------------------------------------------------------------------------


def test_postgresql_gets_the_tables_of_the_code(postgres_url: str, postgres: Postgres) -> None:
    assert migrate(postgres_url) == (None, None)
    other = postgres.create()
    made_engine, engine = create_engine(postgres.url(other)), create_engine(postgres_url)
    Base.metadata.create_all(made_engine)
    with made_engine.begin() as db:
        made = read_postgresql(db)
    made_engine.dispose()
    postgres.drop(other)

    with engine.begin() as db:
        migrated = read_postgresql(db)
        differences = compare_metadata(MigrationContext.configure(db), Base.metadata)
        probe = db.exec_driver_sql("SELECT id, count FROM probe").fetchall()
        revision = find_revision(db)
    engine.dispose()

    assert len(made) > 200
    assert migrated == made
    # Alembic does not see the indexes that are written by hand; what they are was compared above.
    by_hand = {"ix_repository_search", "ix_project_search"}
    found = [one for one in differences if one[0] != "remove_table" and getattr(one[1], "name", "") not in by_hand]
    assert found == []
    assert [tuple(row) for row in probe] == [(1, 0)]
    assert revision == HEAD


def test_postgresql_a_second_time_changes_nothing(postgres_url: str) -> None:
    migrate(postgres_url)

    assert migrate(postgres_url) == (HEAD, None)


def test_the_configuration_takes_any_folder_name() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as db:
        assert configure(db).get_main_option("script_location") == str(FOLDER)


def test_who_deletes_a_blobs_row_finds_by_an_index_what_refers_to_it() -> None:
    """The collector deletes them by the thousand, and a database looks for references with each."""
    without = [
        f"{table.name}.{key.column_keys[0]}"
        for table in Base.metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.referred_table.name == "blob"
        and next(iter(table.primary_key.columns)).name not in key.column_keys
        and not any(index.columns[0].name in key.column_keys for index in table.indexes)
    ]
    assert without == []
