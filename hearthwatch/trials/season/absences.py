"""The rules over silence, fed with what a season leaves out.

A village is judged by itself (rules/presence/presence.py keeps nothing between villages), and one
in which everybody is heard at every poll has no transition and stays as if it had just been
announced, as long as the limits are longer than a poll interval. So the rules see only the villages
where somebody is silent, and these only from the last poll before until everything has cleared: the
transitions are those of feeding them every reading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.document.rule import Rule
from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from simulators.scenario.events import SILENT, WIDE, Event
from simulators.season.layout import DISTRICT, TOWN, Block
from simulators.season.span import Span
from wire.topics import GatewayPath
from wire.units import HOUR_MS, MINUTE_MS

_TICK_MS: Final = MINUTE_MS  # how often silence is looked at between polls
_SETTLES_MS: Final = 2 * HOUR_MS  # a silence that ended so long ago leaves nothing behind


@dataclass(frozen=True, slots=True)
class _Gateway:
    place: GatewayPath
    units: range


def silence(
    rules: Sequence[Rule], block: Block, events: Sequence[Event], span: Span
) -> Iterator[Transition]:
    """The transitions that the absences among `events` cause, village by village."""
    devices = block.devices()
    villages: dict[str, list[_Gateway]] = {}
    for settlement, gateway, units in block.gateways():
        place = GatewayPath(DISTRICT, TOWN, settlement.name, gateway)
        villages.setdefault(settlement.name, []).append(_Gateway(place, units))
    absent = [event for event in events if event.cause in SILENT]
    for gateways in villages.values():
        own = range(gateways[0].units.start, gateways[-1].units.stop)
        for group in _groups([event for event in absent if event.units[0] in own]):
            yield from _watch(rules, gateways, devices, group, span)


def _groups(events: Sequence[Event]) -> list[list[Event]]:
    """Absences that overlap or follow each other closely, in order of time."""
    groups: list[list[Event]] = []
    until = -_SETTLES_MS
    for event in sorted(events, key=lambda event: event.begin):
        if event.begin > until or not groups:
            groups.append([])
        groups[-1].append(event)
        until = max(until, (event.end or event.begin) + _SETTLES_MS)
    return groups


def _watch(
    rules: Sequence[Rule],
    gateways: Sequence[_Gateway],
    devices: Sequence[str],
    events: Sequence[Event],
    span: Span,
) -> Iterator[Transition]:
    """One village from the last poll before `events` until two hours after them."""
    first = max(events[0].begin // span.step_ms - 1, 0) * span.step_ms
    last = min(max(event.end or span.lasts_ms for event in events) + _SETTLES_MS, span.lasts_ms)
    presence = Presence(rules, span.start + first)
    for gateway in gateways:
        names = [devices[unit] for unit in gateway.units]
        presence.announce(gateway.place, names, span.step_ms, span.start + first)
    for elapsed in range(first, last + 1, _TICK_MS):
        if elapsed % span.step_ms == 0:
            _hear(
                presence,
                gateways,
                devices,
                [event for event in events if event.active(elapsed)],
                elapsed,
                span,
            )
        yield from presence.step(span.start + elapsed)


def _hear(
    presence: Presence,
    gateways: Sequence[_Gateway],
    devices: Sequence[str],
    events: Sequence[Event],
    elapsed: int,
    span: Span,
) -> None:
    dead = {unit for event in events if event.cause in WIDE for unit in event.units}
    silent = {unit for event in events for unit in event.units}
    for gateway in gateways:
        if gateway.units.start not in dead:
            names = [devices[unit] for unit in gateway.units if unit not in silent]
            presence.heard(gateway.place, names, span.step_ms, span.start + elapsed)
