"""How much of its running time a unit spends defrosting (rules-and-faults.md, "Definitions to implement").

A cycle goes from the start of heating to the end of the next defrost. share = t_defrost / (t_heating + t_defrost);
stops, cooling and hot water count as neither. States are time-weighted: each is carried to the next reading, for at
most max(3 poll intervals, `max_hold`); the rest of a longer gap counts as neither, and a cycle with a gap in it is
dropped.

Judged is the sum over the last `cycles` complete cycles if they all ended within the last day, else over the last
day if the unit ran at least `run_time` in it, else nothing. "Day" is the hour under way and the 23 before it.
Memory per device is fixed: a ring of cycles and 24 hourly sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.batch import STATE_CODES, UNKNOWN_STATE, Batch
from rules.codes import Codes
from rules.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.rule import Problem, count, duration, key, not_negative, positive
from rules.transition import EdgeKind
from rules.watch import ColumnsWatch, DeviceRule, Edge, OpenEpisode

HOLD_INTERVALS: Final = 3
"""A state is carried for three polls (rules-and-faults.md: "max hold (e.g. 3 × poll)")."""

_HEATING: Final = STATE_CODES["heating"]
_DEFROST: Final = STATE_CODES["defrost"]
_HOUR_MS: Final = 3_600_000
_HOURS: Final = 24
_MAX_CYCLES: Final = 12
"""Width of the ring, so that a rule with more or fewer cycles keeps its history."""

Durations = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class DefrostShareRule(DeviceRule):
    """Share of defrosting above `limit`, cleared at `limit - deadband` or below; both in percent."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"cycles"}

    limit: float = key(positive)
    deadband: float = key(not_negative, 0.0)
    cycles: int = key(count, 6)
    run_time_ms: int = key(duration, 4 * _HOUR_MS)
    max_hold_ms: int = key(duration, 90_000)

    @property
    def unit(self) -> str | None:
        return "percent"

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
class _State(Columns):
    in_cycle: Bools = column(np.bool_, False)  # the cycle's start was seen, and no gap since
    cycle_heating: Ints = column(np.int64, 0)  # ms in the cycle under way, which may last all autumn
    cycle_defrost: Ints = column(np.int64, 0)
    ring_heating: Ints = column(np.int64, 0, _MAX_CYCLES)  # ms in each of the last cycles
    ring_defrost: Ints = column(np.int64, 0, _MAX_CYCLES)
    ring_ended: Ints = column(np.int64, NEVER, _MAX_CYCLES)
    ring_next: NDArray[np.int8] = column(np.int8, 0)
    hour: Ints = column(np.int64, NEVER)  # the hour under way, counted from 1970
    hour_heating: Durations = column(np.int32, 0, _HOURS)  # ms in each hour, at hour % 24
    hour_defrost: Durations = column(np.int32, 0, _HOURS)
    raised_at: Ints = column(np.int64, NEVER)  # onset while active


