"""The points a heat pump can report, with unit and plausible range (contract §4).

A value outside the plausible range of its point is physically impossible on a low-ambient
air-to-water unit. It is dropped, and the point is listed in `bad` (reliability §3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Final, Literal, get_args

State = Literal["off", "standby", "heating", "defrost", "cooling", "hot_water"]
STATES: Final[tuple[str, ...]] = get_args(State)

FaultKind = Literal[
    "water_flow",
    "high_pressure",
    "low_pressure",
    "discharge_high",
    "phase",
    "voltage",
    "overcurrent",
    "inverter",
    "fan",
    "sensor",
    "comm_internal",
    "freeze_protect",
    "delta_t",
    "low_ambient_stop",
    "lockout",
    "other",
]
FAULT_KINDS: Final[frozenset[str]] = frozenset(get_args(FaultKind))


@dataclass(frozen=True, slots=True)
class Point:
    """One measured quantity: its name, its unit, and the closed range of plausible values."""

    name: str
    unit: str
    low: float
    high: float

    def plausible(self, value: float) -> bool:
        """Whether `value`, in this point's unit, is finite and inside the plausible range."""
        return isfinite(value) and self.low <= value <= self.high


# Outdoor, water and voltage ranges are those of reliability §3. The others are engineering bounds
# well outside the values of physics §20.2 and of the register maps: only nonsense is dropped.
_POINTS: Final = (
    Point("supply_c", "°C", -30, 95),
    Point("return_c", "°C", -30, 95),
    Point("outdoor_c", "°C", -60, 60),
    Point("room_c", "°C", -40, 60),
    Point("setpoint_c", "°C", 0, 95),
    Point("discharge_c", "°C", -60, 180),
    Point("suction_c", "°C", -70, 80),
    Point("coil_c", "°C", -70, 90),
    Point("tank_c", "°C", -30, 95),
    Point("power_w", "W", 0, 60_000),
    Point("heat_w", "W", -60_000, 120_000),
    Point("energy_kwh", "kWh", 0, 42_949_673),
    Point("heat_kwh", "kWh", 0, 42_949_673),
    Point("voltage_v", "V", 0, 500),
    Point("current_a", "A", 0, 200),
    Point("aux_heater", "0/1", 0, 1),
    Point("pump", "0/1", 0, 1),
    Point("four_way", "0/1", 0, 1),
    Point("compressor_hz", "Hz", 0, 200),
    Point("fan_rpm", "rpm", 0, 3_000),
    Point("flow_lpm", "L/min", 0, 500),
    Point("high_bar", "bar", -1, 60),
    Point("low_bar", "bar", -1, 40),
    Point("exv_steps", "steps", 0, 4_000),
    Point("frequency_limit", "code", 0, 65_535),
    # Settings: heating time before a defrost, longest defrost, lowest outdoor temperature for
    # heating.
    Point("defrost_interval_min", "min", 1, 600),
    Point("defrost_max_min", "min", 1, 120),
    Point("low_ambient_cutoff_c", "°C", -60, 30),
)

POINTS: Final[Mapping[str, Point]] = MappingProxyType({point.name: point for point in _POINTS})
POINT_NAMES: Final[tuple[str, ...]] = tuple(POINTS)
