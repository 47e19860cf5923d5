"""How every process logs: one line per event on standard error, readable on a terminal, logfmt elsewhere."""

import logging
import os
import sys

import structlog


def configure_logging(level: str | None = None) -> None:
    """Set up structlog; the level comes from `level`, else from HEARTHWATCH_LOG, else it is `info`."""
    name = (level or os.environ.get("HEARTHWATCH_LOG", "info")).upper()
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
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(name, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
