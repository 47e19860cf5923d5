"""Which hours are finished, what is forgotten when, and hourly aggregates joined into longer steps.
Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.store.model import PointSummary, ReadingStore, Summaries, summary, with_gaps
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

STATISTICS: Final = ("count", "mean", "min", "max")
"""What is kept of each point and hour, in the order of `PointSummary`; `supply_c_mean` names a column or
field."""

# A gateway sends a reading within its interval; what comes later than this after the hour is
# aggregated again.
_GRACE_MS: Final = 10 * MINUTE_MS


def hour_of(at: int) -> int:
    """The beginning of the hour (UTC ms) in which `at` lies."""
    return at // HOUR_MS * HOUR_MS


def finished_before(now: int) -> int:
    """The end of the last hour that counts as finished at `now`."""
    return hour_of(now - _GRACE_MS)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long (ms) readings and hourly aggregates are kept; None: for ever."""

    readings: int | None = None
    hours: int | None = None

    def oldest_reading(self, now: int) -> int | None:
        """Readings before this are forgotten at `now`, by whole days (UTC)."""
        return _oldest(self.readings, now)

    def oldest_hour(self, now: int) -> int | None:
        """Aggregates of hours before this are forgotten at `now`, by whole days (UTC)."""
        return _oldest(self.hours, now)


def _oldest(kept: int | None, now: int) -> int | None:
    return None if kept is None else (now - kept) // DAY_MS * DAY_MS


def hour_summary(hour: int, values: Sequence[float | None]) -> PointSummary:
    """What is kept of one point's `values` in one hour."""
    present = [value for value in values if value is not None]
    if not present:
        return PointSummary(hour)
    return summary(hour, len(present), sum(present) / len(present), min(present), max(present))


def long_summaries(
    store: ReadingStore, device: str, start: int, end: int, points: Sequence[str], step: int
) -> Summaries:
    """As `ReadingStore.summaries`; a `step` of whole hours is answered from the hourly aggregates
    as far as they reach.

    A season costs what its hours cost, also when its readings have been forgotten; the window then
    begins with the whole bucket in which `start` lies. Raises StoreUnavailable and ValueError.
    """
    if step % HOUR_MS:
        return store.summaries(device, start, end, points, step)
    start = start // step * step
    aggregated = store.hours(device, start, end, points)
    reached = max(
        (one.at + HOUR_MS for series in aggregated.values() for one in series), default=start
    )
    fresh: Any = {} if reached >= end else store.summaries(device, reached, end, points, HOUR_MS)
    return {
        point: with_gaps(
            _joined([*aggregated[point], *fresh.get(point, [])], step), start, end, step
        )
        for point in points
    }


def _joined(hours: Sequence[PointSummary], step: int) -> list[PointSummary]:
    buckets: dict[int, list[PointSummary]] = {}
    for one in hours:
        if one.count:
            buckets.setdefault(one.at // step * step, []).append(one)
    return [_join(at, parts) for at, parts in buckets.items()]


def _join(at: int, parts: Sequence[PointSummary]) -> PointSummary:
    count = sum(one.count for one in parts)
    total = sum(one.count * one.mean for one in parts if one.mean is not None)
    lows = [one.minimum for one in parts if one.minimum is not None]
    highs = [one.maximum for one in parts if one.maximum is not None]
    return summary(at, count, total / count, min(lows), max(highs))
