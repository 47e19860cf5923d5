"""Log events of the edge: an id in `snake_case`, then its fields as `key=value` (logfmt).

The edge logs through the standard library, because its memory is limited (design §3). Every line
it logs is made by `event`, so that one search finds all lines of an event.
"""

import json
import logging


def event(event_id: str, **fields: object) -> str:
    """The log line of an event; a value that logfmt cannot hold bare is quoted as in JSON."""
    return " ".join(
        [event_id, *(f"{key}={_bare_or_quoted(value)}" for key, value in fields.items())]
    )


def _bare_or_quoted(value: object) -> str:
    text = str(value)
    is_bare = text.isprintable() and text != "" and not set(text) & set(' ="')
    return text if is_bare else json.dumps(text, ensure_ascii=False)


class AvailabilityLog:
    """Logs once when something becomes unavailable and once when it is back (design §7)."""

    def __init__(
        self,
        log: logging.Logger,
        *,
        lost: str,
        back: str,
        level: int = logging.ERROR,
        **fields: object,
    ) -> None:
        """Log the events `lost` (at `level`) and `back` (at info), both with `fields`."""
        self._log = log
        self._lost = lost
        self._back = back
        self._level = level
        self._fields = fields
        self._available = True

    def lost(self, **details: object) -> None:
        """Note that it is unavailable; only the first call after `back` logs, with `details`."""
        if self._available:
            self._log.log(self._level, event(self._lost, **self._fields, **details))
        self._available = False

    def back(self, **details: object) -> None:
        """Note that it is available; only the first call after `lost` logs, with `details`."""
        if not self._available:
            self._log.info(event(self._back, **self._fields, **details))
        self._available = True
