"""Events of a scenario: faults and their causes, as a pure function of the time since its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from wire.units import DAY_MS

Cause = Literal[
    "fault",
    "leak",
    "flow_loss",
    "fan_failure",
    "four_way_stuck",
    "missed_defrost",
    "over_defrost",
    "phase_loss",
    "under_voltage",
    "heater_stuck",
    "coal",
    "window_open",
    "switched_off",
    "power_cut",
    "village_outage",
    "gateway_death",
    "communication_loss",
    "frozen_values",
    "sensor_open",
    "sensor_short",
    "sensor_drift",
    "sensor_stuck",
]

STRENGTHS: Final[Mapping[Cause, float]] = {
    "leak": 0.6,  # refrigerant charge left at the end (physics §20.7: 100 → 60 % over weeks)
    "flow_loss": 0.0,  # water flow left (physics §20.7: flow → 0)
    "fan_failure": 0.0,  # air flow left (physics §20.7: airflow → 0)
    "four_way_stuck": 1.0,  # 1 never reverses, 2 stays reversed (physics §20.7)
    "under_voltage": 0.80,  # of the nominal voltage (physics §20.7)
    "heater_stuck": 3_000.0,  # W (physics §20.7: +3/6 kW)
    # W of a coal stove, about the load of an uninsulated house at 5 °C (physics §20.5)
    "coal": 6_000.0,
    "window_open": 4_000.0,  # W/K
    "sensor_drift": 0.1,  # K per day (physics §20.7)
}
"""The meaning of `strength` for each cause, and its default."""

POINTED: Final[frozenset[Cause]] = frozenset(
    {"sensor_open", "sensor_short", "sensor_drift", "sensor_stuck"}
)
"""The causes that affect one sensor; their `detail` is its point."""

WIDE: Final[Mapping[Cause, Literal["gateway", "village"]]] = {
    "gateway_death": "gateway",
    "village_outage": "village",
}
"""The causes that affect every unit of a gateway or a village."""

SILENT: Final[frozenset[Cause]] = frozenset(
    {"communication_loss", "gateway_death", "power_cut", "village_outage"}
)
"""The causes that silence a unit."""

# A leak without an end grows for this long: "over weeks", physics §20.7.
_ENDLESS_RAMP_MS: Final = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class Event:
    """One event at some units, from `begin` until `end` (ms after the start; None = for good).

    `detail` is the kind or `kind:vendor_code` of a fault, or the point of a sensor; `strength` as
    in STRENGTHS.
    """

    cause: Cause
    units: tuple[int, ...]
    begin: int
    end: int | None
    detail: str = ""
    strength: float = 0.0

    def __post_init__(self) -> None:
        assert self.units, "an event without units would never be scored"
        assert self.end is None or self.begin <= self.end, "an event ends before it begins"

    @property
    def kind(self) -> str:
        """The class that the event is counted under: the fault kind, or the cause."""
        return self.detail.partition(":")[0] if self.cause == "fault" else self.cause

    def active(self, elapsed: int) -> bool:
        """Whether the event is active `elapsed` milliseconds after the start."""
        return self.begin <= elapsed and (self.end is None or elapsed < self.end)

    def strength_at(self, elapsed: int) -> float:
        """The strength `elapsed` milliseconds after the start.

        A leak empties the unit evenly over its duration; a drift grows by the same amount every
        day.
        """
        since = elapsed - self.begin
        if self.cause == "leak":
            lasts = _ENDLESS_RAMP_MS if self.end is None else self.end - self.begin
            return 1.0 + (self.strength - 1.0) * min(since / lasts, 1.0)
        if self.cause == "sensor_drift":
            return self.strength * since / DAY_MS
        return self.strength

    @property
    def grows(self) -> bool:
        """Whether the strength changes with time."""
        return self.cause in ("leak", "sensor_drift")


@dataclass(slots=True)
class Effects:
    """The effects of the active events at one moment, by index of the unit from 0.

    `physical`: strength by cause and unit. `drift_k`: error of sensors by unit and point. `stuck`:
    sensors that keep the value they had when the event began.
    """

    faults: dict[int, tuple[str, ...]] = field(default_factory=dict)
    physical: dict[Cause, dict[int, float]] = field(default_factory=dict)
    broken: dict[int, frozenset[str]] = field(default_factory=dict)
    drift_k: dict[int, dict[str, float]] = field(default_factory=dict)
    stuck: dict[int, frozenset[str]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    frozen: set[int] = field(default_factory=set)


def effects(events: Sequence[Event], elapsed: int) -> Effects:
    """The effects of everything active `elapsed` milliseconds after the start."""
    now = Effects()
    for event in events:
        if event.active(elapsed):
            strength = event.strength_at(elapsed)
            for unit in event.units:
                _add(now, event, unit, strength)
    return now


def _add(now: Effects, event: Event, unit: int, strength: float) -> None:
    if event.cause == "fault":
        now.faults[unit] = (*now.faults.get(unit, ()), event.detail)
    elif event.cause in ("sensor_open", "sensor_short"):
        now.broken[unit] = now.broken.get(unit, frozenset()) | {event.detail}
    elif event.cause == "sensor_drift":
        now.drift_k.setdefault(unit, {})[event.detail] = strength
    elif event.cause == "sensor_stuck":
        now.stuck[unit] = now.stuck.get(unit, frozenset()) | {event.detail}
    elif event.cause == "frozen_values":
        now.frozen.add(unit)
    else:
        now.physical.setdefault(event.cause, {})[unit] = strength
    if event.cause in SILENT:
        now.silent.add(unit)
