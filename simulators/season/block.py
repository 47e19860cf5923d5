"""The season of one block: time passes in polls, each told as columns."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.chance import draw, planned
from simulators.disturbances import disturbance, switched_off
from simulators.faults import WIDE, Effects, Event, effects
from simulators.physics.arrays import Floats
from simulators.physics.conditions import Conditions
from simulators.physics.disturbance import Disturbance, undisturbed
from simulators.physics.measure import measure
from simulators.physics.state import FleetState, at_rest
from simulators.physics.step import step
from simulators.scenario import Scenario
from simulators.scoring.truths import Level, Truth
from simulators.season.households import settle, village_generator
from simulators.season.layout import Block
from simulators.season.nature import Nature
from simulators.season.span import Span
from wire.points import STATES

_EVENTS: Final = 209
_GROWS_EVERY_MS: Final = 3_600_000  # how often what grows over days is looked at again
_OFF, _STANDBY = STATES.index("off"), STATES.index("standby")
_HEATING, _DEFROST = STATES.index("heating"), STATES.index("defrost")


@dataclass(frozen=True, slots=True)
class Poll:
    """What every unit of a block would read at `at` (UTC ms), one element per unit.

    `heard` are the units that answer, None for all of them; `faults` the codes they show, as (unit, `kind:code`).
    """

    at: int
    state: NDArray[np.int8]
    points: dict[str, Floats]
    faults: list[tuple[int, str]]
    heard: NDArray[np.int64] | None


class BlockSeason:
    """One block through a season. `polls` may be run through once; then `truths` tells what happened."""

    def __init__(self, scenario: Scenario, block: Block, span: Span, seed: int) -> None:
        self._block, self._span = block, span
        self._households = settle(scenario, block, seed)
        self._weather = scenario.weather_for(seed)
        self._nature = Nature(block.devices())
        self.events = _events(scenario, block, span, seed, self._households.codes)
        self._held: dict[int, dict[str, float]] = {}

    def polls(self) -> Iterator[Poll]:
        """Every poll in order of time."""
        state = at_rest(self._households.fleet, self._households.start, self._weather.at(self._span.start).outdoor_c)
        active, calm = Effects(), undisturbed(self._block.units)
        struck = calm
        changes = _Changes(self.events)
        for at in self._span.times():
            if changes.due(at - self._span.start):
                active = effects(changes.active, at - self._span.start)
                struck = disturbance(active, self._block.units)
            weather = self._weather.at(at)
            began = at - self._span.step_ms
            state = step(self._households.fleet, state, began, self._span.step_ms / 1000.0, weather, struck)
            yield self._poll(at, state, active, weather, struck)

    def truths(self) -> list[Truth]:
        """What was injected, and what nature did by itself; to be asked after the last poll."""
        devices = self._block.devices()
        gateways = {unit: gateway for _, gateway, units in self._block.gateways() for unit in units}
        injected = [_truth(event, devices, gateways, self._block, self._span) for event in self.events]
        return [*injected, *self._nature.truths(self._span.end)]

    def _poll(
        self, at: int, state: FleetState, active: Effects, weather: Conditions, struck: Disturbance
    ) -> Poll:
        points = measure(self._households.fleet, state, at, weather, struck)
        heard = _heard(active, self._block.units)
        self._nature.observe(at, state, heard, active)
        codes = _state_codes(state, active)
        self._distort(points, active)
        faults = [(unit, code) for unit, shown in active.faults.items() for code in shown]
        return Poll(at, codes, points, faults, heard)

    def _distort(self, points: dict[str, Floats], active: Effects) -> None:
        """What sensors and brands make of the physics."""
        for unit, drifts in active.drift_k.items():
            for point, kelvin in drifts.items():
                points[point][unit] += kelvin
        for point, units in self._households.lacks.items():
            if point in points:
                points[point][units] = np.nan
        for unit, broken in active.broken.items():
            for point in broken:
                points[point][unit] = np.nan
        self._freeze(points, active)

    def _freeze(self, points: dict[str, Floats], active: Effects) -> None:
        for unit in active.frozen - self._held.keys():
            self._held[unit] = {point: float(column[unit]) for point, column in points.items()}
        for unit in self._held.keys() - active.frozen:
            del self._held[unit]
        for unit, held in self._held.items():
            for point, value in held.items():
                points[point][unit] = value


class _Changes:
    """The events going on, and whether the effects must be worked out anew."""

    def __init__(self, events: list[Event]) -> None:
        self.active: list[Event] = []
        self._coming = list(reversed(events))
        self._grown_at = 0

    def due(self, elapsed: int) -> bool:
        """Whether anything began, ended or grew by `elapsed`."""
        still = [event for event in self.active if event.active(elapsed)]
        changed = len(still) != len(self.active)
        while self._coming and self._coming[-1].begin <= elapsed:
            event = self._coming.pop()
            still += [event] if event.active(elapsed) else []
            changed = True
        self.active = still
        grows = elapsed - self._grown_at >= _GROWS_EVERY_MS and any(event.grows for event in still)
        if changed or grows:
            self._grown_at = elapsed
        return changed or grows


def _events(scenario: Scenario, block: Block, span: Span, seed: int, codes: dict[int, tuple[str, ...]]) -> list[Event]:
    """What happens to the block: by chance in each village, and what the scenario puts at given times there."""
    found: list[Event] = []
    for settlement, village in zip(block.settlements, block.villages(codes), strict=True):
        found += draw(scenario.random, village, span.lasts_ms, village_generator(seed, _EVENTS, settlement))
        found += planned(scenario.event, village, settlement.first_unit)
    return sorted(found, key=lambda event: (event.begin, event.units))


def _heard(active: Effects, units: int) -> NDArray[np.int64] | None:
    if not active.silent:
        return None
    answers = np.ones(units, bool)
    answers[list(active.silent)] = False
    return np.flatnonzero(answers)


def _state_codes(state: FleetState, active: Effects) -> NDArray[np.int8]:
    codes = np.where(state.running, np.where(state.defrosting, _DEFROST, _HEATING), _STANDBY).astype(np.int8)
    codes[list(switched_off(active))] = _OFF
    return codes


def _truth(event: Event, devices: list[str], gateways: dict[int, str], block: Block, span: Span) -> Truth:
    unit = event.units[0]
    level: Level = WIDE.get(event.cause, "device")
    village = next(s.name for s, _, units in block.gateways() if unit in units)
    subject = {"device": devices[unit], "gateway": gateways[unit], "village": village}[level]
    kind = event.detail.partition(":")[0] if event.cause == "fault" else event.cause
    end = None if event.end is None or event.end >= span.lasts_ms else span.start + event.end
    detail: dict[str, object] = {"strength": round(event.strength, 3)} | ({"of": event.detail} if event.detail else {})
    return Truth(kind, level, subject, span.start + event.begin, end, detail=detail)
