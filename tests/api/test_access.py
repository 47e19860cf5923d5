"""Six roles, every endpoint, foreign ids: what is outside the scope does not exist (reliability
§1)."""

import httpx
import pytest

from desk.accounts.accounts import add_account, disable_account
from desk.accounts.tokens import create_token, revoke_token
from tests.api.serving import ELSEWHERE, Desk

OWN, FOREIGN = "mtg-mt-0001", "mtg-sq-0001"
SCOPES = {
    "district": "mentougou",
    "town": "zhaitang",
    "village": "matao",
    "manufacturer": "midea",
    "maintainer": "zt-crew-1",
    "household": "h-0001",
}
PASSWORD = "correct horse"


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    return httpx.Client(base_url=desk.url, trust_env=False)


def bearer(desk: Desk, role: str, scope: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(desk.database, role, scope)}"}


def populate(desk: Desk, client: httpx.Client) -> dict[str, tuple[str, str]]:
    """One alert and ticket here and one elsewhere; `{kind: (own id, foreign id)}`."""
    desk.add_device(OWN, household="h-0001")
    desk.add_device(FOREIGN, ELSEWHERE, brand="gree", household="h-0002")
    alerts = (
        desk.raise_alert(OWN, code="fan:E1"),
        desk.raise_alert(FOREIGN, code="fan:E1", place=ELSEWHERE),
    )
    everything = bearer(desk, "district", "mentougou")
    found = client.get("/api/v1/tickets", headers=everything).json()["items"]
    tickets = {ticket["device"]: ticket["id"] for ticket in found}
    for device, crew in ((OWN, "zt-crew-1"), (FOREIGN, "qs-crew-1")):
        step = {"event": "dispatch", "crew": crew}
        client.post(
            f"/api/v1/tickets/{tickets[device]}/events", json=step, headers=everything
        ).raise_for_status()
    return {"alert": alerts, "ticket": (tickets[OWN], tickets[FOREIGN]), "device": (OWN, FOREIGN)}


def requests_for(ids: dict[str, str], now: int) -> list[tuple[str, str, object]]:
    alert, ticket, device = ids["alert"], ids["ticket"], ids["device"]
    return [
        ("GET", f"/api/v1/alerts/{alert}", None),
        ("POST", f"/api/v1/alerts/{alert}/acknowledge", None),
        (
            "POST",
            f"/api/v1/alerts/{alert}/shelve",
            {"until": now + 60_000, "reason": "crew on the way"},
        ),
        ("GET", f"/api/v1/tickets/{ticket}", None),
        ("POST", f"/api/v1/tickets/{ticket}/events", {"event": "arrive"}),
        ("POST", f"/api/v1/tickets/{ticket}/events", {"event": "note", "note": "seen"}),
        ("POST", "/api/v1/tickets", {"text": "no heat", "device": device}),
        ("GET", f"/api/v1/devices/{device}", None),
        ("GET", f"/api/v1/devices/{device}/readings", None),
    ]


@pytest.mark.parametrize("role", [role for role in SCOPES if role != "district"])
def test_what_is_foreign_is_404_for_every_role_and_endpoint_and_stays_as_it_was(
    desk: Desk, client: httpx.Client, role: str
) -> None:
    ids = populate(desk, client)
    foreign = {kind: pair[1] for kind, pair in ids.items()}
    everything, headers = bearer(desk, "district", None), bearer(desk, role, SCOPES[role])
    before = client.get(f"/api/v1/tickets/{foreign['ticket']}", headers=everything).json()
    for method, path, body in requests_for(foreign, desk.clock()):
        answer = client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (
            role,
            method,
            path,
        )
        assert "qingshui" not in answer.text
    assert client.get(f"/api/v1/tickets/{foreign['ticket']}", headers=everything).json() == before


@pytest.mark.parametrize("role", SCOPES)
def test_lists_and_counts_hold_only_what_is_in_scope(
    desk: Desk, client: httpx.Client, role: str
) -> None:
    ids = populate(desk, client)
    headers = bearer(desk, role, SCOPES[role])
    expected = {kind: set(pair) if role == "district" else {pair[0]} for kind, pair in ids.items()}
    for kind in ("alert", "ticket", "device"):
        items = client.get(f"/api/v1/{kind}s", headers=headers).json()["items"]
        assert {item["id"] for item in items} == expected[kind]
    summary = client.get("/api/v1/summary", headers=headers).json()
    assert summary["alerts"] == {"urgent": len(expected["alert"])}
    assert summary["devices"] == len(expected["device"])
    assert sum(summary["tickets"].values()) == len(expected["ticket"])


