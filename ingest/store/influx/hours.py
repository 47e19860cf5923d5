"""The hours that InfluxDB has still to aggregate, and aggregates as line protocol. Pure.

Every write marks its hours with a new token: the hour itself, and the hour of each village. A mark
of an hour says that there is work, a mark of a village says where. Aggregating copies the token
that was read. Different tokens mean that the aggregate may lack readings. So late readings, a
crash, and several writers cause only one more aggregation, with the same result, and a late reading
only that of its village.

`complete` says that all villages of an hour have been aggregated once; no write takes it back.
Without it every village that has readings is asked: earlier releases marked hours only.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ingest.store.hours import STATISTICS, hour_of, hour_summary
from ingest.store.influx.line_protocol import MEASUREMENT, tagged
from ingest.store.model import PointSummary, StoredReading, summary
from wire.identifiers import is_identifier
from wire.points import POINT_NAMES
from wire.units import HOUR_MS

MARK: Final = "hearthwatch_hour"
HOURLY: Final = "heat_pump_hourly"
TAGS: Final = ("district", "town", "village", "device")
UP_TO_DATE: Final = 0
"""No token: the aggregate of a village's hour has all its readings."""

Row = Mapping[str, Any]


Village = tuple[str, str, str]
"""District, town and village."""


def touched(readings: Iterable[StoredReading], token: int) -> list[str]:
    """Return lines that mark the hours of `readings` with `token`, by village and as a whole.

    The time of a mark is the end of its hour. A retention that accepts the reading accepts it.
    """
    marks: set[tuple[Village, int]] = set()
    gateway, hour = None, 0
    for stored in readings:
        # The readings of a message are neighbours.
        own = hour_of(stored.reading.at)
        if stored.gateway is not gateway or own != hour:
            gateway, hour = stored.gateway, own
            marks.add(((gateway.district, gateway.town, gateway.village), hour))
    fields = f"touched={token}i,aggregated=0i"
    return [
        *(f"{_mark(village)} {fields} {hour + HOUR_MS}" for village, hour in sorted(marks)),
        *(f"{MARK} {fields} {hour + HOUR_MS}" for hour in sorted({hour for _, hour in marks})),
    ]


def aggregated(hour: int, token: int) -> str:
    """Return the line of `hour` (UTC ms), all villages aggregated as they were at `token`."""
    return f"{MARK} aggregated={token}i,complete=1i {hour + HOUR_MS}"


def village_aggregated(village: Village, hour: int, token: int) -> str:
    """Return the line of the `hour` of one village, aggregated as it was at `token`."""
    return f"{_mark(village)} aggregated={token}i {hour + HOUR_MS}"


def waiting(before: int) -> str:
    """Return InfluxQL for the marks of hours to aggregate that ended by `before` (UTC ms)."""
    return (
        f"SELECT touched, complete FROM {MARK} WHERE touched != aggregated AND village = '' "
        f"AND time <= {before}ms ORDER BY time"
    )


def villages_of(hour: int) -> str:
    """Return InfluxQL for the marks of the villages in `hour`."""
    return (
        f"SELECT touched, aggregated FROM {MARK} WHERE village != '' AND time = {hour + HOUR_MS}ms "
        "GROUP BY district, town, village"
    )


def village_of(row: Row) -> Village | None:
    """Return the village in the tags of a row; None for what is no id, of another writer."""
    village = row["district"], row["town"], row["village"]
    return village if all(map(is_identifier, village)) else None


def fresh_token(mark: Row) -> int:
    """Return the token of the last write to a village's hour, or UP_TO_DATE."""
    return UP_TO_DATE if mark["touched"] == mark["aggregated"] else int(mark["touched"])


def hour_and_token(mark: Row) -> tuple[int, int]:
    """Return the hour of a mark (UTC ms), and the token of its last write."""
    return mark["time"] - HOUR_MS, mark["touched"]


def statistics(points: Iterable[str]) -> str:
    """Return the SELECT list of all four statistics of `points`.

    The cast leaves out what another writer wrote as text; a statistic of text is an error.
    """
    return ", ".join(
        f'{name}("{point}"::float) AS "{point}_{name}"' for point in points for name in STATISTICS
    )


def values_of_village(village: Village, hour: int) -> str:
    """Return InfluxQL for all values of a village in `hour`, by device, in order of POINT_NAMES.

    To read the values costs a quarter of what InfluxDB needs for their four statistics. The cast
    leaves out what another writer wrote as text.
    """
    values = ", ".join(f'"{point}"::float' for point in POINT_NAMES)
    place = " AND ".join(f"{tag} = '{name}'" for tag, name in zip(TAGS, village, strict=False))
    return (
        f"SELECT {values} FROM {MEASUREMENT} WHERE {place} AND time >= {hour}ms "
        f"AND time < {hour + HOUR_MS}ms GROUP BY {', '.join(TAGS)}"
    )


def hourly_line(hour: int, tags: Row, rows: Sequence[Sequence[Any]]) -> str | None:
    """Return one device's aggregate as a line, or None without any value.

    `rows` are the answer to `values_of_village`: a time, then a value for each point.
    """
    _, *columns = zip(*rows, strict=True)
    fields: list[str] = []
    for point, values in zip(POINT_NAMES, columns, strict=True):
        entry = hour_summary(hour, values)
        if entry.count:
            numbers = (("mean", entry.mean), ("min", entry.minimum), ("max", entry.maximum))
            fields.append(f"{point}_count={entry.count}i")
            fields += [f"{point}_{name}={value!r}" for name, value in numbers]
    if not fields:
        return None
    return f"{tagged(HOURLY, [(tag, tags[tag]) for tag in TAGS])} {','.join(fields)} {hour}"


def from_row(row: Row, point: str, at: int) -> PointSummary:
    """Return the summary of `point` in a row with the columns of `statistics`."""
    count, *numbers = (row.get(f"{point}_{name}") for name in STATISTICS)
    return summary(at, count, *(None if number is None else float(number) for number in numbers))


def from_rows(rows: Sequence[Row], point: str) -> list[PointSummary]:
    """Return the summaries of `point` in rows with a time."""
    return [from_row(row, point, row["time"]) for row in rows]


def _mark(village: Village) -> str:
    return tagged(MARK, zip(("district", "town", "village"), village, strict=True))
