"""Rows of InfluxDB to readings. Other writers may share the bucket: their rows are no readings."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import prometheus_client as prometheus
import structlog

from configuration.outage_log import OutageLog
from ingest.store.model import StoredReading
from wire.messages import Reading
from wire.points import POINT_NAMES, STATES
from wire.topics import GatewayPath

SKIPPED: Final = prometheus.Counter(
    "hearthwatch_store_skipped_rows", "Rows of the reading store that are no readings of ours."
)
_LEVELS: Final = ("district", "town", "village", "gateway")
_FIELDS: Final = ("state", "epoch", "seq")

_log = structlog.get_logger()

Row = Mapping[str, Any]


class RowReader:
    """Turns rows into readings; skips and counts what is none, and logs the first such row."""

    def __init__(self) -> None:
        self._log = OutageLog(_log, "store_row_skipped")

    def readings(self, rows: Iterable[Row]) -> Iterator[StoredReading]:
        """Yield the reading of each row that is one."""
        for row in rows:
            if has_tags(row) and is_reading(*(row.get(name) for name in _FIELDS)):
                yield _stored(row)
            else:
                self.skip(row)

    def skip(self, row: Row, number: int = 1) -> None:
        """Count `number` rows of which `row` is one."""
        SKIPPED.inc(number)
        shown = {name: value for name, value in row.items() if value is not None}
        self._log.lost("it lacks tags, state, epoch or seq of a reading", row=shown)


def has_tags(tags: Row) -> bool:
    """Return whether a series has every tag of a reading (contract §5)."""
    return all(tags.get(tag) for tag in (*_LEVELS, "device"))


def is_reading(state: object, epoch: object, seq: object) -> bool:
    """Return whether a row has the fields of every reading, of the right types."""
    return state in STATES and isinstance(epoch, str) and isinstance(seq, int)


def listed(text: object) -> list[str]:
    """Return the entries of a field with commas; a field of another type has none."""
    return text.split(",") if isinstance(text, str) and text else []


def number(value: object) -> float | None:
    """Return a point as a number; None for text, for true and false, and where it was not read."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return None


def _stored(row: Row) -> StoredReading:
    values = {name: number(row.get(name)) for name in POINT_NAMES}
    reading = Reading(
        device=row["device"],
        at=row["time"],
        state=row["state"],
        faults=listed(row.get("faults")),
        values={name: value for name, value in values.items() if value is not None},
        bad=listed(row.get("bad")),
    )
    gateway = GatewayPath(*(row[level] for level in _LEVELS))
    return StoredReading(gateway, row["epoch"], row["seq"], reading)
