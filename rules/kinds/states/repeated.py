"""A change of state that comes too often: `count` of them within `within`, like starts in an hour.

A change is a reading in one of the states `to` after one in one of the states `before`; with `all`,
only if the reading before it also met those conditions, as a defrost that begins on a clean coil.
What is over between two polls is known by its `trace`, conditions that a reading in a state
`before` meets shortly after, like a coil that is still warm. The alert clears when the last change
is `off_delay` (if left out: `within`) in the past. Memory is a ring of the last `count` changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from rules.document.conditions import Bound, bounds, states
from rules.document.rule import Problem, count, duration, key
from rules.readings.batch import Batch, state_table
from rules.readings.codes import Codes
from rules.readings.columns import FIRST_MS, NEVER, Bools, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.watch import DeviceRule, Edge, OneAlert, OneAlertWatch, OpenSlot

_MOST: Final = 24

Seconds = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class RepeatedRule(DeviceRule):
    """At least `count` changes from a state of `before` to one of `to` within `within`."""

    placeholders: ClassVar[frozenset[str]] = DeviceRule.placeholders | {"times"}

    before: tuple[int, ...] = key(states)
    to: tuple[int, ...] = key(states)
    all: tuple[Bound, ...] = key(bounds, ())
    trace: tuple[Bound, ...] = key(bounds, ())
    count: int = key(count)
    within_ms: int = key(duration)
    off_delay_ms: int | None = key(duration, None)

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(bound.quantity for bound in (*self.all, *self.trace))

    def problems(self) -> list[Problem]:
        found = super().problems()
        if not 2 <= self.count <= _MOST:
            found.append(("count", f"write 2 to {_MOST}"))
        return found

    def watch(self, codes: Codes) -> "RepeatedWatch":
        return RepeatedWatch(self)

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        return {"times": "" if edge.value is None else f"{edge.value:.0f}"}


@dataclass
class _State(OneAlert):
    changes: Seconds = column(np.int32, NEVER, wide=True)  # the last changes, a ring
    place: NDArray[np.int8] = column(
        np.int8, 0
    )  # of the oldest in the ring, which the next one replaces
    met: Bools = column(
        np.bool_, True
    )  # whether the newest reading in a state of `before` met the conditions


class RepeatedWatch(OneAlertWatch):
    """One such rule at work on all devices."""

    def __init__(self, rule: RepeatedRule) -> None:
        self._rule = rule
        self._state = _State.of_width(rule.count)
        self._before, self._to = state_table(rule.before), state_table(rule.to)
        self._quiet_ms = rule.within_ms if rule.off_delay_ms is None else rule.off_delay_ms
        super().__init__(self._state)

    def step(self, batch: Batch) -> list[Edge]:
        shown = batch.state != batch.previous_state
        trace = (
            self._before[batch.state] & _all_hold(self._rule.trace, batch)
            if self._rule.trace
            else None
        )
        rows = np.flatnonzero(shown if trace is None else shown | trace)
        arrived = (
            self._to[batch.state[rows]]
            if trace is None
            else self._to[batch.state[rows]] | trace[rows]
        )
        rows = rows[
            arrived & self._before[batch.previous_state[rows]] & self._state.met[batch.slots[rows]]
        ]
        edges = list(self._count(batch, rows)) if len(rows) else []
        self._note_conditions(batch, trace)
        return [*self._clear(batch), *edges]

    def _note_conditions(self, batch: Batch, trace: Bools | None) -> None:
        """Whether a change may begin at each reading: not where the one before is still to be
        seen."""
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
        seconds = ((at - FIRST_MS) // 1_000).astype(np.int32)
        place = state.place[slots]
        state.changes[slots, place] = seconds
        state.place[slots] = (place + 1) % rule.count
        oldest = state.changes[slots, state.place[slots]]
        often = (oldest != NEVER) & (seconds - oldest <= rule.within_ms // 1_000)
        raising = often & (state.raised_at[slots] == NEVER)
        state.raised_at[slots[raising]] = at[raising]
        return self._edges("raise", "too_often", slots[raising], at[raising])

    def _clear(self, batch: Batch) -> list[Edge]:
        state = self._state
        (rows,) = (state.raised_at[batch.slots] != NEVER).nonzero()
        if not len(rows):
            return []
        slots, at = batch.slots[rows], batch.at[rows]
        last = (state.place[slots] - 1) % self._rule.count
        quiet = at - FIRST_MS - 1_000 * state.changes[slots, last].astype(np.int64)
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
        """How many changes the window that ends at `at` holds, as far as the ring remembers."""
        seconds = self._state.changes[slot].astype(np.int64)
        since = at - FIRST_MS - self._rule.within_ms
        return int(np.count_nonzero((seconds != NEVER) & (1_000 * seconds >= since)))

    def adopt(self, episode: OpenSlot) -> None:
        super().adopt(episode)
        state, slot = self._state, episode.slot
        state.changes[slot, (state.place[slot] - 1) % self._rule.count] = (
            episode.onset - FIRST_MS
        ) // 1_000


def _all_hold(bounds: tuple[Bound, ...], batch: Batch) -> Bools:
    return reduce(
        np.logical_and, (bound.holds(batch) for bound in bounds), np.ones(len(batch), bool)
    )
