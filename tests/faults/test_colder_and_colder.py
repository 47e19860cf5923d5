"""A room that was acknowledged while cool and then grows cold: on a real broker and database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alerts.settings import RulesSettings
from alerts.store.actions import acknowledge_alert
from desk.accounts.scope import Scope
from desk.database.engine import writing
from desk.database.tables import AlertRow
from tests.alerts.rig import DEVICES, RULES, Feed, Gateway, Running, Tables, settings
from tests.servers import Server, wait_until
from wire.wall_clock import wall_clock_ms

DEVICE = DEVICES[0]
AT_ONCE = {"low_room_temperature": {"on_delay": "0s"}}


@pytest.fixture
def given(tmp_path: Path, mosquitto_broker: Server) -> dict[str, Any]:
    rules = RulesSettings(files=[RULES], override=AT_ONCE)
    return settings(tmp_path, mosquitto_broker.url) | {"rules": rules}  # type: ignore[attr-defined]


@pytest.fixture
def village(given: dict[str, Any], mosquitto_broker: Server) -> Iterator[tuple[Gateway, Feed]]:
    url = mosquitto_broker.url  # type: ignore[attr-defined]
    service, feed, gateway = Running(**given).ready(), Feed(url), Gateway(url)
    gateway.birth(*DEVICES)
    yield gateway, feed
    gateway.close()
    feed.close()
    service.stop()


@pytest.mark.fault("11.B4")
def test_a_priority_that_rises_takes_the_acknowledgement_back_and_notifies_again(
    given: dict[str, Any], village: tuple[Gateway, Feed], fault_record: dict[str, float]
) -> None:
    gateway, feed = village
    tables = Tables(given["tickets"].url)

    def alert() -> AlertRow:
        [row] = tables.alerts(rule="low_room_temperature")
        return row

    gateway.read(DEVICE, room_c=17.0)
    wait_until(lambda: tables.alerts(rule="low_room_temperature"))
    with writing(tables.engine) as session:
        acknowledge_alert(session, Scope("district"), alert().id, "li", wall_clock_ms())
    gateway.read(DEVICE, room_c=9.0)
    wait_until(lambda: alert().priority == "urgent")
    risen = alert()
    [ticket] = tables.tickets(id=risen.ticket_id)
    fault_record |= {"trials": 1, "missed": int(risen.acknowledged_by is not None)}
    assert (risen.acknowledged_by, risen.value, ticket.priority) == (None, 9.0, "urgent")
    assert [event.details["to"] for event in tables.events("priority_raised")] == ["urgent"]
    wait_until(lambda: _newest(feed) == ("urgent", None, 9.0))
    gateway.read(DEVICE, room_c=8.4)
    wait_until(lambda: alert().value == 8.4, what="the newest value on the row")
    wait_until(lambda: _newest(feed) == ("urgent", None, 8.4))
    with writing(tables.engine) as session:
        acknowledge_alert(session, Scope("district"), alert().id, "li", wall_clock_ms())
    gateway.read(DEVICE, room_c=17.2)
    wait_until(lambda: alert().value == 17.2)
    assert (alert().priority, alert().acknowledged_by) == ("urgent", "li")


def _newest(feed: Feed) -> tuple[str, str | None, float] | None:
    told = [json.loads(each.payload) for each in feed.messages if f"/{DEVICE}/" in each.topic]
    if not told:
        return None
    return told[-1]["priority"], told[-1]["acknowledged_by"], told[-1]["value"]
