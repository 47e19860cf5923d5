"""The shipped brokers: who gets in, and what each account may read and write."""

import queue
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from messaging.session import (
    Connected,
    ConnectionRefused,
    Delivery,
    Disconnected,
    Event,
    MqttSession,
    Published,
    Will,
)
from messaging.settings import MqttSettings
from tests.deploy.shipped_brokers import (
    GATEWAY,
    NEIGHBOUR,
    ShippedBroker,
    ShippedMosquitto,
    ShippedNats,
    agreed_version,
)
from tests.ingest.harness import Folder
from tests.ingest.village import JournalGateway
from tests.servers import free_port, http_status, wait_until
from wire.topics import gateway_topic

SERVER_READS = [f"hw/v1/{kind}/#" for kind in ("telemetry", "status", "result", "alert")]


@pytest.fixture(scope="module", params=[ShippedMosquitto, ShippedNats])
def shipped(request: pytest.FixtureRequest) -> Iterator[ShippedBroker]:
    server: ShippedBroker = request.param()
    server.accounts("gateway", str(NEIGHBOUR))
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Peer:
    """A client of the broker that remembers what happened to it."""

    def __init__(self, settings: MqttSettings, name: str, *reads: str) -> None:
        self.session = MqttSession(
            settings, name, subscriptions=reads, persistent=False, report_published=True
        )
        self._events: list[Event] = []

    def __enter__(self) -> "Peer":
        self.session.start()
        wait_until(lambda: self.of(Connected) or self.of(ConnectionRefused), what="an answer")
        return self

    def __exit__(self, *_: object) -> None:
        self.session.stop()

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of one kind up to now."""
        while True:
            try:
                event = self.session.events.get_nowait()
            except queue.Empty:
                return [event for event in self._events if isinstance(event, kind)]
            if isinstance(event, Delivery):
                self.session.acknowledge(event)
            self._events.append(event)

    def payloads(self) -> list[bytes]:
        return [event.payload for event in self.of(Delivery) if isinstance(event, Delivery)]

    def write(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish, and wait until the broker has dealt with it; a refused one has a PUBACK too."""
        sent = self.session.publish(topic, payload, retain=retain)
        wait_until(lambda: Published(sent) in self.of(Published), what=f"PUBACK of {topic}")


Connecting = Callable[..., Peer]


@pytest.fixture
def connecting(shipped: ShippedBroker) -> Connecting:
    def connect(account: object, *reads: str) -> Peer:
        return Peer(shipped.settings(account), f"test-{account}".replace("/", "-"), *reads)

    return connect


def test_a_gateway_writes_under_its_own_path_only(connecting: Connecting) -> None:
    with connecting("server", *SERVER_READS) as server, connecting(GATEWAY) as gateway:
        for forged in (
            gateway_topic("telemetry", NEIGHBOUR),
            gateway_topic("result", NEIGHBOUR),
            "hw/v1/alert/mentougou/zhaitang/matao/mt-01/gateway_offline",
        ):
            gateway.write(forged, b"forged")
        gateway.write(gateway_topic("status", NEIGHBOUR), b"forged", retain=True)
        for kind in ("status", "telemetry", "result"):
            gateway.write(gateway_topic(kind, GATEWAY), kind.encode())
        wait_until(lambda: b"result" in server.payloads(), what="the gateway's own messages")
        assert server.payloads() == [b"status", b"telemetry", b"result"]
    with connecting("server", "hw/v1/status/#") as later, connecting(GATEWAY) as gateway:
        gateway.write(gateway_topic("status", GATEWAY), b"fence")
        wait_until(lambda: b"fence" in later.payloads())
        assert b"forged" not in later.payloads(), "it was retained although it was refused"


def test_a_gateway_reads_its_own_watermarks_and_commands_only(connecting: Connecting) -> None:
    others = [gateway_topic("command", NEIGHBOUR), gateway_topic("telemetry", NEIGHBOUR), "#"]
    own = [gateway_topic("command", GATEWAY), gateway_topic("ack", GATEWAY)]
    with connecting("server") as server, connecting(GATEWAY, *own, *others) as gateway:
        with connecting(NEIGHBOUR) as neighbour:
            neighbour.write(gateway_topic("telemetry", NEIGHBOUR), b"its telemetry")
        server.write(gateway_topic("command", NEIGHBOUR), b"its command")
        for topic in own:
            server.write(topic, topic.encode())
        wait_until(lambda: own[-1].encode() in gateway.payloads(), what="the own watermark")
        assert set(gateway.payloads()) == {topic.encode() for topic in own}


