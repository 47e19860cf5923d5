"""Alerts, tickets, devices and readings over real HTTP (contract §7, §11)."""

import json

import httpx
import pytest
from prometheus_client import Counter

from desk.accounts.tokens import create_token
from tests.api.serving import MINUTE, Desk
from wire.messages import Reading

DEVICE = "mtg-mt-0001"


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    token = create_token(desk.database, "district", "mentougou")
    return httpx.Client(
        base_url=f"{desk.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )


@pytest.fixture
def device(desk: Desk) -> str:
    desk.add_device(DEVICE)
    return DEVICE


def test_an_alert_is_the_object_of_the_contract(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    desk.raise_alert(device, code="high_pressure:P1")
    (alert,) = client.get("/alerts", params={"state": "active"}).json()["items"]
    contract = (
        "v id rule subject district town village priority state acknowledged_by shelved_until "
        "onset raised_at "
        "cleared_at value limit unit code children ticket cause text"
    )
    assert set(alert) == set(contract.split())
    assert (alert["rule"], alert["subject"], alert["code"]) == ("fault", device, "high_pressure:P1")


def test_an_alert_and_its_ticket_say_what_to_check_first(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    alert = desk.raise_alert(device, "device_offline", "medium")
    document = client.get(f"/alerts/{alert}").json()
    assert set(document["advice"]) == {"meaning", "household", "crew"}
    assert "RS-485" in document["advice"]["crew"]["en"]
    assert client.get(f"/tickets/{document['ticket']}").json()["advice"] == {
        alert: document["advice"]
    }


def test_a_second_acknowledgement_keeps_the_first_name(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    alert = desk.raise_alert(device)
    first = client.post(f"/alerts/{alert}/acknowledge").json()
    other = {"Authorization": f"Bearer {create_token(desk.database, 'town', 'zhaitang')}"}
    second = client.post(f"/alerts/{alert}/acknowledge", headers=other)
    assert second.status_code == 200
    assert second.json()["acknowledged_by"] == first["acknowledged_by"] is not None


def test_shelving_has_a_reason_and_an_end(desk: Desk, client: httpx.Client, device: str) -> None:
    alert, now = desk.raise_alert(device, "defrost_share", "medium"), desk.clock()
    path = f"/alerts/{alert}/shelve"
    assert (
        client.post(path, json={"until": now + 9 * 60 * MINUTE, "reason": "works"}).json()["code"]
        == "out_of_bounds"
    )
    assert client.post(path, json={"until": now + MINUTE}).status_code == 422
    assert (
        client.post(path, json={"until": now + MINUTE, "reason": "works"}).json()["shelved_until"]
        == now + MINUTE
    )


def test_an_urgent_alert_is_shelved_by_a_supervisor(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    alert, until = desk.raise_alert(device), desk.clock() + MINUTE
    village = {"Authorization": f"Bearer {create_token(desk.database, 'village', 'matao')}"}
    answer = client.post(
        f"/alerts/{alert}/shelve", json={"until": until, "reason": "works"}, headers=village
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "supervisor_needed")


def test_lists_are_paged_without_gap_or_repeat(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    expected = {desk.raise_alert(device, code=f"fan:E{number}") for number in range(7)}
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = client.get("/alerts", params={"limit": 2, **cursor}).json()
        seen += [alert["id"] for alert in page["items"]]
        cursor = {"cursor": page["next"]}
    assert page["next"] is None
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == expected


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/alerts?limit=0", "invalid_request"),
        ("/alerts?limit=1001", "invalid_request"),
        ("/alerts?priority=red", "invalid_request"),
        ("/alerts?cursor=nonsense", "bad_cursor"),
        ("/tickets?state=lost", "invalid_request"),
        (f"/devices/{DEVICE}/readings?points=warmth", "unknown_point"),
        (f"/devices/{DEVICE}/readings?points=supply_c);--", "unknown_point"),
        (f"/devices/{DEVICE}/readings?from=10&to=10", "invalid_request"),
        (f"/devices/{DEVICE}/readings?from=-1", "invalid_request"),
        (f"/devices/{DEVICE}/readings?step=0", "invalid_request"),
        (f"/devices/{DEVICE}/readings?step=fast", "invalid_request"),
        (f"/devices/{DEVICE}/readings?stat=median&step=1m", "invalid_request"),
        (f"/devices/{DEVICE}/readings?stat=max", "invalid_request"),
        (f"/devices/{DEVICE}/readings?from=0", "too_many_points"),
        (f"/devices/{DEVICE}/readings?from=0&to=100000000&step=1s", "too_many_points"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    client: httpx.Client, device: str, path: str, code: str
) -> None:
    answer = client.get(path)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == 422
    assert problem["detail"]


def test_a_ticket_goes_its_way_and_no_other(desk: Desk, client: httpx.Client, device: str) -> None:
    desk.raise_alert(device)
    (ticket,) = client.get("/tickets", params={"state": "open"}).json()["items"]
    events = f"/tickets/{ticket['id']}/events"
    illegal = client.post(events, json={"event": "repair"})
    assert (illegal.status_code, illegal.json()["code"]) == (409, "illegal_transition")
    assert "open" in illegal.json()["detail"]
    desk.clear_alert(device)
    for event, state in (
        ("dispatch", "dispatched"),
        ("arrive", "on_site"),
        ("repair", "repaired"),
        ("verify", "verified"),
        ("close", "closed"),
    ):
        assert (
            client.post(events, json={"event": event, "crew": "zt-crew-1"}).json()["state"] == state
        )
    trail = client.get(f"/tickets/{ticket['id']}").json()["events"]
    assert [entry["event"] for entry in trail if entry["event"] in ("dispatch", "close")] == [
        "dispatch",
        "close",
    ]


def test_a_step_on_a_ticket_that_has_changed_meanwhile_is_refused(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    desk.raise_alert(device)
    (ticket,) = client.get("/tickets").json()["items"]
    events = f"/tickets/{ticket['id']}/events"
    note = {"event": "note", "note": "called back", "version": ticket["version"]}
    assert client.post(events, json=note).status_code == 200
    late = client.post(events, json={"event": "dispatch", "version": ticket["version"]})
    assert (late.status_code, late.json()["code"]) == (409, "stale_version")


def test_a_call_about_a_fault_that_telemetry_saw_joins_its_ticket(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    desk.raise_alert(device)
    (ticket,) = client.get("/tickets").json()["items"]
    report = {
        "text": "家里不热",
        "device": device,
        "source": "hotline_12345",
        "caller_name": "李大爷",
    }
    joined = client.post("/tickets", json={**report, "kind": "device_fault"})
    assert (joined.status_code, joined.json()["id"]) == (200, ticket["id"])
    assert joined.json()["complaints"][0]["text"] == "家里不热"
    question = client.post(
        "/tickets", json={**report, "kind": "policy_question", "text": "补贴多少"}
    )
    assert question.status_code == 201
    assert question.json()["id"] != ticket["id"]


def test_an_unknown_field_is_not_swallowed(client: httpx.Client, device: str) -> None:
    answer = client.post("/tickets", json={"text": "no heat", "device": device, "urgency": "high"})
    assert answer.status_code == 422
    assert "urgency" in answer.json()["detail"]


def readings_of(start: int, count: int, step: int = 30_000) -> list[Reading]:
    return [
        Reading(
            DEVICE, start + number * step, "heating", [], {"supply_c": 40.0 + number, "room_c": 0.0}
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("stat", "entry", "gap"),
    [
        ("min", [40.0], [None]),
        ("max", [41.0], [None]),
        ("count", [2], [0]),
        ("all", [2, 40.5, 40.0, 41.0], [0, None, None, None]),
    ],
)
def test_a_step_gives_the_statistic_that_is_asked_for(
    desk: Desk,
    client: httpx.Client,
    device: str,
    stat: str,
    entry: list[float],
    gap: list[float | None],
) -> None:
    start = desk.clock() // MINUTE * MINUTE - 10 * MINUTE
    desk.add_readings(device, readings_of(start, 2))
    params = {
        "from": start,
        "to": start + 2 * MINUTE,
        "points": "supply_c",
        "step": "1m",
        "stat": stat,
    }
    answer = client.get(f"/devices/{device}/readings", params=params).json()
    assert answer["points"]["supply_c"] == [[start, *entry], [start + MINUTE, *gap]]


def test_readings_come_as_time_and_value_with_zero_kept(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    start = desk.clock() // MINUTE * MINUTE - 10 * MINUTE
    desk.add_readings(device, readings_of(start, 4))
    params = {"from": start, "to": start + 4 * MINUTE, "points": "supply_c,room_c,outdoor_c"}
    raw = client.get(f"/devices/{device}/readings", params=params).json()
    assert raw["device"] == device
    assert raw["step"] is None
    assert raw["points"]["supply_c"] == [[start + n * 30_000, 40.0 + n] for n in range(4)]
    assert [value for _, value in raw["points"]["room_c"]] == [0.0] * 4
    assert [value for _, value in raw["points"]["outdoor_c"]] == [None] * 4
    means = client.get(f"/devices/{device}/readings", params={**params, "step": "1m"}).json()
    assert means["step"] == MINUTE
    assert means["points"]["supply_c"] == [
        [start, 40.5],
        [start + MINUTE, 42.5],
        [start + 2 * MINUTE, None],
        [start + 3 * MINUTE, None],
    ]


def test_a_device_tells_its_newest_values(desk: Desk, client: httpx.Client, device: str) -> None:
    assert client.get(f"/devices/{device}").json()["values"] is None
    at = client.get(f"/devices/{device}").json()["last_at"]
    desk.add_readings(device, readings_of(at, 1))
    assert client.get(f"/devices/{device}").json()["values"] == {"supply_c": 40.0, "room_c": 0.0}


def test_a_device_is_taken_out_of_service_and_put_back(
    desk: Desk, client: httpx.Client, device: str
) -> None:
    path, until = f"/devices/{device}/out-of-service", desk.clock() + 60 * MINUTE
    assert client.post(path, json={"until": until}).status_code == 422
    assert client.post(path, json={"until": until, "reason": "pump is changed"}).status_code == 200
    out = client.get(f"/devices/{device}").json()["out_of_service"]
    assert (out["until"], out["reason"]) == (until, "pump is changed")
    assert client.delete(path).status_code == 204
    assert client.get(f"/devices/{device}").json()["out_of_service"] is None
    assert client.delete("/devices/no-such/out-of-service").status_code == 404


def test_healthy_ready_and_counted_without_a_login(desk: Desk) -> None:
    Counter(
        "hearthwatch_test_of_metrics", "Shows that /metrics gives the counters of the process"
    ).inc()
    with httpx.Client(base_url=desk.url, trust_env=False) as anybody:
        assert anybody.get("/healthz").status_code == 200
        assert anybody.get("/readyz").json() == {"ready": True, "missing": []}
        desk.missing.append("the broker mqtt://127.0.0.1:1883 does not answer")
        answer = anybody.get("/readyz")
        assert (answer.status_code, answer.json()["missing"]) == (503, desk.missing)
        assert "hearthwatch_test_of_metrics_total 1.0" in anybody.get("/metrics").text


@pytest.mark.parametrize(
    "path", ["/nowhere", "/reports/daily", "/devices/mtg-mt-0001/commands", "/docs"]
)
def test_what_does_not_exist_is_a_problem_document(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    wrong = client.delete("/alerts")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "body", [b"x" * 70_000, iter([b"x" * 40_000, b"x" * 40_000])], ids=["declared", "chunked"]
)
def test_a_body_too_large_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/tickets", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff\xfe", b""])
def test_a_body_that_is_no_report_is_422(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/tickets", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_request"


def test_every_answer_carries_the_security_headers(desk: Desk, client: httpx.Client) -> None:
    for answer in (
        client.get("/alerts"),
        client.get("/nowhere"),
        httpx.get(f"{desk.url}/login", trust_env=False),
    ):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "base-uri 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_the_description_names_every_endpoint_of_the_contract(client: httpx.Client) -> None:
    paths = json.loads(client.get("/openapi.json").text)["paths"]
    for path in ("login", "logout", "me", "alerts", "tickets", "devices", "feed", "summary"):
        assert f"/api/v1/{path}" in paths
    assert "/api/v1/devices/{device}/readings" in paths
