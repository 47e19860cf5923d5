"""Columns from an InfluxDB: the rows of each series, transposed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ingest.store.columns import ReadingColumns, Runs, assemble
from ingest.store.influx.http import InfluxConnection
from ingest.store.influx.line_protocol import MEASUREMENT
from ingest.store.influx.rows import RowReader, has_tags, is_reading, listed

_DEVICES_AT_ONCE: Final = 50  # the request's address holds the statement; servers take 8 kB of it
_FIELDS: Final = ("state", "faults", "epoch", "bad", "seq")


def read_columns(
    connection: InfluxConnection,
    reader: RowReader,
    devices: Sequence[str],
    start: int,
    end: int,
    points: Sequence[str],
) -> ReadingColumns:
    """See ReadingStore.columns; the ids are those of contract §1. Raises StoreUnavailable."""
    # The cast leaves out what another writer wrote as text.
    measured = [f'"{point}"::float' for point in points]
    select = f"SELECT {', '.join((*_FIELDS, *measured))} FROM {MEASUREMENT}"
    during = f"time >= {start}ms AND time < {end}ms"
    parts: list[Runs] = []
    for begin in range(0, len(devices), _DEVICES_AT_ONCE):
        these = " OR ".join(
            f"device = '{device}'" for device in devices[begin : begin + _DEVICES_AT_ONCE]
        )
        answer = connection.series(f"{select} WHERE ({these}) AND {during} GROUP BY *")
        for series in answer:
            tags, rows = series["tags"], series["values"]
            ours = [row for row in rows if has_tags(tags) and is_reading(row[1], row[3], row[5])]
            if len(ours) < len(rows):
                reader.skip(tags, len(rows) - len(ours))
            if ours:
                parts.append(_runs(tags, ours))
    return assemble(devices, points, start, end, parts)


def _runs(tags: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Runs:
    """Return the readings of one series, each as a run of its own."""
    at, states, faults, epochs, bad, numbers, *values = zip(*rows, strict=True)
    count = len(rows)
    return Runs(
        levels=[(tags["district"], tags["town"], tags["village"], tags["gateway"])] * count,
        devices=[tags["device"]] * count,
        states=states,
        faults=[",".join(listed(codes)) for codes in faults],
        epochs=epochs,
        bad=[",".join(listed(names)) for names in bad],  # a good reading has no such field
        lengths=np.ones(count, np.int64),
        at=np.array(at, np.int64),
        seq=np.array(numbers, np.int64),
        points=[np.array(column, np.float64) for column in values],
    )
