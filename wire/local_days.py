"""The district's days. Local time is UTC plus a fixed offset, so that every day has 24 hours."""

from datetime import datetime, timedelta, tzinfo
from typing import Final

from wire.units import HOUR_MS

BEIJING_OFFSET_MS: Final = 8 * HOUR_MS
"""China has no summer time."""


def offset_of(zone: tzinfo) -> int:
    """Return the offset of `zone` from UTC (ms); a zone with summer time gets its winter offset."""
    winter = datetime(2025, 1, 1, tzinfo=zone).utcoffset() or timedelta()
    return round(winter.total_seconds() * 1_000)


def begin_of(at: int, step: int, offset_ms: int) -> int:
    """Return the beginning (UTC ms) of the step of local time in which `at` lies.

    Steps of `step` ms follow one another from local midnight, 1970-01-01. Those of days begin at
    midnight.
    """
    return (at + offset_ms) // step * step - offset_ms
