"""3,000 fault codes from one box: what reaches the tables, and the alert of the next village."""

from pathlib import Path

import structlog
from sqlalchemy import func, select

from alerts.core.event_budget import BURST, PER_MINUTE
from desk.database.engine import reading
from desk.database.tables import AlertRow, FeedEventRow, TicketRow
from tests.alerts.rig import DEVICES, PLACE, Gateway, Running, Tables, settings
from tests.alerts.test_storms import Village
from tests.servers import Server, wait_until
from wire.messages import Reading, Telemetry

BOUND = BURST + 10 * PER_MINUTE


def test_a_box_with_another_code_every_time_fills_no_table(tmp_path: Path) -> None:
    village = Village(tmp_path)
    village.run(65)
    crowded, other = village.places[:2]
    device, unit = village.devices(crowded)[0], village.devices(other)[0]
    for step in range(50):
        village.run(12)
        at = village.now
        codes = [f"other:{step}-{number}" for number in range(60)]
        flood = Reading(device, at, "heating", codes, {"supply_c": 41.0})
        real = Reading(unit, at, "heating", ["high_pressure:P1"], {"supply_c": 41.0})
        for place, each in ((crowded, flood), (other, real)):
            village.seq += 1
            village.deliver(place, Telemetry(1, "e", village.seq, at, 30, [each]))
        village.commit()
    with reading(village.database) as session:
        rows = {
            table: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (AlertRow, TicketRow, FeedEventRow)
        }
        alerts = list(session.scalars(select(AlertRow)))
        assert [a.subject for a in alerts if a.rule == "too_many_events"] == [crowded.gateway]
        assert any(a.subject == unit for a in alerts)
        assert sum(a.subject == device for a in alerts) <= BOUND
    # An alert is a line of the feed when it is raised, when it gets its ticket and when it clears.
    assert rows[AlertRow] <= BOUND + 32
    assert rows[TicketRow] <= BOUND + 32
    assert rows[FeedEventRow] <= 6 * (BOUND + 32)


def test_the_alert_about_a_crowded_box_is_seen_and_logged_once(
    tmp_path: Path, broker: Server
) -> None:
    given = settings(tmp_path, broker.url)  # type: ignore[attr-defined]
    tables, gateway = Tables(given["tickets"].url), Gateway(broker.url)  # type: ignore[attr-defined]
    with structlog.testing.capture_logs() as logged:
        running = Running(**given).ready()
        try:
            gateway.birth(*DEVICES)
            for first in range(0, 240, 60):
                gateway.read(DEVICES[0], *(f"other:{first + number}" for number in range(60)))
            wait_until(lambda: tables.alerts(rule="too_many_events"), 20)
        finally:
            running.stop()
            gateway.close()
    (about_the_box,) = tables.alerts(rule="too_many_events")
    assert (about_the_box.subject, about_the_box.village) == (PLACE.gateway, PLACE.village)
    assert len([entry for entry in logged if entry["event"] == "too_many_events"]) == 1
    assert len(tables.alerts(subject=DEVICES[0])) <= BURST + PER_MINUTE
