"""The season of one block: time passes in polls, each told as columns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulators.physics.disturbance import undisturbed
from simulators.physics.fleet.measure import SHOWN, measure
from simulators.physics.fleet.state import FleetState, at_rest
from simulators.physics.fleet.step import step
from simulators.physics.machine import frost
from simulators.physics.weather.conditions import Conditions
from simulators.scenario.chance import draw, planned
from simulators.scenario.effects_to_physics import disturbance
from simulators.scenario.events import WIDE, Effects, Event, effects
from simulators.scenario.scenario import Scenario
from simulators.scoring.signs import SIGNS
from simulators.scoring.truths import Level, Truth
from simulators.season.households import Households, settle, village_generator
from simulators.season.layout import SeasonBlock
from simulators.season.nature import Nature
from simulators.season.poll import Controllers, SeasonPoll
from simulators.season.span import SeasonSpan
from wire.units import HOUR_MS

_EVENTS: Final = 209
_GROWS_EVERY_MS: Final = HOUR_MS  # how often what grows over days is looked at again


class BlockSeason:
    """One block through a season. `polls` may be run through once; then `truths` tells what
    happened."""

    def __init__(self, scenario: Scenario, block: SeasonBlock, span: SeasonSpan, seed: int) -> None:
        self._block, self._span, self._seed = block, span, seed
        self._households = settle(scenario, block, seed)
        self._weather = scenario.weather_for(seed, span.start)
        self._nature = Nature(block.devices(), self._households.lacks)
        self._controllers = Controllers(self._households.codes, self._households.lacks)
        self._runs: dict[Event, _Run] = {}
        self._frosted_s = np.zeros(block.units)  # of heating with a defrost due
        self.events = _events(scenario, block, span, seed, self._households)

    def polls(self, points: Iterable[str] = SHOWN) -> Iterator[SeasonPoll]:
        """Every poll in order of time, with these points."""
        wanted = [point for point in SHOWN if point in set(points)]
        fleet, span = self._households.fleet, self._span
        state = at_rest(fleet, self._households.start, self._outdoors(span.start).outdoor_c)
        active, struck = Effects(), undisturbed(self._block.units)
        changes = _Changes(self.events)
        for at in span.times():
            if changes.due(at - span.start):
                self._note_runs(changes, state)
                active = effects(changes.active, at - span.start)
                struck = disturbance(active, self._block.units)
            weather = self._outdoors(at)
            state = step(fleet, state, at - span.step_ms, span.step_ms / 1000.0, weather, struck)
            self._note_frost(state)
            columns = measure(fleet, state, at, weather, struck, self._seed, wanted)
            poll = self._controllers.poll(at, state, columns, active)
            self._nature.observe(at, state, weather, poll.heard, active)
            yield poll
        changes.due(span.lasts_ms)
        self._note_runs(changes, state)

    def _note_frost(self, state: FleetState) -> None:
        """Who has heated over the last step on a coil that a healthy unit would have defrosted."""
        frosted = state.frost_kg >= frost.TRIGGER_KG * self._households.fleet.machines.size
        self._frosted_s += (frosted & state.running & ~state.defrosting) * (
            self._span.step_ms / 1000.0
        )

    def _note_runs(self, changes: "_Changes", state: FleetState) -> None:
        """How each event that begins finds its unit, and for how long that had heated by its
        end."""
        for event in changes.began:
            self._runs[event] = _Run(
                bool(state.running[event.units[0]]), self._heated_s(event, state)
            )
        for event in changes.ended:
            run = self._runs[event]
            run.heated_s = self._heated_s(event, state) - run.heated_before_s

    def _heated_s(self, event: Event, state: FleetState) -> float:
        """For how long the event's unit has heated in all, as far as its class can show then."""
        heated_s = self._frosted_s if SIGNS[_class_of(event)].on_frost else state.heated_s
        return float(heated_s[event.units[0]])

    def truths(self) -> list[Truth]:
        """What was injected, and what nature did by itself; to be asked after the last poll."""
        devices = self._block.devices()
        gateways = {
            unit: (gateway, village.name)
            for village, gateway, units in self._block.gateways()
            for unit in units
        }
        injected = [self._truth(event, devices, gateways) for event in self.events]
        return [*injected, *self._nature.truths(self._span.end)]

    def _truth(
        self, event: Event, devices: list[str], gateways: dict[int, tuple[str, str]]
    ) -> Truth:
        unit = event.units[0]
        level: Level = WIDE.get(event.cause, "device")
        gateway, village = gateways[unit]
        subject = {"device": devices[unit], "gateway": gateway, "village": village}[level]
        kind = _class_of(event)
        lasts = event.end is None or event.end >= self._span.lasts_ms
        end = None if lasts or event.end is None else self._span.start + event.end
        detail = {"strength": round(event.strength, 3)} | (
            {"of": event.detail} if event.detail else {}
        )
        signs, run = SIGNS[kind], self._runs.get(event, _Run(False, 0.0))
        ran = run.heated_s * 1000.0 >= signs.runs_ms and (
            run.found_running or not signs.found_running
        )
        certain = ran and self._households.shows(unit, signs.needs)
        return Truth(kind, level, subject, self._span.start + event.begin, end, certain, detail)

    def _outdoors(self, at: int) -> Conditions:
        return self._weather.at(at).shifted(self._households.height_k)


def _class_of(event: Event) -> str:
    return event.detail.partition(":")[0] if event.cause == "fault" else event.cause


@dataclass(slots=True)
class _Run:
    """How an event found its unit, and for how long the unit heated meanwhile, s, as far as its
    class can show then."""

    found_running: bool
    heated_before_s: float
    heated_s: float = 0.0


class _Changes:
    """The events going on, those that just `began` and `ended`, and whether effects must be worked
    out anew."""

    def __init__(self, events: list[Event]) -> None:
        self.active: list[Event] = []
        self.began: list[Event] = []
        self.ended: list[Event] = []
        self._coming = list(reversed(events))
        self._grown_at = 0

    def due(self, elapsed: int) -> bool:
        """Whether anything began, ended or grew by `elapsed`."""
        self.began = []
        while self._coming and self._coming[-1].begin <= elapsed:
            self.began.append(self._coming.pop())
        going_on = [*self.active, *self.began]
        self.active = [event for event in going_on if event.active(elapsed)]
        self.ended = [event for event in going_on if not event.active(elapsed)]
        grows = elapsed - self._grown_at >= _GROWS_EVERY_MS and any(
            event.grows for event in self.active
        )
        due = bool(self.began or self.ended or grows)
        if due:
            self._grown_at = elapsed
        return due


def _events(
    scenario: Scenario, block: SeasonBlock, span: SeasonSpan, seed: int, households: Households
) -> list[Event]:
    """What happens to the block: by chance in each village, and what the scenario puts at given
    times there."""
    found: list[Event] = []
    for settlement, village in zip(
        block.settlements, block.villages(households.codes, households.lacks), strict=True
    ):
        found += draw(
            scenario.random, village, span.lasts_ms, village_generator(seed, _EVENTS, settlement)
        )
        found += planned(scenario.event, village, settlement.first_unit)
    return sorted(found, key=lambda event: (event.begin, event.units))
