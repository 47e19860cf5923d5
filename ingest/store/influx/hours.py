"""The hours that InfluxDB has still to aggregate, and aggregates as line protocol. Pure.

Every write marks its hours with a new token. Aggregating an hour copies the token that it read.
Different tokens mean that the aggregate may lack readings. So late readings, a crash, and several
writers cause only one more aggregation, with the same result.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ingest.store.hours import STATISTICS, hour_of
from ingest.store.influx.line_protocol import tagged
from ingest.store.model import PointSummary, StoredReading, summary
from wire.points import POINT_NAMES
from wire.units import HOUR_MS

MARK: Final = "hearthwatch_hour"
HOURLY: Final = "heat_pump_hourly"
TAGS: Final = ("district", "town", "village", "device")

Row = Mapping[str, Any]


def touched(readings: Iterable[StoredReading], token: int) -> list[str]:
    """Return lines that mark the hours of `readings` with `token`.

    The time of a mark is the end of its hour. A retention that accepts the reading accepts it.
    """
    hours = sorted({hour_of(stored.reading.at) for stored in readings})
    return [f"{MARK} touched={token}i,aggregated=0i {hour + HOUR_MS}" for hour in hours]


def aggregated(hour: int, token: int) -> str:
    """Return the line of `hour` (UTC ms), aggregated as it was at `token`."""
    return f"{MARK} aggregated={token}i {hour + HOUR_MS}"


def waiting(before: int) -> str:
    """Return InfluxQL for the marks of hours to aggregate that ended by `before` (UTC ms)."""
    return (
        f"SELECT touched FROM {MARK} WHERE touched != aggregated AND time <= {before}ms "
        "ORDER BY time"
    )


def hour_and_token(mark: Row) -> tuple[int, int]:
    """Return the hour of a mark (UTC ms), and the token of its last write."""
    return mark["time"] - HOUR_MS, mark["touched"]


def statistics(points: Iterable[str]) -> str:
    """Return the SELECT list of all four statistics of `points`."""
    return ", ".join(
        f'{name}("{point}") AS "{point}_{name}"' for point in points for name in STATISTICS
    )


def hourly_line(hour: int, row: Row) -> str | None:
    """Return one device's aggregate as a line, or None without any value."""
    fields: list[str] = []
    for point in POINT_NAMES:
        entry = from_row(row, point, hour)
        if entry.count:
            numbers = (("mean", entry.mean), ("min", entry.minimum), ("max", entry.maximum))
            fields.append(f"{point}_count={entry.count}i")
            fields += [f"{point}_{name}={value!r}" for name, value in numbers]
    if not fields:
        return None
    return f"{tagged(HOURLY, [(tag, row[tag]) for tag in TAGS])} {','.join(fields)} {hour}"


def from_row(row: Row, point: str, at: int) -> PointSummary:
    """Return the summary of `point` in a row with the columns of `statistics`."""
    count, *numbers = (row.get(f"{point}_{name}") for name in STATISTICS)
    return summary(at, count, *(None if number is None else float(number) for number in numbers))


def from_rows(rows: Sequence[Row], point: str) -> list[PointSummary]:
    """Return the summaries of `point` in rows with a time."""
    return [from_row(row, point, row["time"]) for row in rows]
