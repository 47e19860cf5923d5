"""How every process logs: one line per event on standard error.

The gateway logs through the standard library, to stay small. All other processes log through
structlog: coloured on a terminal, logfmt elsewhere.
"""

import logging
import os
import sys
from collections.abc import MutableMapping
from typing import Any, Final

from wire.plain_text import printable, printable_lines

_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"
# These loggers are ours and log from `info` on; loggers of libraries log from `warning` on.
_OURS: Final = ("gateway_agent", "hearthwatch", "messaging")


class PlainFormatter(logging.Formatter):
    """One line for each record, whatever is in its values; a traceback is indented below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without control characters."""
        return printable_lines(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - name of the library
        """Return the line of the event itself."""
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - name of the library
        """Return the traceback; no line of it can be taken for a line of the log."""
        return "\n".join(f"  {line}" for line in super().formatException(ei).splitlines())


def plain_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Return `event` with every value made printable; a processor of structlog."""
    for key, value in event.items():
        if value is not None and not isinstance(value, bool | int | float):
            event[key] = printable(str(value))
    return event


def configure_logging(level: str | None = None) -> None:
    """Set up standard logging at `level`, else at that of HEARTHWATCH_LOG, else at `info`."""
    wanted = (level or os.environ.get("HEARTHWATCH_LOG", "info")).upper()
    number = logging.getLevelNamesMapping().get(wanted, logging.INFO)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter(_FORMAT))
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(number)


def configure_structured_logging() -> None:
    """Set up structlog at the level of standard logging; for every process but the gateway."""
    import structlog

    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=True)
        if sys.stderr.isatty()
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"])
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            plain_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level()),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _level() -> int:
    return logging.getLogger(_OURS[0]).level
