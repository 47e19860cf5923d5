"""Held readings go to the store once, whatever is killed in between; on real receipts."""

from dataclasses import dataclass
from pathlib import Path

from ingest.durable.dead_letter_file import FileEnd
from ingest.durable.held_readings import HeldReadings
from ingest.durable.receipts import Receipts
from ingest.reception.batch import MessageBatch
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.tally import Tallies
from ingest.reception.validation import Validator
from ingest.releases import Releases
from tests.ingest.harness import PLACE, reading, telemetry
from wire.encode import encode_retirement, encode_status
from wire.messages import AnnouncedDevice, Retirement, Status
from wire.topics import DEFAULT_ROOT, GatewayPath, gateway_topic

NOW = 1_763_740_012_345
NEW = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")
MOST = 3
END = FileEnd(1, 0)


@dataclass
class Run:
    """One life of ingest, without store and broker."""

    path: Path

    def __post_init__(self) -> None:
        self.receipts = Receipts(self.path)
        self.registry = DeviceRegistry(self.receipts.load()[0])
        self.validator = Validator(self.registry)
        self.releases = Releases(HeldReadings(self.path), self.registry, MOST, DEFAULT_ROOT)

    def take(self, kind: str, gateway: GatewayPath, payload: bytes) -> None:
        self.validator.validate(gateway_topic(kind, gateway), payload, NOW)  # type: ignore[arg-type]

    def birth(self, gateway: GatewayPath) -> None:
        status = Status(True, NOW, "e1", "0", 30, [AnnouncedDevice("pump-1", "p", "b", 1)])
        self.take("status", gateway, encode_status(status))

    def commit(self) -> None:
        self.receipts.commit(self.registry.take_changes(), Tallies(), END)

    def released(self) -> list[int]:
        return times(self.releases.next_batch(NOW))


def times(batch: MessageBatch) -> list[int]:
    return [stored.reading.at for stored in batch.readings]


def disputed(path: Path, readings: int) -> Run:
    """Begin a life in which the new gateway has sent so many readings of a device of the old."""
    run = Run(path)
    run.birth(PLACE)
    run.birth(NEW)
    for seq in range(1, readings + 1):
        run.take("telemetry", NEW, telemetry(seq, [reading("pump-1", NOW + seq)]))
    assert run.released() == []
    return run


def test_held_readings_are_released_in_order_batch_by_batch(tmp_path: Path) -> None:
    run = disputed(tmp_path / "ingest.db", 5)
    run.take("retired", PLACE, encode_retirement(Retirement(NOW, True)))
    assert run.released() == []  # not committed yet
    run.commit()
    assert run.released() == [NOW + 1, NOW + 2, NOW + 3]
    assert run.released() == [NOW + 4, NOW + 5]  # though the first are not committed
    assert not run.releases.are_due()
    run.commit()
    again = Run(run.path)
    assert not again.releases.are_due()
    assert again.registry.newest["pump-1"].at == NOW + 5


def test_a_kill_before_the_commit_releases_them_again(tmp_path: Path) -> None:
    run = disputed(tmp_path / "ingest.db", 2)
    run.commit()
    run.take("retired", PLACE, encode_retirement(Retirement(NOW, True)))
    run.commit()
    assert run.released() == [NOW + 1, NOW + 2]
    killed = Run(run.path)
    assert killed.released() == [NOW + 1, NOW + 2]
    killed.commit()
    assert Run(run.path).released() == []


def test_what_a_later_reading_has_overtaken_is_released_all_the_same(tmp_path: Path) -> None:
    run = disputed(tmp_path / "ingest.db", 2)
    run.take("retired", PLACE, encode_retirement(Retirement(NOW, True)))
    run.take("telemetry", NEW, telemetry(3, [reading("pump-1", NOW + 3)]))
    run.commit()
    batch = run.releases.next_batch(NOW)
    assert (times(batch), batch.letters) == ([NOW + 1, NOW + 2], [])
    assert run.registry.newest["pump-1"].at == NOW + 3
