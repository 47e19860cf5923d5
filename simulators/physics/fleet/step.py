"""The step of a whole fleet: mains, protections and rooms once, the fast circuit in parts."""

from dataclasses import replace
from typing import Final

import numpy as np

from simulators.physics.arrays import Floats
from simulators.physics.disturbance import Disturbance
from simulators.physics.fleet import circuit, grid, house
from simulators.physics.fleet.equipment import SimulatedFleet
from simulators.physics.fleet.state import LEAST_FLOW_KG_S, FleetState, spread_k
from simulators.physics.machine import control, frost, heat_pump, protection
from simulators.physics.machine.impairment import FROST_DEPRESSION_K, Impairment, impairment
from simulators.physics.weather.conditions import Conditions
from wire.units import SECOND_MS

# Far below the time constant of the water circuit, 15 min; half of the longest step.
LONGEST_CIRCUIT_STEP_S: Final = 150.0
LONGEST_STEP_S: Final = 300.0  # far below the time constant of the room air, 40 min
STANDING_WATER_S: Final = 7200.0  # time constant of standing water towards the outdoor temperature
AUX_CUT_OUT_C: Final = 70.0  # thermostat of the heater


def step(
    fleet: SimulatedFleet,
    state: FleetState,
    now: int,
    dt_s: float,
    weather: Conditions,
    disturbance: Disturbance,
) -> FleetState:
    """The state `dt_s` after `now` (UTC ms) under constant `weather` and `disturbance`.

    Pure. The slow part is computed once for each started five minutes of `dt_s`.
    """
    rounds = max(1, int(np.ceil(dt_s / LONGEST_STEP_S)))
    for number in range(rounds):
        begun = now + int(number * dt_s * SECOND_MS / rounds)
        state = _round(fleet, state, begun, dt_s / rounds, weather, disturbance)
    return state


def _round(
    fleet: SimulatedFleet,
    state: FleetState,
    now: int,
    dt_s: float,
    weather: Conditions,
    disturbance: Disturbance,
) -> FleetState:
    outdoor_c = np.full_like(state.hz, weather.outdoor_c)
    impaired = impairment(disturbance)
    state = _decided(fleet, state, now, dt_s, outdoor_c, disturbance, impaired)
    drive = _drive(fleet, state, outdoor_c, weather, disturbance, impaired)
    count = max(1, int(np.ceil(dt_s / LONGEST_CIRCUIT_STEP_S)))
    emitted_w = np.zeros_like(state.hz)
    for _ in range(count):
        state, given_w = circuit.advance(fleet, drive, state, dt_s / count)
        emitted_w += given_w
    gain_w = (
        emitted_w / count
        + house.sun_and_people_w(fleet.houses, weather.sun_w_m2)
        + disturbance.coal_w
    )
    room_c, mass_c = house.step(
        fleet.houses, state.temperatures, gain_w, outdoor_c, disturbance.open_window_w_k, dt_s
    )
    water_c = state.temperatures.water_c
    standing_c = outdoor_c + (state.plate_c - outdoor_c) * float(np.exp(-dt_s / STANDING_WATER_S))
    return replace(
        state,
        temperatures=house.Temperatures(room_c, mass_c, water_c),
        plate_c=np.where(state.flow_kg_s > 0.0, water_c, standing_c),
    )


def _decided(
    fleet: SimulatedFleet,
    state: FleetState,
    now: int,
    dt_s: float,
    outdoor_c: Floats,
    disturbance: Disturbance,
    impaired: Impairment,
) -> FleetState:
    """Mains, flow, protections and limits at the beginning of the step."""
    feeder = fleet.feeder
    natural_pu = grid.voltage_pu(now, state.power_w, feeder.share, feeder.village, feeder.houses)
    sag = grid.sag(now) if dt_s <= grid.LONGEST_SAG_S else 1.0
    voltage_pu = natural_pu * sag * disturbance.grid_pu * disturbance.powered
    seen = _observed(fleet, state, outdoor_c, voltage_pu, disturbance, impaired)
    limit_hz, limit_code = control.limit(voltage_pu, seen.condensing_c)
    return replace(
        state,
        called=control.calls(state.called, state.temperatures.room_c, state.room_target_c),
        flow_kg_s=fleet.machines.flow_kg_s * disturbance.water_flow * disturbance.powered,
        voltage_pu=voltage_pu,
        limit_hz=limit_hz,
        limit_code=limit_code * seen.compressing,
        aux_w=disturbance.heater_stuck_w * (disturbance.powered & (state.plate_c < AUX_CUT_OUT_C)),
        protection=protection.step(
            state.protection, protection.causes(seen), impaired.mended, dt_s
        ),
    )


def _observed(
    fleet: SimulatedFleet,
    state: FleetState,
    outdoor_c: Floats,
    voltage_pu: Floats,
    disturbance: Disturbance,
    impaired: Impairment,
) -> protection.ProtectionInputs:
    spread = spread_k(state)
    leaving_c = state.plate_c + 0.5 * spread
    return protection.ProtectionInputs(
        compressing=state.running & ~state.defrosting,
        heating_phase_s=state.phase_s,
        outdoor_c=outdoor_c,
        plate_c=state.plate_c,
        spread_k=spread,
        condensing_c=leaving_c + impaired.approach_k,
        depression_k=impaired.depression_k
        + state.frost_kg / fleet.machines.size * FROST_DEPRESSION_K,
        discharge_c=heat_pump.discharge_c(outdoor_c, leaving_c) + impaired.superheat_k,
        charge=disturbance.charge,
        water_flow=disturbance.water_flow,
        voltage_pu=voltage_pu,
        phase_dead=disturbance.phase_missing & fleet.machines.three_phase,
        powered=disturbance.powered,
    )


def _drive(
    fleet: SimulatedFleet,
    state: FleetState,
    outdoor_c: Floats,
    weather: Conditions,
    disturbance: Disturbance,
    impaired: Impairment,
) -> circuit.Drive:
    machines, powered, room_c = fleet.machines, disturbance.powered, state.temperatures.room_c
    growth = frost.growth_kg_s(outdoor_c, np.full_like(outdoor_c, weather.humidity), machines.size)
    return circuit.Drive(
        impairment=impaired,
        outdoor_c=outdoor_c,
        room_c=room_c,
        opened_w_k=house.opening(room_c, state.room_target_c) * fleet.houses.emitter,
        target_c=control.water_target_c(state.supply_limit_c, outdoor_c),
        allowed=powered
        & state.switched_on
        & state.called
        & ~disturbance.tripped
        & ~state.protection.stopped,
        limit_hz=state.limit_hz,
        available_w=machines.nominal_w * heat_pump.outdoor_capacity(outdoor_c) * impaired.capacity,
        half_spread_k_w=0.5 / (house.WATER_J_KG_K * np.maximum(state.flow_kg_s, LEAST_FLOW_KG_S)),
        growth_kg_s=growth * impaired.frosting,
        idle_w=heat_pump.idle_w(outdoor_c, powered) * powered,
        aux_w=state.aux_w,
    )
