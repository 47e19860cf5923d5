"""An outage of the store for ten minutes in a whole district: memory, and time to catch up.

`python -m bench.outage [--quick]`. `hearthwatch simulate fleet` plays 57,000 units behind 1,900
gateways, with journals and re-sending. The store is InfluxDB 1.6 behind nginx, which is stopped.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from bench.process import rss_mib
from bench.table import Row, print_table
from hearthwatch.run.supervisor import Supervisor, hearthwatch_command
from tests.servers import InfluxGate, InfluxServer, MosquittoBroker, Server, wait_until

UNITS: Final = 57_000
GATEWAYS: Final = 1_900
INTERVAL_S: Final = 30
# Readings of the last few seconds are always on their way, so this counts as caught up.
_BEHIND_S: Final = 10
_AT_MOST_S: Final = 1_800


def rows(quick: bool = False) -> Iterator[Row]:
    """Memory of ingest and of the broker during the outage, and the time to catch up after it."""
    lasts_s = 120 if quick else 600
    with ExitStack() as opened:
        folder = Path(
            opened.enter_context(tempfile.TemporaryDirectory(prefix="hearthwatch-bench-"))
        )
        database = InfluxServer(folder / "influxd")
        gate = InfluxGate(folder / "nginx", database)
        broker = MosquittoBroker(folder / "broker", persistent=False)
        for server in (database, gate, broker):
            server.start()
            opened.callback(server.stop)
        supervisor = Supervisor(folder / "logs")
        opened.callback(supervisor.stop_all)
        yield from _measure(_District(folder, supervisor, gate, broker), lasts_s, quick)


class _District:
    """The servers, ingest and the fleet."""

    def __init__(
        self, folder: Path, supervisor: Supervisor, gate: InfluxGate, broker: MosquittoBroker
    ) -> None:
        self.gate, self.broker = gate, broker
        self._state = folder / "ingest.db"
        config = folder / "server.toml"
        config.write_text(f'[mqtt]\nurl = "{broker.url}"\n[store]\nurl = "{gate.url}"\n')
        ingest = supervisor.start(
            "ingest", hearthwatch_command("ingest", "run", "--config", str(config))
        )
        assert ingest.process is not None
        self.ingest_pid = ingest.process.pid
        shape = ["--units", str(UNITS), "--gateways", str(GATEWAYS), "--interval", f"{INTERVAL_S}s"]
        supervisor.start(
            "fleet", hearthwatch_command("simulate", "fleet", "--url", broker.url, *shape)
        )

    def stored(self) -> int:
        """Readings in the store, by ingest's own count."""
        try:
            with closing(sqlite3.connect(f"{self._state.as_uri()}?mode=ro", uri=True)) as database:
                (count,) = database.execute(
                    "SELECT sum(count) FROM tally WHERE name = 'readings'"
                ).fetchone()
        except sqlite3.OperationalError:  # not there yet
            return 0
        return count or 0


def _measure(district: _District, lasts_s: int, quick: bool) -> Iterator[Row]:
    wait_until(
        lambda: district.stored() > UNITS, 180, "the fleet is connected and its readings are stored"
    )
    pace = _pace(district)
    before, began = district.stored(), time.monotonic()
    usual = rss_mib(district.ingest_pid)
    district.gate.stop()
    ingest_mib, broker_mib = _highest(
        lasts_s, lambda: rss_mib(district.ingest_pid), lambda: _server_mib(district.broker)
    )
    assert district.stored() - before < _BEHIND_S * pace, "the store was not away"
    note = f"{UNITS:,} units every {INTERVAL_S} s, store away {lasts_s} s"
    if quick:
        note += " (quick; else 600 s)"
    yield Row("ingest memory before an outage", usual, "MiB RSS", "", note)
    yield Row("ingest memory in an outage", ingest_mib, "MiB RSS", "≤ 250", f"{note}; highest")
    yield Row(
        "broker memory in an outage",
        broker_mib,
        "MiB RSS",
        "",
        "Mosquitto, queueing for ingest; highest",
    )
    district.gate.start()
    back = time.monotonic()

    def caught_up() -> bool:
        return district.stored() - before > (time.monotonic() - began - _BEHIND_S) * pace

    catching_mib, _ = _highest(
        _AT_MOST_S, lambda: rss_mib(district.ingest_pid), lambda: 0.0, until=caught_up
    )
    took_s, stored = time.monotonic() - back, district.stored() - before
    missed = pace * (back - began)
    yield Row("ingest memory while catching up", catching_mib, "MiB RSS", "≤ 250", "highest")
    caught = f"until less than {_BEHIND_S} s behind: {missed:,.0f} readings, and the new ones;"
    caught += f" at most {_AT_MOST_S} s"
    yield Row("catching up after the outage", took_s, "s", "", caught)
    others = f"beside the fleet, the broker and the database; load average {os.getloadavg()[0]:.1f}"
    yield Row(
        "stored while catching up",
        stored / took_s,
        "readings/s",
        "",
        f"{others}; the fleet sends {pace:,.0f}",
    )


def _pace(district: _District) -> float:
    """Return the readings a second that the fleet really sends, over two whole intervals."""
    before, began = district.stored(), time.monotonic()
    time.sleep(2 * INTERVAL_S)
    return (district.stored() - before) / (time.monotonic() - began)


def _highest(
    at_most_s: float,
    first: Callable[[], float],
    second: Callable[[], float],
    until: Callable[[], bool] = lambda: False,
) -> tuple[float, float]:
    """Return the highest values of both, read each second for so long or until `until` holds."""
    end = time.monotonic() + at_most_s
    highest = (0.0, 0.0)
    while time.monotonic() < end and not until():
        highest = max(highest[0], first()), max(highest[1], second())
        time.sleep(1)
    return highest


def _server_mib(server: Server) -> float:
    return rss_mib(server.process.pid) if server.process is not None else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an outage of two minutes")
    print_table(list(rows(parser.parse_args().quick)))


if __name__ == "__main__":
    main()
