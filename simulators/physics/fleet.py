"""A fleet of heat pumps in their houses, as a struct of arrays; `step` moves all of them on by some seconds."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators.physics import control, frost, heat_pump, house
from simulators.physics.arrays import Flags, Floats
from simulators.physics.disturbance import Disturbance
from simulators.physics.weather import Conditions

LONGEST_STEP_S: Final = 10.0  # far below the shortest time constant, the 15 min of the water circuit
FLOW_AT_5_K: Final = 5.0 * house.WATER_J_KG_K  # nominal heat warms the circulating water by 5 K
SIZES_W: Final = (7_000.0, 12_000.0, 16_000.0)  # 3, 5 and 6 HP, physics.md §20.1
MODEL_SIZE_W: Final = 7_000.0
SUPPLY_LIMIT_C: Final = 55.0
COIL_TIME_S: Final = 60.0
CLEAR_COIL_C: Final = 35.0  # where hot gas drives a coil without frost; the defrost ends on the way there


@dataclass(frozen=True, slots=True)
class Machines:
    """Nominal heat at −12/41 °C in W and water flow in kg/s, one element per unit."""

    nominal_w: Floats
    flow_kg_s: Floats

    @property
    def size(self) -> Floats:
        """Nominal heat over that of the unit the frost model was written for."""
        return self.nominal_w / MODEL_SIZE_W


@dataclass(frozen=True, slots=True)
class Fleet:
    """What does not change: houses and machines."""

    houses: house.Houses
    machines: Machines


@dataclass(frozen=True, slots=True)
class FleetState:
    """What changes, one element per unit. Temperatures °C, powers W, energies J, times s, speed Hz, frost kg."""

    temperatures: house.Temperatures
    running: Flags
    defrosting: Flags
    phase_s: Floats
    heating_s: Floats
    hz: Floats
    frost_kg: Floats
    coil_c: Floats
    heat_w: Floats
    power_w: Floats
    heat_j: Floats
    energy_j: Floats
    room_target_c: Floats
    supply_limit_c: Floats
    switched_on: Flags


def build_fleet(uninsulated: Flags, area: Floats) -> Fleet:
    """Houses and, for each, the smallest machine that holds 20 °C at −12 °C outdoors with a tenth to spare."""
    houses = house.build(uninsulated, area)
    design = 1.1 * (houses.loss * 32.0 - house.GAIN_W)
    nominal = np.select([design <= size for size in SIZES_W], SIZES_W, SIZES_W[-1])
    return Fleet(houses, Machines(nominal, nominal / FLOW_AT_5_K))


@dataclass(frozen=True, slots=True)
class Start:
    """How the units are found: rooms and thermostats in °C, electricity counters in kWh, frost over its trigger."""

    room_c: Floats
    room_target_c: Floats
    energy_kwh: Floats
    frosted: Floats


def at_rest(fleet: Fleet, start: Start, outdoor_c: float) -> FleetState:
    """Units whose rooms have long been at their starting temperature: water warm, compressors running along."""
    room_c = start.room_c
    outside = np.full_like(room_c, outdoor_c)
    load = np.maximum(fleet.houses.loss * (room_c - outside) - house.GAIN_W, 0.0)
    water = room_c + load / fleet.houses.radiator
    available = fleet.machines.nominal_w * heat_pump.capacity_fraction(outside, water)
    hz = heat_pump.MAX_HZ * load / available
    running = hz >= heat_pump.MIN_HZ
    zeros = np.zeros_like(room_c)
    state = FleetState(
        temperatures=house.Temperatures(room_c, fleet.houses.mass_at_rest(room_c, outside), water),
        running=running,
        defrosting=np.zeros(len(room_c), bool),
        phase_s=np.full_like(room_c, control.MINIMUM_RUN_S),
        heating_s=frost.MINIMUM_HEATING_S * start.frosted,
        hz=np.where(running, np.minimum(hz, heat_pump.MAX_HZ), 0.0),
        frost_kg=frost.TRIGGER_KG * fleet.machines.size * start.frosted,
        coil_c=np.where(running, outside - 7.0, outside),
        heat_w=np.where(running, load, 0.0),
        power_w=zeros,
        heat_j=start.energy_kwh * 2.8 * 3.6e6,  # season COP near 2.7–3.3, physics.md §20.1 and §20.5
        energy_j=start.energy_kwh * 3.6e6,
        room_target_c=start.room_target_c,
        supply_limit_c=np.full_like(room_c, SUPPLY_LIMIT_C),
        switched_on=np.ones(len(room_c), bool),
    )
    return _power(fleet, state, outside)


def step(fleet: Fleet, state: FleetState, dt_s: float, weather: Conditions, disturbance: Disturbance) -> FleetState:
    """The state `dt_s` seconds later, in sub-steps short enough to stay stable."""
    count = max(1, int(np.ceil(dt_s / LONGEST_STEP_S)))
    for _ in range(count):
        state = _substep(fleet, state, dt_s / count, weather, disturbance)
    return state


def supply_c(fleet: Fleet, state: FleetState) -> Floats:
    """Water leaving the unit, °C: above the circuit's mean while heating, below it while defrosting."""
    return state.temperatures.water_c + _half_spread_k(fleet, state)


def return_c(fleet: Fleet, state: FleetState) -> Floats:
    """Water coming back from the house, °C."""
    return state.temperatures.water_c - _half_spread_k(fleet, state)


