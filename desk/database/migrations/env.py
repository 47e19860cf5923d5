"""How alembic runs here: always on the connection that `desk.database.engine.open_database` gives
it."""

from alembic import context

from desk.database.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
