"""What goes wrong in a scenario, as a pure function of the time since its start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

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
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

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
"""What `strength` means for a cause, and what it is where a scenario names none."""

POINTED: Final[frozenset[Cause]] = frozenset(
    {"sensor_open", "sensor_short", "sensor_drift", "sensor_stuck"}
)
"""The causes that strike one sensor; their `detail` is its point."""

WIDE: Final[Mapping[Cause, Literal["gateway", "village"]]] = {
    "gateway_death": "gateway",
    "village_outage": "village",
}
"""The causes that strike everything below a gateway or in a village."""

SILENT: Final[frozenset[Cause]] = frozenset(
    {"communication_loss", "gateway_death", "power_cut", "village_outage"}
)
"""The causes during which a unit is not heard."""

_ENDLESS_RAMP_MS: Final = (
    30 * DAY_MS
)  # how long a leak without an end takes to develop: "over weeks", physics §20.7


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to some units from `begin` until `end` (ms after the start; None = for
    good).

    `detail` is the fault's kind or `kind:vendor_code`, or the point of the sensor; `strength` as in
    STRENGTHS.
    """

    cause: Cause
    units: tuple[int, ...]
    begin: int
    end: int | None
    detail: str = ""
    strength: float = 0.0

    def active(self, elapsed: int) -> bool:
        """Whether it is going on `elapsed` milliseconds after the start."""
        return self.begin <= elapsed and (self.end is None or elapsed < self.end)

    def strength_at(self, elapsed: int) -> float:
        """Its strength now: a leak empties the unit evenly over its time, a drift grows by so much
        a day."""
        since = elapsed - self.begin
        if self.cause == "leak":
            lasts = _ENDLESS_RAMP_MS if self.end is None else self.end - self.begin
            return 1.0 + (self.strength - 1.0) * min(since / lasts, 1.0)
        return self.strength * since / DAY_MS if self.cause == "sensor_drift" else self.strength

    @property
    def grows(self) -> bool:
        """Whether its strength changes while it lasts."""
        return self.cause in ("leak", "sensor_drift")


@dataclass(slots=True)
class Effects:
    """What is going on with each unit (by index from 0) at one moment.

    `physical` holds, by cause, the strength at each unit; `drift_k` how far a unit's sensors are
    off, by point; `stuck` are those that show what they showed when it began.
    """

    faults: dict[int, tuple[str, ...]] = field(default_factory=dict)
    physical: dict[Cause, dict[int, float]] = field(default_factory=dict)
    broken: dict[int, frozenset[str]] = field(default_factory=dict)
    drift_k: dict[int, dict[str, float]] = field(default_factory=dict)
    stuck: dict[int, frozenset[str]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    frozen: set[int] = field(default_factory=set)


def effects(events: Sequence[Event], elapsed: int) -> Effects:
    """Everything active `elapsed` milliseconds after the start."""
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
