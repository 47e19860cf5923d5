"""The rules over silence, fed with the messages that the stored readings show.

The store holds when readings were made, not when they arrived. A gateway that was cut off and sent
its readings later therefore counts as heard all the time. A gateway whose devices all fell silent
counts as silent itself. Last wills and births are not stored. A device is expected from its first
reading on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from hearthwatch.trials.replay.blocks import DEFAULT_INTERVAL_MS
from ingest.store.columns import ReadingColumns
from rules.document.rule import Rule
from rules.presence.presence import Presence
from rules.transitions.transition import Transition
from wire.topics import GatewayPath

CHECK_EVERY_MS: Final = 10_000
"""How often the replay checks for silence; the running service checks every second."""


class Silence:
    """Evaluates the rules over silence from `begin` (UTC ms) on.

    `intervals` are the poll intervals of the gateways in ms.
    """

    def __init__(
        self, rules: Sequence[Rule], intervals: Mapping[GatewayPath, int], begin: int
    ) -> None:
        self._presence = Presence(rules, begin)
        self._intervals = intervals
        self._devices: dict[GatewayPath, dict[str, None]] = {}
        self._next = begin + CHECK_EVERY_MS

    def hear(self, readings: ReadingColumns) -> Iterator[Transition]:
        """Yield the transitions up to the last of `readings`, which are later than those before."""
        for at, gateway, devices in _messages(readings):
            yield from self.pass_until(at)
            # A gateway without any device today has no interval of its own.
            interval_ms = self._intervals.get(gateway, DEFAULT_INTERVAL_MS)
            known = self._devices.setdefault(gateway, {})
            if not known.keys() >= set(devices):
                known |= dict.fromkeys(devices)
                self._presence.announce(gateway, list(known), interval_ms, at)
            self._presence.heard(gateway, devices, interval_ms, at)

    def pass_until(self, at: int) -> Iterator[Transition]:
        """Yield the transitions that time alone causes until `at` (UTC ms).

        There are none before the first device is known.
        """
        if not self._devices:
            self._next += max(0, (at - self._next) // CHECK_EVERY_MS + 1) * CHECK_EVERY_MS
        while self._next <= at:
            yield from self._presence.step(self._next)
            self._next += CHECK_EVERY_MS


def _messages(readings: ReadingColumns) -> list[tuple[int, GatewayPath, list[str]]]:
    """Return each message in order of time: its last reading's time, its gateway, its devices."""
    if not len(readings):
        return []
    order = np.lexsort((readings.seq, readings.epoch, readings.gateway))
    message = np.stack([readings.gateway, readings.epoch, readings.seq])[:, order]
    begins = np.flatnonzero(np.append(True, (message[:, 1:] != message[:, :-1]).any(axis=0)))
    last = np.maximum.reduceat(readings.at[order], begins)
    gateways = [readings.gateways[index] for index in message[0, begins].tolist()]
    devices = [readings.devices[index] for index in readings.device[order].tolist()]
    spans = zip(begins.tolist(), [*begins[1:].tolist(), len(devices)], strict=True)
    members = [devices[begin:end] for begin, end in spans]
    messages = zip(last.tolist(), gateways, members, strict=True)
    return sorted(messages, key=lambda each: (each[0], each[1].village, each[1].gateway))
