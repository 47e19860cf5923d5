"""What kinds share that watch for symptoms: one must hold for its on-delay, and all be gone for the off-delay.

A rule has one or more symptoms in order of weight. The alert rises when the first of them has held at every judged
reading for its on-delay; a weightier one that lasts its on-delay later updates it; it clears when none has held for
`off_delay`. A reading on which a symptom cannot be judged says nothing of it: its time runs on until the gap between
judged readings exceeds max(3 poll intervals, `max_gap`), after which its delay, and the off-delay, begin anew.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from rules.batch import Batch
from rules.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.rule import duration, key
from rules.transition import EdgeKind
from rules.watch import ColumnsWatch, DeviceRule, Edge, OpenEpisode
from wire.messages import Priority

GAP_INTERVALS: Final = 3
"""A value is carried for three polls (rules-and-faults.md, "Definitions to implement": max hold)."""

NONE: Final = -1
"""No symptom, no alert."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom as the engine sees it: the reason it gives, how long it must hold (ms), its priority, its limit."""

    reason: str
    on_delay_ms: int
    priority: Priority
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class HoldingRule(DeviceRule):
    """A rule whose alert clears after `off_delay` without a symptom; delays outlive gaps of `max_gap`."""

    off_delay_ms: int = key(duration, 0)
    max_gap_ms: int = key(duration, 600_000)


@dataclass(frozen=True, slots=True)
class Judged:
    """What n rows show of k symptoms: `holds` and `unknown` are (n, k), `values` the quantity that each is about."""

    holds: Bools
    unknown: Bools
    values: Floats
    details: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    def take(self, rows: Ints) -> "Judged":
        """These rows."""
        details = {name: values[rows] for name, values in self.details.items()}
        return Judged(self.holds[rows], self.unknown[rows], self.values[rows], details)


@dataclass
class HoldingState(Columns):
    """What is held per device; a kind may add columns of its own. The first two have a column per symptom."""

    known_at: Ints = column(np.int64, NEVER, 1)  # the newest reading that each symptom was judged on, while watched
    since: Ints = column(np.int64, NEVER, 1)  # since when each symptom holds
    onset: Ints = column(np.int64, NEVER)  # while active
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when no symptom holds
    active: NDArray[np.int8] = column(np.int8, NONE)  # the symptom that the alert is about
    watched: Bools = column(np.bool_, False)  # a symptom holds, or the alert is active

    @classmethod
    def for_symptoms(cls, count: int) -> Self:
        """Empty, for so many symptoms."""
        return cls(known_at=np.full((0, count), NEVER), since=np.full((0, count), NEVER))


class HoldingWatch(ColumnsWatch):
    """A rule with symptoms at work on all devices; a kind says which rows to look at, and what they show."""

    def __init__(self, rule: HoldingRule, findings: tuple[Finding, ...], state: HoldingState) -> None:
        """`state` is empty; the findings stand in order of weight, the gravest first."""
        self._holding = rule
        self._findings = findings
        self._delays = np.array([finding.on_delay_ms for finding in findings])
        self._adopted = len(findings)  # the alert is active, but from which symptom is not known
        self._held = state
        super().__init__(state)

    @abstractmethod
    def suspects(self, batch: Batch) -> Bools:
        """Of the whole batch, the rows that may show a symptom; those with something pending are added to them."""

    @abstractmethod
    def judge(self, batch: Batch, active: NDArray[np.int8]) -> Judged:
        """What these rows show; `active` is the symptom each row's alert is about, to be judged with its deadband."""

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        rows = np.flatnonzero(self.suspects(batch) | self._held.watched[batch.slots])
        if not len(rows):
            return []
        part = batch.take(rows)
        judged = self.judge(part, self._held.active[part.slots])
        known = np.flatnonzero(~judged.unknown.all(axis=1))
        return self._follow(part.slots[known], part.at[known], part.interval_ms[known], judged.take(known))

    def _follow(self, slots: Ints, at: Ints, interval_ms: Ints, judged: Judged) -> list[Edge]:
        state = self._held
        gap = at[:, None] - state.known_at[slots] > self._allowed(interval_ms)[:, None]
        since = self._since(slots, at, gap, judged)
        due = judged.holds & (at[:, None] - since >= self._delays)
        first = np.where(due.any(axis=1), due.argmax(axis=1), NONE)
        active = state.active[slots]
        raising = (active == NONE) & (first != NONE)
        deepening = (active != NONE) & (first != NONE) & (first < active)
        clearing = self._clearing(slots, at, gap, judged, active)
        row = np.arange(len(slots))
        onset = np.where(raising, since[row, first], state.onset[slots])
        shown = np.where(raising | deepening, first, active)
        state.onset[slots] = np.where(clearing, NEVER, onset)
        state.active[slots] = np.where(clearing, NONE, shown)
        state.watched[slots] = (state.active[slots] != NONE) | (state.since[slots] != NEVER).any(axis=1)
        told = _Told(slots, at, onset, shown, judged)
        return [
            *self._edges("clear", clearing, told),
            *self._edges("raise", raising, told),
            *self._edges("update", deepening, told),
        ]

    def _allowed(self, interval_ms: Ints) -> Ints:
        return np.maximum(GAP_INTERVALS * interval_ms, self._holding.max_gap_ms)

    def _since(self, slots: Ints, at: Ints, gap: Bools, judged: Judged) -> Ints:
        """Since when each symptom holds, noted and answered; NEVER where it does not."""
        state = self._held
        before = state.since[slots]
        begun = np.where((before == NEVER) | gap, at[:, None], before)
        since = np.where(judged.unknown, before, np.where(judged.holds, begun, NEVER))
        state.since[slots] = since
        state.known_at[slots] = np.where(judged.unknown, state.known_at[slots], at[:, None])
        return since

    def _clearing(self, slots: Ints, at: Ints, gap: Bools, judged: Judged, active: NDArray[np.int8]) -> Bools:
        state = self._held
        row, its = np.arange(len(slots)), np.minimum(active, self._adopted - 1)
        judgeable = (active == self._adopted) | ~judged.unknown[row, its]
        normal = (active != NONE) & judgeable & ~judged.holds.any(axis=1)
        before = state.normal_since[slots]
        begun = np.where((before == NEVER) | gap[row, its], at, before)
        holding_back = judged.holds.any(axis=1) | (active == NONE)
        since = np.where(normal, begun, np.where(holding_back, NEVER, before))
        clearing: Bools = normal & (at - since >= self._holding.off_delay_ms)
        state.normal_since[slots] = np.where(clearing, NEVER, since)
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

    def open_episodes(self) -> list[OpenEpisode]:
        """See Watch."""
        slots = np.flatnonzero(self._held.active != NONE).tolist()
        return [OpenEpisode(slot, None, int(self._held.onset[slot])) for slot in slots]

    def adopt(self, episode: OpenEpisode) -> None:
        """See Watch."""
        self._held.active[episode.slot] = self._adopted
        self._held.onset[episode.slot] = episode.onset
        self._held.watched[episode.slot] = True


@dataclass(frozen=True, slots=True)
class _Told:
    """What edges are made of, by row."""

    slots: Ints
    at: Ints
    onset: Ints
    symptom: NDArray[np.int64]
    judged: Judged
