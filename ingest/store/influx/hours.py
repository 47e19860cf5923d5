"""Which hours InfluxDB still has to aggregate, and their aggregates as line protocol. Pure.

Every write marks the hours it touches with a token of its own; aggregating an hour copies the token
it found. An hour whose two tokens differ has readings that its aggregate may lack. So late
readings, a crash at any point and several writers at once only mean that an hour is aggregated
again, with the same result.
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
    """Lines that mark the hours of `readings`.

    A mark stands at the end of its hour: no retention period then refuses it that takes the
    reading.
    """
    hours = sorted({hour_of(stored.reading.at) for stored in readings})
    return [f"{MARK} touched={token}i,aggregated=0i {hour + HOUR_MS}" for hour in hours]


def aggregated(hour: int, token: int) -> str:
    """The line that notes that `hour` has been aggregated as it was at `token`."""
    return f"{MARK} aggregated={token}i {hour + HOUR_MS}"


def waiting(before: int) -> str:
    """InfluxQL for the marks of hours that ended by `before` (UTC ms) and are to be aggregated."""
    return f"SELECT touched FROM {MARK} WHERE touched != aggregated AND time <= {before}ms ORDER BY time"


def hour_and_token(mark: Row) -> tuple[int, int]:
    """What a mark says: which hour it is (UTC ms), and the token of its last write."""
    return mark["time"] - HOUR_MS, mark["touched"]


def statistics(points: Iterable[str]) -> str:
    """The SELECT list of all four statistics of `points`."""
    return ", ".join(
        f'{name}("{point}") AS "{point}_{name}"' for point in points for name in STATISTICS
    )


def hourly_line(hour: int, row: Row) -> str | None:
    """One device's aggregate as a line, or None where it has no value at all."""
    fields: list[str] = []
    for point in POINT_NAMES:
        one = from_row(row, point, hour)
        if one.count:
            numbers = (("mean", one.mean), ("min", one.minimum), ("max", one.maximum))
            fields.append(f"{point}_count={one.count}i")
            fields += [f"{point}_{name}={value!r}" for name, value in numbers]
    return (
        f"{tagged(HOURLY, [(tag, row[tag]) for tag in TAGS])} {','.join(fields)} {hour}"
        if fields
        else None
    )


def from_row(row: Row, point: str, at: int) -> PointSummary:
    """The summary of `point` in a row that `statistics` names the columns of."""
    count, *numbers = (row.get(f"{point}_{name}") for name in STATISTICS)
    return summary(at, count, *(None if number is None else float(number) for number in numbers))


def from_rows(rows: Sequence[Row], point: str) -> list[PointSummary]:
    """The summaries of `point` in rows that have a time."""
    return [from_row(row, point, row["time"]) for row in rows]