class DefrostShareWatch(ColumnsWatch):
    """One defrost-share rule at work on all devices."""

    def __init__(self, rule: DefrostShareRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        hold = np.maximum(HOLD_INTERVALS * batch.interval_ms, self._rule.max_hold_ms)
        seen_before = batch.previous_state != UNKNOWN_STATE
        passed = np.where(seen_before, batch.at - batch.previous_at, 0)
        gap = ~seen_before | (passed > hold) | (batch.state == UNKNOWN_STATE)
        credit = np.minimum(passed, hold).astype(np.int32)
        new_hour = self._turn_hours(batch)
        self._credit(batch, credit)
        ended = self._follow_cycles(batch, gap)
        rows = np.flatnonzero(ended | new_hour)
        return self._judge(batch.slots[rows], batch.at[rows]) if len(rows) else []

    def _turn_hours(self, batch: Batch) -> Bools:
        """Empty the sums of the hours that began since the reading before; which rows are in a new hour."""
        state = self._state
        hour = batch.at // _HOUR_MS
        new: Bools = hour != state.hour[batch.slots]
        rows = np.flatnonzero(new)
        if len(rows):
            slots, last = batch.slots[rows], state.hour[batch.slots[rows]]
            begun = (hour[rows] - last)[:, None]
            stale = (np.arange(_HOURS) - last[:, None] - 1) % _HOURS < begun
            state.hour_heating[slots] = np.where(stale, 0, state.hour_heating[slots])
            state.hour_defrost[slots] = np.where(stale, 0, state.hour_defrost[slots])
            state.hour[slots] = hour[rows]
        return new

    def _credit(self, batch: Batch, credit: Durations) -> None:
        """Give the time since the reading before to the state it showed; whole to the hour it ends in."""
        state = self._state
        for code, cycle, hours in (
            (_HEATING, state.cycle_heating, state.hour_heating),
            (_DEFROST, state.cycle_defrost, state.hour_defrost),
        ):
            rows = np.flatnonzero(batch.previous_state == code)
            slots = batch.slots[rows]
            cycle[slots] += credit[rows]
            hours[slots, state.hour[slots] % _HOURS] += credit[rows]

    def _follow_cycles(self, batch: Batch, gap: Bools) -> Bools:
        """Close cycles whose defrost has ended, drop those with a gap, begin new ones; which rows closed one."""
        state, slots = self._state, batch.slots
        changed = gap | (batch.state != batch.previous_state)
        rows = np.flatnonzero(changed)
        slots, at, gap = slots[rows], batch.at[rows], gap[rows]
        now_heating = batch.state[rows] == _HEATING
        defrost_over = (batch.previous_state[rows] == _DEFROST) & (batch.state[rows] != _DEFROST)
        ended = state.in_cycle[slots] & defrost_over & ~gap
        self._push(slots[ended], at[ended])
        fresh = gap | defrost_over | (now_heating & ~state.in_cycle[slots])
        state.cycle_heating[slots[fresh]] = 0
        state.cycle_defrost[slots[fresh]] = 0
        state.in_cycle[slots] = ~gap & (now_heating | (state.in_cycle[slots] & ~defrost_over))
        closed = np.zeros(len(batch), bool)
        closed[rows[ended]] = True
        return closed

    def _push(self, slots: Ints, at: Ints) -> None:
        state = self._state
        place = state.ring_next[slots]
        state.ring_heating[slots, place] = state.cycle_heating[slots]
        state.ring_defrost[slots, place] = state.cycle_defrost[slots]
        state.ring_ended[slots, place] = at
        state.ring_next[slots] = (place + 1) % _MAX_CYCLES

    def _judge(self, slots: Ints, at: Ints) -> list[Edge]:
        percent, by_cycles = self._share(slots, at)
        active = self._state.raised_at[slots] != NEVER
        raising = ~active & (percent > self._rule.limit)
        clearing = active & (percent <= self._rule.limit - self._rule.deadband)
        onset = np.where(raising, at, self._state.raised_at[slots])
        self._state.raised_at[slots] = np.where(clearing, NEVER, onset)
        return [
            *self._edges("clear", clearing, slots, at, onset, percent, by_cycles),
            *self._edges("raise", raising, slots, at, onset, percent, by_cycles),
        ]

    def _share(self, slots: Ints, at: Ints) -> tuple[Floats, Bools]:
        """The share in percent (NaN where there is too little to judge), and whether cycles were its basis."""
        state, rule = self._state, self._rule
        newest = (state.ring_next[slots][:, None] - 1 - np.arange(rule.cycles)) % _MAX_CYCLES
        rows = slots[:, None]
        ended = state.ring_ended[rows, newest]
        by_cycles: Bools = ((ended != NEVER) & (ended > at[:, None] - _HOURS * _HOUR_MS)).all(axis=1)
        heating = np.where(
            by_cycles, state.ring_heating[rows, newest].sum(axis=1), state.hour_heating[slots].sum(axis=1)
        )
        defrost = np.where(
            by_cycles, state.ring_defrost[rows, newest].sum(axis=1), state.hour_defrost[slots].sum(axis=1)
        )
        running = heating + defrost
        enough = (running > 0) & (by_cycles | (running >= rule.run_time_ms))
        return np.where(enough, 100.0 * defrost / np.where(enough, running, 1), np.nan), by_cycles

    def _edges(
        self, edge: EdgeKind, which: Bools, slots: Ints, at: Ints, onset: Ints, percent: Floats, by_cycles: Bools
    ) -> Iterator[Edge]:
        side = "below" if edge == "clear" else "above"
        for row in np.flatnonzero(which).tolist():
            yield Edge(
                slot=int(slots[row]),
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=f"share_{side}_limit_over_{'cycles' if by_cycles[row] else 'day'}",
                priority=self._rule.priority,
                value=float(percent[row]),
                limit=self._rule.limit,
            )

    def open_episodes(self) -> list[OpenEpisode]:
        slots = np.flatnonzero(self._state.raised_at != NEVER).tolist()
        return [OpenEpisode(slot, None, int(self._state.raised_at[slot])) for slot in slots]

    def adopt(self, episode: OpenEpisode) -> None:
        self._state.raised_at[episode.slot] = episode.onset
