"""Runs the migrations inside the transaction that `intake.database.versions` opened. Alembic loads this file."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite too changes its tables within the transaction, as ours begins before Alembic's.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
