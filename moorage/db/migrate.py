"""Bring the tables of a database up to date.

The first look costs one statement and no import of SQLAlchemy or Alembic on SQLite, so that a server whose tables
are current starts fast and stays small. Revisions form one unbroken chain, and there is no way back but a backup:
on SQLite a copy of the database is made before anything changes.
"""

import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import URL, Connection

HEAD = "0002"
"""The newest revision that this version knows."""

FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x6D6F6F72  # "moor": the advisory lock under which one process at a time changes the tables
_LOOK = "SELECT version_num FROM alembic_version"
_STEP = re.compile(
    r'(op\.create_table|op\.add_column|op\.drop_column|op\.drop_table|sa\.Column)\(\s*"(\w+)"(?:,\s*"(\w+)")?'
)


class MigrationRefused(Exception):
    """The tables cannot be brought up to date; the message says why and what to do."""


def find_sqlite_revision(file: Path) -> str | None:
    """The revision of an SQLite database, or None when the file is missing or holds no tables of ours.

    Raises:
        MigrationRefused: the file cannot be read, or is no SQLite database.
    """
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            row = db.execute(_LOOK).fetchone()
    except sqlite3.DatabaseError as error:
        if "no such table" in str(error):
            return None
        raise MigrationRefused(f"The database {file} cannot be read: {error}.") from error
    return str(row[0]) if row else None


def forget_statistics(file: Path) -> bool:
    """Remove what ANALYZE or `PRAGMA optimize` left in an SQLite database; whether there was anything.

    Without it a plan depends on its statement alone, and what is tested is what runs (docs/adr/0048). One that is busy
    is left for the next start.
    """
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=1, isolation_level=None)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE name LIKE 'sqlite_stat_'")]
        found = False
        try:
            for table in tables:
                found = db.execute(f"DELETE FROM {table}").rowcount > 0 or found  # noqa: S608 - a name of SQLite's
        except sqlite3.OperationalError:
            return False
    return found


def find_revision(db: "Connection") -> str | None:
    """The revision of a database, or None when it holds no tables of ours."""
    from sqlalchemy import inspect  # the look at SQLite must not load it

    if not inspect(db).has_table("alembic_version"):
        return None
    row = db.exec_driver_sql(_LOOK).fetchone()
    return str(row[0]) if row else None


def is_current(revision: str | None) -> bool:
    """Whether a database of this revision can be used as it is.

    Raises:
        MigrationRefused: a newer version of Moorage has changed the tables.
    """
    if revision is not None and revision != HEAD and revision not in _list_revisions():
        raise MigrationRefused(
            f"The tables have revision {revision}, and this version of Moorage knows up to {HEAD} only: "
            "start the newer version, or restore the backup that was made before it."
        )
    return revision == HEAD


def list_columns() -> frozenset[str]:
    """What the tables of `HEAD` hold: `project.name`, …; read from the text of the revisions: that loads no Alembic."""
    found: set[str] = set()
    table = ""
    for file in sorted((FOLDER / "versions").glob("[0-9]*_*.py")):
        for word, name, other in _STEP.findall(file.read_text(encoding="utf-8")):
            if word == "sa.Column":
                found.add(f"{table}.{name}")
            elif word == "op.drop_column":
                found.discard(f"{name}.{other}")
            elif word == "op.drop_table":
                found = {one for one in found if not one.startswith(f"{name}.")}
            else:
                table = name
    return frozenset(found)


def require_columns(there: Collection[str]) -> None:
    """See that a database of the revision `HEAD` has what this version asks for.

    Before the first release the first revision is made anew with each change, under the same number.

    Args:
        there: what it has, as from `list_columns`.

    Raises:
        MigrationRefused: something is missing.
    """
    missing = sorted(list_columns() - set(there))
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MigrationRefused(
            f"The database lacks the column {missing[0]}{more}: it was made by an earlier state of this version, or "
            "somebody changed it. Before the first release nothing brings it up to date: go back to that state, or "
            "start with another data folder or database."
        )


def migrate(url: str) -> tuple[str | None, Path | None]:
    """Bring the tables to `HEAD`. Safe to repeat, and to run in two processes at once: the second one waits.

    Returns:
        the revision before, and the copy that was made of an SQLite database that was not empty.

    Raises:
        MigrationRefused: a newer version has changed the tables.
        sqlalchemy.exc.DBAPIError: the database cannot be reached, or a revision failed; nothing was changed then.
    """
    from alembic import command
    from sqlalchemy import make_url

    copy: Path | None = None
    place = make_url(url)
    with _connect(place) as db:
        before = find_revision(db)
        if is_current(before):
            return before, None
        if place.get_backend_name() == "sqlite" and before is not None:
            copy = _copy(Path(place.database or ""), before)
        command.upgrade(configure(db), "head")
    return before, copy


def configure(db: "Connection", **attributes: object) -> "Config":
    """Alembic's configuration around an open transaction."""
    from alembic.config import Config

    config = Config(attributes={"connection": db, **attributes})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


@contextmanager
def _connect(place: "URL") -> Iterator["Connection"]:
    """One transaction that nobody else can share: SQLite's write lock, or an advisory lock on PostgreSQL."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    if place.get_backend_name() != "sqlite":
        engine = create_engine(
            place.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args={"connect_timeout": 10}
        )
        with engine.begin() as db:
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield db
        return

    engine = create_engine(place, poolclass=NullPool, connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # BEGIN is ours: sqlite3 would commit before each CREATE TABLE
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: "Connection") -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as db:
        yield db


def _copy(file: Path, revision: str) -> Path:
    """A copy of the database as it was before, beside it. An older copy of the same revision is replaced."""
    target = file.with_name(f"{file.name}.before-{revision}")
    half = target.with_name(f"{target.name}.part")
    half.unlink(missing_ok=True)
    half.touch(0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(half)) as copy:
        source.backup(copy)
    half.replace(target)
    return target


def _list_revisions() -> set[str]:
    return {file.name.partition("_")[0] for file in (FOLDER / "versions").glob("[0-9]*_*.py")}
