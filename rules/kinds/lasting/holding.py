"""The common part of kinds with symptoms: one must hold for its on-delay, then all must be gone.

A rule has one or more symptoms, the gravest first. The alert rises when the first of them has held
at every evaluated reading for its on-delay. A graver one that lasts its on-delay later updates the
alert. It clears when no symptom has held for `off_delay`. A reading on which a symptom cannot be
evaluated leaves it as it is: its time runs on until the gap between evaluated readings exceeds
max(3 poll intervals, `max_gap`). After such a gap its delay, and the off-delay, begin anew.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.document import parse
from rules.document.rule import key
from rules.readings.batch import Batch
from rules.readings.columns import NEVER, Bools, Columns, Floats, Ints, column
from rules.transitions.transition import EdgeKind
from rules.watches.device_rule import DeviceRule
from rules.watches.newest_values import LevelWatch, MovedValue
from rules.watches.watch import Edge, OpenSlot
from wire.messages import Priority
from wire.units import MINUTE_MS

GAP_INTERVALS: Final = 3
"""A value is carried for three polls (rules-and-faults "Definitions to implement": max hold)."""

NONE: Final = -1
"""No symptom, no alert."""


@dataclass(frozen=True, slots=True)
class HeldSymptom:
    """A symptom as the watch sees it: its reason, on-delay in ms, priority and limit.

    `value_step` is how far its value moves before it is reported again.
    """

    reason: str
    on_delay_ms: int
    priority: Priority
    limit: float | None = None
    value_step: float = np.inf


@dataclass(frozen=True, kw_only=True)
class HoldingRule(DeviceRule):
    """A rule whose alert clears `off_delay` after its last symptom; delays survive `max_gap`."""

    off_delay_ms: int = key(parse.duration, 0)
    max_gap_ms: int = key(parse.duration, 10 * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What n rows show of k symptoms.

    `holds` and `unknown` are (n, k); `values` (n, k) holds the quantity that each symptom is about.
    `details` are further numbers for the texts, each of n rows.
    """

    holds: Bools
    unknown: Bools
    values: Floats
    details: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass
class _Held(Columns):
    """The state of a device with a symptom or an alert; the wide columns are by symptom."""

    known_at: Ints = column(np.int64, NEVER, wide=True)  # newest reading that it was evaluated on
    since: Ints = column(np.int64, NEVER, wide=True)  # while it holds: since when
    onset: Ints = column(np.int64, NEVER)  # while active
    normal_since: Ints = column(np.int64, NEVER)  # while active: since when no symptom holds
    active: NDArray[np.int8] = column(np.int8, NONE)  # the symptom that the alert is about


