"""What the sensors and counters of a fleet show, as columns of the canonical points (CONTRACT §4)."""

from typing import Final

import numpy as np

from simulators.physics import grid, heat_pump
from simulators.physics.arrays import Floats
from simulators.physics.fleet import Fleet, FleetState, return_c, supply_c
from simulators.physics.refrigerant import saturation_bar
from simulators.physics.weather import Conditions

FAN_RPM: Final = (300.0, 765.0)  # at 0 and 90 Hz: 450 rpm at 29 Hz in profile-midea-mthermal.md
EXV_STEPS: Final = (10.0, 230.0)  # 80 at 29 Hz in the same sample
TANK_C: Final = 48.0  # a domestic tank kept warm by its own heater


def measure(fleet: Fleet, state: FleetState, weather: Conditions, now: int) -> dict[str, Floats]:
    """One column per point, in the point's unit and unrounded, at UTC milliseconds `now`."""
    outdoor = np.full_like(state.hz, weather.outdoor_c)
    supply, back = supply_c(fleet, state), return_c(fleet, state)
    voltage = grid.voltage_v(now, state.power_w)
    return {
        "supply_c": supply,
        "return_c": back,
        "outdoor_c": outdoor,
        "room_c": state.temperatures.room_c,
        "setpoint_c": state.supply_limit_c,
        "tank_c": np.full_like(outdoor, TANK_C),
        "coil_c": state.coil_c,
        "compressor_hz": state.hz,
        "power_w": state.power_w,
        "heat_w": state.heat_w,
        "energy_kwh": state.energy_j / 3.6e6,
        "heat_kwh": state.heat_j / 3.6e6,
        "voltage_v": voltage,
        "current_a": state.power_w / (voltage * heat_pump.POWER_FACTOR),
        "flow_lpm": fleet.machines.flow_kg_s * 60.0,
        "pump": np.ones_like(outdoor),
        "aux_heater": np.zeros_like(outdoor),
        "four_way": (state.running & ~state.defrosting).astype(float),  # energised to heat, physics.md §20.3
        **_refrigerant(state, outdoor, supply, back),
    }


def _refrigerant(state: FleetState, outdoor: Floats, supply: Floats, back: Floats) -> dict[str, Floats]:
    """Refrigerant-side points: working ones while the compressor runs, equalised ones while it stands."""
    running = state.running
    load = state.hz / heat_pump.MAX_HZ
    condensing, evaporating = heat_pump.condensing_c(supply), heat_pump.evaporating_c(outdoor)
    # While reversed, the coil condenses and the water evaporates (physics.md §20.3 "cycle shape").
    high = np.where(state.defrosting, np.maximum(state.coil_c, 0.0) + 10.0, condensing)
    low = np.where(state.defrosting, back - 45.0, evaporating)
    spread = np.where(state.defrosting, 0.0, load)
    return {
        "discharge_c": np.where(running, heat_pump.discharge_c(outdoor, supply), supply),
        "suction_c": np.where(running, low + 4.0, outdoor),
        "high_bar": saturation_bar(np.where(running, high, outdoor)),
        "low_bar": saturation_bar(np.where(running, low, outdoor)),
        "fan_rpm": np.where(running & ~state.defrosting, FAN_RPM[0] + (FAN_RPM[1] - FAN_RPM[0]) * spread, 0.0),
        "exv_steps": np.where(running, EXV_STEPS[0] + (EXV_STEPS[1] - EXV_STEPS[0]) * load, 0.0),
        "frequency_limit": np.zeros_like(outdoor),
    }
