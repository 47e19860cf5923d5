"""Finished hours, retention, and hourly aggregates joined into longer steps. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.store.model import PointSummary, ReadingStore, Summaries, summary, with_gaps
from wire.local_days import begin_of
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

STATISTICS: Final = ("count", "mean", "min", "max")
"""The aggregates of each point and hour, in the order of `PointSummary`.

A column or field is named like `supply_c_mean`.
"""

# Most readings of an hour have come by then; each later one aggregates its hour again.
_GRACE_MS: Final = 10 * MINUTE_MS


def hour_of(at: int) -> int:
    """Return the beginning of the hour of `at` (UTC ms)."""
    return at // HOUR_MS * HOUR_MS


def finished_before(now: int) -> int:
    """Return the end of the last hour that is finished at `now` (UTC ms)."""
    return hour_of(now - _GRACE_MS)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long readings and hourly aggregates are kept (ms); None: for ever."""

    readings: int | None = None
    hours: int | None = None

    def oldest_reading(self, now: int, offset_ms: int) -> int | None:
        """Return the time before which readings are forgotten at `now`, by whole local days."""
        return _oldest(self.readings, now, offset_ms)

    def oldest_hour(self, now: int, offset_ms: int) -> int | None:
        """Return the time before which hours are forgotten at `now`, by whole local days."""
        return _oldest(self.hours, now, offset_ms)


def _oldest(kept: int | None, now: int, offset_ms: int) -> int | None:
    return None if kept is None else begin_of(now - kept, DAY_MS, offset_ms)


def hour_summary(hour: int, values: Sequence[float | None]) -> PointSummary:
    """Return the aggregate of one point's `values` in one hour; None is no value."""
    present = [value for value in values if value is not None]
    if not present:
        return PointSummary(hour)
    return summary(hour, len(present), sum(present) / len(present), min(present), max(present))


def long_summaries(
    store: ReadingStore, device: str, start: int, end: int, points: Sequence[str], step: int
) -> Summaries:
    """Return the summaries of a long time; arguments and result as `ReadingStore.summaries`.

    A `step` of whole hours reads the hourly aggregates as far as they reach. A season then costs
    only its hours, and needs no readings. The first bucket is the whole one in which `start` lies.
    Raises StoreUnavailable and ValueError.
    """
    if step % HOUR_MS:
        return store.summaries(device, start, end, points, step)
    start = begin_of(start, step, store.offset_ms)
    aggregated = store.hours(device, start, end, points)
    reached = max(
        (hour.at + HOUR_MS for series in aggregated.values() for hour in series), default=start
    )
    fresh: Any = {} if reached >= end else store.summaries(device, reached, end, points, HOUR_MS)
    return {
        point: with_gaps(
            _joined([*aggregated[point], *fresh.get(point, [])], step, store.offset_ms),
            start,
            end,
            step,
            store.offset_ms,
        )
        for point in points
    }


def _joined(hours: Sequence[PointSummary], step: int, offset_ms: int) -> list[PointSummary]:
    buckets: dict[int, list[PointSummary]] = {}
    for hour in hours:
        if hour.count:
            buckets.setdefault(begin_of(hour.at, step, offset_ms), []).append(hour)
    return [_join(at, parts) for at, parts in buckets.items()]


def _join(at: int, parts: Sequence[PointSummary]) -> PointSummary:
    count = sum(part.count for part in parts)
    total = sum(part.count * part.mean for part in parts if part.mean is not None)
    lows = [part.minimum for part in parts if part.minimum is not None]
    highs = [part.maximum for part in parts if part.maximum is not None]
    return summary(at, count, total / count, min(lows), max(highs))
