"""Publishes the journal, forgets what the store holds, answers commands. The shell around
`outgoing`.

Runs on one thread, which alone talks to the MQTT session.
"""

import logging
import threading
from collections.abc import Callable
from queue import Empty
from time import monotonic, monotonic_ns
from typing import Final

from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.resend import Outgoing
from messaging.session import (
    Connected,
    ConnectionRefused,
    Delivery,
    Disconnected,
    Event,
    MqttSession,
    Published,
)
from wire.decode import decode_ack, decode_command
from wire.encode import encode_result, encode_status
from wire.messages import AnnouncedDevice, Status
from wire.payload import PayloadError
from wire.topics import DEFAULT_ROOT, GatewayPath, GatewayTopic, gateway_topic

# How long a message may wait in the journal before anybody looks: far below the interval, far above
# idle load.
_TICK_S: Final = 0.1
# After the stop, so long for the watermark to cover what is left; a service manager kills after
# ten.
_DRAIN_MS: Final = 3_000

_log = logging.getLogger(__name__)


def _monotonic_ms() -> int:
    return monotonic_ns() // 1_000_000


class Publisher:
    """One gateway's publishing, over a session that reports what was published."""

    def __init__(
        self,
        session: MqttSession,
        journal: Journal,
        place: GatewayPath,
        devices: list[AnnouncedDevice],
        desk: CommandQueue,
        *,
        interval_s: float,
        resend_after_ms: int,
        software: str,
        clock: Callable[[], int],
        root: str = DEFAULT_ROOT,
    ) -> None:
        """Nothing is sent before `run`."""
        self._session = session
        self._journal = journal
        self._place = place
        self._root = root
        self._devices = devices
        self._desk = desk
        self.alive_at = monotonic()
        """Monotonic seconds of the last turn: a sign of life for the watchdog."""
        self._interval_s = interval_s
        self._resend_after_ms = resend_after_ms
        self._software = software
        self._clock = clock
        self._refused = False
        self._announced = False
        self._begin_epoch()

    @property
    def watermark(self) -> int:
        """The newest number up to which the store has everything of this epoch."""
        return self._outgoing.watermark

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._session.connected

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set, then what is still in the journal, for at most three
        seconds; then sign off."""
        self._session.start()
        try:
            while not stop.is_set():
                self._turn()
            self._drain()
            self._sign_off()
        finally:
            self._session.stop()

    def _begin_epoch(self) -> None:
        self._epoch = self._journal.epoch
        self._outgoing = Outgoing(self._resend_after_ms, self._journal.last)

    def _turn(self) -> None:
        """Wait a tick for something to happen, deal with all that did, and publish what is due."""
        self.alive_at = monotonic()
        try:
            self._handle(self._session.events.get(timeout=_TICK_S))
            while True:
                self._handle(self._session.events.get_nowait())
        except Empty:
            pass
        if self._epoch != self._journal.epoch:
            self._begin_epoch()
            if self._announced:
                self._announce()
        # The birth goes before the first reading: `connected` alone is true a moment earlier.
        if self._announced and self._session.connected:
            self._publish_due(_monotonic_ms())
            for result in self._desk.results():
                self._session.publish(self._topic("result"), encode_result(result))

    def _publish_due(self, now: int) -> None:
        lost = self._outgoing.unreadable(now)
        if lost is not None and self._journal.drop(lost, "unreadable", self._clock()) is not None:
            _log.error("message %d dropped, the receiver cannot read it", lost)
        for message in self._outgoing.choose(self._journal.pending, now):
            mid = self._session.publish(self._topic("telemetry"), message.payload)
            self._outgoing.published(message, mid, now)

    def _handle(self, event: Event) -> None:
        match event:
            case Connected():
                self._refused, self._announced = False, True
                _log.info("connected to the broker")
                self._announce()
                self._outgoing.connected(self._journal.last)
            case Disconnected(reason):
                self._announced = False
                _log.warning("broker lost: %s", reason)
            case ConnectionRefused(reason) if not self._refused:
                self._refused = True
                _log.error("the broker refuses us: %s", reason)
            case Published(mid):
                self._outgoing.delivered(mid)
            case Delivery():
                self._receive(event)
                self._session.acknowledge(event)

    def _receive(self, delivery: Delivery) -> None:
        try:
            if delivery.topic == self._topic("ack"):
                self._forget(delivery.payload)
            elif delivery.topic == self._topic("command"):
                self._take_command(delivery)
        except PayloadError as error:
            _log.warning("unreadable message on %s: %s", delivery.topic, error)

    def _forget(self, payload: bytes) -> None:
        ack = decode_ack(payload)
        if self._journal.acknowledge(ack.epoch, ack.upto):
            self._outgoing.acknowledged(ack, _monotonic_ms())
        else:
            _log.info("watermark %d of another journal (%s) ignored", ack.upto, ack.epoch)

    def _take_command(self, delivery: Delivery) -> None:
        """Hand it on; a retained one was sent to whoever comes by, some time ago: nobody's
        order."""
        command = decode_command(delivery.payload)
        if delivery.retained:
            _log.warning("retained command %s ignored", command.id)
        else:
            self._desk.receive(command)

    def _announce(self) -> None:
        birth = Status(
            True, self._clock(), self._epoch, self._software, self._interval_s, self._devices
        )
        self._session.publish(self._topic("status"), encode_status(birth), retain=True)

    def _drain(self) -> None:
        give_up = _monotonic_ms() + _DRAIN_MS
        while (
            self._session.connected and not self._journal.is_empty() and _monotonic_ms() < give_up
        ):
            self._turn()

    def _sign_off(self) -> None:
        """Say that we go, and wait until the broker has it: a clean disconnect suppresses the last
        will."""
        if not self._session.connected:
            return
        farewell = self._session.publish(
            self._topic("status"), encode_status(Status(online=False)), retain=True
        )
        give_up = _monotonic_ms() + _DRAIN_MS
        while self._session.connected and _monotonic_ms() < give_up:
            try:
                if self._session.events.get(timeout=_TICK_S) == Published(farewell):
                    return
            except Empty:
                continue

    def _topic(self, kind: GatewayTopic) -> str:
        return gateway_topic(kind, self._place, self._root)
