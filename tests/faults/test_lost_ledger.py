"""The ledger is lost with its disk: the gateways' journals tell the new one where to begin
(docs/decisions/0008)."""

from pathlib import Path

import pytest

from tests.faults.conftest import FaultRecord
from tests.faults.test_broker_faults import (
    assert_every_reading_is_stored_once,
    polling,
    village,
    wait_for_more,
)
from tests.ingest.harness import Folder, running
from tests.servers import Server


@pytest.mark.fault("reliability §1: state files")
def test_a_lost_ledger_costs_no_reading(
    nats_broker: Server, tmp_path: Path, fault_record: FaultRecord
) -> None:
    folder = Folder(tmp_path / "server")
    with village(nats_broker, tmp_path) as gateways:
        for _ in range(3):
            with running(nats_broker.url, folder), polling(gateways):  # type: ignore[attr-defined]
                wait_for_more(gateways, 30)
            for file in folder.path.glob("ingest.db*"):
                file.unlink()
        with running(nats_broker.url, folder), polling(gateways):  # type: ignore[attr-defined]
            wait_for_more(gateways, 5)
        with running(nats_broker.url, folder):  # type: ignore[attr-defined]
            assert_every_reading_is_stored_once(folder, gateways, fault_record)
