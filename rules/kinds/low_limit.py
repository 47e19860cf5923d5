"""A point below a limit for longer than the on-delay, like a room below 18 °C.

The alert rises when every known value since `onset` was below `limit` and that lasted `on_delay`; it clears when the
value has been at `limit + deadband` or above for `off_delay`. A missing or bad value says nothing: no raise, no
clear, and the last known value is carried until the gap between known values exceeds max(3 poll intervals,
`max_gap`), after which both delays begin anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.batch import Batch, known
from rules.codes import Codes
from rules.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.rule import Problem, RuleErrors, duration, key, not_negative, number, point, priority
from rules.transition import EdgeKind
from rules.watch import ColumnsWatch, DeviceRule, Edge, OpenEpisode
from wire.messages import Priority

GAP_INTERVALS: Final = 3
"""A value is carried for three polls (rules-and-faults.md, "Definitions to implement": max hold)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A lower limit at which an alert that is already active gets another priority."""

    limit: float
    priority: Priority


def steps(value: object) -> tuple[Step, ...]:
    """Tables of `limit` and `priority`."""
    if not isinstance(value, list):
        raise ValueError('write a list of tables like { limit = 16.0, priority = "high" }')
    parsed: list[Step] = []
    problems: list[Problem] = []
    for position, table in enumerate(value):
        try:
            if not isinstance(table, dict) or table.keys() != {"limit", "priority"}:
                raise ValueError("write a table with limit and priority")
            parsed.append(Step(number(table["limit"]), priority(table["priority"])))
        except ValueError as error:
            problems.append((f"[{position}]", str(error)))
    if problems:
        raise RuleErrors(problems)
    return tuple(parsed)


@dataclass(frozen=True, kw_only=True)
class LowLimitRule(DeviceRule):
    """`point` below `limit` (in the point's unit); `steps` are further limits below, each with its priority."""

    point: str = key(point)
    limit: float = key(number)
    deadband: float = key(not_negative, 0.0)
    on_delay_ms: int = key(duration, 0)
    off_delay_ms: int = key(duration, 0)
    max_gap_ms: int = key(duration, 600_000)
    steps: tuple[Step, ...] = key(steps, ())

    @property
    def unit(self) -> str | None:
        return self.point.rpartition("_")[2]

    @property
    def quantities(self) -> tuple[str, ...]:
        return (self.point,)

    def problems(self) -> list[Problem]:
        limits = [self.limit, *(step.limit for step in self.steps)]
        falling = all(lower < upper for upper, lower in pairwise(limits))
        return super().problems() + (
            [] if falling else [("steps", "write limits that fall, each below the one before")]
        )

    def watch(self, codes: Codes) -> "LowLimitWatch":
        return LowLimitWatch(self)

    def priority_at(self, depth: int) -> Priority:
        """The priority once the value has been below the first `depth` steps."""
        return self.steps[depth - 1].priority if depth else self.priority


@dataclass
class _State(Columns):
    known_at: Ints = column(np.int64, NEVER)  # the newest known value
    below_since: Ints = column(np.int64, NEVER)  # onset, while pending or active
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when at limit + deadband or above
    active: Bools = column(np.bool_, False)
    depth: NDArray[np.int8] = column(np.int8, 0)  # steps already announced


class LowLimitWatch(ColumnsWatch):
    """One low-limit rule at work on all devices."""

    def __init__(self, rule: LowLimitRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        values = batch.quantities[self._rule.point]
        rows = np.flatnonzero(known(values))
        slots, at, values = batch.slots[rows], batch.at[rows], values[rows]
        max_gap = np.maximum(GAP_INTERVALS * batch.interval_ms[rows], self._rule.max_gap_ms)
        gap = at - self._state.known_at[slots] > max_gap
        self._state.known_at[slots] = at
        # Almost every device is above the limit with nothing pending; only the others need a closer look.
        close = np.flatnonzero((values < self._rule.limit) | (self._state.below_since[slots] != NEVER))
        return self._judge(slots[close], at[close], values[close], gap[close]) if len(close) else []

    def _judge(self, slots: Ints, at: Ints, values: Floats, gap: Bools) -> list[Edge]:
        state, rule = self._state, self._rule
        active = state.active[slots]
        clearing = active & self._normal_long_enough(slots, at, values, gap)
        onset = state.below_since[slots]
        onset = np.where(~active & (gap | (onset == NEVER)), at, onset)
        pending = ~active & (values < rule.limit)
        raising = pending & (at - onset >= rule.on_delay_ms)
        depth = np.count_nonzero([values < step.limit for step in rule.steps], axis=0).astype(np.int8)
        deepening = active & ~clearing & (depth > state.depth[slots])
        state.active[slots] = (active | raising) & ~clearing
        state.below_since[slots] = np.where((active & ~clearing) | pending, onset, NEVER)
        state.depth[slots] = np.where(raising | deepening, depth, np.where(clearing, 0, state.depth[slots]))
        return [
            *self._edges("clear", "back_above_limit", np.flatnonzero(clearing), slots, at, values, onset),
            *self._edges("raise", "below_limit", np.flatnonzero(raising), slots, at, values, onset),
            *self._edges("update", "deeper_below_limit", np.flatnonzero(deepening), slots, at, values, onset),
        ]

    def _normal_long_enough(self, slots: Ints, at: Ints, values: Floats, gap: Bools) -> Bools:
        normal = values >= self._rule.limit + self._rule.deadband
        since = self._state.normal_since[slots]
        since = np.where(normal, np.where(gap | (since == NEVER), at, since), NEVER)
        self._state.normal_since[slots] = since
        return normal & (at - since >= self._rule.off_delay_ms)

    def _edges(
        self, edge: EdgeKind, reason: str, rows: Ints, slots: Ints, at: Ints, values: Floats, onset: Ints
    ) -> Iterator[Edge]:
        for row in rows.tolist():
            slot = int(slots[row])
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(at[row]),
                reason=reason,
                priority=self._rule.priority_at(int(self._state.depth[slot])),
                value=float(values[row]),
                limit=self._rule.limit,
            )

    def open_episodes(self) -> list[OpenEpisode]:
        slots = np.flatnonzero(self._state.active).tolist()
        return [OpenEpisode(slot, None, int(self._state.below_since[slot])) for slot in slots]

    def adopt(self, episode: OpenEpisode) -> None:
        self._state.active[episode.slot] = True
        self._state.below_since[episode.slot] = episode.onset
