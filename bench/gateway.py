"""The cost of a village box with 32 units: memory, processor time, disk, and time to publish.

`python -m bench.gateway [--quick]`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench.process import cpu_s, rss_mib
from bench.system import BenchLine, system
from bench.table import Row, print_table
from messaging.session import Delivery, MqttSession
from messaging.settings import MqttSettings
from tests.servers import wait_until
from wire.topics import every_gateway

UNITS = 32
LINES = [BenchLine(UNITS // 2, serial=True, name="a"), BenchLine(UNITS // 2, serial=True, name="b")]


def rows(quick: bool = False) -> list[Row]:
    """Measure a gateway that polls 32 units every 30 s over two lines at 9600 baud."""
    with (
        tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder,
        system(Path(folder)) as bench_system,
    ):
        bench_system.simulate(LINES)
        arrivals = Arrivals(bench_system.broker.url)
        started_at = time.time()
        pid = bench_system.run_gateway(LINES, "30s")
        wait_until(lambda: len(arrivals.first) == UNITS, 90)
        arrivals.close()
        first_cycle_s = max(_first_reads(bench_system.truth()).values()) - started_at
        first_s = min(arrivals.first.values()) - started_at
        last_s = max(arrivals.first.values()) - started_at
        before, since = cpu_s(pid), time.monotonic()
        watch_s = 30 if quick else 90
        wait_until(lambda: time.monotonic() - since > watch_s, watch_s + 5)
        share = 100 * (cpu_s(pid) - before) / (time.monotonic() - since)
        note = f"{UNITS} units, two lines at 9600 baud, every 30 s, watched for {watch_s} s"
        return [
            Row("gateway memory", rss_mib(pid), "MiB RSS", "≤ 45", note),
            Row("gateway processor", share, "% of a core", "≤ 3", note),
            Row(
                "gateway start to last unit's first read",
                first_cycle_s,
                "s",
                "",
                "process start included",
            ),
            Row(
                "gateway start to first reading at the broker",
                first_s,
                "s",
                "",
                "process start included",
            ),
            Row(
                "first cycle read to all of it at the broker",
                last_s - first_cycle_s,
                "s",
                "≤ 3",
                note,
            ),
            Row(
                "edge installed",
                _installed_mb(Path(folder)),
                "MB",
                "≤ 25",
                "pip install --target of the edge extra, .pyc included",
            ),
        ]


class Arrivals:
    """The wall-clock second at which a subscriber got each device's first reading."""

    def __init__(self, url: str) -> None:
        self.first: dict[str, float] = {}
        self._session = MqttSession(
            MqttSettings(url=url),
            "bench",
            subscriptions=[every_gateway("telemetry")],
            persistent=False,
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._session.start()
        self._thread.start()
        wait_until(lambda: self._session.connected, 10)

    def _listen(self) -> None:
        while True:
            event = self._session.events.get()
            if isinstance(event, Delivery):
                for reading in json.loads(event.payload)["readings"]:
                    self.first.setdefault(reading["device"], time.time())
                self._session.acknowledge(event)

    def close(self) -> None:
        """Stop listening."""
        self._session.stop()


def _first_reads(truth: list[dict[str, Any]]) -> dict[str, float]:
    first: dict[str, float] = {}
    for line in truth:
        if line["type"] == "read":
            first.setdefault(line["device"], line["at"] / 1_000)
    return first


def _installed_mb(folder: Path) -> float:
    """Return the size of everything that `[edge]` installs; pip fetches it, as on a village box."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    root = Path(__file__).parent.parent
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(root)], check=True)
    wheel = next(folder.glob("*.whl"))
    target = folder / "installed"
    subprocess.run([*pip, "install", "--target", str(target), f"{wheel}[edge]"], check=True)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) / 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="watch for a shorter time")
    print_table(rows(parser.parse_args().quick))


if __name__ == "__main__":
    main()
