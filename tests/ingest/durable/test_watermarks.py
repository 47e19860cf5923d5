"""Watermarks over their own connection."""

import json

import structlog

from ingest.durable.watermarks import Watermarks
from messaging.session import Connected, ConnectionRefused
from messaging.settings import MqttSettings
from tests.ingest.harness import PLACE, Gateway
from tests.servers import NatsBroker, free_port, wait_until
from wire.messages import Ack


def test_a_watermark_from_before_the_connection_goes_out_with_the_next_batch(
    nats_broker: NatsBroker,
) -> None:
    with Gateway(nats_broker.url) as gateway:
        watermarks = Watermarks(MqttSettings(url=nats_broker.url), "ingest")
        watermarks.publish([(PLACE, Ack("e1", 7))])
        watermarks.start()
        try:
            wait_until(lambda: watermarks._session.connected)
            watermarks.publish([])
            wait_until(lambda: gateway.acks == [json.loads('{"v":1,"epoch":"e1","upto":7}')])
        finally:
            watermarks.stop()


def test_a_broker_that_never_answers_cannot_fill_the_memory() -> None:
    watermarks = Watermarks(MqttSettings(url=f"mqtt://127.0.0.1:{free_port()}"), "ingest")
    watermarks.publish((PLACE, Ack("e1", upto)) for upto in range(1, 10_002))
    assert watermarks._waiting == {PLACE: Ack("e1", 10_001)}
    assert not watermarks._session._client._out_messages


def test_a_refusal_is_logged_once_until_the_connection_stands() -> None:
    watermarks = Watermarks(MqttSettings(), "ingest")
    for event in (
        ConnectionRefused("who?"),
        ConnectionRefused("who?"),
        Connected(1),
        ConnectionRefused("who?"),
    ):
        watermarks._session.events.put(event)
    with structlog.testing.capture_logs() as logged:
        watermarks.publish([])
    assert [(entry["event"], entry["reason"]) for entry in logged] == 2 * [
        ("watermarks_refused", "who?")
    ]
