"""The simulated village: one fleet in the physics, under the events of a scenario."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators.physics.arrays import Floats
from simulators.physics.fleet.equipment import build_fleet
from simulators.physics.fleet.measure import measure
from simulators.physics.fleet.state import FleetState, Start, at_rest
from simulators.physics.fleet.step import step
from simulators.registers.image import UnitReading, code_for
from simulators.registers.register_map import RegisterMap
from simulators.scenario.chance import SimulatedVillage, draw
from simulators.scenario.effects_to_physics import disturbance, switched_off
from simulators.scenario.events import Effects, Event, effects
from simulators.scenario.scenario import Scenario
from simulators.unit.shown_faults import shown_faults
from wire.points import State
from wire.units import DAY_MS, SECOND_MS

CHANCE_MS: Final = 30 * DAY_MS  # random events are drawn for this long


class UnknownFaultError(ValueError):
    """A fault in a scenario that its unit has no register for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The whole village at one moment.

    `columns` holds one array per point, one element per unit; `stuck` the values that stuck
    sensors show, by unit and point.
    """

    effects: Effects
    state: FleetState
    columns: dict[str, Floats]
    stuck: dict[int, dict[str, float]]


class Plant:
    """Physics under a scenario: `advance` moves time, `reading` is one unit at present.

    Several threads may use it at once.
    """

    def __init__(
        self, scenario: Scenario, maps: Sequence[RegisterMap], seed: int, now: int
    ) -> None:
        """One unit per register map, starting at `now` (UTC ms); raises UnknownFaultError."""
        units = len(maps)
        self._weather = scenario.weather_for(seed, now)
        self.events = _events(scenario, maps, seed)
        self._fleet = build_fleet(*scenario.houses(units, seed))
        self._units = units
        self._codes = [registers.fault_codes for registers in maps]
        state = at_rest(self._fleet, _start(scenario, units, seed), self._weather.at(now).outdoor_c)
        self._lock = threading.Lock()
        self._physical = float(now)
        self._moment = self._observe(effects(self.events, 0), state, {})

    @property
    def moment(self) -> Moment:
        """The latest moment."""
        return self._moment

    def advance(self, elapsed: int, dt_s: float) -> Moment:
        """Let `dt_s` physical seconds pass, to `elapsed` wall ms after the start.

        Returns the new moment.
        """
        active = effects(self.events, elapsed)
        with self._lock:
            weather = self._weather.at(int(self._physical))
            now, struck = int(self._physical), disturbance(active, self._units)
            state = step(self._fleet, self._moment.state, now, dt_s, weather, struck)
            self._physical += dt_s * SECOND_MS
            self._moment = self._observe(active, state, self._moment.stuck)
            return self._moment

    def reading(self, unit: int) -> UnitReading:
        """The present reading of unit `unit` (from 0)."""
        moment = self._moment
        broken = moment.effects.broken.get(unit, frozenset())
        values = {
            point: float(column[unit])
            for point, column in moment.columns.items()
            if point not in broken
        }
        for point, kelvin in moment.effects.drift_k.get(unit, {}).items():
            values[point] += kelvin
        values |= {
            point: value for point, value in moment.stuck.get(unit, {}).items() if point in values
        }
        injected = moment.effects.faults.get(unit, ())
        faults = shown_faults(int(moment.state.protection.shown[unit]), injected, self._codes[unit])
        if any(code.startswith("water_flow:") for code in faults):
            values["flow_lpm"] = 0.0
        return UnitReading(
            _state(moment, unit), faults, values, broken, float(moment.state.room_target_c[unit])
        )

    def change(self, unit: int, settings: dict[str, float]) -> None:
        """Apply settings of a master: `setpoint_c` (water), `room_target_c`, `switched_on`."""
        columns = {
            "setpoint_c": "supply_limit_c",
            "room_target_c": "room_target_c",
            "switched_on": "switched_on",
        }
        with self._lock:
            state = self._moment.state
            for name, value in settings.items():
                column = getattr(state, columns[name]).copy()
                column[unit] = value
                state = replace(state, **{columns[name]: column})
            self._moment = self._observe(self._moment.effects, state, self._moment.stuck)

    def _observe(
        self, active: Effects, state: FleetState, stuck: dict[int, dict[str, float]]
    ) -> Moment:
        """The village now; sensors that were `stuck` before keep the value they showed."""
        now = int(self._physical)
        columns = measure(
            self._fleet, state, now, self._weather.at(now), disturbance(active, self._units)
        )
        shown = {
            unit: {
                point: stuck.get(unit, {}).get(point, float(columns[point][unit]))
                for point in points
            }
            for unit, points in active.stuck.items()
        }
        return Moment(active, state, columns, shown)


def _start(scenario: Scenario, units: int, seed: int) -> Start:
    """Rooms of the scenario, counters of mid-season, and coils between clean and frosted."""
    generator = np.random.default_rng([seed, 206])
    room_c, room_target_c = scenario.rooms(units)
    return Start(
        room_c,
        room_target_c,
        generator.uniform(1_500.0, 6_000.0, units),
        generator.uniform(0.0, 1.0, units),
    )


def _events(scenario: Scenario, maps: Sequence[RegisterMap], seed: int) -> list[Event]:
    """The events in order of time: those of the scenario, and the random ones of a month."""
    codes = {unit: registers.fault_codes for unit, registers in enumerate(maps)}
    village = SimulatedVillage((range(len(maps)),), codes)
    given = [own for event in scenario.events(len(maps)) for own in _localised(event, maps)]
    drawn = draw(scenario.random, village, CHANCE_MS, np.random.default_rng([seed, 209]))
    return sorted([*given, *drawn], key=lambda event: event.begin)


def _localised(event: Event, maps: Sequence[RegisterMap]) -> list[Event]:
    """A fault as one event per unit, under the code of the unit's own brand."""
    if event.cause != "fault":
        return [event]
    return [
        replace(event, units=(unit,), detail=_own_code(event.detail, maps[unit].fault_codes))
        for unit in event.units
    ]


def _own_code(detail: str, codes: Sequence[str]) -> str:
    code = code_for(detail, codes)
    if code is None:
        raise UnknownFaultError(
            f"{detail!r} is not among the faults its unit can show: {', '.join(codes)}"
        )
    return code


def _state(moment: Moment, unit: int) -> State:
    state = moment.state
    if not state.switched_on[unit] or unit in switched_off(moment.effects):
        return "off"
    if state.defrosting[unit]:
        return "defrost"
    return "heating" if state.running[unit] else "standby"
