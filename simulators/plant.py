"""The simulated village: one physics fleet, a scenario, and each unit's registers as its controller shows them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from simulators.disturbances import disturbance, switched_off
from simulators.faults import Effects, Event, effects
from simulators.physics.arrays import Floats
from simulators.physics.fleet import build_fleet
from simulators.physics.measure import measure
from simulators.physics.state import FleetState, Start, at_rest
from simulators.physics.step import step
from simulators.registers.image import Image, RegisterMap, UnitReading, code_for, read_words
from simulators.scenario import Scenario
from wire.points import State

RENEWED_AFTER_MS: Final = 1_000  # a controller refreshes its register table about once a second
POLL_GAP_MS: Final = 500  # requests closer than this belong to one poll, which sees one table
STALEST_MS: Final = 5_000


class UnknownFaultError(ValueError):
    """A scenario's fault that the unit it strikes has no register for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The whole village at one moment: what is going on, and one column per point."""

    effects: Effects
    state: FleetState
    columns: dict[str, Floats]


class Plant:
    """Physics under a scenario. `advance` moves time, `reading` tells one unit's present; safe at once."""

    def __init__(self, scenario: Scenario, maps: Sequence[RegisterMap], seed: int, now: int) -> None:
        """One unit per register map; raises UnknownFaultError."""
        units = len(maps)
        self._weather = scenario.weather_for(seed)
        self._events = [own for event in scenario.events(units) for own in _localised(event, maps)]
        self._fleet = build_fleet(*scenario.houses(units, seed))
        self._units = units
        state = at_rest(self._fleet, _start(scenario, units, seed), self._weather.at(now).outdoor_c)
        self._lock = threading.Lock()
        self._physical = float(now)
        self._moment = self._observe(effects(self._events, 0), state)

    @property
    def moment(self) -> Moment:
        """The latest moment."""
        return self._moment

    def advance(self, elapsed: int, dt_s: float) -> Moment:
        """Let `dt_s` physical seconds pass, to `elapsed` wall milliseconds after the start; the new moment."""
        active = effects(self._events, elapsed)
        with self._lock:
            weather = self._weather.at(int(self._physical))
            now, struck = int(self._physical), disturbance(active, self._units)
            state = step(self._fleet, self._moment.state, now, dt_s, weather, struck)
            self._physical += dt_s * 1000.0
            self._moment = self._observe(active, state)
            return self._moment

    def reading(self, unit: int) -> UnitReading:
        """What unit `unit` (from 0) is doing now."""
        moment = self._moment
        broken = moment.effects.broken.get(unit, frozenset())
        values = {point: float(column[unit]) for point, column in moment.columns.items() if point not in broken}
        for point, kelvin in moment.effects.drift_k.get(unit, {}).items():
            values[point] += kelvin
        faults = moment.effects.faults.get(unit, ())
        if any(code.startswith("water_flow:") for code in faults):
            values["flow_lpm"] = 0.0
        return UnitReading(_state(moment, unit), faults, values, broken, float(moment.state.room_target_c[unit]))

    def change(self, unit: int, settings: dict[str, float]) -> None:
        """Settings a master wrote: `setpoint_c` (water), `room_target_c`, `switched_on`."""
        columns = {"setpoint_c": "supply_limit_c", "room_target_c": "room_target_c", "switched_on": "switched_on"}
        with self._lock:
            state = self._moment.state
            for name, value in settings.items():
                column = getattr(state, columns[name]).copy()
                column[unit] = value
                state = replace(state, **{columns[name]: column})
            self._moment = self._observe(self._moment.effects, state)

    def _observe(self, active: Effects, state: FleetState) -> Moment:
        now = int(self._physical)
        struck = disturbance(active, self._units)
        return Moment(active, state, measure(self._fleet, state, now, self._weather.at(now), struck))


def _start(scenario: Scenario, units: int, seed: int) -> Start:
    """Rooms of the scenario, counters as in the middle of a season, and coils anywhere between clean and frosted."""
    generator = np.random.default_rng([seed, 206])
    room_c, room_target_c = scenario.rooms(units)
    return Start(room_c, room_target_c, generator.uniform(1_500.0, 6_000.0, units), generator.uniform(0.0, 1.0, units))


def _localised(event: Event, maps: Sequence[RegisterMap]) -> list[Event]:
    """A fault as one event for each unit, under the code of the unit's own brand."""
    if event.cause != "fault":
        return [event]
    return [
        replace(event, units=(unit,), detail=_own_code(event.detail, maps[unit].fault_codes)) for unit in event.units
    ]


def _own_code(detail: str, codes: Sequence[str]) -> str:
    code = code_for(detail, codes)
    if code is None:
        raise UnknownFaultError(f"{detail!r} is not among the faults its unit can show: {', '.join(codes)}")
    return code


def _state(moment: Moment, unit: int) -> State:
    state = moment.state
    if not state.switched_on[unit] or unit in switched_off(moment.effects):
        return "off"
    if state.defrosting[unit]:
        return "defrost"
    return "heating" if state.running[unit] else "standby"


class PlantUnit:
    """One unit's controller on a line (a `bus.slaves.Slave`): its register table, renewed about once a second.

    The table is held still while a master reads it in several requests, so that one poll sees one moment.
    """

    def __init__(
        self,
        plant: Plant,
        unit: int,
        registers: RegisterMap,
        timer: Callable[[], int],
        observed: Callable[[Image, bool], None],
    ) -> None:
        """`timer` counts milliseconds and never steps back.

        `observed` is told the image, and the doubt, of each read that carried the supply temperature.
        """
        self._plant, self._unit, self._registers = plant, unit, registers
        self._timer, self._observed = timer, observed
        self._image = registers.image(plant.reading(unit))
        self._made = self._asked = timer() - STALEST_MS

    @property
    def silent(self) -> bool:
        """Whether it does not answer at all."""
        return self._unit in self._plant.moment.effects.silent

    def read(self, address: int, count: int) -> list[int]:
        """The words of a read; raises RefusedError."""
        self._registers.check_read(address, count)
        self._renew(self._timer())
        return read_words(self._image, address, count)

    def write(self, address: int, words: list[int]) -> None:
        """Carry out a write; raises RefusedError."""
        self._plant.change(self._unit, self._registers.settings_written(address, words))
        self._image = self._registers.image(self._plant.reading(self._unit))

    def was_read(self, carried: range, doubtful: bool) -> None:
        """A master has been sent the registers `carried`."""
        if self._registers.supply_address in carried:
            self._observed(self._image, doubtful)

    def _renew(self, now: int) -> None:
        age, gap = now - self._made, now - self._asked
        self._asked = now
        frozen = self._unit in self._plant.moment.effects.frozen
        if not frozen and (age > STALEST_MS or (age > RENEWED_AFTER_MS and gap > POLL_GAP_MS)):
            self._image = self._registers.image(self._plant.reading(self._unit))
            self._made = now