@pytest.mark.parametrize("role", SCOPES)
def test_every_role_reads_its_own(desk: Desk, client: httpx.Client, role: str) -> None:
    own = {kind: pair[0] for kind, pair in populate(desk, client).items()}
    headers = bearer(desk, role, SCOPES[role])
    for method, path, _ in requests_for(own, desk.clock()):
        if method == "GET":
            assert client.get(path, headers=headers).status_code == 200, (role, path)
    assert client.get("/api/v1/me", headers=headers).json()["role"] == role


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/me"),
        ("POST", "/api/v1/logout"),
        ("GET", "/api/v1/alerts"),
        ("GET", "/api/v1/tickets"),
        ("POST", "/api/v1/tickets"),
        ("GET", "/api/v1/devices"),
        ("GET", "/api/v1/feed"),
        ("GET", "/api/v1/summary"),
    ],
)
def test_nothing_is_told_without_a_login(client: httpx.Client, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "hearthwatch_session=wrong"}):
        answer = client.request(method, path, headers=headers, json={"text": "no heat"})
        assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
        assert answer.headers["content-type"] == "application/problem+json"


def test_revocation_is_immediate(desk: Desk, client: httpx.Client) -> None:
    token = create_token(desk.database, "district", None)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    revoke_token(desk.database, token)
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def log_in(desk: Desk, client: httpx.Client) -> None:
    add_account(desk.database, "night.shift", PASSWORD, "district", "mentougou")
    client.post(
        "/api/v1/login", json={"name": "night.shift", "password": PASSWORD}
    ).raise_for_status()


def test_login_sets_a_cookie_that_scripts_and_other_sites_do_not_get(
    desk: Desk, client: httpx.Client
) -> None:
    add_account(desk.database, "night.shift", PASSWORD, "district", "mentougou")
    answer = client.post("/api/v1/login", json={"name": "night.shift", "password": PASSWORD})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/api/v1/me").json() == {
        "name": "night.shift",
        "role": "district",
        "scope": "mentougou",
    }
    assert client.post("/api/v1/logout").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_a_disabled_account_is_out_at_once(desk: Desk, client: httpx.Client) -> None:
    log_in(desk, client)
    disable_account(desk.database, "night.shift")
    assert client.get("/api/v1/me").status_code == 401


def test_guessing_locks_the_name_even_for_the_right_password(
    desk: Desk, client: httpx.Client
) -> None:
    add_account(desk.database, "night.shift", PASSWORD, "district", "mentougou")
    for _ in range(5):
        answer = client.post("/api/v1/login", json={"name": "night.shift", "password": "guess"})
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_password")
    answer = client.post("/api/v1/login", json={"name": "night.shift", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    assert 0 < int(answer.headers["retry-after"]) <= 301
    desk.clock.moved_ms += 301_000
    assert (
        client.post("/api/v1/login", json={"name": "night.shift", "password": PASSWORD}).status_code
        == 204
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_cannot_act_through_a_browser(
    desk: Desk, client: httpx.Client, headers: dict[str, str]
) -> None:
    desk.add_device(OWN)
    alert = desk.raise_alert(OWN)
    log_in(desk, client)
    answer = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert client.get(f"/api/v1/alerts/{alert}", headers=headers).json()["acknowledged_by"] is None
    again = client.post(
        "/api/v1/login", json={"name": "night.shift", "password": PASSWORD}, headers=headers
    )
    assert again.status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {}])
def test_the_console_itself_may_act(
    desk: Desk, client: httpx.Client, headers: dict[str, str]
) -> None:
    desk.add_device(OWN)
    alert = desk.raise_alert(OWN)
    log_in(desk, client)
    same = headers or {"Origin": desk.url}
    answer = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=same)
    assert answer.json()["acknowledged_by"] == "night.shift"
