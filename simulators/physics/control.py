"""What a unit's controller wants of its compressor: follow the room, modulate, cycle when the demand is small."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats
from simulators.physics.heat_pump import MAX_HZ, MIN_HZ

ROOM_GAIN: Final = 8.0  # extra heat per kelvin of room error, in multiples of the house's loss per kelvin
MINIMUM_RUN_S: Final = 300.0  # physics.md §20.1
MINIMUM_STOP_S: Final = 240.0  # 3–5 min, physics.md §20.1
STOP_BELOW: Final = 0.7  # of the lowest speed: the band in which a running unit idles along instead of stopping
WATER_BAND_K: Final = 3.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What the controller sees: heat asked for and available at full speed (W), supply water and its limit (°C)."""

    heat_w: Floats
    available_w: Floats
    supply_c: Floats
    supply_limit_c: Floats
    enabled: Flags


def heat_demand_w(loss_w_k: Floats, room_c: Floats, target_c: Floats, outdoor_c: Floats, gain_w: Floats) -> Floats:
    """Heat that holds `target_c`, plus a proportional correction of the present error, W; never negative."""
    steady = loss_w_k * (target_c - outdoor_c) - gain_w
    return np.maximum(steady + ROOM_GAIN * loss_w_k * (target_c - room_c), 0.0)


def runs(demand: Demand, running: Flags, phase_s: Floats) -> Flags:
    """Whether the compressor runs next; `phase_s` is the time since it last started or stopped."""
    hz = MAX_HZ * demand.heat_w / demand.available_w
    too_hot = demand.supply_c > demand.supply_limit_c + WATER_BAND_K
    stays = (hz >= STOP_BELOW * MIN_HZ) & ~too_hot | (phase_s < MINIMUM_RUN_S)
    starts = (hz >= MIN_HZ) & (demand.supply_c < demand.supply_limit_c) & (phase_s >= MINIMUM_STOP_S)
    return demand.enabled & np.where(running, stays, starts)


def target_hz(demand: Demand, running: Flags) -> Floats:
    """Compressor speed asked for, Hz; throttled as the supply water nears its limit."""
    hz = np.clip(MAX_HZ * demand.heat_w / demand.available_w, MIN_HZ, MAX_HZ)
    near = np.clip((demand.supply_limit_c + WATER_BAND_K - demand.supply_c) / WATER_BAND_K, 0.0, 1.0)
    return np.where(running, MIN_HZ + (hz - MIN_HZ) * near, 0.0)
