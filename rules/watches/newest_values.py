"""The newest value of each open alert, and whether it has moved since it was last reported.

An alert is raised with the value of that moment; hours later the room may be far colder. The value
is reported again when it has moved by a step: the deadband of the rule, because the rule itself
calls less than that no change, or a twentieth of the limit where there is no deadband. A room that
falls from 17 to 8 °C is so reported eighteen times in all, however often it is read.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from rules.readings.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.watches.sparse import Sparse, SparseWatch, State
from rules.watches.watch import Edge

_PREFIX: Final = "newest_"

_SHARE_OF_LIMIT: Final = 0.05


def value_step(deadband: float, limit: float | None) -> float:
    """How far a value moves before it is reported again, in its unit; infinite for neither."""
    return deadband or _SHARE_OF_LIMIT * abs(limit or 0.0) or np.inf


class MovedValue(NamedTuple):
    """A value that has moved: whose alert, the value, and when it was read (UTC ms)."""

    slot: int
    value: float
    at: int


@dataclass
class _Newest(Columns):
    value: Floats = column(np.float64, np.nan)
    reported: Floats = column(np.float64, np.nan)
    step: Floats = column(np.float64, np.inf)
    at: Ints = column(np.int64, NEVER)


class NewestValues:
    """The values of the open alerts of one rule, by device slot."""

    def __init__(self) -> None:
        self.rows = Sparse(_Newest)

    def note(
        self, slots: Ints, at: Ints, values: Floats, steps: Floats, active: Bools, told: Bools
    ) -> None:
        """Take the readings of these devices; NaN is no value, and the one before stays.

        `active` are those with an open alert, and `told` those of which an edge reports the value.
        """
        if not (active | self.rows.holds(slots)).any():
            return
        rows, known = self.rows.take(slots), ~np.isnan(values)
        rows.value, rows.at = np.where(known, values, rows.value), np.where(known, at, rows.at)
        rows.reported, rows.step = np.where(told, rows.value, rows.reported), steps
        self.rows.put(slots, rows, active)

    def moved(self) -> Iterator[MovedValue]:
        """The values that have moved by their step; each is given once."""
        rows = self.rows.columns
        far = ~(np.abs(rows.value - rows.reported) < rows.step) & np.isfinite(rows.step)
        (moved,) = (far & ~np.isnan(rows.value)).nonzero()
        rows.reported[moved] = rows.value[moved]
        for row in moved.tolist():
            yield MovedValue(int(self.rows.slots[row]), float(rows.value[row]), int(rows.at[row]))


class LevelWatch(SparseWatch[State]):
    """A watch of a rule over a level, which reports the newest value of its open alerts.

    A kind notes the values in `self._newest` and makes edges of those that have moved.
    """

    def __init__(self, new: Callable[[], State], dense: Columns | None = None) -> None:
        super().__init__(new, dense)
        self._newest = NewestValues()

    @abstractmethod
    def moved(self) -> list[Edge]:
        """Updates of the open alerts whose value has moved since it was last reported."""

    def resize(self, capacity: int) -> None:
        """See Watch."""
        super().resize(capacity)
        self._newest.rows.resize(capacity)

    def forget(self, slots: Ints) -> None:
        """See Watch."""
        super().forget(slots)
        self._newest.rows.forget(slots)

    def snapshot(self, count: int) -> dict[str, np.ndarray]:
        """See Watch."""
        newest = self._newest.rows.snapshot()
        return super().snapshot(count) | {_PREFIX + name: of for name, of in newest.items()}

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """See Watch."""
        super().restore(saved, slots)
        newest = {name.removeprefix(_PREFIX): of for name, of in saved.items() if _is_own(name)}
        self._newest.rows.restore(newest, slots)


def _is_own(name: str) -> bool:
    return name.startswith(_PREFIX)
