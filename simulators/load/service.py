"""A whole fleet in real time: groups of villages polled in turn, all their gateways on the bus."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from time import monotonic
from typing import Final

from simulators.load.counts import Counts
from simulators.load.gateway import Broker, SimulatedGateway, end
from simulators.load.journal import SimulatedJournal
from simulators.load.source import BlockGateway, FleetBlock
from wire.messages import AnnouncedDevice
from wire.wall_clock import wall_clock_ms

PROFILE: Final = "midea-mthermal"
_CHECK_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """The behaviour of the fleet on the bus.

    Each unit is polled every `interval_s`. Each connection is cut `drops_per_hour` times on
    average. A journal keeps `journal_messages`. At the end the gateways wait up to `drain_s` for
    watermarks.
    """

    interval_s: float = 30.0
    drops_per_hour: float = 0.0
    journal_messages: int = 240
    drain_s: float = 90.0
    seed: int = 1


class LoadService:
    """The fleet of one load test; `counts` may be read at any time."""

    def __init__(self, settings: LoadSettings, blocks: Sequence[FleetBlock]) -> None:
        self.counts = Counts()
        self._settings = settings
        self._groups = [
            (block, [self._gateway(gateway) for gateway in block.gateways]) for block in blocks
        ]

    def _gateway(self, gateway: BlockGateway) -> SimulatedGateway:
        devices = [
            AnnouncedDevice(name, PROFILE, "simulated", address)
            for address, name in enumerate(gateway.devices, start=1)
        ]
        journal = SimulatedJournal(
            token_hex(4), self._settings.interval_s, self._settings.journal_messages
        )
        return SimulatedGateway(
            gateway.gateway, devices, journal, self._settings.interval_s, self.counts
        )

    async def run(
        self,
        broker: Broker,
        stop: asyncio.Event,
        lasts_s: float | None,
        on_progress: Callable[[Counts], None],
    ) -> Counts:
        """Send until `stop`, or for `lasts_s` seconds; wait for the last watermarks; the counts."""
        tasks = [asyncio.create_task(session) for session in self._sessions(broker)]
        tasks.append(asyncio.create_task(self._report(on_progress)))
        try:
            await self._poll(stop, lasts_s)
            await self._drain()
        finally:
            await end(tasks)
        return self._counted()

    def _sessions(self, broker: Broker) -> list[Coroutine[None, None, None]]:
        drops = self._settings.drops_per_hour
        gap_s = 3600.0 / drops if drops > 0.0 else None
        gateways = [gateway for _, own in self._groups for gateway in own]
        return [
            gateway.run(broker, gap_s, self._settings.seed + row)
            for row, gateway in enumerate(gateways)
        ]

    async def _poll(self, stop: asyncio.Event, lasts_s: float | None) -> None:
        """Poll the groups in turn, evenly over the interval; a late poll shortens no later one."""
        began = monotonic()
        pause_s = self._settings.interval_s / len(self._groups)
        for number in count():
            passed = monotonic() - began
            if stop.is_set() or (lasts_s is not None and passed >= lasts_s):
                return
            block, gateways = self._groups[number % len(self._groups)]
            for gateway, readings in zip(gateways, block.poll(wall_clock_ms()), strict=True):
                if readings:
                    gateway.offer(readings)
            await _wait(stop, began + (number + 1) * pause_s - monotonic())

    async def _drain(self) -> None:
        """Wait until every reading is acknowledged or lost, at most `drain_s`."""
        deadline = monotonic() + self._settings.drain_s
        while self._counted().waiting and monotonic() < deadline:
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _report(self, on_progress: Callable[[Counts], None]) -> None:
        while True:
            on_progress(self._counted())
            await asyncio.sleep(_CHECK_EVERY_S)

    def _counted(self) -> Counts:
        self.counts.waiting = self.counts.readings - self.counts.acknowledged - self.counts.lost
        return self.counts


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(seconds, 0.0))
