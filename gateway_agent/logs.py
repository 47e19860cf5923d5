"""Log events of the edge: an id in `snake_case`, then its fields as `key=value` (logfmt).

Loggers take an event id and fields, as those of structlog do in the services. The edge has no
structlog, because its memory is limited (design §3): the standard library writes the line.
"""

import logging

from wire.plain_text import printable_json


class EventLog:
    """A logger of events; `name` is that of the module, as for `logging.getLogger`."""

    def __init__(self, name: str) -> None:
        self._log = logging.getLogger(name)

    def debug(self, event_id: str, **fields: object) -> None:
        """Log a detail for a developer."""
        self._log.debug(event_line(event_id, fields))

    def info(self, event_id: str, **fields: object) -> None:
        """Log a usual event."""
        self._log.info(event_line(event_id, fields))

    def warning(self, event_id: str, **fields: object) -> None:
        """Log an event that the gateway copes with."""
        self._log.warning(event_line(event_id, fields))

    def error(self, event_id: str, **fields: object) -> None:
        """Log an event that needs a person, or that loses data."""
        self._log.error(event_line(event_id, fields))


def event_line(event_id: str, fields: dict[str, object]) -> str:
    """The line of an event; a value that logfmt cannot hold bare is quoted as in JSON."""
    return " ".join([event_id, *(f"{key}={_text(value)}" for key, value in fields.items())])


def _text(value: object) -> str:
    text = str(value)
    is_bare = text.isprintable() and text != "" and not set(text) & set(' ="')
    return text if is_bare else printable_json(text)