def _half_spread_k(fleet: Fleet, state: FleetState) -> Floats:
    return state.heat_w / (2.0 * fleet.machines.flow_kg_s * house.WATER_J_KG_K)


def _substep(fleet: Fleet, state: FleetState, dt_s: float, weather: Conditions, disturbance: Disturbance) -> FleetState:
    outdoor = np.full_like(state.hz, weather.outdoor_c)
    state = _switch(fleet, state, outdoor, weather, disturbance)
    state = _turn(state, _wanted_hz(fleet, state, outdoor, weather), dt_s)
    state = _frost(fleet, state, dt_s, outdoor, weather)
    state = _power(fleet, state, outdoor)
    temperatures = house.step(
        fleet.houses,
        state.temperatures,
        state.heat_w,
        outdoor,
        np.full_like(outdoor, weather.sun_w_m2),
        disturbance.open_window_w_k,
        dt_s,
    )
    return replace(
        state,
        temperatures=temperatures,
        heat_j=state.heat_j + state.heat_w * dt_s,
        energy_j=state.energy_j + state.power_w * dt_s,
    )


def _demand(fleet: Fleet, state: FleetState, outdoor: Floats, weather: Conditions) -> control.Demand:
    gain = house.GAIN_W + fleet.houses.window_m2 * house.SOLAR_TRANSMISSION * weather.sun_w_m2
    room = state.temperatures.room_c
    supply = supply_c(fleet, state)
    return control.Demand(
        control.heat_demand_w(fleet.houses.loss, room, state.room_target_c, outdoor, gain),
        fleet.machines.nominal_w * heat_pump.capacity_fraction(outdoor, supply),
        supply,
        state.supply_limit_c,
        state.switched_on,
    )


def _switch(
    fleet: Fleet, state: FleetState, outdoor: Floats, weather: Conditions, disturbance: Disturbance
) -> FleetState:
    """Start and stop compressors and defrosts; a trip stops both at once."""
    demand = _demand(fleet, state, outdoor, weather)
    running = (
        (control.runs(demand, state.running, state.phase_s) | state.defrosting)
        & ~disturbance.tripped
        & disturbance.powered
    )
    begins = ~state.defrosting & frost.must_start(state.frost_kg, fleet.machines.size, state.heating_s) & running
    ends = state.defrosting & (frost.may_end(state.frost_kg, state.coil_c, state.phase_s) | ~running)
    defrosting = (state.defrosting | begins) & ~ends
    changed = (running != state.running) | (defrosting != state.defrosting)
    return replace(
        state,
        running=running,
        defrosting=defrosting,
        phase_s=np.where(changed, 0.0, state.phase_s),
        heating_s=np.where(begins, 0.0, state.heating_s),
        hz=np.where(running, np.where(begins | ends, frost.SWITCH_HZ, state.hz), 0.0),
    )


def _wanted_hz(fleet: Fleet, state: FleetState, outdoor: Floats, weather: Conditions) -> Floats:
    heating = control.target_hz(_demand(fleet, state, outdoor, weather), state.running)
    return np.where(state.defrosting, frost.DEFROST_HZ, heating)


def _turn(state: FleetState, wanted: Floats, dt_s: float) -> FleetState:
    reach = heat_pump.RAMP_HZ_PER_S * dt_s
    heating = state.running & ~state.defrosting
    return replace(
        state,
        hz=np.where(state.running, state.hz + np.clip(wanted - state.hz, -reach, reach), 0.0),
        phase_s=state.phase_s + dt_s,
        heating_s=state.heating_s + np.where(heating, dt_s, 0.0),
    )


def _frost(fleet: Fleet, state: FleetState, dt_s: float, outdoor: Floats, weather: Conditions) -> FleetState:
    size = fleet.machines.size
    heating = state.running & ~state.defrosting
    grown = np.where(heating, frost.growth_kg_s(outdoor, np.full_like(outdoor, weather.humidity), size), 0.0)
    melted = np.where(state.defrosting, frost.melt_kg_s(state.hz, size), 0.0)
    load = state.hz / heat_pump.MAX_HZ
    warm = frost.coil_target_c(outdoor, load, state.frost_kg / (frost.TRIGGER_KG * size))
    clearing = np.where(state.frost_kg > 0.0, 0.0, CLEAR_COIL_C)
    target = np.where(state.defrosting, clearing, np.where(heating, warm, outdoor))
    return replace(
        state,
        frost_kg=np.maximum(state.frost_kg + (grown - melted) * dt_s, 0.0),
        coil_c=target + (state.coil_c - target) * np.exp(-dt_s / COIL_TIME_S),
    )


def _power(fleet: Fleet, state: FleetState, outdoor: Floats) -> FleetState:
    supply = supply_c(fleet, state)
    ratio = state.hz / heat_pump.MAX_HZ
    heat = fleet.machines.nominal_w * heat_pump.capacity_fraction(outdoor, supply) * ratio
    cop = heat_pump.full_load_cop(outdoor, supply) * heat_pump.part_load_factor(ratio)
    reversed_share = fleet.machines.size * state.hz / frost.DEFROST_HZ
    return replace(
        state,
        heat_w=np.where(state.defrosting, -frost.HEAT_FROM_WATER_W * reversed_share, heat),
        power_w=heat_pump.idle_w(outdoor)
        + np.where(state.defrosting, frost.DEFROST_POWER_W * reversed_share, heat / cop),
    )
