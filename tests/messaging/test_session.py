"""The MQTT session over real brokers: delivery, acknowledgement on the right connection only, last
will."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from messaging.session import Connected, Delivery, Disconnected, Event, MqttSession, Published, Will
from messaging.settings import MqttSettings
from tests.servers import NatsBroker, Server, wait_until

Kind = TypeVar("Kind", bound=Event)


@contextmanager
def session(broker: Server, name: str, **options: object) -> Iterator[MqttSession]:
    opened = MqttSession(
        MqttSettings(url=f"mqtt://127.0.0.1:{broker.port}", keepalive_s=5), name, **options
    )  # type: ignore[arg-type]
    opened.start()
    try:
        yield opened
    finally:
        opened.stop()


def next_event(session: MqttSession, kind: type[Kind], deadline_s: float = 20) -> Kind:
    while True:
        event = session.events.get(timeout=deadline_s)
        if isinstance(event, kind):
            return event


def test_a_message_arrives_and_its_publisher_learns_it(broker: Server) -> None:
    with (
        session(broker, "reader", subscriptions=["hw/v1/#"]) as reader,
        session(broker, "writer", report_published=True) as writer,
    ):
        next_event(reader, Connected)
        next_event(writer, Connected)
        mid = writer.publish("hw/v1/telemetry/a", b"hello")
        assert next_event(writer, Published).mid == mid
        delivery = next_event(reader, Delivery)
        assert (delivery.topic, delivery.payload) == ("hw/v1/telemetry/a", b"hello")
        assert reader.acknowledge(delivery)


def test_what_was_not_acknowledged_comes_again_after_a_reconnect(broker: Server) -> None:
    with session(broker, "writer", persistent=False) as writer:
        with session(broker, "reader", subscriptions=["t/#"]) as reader:
            next_event(reader, Connected)
            writer.publish("t/1", b"first")
            next_event(reader, Delivery)
        with session(broker, "reader", subscriptions=["t/#"]) as reader:
            again = next_event(reader, Delivery)
            assert again.payload == b"first"
            assert reader.acknowledge(again)


def test_a_persistent_session_lets_go_of_its_former_filters(broker: Server) -> None:
    with session(broker, "writer", persistent=False) as writer:
        with session(broker, "reader", subscriptions=["a/#", "b/#"]) as reader:
            next_event(reader, Connected)
        with session(broker, "reader", subscriptions=["b/#"], former=["a/#"]) as reader:
            next_event(reader, Connected)
        with session(broker, "reader", subscriptions=["b/#"]) as reader:
            next_event(reader, Connected)
            writer.publish("a/1", b"not wanted any more")
            writer.publish("b/1", b"wanted")
            delivery = next_event(reader, Delivery)
            assert delivery.payload == b"wanted"
            assert reader.acknowledge(delivery)


def test_an_old_delivery_is_never_acknowledged_on_a_new_connection(nats_broker: NatsBroker) -> None:
    with (
        session(nats_broker, "reader", subscriptions=["t/#"]) as reader,
        session(nats_broker, "writer", persistent=False) as writer,
    ):
        next_event(reader, Connected)
        next_event(writer, Connected)
        writer.publish("t/1", b"before")
        old = next_event(reader, Delivery)
        nats_broker.kill()
        next_event(reader, Disconnected)
        assert not reader.acknowledge(old)
        nats_broker.start()
        next_event(reader, Connected)
        assert not reader.acknowledge(old)
        next_event(writer, Connected)
        # Killed outright, the broker may have forgotten the first message; the second one is sure
        # to come.
        writer.publish("t/2", b"after")
        fresh = next_event(reader, Delivery)
        while fresh.payload != b"after":
            fresh = next_event(reader, Delivery)
        assert reader.acknowledge(fresh)


def test_the_last_will_is_sent_when_a_client_vanishes_and_not_when_it_leaves(
    broker: Server,
) -> None:
    will = Will("hw/v1/status/a", b"gone")
    with session(broker, "reader", subscriptions=["hw/v1/status/#"]) as reader:
        next_event(reader, Connected)
        with session(broker, "polite", will=will) as polite:
            next_event(polite, Connected)
        with session(broker, "lost", will=will) as lost:
            next_event(lost, Connected)
            lost._client._sock_close()  # the network is cut without a word
            assert next_event(reader, Delivery).payload == b"gone"
        wait_until(lambda: reader.events.empty(), 5)


def test_what_is_sent_again_on_a_standing_connection_is_not_queued_twice(
    nats_broker: NatsBroker,
) -> None:
    with (
        session(nats_broker, "reader", subscriptions=["t/#"]) as reader,
        session(nats_broker, "writer", persistent=False) as writer,
    ):
        next_event(reader, Connected)
        arrivals: list[int] = []
        take = reader._client.on_message

        def count(client: Any, userdata: Any, message: Any) -> None:
            arrivals.append(message.mid)
            take(client, userdata, message)

        reader._client.on_message = count
        writer.publish("t/1", b"held")
        held = next_event(reader, Delivery)
        wait_until(
            lambda: len(arrivals) >= 2, 20, "the broker sends again what is not acknowledged"
        )
        assert reader.events.empty()
        assert reader.acknowledge(held)
