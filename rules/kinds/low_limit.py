"""A point below a limit for longer than the on-delay, like a room below 18 °C.

The alert rises when every known value since `onset` was below `limit` and that lasted `on_delay`; it clears when the
value has been at `limit + deadband` or above for `off_delay`. A missing or bad value says nothing: no raise, no
clear, and the last known value is carried until the gap between known values exceeds max(3 poll intervals,
`max_gap`), after which both delays begin anew. While a bound of `unless` holds, a low value is as it should be.

The alert tells how many others of the village are below the limit at that moment: one cold house is a matter of its
unit, twenty are one of the grid or the weather.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.batch import Batch, Numbers, known
from rules.codes import Codes
from rules.columns import NEVER, Bools, Columns, Ints, column
from rules.conditions import Bound, bounds
from rules.rule import (
    Problem,
    RuleErrors,
    Texts,
    duration,
    key,
    not_negative,
    number,
    point,
    priority,
    template_problems,
    texts,
)
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
    """`point` below `limit` (in the point's unit); `steps` are further limits below, each with its priority.

    `peers` is what the placeholder {peers} of the sentences stands for, if {count} others of the village are below.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"peers"}

    point: str = key(point)
    limit: float = key(number)
    deadband: float = key(not_negative, 0.0)
    on_delay_ms: int = key(duration, 0)
    off_delay_ms: int = key(duration, 0)
    max_gap_ms: int = key(duration, 600_000)
    steps: tuple[Step, ...] = key(steps, ())
    unless: tuple[Bound, ...] = key(bounds, ())
    peers: Texts | None = key(texts, None)

    @property
    def unit(self) -> str | None:
        return self.point.rpartition("_")[2]

    @property
    def quantities(self) -> tuple[str, ...]:
        return (self.point, *(bound.quantity for bound in self.unless))

    def problems(self) -> list[Problem]:
        limits = [self.limit, *(step.limit for step in self.steps)]
        falling = all(lower < upper for upper, lower in pairwise(limits))
        return [
            *super().problems(),
            *([] if falling else [("steps", "write limits that fall, each below the one before")]),
            *(
                (f"peers.{language}", problem)
                for language, template in (self.peers or {}).items()
                for problem in template_problems(template, frozenset({"count", "limit"}))
            ),
        ]

    def watch(self, codes: Codes) -> "LowLimitWatch":
        return LowLimitWatch(self)

    def priority_at(self, depth: int) -> Priority:
        """The priority once the value has been below the first `depth` steps."""
        return self.steps[depth - 1].priority if depth else self.priority

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        count = edge.details.get("peers", 0)
        if self.peers is None or not count:
            return {"peers": ""}
        return {"peers": self.peers[language].format(count=count, limit=f"{self.limit:g}")}


@dataclass
class _State(Columns):
    known_at: Ints = column(np.int64, NEVER)  # the newest known value, while pending or active
    below_since: Ints = column(np.int64, NEVER)  # onset, while pending or active
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when at limit + deadband or above
    active: Bools = column(np.bool_, False)
    depth: NDArray[np.int8] = column(np.int8, 0)  # steps already announced
    village: Numbers = column(np.int32, -1)  # while pending or active


class LowLimitWatch(ColumnsWatch):
    """One low-limit rule at work on all devices."""

    def __init__(self, rule: LowLimitRule) -> None:
        self._rule = rule
        self._state = _State()
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        values = batch.quantities[self._rule.point]
        # Almost every device is above the limit with nothing pending; only the others need a closer look.
        close = (values < self._rule.limit) | (known(values) & (self._state.below_since[batch.slots] != NEVER))
        rows = np.flatnonzero(close)
        return self._judge(batch.take(rows)) if len(rows) else []

    def _judge(self, batch: Batch) -> list[Edge]:
        state, rule, slots, at = self._state, self._rule, batch.slots, batch.at
        values = batch.quantities[rule.point]
        gap = at - state.known_at[slots] > np.maximum(GAP_INTERVALS * batch.interval_ms, rule.max_gap_ms)
        excused = reduce(np.logical_or, (bound.holds(batch) for bound in rule.unless), np.zeros(len(batch), bool))
        below: Bools = (values < rule.limit) & ~excused
        active = state.active[slots]
        clearing = active & self._normal_long_enough(slots, at, (values >= rule.limit + rule.deadband) | excused, gap)
        onset = state.below_since[slots]
        onset = np.where(~active & (gap | (onset == NEVER)), at, onset)
        raising = ~active & below & (at - onset >= rule.on_delay_ms)
        depth = np.count_nonzero([values < step.limit for step in rule.steps], axis=0).astype(np.int8)
        deepening = active & ~clearing & ~excused & (depth > state.depth[slots])
        state.known_at[slots] = at
        state.village[slots] = batch.village
        state.active[slots] = (active | raising) & ~clearing
        state.below_since[slots] = np.where((active & ~clearing) | (~active & below), onset, NEVER)
        state.depth[slots] = np.where(raising | deepening, depth, np.where(clearing, 0, state.depth[slots]))
        return [
            *self._edges("clear", "not_wanted", np.flatnonzero(clearing & excused), batch, onset),
            *self._edges("clear", "back_above_limit", np.flatnonzero(clearing & ~excused), batch, onset),
            *self._edges("raise", "below_limit", np.flatnonzero(raising), batch, onset),
            *self._edges("update", "deeper_below_limit", np.flatnonzero(deepening), batch, onset),
        ]

    def _normal_long_enough(self, slots: Ints, at: Ints, normal: Bools, gap: Bools) -> Bools:
        since = self._state.normal_since[slots]
        since = np.where(normal, np.where(gap | (since == NEVER), at, since), NEVER)
        self._state.normal_since[slots] = since
        long_enough: Bools = normal & (at - since >= self._rule.off_delay_ms)
        return long_enough

    def _edges(self, edge: EdgeKind, reason: str, rows: Ints, batch: Batch, onset: Ints) -> Iterator[Edge]:
        for row in rows.tolist():
            slot = int(batch.slots[row])
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(onset[row]),
                at=int(batch.at[row]),
                reason=reason,
                priority=self._rule.priority_at(int(self._state.depth[slot])),
                value=float(batch.quantities[self._rule.point][row]),
                limit=self._rule.limit,
                details={"peers": self._peers(slot, int(batch.village[row]))},
            )

    def _peers(self, slot: int, village: int) -> int:
        """How many other devices of the village are below the limit now."""
        state = self._state
        below = (state.village == village) & (state.below_since != NEVER)
        return int(np.count_nonzero(below)) - int(below[slot]) if village >= 0 else 0

    def open_episodes(self) -> list[OpenEpisode]:
        slots = np.flatnonzero(self._state.active).tolist()
        return [OpenEpisode(slot, None, int(self._state.below_since[slot])) for slot in slots]

    def adopt(self, episode: OpenEpisode) -> None:
        self._state.active[episode.slot] = True
        self._state.below_since[episode.slot] = episode.onset
