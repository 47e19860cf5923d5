"""The share of its running time that a unit defrosts (rules-and-faults "Definitions to implement").

A cycle runs from the start of heating to the end of the next defrost. share = t_defrost /
(t_heating + t_defrost); stops, cooling and hot water count as neither. States are time-weighted:
each is carried to the next reading, for at most max(3 poll intervals, `max_hold`). The rest of a
longer gap counts as neither, and a cycle with a gap in it is dropped.

The share is taken over the last `cycles` complete cycles if they all ended within the last day,
else over the last day if the unit ran at least `run_time` in it, else not at all. A day is the hour
under way and the 23 before it.

The curve `expected` gives the most defrosting that the weather explains. With it, the share over
the day is also compared with the curve's mean, weighted by the running time at each hour's outdoor
temperature, plus `excess`. This finds a unit that defrosts twice as often as the air can frost it
long before the unit passes `limit`.

The state per device is fixed: a ring of cycles and 24 hourly sums. The time of a state is booked
when the state or the hour ends, so most readings cost one comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.readings.batch import STATE_CODES, UNKNOWN_STATE, Batch, known
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch
from wire.units import HOUR_MS, SECOND_MS

HOLD_INTERVALS: Final = 3
"""A state is carried for three polls (rules-and-faults "Definitions to implement": max hold)."""

_HEATING: Final = STATE_CODES["heating"]
_DEFROST: Final = STATE_CODES["defrost"]
_HOURS: Final = 24
_MAX_CYCLES: Final = 8
"""Width of the ring, so that a rule with more or fewer cycles keeps its history."""

_LONGEST_CYCLE_MS: Final = 2**30
"""Twelve days, the most that one cycle counts: far more than the day over which cycles matter."""

_UNEXPLAINED: Final = 255
"""The code of an hour without outdoor temperature; other values are tenths of a percent."""
_MOST_EXPLAINED: Final = 25.0

Durations = NDArray[np.int32]


def parse_curve(value: object) -> tuple[tuple[float, float], ...]:
    """Pairs of outdoor temperature, °C and rising, and the share of defrosting, percent."""
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    ):
        raise ValueError("write a list of pairs of °C and percent like [[-15, 2.7], [0, 10.0]]")
    pairs = tuple(
        (parse.number(outdoor), parse.not_negative(percent)) for outdoor, percent in value
    )
    if any(warmer <= colder for (colder, _), (warmer, _) in pairwise(pairs)):
        raise ValueError("write the temperatures rising")
    if any(percent > _MOST_EXPLAINED for _, percent in pairs):
        raise ValueError(f"write at most {_MOST_EXPLAINED:g} percent")
    return pairs


@dataclass(frozen=True, kw_only=True)
class DefrostShareRule(DeviceRule):
    """Share of defrosting above `limit`, cleared at `limit - deadband` or below; both in percent.

    `expected` are pairs of outdoor temperature in °C and percent; an alert needs `excess`
    percentage points above them.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"cycles"}

    limit: float = key(parse.positive)
    deadband: float = key(parse.not_negative, 0.0)
    cycles: int = key(parse.count, 6)
    run_time_ms: int = key(parse.duration, 4 * HOUR_MS)
    max_hold_ms: int = key(parse.duration, 90 * SECOND_MS)
    expected: tuple[tuple[float, float], ...] = key(parse_curve, ())
    excess: float = key(parse.not_negative, 0.0)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return "percent"

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return ("outdoor_c",) if self.expected else ()

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if self.cycles > _MAX_CYCLES:
            problems.append(("cycles", f"at most {_MAX_CYCLES}"))
        if self.deadband >= self.limit:
            problems.append(("deadband", "write less than the limit"))
        return problems

    def watch(self, codes: Codes) -> "DefrostShareWatch":
        """See DeviceRule."""
        return DefrostShareWatch(self)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        return {"cycles": str(self.cycles)}


@dataclass
class _State(OneAlert):
    booked: Ints = column(np.int64, 0)  # the sums below are complete up to here
    in_cycle: Bools = column(np.bool_, False)  # its start was seen, and no gap since
    cycle_heating: Durations = column(np.int32, 0)  # ms in the cycle under way
    cycle_defrost: Durations = column(np.int32, 0)
    ring_heating: Durations = column(np.int32, 0, _MAX_CYCLES)  # ms in each of the last cycles
    ring_defrost: Durations = column(np.int32, 0, _MAX_CYCLES)
    ring_ended: Ints = column(np.int64, NEVER, _MAX_CYCLES)
    ring_next: NDArray[np.int8] = column(np.int8, 0)
    hour: Durations = column(np.int32, NEVER)  # the hour under way, counted from 1970
    hour_heating: Durations = column(np.int32, 0, _HOURS)  # ms in each hour, at hour % 24
    hour_defrost: Durations = column(np.int32, 0, _HOURS)
    hour_explained: NDArray[np.uint8] = column(np.uint8, _UNEXPLAINED, _HOURS)


