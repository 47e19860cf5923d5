"""A gateway as it is built: its real journal and publisher on a thread, and readings made up
instead of polled."""

import threading
from collections.abc import Sequence
from pathlib import Path

from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.commands.results import CommandResults
from gateway_agent.uplink.identity import GatewayIdentity
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.publisher import Publisher
from messaging.settings import MqttSettings
from tests.ingest.harness import reading
from wire.messages import AnnouncedDevice
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms


class JournalGateway:
    """`poll` journals one message of one device; everything else is the product's own work."""

    def __init__(
        self,
        broker: str | MqttSettings,
        folder: Path,
        place: GatewayPath,
        resend_after_ms: int = 3_000,
        announced: Sequence[str] = (),
        interval_s: float = 30,
    ) -> None:
        self.place = place
        if isinstance(broker, str):
            broker = MqttSettings(url=broker, keepalive_s=5)
        names = announced or [f"{place.gateway}-1"]
        self.device = names[0]
        self.polled: list[int] = []
        self._journal = Journal(folder / f"{place.gateway}.db", interval_s, 64)
        devices = [
            AnnouncedDevice(name, "midea-mthermal", "tcp://127.0.0.1:502", 1) for name in names
        ]
        identity = GatewayIdentity(place, devices, interval_s=interval_s, software="test")
        publisher = Publisher(
            identity.session(broker),
            self._journal,
            CommandQueue(
                CommandResults(folder / f"{place.gateway}-commands.db"), {}, wall_clock_ms
            ),
            identity,
            resend_after_ms=resend_after_ms,
            clock=wall_clock_ms,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=publisher.run, args=(self._stop,))

    def start(self) -> None:
        self._thread.start()

    def poll(self, device: str | None = None) -> int:
        """Journal a reading of `device`, by default the first; returns its time."""
        at = max(wall_clock_ms(), self.polled[-1] + 1 if self.polled else 0)
        self._journal.append([reading(device or self.device, at)], at)
        self.polled.append(at)
        return at

    def all_answered_for(self) -> bool:
        return self._journal.is_empty()

    @property
    def waiting(self) -> int:
        return self._journal.depth

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self._journal.close()
