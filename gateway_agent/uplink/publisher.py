"""Publish the journal, forget messages that the store holds, answer commands.

The shell around `resend`. It runs on one thread, which alone uses the MQTT session.
"""

import threading
from collections.abc import Callable
from queue import Empty
from time import monotonic, monotonic_ns
from typing import Final

from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.logs import EventLog
from gateway_agent.uplink.identity import OFFLINE, GatewayIdentity
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.resend import Outgoing
from messaging.broker_log import BrokerLog
from messaging.session import (
    Connected,
    ConnectionFailed,
    ConnectionRefused,
    Delivery,
    Disconnected,
    Event,
    MqttSession,
    Published,
)
from wire.decode import decode_ack, decode_command
from wire.encode import encode_result
from wire.payload import PayloadError

# How often the journal is checked for new messages: far below the interval, and little idle load.
_CHECK_EVERY_S: Final = 0.1
# After the stop, the longest wait for the watermark; a service manager kills after ten seconds.
_DRAIN_MS: Final = 3_000

_log = EventLog(__name__)


def _monotonic_ms() -> int:
    return monotonic_ns() // 1_000_000


class Publisher:
    """One gateway's publishing, over a session that reports its PUBACKs."""

    def __init__(
        self,
        session: MqttSession,
        journal: Journal,
        commands: CommandQueue,
        identity: GatewayIdentity,
        *,
        resend_after_ms: int,
        clock: Callable[[], int],
    ) -> None:
        """Prepare; nothing is sent before `run`.

        A message without watermark is sent again after `resend_after_ms`. `clock` gives UTC
        milliseconds.
        """
        self._session = session
        self._journal = journal
        self._commands = commands
        self._identity = identity
        self._resend_after_ms = resend_after_ms
        self._clock = clock
        self._announced = False
        self._broker_log = BrokerLog(_log)
        self.alive_at = monotonic()
        """Monotonic seconds of the last sign of life, for the watchdog."""
        self._begin_epoch()

    @property
    def watermark(self) -> int:
        """The number up to which the store has every message of this epoch."""
        return self._outgoing.watermark

    @property
    def connected(self) -> bool:
        """Whether the broker is connected."""
        return self._session.connected

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set; then drain the journal for three seconds and sign off."""
        self._session.start()
        try:
            while not stop.is_set():
                self._step()
            self._drain()
            self._sign_off()
        finally:
            self._session.stop()

    def _begin_epoch(self) -> None:
        self._epoch = self._journal.epoch
        self._outgoing = Outgoing(self._resend_after_ms, self._journal.last)

    def _step(self) -> None:
        """Handle all events, after a short wait for the first, and publish all due messages."""
        self.alive_at = monotonic()
        self._handle_events()
        if self._epoch != self._journal.epoch:
            self._begin_epoch()
            if self._announced:
                self._announce()
        # The birth goes before the first reading: `connected` alone is true a moment earlier.
        if self._announced and self._session.connected:
            self._publish_due(_monotonic_ms())
            for result in self._commands.results():
                self._session.publish(self._identity.topic("result"), encode_result(result))

    def _handle_events(self) -> None:
        try:
            self._handle(self._session.events.get(timeout=_CHECK_EVERY_S))
            while True:
                self._handle(self._session.events.get_nowait())
        except Empty:
            return

    def _publish_due(self, now: int) -> None:
        lost = self._outgoing.unreadable(now)
        if lost is not None and self._journal.drop(lost, "unreadable", self._clock()) is not None:
            _log.error("messages_dropped", first=lost, last=lost, reason="unreadable")
        for message in self._outgoing.choose(self._journal.pending, now):
            mid = self._session.publish(self._identity.topic("telemetry"), message.payload)
            self._outgoing.published(message, mid, now)

    def _handle(self, session_event: Event) -> None:
        self._broker_log(session_event)
        match session_event:
            case Connected():
                self._announced = True
                self._announce()
                self._outgoing.connected(self._journal.last)
            case Disconnected():
                self._announced = False
            case ConnectionRefused() | ConnectionFailed():
                pass
            case Published(mid):
                self._outgoing.delivered(mid)
            case Delivery():
                self._receive(session_event)
                self._session.acknowledge(session_event)

    def _receive(self, delivery: Delivery) -> None:
        try:
            if delivery.topic == self._identity.topic("ack"):
                self._forget(delivery.payload)
            elif delivery.topic == self._identity.topic("command"):
                self._take_command(delivery)
        except PayloadError as error:
            _log.warning("message_unreadable", topic=delivery.topic, reason=error)

    def _forget(self, payload: bytes) -> None:
        ack = decode_ack(payload)
        if self._journal.acknowledge(ack.epoch, ack.upto):
            self._outgoing.acknowledged(ack, _monotonic_ms())
        else:
            _log.info("watermark_ignored", upto=ack.upto, epoch=ack.epoch)

    def _take_command(self, delivery: Delivery) -> None:
        """Hand the command on; retained commands are stale by definition and are ignored."""
        command = decode_command(delivery.payload)
        if delivery.retained:
            _log.warning("retained_command_ignored", id=command.id)
        else:
            self._commands.receive(command)

    def _announce(self) -> None:
        birth = self._identity.birth(self._epoch, self._clock())
        self._session.publish(self._identity.topic("status"), birth, retain=True)

    def _drain(self) -> None:
        give_up = _monotonic_ms() + _DRAIN_MS
        while (
            self._session.connected and not self._journal.is_empty() and _monotonic_ms() < give_up
        ):
            self._step()

    def _sign_off(self) -> None:
        """Publish the offline status and wait for its PUBACK: a clean disconnect sends no will."""
        if not self._session.connected:
            return
        farewell = self._session.publish(self._identity.topic("status"), OFFLINE, retain=True)
        give_up = _monotonic_ms() + _DRAIN_MS
        while self._session.connected and _monotonic_ms() < give_up:
            try:
                if self._session.events.get(timeout=_CHECK_EVERY_S) == Published(farewell):
                    return
            except Empty:
                continue
