"""What goes wrong in a scenario, as a pure function of the time since its start."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["fault", "silent", "window_open", "sensor_open", "frozen"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to some units from `begin` until `end` (ms after the start; None = for good).

    `detail` is the fault's kind or `kind:vendor_code`, or the point whose sensor is open; `strength` the extra
    heat loss of an open window in W/K.
    """

    effect: Effect
    units: tuple[int, ...]
    begin: int
    end: int | None
    detail: str = ""
    strength: float = 0.0

    def active(self, elapsed: int) -> bool:
        """Whether it is going on `elapsed` milliseconds after the start."""
        return self.begin <= elapsed and (self.end is None or elapsed < self.end)


@dataclass(slots=True)
class Effects:
    """What is going on with each unit (by index from 0) at one moment."""

    faults: dict[int, tuple[str, ...]] = field(default_factory=dict)
    broken: dict[int, frozenset[str]] = field(default_factory=dict)
    window_w_k: dict[int, float] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    frozen: set[int] = field(default_factory=set)


def effects(events: Sequence[Event], elapsed: int) -> Effects:
    """Everything active `elapsed` milliseconds after the start."""
    now = Effects()
    for event in events:
        if event.active(elapsed):
            for unit in event.units:
                _add(now, event, unit)
    return now


def _add(now: Effects, event: Event, unit: int) -> None:
    match event.effect:
        case "fault":
            now.faults[unit] = (*now.faults.get(unit, ()), event.detail)
        case "sensor_open":
            now.broken[unit] = now.broken.get(unit, frozenset()) | {event.detail}
        case "window_open":
            now.window_w_k[unit] = now.window_w_k.get(unit, 0.0) + event.strength
        case "silent":
            now.silent.add(unit)
        case "frozen":
            now.frozen.add(unit)
