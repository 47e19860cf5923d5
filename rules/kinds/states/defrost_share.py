"""How much of its running time a unit spends defrosting (rules-and-faults "Definitions to
implement").

A cycle goes from the start of heating to the end of the next defrost. share = t_defrost /
(t_heating + t_defrost); stops, cooling and hot water count as neither. States are time-weighted:
each is carried to the next reading, for at most max(3 poll intervals, `max_hold`); the rest of a
longer gap counts as neither, and a cycle with a gap in it is dropped.

Judged is the sum over the last `cycles` complete cycles if they all ended within the last day, else
over the last day if the unit ran at least `run_time` in it, else nothing. "Day" is the hour under
way and the 23 before it.

With a curve `expected`, the share of frost that the weather explains at most, the share over the
day is judged against that too: weighted with the running time at each hour's outdoor temperature,
and `excess` above it. A unit that defrosts twice as often as the air can frost it is found long
before it passes `limit`.

Memory per device is fixed: a ring of cycles and 24 hourly sums. What one state lasts is booked when
it ends or the hour does, so that most readings cost a comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.rule import Problem, count, duration, key, not_negative, number, positive
from rules.readings.batch import STATE_CODES, UNKNOWN_STATE, Batch, known
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.watch import DeviceRule, Edge, OneAlert, OneAlertWatch
from wire.units import HOUR_MS

HOLD_INTERVALS: Final = 3
"""A state is carried for three polls (docs/domain/rules-and-faults.md: "max hold (e.g. 3 ×
poll)")."""

_HEATING: Final = STATE_CODES["heating"]
_DEFROST: Final = STATE_CODES["defrost"]
_HOURS: Final = 24
_MAX_CYCLES: Final = 8
"""Width of the ring, so that a rule with more or fewer cycles keeps its history."""

_LONGEST_CYCLE_MS: Final = 2**30
"""Twelve days: how long the heating of one cycle is counted, far beyond the day in which cycles are
judged."""

_UNEXPLAINED: Final = 255
"""An hour whose outdoor temperature is not known; else tenths of a percent that frost explains."""
_MOST_EXPLAINED: Final = 25.0

Durations = NDArray[np.int32]


def curve(value: object) -> tuple[tuple[float, float], ...]:
    """Pairs of outdoor temperature, °C and rising, and share of defrosting, percent."""
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in value
    ):
        raise ValueError("write a list of pairs of °C and percent like [[-15, 2.7], [0, 10.0]]")
    pairs = tuple((number(outdoor), not_negative(percent)) for outdoor, percent in value)
    if any(warmer <= colder for (colder, _), (warmer, _) in pairwise(pairs)):
        raise ValueError("write the temperatures rising")
    if any(percent > _MOST_EXPLAINED for _, percent in pairs):
        raise ValueError(f"write at most {_MOST_EXPLAINED:g} percent")
    return pairs


