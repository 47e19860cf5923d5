"""Receipts, readings and dead letters put back from a backup, each alone and all together: what is
still somewhere comes back once, and what is gone for good is reported by its numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configuration.load import ConfigurationError
from hearthwatch.backup.back_up import back_up
from hearthwatch.backup.parts import DEAD_LETTERS, READINGS, RECEIPTS
from hearthwatch.backup.restore import restore
from hearthwatch.run.server_settings import ServerSettings, load_server_settings
from ingest.store import open_store
from tests.faults.conftest import FaultRecord
from tests.faults.test_broker_faults import polling, village, wait_for_more
from tests.ingest.harness import Folder, Gateway, running
from tests.ingest.village import JournalGateway
from tests.servers import InfluxGate, Server, wait_until
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms

STRANGER = GatewayPath("mentougou", "zhaitang", "matao", "gw-stranger")


class District:
    """A server folder with its configuration, and what its gateways have polled."""

    def __init__(self, folder: Path, store_url: str | None = None) -> None:
        folder.mkdir()
        self.config = folder / "server.toml"
        self.config.write_text("" if store_url is None else f'[store]\nurl = "{store_url}"\n')
        self.files = Folder(folder, store_url)

    @property
    def settings(self) -> ServerSettings:
        return load_server_settings(self.config)

    def restore(self, backup: Path, only: Sequence[str]) -> None:
        restore(backup, self.config, self.settings, only, datetime.now(UTC))

    def reported(self) -> set[tuple[str, int]]:
        """The gateway and number of each message that ingest reports as gone."""
        return {
            (str(letter["gateway"]), number)
            for letter in self.files.letters()
            if letter["code"] == "not_in_store" and isinstance(letter["reading"], dict)
            for number in range(letter["reading"]["first"], letter["reading"]["last"] + 1)
        }

    def missing(self, gateways: Sequence[JournalGateway]) -> set[tuple[str, int]]:
        """The gateway and number of each message whose reading the store does not hold."""
        store = open_store(self.settings.store)
        stored = {
            (gateway.device, kept.reading.at)
            for gateway in gateways
            for kept in store.history(gateway.device, 0, wall_clock_ms() + 1_000)
        }
        store.close()
        return {
            (gateway.place.gateway, number)
            for gateway in gateways
            for number, at in enumerate(gateway.polled, 1)
            if (gateway.device, at) not in stored
        }


def drain(gateways: Sequence[JournalGateway]) -> None:
    wait_until(lambda: all(gateway.all_answered_for() for gateway in gateways), 30)


@pytest.mark.fault("11.B10")
@pytest.mark.parametrize(
    "only",
    [[RECEIPTS], [READINGS], [DEAD_LETTERS], [RECEIPTS, READINGS], []],
    ids=["receipts", "readings", "dead-letters", "both", "all"],
)
def test_older_files_of_ingest_cost_nothing_in_silence(
    nats_broker: Server, tmp_path: Path, only: list[str], fault_record: FaultRecord
) -> None:
    url: str = nats_broker.url  # type: ignore[attr-defined]
    district, backup = District(tmp_path / "server"), tmp_path / "backup"
    with village(nats_broker, tmp_path) as gateways:
        with running(url, district.files), Gateway(url, STRANGER) as stranger:
            stranger.send(b"not json 1")
            with polling(gateways):
                wait_for_more(gateways, 20)
                back_up(backup, district.config, district.settings, wall_clock_ms)
                wait_for_more(gateways, 20)
            drain(gateways)
            stranger.send(b"not json 2")
            wait_until(lambda: len(district.files.letters()) == 2)
            with pytest.raises(ConfigurationError, match="stop ingest and alerts"):
                district.restore(backup, only)
        district.restore(backup, only)
        for _ in range(2):
            with running(url, district.files), polling(gateways):
                wait_for_more(gateways, 10)
            with running(url, district.files):
                drain(gateways)
        missing, reported = district.missing(gateways), district.reported()
        rows, sent = district.files.rows(), sum(len(gateway.polled) for gateway in gateways)
    fault_record["trials"] = sent
    fault_record["lost"] = len(missing - reported)
    fault_record["doubled"] = len(rows) - len(set(rows))
    assert missing == reported
    assert bool(missing) == (READINGS in only or not only)
    assert len(rows) == len(set(rows)) == sent - len(missing)
    kept = [file for file in district.files.path.glob(f"{DEAD_LETTERS}*") if file.suffix != ".lock"]
    lines = {line for file in kept for line in file.read_text().splitlines()}
    assert sum("payload_invalid:not_json" in line for line in lines) == 2
    now = [each for each in district.files.letters() if each["code"] != "not_in_store"]
    assert len(now) == (1 if DEAD_LETTERS in only or not only else 2)


@pytest.mark.fault("11.B10")
def test_an_older_influxdb_is_noticed_and_what_is_gone_is_reported(
    nats_broker: Server, influx: InfluxGate, tmp_path: Path, fault_record: FaultRecord
) -> None:
    url: str = nats_broker.url  # type: ignore[attr-defined]
    district = District(tmp_path / "server", influx.create("put-back"))
    with village(nats_broker, tmp_path) as gateways:
        with running(url, district.files), polling(gateways):
            wait_for_more(gateways, 20)
            put_back_to = wall_clock_ms()
            wait_for_more(gateways, 20)
        with running(url, district.files):
            drain(gateways)
        influx.execute(f"DELETE FROM heat_pump WHERE time > {put_back_to}ms", "put-back")  # noqa: S608 - a number of our own
        assert district.missing(gateways)
        with running(url, district.files), polling(gateways):
            wait_for_more(gateways, 10)
        with running(url, district.files):
            drain(gateways)
        missing, reported = district.missing(gateways), district.reported()
    fault_record["trials"] = sum(len(gateway.polled) for gateway in gateways)
    fault_record["lost"] = len(missing - reported)
    assert missing == reported
    assert missing
