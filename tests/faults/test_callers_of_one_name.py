"""Callers who name no household, and people of one name in two villages: real API and database."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from desk.accounts.tokens import create_token
from tests.api.serving import ELSEWHERE, VILLAGE, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    running = Desk(tmp_path)
    running.start()
    yield running
    running.close()


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    headers = {"Authorization": f"Bearer {create_token(desk.database, 'district', 'mentougou')}"}
    return httpx.Client(base_url=f"{desk.url}/api/v1", headers=headers, trust_env=False)


def call(client: httpx.Client, place: object = VILLAGE, **more: object) -> httpx.Response:
    where = {name: getattr(place, name) for name in ("district", "town", "village")}
    return client.post("/tickets", json={"text": "no heat", **where, **more})


@pytest.mark.fault("11.B9")
def test_each_caller_gets_a_case_of_his_own(
    client: httpx.Client, fault_record: dict[str, float]
) -> None:
    answers = [
        *(call(client, caller_name=name) for name in ("Wang", "Li")),
        *(call(client, place, household="Wang Wei") for place in (VILLAGE, ELSEWHERE)),
    ]
    tickets = {answer.json()["id"] for answer in answers}
    fault_record |= {"trials": 4, "lost": 4 - len(tickets)}
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len(tickets) == 4
    again = call(client, household="Wang Wei")
    assert (again.status_code, again.json()["id"]) == (200, answers[2].json()["id"])


@pytest.mark.fault("11.B9")
def test_a_call_without_household_is_reopened_beside_others(client: httpx.Client) -> None:
    first, second = (call(client).json()["id"] for _ in range(2))
    for event in ("cancel", "reopen"):
        answer = client.post(f"/tickets/{first}/events", json={"event": event})
        assert answer.status_code == 200
    assert first != second


@pytest.mark.fault("11.B9")
def test_the_unit_of_a_household_that_called_joins_its_case(
    desk: Desk, client: httpx.Client
) -> None:
    desk.add_device("mtg-mt-0001", household="h-1")
    called = call(client, household="h-1").json()
    desk.raise_alert("mtg-mt-0001", code="fan:E1")
    [ticket] = client.get("/tickets").json()["items"]
    assert (ticket["id"], len(ticket["alerts"])) == (called["id"], 1)
