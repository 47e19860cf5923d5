"""How every process logs: one line per event on standard error.

The gateway logs through the standard library, to stay small. All other processes log through
structlog: coloured on a terminal, logfmt elsewhere.
"""

import logging
import os
import sys
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"
# These loggers are ours and log from `info` on; loggers of libraries log from `warning` on.
_OURS: Final = ("gateway_agent", "hearthwatch", "messaging")


def configure_logging(level: str | None = None) -> None:
    """Set up standard logging at `level`, else at that of HEARTHWATCH_LOG, else at `info`."""
    wanted = (level or os.environ.get("HEARTHWATCH_LOG", "info")).upper()
    number = logging.getLevelNamesMapping().get(wanted, logging.INFO)
    logging.basicConfig(
        level=max(number, logging.WARNING), format=_FORMAT, stream=sys.stderr, force=True
    )
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
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_level()),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _level() -> int:
    return logging.getLogger(_OURS[0]).level
