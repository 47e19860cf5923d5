"""Tickets and rule state put back from a backup, each alone and all together: every fault that goes
on has one open case, none that is over stays active, and the retained feed says the same."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hearthwatch.backup.back_up import back_up
from hearthwatch.backup.parts import RULE_STATE, TICKETS
from hearthwatch.backup.restore import restore
from hearthwatch.run.server_settings import load_server_settings
from tests.alerts.rig import DEVICES, Feed, Gateway, Running, Tables
from tests.faults.conftest import FaultRecord
from tests.servers import Server, wait_until
from wire.wall_clock import wall_clock_ms

OVER, GOING_ON = DEVICES
FAULT = "high_pressure:P1"


def tables_of(config: Path) -> dict[str, Any]:
    settings = load_server_settings(config)
    names = ("mqtt", "tickets", "rules", "alerts", "store")
    return {name: getattr(settings, name) for name in names}


@pytest.mark.fault("11.B10")
@pytest.mark.parametrize(
    "only", [[TICKETS], [RULE_STATE], []], ids=["tickets", "rule-state", "all"]
)
def test_older_files_of_alerts_miss_and_double_nothing(
    nats_broker: Server, tmp_path: Path, only: list[str], fault_record: FaultRecord
) -> None:
    url: str = nats_broker.url  # type: ignore[attr-defined]
    config, backup = tmp_path / "server.toml", tmp_path / "backup"
    config.write_text(f'[mqtt]\nurl = "{url}"\n[alerts]\nsnapshot_every = "100ms"\n')
    given, gateway = tables_of(config), Gateway(url)
    tables = Tables(given["tickets"].url)
    service = Running(**given).ready()
    gateway.birth(*DEVICES)
    gateway.read(OVER, FAULT)
    wait_until(lambda: tables.alerts(state="active"))
    saved = (tmp_path / "alerts-state" / "rules.npz").stat().st_mtime_ns
    wait_until(lambda: (tmp_path / "alerts-state" / "rules.npz").stat().st_mtime_ns > saved)
    back_up(backup, config, load_server_settings(config), wall_clock_ms)
    gateway.read(GOING_ON, FAULT)
    gateway.read(OVER)
    gateway.read(OVER)
    wait_until(lambda: tables.cleared(subject=OVER) and tables.alerts(subject=GOING_ON))
    service.stop()
    tables.engine.dispose()
    restore(backup, config, load_server_settings(config), only, datetime.now(UTC))
    again = Running(**given).ready()
    for _ in range(2):
        gateway.read(OVER)
        gateway.read(GOING_ON, FAULT)
    wait_until(lambda: tables.cleared(subject=OVER) and tables.alerts(subject=GOING_ON))
    active = [alert.subject for alert in tables.alerts(state="active")]
    fault_record["trials"] = 2
    fault_record["missed"] = int(GOING_ON not in active)
    fault_record["false"] = active.count(OVER)
    fault_record["doubled"] = len(tables.tickets()) - 2
    assert active == [GOING_ON]
    assert sorted(str(ticket.device) for ticket in tables.tickets()) == sorted(DEVICES)
    watching = Feed(url, "test-after")
    wait_until(lambda: watching.states(GOING_ON)[-1:] == ["active"])
    wait_until(lambda: watching.states(OVER)[-1:] != ["active"])
    for part in (watching, gateway):
        part.close()
    again.stop()
