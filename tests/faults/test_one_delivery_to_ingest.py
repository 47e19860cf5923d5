"""One delivery, whatever it holds, costs ingest only itself."""

import socket
import struct
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import given as examples
from hypothesis import settings as limits
from hypothesis import strategies as st

from ingest.reception.incoming import Verdict
from ingest.reception.validation import Validator
from ingest.store.model import Prepared, RefusedReading
from ingest.store.sqlite.store import SqliteStore
from tests.alerts.rig import Gateway as Speaker
from tests.any_message import EXAMPLES, Message, any_message
from tests.ingest.harness import PLACE, Folder, Gateway, reading, running, telemetry
from tests.servers import Server
from wire.messages import Dropped
from wire.topics import GatewayPath, gateway_topic
from wire.wall_clock import wall_clock_ms

STRANGER = GatewayPath("mentougou", "zhaitang", "matao", "mt-09")


@pytest.mark.fault("11.B1")
def test_messages_of_any_content_end_no_ingest(
    broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    folder = Folder(tmp_path / "server")
    sequence = count(1)
    stranger = Speaker(broker.url, STRANGER)
    with running(broker.url, folder), Gateway(broker.url) as good:

        @limits(
            max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @examples(st.lists(any_message, min_size=10, max_size=40))
        def others_are_stored(messages: list[Message]) -> None:
            fault_record["trials"] += len(messages)
            for kind, payload in messages:
                stranger.send(kind, payload)
            seq = next(sequence)
            good.send(telemetry(seq, [reading("mtg-mt-0001", wall_clock_ms())]))
            good.wait_for_ack(seq)

        others_are_stored()
    stranger.close()
    stored = [row for row in folder.rows() if row[0] == "mtg-mt-0001"]
    assert len(stored) == next(sequence) - 1


@pytest.mark.fault("11.B1")
def test_numbers_beyond_any_journal_are_refused(
    broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    """Sums of such numbers fit no database."""
    folder = Folder(tmp_path / "server")
    with (
        running(broker.url, folder),
        Gateway(broker.url) as good,
        Gateway(broker.url, STRANGER) as stranger,
    ):
        huge = 2**63 - 1
        lost = Dropped(1, huge - 1, "journal_full")
        for epoch in ("e1", "e2"):
            stranger.send(telemetry(huge, [], epoch=epoch, dropped=lost))
        good.send(telemetry(1, [reading("mtg-mt-0001", wall_clock_ms())]))
        good.wait_for_ack(1)
    fault_record["trials"] += 2


@pytest.mark.fault("11.B1")
def test_a_topic_that_is_no_text_does_not_end_the_connection(
    broker: Server, tmp_path: Path, fault_record: dict[str, float]
) -> None:
    folder = Folder(tmp_path / "server")
    with running(broker.url, folder), Gateway(broker.url) as good:
        _publish(broker.port, gateway_topic("telemetry", PLACE).encode() + b"\xff\xfe", b"{}")
        good.send(telemetry(1, [reading("mtg-mt-0001", wall_clock_ms())]))
        good.wait_for_ack(1)
    fault_record["trials"] += 1


def _publish(port: int, topic: bytes, payload: bytes) -> None:
    """Publish as a client that checks nothing: MQTT 3.1.1, QoS 0."""
    connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + _text(b"raw")
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(bytes([0x10, len(connect)]) + connect)
        line.recv(4)
        body = _text(topic) + payload
        line.sendall(bytes([0x30, len(body)]) + body + b"\xe0\x00")
        line.recv(1)


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


@pytest.mark.fault("11.B1")
def test_a_reading_that_the_store_fails_at_is_the_only_one_refused(
    broker: Server,
    tmp_path: Path,
    fault_record: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = SqliteStore.write_prepared

    def failing(store: SqliteStore, prepared: Prepared) -> list[RefusedReading]:
        if any(stored.reading.device == "mtg-mt-0013" for stored in prepared.readings):
            raise OverflowError("too large to convert")
        return write(store, prepared)

    monkeypatch.setattr(SqliteStore, "write_prepared", failing)
    folder = Folder(tmp_path / "server")
    devices = [f"mtg-mt-{number:04}" for number in range(30)]
    with running(broker.url, folder), Gateway(broker.url) as good:
        good.send(telemetry(1, [reading(device, wall_clock_ms()) for device in devices]))
        good.wait_for_ack(1)
    assert len(folder.rows()) == 29
    [letter] = folder.letters()
    assert (letter["code"], letter["device"]) == ("unprocessable", "mtg-mt-0013")
    fault_record["trials"] += 1


@pytest.mark.fault("11.B1")
def test_a_message_that_validation_fails_at_is_a_dead_letter(
    broker: Server,
    tmp_path: Path,
    fault_record: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validate = Validator.validate

    def failing(
        validator: Validator, topic: str, payload: bytes, now: int, *, again: bool = False
    ) -> Verdict:
        if topic.endswith("mt-09"):
            raise KeyError("unforeseen")
        return validate(validator, topic, payload, now, again=again)

    monkeypatch.setattr(Validator, "validate", failing)
    folder = Folder(tmp_path / "server")
    with (
        running(broker.url, folder),
        Gateway(broker.url) as good,
        Gateway(broker.url, STRANGER) as stranger,
    ):
        stranger.send(telemetry(1, [reading("mtg-mt-0900", wall_clock_ms())]))
        stranger.wait_for_ack(1)
        good.send(telemetry(1, [reading("mtg-mt-0001", wall_clock_ms())]))
        good.wait_for_ack(1)
    assert _codes(folder) == ["unprocessable"]
    fault_record["trials"] += 1


def _codes(folder: Folder) -> Sequence[object]:
    return [letter["code"] for letter in folder.letters()]
