"""The whole service between a real broker and a real store."""

import gzip
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from configuration.load import ConfigurationError
from hearthwatch.run.ingest_process import run_ingest
from messaging.settings import MqttSettings
from tests.ingest.harness import PLACE, Folder, Gateway, reading, running, telemetry
from tests.servers import NatsBroker, Server, free_port, wait_until
from wire.encode import to_json
from wire.messages import Dropped
from wire.topics import GatewayPath, gateway_topic
from wire.wall_clock import wall_clock_ms


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "server")


def test_readings_are_stored_acknowledged_and_answered_with_the_watermark(
    broker: Server, folder: Folder
) -> None:
    now = wall_clock_ms()
    with running(broker.url, folder), Gateway(broker.url) as gateway:
        gateway.send_all([telemetry(seq, [reading("pump-1", now + seq)]) for seq in range(1, 201)])
        gateway.wait_for_ack(200)
        assert folder.rows() == [("pump-1", now + seq) for seq in range(1, 201)]
        assert folder.letters() == []


def test_a_restart_remembers_what_was_received_and_who_owns_what(
    broker: Server, folder: Folder
) -> None:
    now = wall_clock_ms()
    thief = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")
    with running(broker.url, folder), Gateway(broker.url) as gateway:
        gateway.birth(["pump-1"])
        gateway.send_all([telemetry(seq, [reading("pump-1", now + seq)]) for seq in range(1, 21)])
        gateway.wait_for_ack(20)
    with Gateway(broker.url) as gateway, Gateway(broker.url, thief) as other:
        gateway.send(telemetry(20, [reading("pump-1", now + 20)]))
        gateway.send(telemetry(21, [reading("pump-1", now + 21)]))
        other.send(telemetry(1, [reading("pump-1", now + 22)]))
        with running(broker.url, folder):
            gateway.wait_for_ack(21)
            other.wait_for_ack(1)
        assert len(folder.rows()) == 21
        assert [letter["code"] for letter in folder.letters()] == ["not_owned"]


def test_a_restarted_gateway_learns_its_watermark_from_its_birth(
    nats_broker: Server, folder: Folder
) -> None:
    with running(nats_broker.url, folder):
        with Gateway(nats_broker.url) as gateway:
            gateway.send(telemetry(1, [reading("pump-1", wall_clock_ms())]))
            gateway.wait_for_ack(1)
        with Gateway(nats_broker.url) as gateway:
            gateway.birth(["pump-1"])
            gateway.wait_for_ack(1)


def test_a_gap_holds_the_watermark_until_it_is_filled_or_reported(
    nats_broker: Server, folder: Folder
) -> None:
    now = wall_clock_ms()
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send(telemetry(1, [reading("pump-1", now + 1)]))
        gateway.send(telemetry(3, [reading("pump-1", now + 3)]))
        gateway.wait_for_ack(1)
        gateway.send(telemetry(2, [reading("pump-1", now + 2)]))
        gateway.wait_for_ack(3)
        gateway.send(telemetry(9, [], dropped=Dropped(4, 8, "journal_full")))
        gateway.wait_for_ack(9)
    assert [at for _, at in folder.rows()] == [now + 1, now + 2, now + 3]
    assert folder.letters() == []


def _plain(device: str, **changes: object) -> bytes:
    """Message number 2 with keys replaced, or removed where the value is `...`."""
    document = json.loads(telemetry(2, [reading(device, wall_clock_ms())]))
    document.update(changes)
    return to_json({key: value for key, value in document.items() if value is not ...})


def _with_reading(pump: str, **changes: object) -> bytes:
    document = json.loads(_plain(pump))
    changed = {**document["readings"][0], **changes}
    kept = {key: value for key, value in changed.items() if value is not ...}
    return to_json({**document, "readings": [kept]})


NESTED = b'{"v":1,"epoch":"e1","seq":2,"x":' + b"[" * 50 + b"]" * 50 + b"}"

