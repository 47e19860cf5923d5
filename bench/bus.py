"""How well the gateway uses a line, and whether it mistakes one register for another.

`python -m bench.bus [--quick]`. 32 units with the registers of `midea-51.toml` stand on one
pseudo-terminal at 9600 baud; their answers take exactly the time of a real line. The best plan is
one request after the other, each with its wire time, the unit's 5 ms and 3.5 characters of silence.
modpoll is installed for the comparison, apart from everything else: it needs an older pymodbus.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from time import monotonic
from typing import Any, Final

from bench.line_slave import TIMEOUT_S, TURNAROUND_S, held
from bench.table import Row, print_table
from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import NoAnswer, PolledUnit
from gateway_agent.profile.loading import load_profile
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.journal_writer import JournalWriter
from tests.servers import wait_until
from wire.wall_clock import wall_clock_ms

UNITS: Final = 32
DEAD: Final = 5
BLOCKS: Final = ((100, 51), (188, 2))
# Shorter than any cycle, so that every visit is a reading.
INTERVAL_S: Final = 4.0
PROFILE: Final = load_profile(str(Path(__file__).with_name("midea-51.toml")), [])
CHARACTER_S: Final = 10 / 9600
MODPOLL: Final = "modpoll==1.6.0"


def best_cycle_s() -> float:
    """Return the seconds in which 32 units can be asked for both blocks at best."""
    characters = sum(8 + 5 + 2 * count for _, count in BLOCKS)
    return UNITS * (characters * CHARACTER_S + len(BLOCKS) * (TURNAROUND_S + 3.5 * CHARACTER_S))


class Served:
    """A line that is served in `folder`; `requests` are known at its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[float, int, int, int, float]] = []

    @property
    def path(self) -> Path:
        """The serial device."""
        return (self.folder / "line").resolve()

    def periods_s(self, skip: int = 1) -> list[float]:
        """Return the seconds between requests for the first unit's first block, after `skip`."""
        begun = [
            at for at, unit, address, _, _ in self.requests if (unit, address) == (1, BLOCKS[0][0])
        ]
        return [after - before for before, after in pairwise(begun)][skip:]

    def short_silences(self) -> int:
        """Return how many requests came before 3.5 characters of silence."""
        return sum(silence < 3.5 for *_, silence in self.requests[1:])


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Serve slaves with these options of `bench.line_slave`."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-bench-") as folder:
        line = Served(Path(folder))
        command = [
            sys.executable,
            "-m",
            "bench.line_slave",
            folder,
            "--units",
            str(UNITS),
            *options,
        ]
        slave = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            wait_until(lambda: (line.folder / "line").exists())
            yield line
        finally:
            slave.communicate()
        line.requests = [
            tuple(each) for each in json.loads((line.folder / "requests.json").read_text())
        ]


def sweep(line: Served, sweeps: int) -> None:
    """Poll the line `sweeps` times without a pause, every unit whole, and journal the readings."""
    address = parse_line(f"serial://{line.path}?baud=9600")
    units = [
        PolledUnit(f"unit-{number}", number, PROFILE, address) for number in range(1, UNITS + 1)
    ]
    journal = Journal(line.folder / "journal.db", INTERVAL_S, max_mb=16)
    writer = JournalWriter(journal, wall_clock_ms, lambda: True)
    gateway = PolledLine(
        Bus(address), units, Cadence(INTERVAL_S, INTERVAL_S), writer.keep, wall_clock_ms
    )
    stop = threading.Event()
    for _ in range(sweeps):
        gateway.sweep(stop)
    journal.close()


def cycle_rows(sweeps: int) -> tuple[list[Row], float]:
    """Return the best plan's share of the cycle, and the cycle in seconds."""
    with served() as line:
        sweep(line, sweeps + 2)
    cycle_s = median(line.periods_s())
    note = f"{UNITS} units, {len(line.periods_s())} cycles, median {cycle_s:.3f} s,"
    note += f" best {best_cycle_s():.3f} s"
    return [
        Row("bus, best plan ÷ cycle", best_cycle_s() / cycle_s, "", "≥ 0.99", note),
        Row("bus, requests before 3.5 characters of silence", line.short_silences(), "", "0", note),
    ], cycle_s


