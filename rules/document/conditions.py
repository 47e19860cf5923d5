"""When a device rule applies, as data: `[rule.applies]`.

    [rule.applies]
    state = ["heating"]                                 # one of these states (contract §3)
    season = true                                       # only inside the heating season; false: only outside
    hours = "20:00-08:00"                               # local time of day, the end excluded; may pass midnight
    all = [{ quantity = "outdoor_c", below = -20.0 }]   # every one of these holds
    none = [{ quantity = "setpoint_c", below = 18.0 }]  # not one of these holds

Bounds are `above`, `at_least`, `below`, `at_most`. To a reading that a rule does not apply to it
says nothing: it neither raises nor clears. A quantity that is missing fulfils no bound, so that
under `all` it makes the rule not apply, and under `none` it does not stand in the way.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any, Final

import numpy as np

from rules.document.rule import RuleErrors, flag, number
from rules.document.tables import Keys, each, read_table
from rules.readings.batch import STATE_CODES, Batch, state_table
from rules.readings.columns import Bools, Floats
from rules.readings.quantities import DERIVED, points_for
from wire.points import POINTS
from wire.units import DAY_MS, MINUTE_MS

_COMPARE: Final[dict[str, Callable[[Floats, float], Bools]]] = {
    "above": np.greater,
    "at_least": np.greater_equal,
    "below": np.less,
    "at_most": np.less_equal,
}
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


def quantity(value: object) -> str:
    """The name of a point (contract §4) or of a quantity derived from points."""
    if not isinstance(value, str) or (value not in POINTS and value not in DERIVED):
        raise ValueError(f"{value!r} is not a quantity; known are {', '.join([*POINTS, *DERIVED])}")
    return value


@dataclass(frozen=True, slots=True)
class Bound:
    """A quantity held against a limit in its unit; `side` is a key of the document."""

    quantity: str
    side: str
    limit: float

    def holds(self, batch: Batch) -> Bools:
        """By row; a missing value holds nothing."""
        return self.met(batch.quantities[self.quantity])

    def met(self, values: Floats) -> Bools:
        """The same for values of the quantity."""
        return _COMPARE[self.side](values, self.limit)


@dataclass(frozen=True, slots=True)
class Applies:
    """The rows of a batch that a rule is about; the default is every row.

    `hours` is local time of day from and until, in ms; `season` None asks for nothing.
    """

    states: tuple[int, ...] = ()
    season: bool | None = None
    hours: tuple[int, int] | None = None
    every: tuple[Bound, ...] = ()
    none: tuple[Bound, ...] = ()

    @property
    def points(self) -> frozenset[str]:
        """The points that must be read to know."""
        return points_for(tuple(bound.quantity for bound in (*self.every, *self.none)))

    def part(self, batch: Batch) -> Batch:
        """The rows to which all of this applies, in their order."""
        conditions = self._conditions(batch) if len(batch) else []
        if not conditions:
            return batch
        wanted = reduce(np.logical_and, conditions)
        return batch if wanted.all() else batch.take(wanted.nonzero()[0])

    def holds(self, batch: Batch) -> Bools:
        """By row, whether all of this applies."""
        return reduce(np.logical_and, self._conditions(batch), np.ones(len(batch), bool))

    def _conditions(self, batch: Batch) -> list[Bools]:
        found: list[Bools] = []
        if self.states:
            found.append(state_table(self.states)[batch.state])
        if self.season is not None:
            found.append(batch.season.holds(batch.at) == self.season)
        if self.hours is not None:
            found.append(_within(batch.season.time_of_day(batch.at), *self.hours))
        found += [bound.holds(batch) for bound in self.every]
        found += [~bound.holds(batch) for bound in self.none]
        return found


def _within(time: Any, start: int, end: int) -> Bools:
    inside: Bools = (
        (time >= start) & (time < end) if start < end else (time >= start) | (time < end)
    )
    return inside


def applies(value: object) -> Applies:
    """The table `[rule.applies]`; raises RuleErrors naming every mistake."""
    if not isinstance(value, dict):
        raise ValueError("write a table [rule.applies]")
    parts, rest, problems = read_table(value, _PARSERS)
    problems += [(name, f"unknown key; known are {', '.join(_PARSERS)}") for name in rest]
    if problems:
        raise RuleErrors(sorted(problems))
    return Applies(**parts)


def states(value: object) -> tuple[int, ...]:
    """States of contract §3, as their codes in a batch."""
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(state, str) for state in value)
    ):
        raise ValueError('write a list of states like ["heating"]')
    if unknown := [state for state in value if state not in STATE_CODES]:
        raise ValueError(f"{unknown[0]!r} is not a state; known are {', '.join(STATE_CODES)}")
    return tuple(sorted(STATE_CODES[state] for state in value))


def hours(value: object) -> tuple[int, int]:
    """Local hours of the day like "20:00-08:00", as ms since midnight from and until; may pass
    midnight."""
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write local hours like "20:00-08:00"')
    from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
    start, end = 60 * from_hour + from_minute, 60 * to_hour + to_minute
    if start == end or end * MINUTE_MS > DAY_MS:
        raise ValueError("write two different times of the day, the end 24:00 at the latest")
    return start * MINUTE_MS, end * MINUTE_MS


def bounds(value: object) -> tuple[Bound, ...]:
    """Tables of a quantity and one or more limits; raises RuleErrors naming every mistake."""
    return tuple(chain(*each(value, bound, '{ quantity = "outdoor_c", below = -20.0 }', least=0)))


def bound(table: object) -> list[Bound]:
    """The bounds of a table with `quantity` and one or more of `above`, `at_least`, `below`,
    `at_most`."""
    if (
        not isinstance(table, dict)
        or "quantity" not in table
        or len(table) < 2
        or table.keys() - _BOUND_KEYS
    ):
        raise ValueError(f"write a table with quantity and one or more of {', '.join(_COMPARE)}")
    name = quantity(table["quantity"])
    return [Bound(name, side, number(limit)) for side, limit in table.items() if side != "quantity"]


_BOUND_KEYS: Final = {"quantity", *_COMPARE}
_PARSERS: Final[Keys] = {
    "state": ("states", states),
    "season": ("season", flag),
    "hours": ("hours", hours),
    "all": ("every", bounds),
    "none": ("none", bounds),
}
