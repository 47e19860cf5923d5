"""What kinds share that watch for symptoms: one must hold for its on-delay, and all be gone for the
off-delay.

A rule has one or more symptoms in order of weight. The alert rises when the first of them has held
at every judged reading for its on-delay; a weightier one that lasts its on-delay later updates it;
it clears when none has held for `off_delay`. A reading on which a symptom cannot be judged says
nothing of it: its time runs on until the gap between judged readings exceeds max(3 poll intervals,
`max_gap`), after which its delay, and the off-delay, begin anew.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.document.rule import duration, key
from rules.readings.batch import Batch
from rules.readings.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.sparse import SparseWatch
from rules.watches.watch import DeviceRule, Edge, OpenSlot
from wire.messages import Priority

GAP_INTERVALS: Final = 3
"""A value is carried for three polls (rules-and-faults "Definitions to implement": max hold)."""

NONE: Final = -1
"""No symptom, no alert."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom as the engine sees it: the reason it gives, how long it must hold (ms), its
    priority, its limit."""

    reason: str
    on_delay_ms: int
    priority: Priority
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class HoldingRule(DeviceRule):
    """A rule whose alert clears after `off_delay` without a symptom; delays outlive gaps of
    `max_gap`."""

    off_delay_ms: int = key(duration, 0)
    max_gap_ms: int = key(duration, 600_000)


@dataclass(frozen=True, slots=True)
class Judged:
    """What n rows show of k symptoms: `holds` and `unknown` are (n, k), `values` the quantity that
    each is about."""

    holds: Bools
    unknown: Bools
    values: Floats
    details: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass
class _Held(Columns):
    """What is held of a device with a symptom or an alert; the first two have a column per
    symptom."""

    known_at: Ints = column(
        np.int64, NEVER, wide=True
    )  # the newest reading that each symptom was judged on
    since: Ints = column(np.int64, NEVER, wide=True)  # since when each symptom holds
    onset: Ints = column(np.int64, NEVER)  # while active
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when no symptom holds
    active: NDArray[np.int8] = column(np.int8, NONE)  # the symptom that the alert is about


class HoldingWatch(SparseWatch[_Held]):
    """A rule with symptoms at work on all devices; a kind says which rows to look at, and what they
    show."""

    def __init__(
        self, rule: HoldingRule, findings: tuple[Finding, ...], dense: Columns | None = None
    ) -> None:
        """The findings stand in order of weight, the gravest first; `dense` are columns of the
        kind's own, empty."""
        self._holding = rule
        self._findings = findings
        super().__init__(self._nothing, dense)
        self._delays = np.array([finding.on_delay_ms for finding in findings])
        self._adopted = len(findings)  # the alert is active, but from which symptom is not known

    def _nothing(self) -> _Held:
        return _Held.of_width(len(self._findings))

    @abstractmethod
    def suspects(self, batch: Batch) -> Bools:
        """Of the whole batch, the rows that may show a symptom; those with something pending are
        added to them."""

    @abstractmethod
    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        """What these rows show; `active` is the symptom each row's alert is about, to be judged
        with its deadband."""

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        (rows,) = (self.suspects(batch) | self._held.holds(batch.slots)).nonzero()
        if not len(rows):
            return []
        part = batch.take(rows)
        held = self._held.take(part.slots)
        judged = self.judge(part, held.active)
        edges = self._follow(part, held, judged)
        self._held.put(part.slots, held, (held.active != NONE) | (held.since != NEVER).any(axis=1))
        return edges

    def _follow(self, batch: Batch, held: _Held, judged: Judged) -> list[Edge]:
        """What is held, moved on in place, and what that leads to."""
        at = batch.at
        gap = at[:, None] - held.known_at > self._allowed(batch.interval_ms)[:, None]
        self._note(at, gap, judged, held)
        due = judged.holds & (at[:, None] - held.since >= self._delays)
        first = np.where(due.any(axis=1), due.argmax(axis=1), NONE)
        active = held.active
        raising = (active == NONE) & (first != NONE)
        deepening = (active != NONE) & (first != NONE) & (first < active)
        clearing = self._clearing(at, gap, judged, held)
        onset = np.where(raising, held.since[np.arange(len(at)), first], held.onset)
        shown = np.where(raising | deepening, first, active)
        held.onset = np.where(clearing, NEVER, onset)
        held.active = np.where(clearing, NONE, shown).astype(np.int8)
        told = _Told(batch.slots, at, onset, shown, judged)
        return [
            *self._edges("clear", clearing, told),
            *self._edges("raise", raising, told),
            *self._edges("update", deepening, told),
        ]

    def _allowed(self, interval_ms: Ints) -> Ints:
        return np.maximum(GAP_INTERVALS * interval_ms, self._holding.max_gap_ms)

    def _note(self, at: Ints, gap: Bools, judged: Judged, held: _Held) -> None:
        """Since when each symptom holds, NEVER where it does not, and that it was judged."""
        begun = np.where((held.since == NEVER) | gap, at[:, None], held.since)
        held.since = np.where(judged.unknown, held.since, np.where(judged.holds, begun, NEVER))
        held.known_at = np.where(judged.unknown, held.known_at, at[:, None])

    def _clearing(self, at: Ints, gap: Bools, judged: Judged, held: _Held) -> Bools:
        active = held.active
        row, its = np.arange(len(at)), np.minimum(active, self._adopted - 1)
        judgeable = np.where(
            active == self._adopted, ~judged.unknown.all(axis=1), ~judged.unknown[row, its]
        )
        normal = (active != NONE) & judgeable & ~judged.holds.any(axis=1)
        begun = np.where((held.normal_since == NEVER) | gap[row, its], at, held.normal_since)
        since = np.where(
            normal, begun, np.where(judged.holds.any(axis=1), NEVER, held.normal_since)
        )
        clearing: Bools = normal & (at - since >= self._holding.off_delay_ms)
        held.normal_since = np.where(clearing, NEVER, since)
        return clearing

    def _edges(self, edge: EdgeKind, which: Bools, told: "_Told") -> Iterator[Edge]:
        for row in np.flatnonzero(which).tolist():
            symptom = min(int(told.symptom[row]), self._adopted - 1)
            finding, value = self._findings[symptom], float(told.judged.values[row, symptom])
            yield Edge(
                slot=int(told.slots[row]),
                edge=edge,
                onset=int(told.onset[row]),
                at=int(told.at[row]),
                reason="symptom_gone" if edge == "clear" else finding.reason,
                priority=finding.priority,
                value=None if np.isnan(value) else value,
                limit=finding.limit,
                details={name: values[row].item() for name, values in told.judged.details.items()},
            )

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        held = self._held
        rows = np.flatnonzero(held.columns.active != NONE).tolist()
        return [OpenSlot(int(held.slots[row]), None, int(held.columns.onset[row])) for row in rows]

    def adopt(self, episode: OpenSlot) -> None:
        """See Watch."""
        slots = np.array([episode.slot])
        held = self._held.take(slots)
        held.active[:], held.onset[:] = self._adopted, episode.onset
        self._held.put(slots, held, np.ones(1, bool))


@dataclass(frozen=True, slots=True)
class _Told:
    """What edges are made of, by row."""

    slots: Ints
    at: Ints
    onset: Ints
    symptom: NDArray[np.int64]
    judged: Judged
