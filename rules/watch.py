"""What the engine asks of a rule over readings: a watch that holds the rule's state for the whole fleet."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from rules.batch import Batch
from rules.codes import Codes
from rules.columns import Ints
from rules.rule import Rule, Texts
from rules.transition import EdgeKind
from wire.messages import Priority

Snapshot = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition before it has words: the device is still a slot. Times are event time, UTC ms."""

    slot: int
    edge: EdgeKind
    onset: int
    at: int
    reason: str
    priority: Priority
    value: float | None = None
    limit: float | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An alert a watch holds open, by slot; `onset` in UTC ms."""

    slot: int
    code: str | None
    onset: int


class Watch(Protocol):
    """One rule at work on all devices. State is arrays by device slot."""

    def resize(self, capacity: int) -> None:
        """Make room for `capacity` slots; what is held stays."""

    def step(self, batch: Batch) -> list[Edge]:
        """Judge one batch: at most one reading per device, each newer than all before."""

    def open_episodes(self) -> list[OpenEpisode]:
        """The alerts this watch holds open."""

    def adopt(self, episode: OpenEpisode) -> None:
        """Hold an alert open that was raised before this watch began; the next readings decide."""

    def snapshot(self, count: int) -> Snapshot:
        """Copies of the state of the first `count` slots."""

    def restore(self, saved: Mapping[str, np.ndarray], slots: Ints) -> None:
        """Take back a snapshot whose row i now lives at `slots[i]`; one of another shape is ignored."""


@dataclass(frozen=True, kw_only=True)
class DeviceRule(Rule, ABC):
    """A rule judged on the readings of each device."""

    placeholders: ClassVar[frozenset[str]] = frozenset({"device", "value", "limit", "minutes"})

    @property
    def points(self) -> tuple[str, ...]:
        """The points this rule looks at."""
        return ()

    @abstractmethod
    def watch(self, codes: Codes) -> Watch:
        """A new watch of this rule, over no devices yet; `codes` numbers the fault codes of its batches."""

    def words(self, edge: Edge, device: str) -> dict[str, str]:
        """The sentences for `edge` of `device`, by language; `{minutes}` counts from onset to now."""
        templates: Texts = self.cleared if edge.edge == "clear" else self.text
        blanks = {
            "device": device,
            "value": "" if edge.value is None else f"{edge.value:.1f}",
            "limit": "" if edge.limit is None else f"{edge.limit:g}",
            "minutes": (edge.at - edge.onset) // 60_000,
        }
        return {name: text.format(**blanks, **self.more_words(edge, name)) for name, text in templates.items()}

    def more_words(self, edge: Edge, language: str) -> dict[str, str]:
        """What else the placeholders of this kind stand for."""
        return {}
