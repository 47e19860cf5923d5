"""The events of a village: seeded draws from the rates of a scenario, and planned ones. Pure."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from simulators.registers.image import code_for
from simulators.scenario.event_settings import EventSettings, RandomSettings
from simulators.scenario.events import WIDE, Event
from wire.units import DAY_MS, SECOND_MS


@dataclass(frozen=True, slots=True)
class SimulatedVillage:
    """A village: units by index, gateway by gateway.

    `codes` are the faults that each unit can show, `lacks` the points it does not have.
    """

    gateways: tuple[range, ...]
    codes: Mapping[int, Sequence[str]]
    lacks: Mapping[int, AbstractSet[str]] = field(default_factory=dict)

    @property
    def units(self) -> range:
        """All units of the village."""
        return range(self.gateways[0].start, self.gateways[-1].stop)


def draw(
    chances: Sequence[RandomSettings],
    village: SimulatedVillage,
    lasts_ms: int,
    generator: np.random.Generator,
) -> list[Event]:
    """Random events of a village within `lasts_ms`; those of one class at one unit never overlap.

    Their number is Poisson-distributed, their times uniform, their durations log-normal and cut at
    the end. A fault strikes only units whose brand can show it, a sensor only where there is one.
    """
    events: list[Event] = []
    for chance in chances:
        taken: dict[int, list[tuple[int, int]]] = {}
        days = max(lasts_ms - chance.after, 0) / DAY_MS
        count = generator.poisson(chance.per_1000_unit_days * len(village.units) * days / 1_000)
        for _ in range(int(count)):
            event = _drawn(chance, village, lasts_ms, generator)
            if event is None:
                continue
            spans = taken.setdefault(event.units[0], [])
            if not any(event.begin < end and begin < _end(event) for begin, end in spans):
                spans.append((event.begin, _end(event)))
                events.append(event)
    return sorted(events, key=lambda event: (event.begin, event.units, event.cause, event.detail))


def planned(
    settings: Sequence[EventSettings], village: SimulatedVillage, first: int
) -> list[Event]:
    """The planned events of the village whose first unit has number `first` in its district.

    Numbers count from 0. Units of other villages are left out, and so are faults that the brand of
    a unit cannot show.
    """
    events: list[Event] = []
    for setting in settings:
        numbers = range(setting.count) if setting.count is not None else [(setting.unit or 1) - 1]
        own = [
            number - first + village.units.start
            for number in numbers
            if first <= number < first + len(village.units)
        ]
        candidates = [_shown(setting.event_of((unit,)), village) for unit in own]
        by_units = {
            _struck(event.units[0], event.cause, village): event
            for event in candidates
            if event is not None
        }
        events += [replace(event, units=units) for units, event in by_units.items()]
    return events


def _shown(event: Event, village: SimulatedVillage) -> Event | None:
    """`event` at one unit under the fault code of its brand; None if the brand lacks it."""
    if event.cause != "fault":
        return event
    code = code_for(event.detail, village.codes[event.units[0]])
    return None if code is None else replace(event, detail=code)


def _drawn(
    chance: RandomSettings, village: SimulatedVillage, lasts_ms: int, generator: np.random.Generator
) -> Event | None:
    unit = int(generator.integers(village.units.start, village.units.stop))
    begin = int(generator.uniform(chance.after, lasts_ms)) // SECOND_MS * SECOND_MS
    length = chance.lasts
    if chance.spread > 1:
        length = int(generator.lognormal(log(chance.lasts), log(chance.spread)))
    strength = float(generator.uniform(*chance.strengths()))
    point = chance.points[int(generator.integers(len(chance.points)))] if chance.points else ""
    detail = code_for(chance.fault, village.codes[unit]) if chance.fault is not None else point
    if detail is None or (point and point in village.lacks.get(unit, ())):
        return None
    cause = chance.cause or "fault"
    end = min(begin + max(length, SECOND_MS), lasts_ms)
    return Event(cause, _struck(unit, cause, village), begin, end, detail, strength)


def _struck(unit: int, cause: str, village: SimulatedVillage) -> tuple[int, ...]:
    """The units that an event at `unit` affects: that unit, its gateway, or the whole village."""
    level = next((level for wide, level in WIDE.items() if wide == cause), None)
    if level is None:
        return (unit,)
    if level == "village":
        return tuple(village.units)
    return tuple(next(own for own in village.gateways if unit in own))


def _end(event: Event) -> int:
    return event.begin if event.end is None else event.end
