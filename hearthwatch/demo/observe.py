"""A running demo seen from outside: its databases, read-only, and its ports."""

import socket
import sqlite3
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class DemoCounts:
    """The contents of a demo's stores at one moment."""

    devices: frozenset[str] = frozenset()
    readings: int = 0
    active_alerts: int = 0
    alerts_by_rule: dict[str, int] = field(default_factory=dict)
    tickets: int = 0


def observe(data: Path) -> DemoCounts:
    """Return the counts in the databases under `data`; a missing database counts as empty."""
    devices = frozenset(
        str(row[0]) for row in _rows(data / "readings.db", "SELECT device FROM device")
    )
    # Behind the LIMIT, SQLite counts the readings of finished hours without unpacking them.
    readings = _rows(data / "readings.db", "SELECT count(*) FROM (SELECT 1 FROM reading LIMIT -1)")
    rules = _rows(
        data / "tickets.db", "SELECT rule, count(*), sum(state = 'active') FROM alert GROUP BY rule"
    )
    tickets = _rows(data / "tickets.db", "SELECT count(*) FROM ticket")
    return DemoCounts(
        devices=devices,
        readings=int(readings[0][0]) if readings else 0,
        active_alerts=sum(int(row[2]) for row in rules),
        alerts_by_rule={str(row[0]): int(row[1]) for row in rules},
        tickets=int(tickets[0][0]) if tickets else 0,
    )


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    if not path.exists():
        return []
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)
    except sqlite3.OperationalError:
        return []
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []  # the table does not exist yet, or a writer holds the file
    finally:
        connection.close()


def answers(port: int) -> bool:
    """Whether something accepts TCP connections on loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def console_ready(port: int) -> bool:
    """Whether the alert service reports that nothing is missing."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
