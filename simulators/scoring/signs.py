"""The alerts of each class of causes: which detect it, which it explains, and which are false.

A *sign* is the id of a rule, or `fault:KIND` for a code of that kind. Consider an alert on the
subject of a truth, or on a part of it such as a device of a village. Raised between the onset of
the truth and its end plus `linger_ms`, the alert is

- a **detection** if its sign is among `detects`: for a hard fault the unit's own code of that kind,
  for a drift the rule made for it;
- **explained** if its sign is among `explains`: a side effect of the cause, such as a room that
  cools while its unit stands. It is not false, and it does not detect anything;
- **false** if no truth detects or explains it. A false alert counts against the first class in this
  table that its sign detects.

Each alert counts as one ticket. Nothing else excuses an alert: an alert on a neighbour, or one
raised before the onset, is false.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wire.points import FAULT_KINDS
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one class.

    `hard`: the unit or the network reports it at once; otherwise it is a drift that must be
    inferred. `linger_ms`: time after the end in which its alerts may still come. `shortest_ms`: a
    cause visible for less demands no alert. `needs`: points without which it cannot be noticed; a
    brand that lacks one demands no alert either. `runs_ms`: it shows only while the compressor
    heats, and demands no alert after less heating than this. `ran_at_onset`: the compressor must
    have run at the onset too. `on_frost`: only heating on a coil that a healthy unit would have
    defrosted counts. In dry air no defrost is missed, and no valve has to reverse (physics §20.3).
    """

    detects: tuple[str, ...]
    explains: tuple[str, ...] = ()
    hard: bool = False
    linger_ms: int = 2 * HOUR_MS
    shortest_ms: int = 0
    needs: tuple[str, ...] = ()
    runs_ms: int = 0
    ran_at_onset: bool = False
    on_frost: bool = False


# Brands whose fault numbers have no known kind show `other` for any protection.

# A unit that stands: its room and its water cool (physics §20.5), and take half a day to recover.
_STANDS: Final = (
    "low_room_temperature",
    "room_cooling_fast",
    "freeze_risk",
    "fault:freeze_protect",
    "fault:lockout",
    "cold_start_failure",
    "undersized",
    "short_cycling",
    "fault:other",
)
# A unit that gives less heat than it should, or needs more electricity for it.
_WEAK: Final = (
    "low_room_temperature",
    "room_cooling_fast",
    "undersized",
    "low_cop",
    "suspected_leak",
    "cold_capacity",
    "cold_capacity_30",
    "cold_outlet",
    "valley_cap",
    "short_cycling",
)
_FROSTED: Final = ("defrost_share", "over_defrost", "missed_defrost", "fault:low_pressure")
_RECOVERS_MS: Final = 12 * HOUR_MS

# Rules that compare days with a baseline of weeks clear a day or more after the cause has gone.
_BASELINE_MS: Final = 3 * DAY_MS


def _trip(kind: str) -> Signs:
    """The signs of a unit that stops and shows the code of `kind`."""
    supply = ("supply_voltage", "voltage_trip_in_range") if kind in ("voltage", "phase") else ()
    return Signs(
        (f"fault:{kind}",),
        _STANDS + supply,
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=10 * MINUTE_MS,
    )


