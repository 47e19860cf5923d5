"""A service killed at any instant ends with the alerts of one that never was; seeded, with real
databases."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from alerts.core.district import District
from alerts.core.practice import practice_of
from alerts.late.restart_gap import missed_readings
from alerts.snapshot import SnapshotFile
from alerts.store.records import active_records
from alerts.store.write_round import write_round
from desk.database.engine import open_database, reading, writing
from desk.database.tables import AlertRow, TicketRow
from desk.ledger.device_registry import known_gateways
from desk.tickets.terms import ServiceTerms
from ingest.store import StoredReading, StoreSettings, open_store
from tests.alerts.messages import CHINA, birth_message, telemetry_message
from tests.rules.shipped import PLACE, T0, shipped, shipped_rules
from wire.messages import Reading, Telemetry

DEVICES = ("mtg-mt-0001", "mtg-mt-0002", "mtg-mt-0003")
STEP = 30_000
RULES = [shipped("fault"), shipped("low_room_temperature", on_delay="2m")]
PRACTICE = practice_of(shipped_rules(), ServiceTerms(CHINA))
HOUR = 3_600_000


def messages(source: random.Random, count: int) -> list[Telemetry]:
    """Messages of one gateway; faults and cold rooms come and go."""
    trouble = dict.fromkeys(DEVICES, 0)
    found = []
    for seq in range(1, count + 1):
        readings = []
        for device in DEVICES:
            if source.random() < 0.1:
                trouble[device] = source.randrange(5)
            kind = trouble[device]
            values = {"room_c": 15.0 if kind in (1, 2) else 20.0}
            faults = ["fan:E8"] if kind in (2, 3) or (kind == 4 and seq % 3 == 0) else []
            readings.append(Reading(device, T0 + seq * STEP, "heating", faults, values))
        found.append(Telemetry(1, "e", seq, T0 + seq * STEP, 30, readings))
    return found


@dataclass
class Service:
    """What survives a kill is on disk: the store, the ticket database and the snapshot."""

    folder: Path
    unacknowledged: list[Telemetry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = open_store(StoreSettings(url=f"sqlite:{self.folder}/readings.db"))
        self.database = open_database(f"sqlite:///{self.folder}/tickets.db")
        self.snapshots = SnapshotFile(self.folder / "state")
        self.start(T0)

    def start(self, now: int) -> None:
        self.district = District(RULES, now)
        if saved := self.snapshots.read():
            self.district.restore(saved)
        with reading(self.database) as session:
            self.district.learn(known_gateways(session), now)
        self.district.receive(birth_message(PLACE, T0, *DEVICES), now)
        for chunk in missed_readings(self.store, self.district.evaluated_upto(), HOUR, now):
            self.district.catch_up(chunk, now)
            self.commit(now)
        with reading(self.database) as session:
            self.district.adopt(active_records(session), now)
        again, self.unacknowledged = self.unacknowledged, []
        for telemetry in again:
            self.hear(telemetry)

    def arrive(self, telemetry: Telemetry) -> None:
        """Ingest stores a message; the broker keeps it until the service has acknowledged it."""
        self.store.write(
            [StoredReading(PLACE, "e", telemetry.seq, one) for one in telemetry.readings]
        )
        self.unacknowledged.append(telemetry)

    def hear(self, telemetry: Telemetry, die_before_commit: bool = False) -> None:
        now = telemetry.sent_at
        self.district.receive(telemetry_message(PLACE, telemetry), now)
        self.district.tick(now)
        if not die_before_commit:
            self.commit(now)

    def commit(self, now: int) -> None:
        with writing(self.database) as session:
            written = write_round(session, self.district.take_round(now), PRACTICE)
        self.district.committed(written.recorded.records.values(), now)

    def found(self) -> list[tuple[object, ...]]:
        with reading(self.database) as session:
            rows = session.scalars(
                select(AlertRow).order_by(AlertRow.subject, AlertRow.rule, AlertRow.onset)
            )
            alerts = [
                (row.subject, row.rule, row.code, row.onset, row.ended, row.state, row.reason)
                for row in rows
            ]
            tickets = session.scalars(select(TicketRow).order_by(TicketRow.device, TicketRow.kind))
            return [*alerts, *((row.device, row.kind, row.state) for row in tickets)]

    def close(self) -> None:
        self.store.close()
        self.database.dispose()


def clean_run(folder: Path, told: list[Telemetry]) -> list[tuple[object, ...]]:
    folder.mkdir()
    service = Service(folder)
    for telemetry in told:
        service.hear(telemetry)
    service.close()
    return service.found()


@pytest.mark.parametrize("seed", range(4))
def test_kills_at_any_instant_leave_the_alerts_of_a_clean_run(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    told = messages(source, 50)
    expected = clean_run(tmp_path / "clean", told)
    (tmp_path / "killed").mkdir()
    service = Service(tmp_path / "killed")
    for telemetry in told:
        service.arrive(telemetry)
        instant = source.choice(
            ("before", "before commit", "before acknowledging", "after", "after", "after")
        )
        if instant != "before":
            service.hear(telemetry, die_before_commit=instant == "before commit")
        if instant == "after":
            service.unacknowledged.clear()
            if source.random() < 0.3:
                service.snapshots.write(service.district.snapshot())
        else:
            service.start(telemetry.sent_at)
    service.close()
    assert service.found() == expected
    assert len(expected) > 4
