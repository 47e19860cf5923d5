"""The pages over real HTTP, without a browser."""

from collections.abc import Iterator

import httpx
import pytest

from console import assets, readiness
from desk.accounts.accounts import add_account, disable_account
from tests.api.serving import ELSEWHERE, Desk

PASSWORD = "correct horse"


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    add_account(desk.database, "night.shift", PASSWORD, "town", "zhaitang")
    with httpx.Client(base_url=desk.url, trust_env=False) as client:
        yield client


def log_in(client: httpx.Client) -> None:
    answer = client.post("/login", data={"name": "night.shift", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_who_is_not_logged_in_is_shown_the_login_and_nothing_else(client: httpx.Client) -> None:
    assert client.get("/").headers["location"] == "/login"
    for fragment in ("/console/board", "/console/device", "/console/device/mtg-mt-0001"):
        answer = client.get(fragment)
        assert (answer.status_code, answer.headers["hx-redirect"], answer.content) == (
            401,
            "/login",
            b"",
        )


def test_a_wrong_password_keeps_the_name_and_says_so(client: httpx.Client) -> None:
    answer = client.post("/login", data={"name": "<wang>", "password": "guess"})
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert 'value="&lt;wang&gt;"' in answer.text


def test_the_page_shows_only_the_town_s_own(desk: Desk, client: httpx.Client) -> None:
    desk.add_device("mtg-mt-0001")
    desk.add_device("mtg-sq-0001", ELSEWHERE)
    own, foreign = desk.raise_alert("mtg-mt-0001"), desk.raise_alert("mtg-sq-0001", place=ELSEWHERE)
    log_in(client)
    page = client.get("/").text
    assert page.count(f'id="{own}"') == 1
    assert foreign not in page
    assert "mtg-sq-0001" not in client.get("/console/device", params={"device": "mtg-mt-0001"}).text
    assert (
        "不在您的管理范围内" in client.get("/console/device", params={"device": "mtg-sq-0001"}).text
    )


def test_texts_of_others_cannot_become_markup(desk: Desk, client: httpx.Client) -> None:
    desk.add_device("mtg-mt-0001")
    log_in(client)
    client.post(
        "/api/v1/tickets", json={"text": "<script>alert(1)</script>", "device": "mtg-mt-0001"}
    )
    page = client.get("/").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_a_household_sees_its_unit_and_no_buttons(desk: Desk, client: httpx.Client) -> None:
    desk.add_device("mtg-mt-0001", household="h-0001")
    alert = desk.raise_alert("mtg-mt-0001")
    add_account(desk.database, "h-0001", PASSWORD, "household", "h-0001")
    client.post("/login", data={"name": "h-0001", "password": PASSWORD})
    page = client.get("/").text
    assert f'id="{alert}"' in page
    assert f'id="ack-{alert}"' not in page
    assert "/events" not in page


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("/?device=mtg-mt-0001", "/?device=mtg-mt-0001"),
        ("/login", "/login"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("", "/"),
    ],
)
def test_the_language_switch_goes_back_to_the_page_and_nowhere_else(
    client: httpx.Client, referer: str, back: str
) -> None:
    origin = str(client.base_url).rstrip("/")
    answer = client.get(
        "/language/en",
        headers={"Referer": origin + referer if referer.startswith("/") else referer},
    )
    assert answer.headers["location"] == back
    assert 'lang="en"' in client.get("/login").text
    assert client.get("/language/de").status_code == 422


def test_logging_out_ends_the_session(desk: Desk, client: httpx.Client) -> None:
    log_in(client)
    cookie = dict(client.cookies)
    assert client.post("/logout").headers["location"] == "/login"
    with httpx.Client(base_url=desk.url, cookies=cookie, trust_env=False) as other:
        assert other.get("/").headers["location"] == "/login"


def test_a_disabled_account_loses_the_page_at_once(desk: Desk, client: httpx.Client) -> None:
    log_in(client)
    disable_account(desk.database, "night.shift")
    assert client.get("/").headers["location"] == "/login"


def test_assets_are_asked_for_again_and_kept(client: httpx.Client) -> None:
    answer = client.get("/static/console.css")
    assert answer.headers["cache-control"] == "no-cache"
    kept = client.get("/static/console.css", headers={"If-None-Match": answer.headers["etag"]})
    assert kept.status_code == 304
    for outside in ("/static/../views.py", "/static/%2e%2e/views.py"):
        assert client.get(outside).status_code == 404


def test_a_page_without_its_scripts_says_so(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "安装不完整" not in client.get("/login").text
    monkeypatch.setattr(assets, "FILES", {**assets.FILES, "gone.js": "gone.js"})
    assert "安装不完整" in client.get("/login").text
    assert readiness() == ["console: no gone.js; install a wheel of `make wheel`"]


def test_nobody_is_shown_that_all_is_well_for_a_scope_without_devices(
    desk: Desk, client: httpx.Client
) -> None:
    log_in(client)
    page = client.get("/").text
    assert "此账号的范围内没有任何设备" in page
    assert "没有报警，各户运行正常" not in page
    desk.add_device("mtg-mt-0001")
    page = client.get("/").text
    assert "没有报警，各户运行正常" in page
    assert "此账号的范围内没有任何设备" not in page


def test_a_person_changes_the_own_password_on_the_page(desk: Desk, client: httpx.Client) -> None:
    assert client.get("/password").headers["location"] == "/login"
    log_in(client)
    assert 'href="/password"' in client.get("/").text
    assert "当前密码" in client.get("/password").text
    wrong = client.post("/password", data={"old": "guess", "new": "battery staple"})
    assert (wrong.status_code, "当前密码不正确" in wrong.text) == (403, True)
    weak = client.post("/password", data={"old": PASSWORD, "new": "password"})
    assert (weak.status_code, "新密码太短" in weak.text) == (422, True)
    done = client.post("/password", data={"old": PASSWORD, "new": "battery staple"})
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert client.get("/").headers["location"] == "/login"
    answer = client.post("/login", data={"name": "night.shift", "password": "battery staple"})
    assert answer.headers["location"] == "/"


def test_another_site_cannot_change_a_password(client: httpx.Client) -> None:
    log_in(client)
    change = {"old": PASSWORD, "new": "battery staple"}
    answer = client.post("/password", data=change, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    log_in(client)
