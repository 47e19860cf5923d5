"""The fast part of the physics: compressor, defrost and heating water, up to some three minutes at
a time."""

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
CLEAR_COIL_C: Final = (
    30.0  # where hot gas drives a coil without frost; the defrost ends on the way there
)
FULL_REVERSAL: Final = heat_pump.MAX_HZ / frost.DEFROST_HZ


@dataclass(frozen=True, slots=True)
class Drive:
    """What holds still while the circuit moves on, one element per unit; temperatures °C, powers W.

    `opened_w_k` is the conductance of the open emitters, `available_w` the full-speed output before
    the water's part.
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
    """What the compressor does in one step: mean speed ratio, and the seconds for which it is
    reversed and heats.

    A defrost that ends within the step is followed by heating for the rest of it.
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
    """The circuit `dt_s` (at most some three minutes) later, and the heat that went into the rooms
    meanwhile, W."""
    houses, water_c = fleet.houses, state.temperatures.water_c
    emitted_w = house.emitted_w(houses, drive.opened_w_k, drive.room_c, water_c)
    supply_c = water_c + (state.heat_w + drive.aux_w) * drive.half_spread_k_w
    frosted = state.frost_kg / fleet.machines.size
    output = frost.output_factor(frosted)
    available_w = drive.available_w * heat_pump.supply_capacity(supply_c) * output
    over_k = supply_c - drive.target_c
    need_w = emitted_w - over_k * houses.water_heat / control.CATCH_UP_S
    turn = _turn(
        drive, state, control.wanted_hz(need_w, available_w, drive.limit_hz), over_k, frosted, dt_s
    )
    cop = heat_pump.full_load_cop(drive.outdoor_c, supply_c) * heat_pump.part_load_factor(
        turn.ratio
    )
    cop *= output * drive.impairment.cop
    heat_w, power_w = _exchanged(fleet, drive, turn, available_w * turn.ratio, cop, dt_s)
    total_w = heat_w + drive.aux_w
    water_c = water_c + (total_w - emitted_w) * dt_s / houses.water_heat
    return replace(
        state,
        **_clocks(state, turn, dt_s),
        temperatures=house.Temperatures(
            state.temperatures.room_c, state.temperatures.mass_c, water_c
        ),
        frost_kg=_frost_kg(fleet, drive, state, turn),
        coil_c=_coil_c(drive, state, turn, frosted, dt_s),
        heat_w=heat_w,
        power_w=power_w,
        heat_j=state.heat_j + np.maximum(total_w, 0.0) * dt_s,
        energy_j=state.energy_j + power_w * dt_s,
    ), emitted_w


def _turn(
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
    turning = begins | (state.phase_s < frost.TURN_S)
    reversed_hz = np.where(turning, frost.SWITCH_HZ, frost.DEFROST_HZ)
    move_hz = np.where(left_s > 0.0, reversed_hz, heating_hz) - state.hz
    reversed_s = np.minimum(left_s, dt_s)
    reach_hz = heat_pump.RAMP_HZ_PER_S * dt_s
    move_hz = np.minimum(np.maximum(move_hz, -reach_hz), reach_hz)
    mean_hz = state.hz + move_hz * (
        1.0 - np.abs(move_hz) / (2.0 * reach_hz)
    )  # it ramps evenly, then stays
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
    turn: _CompressorStep,
    heating_w: Floats,
    cop: Floats,
    dt_s: float,
) -> tuple[Floats, Floats]:
    """Mean heat into the water and mean electric power over the step, W."""
    backwards = np.maximum(turn.reversed_s / dt_s, drive.impairment.backwards)
    heating_w = heating_w * (1.0 - backwards)
    reversing = backwards * turn.ratio * fleet.machines.size
    heat_w = heating_w - drive.impairment.reversal * reversing * (
        frost.HEAT_FROM_WATER_W * FULL_REVERSAL
    )
    compressor_w = heating_w / cop + reversing * (frost.DEFROST_POWER_W * FULL_REVERSAL)
    return heat_w, drive.idle_w + drive.aux_w + compressor_w


def _clocks(state: FleetState, turn: _CompressorStep, dt_s: float) -> dict[str, Any]:
    """The columns of the state that say what the compressor does, since when and how often."""
    changed = (turn.running != state.running) | turn.begins
    ends = (turn.left_s > 0.0) & (turn.reversed_s == turn.left_s)
    return {
        "running": turn.running,
        "hz": np.where(ends, frost.SWITCH_HZ, turn.hz),
        "defrost_left_s": turn.left_s - turn.reversed_s,
        "phase_s": np.where(ends, turn.heating_s, state.phase_s * ~changed + dt_s),
        "heating_s": state.heating_s * ~turn.begins + turn.heating_s,
        "heated_s": state.heated_s + turn.heating_s,
        "defrosted_s": state.defrosted_s + turn.reversed_s,
        "starts": state.starts + (turn.running & ~state.running),
    }


def _frost_kg(
    fleet: SimulatedFleet, drive: Drive, state: FleetState, turn: _CompressorStep
) -> Floats:
    melted = turn.reversed_s * drive.impairment.melts / np.maximum(turn.left_s, 1e-9)
    grown_kg = drive.growth_kg_s * frost.load_share(turn.ratio) * turn.heating_s
    return np.minimum(
        state.frost_kg * (1.0 - melted) + grown_kg, frost.MOST_KG * fleet.machines.size
    )


def _coil_c(
    drive: Drive, state: FleetState, turn: _CompressorStep, frosted: Floats, dt_s: float
) -> Floats:
    below_k = frost.coil_below_air_k(turn.ratio, frosted) + drive.impairment.depression_k
    cold_c = drive.outdoor_c - below_k * turn.running
    hot_c = np.where(turn.left_s > frost.CLEAR_COIL_S, 0.0, CLEAR_COIL_C)
    target_c = np.where((turn.left_s > 0.0) & drive.impairment.melts, hot_c, cold_c)
    coil_c: Floats = target_c + (state.coil_c - target_c) * float(np.exp(-dt_s / COIL_TIME_S))
    return coil_c
