"""The alert service on a real broker and a real database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from alerts.core.model import Round
from alerts.service import AlertService
from alerts.store.write_round import Written
from desk.database.engine import reading
from desk.database.tables import DeviceRow, LateSpanRow
from ingest.store import StoredReading, open_store
from tests.alerts.rig import DEVICES, PLACE, Feed, Gateway, Running, Tables, settings
from tests.servers import Server, wait_until
from wire.messages import Reading
from wire.wall_clock import wall_clock_ms

DEVICE, OTHER = DEVICES
FAULT = "high_pressure:P1"


@pytest.fixture
def given(tmp_path: Path, broker: Server) -> dict[str, Any]:
    return settings(tmp_path, broker.url)


@pytest.fixture
def tables(given: dict[str, Any]) -> Tables:
    return Tables(given["tickets"].url)


@pytest.fixture
def running(given: dict[str, Any]) -> Iterator[Running]:
    service = Running(**given).ready()
    yield service
    service.stop()


@pytest.fixture
def gateway(broker: Server) -> Iterator[Gateway]:
    speaking = Gateway(broker.url)
    yield speaking
    speaking.close()


@pytest.fixture
def feed(broker: Server) -> Iterator[Feed]:
    watching = Feed(broker.url)
    yield watching
    watching.close()


@pytest.mark.usefixtures("running")
def test_a_fault_becomes_an_alert_a_ticket_and_a_retained_message(
    gateway: Gateway, feed: Feed, tables: Tables, broker: Server
) -> None:
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT, supply_c=41.5)
    wait_until(lambda: feed.states(DEVICE) == ["active"])
    [alert] = tables.alerts()
    assert (alert.rule, alert.subject, alert.code, alert.village) == (
        "fault",
        DEVICE,
        FAULT,
        PLACE.village,
    )
    [ticket] = tables.tickets()
    assert (ticket.id, ticket.kind, ticket.device, ticket.brand) == (
        alert.ticket_id,
        "device_fault",
        DEVICE,
        "midea",
    )
    assert ticket.dispatch_by - ticket.opened_at == 10 * 60_000
    late = Feed(broker.url, "test-late")
    wait_until(lambda: late.states(DEVICE) == ["active"])
    late.close()
    assert (
        late.messages[0].topic
        == f"hw/v1/alert/mentougou/zhaitang/matao/{DEVICE}/fault/high-pressure-p1"
    )


@pytest.mark.usefixtures("running")
def test_a_cleared_alert_leaves_the_feed_and_its_ticket_stays(
    gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: feed.states(DEVICE) == ["active"])
    gateway.read(DEVICE)
    gateway.read(DEVICE)
    wait_until(lambda: feed.states(DEVICE) == ["active", "cleared", "removed"])
    assert tables.cleared(subject=DEVICE)
    assert [ticket.state for ticket in tables.tickets()] == ["open"]
    assert len(tables.events("all_clear")) == 1


@pytest.mark.usefixtures("running")
def test_what_is_delivered_again_changes_nothing(
    gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    gateway.birth(*DEVICES)
    raised = gateway.read(DEVICE, FAULT)
    cleared = [gateway.read(DEVICE), gateway.read(DEVICE)]
    wait_until(lambda: feed.states(DEVICE)[-1:] == ["removed"])
    for payload in (raised, *cleared, raised):
        gateway.send("telemetry", payload)
    gateway.read(OTHER, FAULT)
    wait_until(lambda: feed.states(OTHER) == ["active"])
    assert len(tables.alerts(subject=DEVICE)) == 1
    assert len(tables.tickets(device=DEVICE)) == 1


@pytest.mark.usefixtures("running")
def test_a_second_fault_of_a_device_joins_its_ticket(gateway: Gateway, tables: Tables) -> None:
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    gateway.read(DEVICE, FAULT, "water_flow:E8")
    wait_until(lambda: len(tables.alerts()) == 2)
    [ticket] = tables.tickets()
    assert {alert.ticket_id for alert in tables.alerts()} == {ticket.id}
    assert ticket.priority == "urgent"


@pytest.mark.usefixtures("running")
def test_poison_costs_only_itself(gateway: Gateway, tables: Tables) -> None:
    gateway.birth(*DEVICES)
    for payload in (b"", b"{", b"\xff\xfe", b"\x1f\x8bxx", b'{"v":9}', b"[]"):
        gateway.send("telemetry", payload)
    gateway.send("status", b'{"v":1,"online":"yes"}')
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: len(tables.alerts()) == 1)


@pytest.mark.usefixtures("running")
def test_a_device_of_another_gateway_is_not_believed(
    gateway: Gateway, tables: Tables, broker: Server
) -> None:
    gateway.birth(*DEVICES)
    gateway.read(DEVICE)
    wait_until(lambda: _last_state(tables, DEVICE) == "heating")
    stranger = Gateway(broker.url, PLACE.__class__("mentougou", "zhaitang", "matao", "mt-02"))
    stranger.read(DEVICE, FAULT)
    stranger.read("mtg-mt-0099", FAULT)
    wait_until(lambda: len(tables.alerts()) == 1)
    stranger.close()
    assert tables.alerts()[0].subject == "mtg-mt-0099"


def test_a_restart_neither_repeats_nor_forgets_an_alert(
    given: dict[str, Any], gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    first = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: feed.states(DEVICE) == ["active"])
    first.stop()
    gateway.read(DEVICE, FAULT)
    second = Running(**given).ready()
    gateway.read(DEVICE)
    gateway.read(DEVICE)
    wait_until(lambda: tables.cleared(subject=DEVICE))
    second.stop()
    assert len(tables.alerts()) == len(tables.tickets()) == 1


def test_an_alert_survives_the_loss_of_the_rule_state(
    given: dict[str, Any], gateway: Gateway, tables: Tables
) -> None:
    first = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    gateway.read(OTHER, FAULT)
    wait_until(lambda: len(tables.alerts(state="active")) == 2)
    first.stop()
    (given["alerts"].state / "rules.npz").write_bytes(b"torn")
    second = Running(**given).ready()
    gateway.read(OTHER, FAULT)
    gateway.read(DEVICE)
    gateway.read(DEVICE)
    wait_until(lambda: tables.cleared(subject=DEVICE))
    second.stop()
    assert [alert.state for alert in tables.alerts(subject=OTHER)] == ["active"]
    assert len(tables.tickets()) == 2


def test_a_past_fault_told_late_is_history_without_ticket(
    given: dict[str, Any], gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    service = Running(**given).ready()
    gateway.birth(*DEVICES)
    past = wall_clock_ms() - 3 * 3_600_000
    for step, faults in enumerate([[], [FAULT], [FAULT], [], []]):
        gateway.read(DEVICE, *faults, at=past + 30_000 * step)
    wait_until(lambda: tables.cleared(subject=DEVICE))
    gateway.read(DEVICE)
    gateway.read(OTHER, FAULT)
    wait_until(lambda: feed.states(OTHER) == ["active"])
    service.stop()
    assert feed.states(DEVICE) == []
    assert tables.tickets(device=DEVICE) == []


def test_a_past_fault_that_still_holds_opens_a_ticket(
    given: dict[str, Any], gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    service = Running(**given).ready()
    gateway.birth(*DEVICES)
    past = wall_clock_ms() - 3 * 3_600_000
    gateway.read(DEVICE, FAULT, at=past)
    wait_until(lambda: [alert.announced_at for alert in tables.alerts()] == [None])
    assert tables.tickets() == []
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: feed.states(DEVICE) == ["active"])
    service.stop()
    assert len(tables.tickets(device=DEVICE)) == 1


def test_a_gateway_that_dies_is_one_alert_that_ends_when_it_returns(
    given: dict[str, Any], gateway: Gateway, feed: Feed, tables: Tables
) -> None:
    short = {
        "gateway_offline": {"last_will_delay": "1s"},
        "village_outage": {"hold": "0s", "gather": "0s"},
    }
    given["rules"] = given["rules"].model_copy(update={"override": short})
    service = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.last_will()
    wait_until(lambda: feed.states(PLACE.gateway) == ["active"])
    service.stop()
    [alert] = tables.alerts()
    assert (alert.rule, alert.subject_kind, alert.children) == ("gateway_offline", "gateway", 2)
    again = Running(**given).ready()
    gateway.birth(*DEVICES)
    wait_until(lambda: tables.cleared(subject=PLACE.gateway))
    again.stop()
    assert len(tables.alerts()) == len(tables.tickets()) == 1


def test_each_deadline_escalates_once_across_restarts(
    given: dict[str, Any], gateway: Gateway, tables: Tables
) -> None:
    given["alerts"] = given["alerts"].model_copy(
        update={"dispatch_within": 1, "onsite_within": 2, "repair_within": 300_000}
    )
    for _ in range(3):
        service = Running(**given).ready()
        gateway.birth(*DEVICES)
        gateway.read(DEVICE, FAULT)
        wait_until(lambda: len(tables.escalations()) == 2)
        service.stop()
    assert [row.stage for row in tables.escalations()] == ["dispatch", "onsite"]
    assert len(tables.events("escalated")) == 2


class WithoutDatabase(AlertService):
    """Its database takes nothing once a fault has been decided."""

    def write(self, one: Round) -> Written:
        if one.decided:
            raise OperationalError("COMMIT", {}, Exception("the disk is gone"))
        return super().write(one)


def test_what_the_database_did_not_take_is_delivered_again(
    given: dict[str, Any], gateway: Gateway, tables: Tables
) -> None:
    service = Running(WithoutDatabase, **given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: any("tickets" in what for what in service.service.readiness()))
    service.stop()
    assert tables.alerts() == []
    again = Running(**given).ready()
    wait_until(lambda: len(tables.tickets()) == 1)
    again.stop()


def test_the_broker_away_judges_nobody_and_its_return_restores_the_feed(
    given: dict[str, Any], gateway: Gateway, tables: Tables, broker: Server
) -> None:
    service = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: len(tables.alerts()) == 1)
    broker.kill()
    wait_until(lambda: service.service.readiness() != [])
    broker.start()
    wait_until(lambda: service.service.readiness() == [], 40)
    watching = Feed(broker.url, "test-after")
    wait_until(lambda: "active" in watching.states(DEVICE))
    watching.close()
    service.stop()


def _last_state(tables: Tables, device: str) -> str | None:
    with reading(tables.engine) as session:
        row = session.get(DeviceRow, device)
        return None if row is None else row.last_state


def test_what_was_stored_while_the_service_was_away_is_judged_at_the_start(
    given: dict[str, Any], gateway: Gateway, tables: Tables
) -> None:
    first = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE, FAULT)
    wait_until(lambda: len(tables.alerts()) == 1)
    first.stop()
    now = wall_clock_ms()
    store = open_store(given["store"])
    store.write(
        [_stored(OTHER, now + 1, "fan:F1"), _stored(DEVICE, now + 2), _stored(DEVICE, now + 3)]
    )
    store.close()
    second = Running(**given).ready()
    second.stop()
    assert tables.cleared(subject=DEVICE)
    assert [
        (alert.state, alert.announced_at is not None) for alert in tables.alerts(subject=OTHER)
    ] == [("active", True)]
    assert len(tables.tickets()) == 2


def test_what_a_long_absence_left_out_of_the_catch_up_is_left_to_history(
    given: dict[str, Any], gateway: Gateway, tables: Tables
) -> None:
    first = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(DEVICE)
    wait_until(lambda: _last_state(tables, DEVICE) == "heating")
    first.stop()
    three_hours_on = Running(**given, clock=lambda: wall_clock_ms() + 3 * 3_600_000).ready()
    three_hours_on.stop()
    with reading(tables.engine) as session:
        [span] = session.scalars(select(LateSpanRow)).all()
        assert span.device == DEVICE
        assert 3_590_000 <= span.until - span.since <= 3_610_000


def _stored(device: str, at: int, *faults: str) -> StoredReading:
    return StoredReading(
        PLACE, "epoch-1", at, Reading(device, at, "heating", list(faults), {"supply_c": 41.0})
    )
