"""The season of one block: time passes in polls, each a set of columns."""

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
from wire.units import HOUR_MS, SECOND_MS

_EVENTS: Final = 209
_GROWS_EVERY_MS: Final = HOUR_MS  # how often growing causes are updated


class BlockSeason:
    """One block through a season: run through `polls` once, then ask for `truths`."""

    def __init__(self, scenario: Scenario, block: SeasonBlock, span: SeasonSpan, seed: int) -> None:
        self._block, self._span, self._seed = block, span, seed
        self._households = settle(scenario, block, seed)
        self._weather = scenario.weather_for(seed, span.start)
        self._nature = Nature(block.devices(), self._households.lacks)
        self._controllers = Controllers(self._households.codes, self._households.lacks)
        self._heating: dict[Event, _HeatingDuringEvent] = {}
        self._frosted_s = np.zeros(block.units)  # of heating with a defrost due
        self.events = _events(scenario, block, span, seed, self._households)

    def polls(self, points: Iterable[str] = SHOWN) -> Iterator[SeasonPoll]:
        """Every poll in order of time, with these points."""
        wanted = [point for point in SHOWN if point in set(points)]
        fleet, span = self._households.fleet, self._span
        state = at_rest(fleet, self._households.start, self._outdoors(span.start).outdoor_c)
        active, faults = Effects(), undisturbed(self._block.units)
        changes = _Changes(self.events)
        for at in span.times():
            if changes.due(at - span.start):
                self._note_heating(changes, state)
                active = effects(changes.active, at - span.start)
                faults = disturbance(active, self._block.units)
            weather = self._outdoors(at)
            state = step(fleet, state, at - span.step_ms, span.step_ms / SECOND_MS, weather, faults)
            self._note_frost(state)
            columns = measure(fleet, state, at, weather, faults, self._seed, wanted)
            poll = self._controllers.poll(at, state, columns, active)
            self._nature.observe(at, state, weather, poll.heard, active)
            yield poll
        changes.due(span.lasts_ms)
        self._note_heating(changes, state)

    def _note_frost(self, state: FleetState) -> None:
        """Add the last step to units that heated on a coil that a healthy unit would defrost."""
        frosted = state.frost_kg >= frost.TRIGGER_KG * self._households.fleet.machines.size
        heats = frosted & state.running & ~state.defrosting
        self._frosted_s += heats * (self._span.step_ms / SECOND_MS)

    def _note_heating(self, changes: "_Changes", state: FleetState) -> None:
        """Note the state of the unit when an event begins, and its heating when it ends."""
        for event in changes.began:
            self._heating[event] = _HeatingDuringEvent(
                bool(state.running[event.units[0]]), self._heated_s(event, state)
            )
        for event in changes.ended:
            heating = self._heating[event]
            heating.heated_s = self._heated_s(event, state) - heating.heated_before_s

    def _heated_s(self, event: Event, state: FleetState) -> float:
        """The total heating of the unit in s, as far as the class of the event can show then."""
        heated_s = self._frosted_s if SIGNS[event.kind].on_frost else state.heated_s
        return float(heated_s[event.units[0]])

    def truths(self) -> list[Truth]:
        """The truths that were injected, and those of nature; to be called after the last poll."""
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
        end = None
        if event.end is not None and event.end < self._span.lasts_ms:
            end = self._span.start + event.end
        detail: dict[str, object] = {"strength": round(event.strength, 3)}
        if event.detail:
            detail["of"] = event.detail
        signs, heating = (
            SIGNS[event.kind],
            self._heating.get(event, _HeatingDuringEvent(False, 0.0)),
        )
        ran_long_enough = heating.heated_s * SECOND_MS >= signs.runs_ms
        ran_at_begin = heating.ran_at_onset or not signs.ran_at_onset
        has_points = self._households.shows(unit, signs.needs)
        certain = ran_long_enough and ran_at_begin and has_points
        onset = self._span.start + event.begin
        return Truth(event.kind, level, subject, onset, end, certain, detail)

    def _outdoors(self, at: int) -> Conditions:
        return self._weather.at(at).shifted(self._households.height_k)


@dataclass(slots=True)
class _HeatingDuringEvent:
    """The unit during an event: running at its begin, and seconds of heating that can show it."""

    ran_at_onset: bool
    heated_before_s: float
    heated_s: float = 0.0


class _Changes:
    """The active events, those that just `began` and `ended`, and whether the effects changed."""

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
    """The events of the block: random and planned ones of each village, in order of time."""
    events: list[Event] = []
    villages = block.villages(households.codes, households.lacks)
    for settlement, village in zip(block.settlements, villages, strict=True):
        generator = village_generator(seed, _EVENTS, settlement)
        events += draw(scenario.random, village, span.lasts_ms, generator)
        events += planned(scenario.event, village, settlement.first_unit)
    return sorted(events, key=lambda event: (event.begin, event.units))
