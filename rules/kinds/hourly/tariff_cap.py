"""Electricity used in the hours of a cheap tariff since the season began, against the season's cap.

The rule takes the counter once an hour and spreads its difference evenly over the time between; the
part inside `hours` counts. A counter that falls was reset, rolled over or exchanged, and its new
value counts as used. A use above `most_kw` is impossible and counts as nothing.

Degree days project the rest of the season (rules-and-faults "Tariff"): the use so far per degree
day below `base_c`, times the degree days that `normal_c` gives for the months to come. The alert
rises when the projection is above the cap and half of the cap is used, or when one of `steps` is
used. It clears when the season is over; an alert that is only a projection also clears when the
projection falls to 95 % of the cap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import parse_hours
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.document.steps import PriorityStep, parse_steps
from rules.readings.batch import Batch, known
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Floats, Ints, column
from rules.readings.season import Season
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch, OpenSlot
from wire.messages import Priority
from wire.units import DAY_MS, HOUR_MS

_HOURS_A_DAY: Final = DAY_MS / HOUR_MS
_PROJECTED: Final = 1
"""The depth of an alert that is only a projection; the first step is one deeper."""

_LEAST_SHARE: Final = 0.5
_CLEARS_AT: Final = 0.95
"""Chosen here: before half the cap is used a projection is a guess, and near the cap it wavers."""


def parse_monthly(value: object) -> Mapping[int, float]:
    """Mean outdoor temperature by month in °C, from a table like { 11 = 4.8, 12 = -0.5 }."""
    if (
        not isinstance(value, dict)
        or not value
        or not value.keys() <= {str(month) for month in range(1, 13)}
    ):
        raise ValueError(
            "write a table of months with their mean temperature, like { 11 = 4.8, 12 = -0.5 }"
        )
    return {int(month): parse.number(mean) for month, mean in value.items()}


@dataclass(frozen=True, kw_only=True)
class TariffCapRule(DeviceRule):
    """Use in `hours` above `steps` (percent) of `cap` (kWh) in a season, or projected above it."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"percent", "projected"}
    hourly: ClassVar[bool] = True

    hours: tuple[int, int] = key(parse_hours)
    cap: float = key(parse.positive)
    steps: tuple[PriorityStep, ...] = key(parse_steps)
    most_kw: float = key(parse.positive, 25.0)
    base_c: float = key(parse.number, 18.0)
    normal_c: Mapping[int, float] = key(parse_monthly)
    project_after_days: int = key(parse.count, 30)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return "kwh"

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return ("energy_kwh", "outdoor_c")

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        rising = all(lower.limit < upper.limit for lower, upper in pairwise(self.steps))
        if not self.steps or not rising:
            problems.append(("steps", "write percentages that rise"))
        return problems

    def watch(self, codes: Codes) -> "TariffCapWatch":
        """See DeviceRule."""
        return TariffCapWatch(self)

    def priority_at(self, depth: int) -> Priority:
        """The priority of an alert of this depth: 1 for a projection, 2 for the first step, …"""
        return self.steps[depth - 1 - _PROJECTED].priority if depth > _PROJECTED else self.priority

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        percent = 0.0 if edge.value is None else 100.0 * edge.value / self.cap
        return {"percent": f"{percent:.0f}", "projected": f"{edge.details['projected']:.0f}"}

    def remaining(self, first: int, last: int) -> Floats:
        """Degree days from each local day to `last`, for the days `first` to `last` from 1970."""
        dates = np.arange(first, last + 1).astype("datetime64[D]")
        month = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
        cold = np.array(
            [max(0.0, self.base_c - self.normal_c.get(each, self.base_c)) for each in range(1, 13)]
        )
        rest: Floats = np.cumsum(cold[month - 1][::-1])[::-1]
        return rest


@dataclass
class _State(OneAlert):
    season: NDArray[np.int32] = column(np.int32, NEVER)  # the local day on which it began
    read_at: Ints = column(np.int64, NEVER)
    counter: Floats = column(np.float64, np.nan)  # kWh, when last read
    used: NDArray[np.float32] = column(np.float32, 0.0)  # kWh in `hours` since the season began
    degree_days: NDArray[np.float32] = column(np.float32, 0.0)
    depth: NDArray[np.int8] = column(np.int8, 0)  # 0: no alert