# The payload, its code, and whether the number 2 in it counts as received (contract §11 "Poison and
# sequence").
POISON: list[tuple[str, Callable[[str], bytes], str, bool]] = [
    ("text", lambda d: b"hello", "payload_invalid:not_json", False),
    ("latin-1", lambda d: b'{"v":1,"epoch":"\xe9"}', "payload_invalid:bad_utf8", False),
    ("empty", lambda d: b"", "payload_invalid:empty", False),
    ("cut gzip", lambda d: gzip.compress(_plain(d))[:-9], "payload_invalid:truncated_gzip", False),
    (
        "bomb",
        lambda d: gzip.compress(b" " * 30_000_000),
        "payload_invalid:decompression_bomb",
        False,
    ),
    ("too large", lambda d: _plain(d, x="x" * 270_000), "payload_invalid:too_large", True),
    ("too deep", lambda d: NESTED, "payload_invalid:too_deep", True),
    ("key twice", lambda d: _plain(d)[:-1] + b',"v":1}', "payload_invalid:duplicate_key", True),
    ("no seq", lambda d: _plain(d, seq=...), "payload_invalid:missing_field", False),
    ("no readings", lambda d: _plain(d, readings=...), "payload_invalid:missing_field", True),
    ("empty readings", lambda d: _plain(d, readings=[]), "payload_invalid:empty", True),
    ("text interval", lambda d: _plain(d, interval_s="30"), "payload_invalid:wrong_type", True),
    ("interval 0", lambda d: _plain(d, interval_s=0), "payload_invalid:out_of_range", True),
    (
        "NaN interval",
        lambda d: _plain(d).replace(b'"interval_s":30', b'"interval_s":NaN'),
        "payload_invalid:not_finite",
        True,
    ),
    ("version 2", lambda d: _plain(d, v=2), "payload_invalid:unknown_version", True),
    (
        "drops the future",
        lambda d: telemetry(2, [], dropped=Dropped(2, 9, "x")),
        "payload_invalid:out_of_range",
        True,
    ),
    ("another gateway", lambda d: _plain(d, gateway="mt-99"), "identity_mismatch", True),
    (
        "text value",
        lambda d: _with_reading(d, values={"supply_c": "x"}),
        "payload_invalid:wrong_type",
        True,
    ),
    ("no state", lambda d: _with_reading(d, state=...), "payload_invalid:missing_field", True),
    (
        "odd state",
        lambda d: _with_reading(d, state="melting"),
        "payload_invalid:out_of_range",
        True,
    ),
    ("odd device", lambda d: _with_reading(d, device="Pump 1"), "bad_identifier", True),
    ("seconds", lambda d: _with_reading(d, at=wall_clock_ms() // 1000), "bad_precision", True),
    ("microseconds", lambda d: _with_reading(d, at=wall_clock_ms() * 1000), "bad_precision", True),
    ("1970", lambda d: _with_reading(d, at=5_000), "too_early", True),
    ("ahead", lambda d: _with_reading(d, at=wall_clock_ms() + 600_000), "clock_ahead", True),
    (
        "clock back",
        lambda d: _with_reading(d, at=wall_clock_ms() - 3_600_000),
        "not_increasing",
        True,
    ),
    ("number again", lambda d: _plain(d, seq=1), "seq_conflict", False),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Folder]]:
    """One broker and one service for all poisons; each is sent by a gateway of its own."""
    folder = Folder(tmp_path_factory.mktemp("server"))
    server = NatsBroker(tmp_path_factory.mktemp("nats"))
    server.start()
    with running(server.url, folder):
        yield server, folder
    server.stop()


@pytest.mark.parametrize(("number", "name"), list(enumerate(row[0] for row in POISON)))
def test_one_poison_among_many_costs_exactly_itself(
    served: tuple[Server, Folder], number: int, name: str
) -> None:
    broker, folder = served
    _, poison, code, counts = POISON[number]
    device, place = f"pump-{number}", GatewayPath("mentougou", "zhaitang", "matao", f"gw-{number}")
    before = _rejected(code)
    with Gateway(broker.url, place) as gateway:
        gateway.send(telemetry(1, [reading(device, wall_clock_ms() - 1_000)]))
        gateway.wait_for_ack(1)
        gateway.send(poison(device))
        first = 3 if counts else 2
        for seq in range(first, 10):
            gateway.send(telemetry(seq, [reading(device, wall_clock_ms() + seq)]))
        gateway.wait_for_ack(9)
    letters = [letter for letter in folder.letters() if letter["gateway"] == place.gateway]
    assert [letter["code"] for letter in letters] == [code]
    assert set(letters[0]) - {"payload"} == {
        "at",
        "code",
        "topic",
        "gateway",
        "epoch",
        "seq",
        "device",
        "reading",
    }
    assert ("payload" in letters[0]) == (letters[0]["reading"] is None)
    assert len([owner for owner, _ in folder.rows() if owner == device]) == 1 + 10 - first
    wait_until(lambda: _rejected(code) == before + 1)


def test_one_poison_among_ten_thousand(nats_broker: Server, folder: Folder) -> None:
    now = wall_clock_ms() - 20_000
    payloads = [telemetry(seq, [reading("pump-1", now + seq)]) for seq in range(1, 10_001)]
    payloads[6_789] = (
        b'{"v":1,"epoch":"e1","seq":6790,"readings":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    )
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send_all(payloads)
        gateway.wait_for_ack(6_789)
        gateway.send(telemetry(10_001, [], dropped=Dropped(6_790, 6_790, "unreadable")))
        gateway.wait_for_ack(10_001)
    assert len(folder.rows()) == 9_999
    assert [letter["code"] for letter in folder.letters()] == ["payload_invalid:too_deep"]


def _rejected(code: str) -> float:
    return (
        REGISTRY.get_sample_value("hearthwatch_rejected_total", {"service": "ingest", "code": code})
        or 0
    )


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("hw/v1/telemetry/mentougou/zhaitang/matao/MT_01", "bad_identifier"),
        ("hw/v1/telemetry/mentougou/mt-01", "bad_topic"),
        ("hw/v1/telemetry/mentougou/zhaitang/matao/mt-01/more", "bad_topic"),
    ],
)
def test_a_message_on_a_wrong_topic_is_reported(
    served: tuple[Server, Folder], topic: str, code: str
) -> None:
    broker, folder = served
    with Gateway(broker.url) as gateway:
        gateway.send(_plain("pump-x"), topic)
    wait_until(
        lambda: (
            [letter["code"] for letter in folder.letters() if letter["topic"] == topic] == [code]
        )
    )


