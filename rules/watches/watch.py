"""What the engine asks of a rule over readings: a watch that holds the rule's state for the whole
fleet.

A watch gets one row per device and only rows that the rule applies to (`rules.document.conditions`). How it
stays cheap when the whole fleet passes, 57,000 rows at a time, at 20 ns per reading:

- Columns come from `batch.quantities[name]`, which computes and takes each but once for all rules; a watch makes as
  few whole-fleet passes as it can. Every comparison or gather over all rows costs about half a nanosecond per reading.
- First find the rows that need a closer look (beyond the limit, or with something pending: `np.flatnonzero`), and do
  everything else on those few alone. Healthy devices are neither gathered nor scattered.
- What accumulates over time is added up per reading and judged at the turn of an hour or a cycle only.
- State is small: int32 seconds or float32 where that is exact enough, hourly sums instead of rings of readings, and
  what few devices have (something pending or active) in `rules.watches.sparse`; all rules together may take 1 kB per device.
- A gap is a matter of `batch.previous_at` or of the last time the quantity was known, never of the row's absence.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, Self

import numpy as np

from rules.document.conditions import Applies, applies
from rules.document.rule import Problem, Rule, RuleErrors, Texts, key
from rules.readings.batch import Batch
from rules.readings.codes import Codes
from rules.readings.columns import NEVER, Columns, Ints, column
from rules.readings.quantities import points_for
from rules.transitions.transition import EdgeKind
from wire.messages import Priority

Snapshot = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition before it has words: the device is still a slot. Times are event time, UTC ms.

    `details` are further numbers for the sentences of the rule's kind; `first_out` is the code that
    came first where this one follows another.
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
    """An alert a watch holds open, by slot; `onset` in UTC ms."""

    slot: int
    code: str | None
    onset: int


class Watch(Protocol):
    """One rule at work on all devices. State is by device slot."""

    def resize(self, capacity: int) -> None:
        """Make room for `capacity` slots; what is held stays."""

    def step(self, batch: Batch) -> list[Edge]:
        """Judge the rows that the rule applies to: at most one reading per device, each newer than
        all before."""

    def open_slots(self) -> list[OpenSlot]:
        """The alerts this watch holds open."""

    def adopt(self, episode: OpenSlot) -> None:
        """Hold an alert open that was raised before this watch began; the next readings decide."""

    def forget(self, slots: Ints) -> None:
        """Drop all that is held of these slots, open alerts too; they may be given to other
        devices."""

    def snapshot(self, count: int) -> Snapshot:
        """Copies of the state of the first `count` slots."""

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Take back a snapshot whose row i now lives at `slots[i]`; one of another shape is
        ignored."""


class ColumnsWatch:
    """A watch whose whole state is columns; what remains to write is `step`, `open_slots` and
    `adopt`."""

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
    """The state of a rule that has at most one alert a device."""

    raised_at: Ints = column(np.int64, NEVER)  # onset while active


class OneAlertWatch(ColumnsWatch):
    """A watch whose whole state is such columns; what remains to write is `step`."""

    def __init__(self, state: OneAlert) -> None:
        super().__init__(state)
        self._alerts = state

    def open_slots(self) -> list[OpenSlot]:
        """See Watch."""
        slots = np.flatnonzero(self._alerts.raised_at != NEVER).tolist()
        return [OpenSlot(slot, None, int(self._alerts.raised_at[slot])) for slot in slots]

    def adopt(self, episode: OpenSlot) -> None:
        """See Watch."""
        self._alerts.raised_at[episode.slot] = episode.onset


Changes = tuple[tuple[str, object], ...]


def changes(value: object) -> Changes:
    """A table of keys of the rule, read when the rule is changed."""
    if not isinstance(value, dict):
        raise ValueError("write a table of keys of this rule")
    return tuple(value.items())


@dataclass(frozen=True, kw_only=True)
class DeviceRule(Rule, ABC):
    """A rule judged on the readings of each device."""

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "value", "limit", "minutes"})
    applies: Applies = key(applies, Applies())
    extreme: Changes = key(changes, ())
    """Keys written anew while extreme cold is confirmed, as in `[rule.extreme]` (requirements
    R20)."""

    @property
    def hourly(self) -> bool:
        """Whether only each device's first reading in an hour is judged, which is enough for what
        takes days."""
        return False

    @property
    def quantities(self) -> tuple[str, ...]:
        """The points and derived quantities (`rules.readings.quantities`) this rule looks at, besides those
        of `applies`."""
        return ()

    @property
    def points(self) -> frozenset[str]:
        """The points that must be read for this rule."""
        return points_for(self.quantities) | self.applies.points

    def in_extreme_cold(self) -> Self:
        """This rule while extreme cold is confirmed; raises RuleErrors where `extreme` does not fit
        it."""
        return (
            replace(self, extreme=()).with_overrides(dict(self.extreme)) if self.extreme else self
        )

    def problems(self) -> list[Problem]:
        found = super().problems()
        if self.extreme:
            found += self._extreme_problems()
        return found

    def _extreme_problems(self) -> list[Problem]:
        """What is wrong with `extreme`, besides what is wrong anyway."""
        try:
            self.in_extreme_cold()
        except RuleErrors as error:
            anyway = replace(self, extreme=()).problems()
            return RuleErrors([one for one in error.problems if one not in anyway]).below("extreme")
        return []

    @abstractmethod
    def watch(self, codes: Codes) -> Watch:
        """A new watch of this rule, over no devices yet; `codes` numbers the fault codes of its
        batches."""

    def words(self, edge: Edge, device: str) -> dict[str, str]:
        """The sentences for `edge` of `device`, by language; `{minutes}` counts from onset to
        now."""
        templates: Texts = self.cleared if edge.edge == "clear" else self.text
        blanks = {
            "device": device,
            "value": "" if edge.value is None else f"{edge.value:.1f}",
            "limit": "" if edge.limit is None else f"{edge.limit:g}",
            "minutes": (edge.at - edge.onset) // 60_000,
        }
        return {
            name: text.format(**blanks, **self.more_words(edge, name))
            for name, text in templates.items()
        }

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        """What else the placeholders of this kind stand for."""
        return {}
