"""A step of the alert service that fails every time costs only itself."""

from typing import Any, Never

import pytest
import structlog
from sqlalchemy import select

from alerts.core.district import ConflictWatch, CrowdWatch
from desk.database.engine import reading, writing
from desk.database.outbox import add_effect
from desk.database.tables import OutboxRow
from desk.ledger.box_decisions import BOX_EFFECT
from rules.forecast.extreme_cold import ColdWatch
from rules.presence.presence import Presence
from tests.alerts.rig import DEVICES, Feed, Gateway, Running, Tables
from tests.faults.conftest import FaultRecord
from tests.servers import Server, wait_until

DEVICE, OTHER = DEVICES
FAULT = "high_pressure:P1"
PARTS = {
    "tick_forecast": ColdWatch,
    "tick_presence": Presence,
    "tick_conflicts": ConflictWatch,
    "tick_crowding": CrowdWatch,
}


def set_aside(logged: list[Any]) -> list[str]:
    return [entry["step"] for entry in logged if entry["event"] == "input_set_aside"]


def waiting_effects(tables: Tables) -> list[OutboxRow]:
    with reading(tables.engine) as session:
        return list(session.scalars(select(OutboxRow)))


def fail(*_: object, **__: object) -> Never:
    raise ZeroDivisionError("a step that fails every time")


@pytest.mark.fault("11.B1")
@pytest.mark.parametrize("step", PARTS)
def test_a_part_of_the_tick_that_fails_stops_no_other(
    step: str,
    given: dict[str, Any],
    broker: Server,
    fault_record: FaultRecord,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PARTS[step], "step", fail)
    gateway, tables = Gateway(broker.url), Tables(given["tickets"].url)
    with structlog.testing.capture_logs() as logged:
        running = Running(**given).ready()
        gateway.birth(*DEVICES)
        gateway.read(DEVICE, FAULT)
        wait_until(lambda: tables.alerts(subject=DEVICE), 10, "the alert of a reading")
        wait_until(lambda: set_aside(logged), 10, "the failing part is named")
        gateway.read(OTHER, FAULT)
        wait_until(lambda: tables.alerts(subject=OTHER), 10, "the alert after it")
        running.stop()
    gateway.close()
    assert set_aside(logged) == [step]
    fault_record["trials"] += 1


@pytest.mark.fault("11.B1")
def test_a_message_that_cannot_be_published_holds_up_no_other(
    given: dict[str, Any], broker: Server, fault_record: FaultRecord
) -> None:
    gateway, tables, feed = Gateway(broker.url), Tables(given["tickets"].url), Feed(broker.url)
    with writing(tables.engine) as session:
        add_effect(session, BOX_EFFECT, {"a decision": "without its fields"}, 1)
    with structlog.testing.capture_logs() as logged:
        running = Running(**given).ready()
        gateway.birth(*DEVICES)
        gateway.read(DEVICE, FAULT)
        wait_until(lambda: feed.states(DEVICE), 10, "the alert behind it is published")
        wait_until(lambda: not waiting_effects(tables), 10)
        running.stop()
    gateway.close()
    feed.close()
    assert set_aside(logged) == ["publish"]
    fault_record["trials"] += 1
