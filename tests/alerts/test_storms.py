"""What must not become a storm: power cuts, gaps of broker and store, clocks that are set."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from alerts.core.district import District
from alerts.core.model import Decided
from alerts.core.practice import practice_of
from alerts.store.write_round import write_round
from desk.database.engine import open_database, reading, writing
from desk.database.tables import AlertRow, TicketRow
from desk.tickets.terms import ServiceTerms
from tests.alerts.messages import CHINA, birth_message, telemetry_message
from tests.rules.shipped import T0, shipped_rules
from wire.messages import Reading, Telemetry
from wire.topics import GatewayPath

SECOND = 1_000
POLL = 30 * SECOND
PER_GATEWAY = 30
PRACTICE = practice_of(shipped_rules(), ServiceTerms(CHINA))


class Village:
    """Ten gateways with thirty heat pumps each, and the service that listens to them; time passes
    by the second."""

    def __init__(self, folder: Path) -> None:
        self.database: Engine = open_database(f"sqlite:///{folder}/tickets.db")
        self.district = District(shipped_rules(), T0)
        self.now = T0
        self.seq = 0
        self.clocks_ms = 0
        self.powered = True
        self.waiting: list[tuple[GatewayPath, Telemetry]] | None = None
        self.places = [
            GatewayPath("mentougou", "zhaitang", "matao", f"mt-{number:02d}")
            for number in range(10)
        ]
        for place in self.places:
            self.district.receive(birth_message(place, T0, *self.devices(place)), T0)

    def devices(self, place: GatewayPath) -> list[str]:
        return [f"{place.gateway}-{number}" for number in range(PER_GATEWAY)]

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += SECOND
            self.district.tick(self.now)
            if self.powered:
                for number, place in enumerate(self.places):
                    if (self.now // SECOND + 3 * number) % 30 == 0:
                        self.deliver(place, self.poll(place))
            self.commit()

    def commit(self) -> list[Decided]:
        """Write what was decided; returns that."""
        changes = self.district.take_round(self.now)
        if changes.decided:
            with writing(self.database) as session:
                written = write_round(session, changes, PRACTICE)
            self.district.committed(written.recorded.records.values(), self.now)
        return [*changes.decided]

    def poll(self, place: GatewayPath) -> Telemetry:
        self.seq += 1
        at = self.now + self.clocks_ms
        values = {
            "room_c": 20.0,
            "supply_c": 41.0,
            "return_c": 36.0,
            "outdoor_c": -8.0,
            "power_w": 2_400.0,
        }
        readings = [
            Reading(device, at, "heating", [], dict(values)) for device in self.devices(place)
        ]
        return Telemetry(1, "e", self.seq, at, 30, readings)

    def deliver(self, place: GatewayPath, telemetry: Telemetry) -> None:
        if self.waiting is not None:
            self.waiting.append((place, telemetry))
        else:
            self.district.receive(telemetry_message(place, telemetry), self.now)

    def rows(self, table: type) -> list:  # type: ignore[type-arg]
        with reading(self.database) as session:
            found = list(session.scalars(select(table)))
            session.expunge_all()
        return found


@pytest.fixture
def village(tmp_path: Path) -> Village:
    village = Village(tmp_path)
    village.run(65)
    assert village.rows(AlertRow) == []
    return village


def test_300_units_losing_power_are_one_urgent_alert_with_300_children(village: Village) -> None:
    village.powered = False
    village.run(200)
    [alert] = village.rows(AlertRow)
    assert (alert.rule, alert.priority, alert.children, alert.state) == (
        "village_outage",
        "urgent",
        300,
        "active",
    )
    assert [ticket.kind for ticket in village.rows(TicketRow)] == ["village_outage"]
    village.powered = True
    village.run(120)
    assert [(alert.rule, alert.state) for alert in village.rows(AlertRow)] == [
        ("village_outage", "cleared")
    ]


def test_a_broker_gap_of_30_s_raises_nothing(village: Village) -> None:
    village.district.bus_down(village.now)
    village.waiting = []
    village.run(30)
    village.district.bus_up(village.now)
    held, village.waiting = village.waiting, None
    for place, telemetry in held:
        village.deliver(place, telemetry)
        assert village.commit() == []
    village.run(180)
    assert village.rows(AlertRow) == []


def test_a_service_that_stands_still_for_30_s_raises_nothing(village: Village) -> None:
    village.waiting = []
    village.run(30)
    held, village.waiting = village.waiting, None
    for place, telemetry in reversed(held):
        village.deliver(place, telemetry)
        assert village.commit() == []
    village.run(180)
    assert village.rows(AlertRow) == []


@pytest.mark.parametrize("hours", [1, -1])
def test_gateway_clocks_that_are_set_raise_nothing(village: Village, hours: int) -> None:
    village.clocks_ms = hours * 3_600 * SECOND
    village.run(300)
    village.clocks_ms = 0
    village.run(120)
    assert village.rows(AlertRow) == []


@pytest.mark.parametrize("hours", [1, -1])
def test_a_server_clock_that_is_set_raises_nothing(village: Village, hours: int) -> None:
    step = hours * 3_600 * SECOND
    village.now += step
    village.district.clock_stepped(step)
    village.clocks_ms = -step
    village.run(300)
    village.clocks_ms = 0
    village.run(120)
    assert village.rows(AlertRow) == []
