"""The season of one block: time passes in polls, each told as columns."""

from collections.abc import Iterable, Iterator
from typing import Final

from simulators.chance import draw, planned
from simulators.disturbances import disturbance
from simulators.faults import WIDE, Effects, Event, effects
from simulators.physics.conditions import Conditions
from simulators.physics.disturbance import undisturbed
from simulators.physics.measure import SHOWN, measure
from simulators.physics.state import at_rest
from simulators.physics.step import step
from simulators.scenario import Scenario
from simulators.scoring.signs import SIGNS
from simulators.scoring.truths import Level, Truth
from simulators.season.households import Households, settle, village_generator
from simulators.season.layout import Block
from simulators.season.nature import Nature
from simulators.season.poll import Controllers, Poll
from simulators.season.span import Span

_EVENTS: Final = 209
_GROWS_EVERY_MS: Final = 3_600_000  # how often what grows over days is looked at again


class BlockSeason:
    """One block through a season. `polls` may be run through once; then `truths` tells what happened."""

    def __init__(self, scenario: Scenario, block: Block, span: Span, seed: int) -> None:
        self._block, self._span, self._seed = block, span, seed
        self._households = settle(scenario, block, seed)
        self._weather = scenario.weather_for(seed, span.start)
        self._nature = Nature(block.devices(), self._households.lacks)
        self._controllers = Controllers(self._households.codes, self._households.lacks)
        self.events = _events(scenario, block, span, seed, self._households)

    def polls(self, points: Iterable[str] = SHOWN) -> Iterator[Poll]:
        """Every poll in order of time, with these points."""
        wanted = [point for point in SHOWN if point in set(points)]
        fleet, span = self._households.fleet, self._span
        state = at_rest(fleet, self._households.start, self._outdoors(span.start).outdoor_c)
        active, struck = Effects(), undisturbed(self._block.units)
        changes = _Changes(self.events)
        for at in span.times():
            if changes.due(at - span.start):
                active = effects(changes.active, at - span.start)
                struck = disturbance(active, self._block.units)
            weather = self._outdoors(at)
            state = step(fleet, state, at - span.step_ms, span.step_ms / 1000.0, weather, struck)
            columns = measure(fleet, state, at, weather, struck, self._seed, wanted)
            poll = self._controllers.poll(at, state, columns, active)
            self._nature.observe(at, state, weather, poll.heard, active)
            yield poll

    def truths(self) -> list[Truth]:
        """What was injected, and what nature did by itself; to be asked after the last poll."""
        devices = self._block.devices()
        gateways = {
            unit: (gateway, village.name) for village, gateway, units in self._block.gateways() for unit in units
        }
        injected = [self._truth(event, devices, gateways) for event in self.events]
        return [*injected, *self._nature.truths(self._span.end)]

    def _truth(self, event: Event, devices: list[str], gateways: dict[int, tuple[str, str]]) -> Truth:
        unit = event.units[0]
        level: Level = WIDE.get(event.cause, "device")
        gateway, village = gateways[unit]
        subject = {"device": devices[unit], "gateway": gateway, "village": village}[level]
        kind = event.detail.partition(":")[0] if event.cause == "fault" else event.cause
        lasts = event.end is None or event.end >= self._span.lasts_ms
        end = None if lasts or event.end is None else self._span.start + event.end
        detail = {"strength": round(event.strength, 3)} | ({"of": event.detail} if event.detail else {})
        certain = self._households.shows(unit, SIGNS[kind].needs)
        return Truth(kind, level, subject, self._span.start + event.begin, end, certain, detail)

    def _outdoors(self, at: int) -> Conditions:
        return self._weather.at(at).shifted(self._households.height_k)


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


def _events(scenario: Scenario, block: Block, span: Span, seed: int, households: Households) -> list[Event]:
    """What happens to the block: by chance in each village, and what the scenario puts at given times there."""
    found: list[Event] = []
    for settlement, village in zip(block.settlements, block.villages(households.codes, households.lacks), strict=True):
        found += draw(scenario.random, village, span.lasts_ms, village_generator(seed, _EVENTS, settlement))
        found += planned(scenario.event, village, settlement.first_unit)
    return sorted(found, key=lambda event: (event.begin, event.units))