class HoldingWatch(LevelWatch[_Held]):
    """A rule with symptoms at work on all devices; a kind adds `suspects` and `evaluate`."""

    def __init__(
        self, rule: HoldingRule, symptoms: tuple[HeldSymptom, ...], dense: Columns | None = None
    ) -> None:
        """The symptoms stand gravest first; `dense` are empty columns of the kind's own."""
        self._holding = rule
        self._symptoms = symptoms
        super().__init__(self._nothing, dense)
        self._delays = np.array([symptom.on_delay_ms for symptom in symptoms])
        # The last is of an adopted alert, whose symptom is not known.
        self._steps = np.array([*(symptom.value_step for symptom in symptoms), np.inf])
        self._adopted = len(symptoms)  # an alert is active, its symptom is not known

    def _nothing(self) -> _Held:
        return _Held.of_width(len(self._symptoms))

    @abstractmethod
    def suspects(self, batch: Batch) -> Bools:
        """The rows of the batch that may show a symptom; `step` adds those with state."""

    @abstractmethod
    def evaluate(self, batch: Batch, active: NDArray[np.int8]) -> Evaluated:
        """What these rows show; the symptom `active` of a row's alert gets its deadband."""

    def step(self, batch: Batch) -> list[Edge]:
        """See Watch."""
        (rows,) = (self.suspects(batch) | self._held.holds(batch.slots)).nonzero()
        if not len(rows):
            return []
        part = batch.take(rows)
        held = self._held.take(part.slots)
        evaluated = self.evaluate(part, held.active)
        edges = self._follow(part, held, evaluated)
        self._held.put(part.slots, held, (held.active != NONE) | (held.since != NEVER).any(axis=1))
        return edges

    def _follow(self, batch: Batch, held: _Held, evaluated: Evaluated) -> list[Edge]:
        """Move `held` on in place to these rows; returns the edges that follow."""
        at = batch.at
        gap = at[:, None] - held.known_at > self._allowed(batch.interval_ms)[:, None]
        self._note(at, gap, evaluated, held)
        due = evaluated.holds & (at[:, None] - held.since >= self._delays)
        gravest = np.where(due.any(axis=1), due.argmax(axis=1), NONE)
        active = held.active
        raising = (active == NONE) & (gravest != NONE)
        deepening = (active != NONE) & (gravest != NONE) & (gravest < active)
        clearing = self._clearing(at, gap, evaluated, held)
        onset = np.where(raising, held.since[np.arange(len(at)), gravest], held.onset)
        shown = np.where(raising | deepening, gravest, active)
        held.onset = np.where(clearing, NEVER, onset)
        held.active = np.where(clearing, NONE, shown).astype(np.int8)
        columns = _EdgeColumns(batch.slots, at, onset, shown, evaluated)
        if np.isfinite(self._steps).any():
            self._note_values(columns, held.active, raising | deepening)
        return [
            *self._edges("clear", clearing, columns),
            *self._edges("raise", raising, columns),
            *self._edges("update", deepening, columns),
        ]

    def _allowed(self, interval_ms: Ints) -> Ints:
        return np.maximum(GAP_INTERVALS * interval_ms, self._holding.max_gap_ms)

    def _note(self, at: Ints, gap: Bools, evaluated: Evaluated, held: _Held) -> None:
        """Note since when each symptom holds, and at which reading it was evaluated."""
        begun = np.where((held.since == NEVER) | gap, at[:, None], held.since)
        since = np.where(evaluated.holds, begun, NEVER)
        held.since = np.where(evaluated.unknown, held.since, since)
        held.known_at = np.where(evaluated.unknown, held.known_at, at[:, None])

    def _clearing(self, at: Ints, gap: Bools, evaluated: Evaluated, held: _Held) -> Bools:
        active, any_holds = held.active, evaluated.holds.any(axis=1)
        row, symptom = np.arange(len(at)), np.minimum(active, self._adopted - 1)
        known = np.where(
            active == self._adopted,
            ~evaluated.unknown.all(axis=1),
            ~evaluated.unknown[row, symptom],
        )
        normal = (active != NONE) & known & ~any_holds
        begun = np.where((held.normal_since == NEVER) | gap[row, symptom], at, held.normal_since)
        since = np.where(normal, begun, np.where(any_holds, NEVER, held.normal_since))
        clearing: Bools = normal & (at - since >= self._holding.off_delay_ms)
        held.normal_since = np.where(clearing, NEVER, since)
        return clearing

    def _edges(self, edge: EdgeKind, which: Bools, columns: "_EdgeColumns") -> Iterator[Edge]:
        for row in np.flatnonzero(which).tolist():
            number = min(int(columns.symptom[row]), self._adopted - 1)
            symptom, value = self._symptoms[number], float(columns.evaluated.values[row, number])
            yield Edge(
                slot=int(columns.slots[row]),
                edge=edge,
                onset=int(columns.onset[row]),
                at=int(columns.at[row]),
                reason="symptom_gone" if edge == "clear" else symptom.reason,
                priority=symptom.priority,
                value=None if np.isnan(value) else value,
                limit=symptom.limit,
                details={
                    name: values[row].item() for name, values in columns.evaluated.details.items()
                },
            )

    def _note_values(self, columns: "_EdgeColumns", active: NDArray[np.int8], told: Bools) -> None:
        """Note the value of the symptom that each open alert is about."""
        symptom = np.minimum(np.maximum(active, 0), self._adopted - 1)
        values = columns.evaluated.values[np.arange(len(active)), symptom]
        steps, is_open = self._steps[active], active != NONE
        self._newest.note(columns.slots, columns.at, values, steps, is_open, told)

    def moved(self) -> list[Edge]:
        """See LevelWatch; the alert keeps the reason of its symptom, which its text needs."""
        moved = list(self._newest.moved())
        held = self._held.take(np.array([each.slot for each in moved], np.int64))
        active = held.active.tolist()
        known = [row for row in range(len(moved)) if NONE < active[row] < self._adopted]
        return [
            self._moved(moved[row], self._symptoms[active[row]], int(held.onset[row]))
            for row in known
        ]

    def _moved(self, value: MovedValue, symptom: HeldSymptom, onset: int) -> Edge:
        return Edge(
            slot=value.slot,
            edge="update",
            onset=onset,
            at=value.at,
            reason=symptom.reason,
            priority=symptom.priority,
            value=value.value,
            limit=symptom.limit,
        )

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        held = self._held
        rows = np.flatnonzero(held.columns.active != NONE).tolist()
        return [OpenSlot(int(held.slots[row]), None, int(held.columns.onset[row])) for row in rows]

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch."""
        slots = np.array([open_slot.slot])
        held = self._held.take(slots)
        held.active[:], held.onset[:] = self._adopted, open_slot.onset
        self._held.put(slots, held, np.ones(1, bool))


@dataclass(frozen=True, slots=True)
class _EdgeColumns:
    """What edges are made of, by row."""

    slots: Ints
    at: Ints
    onset: Ints
    symptom: NDArray[np.int64]
    evaluated: Evaluated