class TariffCapWatch(OneAlertWatch):
    """One tariff-cap rule at work on all devices."""

    def __init__(self, rule: TariffCapRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        known_rows = np.flatnonzero(known(batch.quantities["energy_kwh"]))
        batch = batch.take(known_rows)
        slots, at, season = batch.slots, batch.at, batch.season
        began = np.where(season.holds(at), season.began(at), NEVER).astype(np.int32)
        counted = self._state.season[slots]
        over = np.flatnonzero((began == NEVER) | ((counted != NEVER) & (began != counted)))
        edges = list(self._end_season(slots[over], at[over]))
        self._state.season[slots] = began
        self._add(batch)
        rows = np.flatnonzero(
            (began != NEVER) & (self._state.used[slots] >= _LEAST_SHARE * self._rule.cap)
        )
        return edges + (self._decide(slots[rows], at[rows], season) if len(rows) else [])

    def _end_season(self, slots: Ints, at: Ints) -> Iterator[Edge]:
        state = self._state
        for slot, now in zip(slots.tolist(), at.tolist(), strict=True):
            if state.raised_at[slot] != NEVER:
                used = float(state.used[slot])
                yield self._edge("clear", "season_over", slot, now, used)
        state.used[slots], state.degree_days[slots] = 0.0, 0.0
        state.depth[slots], state.raised_at[slots] = 0, NEVER

    def _add(self, batch: Batch) -> None:
        """Add the use since the last reading of each counter, as far as it lies in `hours`."""
        state, slots, at = self._state, batch.slots, batch.at
        counter, before = batch.quantities["energy_kwh"], state.read_at[slots]
        passed_hours = np.where(before == NEVER, 0.0, (at - before) / HOUR_MS)
        most = self._rule.most_kw * passed_hours + 1.0  # counters of whole kWh step by one
        gone = counter - state.counter[slots]
        used = np.where(gone < 0, counter, gone)
        used = np.where((passed_hours > 0) & (used <= most), used, 0.0)
        share = self._inside(batch.season, before, at) / np.maximum(passed_hours * HOUR_MS, 1.0)
        cold = (
            np.maximum(self._rule.base_c - batch.quantities["outdoor_c"], 0.0)
            * passed_hours
            / _HOURS_A_DAY
        )
        in_season = state.season[slots] != NEVER
        state.used[slots] += np.where(in_season, used * share, 0.0).astype(np.float32)
        state.degree_days[slots] += np.where(in_season & ~np.isnan(cold), cold, 0.0).astype(
            np.float32
        )
        state.counter[slots], state.read_at[slots] = counter, at

    def _inside(self, season: Season, start: Ints, end: Ints) -> Floats:
        """By row, the milliseconds of `hours` between two times."""
        opens, closes = self._rule.hours
        length = (closes - opens) % DAY_MS

        def until(at: Ints) -> Ints:
            days, rest = np.divmod(at + season.offset_ms - opens, DAY_MS)
            return days * length + np.minimum(rest, length)

        passed: Floats = (until(end) - until(start)).astype(np.float64)
        return passed

    def _decide(self, slots: Ints, at: Ints, season: Season) -> list[Edge]:
        state, cap = self._state, self._rule.cap
        used = state.used[slots]
        projected = used + self._rest(slots, at, season)
        depth = np.where(projected > cap, _PROJECTED, 0)
        for deeper, step in enumerate(self._rule.steps, _PROJECTED + 1):
            depth = np.where(used >= step.limit / 100.0 * cap, deeper, depth)
        before = state.depth[slots]
        clearing = (before == _PROJECTED) & (depth == 0) & (projected <= _CLEARS_AT * cap)
        changed = np.flatnonzero((depth > before) | clearing)
        return [
            self._change(int(slots[row]), int(at[row]), int(depth[row]), float(projected[row]))
            for row in changed.tolist()
        ]

    def _rest(self, slots: Ints, at: Ints, season: Season) -> Floats:
        """kWh expected in `hours` until the season ends; 0 while too little is known."""
        state = self._state
        began, days = state.season[slots], season.days(at)
        first = int(began.min())
        rest = self._rule.remaining(first, season.last_day(int(began.max())))[days - first]
        enough = (days - began >= self._rule.project_after_days) & (state.degree_days[slots] > 0)
        per_degree_day = state.used[slots] / np.where(enough, state.degree_days[slots], np.inf)
        projected: Floats = rest * per_degree_day
        return projected

    def _change(self, slot: int, at: int, depth: int, projected: float) -> Edge:
        state = self._state
        used = float(state.used[slot])
        if depth == 0:
            edge = self._edge("clear", "projected_below_cap", slot, at, projected)
            state.depth[slot], state.raised_at[slot] = 0, NEVER
            return edge
        kind: EdgeKind = "update" if state.depth[slot] else "raise"
        state.depth[slot] = depth
        if kind == "raise":
            state.raised_at[slot] = at
        reason = "projected_above_cap" if depth == _PROJECTED else "share_of_cap_used"
        return self._edge(kind, reason, slot, at, projected, used)

    def _edge(
        self,
        edge: EdgeKind,
        reason: str,
        slot: int,
        at: int,
        projected: float,
        used: float | None = None,
    ) -> Edge:
        return Edge(
            slot=slot,
            edge=edge,
            onset=int(self._state.raised_at[slot]),
            at=at,
            reason=reason,
            priority=self._rule.priority_at(int(self._state.depth[slot])),
            value=float(self._state.used[slot]) if used is None else used,
            limit=self._rule.cap,
            details={"projected": projected},
        )

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch; at least a projection."""
        super().adopt(open_slot)
        self._state.depth[open_slot.slot] = max(int(self._state.depth[open_slot.slot]), _PROJECTED)
