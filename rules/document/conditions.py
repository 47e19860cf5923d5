"""When a device rule applies, as data: `[rule.applies]`.

    [rule.applies]
    state = ["heating"]                                 # one of these states (contract §3)
    season = true                                       # only in the heating season; false: outside
    hours = "20:00-08:00"                               # local time, the end excluded
    all = [{ quantity = "outdoor_c", below = -20.0 }]   # every one of these bounds holds
    none = [{ quantity = "setpoint_c", below = 18.0 }]  # none of these bounds holds

Bounds are `above`, `at_least`, `below` and `at_most`; `hours` may pass midnight. A rule ignores
readings that it does not apply to: it neither raises nor clears. A missing quantity fulfils no
bound: under `all` the rule then does not apply, under `none` it does.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any, Final

import numpy as np

from rules.document import parse
from rules.document.tables import Keys, parse_list, parse_table
from rules.readings.batch import STATE_CODES, Batch, state_table
from rules.readings.columns import Bools, Floats
from rules.readings.quantities import DERIVED, points_for
from wire.points import POINTS
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_COMPARE: Final[dict[str, Callable[[Floats, float], Bools]]] = {
    "above": np.greater,
    "at_least": np.greater_equal,
    "below": np.less,
    "at_most": np.less_equal,
}
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity and its limit, in the quantity's unit; `side` is a key of `_COMPARE`."""

    quantity: str
    side: str
    limit: float

    def holds(self, batch: Batch) -> Bools:
        """By row of the batch; False where the quantity is missing."""
        return self.met(batch.quantities[self.quantity])

    def met(self, values: Floats) -> Bools:
        """The same for a column of the quantity's values."""
        return _COMPARE[self.side](values, self.limit)


@dataclass(frozen=True, slots=True)
class Applies:
    """Which rows of a batch a rule applies to; by default all of them.

    `states` are codes of rules.readings.batch.STATE_CODES. `hours` are two local times of day, from
    and until, in ms since midnight. `season` None means the whole year.
    """

    states: tuple[int, ...] = ()
    season: bool | None = None
    hours: tuple[int, int] | None = None
    every: tuple[Bound, ...] = ()
    none: tuple[Bound, ...] = ()

    @property
    def points(self) -> frozenset[str]:
        """The points that these conditions need."""
        return points_for(tuple(bound.quantity for bound in (*self.every, *self.none)))

    def part(self, batch: Batch) -> Batch:
        """The rows that meet every condition, in their order."""
        conditions = self._conditions(batch) if len(batch) else []
        if not conditions:
            return batch
        wanted = reduce(np.logical_and, conditions)
        return batch if wanted.all() else batch.take(wanted.nonzero()[0])

    def holds(self, batch: Batch) -> Bools:
        """By row, whether every condition is met."""
        return reduce(np.logical_and, self._conditions(batch), np.ones(len(batch), bool))

    def _conditions(self, batch: Batch) -> list[Bools]:
        conditions: list[Bools] = []
        if self.states:
            conditions.append(state_table(self.states)[batch.state])
        if self.season is not None:
            conditions.append(batch.season.holds(batch.at) == self.season)
        if self.hours is not None:
            conditions.append(_within(batch.season.time_of_day(batch.at), *self.hours))
        conditions += [bound.holds(batch) for bound in self.every]
        conditions += [~bound.holds(batch) for bound in self.none]
        return conditions


def _within(time: Any, start: int, end: int) -> Bools:
    inside: Bools = (
        (time >= start) & (time < end) if start < end else (time >= start) | (time < end)
    )
    return inside


def parse_quantity(value: object) -> str:
    """The name of a point (contract §4) or of a quantity derived from points."""
    if not isinstance(value, str) or (value not in POINTS and value not in DERIVED):
        raise ValueError(f"{value!r} is not a quantity; known are {', '.join([*POINTS, *DERIVED])}")
    return value


def parse_applies(value: object) -> Applies:
    """The table `[rule.applies]`; raises RuleErrors with every mistake."""
    if not isinstance(value, dict):
        raise ValueError("write a table [rule.applies]")
    return Applies(**parse_table(value, _PARSERS))


def parse_states(value: object) -> tuple[int, ...]:
    """States of contract §3, as their codes in a batch, rising."""
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(state, str) for state in value)
    ):
        raise ValueError('write a list of states like ["heating"]')
    if unknown := [state for state in value if state not in STATE_CODES]:
        raise ValueError(f"{unknown[0]!r} is not a state; known are {', '.join(STATE_CODES)}")
    return tuple(sorted(STATE_CODES[state] for state in value))


def parse_hours(value: object) -> tuple[int, int]:
    """A window of the local day like "20:00-08:00", as ms since midnight from and until."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('write local hours like "20:00-08:00"')
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    start = from_hour * HOUR_MS + from_minute * MINUTE_MS
    end = to_hour * HOUR_MS + to_minute * MINUTE_MS
    if start == end or end > DAY_MS:
        raise ValueError("write two different times of the day, the end 24:00 at the latest")
    return start, end


def parse_bounds(value: object) -> tuple[Bound, ...]:
    """A list, possibly empty, of tables of a quantity and one or more limits."""
    example = '{ quantity = "outdoor_c", below = -20.0 }'
    return tuple(chain.from_iterable(parse_list(value, parse_bound, example, least=0)))


def parse_bound(table: object) -> list[Bound]:
    """The bounds of one table: `quantity` and one or more of `above at_least below at_most`."""
    if (
        not isinstance(table, dict)
        or "quantity" not in table
        or len(table) < 2
        or table.keys() - _BOUND_KEYS
    ):
        raise ValueError(f"write a table with quantity and one or more of {', '.join(_COMPARE)}")
    name = parse_quantity(table["quantity"])
    return [
        Bound(name, side, parse.number(limit))
        for side, limit in table.items()
        if side != "quantity"
    ]


_BOUND_KEYS: Final = {"quantity", *_COMPARE}
_PARSERS: Final[Keys] = {
    "state": ("states", parse_states),
    "season": ("season", parse.flag),
    "hours": ("hours", parse_hours),
    "all": ("every", parse_bounds),
    "none": ("none", parse_bounds),
}
