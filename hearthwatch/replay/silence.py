"""The rules over silence, fed with what the readings show of who was heard.

The store knows when readings were made, not when they came. So a gateway that was cut off and sent its backlog later
counts as heard all the time, and one whose devices all fell silent as silent itself; last wills and births are not
stored. A device is waited for from its first reading on.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from hearthwatch.replay.plan import DEFAULT_INTERVAL_MS
from ingest.store import StoredReading
from rules.presence import Presence
from rules.rule import Rule
from rules.transition import Transition
from wire.topics import Place

TICK_MS: Final = 10_000
"""How often silence is looked at; the running service does so every second."""


class Silence:
    """Judges who is silent, from `begin` (UTC ms) on; `intervals` are the poll intervals of the gateways in ms."""

    def __init__(self, rules: Sequence[Rule], intervals: Mapping[Place, int], begin: int) -> None:
        self._presence = Presence(rules, begin)
        self._intervals = intervals
        self._devices: dict[Place, dict[str, None]] = {}
        self._next = begin + TICK_MS

    def hear(self, readings: Sequence[StoredReading]) -> Iterator[Transition]:
        """What changes with `readings`, which are in order of event time and later than those before."""
        for at, place, devices in _messages(readings):
            yield from self.pass_until(at)
            interval_ms = self._intervals.get(place, DEFAULT_INTERVAL_MS)  # a gateway that has no device any more
            known = self._devices.setdefault(place, {})
            if not known.keys() >= set(devices):
                known |= dict.fromkeys(devices)
                self._presence.announce(place, list(known), interval_ms, at)
            self._presence.heard(place, devices, interval_ms, at)

    def pass_until(self, at: int) -> Iterator[Transition]:
        """What changes as the time passes until `at` (UTC ms); before anybody is known nothing does."""
        if not self._devices:
            self._next += max(0, (at - self._next) // TICK_MS + 1) * TICK_MS
        while self._next <= at:
            yield from self._presence.step(self._next)
            self._next += TICK_MS


def _messages(readings: Sequence[StoredReading]) -> list[tuple[int, Place, list[str]]]:
    """When each message was complete, and the devices that it was about."""
    by_message = sorted(readings, key=_message)
    told = []
    for _, group in groupby(by_message, _message):
        message = list(group)
        devices = [one.reading.device for one in message]
        told.append((max(one.reading.at for one in message), message[0].place, devices))
    return sorted(told, key=lambda one: (one[0], one[1].village, one[1].gateway))


def _message(one: StoredReading) -> tuple[str, str, str, str, int]:
    return one.place.town, one.place.village, one.place.gateway, one.epoch, one.seq
