"""First rows with ids of their own."""

from sqlalchemy import Connection, text

_PASS = text(
    "SELECT setval(pg_get_serial_sequence(:name, 'id'), greatest(:id, (SELECT last_value FROM pg_sequences"
    " WHERE schemaname || '.' || sequencename = pg_get_serial_sequence(:name, 'id'))))"
)


def reserve_id(db: Connection, table: str, used: int) -> None:
    """Let the database give out larger ids than `used` from now on, which was just inserted into `table` by hand.

    SQLite's AUTOINCREMENT sees to it by itself; PostgreSQL's sequences do not.
    """
    if db.dialect.name == "postgresql":
        db.execute(_PASS, {"name": table, "id": used})
