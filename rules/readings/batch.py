"""A batch: readings as columns, one row per reading, and its split into one row per device."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.readings.columns import Bools, Floats, Ints
from rules.readings.quantities import Quantities
from rules.readings.season import Season
from wire.points import POINT_NAMES, STATES
from wire.units import HOUR_MS

StateCodes = NDArray[np.int8]
Numbers = NDArray[np.int32]

STATE_CODES: Final[Mapping[str, int]] = {state: code for code, state in enumerate(STATES)}
UNKNOWN_STATE: Final = -1
POINT_NUMBERS: Final[Mapping[str, int]] = {name: number for number, name in enumerate(POINT_NAMES)}


@dataclass(frozen=True, slots=True)
class Batch:
    """n readings of n different devices, one per row.

    By row: `slots` are device slots; `at` event times, UTC ms; `state` indices into
    `wire.points.STATES`, UNKNOWN_STATE where it was not read; `quantities` a float64 column per
    point or derived quantity, NaN where it was not read or is bad. `faults_known` is False where a
    fault register was not read, so that a missing code means nothing. Two lists of pairs: row
    `fault_rows[i]` reports the code numbered `fault_codes[i]`; row `bad_rows[i]` could not read
    `POINT_NAMES[bad_points[i]]`.

    The fleet adds the rest. `previous_at` and `previous_state` describe the device's previous
    reading even if the rule did not apply to it (NEVER, UNKNOWN_STATE where there is none).
    `interval_ms` is the poll interval, 0 where unknown. `village` is a number that the devices of a
    village share, -1 where unknown.
    """

    slots: Ints
    at: Ints
    state: StateCodes
    quantities: Quantities
    fault_rows: Ints
    fault_codes: Ints
    faults_known: Bools
    bad_rows: Ints
    bad_points: Ints
    previous_at: Ints
    previous_state: StateCodes
    interval_ms: Ints
    village: Numbers
    season: Season = Season()  # noqa: RUF009 - frozen

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: Ints) -> "Batch":
        """A batch of these rows, in this order, no row twice."""
        fault_rows, fault_codes = _pairs(self.fault_rows, self.fault_codes, rows, len(self))
        bad_rows, bad_points = _pairs(self.bad_rows, self.bad_points, rows, len(self))
        known_before = len(self.previous_at) > 0
        return Batch(
            self.slots[rows],
            self.at[rows],
            self.state[rows],
            self.quantities.take(rows),
            fault_rows,
            fault_codes,
            self.faults_known[rows],
            bad_rows,
            bad_points,
            self.previous_at[rows] if known_before else self.previous_at,
            self.previous_state[rows] if known_before else self.previous_state,
            self.interval_ms[rows] if known_before else self.interval_ms,
            self.village[rows] if known_before else self.village,
            self.season,
        )

    def new_hour(self) -> Bools:
        """Which rows are their device's first in an hour, of UTC as of China."""
        hour_began = self.at.max(initial=0) // HOUR_MS * HOUR_MS
        if self.at.min(initial=hour_began) == hour_began:  # as in one poll: no need to divide
            began: Bools = self.previous_at < hour_began
            return began
        changed: Bools = self.at // HOUR_MS != self.previous_at // HOUR_MS
        return changed

    def first_of_hour(self) -> "Batch":
        """The rows of `new_hour`."""
        return self.take(self.new_hour().nonzero()[0])

    def following(
        self,
        previous_at: Ints,
        previous_state: StateCodes,
        interval_ms: Ints,
        village: Numbers,
        season: Season,
    ) -> "Batch":
        """The same readings, joined with what the fleet knows of each device."""
        return replace(
            self,
            previous_at=previous_at,
            previous_state=previous_state,
            interval_ms=interval_ms,
            village=village,
            season=season,
        )


def _pairs(pair_rows: Ints, pair_values: Ints, rows: Ints, size: int) -> tuple[Ints, Ints]:
    """The pairs whose row is among `rows`, with the row's new number."""
    if not len(pair_rows):
        return pair_rows, pair_values
    new_row = np.full(size, -1)
    new_row[rows] = np.arange(len(rows))
    kept = new_row[pair_rows] >= 0
    return new_row[pair_rows][kept], pair_values[kept]


def columns(
    slots: Ints,
    at: Ints,
    state: StateCodes,
    points: Mapping[str, Floats],
    fault_rows: Ints | None = None,
    fault_codes: Ints | None = None,
    faults_known: Bools | None = None,
    bad: tuple[Ints, Ints] | None = None,
) -> Batch:
    """A batch from bare columns, without the fields that the fleet adds.

    A point that is left out is missing in every row. By default no row reports a fault, and every
    fault register was read. `bad` are the pairs `bad_rows` and `bad_points`.
    """
    none, unknown = np.zeros(0, np.int64), np.zeros(0, np.int8)
    bad_rows, bad_points = (none, none) if bad is None else bad
    return Batch(
        slots,
        at,
        state,
        Quantities(points, len(slots)),
        none if fault_rows is None else fault_rows,
        none if fault_codes is None else fault_codes,
        np.ones(len(slots), bool) if faults_known is None else faults_known,
        bad_rows,
        bad_points,
        none,
        unknown,
        none,
        np.zeros(0, np.int32),
    )


def one_row_per_device(batch: Batch) -> Iterator[Batch]:
    """Split `batch`, which may hold a device many times, into batches with one row per device.

    The k-th batch holds the k-th reading of each device in event time; of equal times the earlier
    row comes first.
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
    rank = np.arange(len(slots)) - start  # 0 for a device's first reading
    by_rank = np.argsort(rank, kind="stable")
    for rows in np.split(order[by_rank], np.cumsum(np.bincount(rank))[:-1]):
        part = batch.take(rows)
        assert (part.slots[1:] > part.slots[:-1]).all(), "a device stands twice in a batch"
        yield part


def known(values: Floats) -> Bools:
    """Which values are not missing."""
    return ~np.isnan(values)


def state_table(states: Collection[int]) -> Bools:
    """Whether a state is one of `states`, as a table for the column `state`; False for unknown."""
    table = np.zeros(len(STATES) + 1, np.bool_)
    table[list(states)] = True
    return table
