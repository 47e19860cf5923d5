"""A change of state that repeats too often: `count` times within `within`, like starts in an hour.

A change is a reading in one of the states `to` after one in one of the states `before`. With `all`
the reading before must also meet those conditions, like a defrost that begins on a clean coil. A
change that is over between two polls leaves a `trace`: conditions that a reading in a state
`before` meets shortly afterwards, like a coil that is still warm. The alert clears `off_delay` (by
default: `within`) after the last change. The state is a ring of the last `count` changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.conditions import Bound, parse_bounds, parse_states
from rules.document.problems import RuleProblem
from rules.document.rule import key
from rules.readings.batch import Batch, state_table
from rules.readings.codes import Codes
from rules.readings.columns import FIRST_MS, NEVER, Bools, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.watch import Edge, OneAlert, OneAlertWatch, OpenSlot
from wire.units import SECOND_MS

_MOST: Final = 24

Seconds = NDArray[np.int32]
"""Since FIRST_MS; NEVER for none."""


@dataclass(frozen=True, kw_only=True)
class RepeatedRule(DeviceRule):
    """At least `count` changes from a state in `before` to one in `to` within `within`."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"times"}

    before: tuple[int, ...] = key(parse_states)
    to: tuple[int, ...] = key(parse_states)
    all: tuple[Bound, ...] = key(parse_bounds, ())
    trace: tuple[Bound, ...] = key(parse_bounds, ())
    count: int = key(parse.count)
    within_ms: int = key(parse.duration)
    off_delay_ms: int | None = key(parse.duration, None)

    @property
    def quantities(self) -> tuple[str, ...]:
        """See DeviceRule."""
        return tuple(bound.quantity for bound in (*self.all, *self.trace))

    def problems(self) -> list[RuleProblem]:
        """See Rule."""
        problems = super().problems()
        if not 2 <= self.count <= _MOST:
            problems.append(("count", f"write 2 to {_MOST}"))
        return problems

    def watch(self, codes: Codes) -> "RepeatedWatch":
        """See DeviceRule."""
        return RepeatedWatch(self)

    def more_values(self, edge: Edge, language: str) -> dict[str, str]:
        """See DeviceRule."""
        return {"times": "" if edge.value is None else f"{edge.value:.0f}"}


@dataclass
class _State(OneAlert):
    changes: Seconds = column(np.int32, NEVER, wide=True)  # the last changes, a ring
    oldest: NDArray[np.int8] = column(np.int8, 0)  # its position in the ring; replaced next
    met: Bools = column(np.bool_, True)  # at the newest reading in `before`: conditions met


class RepeatedWatch(OneAlertWatch):
    """One repeated-changes rule at work on all devices."""

    def __init__(self, rule: RepeatedRule) -> None:
        self._rule = rule
        self._state = _State.of_width(rule.count)
        self._before, self._to = state_table(rule.before), state_table(rule.to)
        self._quiet_ms = rule.within_ms if rule.off_delay_ms is None else rule.off_delay_ms
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        trace = self._trace(batch)
        changed = batch.state != batch.previous_state
        rows = np.flatnonzero(changed if trace is None else changed | trace)
        arrived = self._to[batch.state[rows]]
        if trace is not None:
            arrived |= trace[rows]
        left = self._before[batch.previous_state[rows]]
        rows = rows[arrived & left & self._state.met[batch.slots[rows]]]
        edges = list(self._count(batch, rows)) if len(rows) else []
        self._note_conditions(batch, trace)
        return [*self._clear(batch), *edges]

    def _trace(self, batch: Batch) -> Bools | None:
        """The rows that show the trace of a change; None for a rule without one."""
        if not self._rule.trace:
            return None
        return self._before[batch.state] & _all_hold(self._rule.trace, batch)

    def _note_conditions(self, batch: Batch, trace: Bools | None) -> None:
        """Note whether a change may begin at each reading: not where the last one still shows."""
        if not self._rule.all and trace is None:
            return
        met = _all_hold(self._rule.all, batch)
        if trace is not None:
            met &= ~trace
        kept = self._state.met[batch.slots]
        self._state.met[batch.slots] = np.where(self._before[batch.state], met, kept)

    def _count(self, batch: Batch, rows: Ints) -> Iterator[Edge]:
        state, rule = self._state, self._rule
        slots, at = batch.slots[rows], batch.at[rows]
        seconds = ((at - FIRST_MS) // SECOND_MS).astype(np.int32)
        position = state.oldest[slots]
        state.changes[slots, position] = seconds
        state.oldest[slots] = (position + 1) % rule.count
        first = state.changes[slots, state.oldest[slots]]
        often = (first != NEVER) & (seconds - first <= rule.within_ms // SECOND_MS)
        raising = often & (state.raised_at[slots] == NEVER)
        state.raised_at[slots[raising]] = at[raising]
        return self._edges("raise", "too_often", slots[raising], at[raising])

    def _clear(self, batch: Batch) -> list[Edge]:
        state = self._state
        (rows,) = (state.raised_at[batch.slots] != NEVER).nonzero()
        if not len(rows):
            return []
        slots, at = batch.slots[rows], batch.at[rows]
        last = (state.oldest[slots] - 1) % self._rule.count
        quiet = at - FIRST_MS - SECOND_MS * state.changes[slots, last].astype(np.int64)
        clearing = quiet >= self._quiet_ms
        edges = list(self._edges("clear", "no_longer", slots[clearing], at[clearing]))
        state.raised_at[slots[clearing]] = NEVER
        return edges

    def _edges(self, edge: EdgeKind, reason: str, slots: Ints, at: Ints) -> Iterator[Edge]:
        for slot, time in zip(slots.tolist(), at.tolist(), strict=True):
            yield Edge(
                slot=slot,
                edge=edge,
                onset=int(self._state.raised_at[slot]),
                at=time,
                reason=reason,
                priority=self._rule.priority,
                value=float(self._within(slot, time)),
                limit=float(self._rule.count),
            )

    def _within(self, slot: int, at: int) -> int:
        """How many changes of the ring lie in the window that ends at `at`."""
        seconds = self._state.changes[slot].astype(np.int64)
        since = at - FIRST_MS - self._rule.within_ms
        return int(np.count_nonzero((seconds != NEVER) & (SECOND_MS * seconds >= since)))

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch; the last change counts as at the onset."""
        super().adopt(open_slot)
        state, slot = self._state, open_slot.slot
        state.changes[slot, (state.oldest[slot] - 1) % self._rule.count] = (
            open_slot.onset - FIRST_MS
        ) // SECOND_MS


def _all_hold(bounds: tuple[Bound, ...], batch: Batch) -> Bools:
    return reduce(
        np.logical_and, (bound.holds(batch) for bound in bounds), np.ones(len(batch), bool)
    )
