"""Indexes of the trigrams in names: FTS5 on SQLite, `pg_trgm` on PostgreSQL.

PostgreSQL uses its index for `ILIKE` by itself. SQLite has a table `NAME_search` beside `NAME`, which triggers keep;
a statement has to ask it, and `find_match` says when that pays.
"""

from typing import Any

from sqlalchemy import DDL, ColumnElement, String, Table, bindparam, column, event, literal_column, select, table

from moorage.db.hand_written_sql import one
from moorage.db.statements import Query
from moorage.db.unit_of_work import Work

MIN_CHARACTERS = 3
MAX_MATCHES = 400
"""A word that more names hold is looked for in the names' order instead: the first page is found early there."""

_SQLITE = (
    (
        "CREATE VIRTUAL TABLE {table}_search USING fts5({column}, content='{table}', content_rowid='id', "
        "tokenize='trigram', columnsize=0)"
    ),
    (
        "CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN "
        "INSERT INTO {table}_search (rowid, {column}) VALUES (new.id, new.{column}); END"
    ),
    (
        "CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN "
        "INSERT INTO {table}_search ({table}_search, rowid, {column}) VALUES ('delete', old.id, old.{column}); END"
    ),
    (
        "CREATE TRIGGER {table}_search_update AFTER UPDATE OF {column} ON {table} BEGIN "
        "INSERT INTO {table}_search ({table}_search, rowid, {column}) VALUES ('delete', old.id, old.{column}); "
        "INSERT INTO {table}_search (rowid, {column}) VALUES (new.id, new.{column}); END"
    ),
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    (
        "CREATE INDEX ix_{table}_search ON {table} USING gin ({column} gin_trgm_ops) "
        "WITH (gin_pending_list_limit = 256) WHERE trash_id IS NULL"
    ),
)
_FILLED = {
    name: Query(
        "",
        sqlite=f"SELECT count(*) FROM (SELECT 1 FROM {name}_search WHERE {name}_search MATCH ?1 LIMIT {MAX_MATCHES})",  # noqa: S608 - constants
        postgresql="",
    )
    for name in ("repository", "project")
}


def index_trigrams(indexed: Table, name: str) -> None:
    """Have the trigrams of a column indexed where the table is made from the code, as the revisions do."""
    for kind, statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
        for statement in statements:
            text = statement.format(table=indexed.name, column=name)
            event.listen(indexed, "after_create", DDL(text).execute_if(dialect=kind))  # type: ignore[no-untyped-call]


def find_match(work: Work, name: str, word: str) -> str | None:
    """What the index of SQLite is asked to find names with `word` in them; None: it is not to be asked.

    It is not on PostgreSQL, for less than three letters, and for a word that 400 names or more hold.

    Cost: one statement on SQLite.
    """
    if work.db.dialect.name != "sqlite" or len(word) < MIN_CHARACTERS or "\0" in word:
        return None
    match = '"' + word.replace('"', '""') + '"'
    row = one(work, _FILLED[name], match)
    return match if row is not None and row[0] < MAX_MATCHES else None


def is_matched(name: str, id_column: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    """That SQLite's index finds the row for the parameter `match`; the name itself has to be compared, too."""
    found = table(f"{name}_search", column("rowid"))
    matches = literal_column(f"{name}_search").op("MATCH")(bindparam("match", type_=String()))
    return id_column.in_(select(found.c.rowid).where(matches))  # type: ignore[no-any-return]
