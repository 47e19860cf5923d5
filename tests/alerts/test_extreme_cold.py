"""Extreme cold from the forecast to the limits: read, proposed, confirmed, in force (requirements
R20)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from alembic import command
from alembic.config import Config
from pydantic import ValidationError

from alerts.forecast import ForecastReader, ForecastUnavailableError, read_forecast
from alerts.settings import ForecastSettings
from desk.database.engine import open_database, reading, writing
from desk.database.tables import GatewayRow
from desk.extreme_cold import confirm, confirmed_document, districts_in_extreme_cold, end
from rules.forecast.forecast import parse_forecast
from tests.alerts.rig import DEVICES, PLACE, Feed, Gateway, Running, Tables, settings
from tests.servers import Server, wait_until
from tests.web_server import answering
from wire.wall_clock import wall_clock_ms

HOUR = 3_600_000
MIGRATIONS = Path(__file__).parents[2] / "desk" / "database" / "migrations"


def forecast(now: int, cold_hours: int) -> dict[str, Any]:
    """Mild now; from the fourth day on as cold as it takes, for so many hours."""
    begins = now + 96 * HOUR
    cold = {"from": begins, "to": begins + cold_hours * HOUR, "outdoor_c": -31.5}
    periods = [{"from": now, "to": begins, "outdoor_c": -20}, cold]
    return {"v": 1, "district": "mentougou", "issued_at": now, "periods": periods}


@contextmanager
def served(documents: dict[str, bytes]) -> Iterator[str]:
    """A web server of these documents by path; everything else is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Silence."""

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


def test_a_forecast_comes_from_a_file_or_a_web_server(tmp_path: Path) -> None:
    document = forecast(0, 60)
    file = tmp_path / "forecast.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_forecast(str(file)) == parse_forecast(document)
    with served({"/mentougou.json": json.dumps(document).encode()}) as url:
        assert read_forecast(f"{url}/mentougou.json") == parse_forecast(document)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff\xfe", b'{"v": 1}', b" " * 1_048_577, None]
)
def test_what_is_no_forecast_is_refused_and_the_newest_stays(
    tmp_path: Path, text: bytes | None
) -> None:
    file = tmp_path / "forecast.json"
    file.write_text(json.dumps(forecast(0, 60)), encoding="utf-8")
    reader = ForecastReader(ForecastSettings(source=str(file)))
    reader.read()
    before = reader.newest
    file.unlink()
    if text is not None:
        file.write_bytes(text)
    with pytest.raises(ForecastUnavailableError, match=r"forecast\.json"):
        read_forecast(str(file))
    reader.read()
    assert reader.newest == before != None  # noqa: E711 - both at once


def test_a_web_server_without_it_is_unavailable() -> None:
    with served({}) as url, pytest.raises(ForecastUnavailableError, match="404"):
        read_forecast(f"{url}/nothing.json")


class _Elsewhere(BaseHTTPRequestHandler):
    """Sends every caller on, and notes who follows."""

    followed: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.followed.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/elsewhere.json")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_a_redirected_forecast_is_not_followed() -> None:
    with answering(HTTPServer(("127.0.0.1", 0), _Elsewhere)) as server:
        url = f"http://127.0.0.1:{server.server_port}/forecast.json"
        with pytest.raises(ForecastUnavailableError, match="302"):
            read_forecast(url)
    assert _Elsewhere.followed == ["/forecast.json"]


def test_only_files_and_web_servers_are_asked(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="http"):
        ForecastSettings.model_validate(
            {"source": "ftp://example.org/f.json"}, context={"base": tmp_path}
        )
    relative = ForecastSettings.model_validate(
        {"source": "forecast.json"}, context={"base": tmp_path}
    )
    assert relative.source == str(tmp_path / "forecast.json")


def test_the_mode_holds_from_until_and_can_be_ended(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'tickets.db'}")
    with writing(database) as session:
        confirm(session, "d", 100, 200, "duty desk", 50)
        confirm(session, "neighbour", 120, 130, "duty desk", 50)
    with reading(database) as session:
        moments = (50, 99, 100, 199, 200)
        assert ["d" in districts_in_extreme_cold(session, now) for now in moments] == [
            False,
            False,
            True,
            True,
            False,
        ]
        assert confirmed_document(session, "d", 60) == {
            "district": "d",
            "from": 100,
            "until": 200,
            "by": "duty desk",
            "confirmed_at": 50,
        }
        assert confirmed_document(session, "d", 200) is None
    with writing(database) as session:
        end(session, "d", 150)
        end(session, "d", 180)
    with reading(database) as session:
        assert "d" not in districts_in_extreme_cold(session, 150)
        assert districts_in_extreme_cold(session, 125) == {"d", "neighbour"}
    database.dispose()


def test_a_cold_forecast_is_proposed_and_withdrawn_on_the_feed(
    tmp_path: Path, broker: Server
) -> None:
    file = tmp_path / "forecast.json"
    file.write_text(json.dumps(forecast(wall_clock_ms(), 60)), encoding="utf-8")
    given = settings(tmp_path, broker.url) | {
        "forecast": ForecastSettings(source=str(file), every="1s")
    }
    feed, running, tables = Feed(broker.url), Running(**given).ready(), Tables(given["tickets"].url)
    try:
        wait_until(lambda: feed.states("mentougou") == ["active"])
        [alert] = tables.alerts()
        assert (alert.rule, alert.subject_kind, alert.subject, alert.value) == (
            "extreme_cold", "district", "mentougou", -31.5,
        )  # fmt: skip
        assert tables.tickets() == []
        running.stop()
        running = Running(**given).ready()  # holds the proposal, and does not make it again
        file.write_text(json.dumps(forecast(wall_clock_ms(), 40)), encoding="utf-8")
        wait_until(lambda: feed.states("mentougou")[-2:] == ["cleared", "removed"])
        assert len(tables.alerts()) == 1
    finally:
        running.stop()
        feed.close()


def test_confirmed_limits_are_in_force(tmp_path: Path, broker: Server) -> None:
    given, now = settings(tmp_path, broker.url), wall_clock_ms()
    tables = Tables(given["tickets"].url)
    with writing(tables.engine) as session:
        confirm(session, PLACE.district, now - HOUR, now + HOUR, "duty desk", now)
    running, gateway = Running(**given).ready(), Gateway(broker.url)
    try:
        gateway.birth(DEVICES[0])
        for minutes in range(35, -5, -5):  # cold for 35 min: enough in extreme cold only
            gateway.read(DEVICES[0], at=now - minutes * HOUR // 60, room_c=17.0)
        wait_until(lambda: [alert.rule for alert in tables.alerts()] == ["low_room_temperature"])
        assert tables.alerts()[0].priority == "urgent"
    finally:
        running.stop()
        gateway.close()


def test_limits_of_one_district_are_not_those_of_another(tmp_path: Path, broker: Server) -> None:
    given, now = settings(tmp_path, broker.url), wall_clock_ms()
    tables = Tables(given["tickets"].url)
    with writing(tables.engine) as session:
        confirm(session, "haidian", now - HOUR, now + HOUR, "duty desk", now)
    running = Running(**given).ready()
    cold = Gateway(broker.url, replace(PLACE, district="haidian"))
    other = Gateway(broker.url)
    try:
        cold.birth(DEVICES[0])
        other.birth(DEVICES[1])
        for minutes in range(35, -5, -5):  # cold for 35 min: enough in extreme cold only
            for gateway, device in ((other, DEVICES[1]), (cold, DEVICES[0])):
                gateway.read(device, at=now - minutes * HOUR // 60, room_c=17.0)
        wait_until(lambda: tables.alerts(subject=DEVICES[0]))
        assert [alert.rule for alert in tables.alerts()] == ["low_room_temperature"]
    finally:
        running.stop()
        cold.close()
        other.close()


def test_a_mode_of_the_server_becomes_that_of_its_districts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tickets.db'}"
    database = open_database(url)
    with writing(database) as session:
        confirm(session, "d", 100, 200, "duty desk", 50)
        for name in ("d", "e"):
            session.add(GatewayRow(id="g", district=name, town="t", village="v", online=True))
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with database.begin() as connection:
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "0006")
    database.dispose()
    database = open_database(url)
    with reading(database) as session:
        assert districts_in_extreme_cold(session, 150) == {"d", "e"}
    database.dispose()
