"""Readings as columns: what a batch is, and how readings become batches of at most one row per device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.columns import Bools, Floats, Ints
from wire.messages import Reading
from wire.points import STATES

StateCodes = NDArray[np.int8]

STATE_CODES: Final[Mapping[str, int]] = {state: code for code, state in enumerate(STATES)}
UNKNOWN_STATE: Final = -1


@dataclass(frozen=True, slots=True)
class Batch:
    """n readings of n different devices, one per row.

    `slots` device slots; `at` event times, UTC ms; `state` indices into `wire.points.STATES`; `points` one float64
    column per point, NaN where it was not read or is bad. Faults are pairs: row `fault_rows[i]` reports the code
    numbered `fault_codes[i]`; where `faults_known` is False some fault register was not read, so that the absence of a
    code says nothing. `previous_at` and `previous_state` are of the device's reading before (NEVER,
    UNKNOWN_STATE if there is none), `interval_ms` its poll interval (0 where unknown); the fleet fills these three.
    """

    slots: Ints
    at: Ints
    state: StateCodes
    points: Mapping[str, Floats]
    fault_rows: Ints
    fault_codes: Ints
    faults_known: Bools
    previous_at: Ints
    previous_state: StateCodes
    interval_ms: Ints

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: Ints) -> "Batch":
        """The batch of these rows, in this order and no row twice, as the fleet has not seen it yet."""
        fault_rows, fault_codes = self.fault_rows, self.fault_codes
        if len(fault_rows):
            new_row = np.full(len(self), -1)
            new_row[rows] = np.arange(len(rows))
            kept = new_row[fault_rows] >= 0
            fault_rows, fault_codes = new_row[fault_rows][kept], fault_codes[kept]
        points = {name: values[rows] for name, values in self.points.items()}
        known_rows = self.faults_known[rows]
        return columns(self.slots[rows], self.at[rows], self.state[rows], points, fault_rows, fault_codes, known_rows)

    def following(self, previous_at: Ints, previous_state: StateCodes, interval_ms: Ints) -> "Batch":
        """The same readings, with what is known of each device from before."""
        return replace(self, previous_at=previous_at, previous_state=previous_state, interval_ms=interval_ms)


def columns(
    slots: Ints,
    at: Ints,
    state: StateCodes,
    points: Mapping[str, Floats],
    fault_rows: Ints | None = None,
    fault_codes: Ints | None = None,
    faults_known: Bools | None = None,
) -> Batch:
    """A batch from bare columns, before the fleet has looked at it; faults are known where nothing else is said."""
    none, unknown = np.zeros(0, np.int64), np.zeros(0, np.int8)
    return Batch(
        slots,
        at,
        state,
        points,
        none if fault_rows is None else fault_rows,
        none if fault_codes is None else fault_codes,
        np.ones(len(slots), bool) if faults_known is None else faults_known,
        none,
        unknown,
        none,
    )


def from_readings(
    readings: Sequence[Reading], slots: Ints, points: Sequence[str], number_of: Callable[[str], int]
) -> Batch:
    """One row per reading, in their order, with the columns `points`; `number_of` numbers fault codes.

    A reading whose `bad` names `state` or `faults` says nothing certain of these: a register they need was not read.
    """
    size = len(readings)
    missing = np.nan
    by_name = {
        point: np.array([reading.values.get(point, missing) for reading in readings], np.float64) for point in points
    }
    state = np.fromiter([STATE_CODES[reading.state] for reading in readings], np.int8, size)
    faults_known = np.ones(size, bool)
    for row, reading in enumerate(readings):
        if reading.bad:
            for name in by_name.keys() & reading.bad:
                by_name[name][row] = np.nan
            if "state" in reading.bad:
                state[row] = UNKNOWN_STATE
            faults_known[row] = "faults" not in reading.bad
    pairs = [(row, code) for row, reading in enumerate(readings) if reading.faults for code in reading.faults]
    return columns(
        slots,
        np.fromiter([reading.at for reading in readings], np.int64, size),
        state,
        by_name,
        np.array([row for row, _ in pairs], np.int64),
        np.array([number_of(code) for _, code in pairs], np.int64),
        faults_known,
    )


def one_row_per_device(batch: Batch) -> Iterator[Batch]:
    """The rows of `batch` (which may hold a device many times) as batches to judge one after the other.

    The k-th batch holds the k-th reading of each device in event time; of equal times the earlier row comes first.
    """
    order = np.lexsort((batch.at, batch.slots))
    slots = batch.slots[order]
    first = np.ones(len(slots), bool)
    first[1:] = slots[1:] != slots[:-1]
    if first.all():
        if len(batch):
            yield batch
        return
    start = np.maximum.accumulate(np.where(first, np.arange(len(slots)), 0))
    turn = np.arange(len(slots)) - start
    by_turn = np.argsort(turn, kind="stable")
    for rows in np.split(order[by_turn], np.cumsum(np.bincount(turn))[:-1]):
        yield batch.take(rows)


def known(values: Floats) -> Bools:
    """Which rows have a value."""
    return ~np.isnan(values)
