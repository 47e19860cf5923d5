"""The rules over silence, fed with what the readings show of who was heard.

The store knows when readings were made, not when they came. So a gateway that was cut off and sent
its backlog later counts as heard all the time, and one whose devices all fell silent as silent
itself; last wills and births are not stored. A device is waited for from its first reading on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from hearthwatch.trials.replay.plan import DEFAULT_INTERVAL_MS
from ingest.store.columns import ReadingColumns
from rules.document.rule import Rule
from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from wire.topics import GatewayPath

TICK_MS: Final = 10_000
"""How often silence is looked at; the running service does so every second."""


class Silence:
    """Judges who is silent, from `begin` (UTC ms) on; `intervals` are the poll intervals of the
    gateways in ms."""

    def __init__(
        self, rules: Sequence[Rule], intervals: Mapping[GatewayPath, int], begin: int
    ) -> None:
        self._presence = Presence(rules, begin)
        self._intervals = intervals
        self._devices: dict[GatewayPath, dict[str, None]] = {}
        self._next = begin + TICK_MS

    def hear(self, readings: ReadingColumns) -> Iterator[Transition]:
        """What changes with `readings`, which are later than those before."""
        for at, place, devices in _messages(readings):
            yield from self.pass_until(at)
            interval_ms = self._intervals.get(
                place, DEFAULT_INTERVAL_MS
            )  # a gateway that has no device any more
            known = self._devices.setdefault(place, {})
            if not known.keys() >= set(devices):
                known |= dict.fromkeys(devices)
                self._presence.announce(place, list(known), interval_ms, at)
            self._presence.heard(place, devices, interval_ms, at)

    def pass_until(self, at: int) -> Iterator[Transition]:
        """What changes as the time passes until `at` (UTC ms); before anybody is known nothing
        does."""
        if not self._devices:
            self._next += max(0, (at - self._next) // TICK_MS + 1) * TICK_MS
        while self._next <= at:
            yield from self._presence.step(self._next)
            self._next += TICK_MS


def _messages(readings: ReadingColumns) -> list[tuple[int, GatewayPath, list[str]]]:
    """When each message was complete, and the devices that it was about; in order of time."""
    if not len(readings):
        return []
    order = np.lexsort((readings.seq, readings.epoch, readings.place))
    message = np.stack([readings.place, readings.epoch, readings.seq])[:, order]
    begins = np.flatnonzero(np.append(True, (message[:, 1:] != message[:, :-1]).any(axis=0)))
    complete = np.maximum.reduceat(readings.at[order], begins)
    places = [readings.places[place] for place in message[0, begins].tolist()]
    devices = [readings.devices[device] for device in readings.device[order].tolist()]
    spans = zip(begins.tolist(), [*begins[1:].tolist(), len(devices)], strict=True)
    told = zip(complete.tolist(), places, [devices[begin:end] for begin, end in spans], strict=True)
    return sorted(told, key=lambda one: (one[0], one[1].village, one[1].gateway))
