"""The fast part of the physics: compressor, defrost and heating water, up to a minute at a time."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators.physics import control, frost, heat_pump, house
from simulators.physics.arrays import Flags, Floats
from simulators.physics.fleet import Fleet
from simulators.physics.state import FleetState

COIL_TIME_S: Final = 60.0
CLEAR_COIL_C: Final = 30.0  # where hot gas drives a coil without frost; the defrost ends on the way there


@dataclass(frozen=True, slots=True)
class Drive:
    """What holds still while the circuit moves on: weather, wishes and impairments, one element per unit.

    Temperatures °C, powers W. `available_w` is the full-speed output before the water's part; `reverse_w` what a full
    defrost takes from the water; `over_frequent` units defrost whatever the frost; `backwards` ones heat the outdoors.
    """

    outdoor_c: Floats
    room_c: Floats
    opening: Floats
    target_c: Floats
    allowed: Flags
    limit_hz: Floats
    available_w: Floats
    cop_factor: Floats
    half_spread_k_w: Floats
    growth_kg_s: Floats
    coil_depression_k: Floats
    reverse_w: Floats
    melts: Flags
    never_defrosts: Flags
    over_frequent: Flags
    backwards: Flags
    idle_w: Floats
    aux_w: Floats


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the compressor does in one step: mean speed ratio, and the seconds for which it is reversed."""

    running: Flags
    begins: Flags
    left_s: Floats
    reversed_s: Floats
    hz: Floats
    ratio: Floats


def advance(fleet: Fleet, drive: Drive, state: FleetState, dt_s: float) -> tuple[FleetState, Floats]:
    """The circuit `dt_s` (at most about a minute) later, and the heat that went into the rooms meanwhile, W."""
    water_c = state.temperatures.water_c
    emitted_w = house.emitted_w(fleet.houses, drive.opening, drive.room_c, water_c)
    supply_c = water_c + (state.heat_w + drive.aux_w) * drive.half_spread_k_w
    frosted = state.frost_kg / fleet.machines.size
    output = frost.output_factor(frosted)
    available_w = drive.available_w * heat_pump.supply_capacity(supply_c) * output
    over_k = supply_c - drive.target_c
    need_w = emitted_w - fleet.houses.water_heat / control.CATCH_UP_S * over_k
    turn = _turn(drive, state, control.wanted_hz(need_w, available_w, drive.limit_hz), over_k, frosted, dt_s)
    cop = heat_pump.full_load_cop(drive.outdoor_c, supply_c) * heat_pump.part_load_factor(turn.ratio)
    cop *= output * drive.cop_factor
    heat_w, power_w = _exchanged(fleet, drive, turn, available_w * turn.ratio, cop, dt_s)
    gain_k = (heat_w + drive.aux_w - emitted_w) * (dt_s / fleet.houses.water_heat)
    state = _frosted(fleet, drive, state, turn, frosted, dt_s)
    return replace(
        state,
        temperatures=replace(state.temperatures, water_c=water_c + gain_k),
        heat_w=heat_w,
        power_w=power_w,
        heat_j=state.heat_j + np.maximum(heat_w + drive.aux_w, 0.0) * dt_s,
        energy_j=state.energy_j + power_w * dt_s,
    ), emitted_w


def _turn(drive: Drive, state: FleetState, heating_hz: Floats, over_k: Floats, frosted: Floats, dt_s: float) -> _Turn:
    """Start, stop, reverse and regulate the compressors."""
    running = control.runs(drive.allowed, state.running, state.phase_s, over_k)
    running |= state.defrosting & drive.allowed
    left_s = state.defrost_left_s * running
    due = ((frosted >= 1.0) & ~drive.never_defrosts) | drive.over_frequent
    begins = running & (left_s == 0.0) & (state.heating_s >= frost.MINIMUM_HEATING_S) & due
    if begins.any():
        left_s = np.where(begins, frost.lasts_s(frosted, drive.melts), left_s)
    turning = begins | (state.phase_s < frost.TURN_S)
    reversed_hz = np.where(turning, frost.SWITCH_HZ, frost.DEFROST_HZ)
    wanted_hz = np.where(left_s > 0.0, reversed_hz, heating_hz)
    move_hz = wanted_hz - state.hz
    reach_hz = heat_pump.RAMP_HZ_PER_S * dt_s
    move_hz = np.minimum(np.maximum(move_hz, -reach_hz), reach_hz)
    mean_hz = state.hz + move_hz * (1.0 - np.abs(move_hz) / (2.0 * reach_hz))  # it ramps evenly, then stays
    return _Turn(
        running=running,
        begins=begins,
        left_s=left_s,
        reversed_s=np.minimum(left_s, dt_s),
        hz=(state.hz + move_hz) * running,
        ratio=mean_hz * running / heat_pump.MAX_HZ,
    )


def _exchanged(
    fleet: Fleet, drive: Drive, turn: _Turn, heating_w: Floats, cop: Floats, dt_s: float
) -> tuple[Floats, Floats]:
    """Mean heat into the water and mean electric power over the step, W."""
    backwards = np.maximum(turn.reversed_s / dt_s, drive.backwards)
    forwards = 1.0 - backwards
    reversing = backwards * turn.ratio * (heat_pump.MAX_HZ / frost.DEFROST_HZ)
    heat_w = heating_w * forwards - drive.reverse_w * reversing
    compressor_w = heating_w / cop * forwards + frost.DEFROST_POWER_W * fleet.machines.size * reversing
    return heat_w, drive.idle_w + drive.aux_w + compressor_w


def _frosted(fleet: Fleet, drive: Drive, state: FleetState, turn: _Turn, frosted: Floats, dt_s: float) -> FleetState:
    """Coil, frost and clocks after the step; a defrost that ends within it is followed by heating for the rest."""
    size = fleet.machines.size
    heating_s = (dt_s - turn.reversed_s) * turn.running
    reversing = turn.left_s > 0.0
    melted = state.frost_kg * drive.melts * (turn.reversed_s / np.maximum(turn.left_s, 1e-9))
    grown = drive.growth_kg_s * frost.load_share(turn.ratio) * heating_s
    left_s = turn.left_s - turn.reversed_s
    starts = turn.running & ~state.running
    changed = (turn.running != state.running) | turn.begins
    phase_s = state.phase_s * ~changed + dt_s
    ends = reversing & (left_s == 0.0)
    return replace(
        state,
        running=turn.running,
        defrost_left_s=left_s,
        hz=np.where(ends, frost.SWITCH_HZ, turn.hz),
        phase_s=np.where(ends, heating_s, phase_s),
        heating_s=state.heating_s * ~turn.begins + heating_s,
        frost_kg=np.minimum(state.frost_kg - melted + grown, frost.MOST_KG * size),
        coil_c=_coil_c(drive, state, turn, reversing & drive.melts, frosted, dt_s),
        heated_s=state.heated_s + heating_s,
        defrosted_s=state.defrosted_s + turn.reversed_s,
        starts=state.starts + starts,
    )


def _coil_c(drive: Drive, state: FleetState, turn: _Turn, melting: Flags, frosted: Floats, dt_s: float) -> Floats:
    below_k = frost.coil_below_air_k(turn.ratio, frosted) + drive.coil_depression_k
    target_c = drive.outdoor_c - below_k * turn.running
    hot_c = np.where(turn.left_s > frost.CLEAR_COIL_S, 0.0, CLEAR_COIL_C)
    target_c = np.where(melting, hot_c, target_c)
    coil_c: Floats = target_c + (state.coil_c - target_c) * float(np.exp(-dt_s / COIL_TIME_S))
    return coil_c