@dataclass(frozen=True, kw_only=True)
class DefrostShareRule(DeviceRule):
    """Share of defrosting above `limit`, cleared at `limit - deadband` or below; both in percent.

    `expected` are pairs of outdoor temperature and percent, `excess` the percentage points above
    that are one too many.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"cycles"}

    limit: float = key(positive)
    deadband: float = key(not_negative, 0.0)
    cycles: int = key(count, 6)
    run_time_ms: int = key(duration, 4 * HOUR_MS)
    max_hold_ms: int = key(duration, 90_000)
    expected: tuple[tuple[float, float], ...] = key(curve, ())
    excess: float = key(not_negative, 0.0)

    @property
    def unit(self) -> str | None:
        return "percent"

    @property
    def quantities(self) -> tuple[str, ...]:
        return ("outdoor_c",) if self.expected else ()

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.cycles > _MAX_CYCLES:
            found.append(("cycles", f"at most {_MAX_CYCLES}"))
        if self.deadband >= self.limit:
            found.append(("deadband", "write less than the limit"))
        return found

    def watch(self, codes: Codes) -> "DefrostShareWatch":
        return DefrostShareWatch(self)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        return {"cycles": str(self.cycles)}


@dataclass
class _State(OneAlert):
    booked: Ints = column(np.int64, 0)  # time up to which the sums below are complete
    in_cycle: Bools = column(np.bool_, False)  # the cycle's start was seen, and no gap since
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
    """What n rows are judged by: the share in percent and whether cycles were its basis; the share
    over the day, and the most that is allowed in that day's weather. NaN where there is too little
    to judge."""

    percent: Floats
    by_cycles: Bools
    day_percent: Floats
    allowed: Floats

    def exceed(self, limit: float, deadband: float) -> tuple[Bools, Bools]:
        """Which rows are above `limit`, and which above what the weather explains, each less the
        deadband."""
        return self.percent > limit - deadband, self.day_percent > self.allowed - deadband


class DefrostShareWatch(OneAlertWatch):
    """One defrost-share rule at work on all devices."""

    def __init__(self, rule: DefrostShareRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        hold = np.maximum(HOLD_INTERVALS * batch.interval_ms, self._rule.max_hold_ms)
        gap = (batch.at - batch.previous_at > hold) | (batch.previous_state == UNKNOWN_STATE)
        rows = np.flatnonzero(gap | (batch.state != batch.previous_state) | batch.new_hour())
        return self._follow(batch.take(rows), hold[rows], gap[rows]) if len(rows) else []

    def _follow(self, batch: Batch, hold: Ints, gap: Bools) -> list[Edge]:
        """Book what came to an end in these rows, and judge them where an hour or a cycle did."""
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
        return (
            self._judge(batch.slots[rows], batch.at[rows], new_hour[rows], ended[rows])
            if len(rows)
            else []
        )

    def _past(self, batch: Batch) -> Ints:
        """The time up to the reading before that is not booked yet; its state lasted all of it, in
        its hour."""
        state, slots = self._state, batch.slots
        same_hour = (state.hour[slots] == batch.previous_at // HOUR_MS) & (
            state.hour[slots] != NEVER
        )
        return np.where(same_hour, batch.previous_at - state.booked[slots], 0)

    def _turn_hours(self, batch: Batch, past: Ints) -> Bools:
        """Book `past` where an hour is over, and empty the sums of those begun since; which rows
        are in a new hour."""
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
        place = hour[rows] % _HOURS
        state.hour[slots], state.hour_heating[slots, place], state.hour_defrost[slots, place] = (
            hour[rows],
            0,
            0,
        )
        if self._rule.expected:
            state.hour_explained[slots, place] = self._explained(
                batch.quantities["outdoor_c"][rows]
            )
        return new

    def _empty(self, slots: Ints, hour: Durations) -> None:
        """Empty the sums of the hours since the one under way, up to `hour`, in which nothing was
        heard."""
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
        """Give `passed` ms to the state of the reading before; whole to the hour under way."""
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
        """Close cycles whose defrost has ended, drop those with a gap, begin new ones; which rows
        closed one."""
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
        place = state.ring_next[slots]
        state.ring_heating[slots, place] = state.cycle_heating[slots]
        state.ring_defrost[slots, place] = state.cycle_defrost[slots]
        state.ring_ended[slots, place] = at
        state.ring_next[slots] = (place + 1) % _MAX_CYCLES

    def _judge(self, slots: Ints, at: Ints, new_hour: Bools, ended: Bools) -> list[Edge]:
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
        """Only what may have changed, unless an alert hangs on it: the cycles when one ended, the
        day by the hour."""
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
        """The most that the day's weather explains, and `excess`; NaN where the outdoor temperature
        is not known."""
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
    """Defrosting over running time, summed by row; NaN where that is less than `least_ms`."""
    defrosting = defrost.sum(axis=1, dtype=np.int64)
    running = heating.sum(axis=1, dtype=np.int64) + defrosting
    enough = running >= max(least_ms, 1)
    percent: Floats = np.where(enough, 100.0 * defrosting / np.where(enough, running, 1), np.nan)
    return percent