def test_a_bad_retained_birth_is_reported_once_however_often_it_comes(
    nats_broker: Server, folder: Folder
) -> None:
    with Gateway(nats_broker.url) as gateway:
        gateway._client.publish(
            gateway_topic("status", PLACE), b"not json", qos=1, retain=True
        ).wait_for_publish(10)
    for _ in range(3):
        with running(nats_broker.url, folder):
            wait_until(lambda: len(folder.letters()) >= 1)
    assert [letter["code"] for letter in folder.letters()] == ["payload_invalid:not_json"]


def test_only_registered_devices_from_their_commissioning_on(
    nats_broker: Server, folder: Folder, tmp_path: Path
) -> None:
    now = wall_clock_ms()
    listed = tmp_path / "devices.csv"
    listed.write_text("device,commissioned\npump-1,2020-11-01\npump-2,2099-11-01\n")
    settings = {"registered": listed, "registered_only": True}
    with running(nats_broker.url, folder, **settings), Gateway(nats_broker.url) as gateway:
        gateway.send(
            telemetry(1, [reading(device, now) for device in ("pump-1", "pump-2", "pump-3")])
        )
        gateway.wait_for_ack(1)
        listed.write_text("device\npump-3\n")
        gateway.send(telemetry(2, [reading("pump-3", now + 1)]))
        gateway.wait_for_ack(2)
    assert folder.rows() == [("pump-1", now), ("pump-3", now + 1)]
    assert [(letter["device"], letter["code"]) for letter in folder.letters()] == [
        ("pump-2", "too_early"),
        ("pump-3", "unknown_device"),
    ]


def test_a_bad_point_costs_that_point(nats_broker: Server, folder: Folder) -> None:
    now = wall_clock_ms()
    values = {"supply_c": 41.5, "outdoor_c": -300.0, "colour": 3.0, "room_c": 0.0}
    with running(nats_broker.url, folder), Gateway(nats_broker.url) as gateway:
        gateway.send(telemetry(1, [reading("pump-1", now, **values)]))
        gateway.wait_for_ack(1)
    assert folder.rows("supply_c, outdoor_c, room_c, bad") == [
        (41.5, None, 0.0, "outdoor_c,colour")
    ]
    assert folder.letters() == []


def test_metrics_are_served_where_the_settings_say(nats_broker: Server, folder: Folder) -> None:
    port = free_port()
    with (
        running(nats_broker.url, folder, metrics=f"127.0.0.1:{port}"),
        Gateway(nats_broker.url) as gateway,
    ):
        gateway.send(telemetry(1, [reading("pump-1", wall_clock_ms())]))
        gateway.wait_for_ack(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            assert b"hearthwatch_ingest_readings_stored_total" in response.read()


@pytest.mark.parametrize("name", ["readings.db", "ingest.db"])
def test_a_damaged_file_is_named_with_what_to_do(folder: Folder, name: str) -> None:
    folder.path.mkdir()
    (folder.path / name).write_bytes(b"not a database at all" * 100)
    nowhere = MqttSettings(url="mqtt://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=rf"{name}.*move it aside"):
        run_ingest(nowhere, *folder.settings(), threading.Event())
