"""An MQTT session: its events arrive in a queue, and its consumer sends the PUBACKs.

It handles these traps of the client library (reliability §2):

- Message ids are reused after a reconnect. A PUBACK goes only to the connection that delivered.
- An exception in a callback ends the network thread, and the client still looks connected.
  Callbacks only enqueue.
- NATS sends unacknowledged messages again on a standing connection. Copies of a held message are
  dropped.

The broker's limit of messages in flight does not bound the queue: it may be off, and Mosquitto up
to 2.0.11 opens a whole new window with each PUBACK (docs/decisions/0015). An `Allowance` bounds
it: while that is used up, the session reads nothing, and messages wait at the broker.
"""

import queue
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from messaging.allowance import Allowance
from messaging.identity import prove_identity
from messaging.reasons import unreachable_reason
from messaging.settings import MqttSettings

_RECONNECT_S: Final = (1, 30)  # the pause between attempts doubles from the first to the second
_FIRST_ANSWER_S: Final = 4.0  # without one, the broker counts as unreachable
_MOST_UNANSWERED: Final = 10_000  # published messages without a PUBACK from the broker
_DELIVERY_BYTES: Final = 1_000  # memory of a delivery beside its payload, rounded up


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted connection and subscriptions; messages published from now on arrive."""

    connection: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended; its deliveries can no longer be acknowledged."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """The broker refused us: wrong credentials, or no right to subscribe."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """An attempt to connect failed, or the first one has had no answer for four seconds."""

    reason: str


class Puback(NamedTuple):
    """The part of a delivery that its PUBACK needs; it outlives the payload."""

    qos: int
    mid: int
    connection: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message from the broker; `connection` numbers the connection that delivered it.

    `redelivered` is the DUP flag: the broker sent this message before and got no PUBACK.
    """

    topic: str
    payload: bytes
    retained: bool
    qos: int
    mid: int
    connection: int
    redelivered: bool = False

    @property
    def puback(self) -> Puback:
        """Return the part that acknowledges this delivery."""
        return Puback(self.qos, self.mid, self.connection)

    @property
    def size(self) -> int:
        """Return the approximate memory of this delivery in bytes."""
        return len(self.payload) + _DELIVERY_BYTES


@dataclass(frozen=True, slots=True)
class Published:
    """The PUBACK for the message that `publish` numbered `mid`."""

    mid: int


Event = Connected | Disconnected | ConnectionRefused | ConnectionFailed | Delivery | Published


@dataclass(frozen=True, slots=True)
class Will:
    """The message that the broker sends for us after a lost connection."""

    topic: str
    payload: bytes
    retain: bool = True


class MqttSession:
    """An MQTT 3.1.1 session; `events` holds all events in order, for one consumer thread."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        *,
        subscriptions: Sequence[str] = (),
        former: Sequence[str] = (),
        persistent: bool = True,
        will: Will | None = None,
        report_published: bool = False,
        allowance: Allowance | None = None,
    ) -> None:
        """Prepare a session; nothing is sent before `start`.

        `persistent` asks the broker to keep the session while we are away. The broker then keeps
        old subscriptions, too; `former` names the filters to end. `report_published` puts a
        `Published` event in the queue for every PUBACK. Each delivery takes its size from
        `allowance`; its consumer gives that back.
        """
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._settings = settings
        self._subscriptions = list(subscriptions)
        self._former = list(former)
        self._allowance = allowance
        self._connection = 0
        self._up = False
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._client = _client(settings, client_id, persistent)
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self._without_answer = threading.Timer(_FIRST_ANSWER_S, self._report_failure)
        self._without_answer.daemon = True
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if report_published:
            self._client.on_publish = self._on_publish

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it still stands."""
        return self._up

    def start(self) -> None:
        """Connect in the background and keep reconnecting until `stop`."""
        self._client.connect_async(
            self._settings.host, self._settings.port, keepalive=self._settings.keepalive_s
        )
        self._client.loop_start()
        self._without_answer.start()

    def stop(self) -> None:
        """Disconnect cleanly (the broker does not send the will) and end the network thread."""
        self._without_answer.cancel()
        if self._allowance is not None:
            self._allowance.lift()
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Hand a message to the client; returns its message id.

        Messages of QoS 1 survive a reconnect. While 10,000 are unanswered, each new one is dropped.
        """
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def acknowledge(self, delivery: Delivery | Puback) -> bool:
        """Send the PUBACK of `delivery`, and return whether its connection still stood.

        Call it in arrival order, after the message is durable.
        """
        with self._lock:
            if not self._up or delivery.connection != self._connection:
                return False
            self._held.discard(delivery.mid)
            return (
                delivery.qos == 0
                or self._client.ack(delivery.mid, delivery.qos) == MQTT_ERR_SUCCESS
            )

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._without_answer.cancel()
        if code.is_failure:
            self.events.put(ConnectionRefused(str(code)))
            return
        with self._lock:
            self._connection += 1
            self._up = True
            self._held.clear()
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        else:
            self.events.put(Connected(self._connection))
        if self._former:
            client.unsubscribe(self._former)

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        self._without_answer.cancel()
        # The client library calls this where it handles the error of the attempt.
        self._report_failure(sys.exception())

    def _report_failure(self, error: BaseException | None = None) -> None:
        host, port = self._settings.host, self._settings.port
        self.events.put(ConnectionFailed(unreachable_reason(error, host, port)))

    def _on_subscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        refused = [
            topic
            for topic, code in zip(self._subscriptions, codes, strict=False)
            if code.is_failure
        ]
        if refused:
            self.events.put(ConnectionRefused(f"may not read {', '.join(refused)}"))
        else:
            self.events.put(Connected(self._connection))

    def _on_disconnect(
        self,
        client: Client,
        userdata: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._lock:
            was_up, self._up = self._up, False
        if was_up:
            self.events.put(Disconnected(str(code)))

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        if message.qos > 0:
            with self._lock:
                if message.mid in self._held:
                    return
                self._held.add(message.mid)
        delivery = Delivery(
            message.topic,
            bytes(message.payload),
            message.retain,
            message.qos,
            message.mid,
            self._connection,
            message.dup,
        )
        if self._allowance is not None:
            # Leaves time for a ping before the broker closes the connection.
            self._allowance.take(delivery.size, patience_s=self._settings.keepalive_s / 3)
        self.events.put(delivery)

    def _on_publish(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.events.put(Published(mid))


def _client(settings: MqttSettings, client_id: str, persistent: bool) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=not persistent,
        manual_ack=True,
    )
    client.reconnect_delay_set(*_RECONNECT_S)
    client.max_queued_messages_set(_MOST_UNANSWERED)
    prove_identity(client, settings)
    return client
