"""One MQTT session whose events arrive in a queue and whose PUBACKs are sent by the consumer.

Traps of the client library handled here (reliability §2): an acknowledgement is sent only on the
connection that delivered, because message ids are reused after a reconnect; callbacks only enqueue,
because an exception in one would end the network thread while the client still calls itself
connected; a broker that sends again what we hold but have not acknowledged yet (NATS does, on a
standing connection) does not fill the queue.

A broker's limit of messages in flight is no bound to what waits here: it may be none, and Mosquitto
up to 2.0.11 opens a whole new window with each PUBACK (docs/decisions/0015). A consumer that has to
bound it gives an `Allowance`: while that is used up, nothing is read from the connection, and the
messages wait at the broker.
"""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from messaging.allowance import Allowance
from messaging.settings import MqttSettings

# Between attempts to reach a broker that is away: from a second, doubling, to half a minute.
_RECONNECT_S = (1, 30)
_MOST_UNANSWERED: Final = 10_000  # published messages that wait for the broker's PUBACK
_DELIVERY_BYTES: Final = 1_000  # what a delivery occupies beside its payload, rounded up


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker accepted the connection and the subscriptions; what is published from now on
    arrives."""

    connection: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection ended; deliveries of it can no longer be acknowledged."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """The broker answered but would not have us: wrong credentials, or not authorised."""

    reason: str


class Puback(NamedTuple):
    """All that a PUBACK needs: what is kept of a delivery whose message has been read."""

    qos: int
    mid: int
    connection: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message from the broker; `connection` is the number of the connection that brought it.

    `redelivered` is the DUP flag: the broker has sent this very message before, and got no PUBACK.
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
        """What acknowledges it."""
        return Puback(self.qos, self.mid, self.connection)

    @property
    def size(self) -> int:
        """How many bytes it occupies, roughly."""
        return len(self.payload) + _DELIVERY_BYTES


@dataclass(frozen=True, slots=True)
class Published:
    """The broker took over the message that `publish` numbered `mid` (its PUBACK arrived)."""

    mid: int


Event = Connected | Disconnected | ConnectionRefused | Delivery | Published


@dataclass(frozen=True, slots=True)
class Will:
    """The message the broker sends for us when we vanish."""

    topic: str
    payload: bytes
    retain: bool = True


class MqttSession:
    """An MQTT 3.1.1 session; all events come out of `events`, in order, for one consumer thread."""

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

        `persistent` asks the broker to keep the session while we are away; then it also keeps what
        we once subscribed to, so `former` names the filters that are to end. `report_published`
        puts a `Published` event in the queue for every PUBACK, for a publisher that counts what is
        in flight. Each delivery takes its size from `allowance`, and whoever has done with it gives
        that back.
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
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if report_published:
            self._client.on_publish = self._on_publish

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and the connection still stands."""
        return self._up

    def start(self) -> None:
        """Connect in the background and keep reconnecting until `stop`."""
        self._client.connect_async(
            self._settings.host, self._settings.port, keepalive=self._settings.keepalive_s
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect cleanly (the broker does not send the will) and end the network thread."""
        if self._allowance is not None:
            self._allowance.lift()
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Hand a message to the client; returns its message id.

        QoS 1 messages survive a reconnect. While 10,000 of them are unanswered, another is dropped.
        """
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def acknowledge(self, delivery: Delivery | Puback) -> bool:
        """Send PUBACK for `delivery`, if the connection that brought it still stands; call in
        arrival order."""
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
        self.events.put(
            ConnectionRefused(f"may not read {', '.join(refused)}")
            if refused
            else Connected(self._connection)
        )

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
        topic, payload = message.topic, bytes(message.payload)
        connection, again = self._connection, message.dup
        delivery = Delivery(
            topic, payload, message.retain, message.qos, message.mid, connection, again
        )
        if self._allowance is not None:
            # In time for a ping before the broker gives the connection up.
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
    if settings.username is not None:
        client.username_pw_set(settings.username, _password(settings))
    if settings.tls:
        client.tls_set(_path(settings.ca), _path(settings.cert), _path(settings.key))
    return client


def _password(settings: MqttSettings) -> str | None:
    return (
        settings.password_file.read_text().strip() if settings.password_file is not None else None
    )


def _path(path: object) -> str | None:
    return str(path) if path is not None else None
