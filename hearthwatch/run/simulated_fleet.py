"""The process `simulate fleet`: thousands of simulated gateways on a real broker."""

import asyncio
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hearthwatch.base.errors import UnreachableError, UsageError
from hearthwatch.base.resources import find_scenario
from messaging.settings import MqttSettings
from simulators.load.counts import Counts
from simulators.load.gateway import Broker
from simulators.load.service import LoadService, LoadSettings
from simulators.load.source import fleet_blocks
from simulators.scenario.scenario import load_scenario
from wire.wall_clock import wall_clock_ms

# The broker sees a steady stream of connections instead of a storm.
_HANDSHAKES_AT_ONCE: Final = 50
# A fleet that is polled every 30 s sends once a second.
_TURNS: Final = 30
_CHECK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """The fleet, its scenario and pace, and how long it runs; `lasts_s` None runs until stopped.

    `speed` divides `interval_s`, the time between two polls. `drops_per_hour` is how often each
    gateway's connection is cut. `journal_messages` is how many messages a gateway keeps.
    """

    units: int
    gateways: int
    interval_s: float
    speed: float
    scenario: str
    seed: int
    drops_per_hour: float
    journal_messages: int
    lasts_s: float | None


def run_fleet(
    options: FleetOptions,
    mqtt: MqttSettings,
    stop: threading.Event,
    on_progress: Callable[[Counts], None],
) -> dict[str, Any]:
    """Run the fleet until `stop` or its end, and return counts and rates as a JSON document.

    `on_progress` takes the counts now and then. Raises UsageError and UnreachableError.
    """
    service = _service(options)
    began, spent = time.monotonic(), _cpu_s()
    counts = asyncio.run(_run(service, options.lasts_s, mqtt, stop, on_progress))
    seconds = time.monotonic() - began
    return {
        "units": options.units,
        "gateways": options.gateways,
        **counts.document(),
        "seconds": round(seconds, 1),
        "readings_per_s": round(counts.readings / seconds, 1),
        "cpu_share": round((_cpu_s() - spent) / seconds, 3),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _service(options: FleetOptions) -> LoadService:
    poll_s = options.interval_s / options.speed
    scenario = load_scenario(find_scenario(options.scenario))
    interval_ms = round(options.interval_s * 1000)
    try:
        blocks = fleet_blocks(
            scenario,
            options.units,
            options.gateways,
            _TURNS,
            interval_ms,
            wall_clock_ms(),
            options.seed,
        )
    except ValueError as error:
        raise UsageError(f"--units, --gateways: {error}") from error
    settings = LoadSettings(
        poll_s, options.drops_per_hour, options.journal_messages, seed=options.seed
    )
    return LoadService(settings, blocks)


async def _run(
    service: LoadService,
    lasts_s: float | None,
    mqtt: MqttSettings,
    stop: threading.Event,
    on_progress: Callable[[Counts], None],
) -> Counts:
    await _reach(mqtt)
    over = asyncio.Event()
    watching = asyncio.create_task(_watch(stop, over))
    try:
        return await service.run(_broker(mqtt), over, lasts_s, on_progress)
    finally:
        watching.cancel()


def _broker(mqtt: MqttSettings) -> Broker:
    file = mqtt.password_file
    password = None if file is None else file.read_text(encoding="utf-8").strip()
    handshakes = asyncio.Semaphore(_HANDSHAKES_AT_ONCE)
    return Broker(mqtt.host, mqtt.port, handshakes, mqtt.username, password, mqtt.root)


async def _watch(stop: threading.Event, over: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(_CHECK_EVERY_S)
    over.set()


async def _reach(mqtt: MqttSettings) -> None:
    try:
        _, writer = await asyncio.open_connection(mqtt.host, mqtt.port)
    except OSError as error:
        raise UnreachableError(
            f"no broker at {mqtt.url}: {error.strerror or error}; start one or name it with --url"
        ) from error
    writer.close()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
