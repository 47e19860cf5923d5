"""A small fleet on a real broker with the real ingest: despite cuts, every reading is stored."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulators.load.counts import Counts
from simulators.load.gateway import Broker
from simulators.load.service import LoadService, LoadSettings
from simulators.load.source import fleet_blocks
from simulators.scenario.scenario import QUIET
from tests.ingest.harness import Folder, running
from tests.servers import Server
from wire.wall_clock import wall_clock_ms

UNITS, GATEWAYS = 60, 6


def fleet(port: int, settings: LoadSettings, lasts_s: float) -> tuple[Counts, list[int]]:
    """The fleet in its own thread, since the driver of the browser keeps an event loop here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, send(port, settings, lasts_s)).result()


async def send(port: int, settings: LoadSettings, lasts_s: float) -> tuple[Counts, list[int]]:
    """Run the fleet for a while; its counts, and the connected gateways at each check."""
    blocks = fleet_blocks(QUIET, UNITS, GATEWAYS, 3, 30_000, wall_clock_ms(), 1)
    seen: list[int] = []
    broker = Broker("127.0.0.1", port, asyncio.Semaphore(10))
    service = LoadService(settings, blocks)
    counts = await service.run(
        broker, asyncio.Event(), lasts_s, lambda now: seen.append(now.connected)
    )
    return counts, seen


def test_every_reading_is_stored_once_though_connections_are_cut(
    broker: Server, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    with running(broker.url, folder):
        counts, connected = fleet(
            broker.port, LoadSettings(interval_s=0.5, drops_per_hour=3_600.0), 4.0
        )
    assert counts.readings >= 3 * UNITS
    assert counts.connections > GATEWAYS
    assert max(connected) == GATEWAYS
    assert (counts.waiting, counts.lost) == (0, 0)
    assert len(folder.rows()) == counts.readings


def test_without_a_store_nothing_counts_as_delivered(mosquitto_broker: Server) -> None:
    settings = LoadSettings(interval_s=0.2, journal_messages=10, drain_s=0.0)
    counts, _ = fleet(mosquitto_broker.port, settings, 4.0)
    assert counts.acknowledged == 0
    assert counts.lost > 0
    assert counts.waiting == counts.readings - counts.lost <= 10 * UNITS
