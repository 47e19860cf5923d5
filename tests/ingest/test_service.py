"""The whole service between a real broker and a real store."""

from pathlib import Path

import pytest

from ingest.service import wall_clock_ms
from tests.ingest.harness import Folder, Gateway, reading, running, telemetry
from tests.servers import Server


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "server")


def test_readings_are_stored_acknowledged_and_answered_with_the_watermark(broker: Server, folder: Folder) -> None:
    now = wall_clock_ms()
    with running(broker.url, folder), Gateway(broker.url) as gateway:
        gateway.send_all([telemetry(seq, [reading("pump-1", now + seq)]) for seq in range(1, 201)])
        gateway.wait_for_ack(200)
        assert folder.rows() == [("pump-1", now + seq) for seq in range(1, 201)]
        assert folder.letters() == []


def test_nothing_is_sent_again_after_a_restart(broker: Server, folder: Folder) -> None:
    now = wall_clock_ms()
    with running(broker.url, folder), Gateway(broker.url) as gateway:
        gateway.send_all([telemetry(seq, [reading("pump-1", now + seq)]) for seq in range(1, 21)])
        gateway.wait_for_ack(20)
    with Gateway(broker.url) as gateway:
        gateway.send(telemetry(21, [reading("pump-1", now + 21)]))
        with running(broker.url, folder):
            gateway.wait_for_ack(21)
            assert len(folder.rows()) == 21
