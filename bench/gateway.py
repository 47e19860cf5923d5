"""What the village box costs: memory and processor time of the gateway process at 32 units.

`python -m bench.gateway [--quick]`.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench.system import BenchLine, system
from bench.table import Row, print_table
from tests.servers import wait_until

UNITS = 32
LINES = [BenchLine(UNITS // 2, serial=True, name="a"), BenchLine(UNITS // 2, serial=True, name="b")]


def rows(quick: bool = False) -> list[Row]:
    """Resident memory and processor share of a gateway that polls 32 units every 30 s over two 9600-baud lines."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder, system(Path(folder)) as one:
        one.simulate(LINES)
        started = time.monotonic()
        pid = one.run_gateway(LINES, "30s")
        wait_until(lambda: _devices_read(one.truth()) == UNITS, 90)
        first_cycle_s = time.monotonic() - started
        before, since = _cpu_s(pid), time.monotonic()
        watch_s = 30 if quick else 90
        wait_until(lambda: time.monotonic() - since > watch_s, watch_s + 5)
        share = 100 * (_cpu_s(pid) - before) / (time.monotonic() - since)
        note = f"{UNITS} units, two lines at 9600 baud, every 30 s, watched for {watch_s} s"
        return [
            Row("gateway memory", _rss_mb(pid), "MB RSS", "≤ 45", note),
            Row("gateway processor", share, "% of a core", "≤ 3", note),
            Row("gateway start to last unit's first read", first_cycle_s, "s", "", "process start included"),
        ]


def _devices_read(truth: list[dict[str, object]]) -> int:
    return len({line["device"] for line in truth if line["type"] == "read"})


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="watch for a shorter time")
    print_table(rows(parser.parse_args().quick))


if __name__ == "__main__":
    main()
