"""The configuration table of the ticket database (contract §9)."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from configuration.fields import Settings

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:)(?P<path>.+)")


class TicketsSettings(Settings):
    """`[tickets]`: where tickets live, any SQLAlchemy URL.

    A relative SQLite path is relative to the file.
    """

    url: Annotated[
        str,
        Field(
            description="SQLAlchemy URL of the ticket database; SQLite paths start at this file.",
            validate_default=True,
        ),
    ] = "sqlite:///tickets.db"

    @field_validator("url")
    @classmethod
    def _resolve(cls, url: str, info: ValidationInfo) -> str:
        match = _SQLITE.fullmatch(url)
        base = (info.context or {}).get("base")
        if match is None or base is None or match["path"].startswith("/"):
            return url
        return f"sqlite:///{(Path(base) / match['path']).absolute()}"

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database server, or a database in memory."""
        match = _SQLITE.fullmatch(self.url)
        return None if match is None else Path(match["path"])
