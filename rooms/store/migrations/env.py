"""What Alembic executes to run the steps, on the connection and in the transaction of ``migrate``."""

from alembic import context

from rooms.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
