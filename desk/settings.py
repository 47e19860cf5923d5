"""The configuration table of the ticket database (contract §9)."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from configuration.fields import SecretPath, Settings, resolve_state_path

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?!:memory:)(?P<path>.+)")


class TicketsSettings(Settings):
    """`[tickets]`: where tickets live, any SQLAlchemy URL.

    A relative SQLite path is one of state. `password_file` holds the password of a database
    server, so that this file needs none.
    """

    url: Annotated[
        str,
        Field(
            description="SQLAlchemy URL of the ticket database; relative SQLite paths are state.",
            validate_default=True,
        ),
    ] = "sqlite:///tickets.db"
    password_file: Annotated[
        SecretPath | None,
        Field(description="File with the password of a database server, closed to all others."),
    ] = None

    @field_validator("url")
    @classmethod
    def _has_a_driver(cls, url: str) -> str:
        try:
            make_url(url).get_dialect().import_dbapi()
        except (ArgumentError, ImportError) as error:
            known = "sqlite:///tickets.db or postgresql+psycopg://USER@HOST/DATABASE"
            raise ValueError(f"no database that is known here; write {known}") from error
        return url

    @field_validator("url")
    @classmethod
    def _resolve(cls, url: str, info: ValidationInfo) -> str:
        match = _SQLITE.fullmatch(url)
        if match is None or not info.context:
            return url
        return f"sqlite:///{resolve_state_path(Path(match['path']), info).absolute()}"

    @property
    def address(self) -> str:
        """The URL to connect to, with the password of `password_file`; never to be shown."""
        if self.password_file is None:
            return self.url
        password = self.password_file.read_text(encoding="utf-8").strip()
        return make_url(self.url).set(password=password).render_as_string(hide_password=False)

    @property
    def password(self) -> str | None:
        """The password that stands in `url` itself."""
        try:
            return make_url(self.url).password
        except ArgumentError:
            return None

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a database server, or a database in memory."""
        match = _SQLITE.fullmatch(self.url)
        return None if match is None else Path(match["path"])
