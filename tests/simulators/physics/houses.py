"""What the tests of the physics share: a few houses, and time passing in them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulators.physics.conditions import Conditions
from simulators.physics.disturbance import Disturbance, undisturbed
from simulators.physics.fleet import Fleet, build_fleet
from simulators.physics.measure import measure
from simulators.physics.state import FleetState, Start, at_rest
from simulators.physics.step import step
from simulators.physics.weather import Weather

NOVEMBER = 1_761_926_400_000  # 2025-11-01T00:00+08:00
NOON = NOVEMBER + 12 * 3_600_000
UNINSULATED, RETROFITTED = 0, 1


@dataclass
class Run:
    """A fleet to which time happens under steady conditions, from noon on."""

    fleet: Fleet
    state: FleetState
    conditions: Conditions
    disturbance: Disturbance
    now: int = NOON

    def disturbed(self, **columns: object) -> "Run":
        """The same with some columns of the disturbance set to one value for all, or to a
        column."""
        usual = self.disturbance
        set_to = {
            name: np.full_like(getattr(usual, name), value) for name, value in columns.items()
        }
        self.disturbance = replace(usual, **set_to)
        return self

    def steps(self, hours: float, dt_s: float = 60.0) -> Iterator[FleetState]:
        for _ in range(round(hours * 3600 / dt_s)):
            self.state = step(
                self.fleet, self.state, self.now, dt_s, self.conditions, self.disturbance
            )
            self.now += int(dt_s * 1000)
            yield self.state

    def pass_hours(self, hours: float, dt_s: float = 60.0) -> FleetState:
        for _ in self.steps(hours, dt_s):
            pass
        return self.state

    def shown(self) -> dict[str, np.ndarray]:
        return measure(self.fleet, self.state, self.now, self.conditions, self.disturbance)


def a_run(outdoor_c: float, humidity: float = 0.5, units: int = 2, frosted: float = 0.0) -> Run:
    """`units` houses of 100 m² at 20 °C, the first uninsulated, the second retrofitted, and so
    on."""
    fleet = build_fleet(np.arange(units) % 2 == UNINSULATED, np.ones(units))
    state = at_rest(fleet, a_start(units, frosted), outdoor_c)
    return Run(fleet, state, Conditions(outdoor_c, humidity, 0.0), undisturbed(units))


def a_start(units: int, frosted: float = 0.0) -> Start:
    """Rooms at 20 °C with counters at 3,000 kWh."""
    return Start(*(np.full(units, value) for value in (20.0, 20.0, 3000.0, frosted)))


def pass_season(
    fleet: Fleet, state: FleetState, weather: Weather, days: float, dt_s: float
) -> Iterator[FleetState]:
    """The states of an undisturbed fleet from 1 November on."""
    calm = undisturbed(len(state.hz))
    for number in range(round(days * 86_400 / dt_s)):
        now = NOVEMBER + int(number * dt_s * 1000)
        state = step(fleet, state, now, dt_s, weather.at(now), calm)
        yield state
