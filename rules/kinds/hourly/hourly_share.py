"""A condition in most of the hours that count, like running flat out in a cold room for days.

The rule takes the first reading of an hour to which it applies. The hour is met when every bound of
`met` holds; it does not count when a quantity of `met` is missing. The alert rises when `needs` of
the last `window` counted hours were met, and clears when only `clears` of them are. Hours that do
not count change nothing. After `max_gap` without a counted hour all begins anew: hours of January
do not add up with those of March.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import Bound, parse_bounds
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.readings.batch import Batch, known
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.readings.quantities import unit_of
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch
from wire.units import HOUR_MS

_MOST_HOURS: Final = 64
"""The hours are bits of one integer."""


@dataclass(frozen=True, kw_only=True)
class HourlyShareRule(DeviceRule):
    """`needs` of the last `window` hours with all of `met`; the value is its first bound's."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"met", "window"}
    hourly: ClassVar[bool] = True

    met: tuple[Bound, ...] = key(parse_bounds)
    needs: int = key(parse.count)
    window: int = key(parse.count)
    clears: int = key(parse.count)
    max_gap_ms: int = key(parse.duration, 72 * HOUR_MS)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return unit_of(self.met[0].quantity)

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return tuple(bound.quantity for bound in self.met)

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if not self.met:
            problems.append(("met", "write at least one bound"))
        if not self.clears < self.needs <= self.window <= _MOST_HOURS:
            problems.append(("needs", f"write clears < needs <= window <= {_MOST_HOURS}"))
        return problems

    def watch(self, codes: Codes) -> "HourlyShareWatch":
        """See DeviceRule."""
        return HourlyShareWatch(self)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        return {"met": f"{edge.details['met']:.0f}", "window": str(self.window)}


@dataclass
class _State(OneAlert):
    bits: NDArray[np.uint64] = column(np.uint64, 0)  # counted hours, newest lowest; 1: met
    counted: NDArray[np.uint8] = column(np.uint8, 0)
    hour: NDArray[np.int32] = column(np.int32, NEVER)  # the newest counted one, from 1970


class HourlyShareWatch(OneAlertWatch):
    """One hourly-share rule at work on all devices."""

    def __init__(self, rule: HourlyShareRule) -> None:
        self._rule = rule
        self._state = _State()
        self._mask = np.uint64((1 << rule.window) - 1)
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        counts = reduce(
            np.logical_and, [known(batch.quantities[bound.quantity]) for bound in self._rule.met]
        )
        rows = np.flatnonzero(counts)
        if not len(rows):
            return []
        met = reduce(np.logical_and, [bound.holds(batch) for bound in self._rule.met])
        values = batch.quantities[self._rule.met[0].quantity]
        return self._count(batch.slots[rows], batch.at[rows], met[rows], values[rows])

    def _count(self, slots: Ints, at: Ints, met: Bools, values: Floats) -> list[Edge]:
        state, hour = self._state, (at // HOUR_MS).astype(np.int32)
        gap = hour - state.hour[slots] > self._rule.max_gap_ms // HOUR_MS
        before = np.where(gap, np.uint64(0), state.bits[slots])
        bits = (before << np.uint64(1) | met.astype(np.uint64)) & self._mask
        counted = np.minimum(np.where(gap, 0, state.counted[slots]) + 1, self._rule.window)
        state.bits[slots], state.counted[slots], state.hour[slots] = bits, counted, hour
        close = np.flatnonzero((bits != 0) | (state.raised_at[slots] != NEVER))
        return self._decide(slots[close], at[close], values[close]) if len(close) else []

    def _decide(self, slots: Ints, at: Ints, values: Floats) -> list[Edge]:
        state, rule = self._state, self._rule
        met = np.bitwise_count(state.bits[slots])
        active = state.raised_at[slots] != NEVER
        raising = ~active & (met >= rule.needs)
        # An adopted alert clears only after as many hours as could have raised it.
        clearing = active & (met <= rule.clears) & (state.counted[slots] >= rule.needs)
        onset = np.where(raising, at, state.raised_at[slots])
        state.raised_at[slots] = np.where(clearing, NEVER, onset)
        return [
            *self._edges("clear", "few_hours_met", clearing, slots, at, values, onset),
            *self._edges("raise", "many_hours_met", raising, slots, at, values, onset),
        ]

    def _edges(
        self,
        edge: EdgeKind,
        reason: str,
        which: Bools,
        slots: Ints,
        at: Ints,
        values: Floats,
        onset: Ints,
    ) -> Iterator[Edge]:
        for row in np.flatnonzero(which).tolist():
            slot = int(slots[row])
            met = int(np.bitwise_count(self._state.bits[slot]))
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=reason,
                priority=self._rule.priority,
                value=float(values[row]),
                limit=self._rule.met[0].limit,
                details={"met": met},
            )
