"""The ticket database: what is written together, who sees what, and that nothing is ever
doubled."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from alerts.core.model import Decided, Round
from alerts.core.practice import practice_of
from alerts.store.actions import acknowledge_alert, shelve_alert
from alerts.store.queries import AlertFilter, get_alert, list_alerts, summarise
from alerts.store.record_round import Recorded, record_decisions
from alerts.store.write_round import write_round
from desk.accounts.scope import Role, Scope
from desk.database.engine import DatabaseError, open_database, reading, writing
from desk.database.paging import BadCursorError
from desk.database.tables import Base, DeviceRow, OutboxRow
from desk.errors import ActRefusedError, ConflictError, NotFoundError
from desk.ledger.device_registry import known_gateways, store_birth
from desk.ledger.devices import get_device, list_devices, put_device_back, take_device_out
from desk.live_feed import feed_events
from desk.tickets.actions import StepDetails, create_ticket, ticket_event
from desk.tickets.life_cycle import IllegalTransitionError
from desk.tickets.queries import get_ticket, list_tickets
from desk.tickets.reports import Intake
from desk.tickets.terms import ServiceTerms
from rules.transitions.transition import Transition
from tests.alerts.messages import CHINA
from tests.rules.shipped import shipped_rules
from wire.location import Location
from wire.messages import AnnouncedDevice, Status
from wire.topics import GatewayPath

NOW = 1_763_740_000_000
TERMS = ServiceTerms(CHINA)
PRACTICE = practice_of(shipped_rules(), TERMS)
DISTRICT = Scope("district")
ENDED = StepDetails(why="the unit is replaced")
MATAO = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
QINGLONG = GatewayPath("mentougou", "junzhuang", "qinglong", "ql-01")
HOMES = {"mtg-mt-0001": (MATAO, "midea-mthermal"), "mtg-ql-0001": (QINGLONG, "gree-versati")}


@pytest.fixture
def database(tickets_url: str) -> Engine:
    engine = open_database(tickets_url)
    with writing(engine) as session:
        for device, (place, profile) in HOMES.items():
            birth = Status(True, NOW, "epoch-1", "test", 30.0)
            store_birth(session, place, birth, [AnnouncedDevice(device, profile, "bus-1", 1)], NOW)
    return engine


def fault(
    device: str, onset: int = NOW, edge: Any = "raise", code: str = "high_pressure:P1", **more: Any
) -> Decided:
    place = HOMES[device][0]
    one = Transition(
        rule="fault",
        subject=device,
        subject_kind="device",
        edge=edge,
        code=code,
        onset=onset,
        at=onset,
        value=None,
        limit=None,
        unit=None,
        priority="high",
        reason="reported",
        text={"zh": "高压", "en": "high pressure"},
    )
    return Decided(
        replace(one, **more), Location(place.district, place.town, place.village, place.gateway)
    )


def tell(database: Engine, *decided: Decided, now: int = NOW) -> Recorded:
    with writing(database) as session:
        return record_decisions(session, decided, PRACTICE, now)


def ask(database: Engine, question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with writing(database) as session:
        return question(session, *arguments, **options)


def test_the_migration_makes_exactly_the_tables_of_the_code(database: Engine) -> None:
    with database.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_an_unusable_url_says_what_to_do() -> None:
    with pytest.raises(DatabaseError, match="tickets"):
        open_database("nonsense")


def test_eight_workers_with_the_same_event_make_one_ticket(database: Engine) -> None:
    barrier = threading.Barrier(8)
    failures: list[BaseException] = []

    def work() -> None:
        barrier.wait()
        try:
            tell(
                database,
                fault("mtg-mt-0001"),
                fault("mtg-mt-0001", code="fan:F1"),
                fault("mtg-ql-0001"),
            )
        except BaseException as failure:
            failures.append(failure)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert len(ask(database, list_alerts, DISTRICT)["items"]) == 3
    tickets = ask(database, list_tickets, DISTRICT)["items"]
    assert [ticket["id"][-4:] for ticket in tickets] == ["0002", "0001"]
    with reading(database) as session:
        assert session.query(OutboxRow).count() == 3


def test_a_round_told_in_any_pieces_gives_the_same_tables(database: Engine) -> None:
    device = "mtg-mt-0001"
    told = [fault(device), fault(device, NOW, "clear", at=NOW + 9), fault(device, NOW + 20)]
    tell(database, *told)
    tell(database, *told[:2])
    tell(database, told[2])
    alerts = ask(database, list_alerts, DISTRICT)["items"]
    assert sorted((alert["onset"] - NOW, alert["state"]) for alert in alerts) == [
        (0, "cleared"),
        (20, "active"),
    ]
    assert len({alert["ticket"] for alert in alerts}) == 1


def test_a_closed_case_leaves_room_for_a_new_ticket(database: Engine) -> None:
    device = "mtg-mt-0001"
    tell(database, fault(device))
    [first] = ask(database, list_tickets, DISTRICT)["items"]
    ask(database, ticket_event, DISTRICT, first["id"], "cancel", "li", NOW, ENDED)
    tell(database, fault(device, NOW, "clear", at=NOW + 9), fault(device, NOW + 20))
    assert len(ask(database, list_tickets, DISTRICT)["items"]) == 2
    with pytest.raises(ConflictError) as conflict:
        ask(database, ticket_event, DISTRICT, first["id"], "reopen", "li", NOW)
    assert conflict.value.code == "case_open"


def test_a_call_about_a_known_fault_joins_its_ticket(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    call = Intake("complaint", "hotline_12345", "没有暖气", device="mtg-mt-0001", caller_name="王")
    ticket, created = ask(database, create_ticket, DISTRICT, call, "li", NOW + 5, TERMS)
    assert not created
    assert [complaint["text"] for complaint in ticket["complaints"]] == ["没有暖气"]
    assert len(ask(database, list_tickets, DISTRICT)["items"]) == 1


def test_a_fault_of_a_household_that_has_called_joins_its_case(database: Engine) -> None:
    call = Intake("complaint", "town_hotline", "冷", device="mtg-mt-0001")
    ticket, created = ask(database, create_ticket, DISTRICT, call, "li", NOW, TERMS)
    assert created
    tell(database, fault("mtg-mt-0001"), now=NOW + 5)
    joined = ask(database, get_ticket, DISTRICT, ticket["id"])
    assert len(joined["alerts"]) == 1
    assert [event["event"] for event in joined["events"]] == ["opened", "complaint", "alert"]


def test_the_steps_of_a_ticket_fill_its_record(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    [opened] = ask(database, list_tickets, DISTRICT)["items"]
    ticket = opened["id"]
    ask(
        database,
        ticket_event,
        DISTRICT,
        ticket,
        "dispatch",
        "li",
        NOW + 1,
        StepDetails(crew="crew-3"),
        version=1,
    )
    with pytest.raises(ConflictError) as conflict:
        ask(database, ticket_event, DISTRICT, ticket, "arrive", "li", NOW + 2, version=1)
    assert conflict.value.code == "stale_version"
    with pytest.raises(IllegalTransitionError, match="possible now: arrive"):
        ask(database, ticket_event, DISTRICT, ticket, "close", "li", NOW + 2)
    ask(database, ticket_event, DISTRICT, ticket, "arrive", "li", NOW + 2)
    done = StepDetails(measures="换过滤器", parts=["filter"])
    after = ask(database, ticket_event, DISTRICT, ticket, "repair", "li", NOW + 3, done)
    assert (after["state"], after["crew"], after["parts"]) == ("repaired", "crew-3", ["filter"])
    assert (after["dispatched_at"], after["arrived_at"], after["repaired_at"]) == (
        NOW + 1,
        NOW + 2,
        NOW + 3,
    )


def test_a_deadline_escalates_once_whoever_notices_first(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    [ticket] = ask(database, list_tickets, DISTRICT)["items"]
    late = NOW + 11 * 60_000
    ask(database, ticket_event, DISTRICT, ticket["id"], "dispatch", "li", late)
    escalated = [
        ask(database, write_round, Round(late + tick, timed=True), PRACTICE).escalated
        for tick in range(3)
    ]
    assert escalated == [[], [], []]
    after = ask(database, get_ticket, DISTRICT, ticket["id"])
    assert [one["stage"] for one in after["escalations"]] == ["dispatch"]


def test_acknowledging_twice_keeps_the_first_and_tells_once(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    [alert] = ask(database, list_alerts, DISTRICT)["items"]
    before = len(ask(database, feed_events, DISTRICT, 0))
    ask(database, acknowledge_alert, DISTRICT, alert["id"], "li", NOW + 1)
    again = ask(database, acknowledge_alert, DISTRICT, alert["id"], "wang", NOW + 2)
    assert again["acknowledged_by"] == "li"
    assert len(ask(database, feed_events, DISTRICT, 0)) == before + 1


def test_a_shelved_alert_returns_by_itself(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    [alert] = ask(database, list_alerts, DISTRICT)["items"]
    ask(database, shelve_alert, DISTRICT, alert["id"], NOW + 1_000, "crew there", "li", NOW)
    ask(database, write_round, Round(NOW + 999, timed=True), PRACTICE)
    assert ask(database, get_alert, DISTRICT, alert["id"])["shelved_until"] == NOW + 1_000
    ask(database, write_round, Round(NOW + 1_000, timed=True), PRACTICE)
    assert ask(database, get_alert, DISTRICT, alert["id"])["shelved_until"] is None


def test_what_is_shelved_opens_no_ticket_and_is_not_told_until_it_returns(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001", rule="supply_voltage", code=None))
    [alert] = ask(database, list_alerts, DISTRICT)["items"]
    ask(database, shelve_alert, DISTRICT, alert["id"], NOW + 1_000, "works on the line", "li", NOW)
    tell(
        database,
        fault("mtg-mt-0001", NOW, "clear", rule="supply_voltage", code=None, at=NOW + 5),
        now=NOW + 5,
    )
    told = len(ask(database, feed_events, DISTRICT, 0))
    [again] = tell(
        database, fault("mtg-mt-0001", NOW + 9, rule="supply_voltage", code=None), now=NOW + 9
    ).records.values()
    assert (again.announced_at, again.ticket) == (None, None)
    assert len(ask(database, feed_events, DISTRICT, 0)) == told
    ask(database, write_round, Round(NOW + 1_000, timed=True), PRACTICE)
    returned = ask(database, get_alert, DISTRICT, again.id)
    assert (returned["state"], returned["shelved_until"]) == ("active", None)
    assert len(ask(database, feed_events, DISTRICT, 0)) == told + 1


def test_a_device_out_of_service_opens_no_ticket_until_it_is_back(database: Engine) -> None:
    ask(
        database,
        take_device_out,
        DISTRICT,
        "mtg-mt-0001",
        NOW + 1_000,
        "sealed for the summer",
        "li",
        NOW,
    )
    tell(database, fault("mtg-mt-0001", NOW + 1), fault("mtg-ql-0001", NOW + 1), now=NOW + 1)
    assert [one["device"] for one in ask(database, list_tickets, DISTRICT)["items"]] == [
        "mtg-ql-0001"
    ]
    ask(database, write_round, Round(NOW + 999, timed=True), PRACTICE)
    assert len(ask(database, list_tickets, DISTRICT)["items"]) == 1
    ask(database, write_round, Round(NOW + 1_000, timed=True), PRACTICE)
    assert {one["device"] for one in ask(database, list_tickets, DISTRICT)["items"]} == {
        "mtg-mt-0001",
        "mtg-ql-0001",
    }


def test_a_device_is_put_back_by_hand_and_what_has_cleared_meanwhile_is_not_told(
    database: Engine,
) -> None:
    ask(
        database,
        take_device_out,
        DISTRICT,
        "mtg-mt-0001",
        NOW + 1_000,
        "pump is changed",
        "li",
        NOW,
    )
    tell(
        database,
        fault("mtg-mt-0001", NOW + 1),
        fault("mtg-mt-0001", NOW + 1, "clear", at=NOW + 5),
        now=NOW + 5,
    )
    ask(database, put_device_back, DISTRICT, "mtg-mt-0001", NOW + 10)
    ask(database, write_round, Round(NOW + 11, timed=True), PRACTICE)
    assert ask(database, list_tickets, DISTRICT)["items"] == []
    tell(database, fault("mtg-mt-0001", NOW + 20), now=NOW + 20)
    assert len(ask(database, list_tickets, DISTRICT)["items"]) == 1


@pytest.mark.parametrize(
    ("until", "reason", "code"),
    [
        (NOW, "x", "out_of_bounds"),
        (NOW + 400 * 86_400_000, "x", "out_of_bounds"),
        (NOW + 1, " ", "reason_missing"),
    ],
)
def test_out_of_service_has_an_end_and_a_reason(
    database: Engine, until: int, reason: str, code: str
) -> None:
    with pytest.raises(ActRefusedError) as refused:
        ask(database, take_device_out, DISTRICT, "mtg-mt-0001", until, reason, "li", NOW)
    assert refused.value.code == code
    with pytest.raises(NotFoundError):
        ask(
            database,
            take_device_out,
            Scope("village", "qinglong"),
            "mtg-mt-0001",
            NOW + 1,
            "x",
            "li",
            NOW,
        )


def test_gateways_of_equal_names_in_two_towns_have_an_alert_and_a_ticket_each(
    database: Engine,
) -> None:
    for place in (
        GatewayPath("mentougou", "zhaitang", "matao", "gw-1"),
        GatewayPath("mentougou", "junzhuang", "matao", "gw-1"),
    ):
        about = {
            "subject": "gw-1",
            "subject_kind": "gateway",
            "gateway_path": place,
            "rule": "gateway_offline",
            "code": None,
        }
        told = fault("mtg-mt-0001", **about)
        tell(
            database,
            replace(
                told, location=Location(place.district, place.town, place.village, place.gateway)
            ),
        )
    alerts = ask(database, list_alerts, DISTRICT, AlertFilter(state="active"))["items"]
    assert {(one["town"], one["subject"]) for one in alerts} == {
        ("zhaitang", "gw-1"),
        ("junzhuang", "gw-1"),
    }
    assert len(ask(database, list_tickets, DISTRICT)["items"]) == 2


def test_a_cold_room_after_a_fault_is_the_faults_case(database: Engine) -> None:
    cold = {"rule": "low_room_temperature", "code": None}
    recorded = tell(
        database,
        fault("mtg-mt-0001"),
        fault("mtg-ql-0001", NOW + 1, **cold),
        fault("mtg-mt-0001", NOW + 2, code="lockout:P9"),
        fault("mtg-mt-0001", NOW + 3, **cold),
    )
    first, other, second, room = recorded.records.values()
    assert (first.cause, other.cause, second.cause, room.cause) == (None, None, first.id, first.id)
    assert first.ticket == second.ticket == room.ticket != other.ticket
    [ticket] = [
        one
        for one in ask(database, list_tickets, DISTRICT)["items"]
        if one["device"] == "mtg-mt-0001"
    ]
    assert ticket["kind"] == "device_fault"
    assert set(ticket["alerts"]) == {first.id, second.id, room.id}


def test_a_cold_room_long_after_the_faults_case_was_closed_opens_its_own(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    [ticket] = ask(database, list_tickets, DISTRICT)["items"]
    ask(database, ticket_event, DISTRICT, ticket["id"], "cancel", "li", NOW + 1, ENDED)
    tell(
        database, fault("mtg-mt-0001", NOW + 3, rule="low_room_temperature", code=None), now=NOW + 3
    )
    kinds = {one["kind"]: one["state"] for one in ask(database, list_tickets, DISTRICT)["items"]}
    assert kinds == {"device_fault": "cancelled", "low_room_temperature": "open"}


def test_an_urgent_alert_is_shelved_by_a_supervisor_only(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001", priority="urgent"))
    [alert] = ask(database, list_alerts, DISTRICT)["items"]
    with pytest.raises(ActRefusedError) as refused:
        ask(database, shelve_alert, Scope("village", "matao"), alert["id"], NOW + 9, "x", "li", NOW)
    assert refused.value.code == "supervisor_needed"
    ask(database, shelve_alert, Scope("town", "zhaitang"), alert["id"], NOW + 9, "x", "li", NOW)


def test_pages_hold_each_item_once(database: Engine) -> None:
    for number in range(7):
        tell(
            database,
            fault("mtg-mt-0001", NOW + number, code=f"other:E{number}"),
            now=NOW + number // 2,
        )
    seen: list[str] = []
    cursor = None
    while True:
        page = ask(database, list_alerts, DISTRICT, limit=2, cursor=cursor)
        seen += [alert["id"] for alert in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    with pytest.raises(BadCursorError):
        ask(database, list_alerts, DISTRICT, cursor="x'; drop")


@pytest.mark.parametrize(
    ("role", "scope", "foreign"),
    [
        ("district", "mentougou", "daxing"),
        ("town", "zhaitang", "junzhuang"),
        ("village", "matao", "qinglong"),
        ("village", "zhaitang/matao", "junzhuang/matao"),
        ("manufacturer", "midea", "gree"),
        ("maintainer", "crew-3", "crew-4"),
        ("household", "mtg-mt-0001", "mtg-ql-0001"),
    ],
)
def test_what_is_outside_a_scope_does_not_exist(
    database: Engine, role: Role, scope: str, foreign: str
) -> None:
    tell(database, fault("mtg-mt-0001"))
    [ticket] = ask(database, list_tickets, DISTRICT)["items"]
    [alert] = ask(database, list_alerts, DISTRICT)["items"]
    ask(
        database,
        ticket_event,
        DISTRICT,
        ticket["id"],
        "dispatch",
        "li",
        NOW,
        StepDetails(crew="crew-3"),
    )
    own, other = Scope(role, scope), Scope(role, foreign)
    assert ask(database, get_alert, own, alert["id"])["id"] == alert["id"]
    assert ask(database, get_ticket, own, ticket["id"])["id"] == ticket["id"]
    assert ask(database, get_device, own, "mtg-mt-0001")["id"] == "mtg-mt-0001"
    assert ask(database, feed_events, own, 0)
    for nobody in (other, Scope(role) if role != "district" else other):
        for question, name in (
            (get_alert, alert["id"]),
            (get_ticket, ticket["id"]),
            (get_device, "mtg-mt-0001"),
        ):
            with pytest.raises(NotFoundError):
                ask(database, question, nobody, name)
        with pytest.raises(NotFoundError):
            ask(database, acknowledge_alert, nobody, alert["id"], "x", NOW)
        with pytest.raises(NotFoundError):
            ask(database, ticket_event, nobody, ticket["id"], "arrive", "x", NOW)
        assert ask(database, list_alerts, nobody)["items"] == []
        assert ask(database, list_tickets, nobody)["items"] == []
        assert not any(
            event.device == "mtg-mt-0001" for event in ask(database, feed_events, nobody, 0)
        )
        assert "mtg-mt-0001" not in [
            device["id"] for device in ask(database, list_devices, nobody)["items"]
        ]
        assert ask(database, summarise, nobody)["alerts"] == {}


def test_a_household_reports_but_does_not_act(database: Engine) -> None:
    tell(database, fault("mtg-mt-0001"))
    home = Scope("household", "mtg-mt-0001")
    [ticket] = ask(database, list_tickets, home)["items"]
    ask(
        database,
        ticket_event,
        home,
        ticket["id"],
        "note",
        "home",
        NOW,
        StepDetails(note="still cold"),
    )
    with pytest.raises(ActRefusedError, match="household account may not dispatch"):
        ask(database, ticket_event, home, ticket["id"], "dispatch", "home", NOW)


def test_a_birth_frees_what_it_no_longer_lists(database: Engine) -> None:
    with writing(database) as session:
        store_birth(session, MATAO, Status(True, NOW + 1, "epoch-2", "test", 30.0), [], NOW + 1)
    with reading(database) as session:
        known = {entry.gateway: entry for entry in known_gateways(session)}
        assert (known[MATAO].devices, known[MATAO].others) == ([], ["mtg-mt-0001"])
        assert known[QINGLONG].devices == ["mtg-ql-0001"]
        assert session.get(DeviceRow, "mtg-ql-0001") is not None
