"""The state of a fleet, and its state at the start."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.arrays import Flags, Floats
from simulators.physics.fleet import house
from simulators.physics.fleet.equipment import SimulatedFleet
from simulators.physics.machine import control, frost, heat_pump
from simulators.physics.machine.protection import Protection, untripped

RADIATOR_SET_C: Final = 48.0  # mean water of 45 °C at full load, their design (physics §20.5)
FLOOR_SET_C: Final = 36.0  # mean water of 33 °C


@dataclass(frozen=True, slots=True)
class FleetState:
    """The state, one element per unit.

    Temperatures are in °C, powers W, energies J, times s, speed Hz, frost kg. `plate_c`: water in
    the unit, which follows the outdoor temperature without circulation. `supply_limit_c`: water
    set-point. `defrost_left_s`: 0 outside defrosts. `heat_j`: the count of a heat meter,
    without the heat that defrosts take back. `heated_s`, `defrosted_s` and `starts`: true sums.
    """

    temperatures: house.Temperatures
    plate_c: Floats
    called: Flags
    running: Flags
    defrost_left_s: Floats
    phase_s: Floats
    heating_s: Floats
    hz: Floats
    limit_hz: Floats
    limit_code: Floats
    frost_kg: Floats
    coil_c: Floats
    heat_w: Floats
    power_w: Floats
    aux_w: Floats
    flow_kg_s: Floats
    voltage_pu: Floats
    heat_j: Floats
    energy_j: Floats
    heated_s: Floats
    defrosted_s: Floats
    starts: Floats
    room_target_c: Floats
    supply_limit_c: Floats
    switched_on: Flags
    protection: Protection

    @property
    def defrosting(self) -> Flags:
        """Whether a unit shows a defrost."""
        return self.defrost_left_s > 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """The start: rooms and thermostats in °C, counters in kWh, frost over its trigger."""

    room_c: Floats
    room_target_c: Floats
    energy_kwh: Floats
    frosted: Floats


def at_rest(fleet: SimulatedFleet, start: Start, outdoor_c: float | Floats) -> FleetState:
    """A state of equilibrium: rooms at their start temperature, water warm, compressors running."""
    room_c, zeros = start.room_c, np.zeros_like(start.room_c)
    outside = np.full_like(room_c, outdoor_c)
    set_c = np.where(fleet.houses.design_k == house.FLOOR_DESIGN_K, FLOOR_SET_C, RADIATOR_SET_C)
    hz, heat = _holding(fleet, room_c, outside, set_c)
    yes = np.ones(len(room_c), bool)
    water = set_c - heat / (2.0 * fleet.machines.flow_kg_s * house.WATER_J_KG_K)
    return FleetState(
        temperatures=house.Temperatures(room_c, fleet.houses.mass_at_rest(room_c, outside), water),
        plate_c=water,
        called=yes,
        running=hz > 0.0,
        defrost_left_s=zeros,
        phase_s=zeros + control.MINIMUM_RUN_S,
        heating_s=frost.MINIMUM_HEATING_S * start.frosted,
        hz=hz,
        limit_hz=zeros + heat_pump.MAX_HZ,
        limit_code=zeros,
        frost_kg=frost.TRIGGER_KG * fleet.machines.size * start.frosted,
        coil_c=np.where(hz > 0.0, outside - 7.0, outside),
        heat_w=heat,
        power_w=heat_pump.idle_w(outside, yes) + heat / heat_pump.full_load_cop(outside, set_c),
        aux_w=zeros,
        flow_kg_s=fleet.machines.flow_kg_s,
        voltage_pu=zeros + 1.0,
        heat_j=start.energy_kwh * 2.8 * 3.6e6,  # season COP near 2.7–3.3, physics §20.1 and §20.5
        energy_j=start.energy_kwh * 3.6e6,
        heated_s=zeros,
        defrosted_s=zeros,
        starts=zeros,
        room_target_c=start.room_target_c,
        supply_limit_c=set_c,
        switched_on=yes,
        protection=untripped(len(room_c)),
    )


def _holding(
    fleet: SimulatedFleet, room_c: Floats, outdoor_c: Floats, supply_c: Floats
) -> tuple[Floats, Floats]:
    """Speed (Hz) and heat (W) that hold the rooms; 0 below the lowest continuous output."""
    load_w = np.maximum(fleet.houses.loss * (room_c - outdoor_c) - house.GAIN_W, 0.0)
    available_w = fleet.machines.nominal_w * heat_pump.capacity_fraction(outdoor_c, supply_c)
    hz = np.minimum(heat_pump.MAX_HZ * load_w / available_w, heat_pump.MAX_HZ)
    runs = hz >= heat_pump.MIN_HZ
    return hz * runs, np.minimum(load_w, available_w) * runs


def supply_c(state: FleetState) -> Floats:
    """Water from the unit to the house, °C; below the return while defrosting."""
    return state.plate_c + 0.5 * spread_k(state)


def return_c(state: FleetState) -> Floats:
    """Water from the house to the unit, °C."""
    return state.plate_c - 0.5 * spread_k(state)


def spread_k(state: FleetState) -> Floats:
    """Supply over return, K."""
    flow = np.maximum(state.flow_kg_s, LEAST_FLOW_KG_S)
    return (state.heat_w + state.aux_w) / (house.WATER_J_KG_K * flow)


# A thermosiphon through the plate; limits the spread when the pump stops.
LEAST_FLOW_KG_S: Final = 0.02