SIGNS: Final[Mapping[str, Signs]] = {
    **{kind: _trip(kind) for kind in sorted(FAULT_KINDS)},
    # Hard: the network or the unit reports it.
    "communication_loss": Signs(("device_offline",), hard=True, shortest_ms=25 * MINUTE_MS),
    "gateway_death": Signs(
        ("gateway_offline",), ("device_offline",), hard=True, shortest_ms=25 * MINUTE_MS
    ),
    "village_outage": Signs(
        ("village_outage",),
        ("gateway_offline", "device_offline", "supply_voltage", "fault:voltage", *_STANDS),
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=25 * MINUTE_MS,
    ),
    "power_cut": Signs(
        ("device_offline",), _STANDS, hard=True, linger_ms=_RECOVERS_MS, shortest_ms=25 * MINUTE_MS
    ),
    "flow_loss": Signs(
        ("fault:water_flow", "fault:delta_t", "fault:high_pressure", "water_flow", "fault:other"),
        (*_STANDS, *_WEAK),
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=HOUR_MS,
    ),
    "fan_failure": Signs(
        ("fan_stopped", "fault:fan", "fault:low_pressure", "fault:other"),
        (*_STANDS, *_WEAK, *_FROSTED),
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=HOUR_MS,
        needs=("fan_rpm",),  # without it only a trip shows it, which may not come in dry cold
        runs_ms=MINUTE_MS,
    ),
    "phase_loss": Signs(
        ("fault:phase", "fault:other"),
        (*_STANDS, "supply_voltage"),
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=10 * MINUTE_MS,
    ),
    "under_voltage": Signs(
        ("supply_voltage", "fault:voltage", "fault:other"),
        (*_STANDS, *_WEAK, "voltage_trip_in_range"),
        hard=True,
        linger_ms=_RECOVERS_MS,
        shortest_ms=HOUR_MS,
        needs=("voltage_v",),
    ),
    "sensor_open": Signs(("sensor_bad", "fault:sensor"), hard=True, shortest_ms=6 * HOUR_MS),
    "sensor_short": Signs(("sensor_bad", "fault:sensor"), hard=True, shortest_ms=6 * HOUR_MS),
    # Drifts: only inference detects them.
    "leak": Signs(
        ("suspected_leak", "low_cop", "fault:low_pressure"),
        (*_WEAK, *_FROSTED, *_STANDS, "fault:discharge_high"),
        linger_ms=_BASELINE_MS,
        shortest_ms=14 * DAY_MS,
        needs=("exv_steps", "discharge_c"),
    ),
    "heater_stuck": Signs(
        ("aux_heater_stuck",),
        ("low_cop", "valley_cap", "short_cycling"),
        linger_ms=_BASELINE_MS,
        shortest_ms=DAY_MS,
        needs=("aux_heater",),
    ),
    "missed_defrost": Signs(
        ("missed_defrost", "fault:low_pressure"),
        (*_WEAK, *_STANDS),
        linger_ms=_BASELINE_MS,
        shortest_ms=DAY_MS,
        runs_ms=12 * HOUR_MS,
        on_frost=True,
    ),
    "over_defrost": Signs(
        ("over_defrost", "defrost_share"),
        (*_WEAK, "missed_defrost"),
        linger_ms=_BASELINE_MS,
        shortest_ms=DAY_MS,
        runs_ms=12 * HOUR_MS,
    ),
    "four_way_stuck": Signs(
        ("missed_defrost", "fault:low_pressure", "low_cop", "fault:other"),
        (*_WEAK, *_STANDS, *_FROSTED, "water_flow"),
        linger_ms=_BASELINE_MS,
        shortest_ms=DAY_MS,
        runs_ms=6 * HOUR_MS,
        on_frost=True,
    ),
    "frozen_values": Signs(
        ("sensor_frozen",),
        (*_STANDS, *_WEAK, *_FROSTED, "supply_voltage", "water_flow"),
        shortest_ms=DAY_MS,
        ran_at_onset=True,
    ),
    "sensor_drift": Signs(
        ("sensor_drift", "implausible_heat"),
        (
            *_STANDS,
            *_WEAK,
            *_FROSTED,
            "sensor_bad",
            "water_flow",
            "suspected_coal",
            "aux_heater_stuck",
        ),
        linger_ms=_BASELINE_MS,
        shortest_ms=WEEK_MS,
    ),
    "sensor_stuck": Signs(
        ("sensor_stuck",),
        (
            *(*_STANDS, *_WEAK, *_FROSTED),
            *(
                "sensor_drift",
                "implausible_heat",
                "water_flow",
                "suspected_coal",
                "aux_heater_stuck",
            ),
        ),
        linger_ms=_BASELINE_MS,
        shortest_ms=3 * DAY_MS,
    ),
    "coal": Signs(
        ("suspected_coal",),
        (*_STANDS, "low_cop", "sensor_frozen"),
        linger_ms=_RECOVERS_MS,
        shortest_ms=3 * DAY_MS,
        needs=("room_c",),  # "room warm while HP off", requirements R12
    ),
    # Acts of a household: they explain alerts and are no faults.
    "window_open": Signs((), (*_STANDS, *_WEAK), linger_ms=_RECOVERS_MS),
    "switched_off": Signs(
        (), (*_STANDS, "suspected_coal", "sensor_frozen"), linger_ms=_RECOVERS_MS
    ),
    # Natural conditions, computed from the physics (simulators/season/nature.py).
    "low_room": Signs(("low_room_temperature",), ("room_cooling_fast", "undersized"), hard=True),
    "near_freezing": Signs(("freeze_risk", "fault:freeze_protect"), hard=True),
    "heavy_defrost": Signs(("defrost_share",), ("over_defrost",), linger_ms=DAY_MS),
    "low_voltage": Signs(("supply_voltage",), ("fault:voltage",), hard=True),
    "undersized": Signs(
        ("undersized",),
        ("low_room_temperature", "room_cooling_fast", "cold_capacity"),
        linger_ms=DAY_MS,
    ),
    "weak_in_cold": Signs(("cold_capacity", "cold_capacity_30"), linger_ms=WEEK_MS),
    "valley_use": Signs(("valley_cap",), needs=("energy_kwh",)),
}

UNINFERRED: Final = "no_class"
"""The class of a false alert whose sign no class detects."""


def home_of(sign: str) -> str:
    """The class that a false alert of `sign` counts against."""
    return next((kind for kind, signs in SIGNS.items() if sign in signs.detects), UNINFERRED)
