"""Databases of earlier versions keep their open cases."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from desk.database import migrate
from desk.database.engine import open_database

SCRIPTS = Path(migrate.__file__).parent / "migrations"
PLACE = {"district": "mentougou", "town": "zhaitang", "village": "matao"}
DISTRICT, VILLAGE = "mentougou", "mentougou/zhaitang/matao"
OPEN = {"kind": "device_fault", "state": "open", "source": "telemetry"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tickets.db"


def at_version(url: str, version: str, tickets: list[dict[str, Any]]) -> None:
    """Make a database of an earlier version with these tickets."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        table = sa.Table("ticket", sa.MetaData(), autoload_with=connection)
        usual = {"priority": "high", "parts": "[]", "summary": "{}", "version": 1}
        times = dict.fromkeys(("opened_at", "dispatch_by", "onsite_by", "repair_by"), 1)
        for ticket in tickets:
            connection.execute(table.insert(), {**usual, **times, **PLACE, **OPEN, **ticket})
    engine.dispose()


def test_open_cases_get_the_key_of_their_village(url: str) -> None:
    tickets = [
        {
            "id": "T-1",
            "household": "h-1",
            "device": "d-1",
            "case_key": "mentougou/h-1/device_fault",
        },
        {"id": "T-2", "device": "d-2", "case_key": f"{DISTRICT}/d-2/device_fault"},
        {"id": "T-3", "gateway": "gw-1", "case_key": f"{VILLAGE}/gw-1/device_fault"},
        {
            "id": "T-4",
            "source": "hotline_12345",
            "case_key": f"{VILLAGE}/device_fault",
        },
        {"id": "T-5", "device": "d-5", "state": "closed", "case_key": None},
    ]
    at_version(url, "0003", tickets)
    with open_database(url).connect() as connection:
        rows = connection.execute(sa.text("SELECT id, case_key FROM ticket"))
        keys = [tuple(row) for row in rows]
    assert dict(keys) == {
        "T-1": f"{VILLAGE}/household/h-1/device_fault",
        "T-2": f"{VILLAGE}/device/d-2/device_fault",
        "T-3": f"{VILLAGE}/gw-1/device_fault",
        "T-4": None,
        "T-5": None,
    }