def dead_row(sweeps: int, cycle_s: float) -> Row:
    """Measure the live units' period with 5 of 32 units dead, once these are known to be dead."""
    with served("--dead", str(DEAD)) as line:
        sweep(line, sweeps + 4)
    periods = line.periods_s(skip=3)
    worst = max(periods) / cycle_s
    note = f"mean of {len(periods)} ÷ the cycle of {UNITS} live; worst × {worst:.2f}; time-out 1 s"
    return Row(
        f"bus, live units' period with {DEAD} of {UNITS} dead",
        mean(periods) / cycle_s,
        "×",
        "≤ 1.05",
        note,
    )


def wrong_row(spoil: str, description: str, cycles: int) -> Row:
    """Count values under a wrong register while `spoil` happens on the line."""
    read = wrong = 0
    with served("--spoil", spoil, "--baud", "38400") as line:
        address = parse_line(f"serial://{line.path}?baud=38400")
        bus = Bus(address)
        units = [
            PolledUnit(f"unit-{number}", number, PROFILE, address) for number in range(1, UNITS + 1)
        ]
        for unit in units * cycles:
            try:
                registers = unit.read(bus)
            except NoAnswer:
                continue
            read += len(registers)
            wrong += sum(raw != held(unit.address, at) for (_, at), raw in registers.items())
        bus.close()
    return Row(
        f"bus, values under a wrong register, {description}",
        wrong,
        "",
        "0",
        f"of {read:,}; 38,400 baud",
    )


def modpoll_rows(cycles: int, ours_s: float) -> list[Row]:
    """Poll the same bus with modpoll; if it cannot be installed, the only row reports that."""
    with tempfile.TemporaryDirectory(prefix="hearthwatch-modpoll-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, MODPOLL]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            return [Row("bus, modpoll", float("nan"), "", "", f"{MODPOLL} could not be installed")]
        config = Path(folder) / "bus.csv"
        config.write_text("".join(map(_modpoll_device, range(1, UNITS + 1))))
        with served() as line:
            _run_modpoll(folder, line, config, (cycles + 2) * 1.3 * ours_s)
    periods = line.periods_s()
    if not periods:
        return [Row("bus, modpoll", float("nan"), "", "", "polled nothing twice")]
    note = (
        f"{MODPOLL}, same blocks, {len(periods)} cycles, {line.short_silences()} silences too short"
    )
    return [Row("bus, modpoll, best plan ÷ cycle", best_cycle_s() / median(periods), "", "", note)]


def _modpoll_device(unit: int) -> str:
    polls = ""
    for first, count in BLOCKS:
        polls += f"poll,holding_register,{first},{count},BE_BE\n"
        polls += "".join(f"ref,r{at},{at},uint16,r\n" for at in range(first, first + count))
    return f"device,unit{unit},{unit}\n{polls}"


def _run_modpoll(folder: str, line: Served, config: Path, watch_s: float) -> None:
    settings = [
        "--rtu",
        str(line.path),
        "--rtu-baud",
        "9600",
        "--timeout",
        str(TIMEOUT_S),
        "--rate",
        "0",
    ]
    command = [
        sys.executable,
        "-m",
        "modpoll",
        "--daemon",
        "--interval",
        "0",
        *settings,
        "--config",
        str(config),
    ]
    environment: dict[str, Any] = {"PYTHONPATH": folder, "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = monotonic() + watch_s
    wait_until(lambda: monotonic() > until, watch_s + 5)
    process.terminate()
    process.wait(10)


def rows(quick: bool = False) -> list[Row]:
    """All figures of the line."""
    sweeps, cycles = (3, 2) if quick else (10, 8)
    figures, cycle_s = cycle_rows(sweeps)
    figures += modpoll_rows(sweeps, cycle_s)
    figures.append(dead_row(2 * sweeps, cycle_s))
    spoilt = (
        ("late", "5 % late replies"),
        ("illegal", "one illegal register"),
        ("crc", "5 % CRC errors"),
    )
    return figures + [wrong_row(spoil, description, cycles) for spoil, description in spoilt]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cycles")
    print_table(rows(parser.parse_args().quick))


if __name__ == "__main__":
    main()
