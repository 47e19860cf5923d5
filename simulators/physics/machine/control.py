"""The controller of a unit: it answers the call for heat, holds the water, and limits the speed."""

from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats
from simulators.physics.machine.heat_pump import MAX_HZ, MIN_HZ

MINIMUM_RUN_S: Final = 300.0  # physics §20.1
MINIMUM_STOP_S: Final = 240.0  # 3–5 min, physics §20.1
STOP_ABOVE_K: Final = 4.0  # over the water set-point
START_BELOW_K: Final = 5.0
CATCH_UP_S: Final = 600.0  # time in which the controller brings the water back to its set-point

CALL_ABOVE_K: Final = 1.0  # the room thermostat stops its call in a room this much too warm …
CALL_BELOW_K: Final = 0.4  # … and calls again in one only this much too warm

# Below this the water is raised, so that the radiators can still carry the load.
COLD_BELOW_C: Final = -12.0
RAISED_K_PER_K: Final = 0.6
WARMEST_C: Final = 55.0

LIMIT_BY_VOLTAGE, LIMIT_BY_PRESSURE = 1, 2
"""Codes of the point `frequency_limit`; 0 is no limit, 3 both."""


def calls(called: Flags, room_c: Floats, target_c: Floats) -> Flags:
    """Whether the room thermostat calls for heat."""
    over = room_c - target_c
    return np.where(called, over < CALL_ABOVE_K, over < CALL_BELOW_K)


def water_target_c(set_c: Floats, outdoor_c: Floats) -> Floats:
    """Target of the supply temperature, °C: the set-point, raised in deep cold."""
    raised_k = RAISED_K_PER_K * np.maximum(COLD_BELOW_C - outdoor_c, 0.0)
    raised = np.minimum(set_c + raised_k, WARMEST_C)
    return np.maximum(set_c, raised)


def runs(allowed: Flags, running: Flags, phase_s: Floats, over_k: Floats) -> Flags:
    """Whether the compressor runs next.

    `phase_s` is the time since it last started or stopped, `over_k` how far the supply is above its
    target.
    """
    stays = running & ((over_k < STOP_ABOVE_K) | (phase_s < MINIMUM_RUN_S))
    starts = ~running & (over_k < -START_BELOW_K) & (phase_s >= MINIMUM_STOP_S)
    return allowed & (stays | starts)


def wanted_hz(need_w: Floats, available_w: Floats, limit_hz: Floats) -> Floats:
    """Compressor speed in Hz that gives `need_w` if full speed gives `available_w`."""
    return np.minimum(np.maximum(MAX_HZ * need_w / available_w, MIN_HZ), limit_hz)


def limit(voltage_pu: Floats, condensing_c: Floats) -> tuple[Floats, Floats]:
    """Highest speed allowed in Hz, and the code of `frequency_limit`.

    Low voltage slows an inverter below 85 %, down to which it must run normally (requirements R4).
    A condensing temperature near the cut-out slows it too (physics §20.7 "Hz limited").
    """
    low, hot = voltage_pu < 0.85, condensing_c > 60.0
    if not (np.count_nonzero(low) or np.count_nonzero(hot)):
        return np.full_like(voltage_pu, MAX_HZ), np.zeros_like(voltage_pu)
    by_voltage = np.where(low, np.clip((voltage_pu - 0.70) / 0.15, 0.5, 1.0), 1.0)
    allowed = MAX_HZ * np.minimum(by_voltage, np.where(hot, 0.6, 1.0))
    return allowed, low * float(LIMIT_BY_VOLTAGE) + hot * float(LIMIT_BY_PRESSURE)