@dataclass(frozen=True, slots=True)
class _Shares:
    """The shares of n rows in percent, NaN where too little is known.

    `percent` is over cycles where `by_cycles`, else over the day. `allowed` is the most that the
    day's weather and `excess` allow.
    """

    percent: Floats
    by_cycles: Bools
    day_percent: Floats
    allowed: Floats

    def exceed(self, limit: float, deadband: float) -> tuple[Bools, Bools]:
        """Which rows are above `limit`, and which above `allowed`, each less the deadband."""
        return self.percent > limit - deadband, self.day_percent > self.allowed - deadband


class DefrostShareWatch(OneAlertWatch):
    """One defrost-share rule at work on all devices."""

    def __init__(self, rule: DefrostShareRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        hold = np.maximum(HOLD_INTERVALS * batch.interval_ms, self._rule.max_hold_ms)
        gap = (batch.at - batch.previous_at > hold) | (batch.previous_state == UNKNOWN_STATE)
        rows = np.flatnonzero(gap | (batch.state != batch.previous_state) | batch.new_hour())
        return self._follow(batch.take(rows), hold[rows], gap[rows]) if len(rows) else []

    def _follow(self, batch: Batch, hold: Ints, gap: Bools) -> list[Edge]:
        """Book what ended in these rows, and decide where an hour or a cycle ended."""
        gap |= batch.state == UNKNOWN_STATE
        past = self._past(batch)
        new_hour = self._turn_hours(batch, past)
        passed = np.where(
            batch.previous_state != UNKNOWN_STATE, np.minimum(batch.at - batch.previous_at, hold), 0
        )
        self._book(batch, passed + np.where(new_hour, 0, past))
        self._state.booked[batch.slots] = batch.at
        ended = self._follow_cycles(batch, gap)
        rows = np.flatnonzero(ended | new_hour)
        if not len(rows):
            return []
        return self._decide(batch.slots[rows], batch.at[rows], new_hour[rows], ended[rows])

    def _past(self, batch: Batch) -> Ints:
        """By row, the unbooked time before the previous reading; its state lasted all of it."""
        state, slots = self._state, batch.slots
        same_hour = (state.hour[slots] == batch.previous_at // HOUR_MS) & (
            state.hour[slots] != NEVER
        )
        return np.where(same_hour, batch.previous_at - state.booked[slots], 0)

    def _turn_hours(self, batch: Batch, past: Ints) -> Bools:
        """Book `past` where an hour is over and empty the sums of the hours since.

        Returns which rows are in a new hour.
        """
        state = self._state
        hour = (batch.at // HOUR_MS).astype(np.int32)
        new: Bools = hour != state.hour[batch.slots]
        rows = np.flatnonzero(new)
        if not len(rows):
            return new
        self._book(batch, np.where(new, past, 0))
        slots = batch.slots[rows]
        skipped = np.flatnonzero(hour[rows] - state.hour[slots] > 1)
        self._empty(slots[skipped], hour[rows][skipped])
        index = hour[rows] % _HOURS
        state.hour[slots] = hour[rows]
        state.hour_heating[slots, index] = 0
        state.hour_defrost[slots, index] = 0
        if self._rule.expected:
            state.hour_explained[slots, index] = self._explained(
                batch.quantities["outdoor_c"][rows]
            )
        return new

    def _empty(self, slots: Ints, hour: Durations) -> None:
        """Empty the sums of the silent hours after the one under way, up to `hour`."""
        state, last = self._state, self._state.hour[slots]
        begun = (hour - last)[:, None]
        stale = (np.arange(_HOURS) - last[:, None] - 1) % _HOURS < begun
        state.hour_heating[slots] = np.where(stale, 0, state.hour_heating[slots])
        state.hour_defrost[slots] = np.where(stale, 0, state.hour_defrost[slots])
        state.hour_explained[slots] = np.where(stale, _UNEXPLAINED, state.hour_explained[slots])

    def _explained(self, outdoor_c: Floats) -> NDArray[np.uint8]:
        colder, percent = zip(*self._rule.expected, strict=True)
        tenths = np.where(
            np.isnan(outdoor_c), _UNEXPLAINED, 10.0 * np.interp(outdoor_c, colder, percent)
        )
        return np.round(tenths).astype(np.uint8)

    def _book(self, batch: Batch, passed: Ints) -> None:
        """Add `passed` ms to the previous reading's state, all in the hour under way."""
        state, lasted = self._state, passed > 0
        for code, cycle, hours in (
            (_HEATING, state.cycle_heating, state.hour_heating),
            (_DEFROST, state.cycle_defrost, state.hour_defrost),
        ):
            (rows,) = ((batch.previous_state == code) & lasted).nonzero()
            if not len(rows):
                continue
            slots = batch.slots[rows]
            cycle[slots] = np.minimum(cycle[slots] + passed[rows], _LONGEST_CYCLE_MS)
            hours[slots, state.hour[slots] % _HOURS] += passed[rows].astype(np.int32)

    def _follow_cycles(self, batch: Batch, gap: Bools) -> Bools:
        """Close cycles whose defrost ended, drop those with a gap, begin new ones.

        Returns which rows closed a cycle.
        """
        state, slots = self._state, batch.slots
        begins = (batch.state == _HEATING) & (batch.previous_state != _HEATING)
        defrost_over = (batch.previous_state == _DEFROST) & (batch.state != _DEFROST)
        ended: Bools = state.in_cycle[slots] & defrost_over & ~gap
        self._push(slots[ended], batch.at[ended])
        fresh = gap | defrost_over | (begins & ~state.in_cycle[slots])
        state.cycle_heating[slots[fresh]] = 0
        state.cycle_defrost[slots[fresh]] = 0
        state.in_cycle[slots] = ~gap & (begins | (state.in_cycle[slots] & ~defrost_over))
        return ended

    def _push(self, slots: Ints, at: Ints) -> None:
        state = self._state
        position = state.ring_next[slots]
        state.ring_heating[slots, position] = state.cycle_heating[slots]
        state.ring_defrost[slots, position] = state.cycle_defrost[slots]
        state.ring_ended[slots, position] = at
        state.ring_next[slots] = (position + 1) % _MAX_CYCLES

    def _decide(self, slots: Ints, at: Ints, new_hour: Bools, ended: Bools) -> list[Edge]:
        active = self._state.raised_at[slots] != NEVER
        shares = self._shares(slots, at, new_hour | active, ended | active)
        high, unexplained = shares.exceed(self._rule.limit, 0.0)
        still = np.logical_or(*shares.exceed(self._rule.limit, self._rule.deadband))
        raising = ~active & (high | unexplained)
        clearing = active & ~still & known(shares.percent)
        onset = np.where(raising, at, self._state.raised_at[slots])
        self._state.raised_at[slots] = np.where(clearing, NEVER, onset)
        return [
            *self._edges("clear", clearing, slots, at, onset, shares),
            *self._edges("raise", raising, slots, at, onset, shares),
        ]

    def _shares(self, slots: Ints, at: Ints, by_hour: Bools, by_cycle: Bools) -> _Shares:
        """The shares that may have changed: of cycles by cycle, of the day by the hour.

        Where an alert is active the caller asks for both.
        """
        state, rule = self._state, self._rule
        oldest = (state.ring_next[slots] - rule.cycles) % _MAX_CYCLES
        by_cycles: Bools = state.ring_ended[slots, oldest] > at - _HOURS * HOUR_MS
        day, allowed = np.full((2, len(slots)), np.nan)
        rows = np.flatnonzero(~by_cycles | by_hour)
        day[rows] = _percent(
            state.hour_heating[slots[rows]], state.hour_defrost[slots[rows]], rule.run_time_ms
        )
        percent = np.where(by_cycles, np.nan, day)
        rows = np.flatnonzero(by_cycles & by_cycle)
        percent[rows] = self._over_cycles(slots[rows])
        rows = np.flatnonzero(day > rule.excess)
        allowed[rows] = self._allowed(slots[rows])
        return _Shares(percent, by_cycles, day, allowed)

    def _over_cycles(self, slots: Ints) -> Floats:
        state = self._state
        newest = (state.ring_next[slots][:, None] - 1 - np.arange(self._rule.cycles)) % _MAX_CYCLES
        return _percent(
            state.ring_heating[slots[:, None], newest],
            state.ring_defrost[slots[:, None], newest],
            1,
        )

    def _allowed(self, slots: Ints) -> Floats:
        """What the day's weather explains plus `excess`; NaN where the weather is not known."""
        state = self._state
        tenths = state.hour_explained[slots]
        running = (state.hour_heating[slots] + state.hour_defrost[slots]) * (tenths != _UNEXPLAINED)
        total = running.sum(axis=1, dtype=np.int64)
        enough = total >= self._rule.run_time_ms
        explained = (tenths * running.astype(np.float32)).sum(axis=1) / 10.0
        return np.where(enough, explained / np.where(enough, total, 1), np.nan) + self._rule.excess

    def _edges(
        self, edge: EdgeKind, which: Bools, slots: Ints, at: Ints, onset: Ints, shares: _Shares
    ) -> Iterator[Edge]:
        side = "below" if edge == "clear" else "above"
        for row in np.flatnonzero(which).tolist():
            over_day = (
                not shares.percent[row] > self._rule.limit
                and shares.day_percent[row] > shares.allowed[row]
            )
            basis = "cycles" if shares.by_cycles[row] else "day"
            yield Edge(
                slot=int(slots[row]),
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason="share_above_expected" if over_day else f"share_{side}_limit_over_{basis}",
                priority=self._rule.priority,
                value=float(shares.day_percent[row] if over_day else shares.percent[row]),
                limit=float(shares.allowed[row]) if over_day else self._rule.limit,
            )


def _percent(heating: Durations, defrost: Durations, least_ms: int) -> Floats:
    """Defrosting over running time by row; NaN where the unit ran less than `least_ms`."""
    defrosting = defrost.sum(axis=1, dtype=np.int64)
    running = heating.sum(axis=1, dtype=np.int64) + defrosting
    enough = running >= max(least_ms, 1)
    percent: Floats = np.where(enough, 100.0 * defrosting / np.where(enough, running, 1), np.nan)
    return percent
