"""What Alembic runs: the revisions, over the connection that `moorage.db.migrate` hands over.

There is no alembic.ini and no offline mode: `moorage migrate` and `make migration` are the only ways in.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    render_item=context.config.attributes.get("render_item"),
    render_as_batch=False,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
