"""The rules over silence, fed with the absences of a simulated season.

A village is evaluated by itself: rules/presence keeps nothing between villages. A village where
everybody is heard at every poll causes no transition, and its state stays as if it had just been
announced, provided that the limits are longer than a poll interval. So the rules are fed only the
villages where somebody is silent, from the last poll before the silence until everything has
cleared. The transitions are the same as those of every reading.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.document.rule import Rule
from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from simulators.scenario.events import SILENT, WIDE, Event
from simulators.season.layout import DISTRICT, TOWN, SeasonBlock
from simulators.season.span import SeasonSpan
from wire.topics import GatewayPath
from wire.units import HOUR_MS, MINUTE_MS

_CHECK_EVERY_MS: Final = MINUTE_MS  # between polls too
_SETTLES_MS: Final = 2 * HOUR_MS  # after this time an ended silence has no effect


@dataclass(frozen=True, slots=True)
class _Gateway:
    path: GatewayPath
    units: range


def silence(
    rules: Sequence[Rule], block: SeasonBlock, events: Sequence[Event], span: SeasonSpan
) -> Iterator[Transition]:
    """Yield the transitions that the absences among `events` cause, village by village."""
    devices = block.devices()
    villages: dict[str, list[_Gateway]] = {}
    for settlement, gateway, units in block.gateways():
        path = GatewayPath(DISTRICT, TOWN, settlement.name, gateway)
        villages.setdefault(settlement.name, []).append(_Gateway(path, units))
    absent = [event for event in events if event.cause in SILENT]
    for gateways in villages.values():
        own = range(gateways[0].units.start, gateways[-1].units.stop)
        for group in _groups([event for event in absent if event.units[0] in own]):
            yield from _watch(rules, gateways, devices, group, span)


def _groups(events: Sequence[Event]) -> list[list[Event]]:
    """Return groups of absences that overlap or follow each other closely, in order of time."""
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
    span: SeasonSpan,
) -> Iterator[Transition]:
    """Yield the transitions of one village, from the last poll before `events` until it settles."""
    first = max(events[0].begin // span.step_ms - 1, 0) * span.step_ms
    last = min(max(event.end or span.lasts_ms for event in events) + _SETTLES_MS, span.lasts_ms)
    presence = Presence(rules, span.start + first)
    for gateway in gateways:
        names = [devices[unit] for unit in gateway.units]
        presence.announce(gateway.path, names, span.step_ms, span.start + first)
    for elapsed in range(first, last + 1, _CHECK_EVERY_MS):
        if elapsed % span.step_ms == 0:
            active = [event for event in events if event.active(elapsed)]
            _hear(presence, gateways, devices, active, elapsed, span)
        yield from presence.step(span.start + elapsed)


def _hear(
    presence: Presence,
    gateways: Sequence[_Gateway],
    devices: Sequence[str],
    events: Sequence[Event],
    elapsed: int,
    span: SeasonSpan,
) -> None:
    dead = {unit for event in events if event.cause in WIDE for unit in event.units}
    silent = {unit for event in events for unit in event.units}
    for gateway in gateways:
        if gateway.units.start not in dead:
            names = [devices[unit] for unit in gateway.units if unit not in silent]
            presence.heard(gateway.path, names, span.step_ms, span.start + elapsed)
