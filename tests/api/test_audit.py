"""Whatever a person does, changes, reads or is refused on a running server is in the log."""

from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from api.seats import MOST_FEEDS
from desk.accounts.accounts import add_account
from desk.accounts.tokens import create_token
from desk.audit.tally import REFUSALS_A_MINUTE
from desk.audit.trail import verify
from tests.api.serving import Desk

PASSWORD = "correct horse"
DEVICE = "mtg-mt-0001"


class People:
    """A dispatcher with a browser session, and an auditor."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        add_account(desk.database, "night.shift", PASSWORD, "district")
        self.auditor = create_token(desk.database, "auditor")
        self.http = httpx.Client(base_url=f"{desk.url}/api/v1", trust_env=False)

    def log_in(self, password: str = PASSWORD) -> int:
        body = {"name": "night.shift", "password": password}
        return self.http.post("/login", json=body).status_code

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.desk.url}/api/v1/audit",
            params=wanted,
            headers={"Authorization": f"Bearer {self.auditor}"},
            trust_env=False,
        )
        items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
        return items


@pytest.fixture
def people(desk: Desk) -> People:
    return People(desk)


def test_a_day_at_the_desk_is_on_record(people: People) -> None:
    desk, http = people.desk, people.http
    desk.add_device(DEVICE, household="h-0001")
    alert = desk.raise_alert(DEVICE, code="fan:E1")
    assert people.log_in("wrong") == 401
    assert people.log_in() == 204
    ticket = http.get("/tickets").json()["items"][0]["id"]
    until = desk.clock() + 60_000
    timed = {"until": until, "reason": "crew on the way"}
    report = {"text": "no heat", "device": DEVICE, "caller_phone": "13911112222"}
    for path, body in (
        (f"/alerts/{alert}/acknowledge", None),
        (f"/alerts/{alert}/shelve", timed),
        (f"/devices/{DEVICE}/out-of-service", timed),
        ("/tickets", report),
        (f"/tickets/{ticket}/events", {"event": "dispatch", "crew": "east"}),
        (f"/tickets/{ticket}/events", {"event": "note", "note": "door on the left"}),
        (f"/tickets/{ticket}/events", {"event": "cancel", "why": "moved away"}),
        ("/extreme-cold/confirm", {"from": until, "until": until + 1}),
        ("/extreme-cold/end", None),
    ):
        assert http.post(path, json=body).is_success, path
    assert http.delete(f"/devices/{DEVICE}/out-of-service").is_success
    assert http.get(f"/devices/{DEVICE}/readings").is_success
    http.post("/logout")

    by_act = {line["what"]: line for line in reversed(people.lines())}
    assert set(by_act) >= {
        *("refused", "login", "logout", "read.ticket", "read.readings", "account.set"),
        *("alert.acknowledge", "alert.shelve", "device.take_out_of_service"),
        *(
            "device.put_back_in_service",
            "ticket.report",
            "ticket.dispatch",
            "ticket.note",
            "ticket.cancel",
        ),
        *("extreme_cold.confirm", "extreme_cold.end", "token.create"),
    }
    assert by_act["refused"]["subject"] == "account:night.shift"
    assert by_act["refused"]["after"]["code"] == "wrong_password"
    dispatch = by_act["ticket.dispatch"]
    assert (dispatch["who"], dispatch["address"]) == ("night.shift", "127.0.0.1")
    assert dispatch["subject"] == f"ticket:{ticket}"
    assert dispatch["before"]["state"] == "open"
    assert (dispatch["after"]["state"], dispatch["after"]["crew"]) == ("dispatched", "east")
    assert by_act["alert.acknowledge"]["after"]["acknowledged_by"] == "night.shift"
    assert "13911112222" not in str(people.lines())
    assert verify(desk.database).broken is None


def test_only_an_auditor_reads_the_log_and_reading_it_is_a_line(people: People) -> None:
    people.log_in()
    refused = people.http.get("/audit")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")
    people.lines()
    whats = [line["what"] for line in people.lines()]
    assert whats[:3] == ["read.audit", "read.audit", "refused"]
    assert next(line["what"] for line in people.lines(what="read.")) == "read.audit"
    assert people.lines(who="night.shift", what="login")[0]["what"] == "login"
    assert people.lines(to=1) == []


def test_an_auditor_sees_neither_tickets_nor_devices(people: People) -> None:
    people.desk.add_device(DEVICE, household="h-0001")
    people.desk.raise_alert(DEVICE, code="fan:E1")
    headers = {"Authorization": f"Bearer {people.auditor}"}
    for path in ("/tickets", "/devices", "/alerts", "/gateways"):
        assert people.http.get(path, headers=headers).json()["items"] == []


def test_the_log_is_read_page_by_page(people: People) -> None:
    for _ in range(5):
        people.log_in()
    headers = {"Authorization": f"Bearer {people.auditor}"}
    found, cursor = [], None
    while True:
        params = {"limit": 2, "what": "login", **({"cursor": cursor} if cursor else {})}
        page = people.http.get("/audit", params=params, headers=headers).json()
        found += [line["id"] for line in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 5
    assert found == sorted(found, reverse=True)


def test_the_board_shows_no_household_without_a_line(people: People) -> None:
    people.desk.add_device(DEVICE, household="h-0001")
    people.desk.raise_alert(DEVICE, "defrost_share", "low")  # opens no ticket
    people.log_in()
    httpx.get(f"{people.desk.url}/", cookies=dict(people.http.cookies), trust_env=False)
    assert people.lines(what="read.device")[0]["subject"] == DEVICE


def test_a_scanner_does_not_fill_the_log(people: People) -> None:
    people.log_in()
    tries = 3 * REFUSALS_A_MINUTE
    for number in range(tries):
        assert people.http.get(f"/tickets/T-{number}").status_code == 404
    assert len(people.lines(what="refused")) == REFUSALS_A_MINUTE
    people.desk.clock.moved_ms += 61_000
    people.http.get("/tickets/T-0")
    assert people.lines(what="refused")[0]["after"]["unwritten"] == tries - REFUSALS_A_MINUTE


def test_a_ticket_read_again_is_written_once_an_hour(people: People) -> None:
    people.desk.add_device(DEVICE, household="h-0001")
    people.desk.raise_alert(DEVICE, code="fan:E1")
    people.log_in()
    for _ in range(3):
        people.http.get("/tickets")
        people.http.get("/devices")
    assert [line["subject"] is not None for line in people.lines(what="read.")[1:]] == [True] * 2
    people.desk.clock.moved_ms += 3_600_000
    people.http.get("/tickets")
    assert len(people.lines(what="read.ticket")) == 2


def test_what_the_console_refuses_by_itself_is_a_line(people: People) -> None:
    people.log_in()
    session = dict(people.http.cookies)
    page = httpx.Client(base_url=people.desk.url, trust_env=False, cookies=session)
    guess = {"old": "a guess", "new": "another good one"}
    assert page.post("/password", data=guess).status_code == 403
    page.get("/console/device/mtg-xx-0001")
    page.get("/console/device", params={"device": "mtg-xx-0002"})
    page.get("/", params={"device": "mtg-xx-0003"})
    httpx.get(f"{people.desk.url}/console/board", trust_env=False)

    found = [
        (line["who"], line["subject"], line["after"]["code"])
        for line in reversed(people.lines(what="refused"))
    ]
    asked = [f"device:mtg-xx-000{number}" for number in (1, 2, 3)]
    assert found == [
        ("night.shift", "account:night.shift", "wrong_password"),
        *(("night.shift", device, "not_found") for device in asked),
        ("nobody", None, "not_logged_in"),
    ]


def test_a_feed_that_finds_no_seat_is_a_line(people: People) -> None:
    people.log_in()
    with ExitStack() as feeds:
        for _ in range(MOST_FEEDS):
            feeds.enter_context(people.http.stream("GET", "/feed"))
        assert people.http.get("/feed").status_code == 429
    refused = people.lines(what="refused")[0]
    assert (refused["who"], refused["after"]["code"]) == ("night.shift", "too_many")


def test_a_session_used_elsewhere_has_lines_with_that_address(people: People) -> None:
    people.desk.add_device(DEVICE, household="h-0001")
    people.desk.raise_alert(DEVICE, code="fan:E1")
    people.log_in()
    for address in ("192.0.2.1", "192.0.2.1", "203.0.113.9"):
        people.http.get("/tickets", headers={"X-Forwarded-For": address})
    addresses = [line["address"] for line in people.lines(what="read.ticket")]
    assert addresses == ["203.0.113.9", "192.0.2.1"]


def test_claimed_addresses_neither_fill_the_log_nor_reach_it_as_text(people: People) -> None:
    claims = [f"{'x' * 8_000}{number}" for number in range(3 * REFUSALS_A_MINUTE)]
    for claim in claims:
        people.http.get("/tickets", headers={"X-Forwarded-For": claim})
    refused = people.lines(what="refused", limit=1_000)
    assert {line["address"] for line in refused} == {"unknown"}
    assert len(refused) == REFUSALS_A_MINUTE
