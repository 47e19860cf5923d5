"""Readings for the stores' tests, and what a store must answer about them, computed the plain
way."""

from collections.abc import Iterable, Sequence

from ingest.store import StoredReading
from ingest.store.model import PointSummary, summary
from wire.messages import Reading
from wire.topics import GatewayPath

# Far from the present, so that nothing else in a shared database is later than these.
START = 1_900_000_000_000 // 3_600_000 * 3_600_000
HOUR = 3_600_000
BEIJING = 8 * HOUR
PLACE = GatewayPath("mentougou", "qingshui", "store-test", "st-01")


def stored(
    device: str, at: int, seq: int = 1, gateway: GatewayPath = PLACE, **changes: object
) -> StoredReading:
    """A reading of a heating unit; `changes` are fields of it."""
    reading = Reading(device, at, "heating", [], {"supply_c": 41.5, "return_c": 36.25}, [])
    for name, value in changes.items():
        setattr(reading, name, value)
    return StoredReading(gateway, "e1", seq, reading)


def summarised(
    readings: Iterable[StoredReading], point: str, start: int, end: int, step: int
) -> list[PointSummary]:
    """What `summaries` must answer for one device's `readings`, by steps of Beijing's time."""
    first = (start + BEIJING) // step * step - BEIJING
    buckets: dict[int, list[float]] = {bucket: [] for bucket in range(first, end, step)}
    for stored in readings:
        value = stored.reading.values.get(point)
        if start <= stored.reading.at < end and value is not None:
            buckets[(stored.reading.at - first) // step * step + first].append(value)
    return [summary_of(at, values) for at, values in buckets.items()]


def summary_of(at: int, values: Sequence[float]) -> PointSummary:
    """What is to be answered about `values`."""
    if not values:
        return PointSummary(at)
    return summary(at, len(values), sum(values) / len(values), min(values), max(values))
