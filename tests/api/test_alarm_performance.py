"""Alarm performance over real HTTP and from the command line: counted within the caller's scope."""

import json
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from desk.accounts.tokens import create_token
from hearthwatch.cli.application import app
from tests.api.serving import ELSEWHERE, MINUTE, Desk

PATH = "/api/v1/alarm-performance"
DAY = 86_400_000


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    desk.add_device("mtg-mt-0001", household="h-0001")
    desk.add_device("mtg-sq-0001", ELSEWHERE, brand="gree")
    for code in ("fan:E1", "fan:E2"):
        desk.raise_alert("mtg-mt-0001", code=code)
    desk.raise_alert("mtg-sq-0001", priority="low", place=ELSEWHERE)
    desk.clear_alert("mtg-sq-0001", place=ELSEWHERE)
    return httpx.Client(base_url=desk.url, trust_env=False)


def bearer(desk: Desk, role: str, scope: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(desk.database, role, scope)}"}


@pytest.mark.parametrize(
    ("role", "scope", "asked", "alerts"),
    [
        ("district", None, {}, 3),
        ("district", "mentougou", {"village": "matao"}, 2),
        ("town", "qingshui", {}, 1),
        ("village", "matao", {"village": "matao"}, 2),
        ("manufacturer", "gree", {"town": "qingshui"}, 1),
        ("household", "h-0001", {}, 2),
    ],
)
def test_everybody_gets_the_figures_of_their_own(
    desk: Desk,
    client: httpx.Client,
    role: str,
    scope: str | None,
    asked: dict[str, str],
    alerts: int,
) -> None:
    answer = client.get(PATH, params=asked, headers=bearer(desk, role, scope)).json()
    assert answer["alerts"] == alerts
    assert answer["to"] - answer["from"] == 7 * DAY
    assert answer["per_operator_hour"] == round(alerts / 168, 3)


def test_what_is_over_and_what_stands(desk: Desk, client: httpx.Client) -> None:
    desk.raise_alert("mtg-mt-0001", "low_room_temperature", "high", age=3 * DAY)
    now = desk.clock()
    answer = client.get(
        PATH,
        params={"from": now - MINUTE * 5, "to": now + 1},
        headers=bearer(desk, "district", None),
    )
    figures = answer.json()
    assert (
        figures["alerts"],
        figures["stale"]["alerts"],
        figures["stale"]["items"][0]["rule"],
    ) == (
        3,
        1,
        "low_room_temperature",
    )
    assert figures["priorities"]["urgent"]["alerts"] == 2


@pytest.mark.parametrize(
    "asked", [{"village": "shangqing"}, {"town": "qingshui"}, {"village": "nowhere"}]
)
def test_other_places_do_not_exist(desk: Desk, client: httpx.Client, asked: dict[str, str]) -> None:
    answer = client.get(PATH, params=asked, headers=bearer(desk, "village", "matao"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "asked", [{"from": 5, "to": 5}, {"from": 0, "to": 367 * DAY}, {"from": -1}, {"to": "now"}]
)
def test_periods_that_make_no_sense_are_refused(
    desk: Desk, client: httpx.Client, asked: dict[str, str]
) -> None:
    answer = client.get(PATH, params=asked, headers=bearer(desk, "district", None))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_it_is_for_those_who_log_in_and_documented(client: httpx.Client) -> None:
    assert client.get(PATH).status_code == 401
    described = client.get("/api/v1/openapi.json").json()["paths"][PATH]["get"]
    assert {one["name"] for one in described["parameters"]} == {"from", "to", "town", "village"}


def test_the_command_line_tells_the_same(desk: Desk, client: httpx.Client, tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[alerts]\noperators = 2\n", encoding="utf-8")
    options = ["alerts", "performance", "--config", str(config), "--from", "2020-01-01"]
    told = CliRunner().invoke(app, [*options, "--json"], catch_exceptions=False)
    figures = json.loads(told.stdout)
    assert (figures["alerts"], figures["operators"]) == (3, 2)
    shown = CliRunner().invoke(app, [*options, "--village", "matao"], catch_exceptions=False)
    assert "2 alerts, 2 on duty" in shown.stdout
    assert "mtg-mt-0001" in shown.stdout
    assert "mtg-sq-0001" not in shown.stdout


@pytest.mark.parametrize(
    ("tickets", "more", "said"),
    [
        ("nonsense", [], "tickets.url: no database that is known here"),
        (
            "sqlite:///tickets.db",
            ["--village", "nowhere"],
            "no gateway or device is known in that place",
        ),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", [], "the ticket database does not answer"),
    ],
)
def test_the_command_says_what_to_change(
    tmp_path: Path, tickets: str, more: list[str], said: str
) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'[tickets]\nurl = "{tickets}"\n', encoding="utf-8")
    command = ["alerts", "performance", "--config", str(config), "--from", "2025-11-01", *more]
    assert said in str(CliRunner().invoke(app, command).exception)
