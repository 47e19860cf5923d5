"""Publishing over real brokers: birth and will, acknowledgement, re-sending, unreadable messages,
commands."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.commands.results import CommandResults
from gateway_agent.uplink.identity import GatewayIdentity
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.publisher import Publisher
from messaging.session import Delivery, MqttSession
from messaging.settings import MqttSettings
from tests.servers import Server, wait_until
from wire.encode import encode_ack, encode_command
from wire.messages import Ack, AnnouncedDevice, Command, Reading
from wire.topics import GatewayPath, GatewayTopic, gateway_topic
from wire.wall_clock import wall_clock_ms

GATEWAY = GatewayPath("d", "t", "v", "gw-1")
DEVICES = [AnnouncedDevice("a", "midea-mthermal", "tcp://127.0.0.1:502", 1)]


class Receiver:
    """The other end: collects everything of the gateway and may answer with watermarks."""

    def __init__(self, url: str) -> None:
        self.got: list[tuple[str, dict, bool]] = []  # type: ignore[type-arg]
        topics = [
            gateway_topic("telemetry", GATEWAY),
            gateway_topic("status", GATEWAY),
            gateway_topic("result", GATEWAY),
        ]
        self._session = MqttSession(
            MqttSettings(url=url), "receiver", subscriptions=topics, persistent=False
        )
        self._session.start()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: self._session.connected)

    def _listen(self) -> None:
        while not self._stop.is_set():
            event = self._session.events.get()
            if isinstance(event, Delivery):
                kind = event.topic.split("/")[2]
                self.got.append((kind, json.loads(event.payload or b"null"), event.retained))
                self._session.acknowledge(event)

    def of(self, kind: str) -> list[dict]:  # type: ignore[type-arg]
        return [document for each, document, _ in self.got if each == kind]

    def seqs(self) -> list[int]:
        return [document["seq"] for document in self.of("telemetry")]

    def say(self, kind: GatewayTopic, payload: bytes) -> None:
        self._session.publish(gateway_topic(kind, GATEWAY), payload)

    def close(self) -> None:
        self._stop.set()
        self._session.stop()


class Gateway:
    """A publisher on a thread, with its journal."""

    def __init__(self, url: str, folder: Path, resend_after_ms: int = 60_000) -> None:
        self.journal = Journal(folder / "journal.db", 30, 8)
        identity = GatewayIdentity(GATEWAY, DEVICES, interval_s=30, software="test 1")
        publisher = Publisher(
            identity.session(MqttSettings(url=url)),
            self.journal,
            CommandQueue(CommandResults(folder / "commands.db"), {}, wall_clock_ms),
            identity,
            resend_after_ms=resend_after_ms,
            clock=wall_clock_ms,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=publisher.run, args=(self._stop,))
        self._thread.start()

    def read(self, count: int = 1) -> None:
        for _ in range(count):
            self.journal.append(
                [Reading("a", wall_clock_ms(), "heating", [], {"supply_c": 0.0})], wall_clock_ms()
            )

    def close(self) -> None:
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()
        self.journal.close()


@pytest.fixture
def receiver(broker: Server) -> Iterator[Receiver]:
    made = Receiver(broker.url)  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture
def gateway(broker: Server, receiver: Receiver, tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(broker.url, tmp_path, resend_after_ms=400)  # type: ignore[attr-defined]
    yield made
    made.close()


def test_birth_readings_and_watermark(receiver: Receiver, gateway: Gateway) -> None:
    gateway.read(30)
    wait_until(lambda: set(receiver.seqs()) == set(range(1, 31)))
    birth = receiver.of("status")[0]
    assert (birth["online"], birth["epoch"], birth["interval_s"]) == (
        True,
        gateway.journal.epoch,
        30,
    )
    assert birth["devices"] == [
        {"device": "a", "profile": "midea-mthermal", "bus": "tcp://127.0.0.1:502", "address": 1}
    ]
    receiver.say("ack", encode_ack(Ack("another", 30)))
    receiver.say("ack", b"nonsense")
    receiver.say("ack", encode_ack(Ack(gateway.journal.epoch, 29)))
    wait_until(lambda: [message.seq for message in gateway.journal.pending(0, 100)] == [30])
    wait_until(
        lambda: receiver.seqs().count(30) >= 3, what="the uncovered message sent again and again"
    )
    receiver.say("ack", encode_ack(Ack(gateway.journal.epoch, 30)))
    wait_until(gateway.journal.is_empty)


def test_a_message_nobody_can_read_is_reported_dropped(
    receiver: Receiver, gateway: Gateway
) -> None:
    gateway.read(3)
    wait_until(lambda: set(receiver.seqs()) == {1, 2, 3})

    def tell_again() -> list[dict]:  # type: ignore[type-arg]
        receiver.say("ack", encode_ack(Ack(gateway.journal.epoch, 1)))
        return [
            document["dropped"] for document in receiver.of("telemetry") if "dropped" in document
        ]

    dropped = wait_until(tell_again, what="a dropped report")
    assert dropped[0] == {"from": 2, "to": 2, "reason": "unreadable"}
    assert [message.seq for message in gateway.journal.pending(0, 10)] == [3, 4]


def test_a_command_for_a_device_that_is_not_here_is_refused(
    receiver: Receiver, gateway: Gateway
) -> None:
    wait_until(lambda: receiver.of("status"))
    command = Command(
        "11111111-2222-3333-4444-555555555555",
        "a",
        {"setpoint_c": 42.0},
        wall_clock_ms() + 60_000,
        "u",
    )
    receiver.say("command", encode_command(command))
    result = wait_until(lambda: receiver.of("result"))[0]
    assert (result["id"], result["status"], result["reason"]) == (
        command.id,
        "rejected",
        "not_writable",
    )


def test_a_clean_stop_says_offline_and_keeps_what_is_not_covered(
    broker: Server, receiver: Receiver, tmp_path: Path
) -> None:
    first = Gateway(broker.url, tmp_path)  # type: ignore[attr-defined]
    first.read(2)
    wait_until(lambda: receiver.seqs() == [1, 2])
    first.close()
    wait_until(lambda: receiver.of("status")[-1:] == [{"v": 1, "online": False}])
    second = Gateway(broker.url, tmp_path)  # type: ignore[attr-defined]
    wait_until(lambda: receiver.seqs() == [1, 2, 1, 2], what="a restart sends again at once")
    receiver.say("ack", encode_ack(Ack(second.journal.epoch, 2)))
    wait_until(second.journal.is_empty)
    second.close()


def test_a_broker_that_dies_loses_nothing(mosquitto_broker: Server, tmp_path: Path) -> None:
    url = mosquitto_broker.url  # type: ignore[attr-defined]
    gateway = Gateway(url, tmp_path)
    receiver = Receiver(url)
    gateway.read(5)
    wait_until(lambda: set(receiver.seqs()) == set(range(1, 6)))
    receiver.close()
    mosquitto_broker.kill()
    for leftover in mosquitto_broker.directory.glob("*.db"):
        leftover.unlink()
    gateway.read(40)
    mosquitto_broker.start()
    receiver = Receiver(url)
    wait_until(lambda: set(receiver.seqs()) == set(range(1, 46)), 30)
    receiver.say("ack", encode_ack(Ack(gateway.journal.epoch, 45)))
    wait_until(gateway.journal.is_empty)
    gateway.close()
    receiver.close()
