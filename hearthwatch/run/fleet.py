"""`simulate fleet`: a scenario's physics behind thousands of gateways on a real broker."""

import asyncio
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from hearthwatch.base.errors import UnreachableError, UsageError
from hearthwatch.run.simulation import find_scenario
from messaging.settings import MqttSettings
from simulators.load.counts import Counts
from simulators.load.gateway import Broker
from simulators.load.service import LoadService, LoadSettings
from simulators.load.source import fleet_blocks
from simulators.scenario.scenario import load_scenario
from wire.wall_clock import wall_clock_ms

HANDSHAKES_AT_ONCE: Final = (
    50  # so that a broker sees a steady stream of connections instead of a storm
)
TURNS: Final = 30  # a fleet polled every 30 s sends once a second
LOOK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What the command line says: fleet, scenario, pace and length."""

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
    """Run the fleet until `stop` or its end; what it did, with rates. Raises UsageError and
    UnreachableError."""
    service = _service(options)
    began, spent = time.monotonic(), _cpu_s()
    counts = asyncio.run(_run(service, options, mqtt, stop, on_progress))
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
            TURNS,
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
    options: FleetOptions,
    mqtt: MqttSettings,
    stop: threading.Event,
    on_progress: Callable[[Counts], None],
) -> Counts:
    await _reach(mqtt)
    password = (
        None
        if mqtt.password_file is None
        else mqtt.password_file.read_text(encoding="utf-8").strip()
    )
    broker = Broker(
        mqtt.host,
        mqtt.port,
        asyncio.Semaphore(HANDSHAKES_AT_ONCE),
        mqtt.username,
        password,
        mqtt.root,
    )
    over = asyncio.Event()
    watching = asyncio.create_task(_watch(stop, over))
    try:
        return await service.run(broker, over, options.lasts_s, on_progress)
    finally:
        watching.cancel()


async def _watch(stop: threading.Event, over: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(LOOK_EVERY_S)
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


class FleetDisplay:
    """The counts as a small table on standard error that renews itself; used as a context."""

    def __init__(self) -> None:
        self._live = Live(console=Console(stderr=True), refresh_per_second=2, transient=True)

    def __enter__(self) -> "FleetDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, counts: Counts) -> None:
        """Show the counts as they are now."""
        table = Table(
            "gateways connected",
            "readings",
            "covered",
            "waiting",
            "lost",
            "messages sent",
            "sent again",
        )
        shown = (
            counts.connected,
            counts.readings,
            counts.acknowledged,
            counts.waiting,
            counts.lost,
            counts.messages_sent,
            counts.messages_resent,
        )
        table.add_row(*(f"{number:,}" for number in shown))
        self._live.update(table)
