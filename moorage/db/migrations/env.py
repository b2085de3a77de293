"""What Alembic runs: the revisions, over the connection that `moorage.db.migrate` hands over.

There is no alembic.ini and no offline mode: `moorage migrate` and `make migration` are the only ways in.
"""

from alembic import context

connection = context.config.attributes["connection"]


def is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Whether `make migration` compares this with the code: not what `moorage.db.trigrams` makes by hand."""
    return not (name and kind in {"table", "index"} and "_search" in name)


context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    render_item=context.config.attributes.get("render_item"),
    include_name=is_compared,
    render_as_batch=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
