"""The fast part of the physics: compressor, defrost and heating water, in steps up to 150 s."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from simulators.physics.arrays import Flags, Floats
from simulators.physics.fleet import house
from simulators.physics.fleet.equipment import SimulatedFleet
from simulators.physics.fleet.state import FleetState
from simulators.physics.machine import control, frost, heat_pump
from simulators.physics.machine.impairment import Impairment

COIL_TIME_S: Final = 60.0
# Temperature of a coil without frost under hot gas; the defrost ends before it is reached.
CLEAR_COIL_C: Final = 30.0
FULL_REVERSAL: Final = heat_pump.MAX_HZ / frost.DEFROST_HZ


@dataclass(frozen=True, slots=True)
class Drive:
    """The inputs that are constant during a step of the circuit, one element per unit; °C and W.

    `opened_w_k`: conductance of the open emitters. `available_w`: full-speed output before the
    factor of the water.
    """

    impairment: Impairment
    outdoor_c: Floats
    room_c: Floats
    opened_w_k: Floats
    target_c: Floats
    allowed: Flags
    limit_hz: Floats
    available_w: Floats
    half_spread_k_w: Floats
    growth_kg_s: Floats
    idle_w: Floats
    aux_w: Floats


@dataclass(frozen=True, slots=True)
class _CompressorStep:
    """The compressor in one step: mean speed ratio, and its seconds of reversal and of heating.

    If a defrost ends within the step, heating follows for the rest of it.
    """

    running: Flags
    begins: Flags
    left_s: Floats
    reversed_s: Floats
    heating_s: Floats
    hz: Floats
    ratio: Floats


def advance(
    fleet: SimulatedFleet, drive: Drive, state: FleetState, dt_s: float
) -> tuple[FleetState, Floats]:
    """The state `dt_s` (at most 150 s) later, and the mean heat into the rooms, W."""
    houses, water_c = fleet.houses, state.temperatures.water_c
    emitted_w = house.emitted_w(houses, drive.opened_w_k, drive.room_c, water_c)
    supply_c = water_c + (state.heat_w + drive.aux_w) * drive.half_spread_k_w
    frosted = state.frost_kg / fleet.machines.size
    output = frost.output_factor(frosted)
    available_w = drive.available_w * heat_pump.supply_capacity(supply_c) * output
    over_k = supply_c - drive.target_c
    need_w = emitted_w - over_k * houses.water_heat / control.CATCH_UP_S
    compressor = _compressor_step(
        drive, state, control.wanted_hz(need_w, available_w, drive.limit_hz), over_k, frosted, dt_s
    )
    cop = heat_pump.full_load_cop(drive.outdoor_c, supply_c) * heat_pump.part_load_factor(
        compressor.ratio
    )
    cop *= output * drive.impairment.cop
    heat_w, power_w = _exchanged(
        fleet, drive, compressor, available_w * compressor.ratio, cop, dt_s
    )
    total_w = heat_w + drive.aux_w
    water_c = water_c + (total_w - emitted_w) * dt_s / houses.water_heat
    return replace(
        state,
        **_clocks(state, compressor, dt_s),
        temperatures=house.Temperatures(
            state.temperatures.room_c, state.temperatures.mass_c, water_c
        ),
        frost_kg=_frost_kg(fleet, drive, state, compressor),
        coil_c=_coil_c(drive, state, compressor, frosted, dt_s),
        heat_w=heat_w,
        power_w=power_w,
        heat_j=state.heat_j + np.maximum(total_w, 0.0) * dt_s,
        energy_j=state.energy_j + power_w * dt_s,
    ), emitted_w


def _compressor_step(
    drive: Drive,
    state: FleetState,
    heating_hz: Floats,
    over_k: Floats,
    frosted: Floats,
    dt_s: float,
) -> _CompressorStep:
    """Start, stop, reverse and regulate the compressors."""
    running = control.runs(drive.allowed, state.running, state.phase_s, over_k)
    running |= state.defrosting & drive.allowed
    left_s = state.defrost_left_s * running
    due = ((frosted >= 1.0) & ~drive.impairment.never_defrosts) | drive.impairment.over_frequent
    begins = running & (left_s == 0.0) & (state.heating_s >= frost.MINIMUM_HEATING_S) & due
    if np.count_nonzero(begins):
        left_s = np.where(begins, frost.lasts_s(frosted, drive.impairment.melts), left_s)
    switching = begins | (state.phase_s < frost.SWITCHING_S)
    reversed_hz = np.where(switching, frost.SWITCH_HZ, frost.DEFROST_HZ)
    move_hz = np.where(left_s > 0.0, reversed_hz, heating_hz) - state.hz
    reversed_s = np.minimum(left_s, dt_s)
    reach_hz = heat_pump.RAMP_HZ_PER_S * dt_s
    move_hz = np.minimum(np.maximum(move_hz, -reach_hz), reach_hz)
    # The speed ramps evenly, then stays.
    mean_hz = state.hz + move_hz * (1.0 - np.abs(move_hz) / (2.0 * reach_hz))
    return _CompressorStep(
        running=running,
        begins=begins,
        left_s=left_s,
        reversed_s=reversed_s,
        heating_s=(dt_s - reversed_s) * running,
        hz=(state.hz + move_hz) * running,
        ratio=mean_hz * running / heat_pump.MAX_HZ,
    )


def _exchanged(
    fleet: SimulatedFleet,
    drive: Drive,
    compressor: _CompressorStep,
    heating_w: Floats,
    cop: Floats,
    dt_s: float,
) -> tuple[Floats, Floats]:
    """Mean heat into the water and mean electric power over the step, W."""
    backwards = np.maximum(compressor.reversed_s / dt_s, drive.impairment.backwards)
    heating_w = heating_w * (1.0 - backwards)
    reversing = backwards * compressor.ratio * fleet.machines.size
    heat_w = heating_w - drive.impairment.reversal * reversing * (
        frost.HEAT_FROM_WATER_W * FULL_REVERSAL
    )
    compressor_w = heating_w / cop + reversing * (frost.DEFROST_POWER_W * FULL_REVERSAL)
    return heat_w, drive.idle_w + drive.aux_w + compressor_w


def _clocks(state: FleetState, compressor: _CompressorStep, dt_s: float) -> dict[str, Any]:
    """The columns of the state that hold the activity of the compressor, its times and sums."""
    changed = (compressor.running != state.running) | compressor.begins
    ends = (compressor.left_s > 0.0) & (compressor.reversed_s == compressor.left_s)
    return {
        "running": compressor.running,
        "hz": np.where(ends, frost.SWITCH_HZ, compressor.hz),
        "defrost_left_s": compressor.left_s - compressor.reversed_s,
        "phase_s": np.where(ends, compressor.heating_s, state.phase_s * ~changed + dt_s),
        "heating_s": state.heating_s * ~compressor.begins + compressor.heating_s,
        "heated_s": state.heated_s + compressor.heating_s,
        "defrosted_s": state.defrosted_s + compressor.reversed_s,
        "starts": state.starts + (compressor.running & ~state.running),
    }


def _frost_kg(
    fleet: SimulatedFleet, drive: Drive, state: FleetState, compressor: _CompressorStep
) -> Floats:
    melted = compressor.reversed_s * drive.impairment.melts / np.maximum(compressor.left_s, 1e-9)
    grown_kg = drive.growth_kg_s * frost.load_share(compressor.ratio) * compressor.heating_s
    return np.minimum(
        state.frost_kg * (1.0 - melted) + grown_kg, frost.MOST_KG * fleet.machines.size
    )


def _coil_c(
    drive: Drive, state: FleetState, compressor: _CompressorStep, frosted: Floats, dt_s: float
) -> Floats:
    below_k = frost.coil_below_air_k(compressor.ratio, frosted) + drive.impairment.depression_k
    cold_c = drive.outdoor_c - below_k * compressor.running
    hot_c = np.where(compressor.left_s > frost.CLEAR_COIL_S, 0.0, CLEAR_COIL_C)
    target_c = np.where((compressor.left_s > 0.0) & drive.impairment.melts, hot_c, cold_c)
    coil_c: Floats = target_c + (state.coil_c - target_c) * float(np.exp(-dt_s / COIL_TIME_S))
    return coil_c
