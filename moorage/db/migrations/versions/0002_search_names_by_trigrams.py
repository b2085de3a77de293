"""Search names by trigrams.

Locks: SQLite: the whole database, 3 s for a million repositories. PostgreSQL: writes to `repository` and `project`,
10 s for a million repositories; pulls go on.

Revision: 0002, after 0001.
"""

import logging

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAMES = (("repository", "path"), ("project", "name"))
SQLITE = (
    "CREATE VIRTUAL TABLE {table}_search USING fts5({column}, content='{table}', content_rowid='id', "
    "tokenize='trigram', columnsize=0)",
    "CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN "
    "INSERT INTO {table}_search (rowid, {column}) VALUES (new.id, new.{column}); END",
    "CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN "
    "INSERT INTO {table}_search ({table}_search, rowid, {column}) VALUES ('delete', old.id, old.{column}); END",
    "CREATE TRIGGER {table}_search_update AFTER UPDATE OF {column} ON {table} BEGIN "
    "INSERT INTO {table}_search ({table}_search, rowid, {column}) VALUES ('delete', old.id, old.{column}); "
    "INSERT INTO {table}_search (rowid, {column}) VALUES (new.id, new.{column}); END",
    "INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')",
)
POSTGRESQL = (
    "CREATE INDEX ix_{table}_search ON {table} USING gin ({column} gin_trgm_ops) "
    "WITH (gin_pending_list_limit = 256) WHERE trash_id IS NULL"
)


def upgrade() -> None:
    """Bring the tables from the revision before to this one."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        for table, column in NAMES:
            for statement in SQLITE:
                op.execute(sa.text(statement.format(table=table, column=column)))
        return
    try:
        with bind.begin_nested():
            bind.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for table, column in NAMES:
                bind.exec_driver_sql(POSTGRESQL.format(table=table, column=column))
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        logging.getLogger("moorage.db").warning(
            "search reads all names, because the extension pg_trgm cannot be used: %s; to mend it, CREATE EXTENSION "
            "pg_trgm as a superuser, then the indexes of docs/develop/performance.md",
            reason,
        )
