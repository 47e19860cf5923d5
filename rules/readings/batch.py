"""Readings as columns: what a batch is, and how one is parted into batches of at most one row per
device."""

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

    `slots` device slots; `at` event times, UTC ms; `state` indices into `wire.points.STATES`,
    UNKNOWN_STATE where it was not read; `quantities` one float64 column per point or derived
    quantity, NaN where it was not read or is bad. Two lists of pairs: row `fault_rows[i]` reports
    the code numbered `fault_codes[i]`, and row `bad_rows[i]` says that `POINT_NAMES[bad_points[i]]`
    could not be read. Where `faults_known` is False some fault register was not read, so that the
    absence of a code says nothing.

    The fleet fills in `previous_at` and `previous_state` of the device's reading before (NEVER,
    UNKNOWN_STATE if there is none), `interval_ms`, its poll interval (0 where unknown), `village`,
    a number (-1 where unknown) that devices of one village share, and `season`. A rule gets the
    rows that it applies to; what was before is of the device's reading before, whether or not the
    rule applied to that.
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
        """The batch of these rows, in this order and no row twice."""
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
        """Which rows are their device's first in an hour (of UTC; of China too)."""
        hour_began = self.at.max(initial=0) // HOUR_MS * HOUR_MS
        if (
            self.at.min(initial=hour_began) == hour_began
        ):  # as in a batch of one poll: no need to divide
            began: Bools = self.previous_at < hour_began
            return began
        turned: Bools = self.at // HOUR_MS != self.previous_at // HOUR_MS
        return turned

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
        """The same readings, with what is known of each device from before."""
        return replace(
            self,
            previous_at=previous_at,
            previous_state=previous_state,
            interval_ms=interval_ms,
            village=village,
            season=season,
        )


def _pairs(pair_rows: Ints, pair_values: Ints, rows: Ints, size: int) -> tuple[Ints, Ints]:
    """Those of the pairs whose row is among `rows`, with the row's new number."""
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
    """A batch from bare columns, before the fleet has looked at it.

    A point that is left out is missing in every row; faults are known where nothing else is said;
    `bad` are the pairs `bad_rows` and `bad_points`.
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
    """The rows of `batch` (which may hold a device many times) as batches to judge one after the
    other.

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
    turn = np.arange(len(slots)) - start
    by_turn = np.argsort(turn, kind="stable")
    for rows in np.split(order[by_turn], np.cumsum(np.bincount(turn))[:-1]):
        yield batch.take(rows)


def known(values: Floats) -> Bools:
    """Which rows have a value."""
    return ~np.isnan(values)


def state_table(states: Collection[int]) -> Bools:
    """A table to be indexed by the column `state`: whether it is one of `states`; never where it is
    not known."""
    table = np.zeros(len(STATES) + 1, np.bool_)
    table[list(states)] = True
    return table
