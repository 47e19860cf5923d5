"""Brings a ticket database to the newest version (alerts/migrations)."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

_SCRIPTS: Final = Path(__file__).parent / "migrations"
# Name of a PostgreSQL advisory lock, arbitrary but ours: two services that start at once must not
# both migrate.
_LOCK: Final = 0x68656174


def migrate(engine: Engine) -> None:
    """Upgrade the database, in one transaction, one service at a time."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
