"""A case that is closed, or never needed, while its alert goes on or has gone: over the real HTTP
API and a real database."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alerts.core.model import Round
from alerts.store.write_round import write_round
from desk.accounts.tokens import create_token
from desk.database.engine import writing
from tests.api.serving import MINUTE, PRACTICE, Desk

DEVICE = "mtg-mt-0001"
HOUR = 60 * MINUTE


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    running = Desk(tmp_path)
    running.start()
    running.add_device(DEVICE)
    yield running
    running.close()


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    token = create_token(desk.database, "district", "mentougou")
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{desk.url}/api/v1", headers=headers, trust_env=False)


def pass_time(desk: Desk, milliseconds: int) -> list[str]:
    """Let the alert service look at the clock after this time; the stages that escalated."""
    desk.clock.moved_ms += milliseconds
    with writing(desk.database) as session:
        return write_round(session, Round(desk.clock(), timed=True), PRACTICE).escalated


def tickets(client: httpx.Client, **wanted: object) -> list[dict[str, object]]:
    items: list[dict[str, object]] = client.get("/tickets", params=wanted).json()["items"]  # type: ignore[arg-type]
    return items


def post(client: httpx.Client, ticket: object, event: str, **body: object) -> httpx.Response:
    return client.post(f"/tickets/{ticket}/events", json={"event": event, **body})


@pytest.mark.fault("11.B3")
def test_a_case_closed_while_the_fault_goes_on_opens_again(
    desk: Desk, client: httpx.Client, fault_record: dict[str, float]
) -> None:
    alert = desk.raise_alert(DEVICE, code="high_pressure:P1")
    [first] = tickets(client)
    refused = post(client, first["id"], "cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "alert_active")
    assert post(client, first["id"], "cancel", why="the household is away").status_code == 200
    shown = client.get(f"/alerts/{alert}").json()
    assert 0 < shown["out_of_service_until"] - desk.clock() <= 8 * HOUR
    pass_time(desk, 8 * HOUR - 5 * MINUTE)
    assert tickets(client, unfinished="true") == []
    pass_time(desk, 10 * MINUTE)
    [again] = tickets(client, unfinished="true")
    assert (again["state"], again["alerts"]) == ("open", [alert])
    assert client.get(f"/alerts/{alert}").json()["ticket"] == again["id"] != first["id"]
    pass_time(desk, MINUTE)
    fault_record |= {"trials": 1, "doubled": len(tickets(client)) - 2}
    assert len(tickets(client)) == 2


@pytest.mark.fault("11.B3")
def test_a_wrong_close_is_undone(desk: Desk, client: httpx.Client) -> None:
    alert = desk.raise_alert(DEVICE, code="high_pressure:P1")
    [first] = tickets(client)
    post(client, first["id"], "cancel", why="a wrong click")
    post(client, first["id"], "reopen")
    assert "out_of_service_until" not in client.get(f"/alerts/{alert}").json()
    assert pass_time(desk, 11 * MINUTE) == ["dispatch"]
    assert [each["id"] for each in tickets(client)] == [first["id"]]


@pytest.mark.fault("11.B3")
def test_what_clears_before_anybody_is_sent_is_proposed_and_its_clocks_stand(
    desk: Desk, client: httpx.Client, fault_record: dict[str, float]
) -> None:
    desk.raise_alert(DEVICE, code="high_pressure:P1", age=0)
    pass_time(desk, 4 * MINUTE)
    desk.clear_alert(DEVICE, code="high_pressure:P1")
    [proposed] = tickets(client)
    assert proposed["proposed"]["event"] == "close"  # type: ignore[index]
    assert proposed["proposed"]["why"] == "cleared_before_dispatch"  # type: ignore[index]
    escalated = pass_time(desk, 24 * HOUR)
    fault_record |= {"trials": 1, "false": len(escalated)}
    assert escalated == []
    desk.raise_alert(DEVICE, code="high_pressure:P1", age=0)
    [back] = tickets(client)
    assert (back["id"], back["proposed"]) == (proposed["id"], None)
    assert pass_time(desk, 5 * MINUTE) == []  # four minutes before the proposal, five after it
    assert pass_time(desk, 2 * MINUTE) == ["dispatch"]


@pytest.mark.fault("11.B3")
def test_a_proposed_ticket_is_closed_by_a_person_or_sent_on(
    desk: Desk, client: httpx.Client
) -> None:
    desk.raise_alert(DEVICE, code="high_pressure:P1", age=0)
    desk.clear_alert(DEVICE, code="high_pressure:P1")
    [proposed] = tickets(client)
    assert post(client, proposed["id"], "close").json()["state"] == "closed"
    desk.raise_alert(DEVICE, code="fan:E1", age=0)
    desk.clear_alert(DEVICE, code="fan:E1")
    [other] = tickets(client, unfinished="true")
    sent = post(client, other["id"], "dispatch").json()
    assert (sent["state"], sent["proposed"]) == ("dispatched", None)
    refused = post(client, other["id"], "close")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")


@pytest.mark.fault("11.B3")
def test_a_household_that_called_is_not_answered_by_readings(
    desk: Desk, client: httpx.Client
) -> None:
    desk.raise_alert(DEVICE, code="high_pressure:P1", age=0)
    desk.clear_alert(DEVICE, code="high_pressure:P1")
    call = {"kind": "complaint", "source": "hotline_12345", "text": "cold", "device": DEVICE}
    joined = client.post("/tickets", json=call)
    assert (joined.status_code, joined.json()["proposed"]) == (200, None)
    desk.raise_alert(DEVICE, code="high_pressure:P1", age=0)
    desk.clear_alert(DEVICE, code="high_pressure:P1")
    assert [each["proposed"] for each in tickets(client)] == [None]
