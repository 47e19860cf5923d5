"""What the engine asks of a rule over readings: a watch holds the rule's state for the whole fleet.

A watch gets one row per device, and only the rows that the rule applies to
(`rules.document.conditions`). The whole fleet passes 57,000 rows at a time, at 20 ns per reading.
These habits keep a watch that cheap:

- Take columns from `batch.quantities[name]`: it computes each once for all rules. Make few passes
  over the whole fleet, since a comparison or gather costs about half a nanosecond per reading.
- Find the rows that need a closer look first (beyond the limit, or with something pending) with
  `nonzero`, and do the rest on those few. Healthy devices are neither gathered nor scattered.
- Add up per reading what accumulates over time, and decide only when an hour or a cycle ends.
- Keep state small: int32 seconds or float32 where that is exact enough, hourly sums in place of
  rings of readings, and in `rules.watches.sparse` what few devices have (something pending or
  active). All rules together may take 1 kB per device.
- Recognise a gap by `batch.previous_at` or by the time a quantity was last known. A row may also be
  absent because the rule does not apply to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from rules.readings.batch import Batch
from rules.readings.columns import NEVER, Columns, Ints, column
from rules.transitions.transition import EdgeKind
from wire.messages import Priority

Snapshot = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition without its texts, of a device slot. Times are event time, UTC ms.

    `details` are further numbers for the texts of the rule's kind. `first_out` is the fault code
    that came first, where the edge follows from another fault.
    """

    slot: int
    edge: EdgeKind
    onset: int
    at: int
    reason: str
    priority: Priority
    value: float | None = None
    limit: float | None = None
    code: str | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    first_out: str | None = None


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """An alert that a watch holds open, by device slot; `onset` in UTC ms."""

    slot: int
    code: str | None
    onset: int


class Watch(Protocol):
    """One rule at work on all devices; its state is by device slot."""

    def resize(self, capacity: int) -> None:
        """Make room for `capacity` slots and keep the state of those there are."""

    def step(self, batch: Batch) -> list[Edge]:
        """Evaluate the rows the rule applies to: one reading per device, newer than its last."""

    def open_slots(self) -> list[OpenSlot]:
        """The alerts that this watch holds open."""

    def adopt(self, open_slot: OpenSlot) -> None:
        """Hold open an alert raised before this watch began; the next readings may clear it."""

    def forget(self, slots: Ints) -> None:
        """Drop the state of these slots, open alerts too; other devices may get the slots."""

    def snapshot(self, count: int) -> Snapshot:
        """Copies of the state of the first `count` slots, by name."""

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Take back a snapshot whose row i now belongs to `slots[i]`; ignore another shape."""


class ColumnsWatch:
    """A watch whose whole state is columns; a kind adds `step`, `open_slots` and `adopt`."""

    def __init__(self, state: Columns) -> None:
        self._columns = state

    def resize(self, capacity: int) -> None:
        """See Watch."""
        self._columns.resize(capacity)

    def forget(self, slots: Ints) -> None:
        """See Watch."""
        self._columns.forget(slots)

    def snapshot(self, count: int) -> Snapshot:
        """See Watch."""
        return self._columns.snapshot(count)

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """See Watch."""
        self._columns.restore(saved, slots)


@dataclass
class OneAlert(Columns):
    """The state of a rule with at most one alert per device."""

    raised_at: Ints = column(np.int64, NEVER)  # onset while active


class OneAlertWatch(ColumnsWatch):
    """A watch of a rule with at most one alert per device; a kind adds `step`."""

    def __init__(self, state: OneAlert) -> None:
        super().__init__(state)
        self._alerts = state

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        slots = np.flatnonzero(self._alerts.raised_at != NEVER).tolist()
        return [OpenSlot(slot, None, int(self._alerts.raised_at[slot])) for slot in slots]

    def adopt(self, open_slot: OpenSlot) -> None:
        """See Watch."""
        self._alerts.raised_at[open_slot.slot] = open_slot.onset