def test_the_last_will_of_a_gateway_is_its_own_too(
    shipped: ShippedBroker, connecting: Connecting
) -> None:
    """A box cannot report its neighbour as offline."""
    with connecting("server", *SERVER_READS) as server:
        for place, payload in ((NEIGHBOUR, b"forged will"), (GATEWAY, b"own will")):
            will = Will(gateway_topic("status", place), payload)
            _die(shipped.settings(GATEWAY), will)
        wait_until(lambda: b"own will" in server.payloads(), what="the own will")
        assert b"forged will" not in server.payloads()


def _die(settings: MqttSettings, will: Will) -> None:
    """Connect with a will, and end without a goodbye; a broker may refuse the will at once."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="dying")
    answered: list[object] = []
    client.on_connect = lambda *arguments: answered.append(arguments)
    client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
    client.tls_set(str(settings.ca))
    assert settings.password_file is not None
    client.username_pw_set(settings.username, settings.password_file.read_text().strip())
    client.connect(settings.host, settings.port)
    while not answered:
        assert client.loop(10) == paho.MQTT_ERR_SUCCESS
    connection = client.socket()
    assert connection is not None
    connection.close()


def test_watch_reads_alerts_and_writes_nothing(connecting: Connecting) -> None:
    alert = "hw/v1/alert/mentougou/zhaitang/matao/mt-01/gateway_offline"
    with (
        connecting("server", *SERVER_READS) as server,
        connecting("watch", "hw/v1/alert/#", "hw/v1/telemetry/#", "hw/v1/status/#") as watch,
    ):
        assert not watch.of(ConnectionRefused)
        watch.write(alert, b"forged", retain=True)
        watch.write(gateway_topic("telemetry", GATEWAY), b"forged")
        with connecting(GATEWAY, gateway_topic("command", GATEWAY)) as gateway:
            watch.write(gateway_topic("command", GATEWAY), b"forged")
            server.write(gateway_topic("command", GATEWAY), b"true")
            wait_until(lambda: b"true" in gateway.payloads())
            assert gateway.payloads() == [b"true"]
        server.write(alert, b"true")
        wait_until(lambda: b"true" in server.payloads() and b"true" in watch.payloads())
        assert b"forged" not in [*server.payloads(), *watch.payloads()]


def test_hearthwatch_watch_shows_alerts_with_its_account(
    shipped: ShippedBroker, connecting: Connecting, tmp_path: Path
) -> None:
    config = configuration(shipped, "watch", tmp_path)
    command = [sys.executable, "-m", "hearthwatch", "watch", "--config", str(config)]
    topic = "hw/v1/alert/mentougou/zhaitang/matao/mt-01/gateway_offline"
    with connecting("server") as server:
        server.write(topic, b"shown", retain=True)
        with subprocess.Popen(command, stdout=subprocess.PIPE) as watch:
            assert watch.stdout is not None
            line = watch.stdout.readline()
            watch.terminate()
        server.write(topic, b"", retain=True)
    assert line == f"{topic} shown\n".encode()


def configuration(shipped: ShippedBroker, account: str, folder: Path) -> Path:
    """A server.toml with the account and nothing else."""
    mqtt = shipped.settings(account)
    config = folder / "server.toml"
    config.write_text(
        f'[mqtt]\nurl = "{mqtt.url}"\nca = "{mqtt.ca}"\nusername = "{account}"\n'
        f'password_file = "{mqtt.password_file}"\n'
    )
    return config


def test_watch_reads_no_command(connecting: Connecting) -> None:
    with (
        connecting("server") as server,
        connecting("watch", "hw/v1/alert/#", "hw/v1/command/#") as watch,
    ):
        server.write(gateway_topic("command", GATEWAY), b"a command")
        server.write("hw/v1/alert/fence", b"fence")
        wait_until(lambda: b"fence" in watch.payloads())
        assert b"a command" not in watch.payloads()


def test_nobody_gets_in_without_the_password_of_an_account(shipped: ShippedBroker) -> None:
    with Peer(shipped.settings("server", password_of="watch"), "guessing") as wrong:
        assert wrong.of(ConnectionRefused)
    nobody = shipped.settings("server").model_copy(update={"username": None})
    with Peer(nobody, "nobody") as without:
        assert without.of(ConnectionRefused)
    assert not shipped.password_file("server").stat().st_mode & 0o077


def test_plain_text_is_refused(shipped: ShippedBroker) -> None:
    connect = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x0f\x00\x02me"
    for port in {shipped.port, shipped.services_port}:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(connect)
            try:
                answer = plain.recv(100)
            except ConnectionResetError:
                answer = b""
        assert not answer.startswith(b"\x20"), "a CONNACK"


def test_what_waits_for_ingest_outlives_a_restart_of_the_broker(shipped: ShippedBroker) -> None:
    def ingest() -> MqttSession:
        return MqttSession(
            shipped.settings("server"), "waiting-ingest", subscriptions=["hw/v1/telemetry/#"]
        )

    away = ingest()
    away.start()
    assert isinstance(away.events.get(timeout=10), Connected)
    away.stop()
    with Peer(shipped.settings(GATEWAY), "box") as gateway:
        gateway.write(gateway_topic("telemetry", GATEWAY), b"waits")
    shipped.restart()
    back = ingest()
    back.start()
    try:
        received = [back.events.get(timeout=10) for _ in range(2)]
        assert b"waits" in [event.payload for event in received if isinstance(event, Delivery)]
    finally:
        back.stop()


def test_a_box_cannot_take_over_the_session_of_ingest(shipped: ShippedBroker) -> None:
    if isinstance(shipped, ShippedNats):
        pytest.skip("NATS ties no client id to an account; the guide says so")
    with (
        Peer(shipped.settings("server"), "hearthwatch-ingest", *SERVER_READS) as ingest,
        Peer(shipped.settings(GATEWAY), "hearthwatch-ingest") as box,
        Peer(shipped.settings(NEIGHBOUR), "hearthwatch-ingest") as neighbour,
    ):
        for peer, place in ((box, GATEWAY), (neighbour, NEIGHBOUR)):
            peer.write(gateway_topic("telemetry", place), str(place).encode())
        wait_until(lambda: str(NEIGHBOUR).encode() in ingest.payloads())
        for peer in (ingest, box, neighbour):
            assert not peer.of(Disconnected)


def test_accounts_of_services_and_of_gateways_enter_by_their_own_doors(
    shipped: ShippedBroker,
) -> None:
    if isinstance(shipped, ShippedNats):
        pytest.skip("NATS has one door")
    for account, port in (("server", shipped.port), (str(GATEWAY), shipped.services_port)):
        wrong = shipped.settings(account).model_copy(update={"url": f"mqtts://127.0.0.1:{port}"})
        with Peer(wrong, "at-the-wrong-door") as peer:
            assert peer.of(ConnectionRefused)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_refused(shipped: ShippedBroker) -> None:
    ca = shipped.tls / "ca.crt"
    for port in {shipped.port, shipped.services_port}:
        assert agreed_version(port, ca, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert agreed_version(port, ca, ssl.TLSVersion.TLSv1_1) is None


def test_accounts_come_and_go_while_the_broker_runs(shipped: ShippedBroker) -> None:
    new = "mentougou/zhaitang/matao/mt-03"
    shipped.accounts("gateway", new)
    shipped.accounts("gateway", new)  # a second time: a new password, and the same rights once
    shipped.reload()
    wait_until(lambda: _gets_in(shipped, new), what="the new account")
    shipped.accounts("remove", new)
    shipped.reload()
    wait_until(lambda: not _gets_in(shipped, new), what="the account is gone")
    assert _gets_in(shipped, str(GATEWAY))


def _gets_in(broker: ShippedBroker, account: str) -> bool:
    with Peer(broker.settings(account), "coming-and-going") as peer:
        return bool(peer.of(Connected))


@pytest.mark.parametrize("wrong", ["mt-01", "a/b/c", "A/b/c/d", "a/b/c/+", "a/b/c/d e", 'a/b/c/d"'])
def test_the_script_refuses_what_is_no_path(shipped: ShippedBroker, wrong: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        shipped.accounts("gateway", wrong)
    assert b"is no DISTRICT/TOWN/VILLAGE/GATEWAY" in refused.value.stderr


def test_the_whole_server_works_with_its_account(shipped: ShippedBroker, tmp_path: Path) -> None:
    """`server run`, and the gateway's journal and publisher, through TLS."""
    config, port = configuration(shipped, "server", tmp_path), free_port()
    with config.open("a") as file:
        file.write(f'[http]\nlisten = "127.0.0.1:{port}"\n')
    command = [sys.executable, "-m", "hearthwatch", "server", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=(tmp_path / "log").open("wb")) as server:
        gateway = JournalGateway(shipped.settings(GATEWAY), tmp_path, GATEWAY)
        gateway.start()
        try:
            polled = [gateway.poll() for _ in range(3)]
            wait_until(gateway.all_answered_for, 30, "the watermark reaches the gateway")
            ready = f"http://127.0.0.1:{port}/readyz"
            wait_until(lambda: http_status(ready) == 200, 30, "alerts have their rights, too")
        finally:
            gateway.close()
            server.terminate()
    assert Folder(tmp_path).rows("at") == [(at,) for at in polled]
    logs = "".join(path.read_text() for path in tmp_path.glob("alerts-state/logs/*"))
    assert "broker_connected" in logs
    for refused in ("broker_refused", "alert_feed_not_read"):
        assert refused not in logs
