"""A point below a limit for longer than the on-delay, like a room below 18 °C.

The alert rises when every known value since `onset` was below `limit` and that lasted `on_delay`.
It clears when the value has been at `limit + deadband` or above for `off_delay`. A missing or bad
value neither raises nor clears: the last known value is carried until the gap between known values
exceeds max(3 poll intervals, `max_gap`). After such a gap both delays begin anew. While a bound of
`unless` holds, a low value is accepted.

The alert counts the other devices of the village below the limit at that moment: one cold house
points to its unit, twenty to the grid or the weather.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import Bound, parse_bounds
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.document.steps import PriorityStep, parse_steps
from rules.document.texts import Texts, templates_problems
from rules.kinds.lasting.holding import GAP_INTERVALS
from rules.readings.batch import Batch, Numbers, known
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Bools, Columns, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.newest_values import LevelWatch, value_step
from rules.watches.watch import Edge, OpenSlot
from wire.messages import Priority
from wire.units import MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class LowLimitRule(DeviceRule):
    """`point` below `limit`, in the point's unit; `steps` are lower limits with their priorities.

    `peers` fills the placeholder {peers} of the texts where {count} others of the village are below
    the limit.
    """

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"peers"}

    point: str = key(parse.point)
    limit: float = key(parse.number)
    deadband: float = key(parse.not_negative, 0.0)
    on_delay_ms: int = key(parse.duration, 0)
    off_delay_ms: int = key(parse.duration, 0)
    max_gap_ms: int = key(parse.duration, 10 * MINUTE_MS)
    steps: tuple[PriorityStep, ...] = key(parse_steps, ())
    unless: tuple[Bound, ...] = key(parse_bounds, ())
    peers: Texts | None = key(parse.texts, None)

    @property
    def unit(self) -> str | None:
        """See Rule."""
        return self.point.rpartition("_")[2]

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return (self.point, *(bound.quantity for bound in self.unless))

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        limits = [self.limit, *(step.limit for step in self.steps)]
        if not all(lower < upper for upper, lower in pairwise(limits)):
            problems.append(("steps", "write limits that fall, each below the one before"))
        return problems + templates_problems(
            "peers", self.peers or {}, frozenset({"count", "limit"})
        )

    def watch(self, codes: Codes) -> "LowLimitWatch":
        """See DeviceRule."""
        return LowLimitWatch(self)

    def priority_at(self, depth: int) -> Priority:
        """The priority once the value was below the first `depth` steps."""
        return self.steps[depth - 1].priority if depth else self.priority

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        count = edge.details.get("peers", 0)
        if self.peers is None or not count:
            return {"peers": ""}
        return {"peers": self.peers[language].format(count=count, limit=f"{self.limit:g}")}


@dataclass
class _Low(Columns):
    """The state of a device that is low or has an active alert."""

    known_at: Ints = column(np.int64, NEVER)  # the newest known value
    below_since: Ints = column(np.int64, NEVER)  # onset
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when above the deadband
    active: Bools = column(np.bool_, False)
    depth: NDArray[np.int8] = column(np.int8, 0)  # steps that the alert has passed
    low: Bools = column(np.bool_, False)  # at the newest known value
    village: Numbers = column(np.int32, -1)


class LowLimitWatch(LevelWatch[_Low]):
    """One low-limit rule at work on all devices."""

    def __init__(self, rule: LowLimitRule) -> None:
        super().__init__(_Low)
        self._rule = rule
        self._step = value_step(rule.deadband, rule.limit)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        values = batch.quantities[self._rule.point]
        # Nearly all devices are above the limit with nothing pending; look at the others only.
        close = (values < self._rule.limit) | (known(values) & self._held.holds(batch.slots))
        (rows,) = close.nonzero()
        return self._follow(batch.take(rows)) if len(rows) else []

    def _follow(self, batch: Batch) -> list[Edge]:
        held, rule, at = self._held.take(batch.slots), self._rule, batch.at
        values = batch.quantities[rule.point]
        gap = at - held.known_at > np.maximum(GAP_INTERVALS * batch.interval_ms, rule.max_gap_ms)
        excused = reduce(
            np.logical_or, (bound.holds(batch) for bound in rule.unless), np.zeros(len(batch), bool)
        )
        below: Bools = (values < rule.limit) & ~excused
        normal = (values >= rule.limit + rule.deadband) | excused
        clearing = held.active & self._normal_long_enough(at, normal, gap, held)
        onset = np.where(~held.active & (gap | (held.below_since == NEVER)), at, held.below_since)
        raising = ~held.active & below & (at - onset >= rule.on_delay_ms)
        depth = np.count_nonzero([values < step.limit for step in rule.steps], axis=0).astype(
            np.int8
        )
        deepening = held.active & ~clearing & ~excused & (depth > held.depth)
        held.known_at, held.below_since, held.low, held.village = at, onset, below, batch.village
        held.active = (held.active | raising) & ~clearing
        held.depth = np.where(raising | deepening, depth, held.depth)
        self._held.put(batch.slots, held, held.active | (below & ~clearing))
        steps, told = np.full(len(batch), self._step), raising | deepening
        self._newest.note(batch.slots, at, values, steps, held.active, told)
        if not (clearing | raising | deepening).any():
            return []
        return [
            *self._edges("clear", "not_wanted", np.flatnonzero(clearing & excused), batch, held),
            *self._edges(
                "clear", "back_above_limit", np.flatnonzero(clearing & ~excused), batch, held
            ),
            *self._edges("raise", "below_limit", np.flatnonzero(raising), batch, held),
            *self._edges("update", "deeper_below_limit", np.flatnonzero(deepening), batch, held),
        ]

    def _normal_long_enough(self, at: Ints, normal: Bools, gap: Bools, held: _Low) -> Bools:
        since = np.where(gap | (held.normal_since == NEVER), at, held.normal_since)
        held.normal_since = np.where(normal, since, NEVER)
        long_enough: Bools = normal & (at - since >= self._rule.off_delay_ms)
        return long_enough

    def _edges(
        self, edge: EdgeKind, reason: str, rows: Ints, batch: Batch, held: _Low
    ) -> Iterator[Edge]:
        low = self._low_by_village() if len(rows) else {}
        for row in rows.tolist():
            yield Edge(
                slot=int(batch.slots[row]),
                edge=edge,
                onset=int(held.below_since[row]),
                at=int(batch.at[row]),
                reason=reason,
                priority=self._rule.priority_at(0 if edge == "clear" else int(held.depth[row])),
                value=float(batch.quantities[self._rule.point][row]),
                limit=self._rule.limit,
                details={"peers": max(0, low.get(int(batch.village[row]), 0) - int(held.low[row]))},
            )

    def moved(self) -> list[Edge]:
        """See LevelWatch."""
        moved = list(self._newest.moved())
        low = self._low_by_village() if moved else {}
        held = self._held.take(np.array([each.slot for each in moved], np.int64))
        return [
            Edge(
                slot=each.slot,
                edge="update",
                onset=int(held.below_since[row]),
                at=each.at,
                reason="value_moved",
                priority=self._rule.priority_at(int(held.depth[row])),
                value=each.value,
                limit=self._rule.limit,
                details={"peers": max(0, low.get(int(held.village[row]), 0) - int(held.low[row]))},
            )
            for row, each in enumerate(moved)
            if held.active[row]
        ]

    def _low_by_village(self) -> dict[int, int]:
        """How many devices are low now, by village number."""
        columns = self._held.columns
        villages, counts = np.unique(
            columns.village[columns.low & (columns.village >= 0)], return_counts=True
        )
        return dict(zip(villages.tolist(), counts.tolist(), strict=True))

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        rows = np.flatnonzero(self._held.columns.active).tolist()
        return [
            OpenSlot(int(self._held.slots[row]), None, int(self._held.columns.below_since[row]))
            for row in rows
        ]

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch."""
        slots = np.array([open_slot.slot])
        held = self._held.take(slots)
        held.active[:], held.below_since[:] = True, open_slot.onset
        self._held.put(slots, held, np.ones(1, bool))
