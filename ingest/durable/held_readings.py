"""Held readings in the receipts: readings that wait until the owner of their device is decided.

They are committed with the batch that received them, and removed with the batch that stores them:
a kill in between repeats the write to the store, which keeps one reading for each device and time.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ingest.reception.held import HeldReading, Holding
from ingest.store.model import StoreUnavailable
from ingest.store.sqlite.file import BUSY_S, advice
from wire.encode import reading_document
from wire.messages import Reading
from wire.topics import GatewayPath

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS held (
  number INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, place TEXT NOT NULL,
  epoch TEXT NOT NULL, seq INTEGER NOT NULL, reading TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS held_by_holding ON held (device, place, number);
"""

_ADD: Final = "INSERT INTO held (device, place, epoch, seq, reading) VALUES (?, ?, ?, ?, ?)"
_OF_HOLDING: Final = """
SELECT number, epoch, seq, reading FROM held
WHERE device = ? AND place = ? AND number > ? ORDER BY number LIMIT ?"""


def write_held(
    database: sqlite3.Connection, held: Sequence[HeldReading], released: Sequence[int]
) -> None:
    """Add `held` readings, and remove the rows with the numbers `released`."""
    database.executemany(_ADD, map(_row, held))
    database.executemany("DELETE FROM held WHERE number = ?", [(number,) for number in released])


def count_waiting(database: sqlite3.Connection) -> Counter[Holding]:
    """Return how many readings wait, by device and gateway."""
    rows = database.execute("SELECT device, place, count(*) FROM held GROUP BY device, place")
    return Counter({_holding(device, place): count for device, place, count in rows})


class HeldReadings:
    """Reads what the receipts in `path` have committed."""

    def __init__(self, path: Path) -> None:
        """Touch nothing before the first read."""
        self._uri = f"{path.absolute().as_uri()}?mode=ro"

    def read(self, after: Mapping[Holding, int], most: int) -> list[HeldReading]:
        """Return readings in rows beyond the number that `after` gives by holding, at most `most`.

        Those of one holding come in the order of their receipt. Raises StoreUnavailable.
        """
        held: list[HeldReading] = []
        try:
            with closing(sqlite3.connect(self._uri, uri=True, timeout=BUSY_S)) as database:
                for holding, number in after.items():
                    wanted = (holding.device, str(holding.gateway), number, most - len(held))
                    rows = database.execute(_OF_HOLDING, wanted)
                    held += [_held(holding.gateway, *row) for row in rows]
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._uri}: {error}; {advice(error)}") from error
        return held


def _row(held: HeldReading) -> tuple[str, str, str, int, str]:
    text = json.dumps(reading_document(held.reading), ensure_ascii=False, separators=(",", ":"))
    return held.reading.device, str(held.gateway), held.epoch, held.seq, text


def _held(gateway: GatewayPath, number: int, epoch: str, seq: int, text: str) -> HeldReading:
    document: dict[str, Any] = json.loads(text)
    return HeldReading(gateway, epoch, seq, Reading(**document), number)


def _holding(device: str, place: str) -> Holding:
    return Holding(device, GatewayPath(*place.split("/")))
