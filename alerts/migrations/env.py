"""How alembic runs here: always on the connection that `alerts.database.open_database` gives it."""

from alembic import context

from alerts.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
)
with context.begin_transaction():
    context.run_migrations()
