"""Shared by the tests of the simulator: scenarios, a running service, and mbpoll as a master."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulators.live.service import SimulatorService
from simulators.live.settings import SimulationSettings
from simulators.scenario.scenario import Scenario, load_scenario

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"
_HEAD = 'name = "test"\n[weather]\nkind = "steady"\noutdoor_c = -7.0\n'


def scenario_file(folder: Path, text: str) -> Path:
    """A scenario file of steady cold and the tables in `text`."""
    path = folder / "scenario.toml"
    path.write_text(_HEAD + text)
    return path


def a_scenario(folder: Path, text: str) -> Scenario:
    """The scenario of `scenario_file`."""
    return load_scenario(scenario_file(folder, text))


@contextmanager
def running(settings: SimulationSettings) -> Iterator[SimulatorService]:
    """A simulation whose lines answer; ended on leaving."""
    service = SimulatorService(settings)
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=service.run, args=(stop, ready.set))
    thread.start()
    try:
        assert ready.wait(10)
        yield service
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def mbpoll(*arguments: str) -> tuple[dict[int, int], str]:
    """The unsigned registers that mbpoll reads, and its output."""
    done = subprocess.run(
        ["mbpoll", "-0", "-1", *arguments], capture_output=True, text=True, check=False
    )
    registers = re.findall(r"^\[(\d+)\]:\s+(\d+)", done.stdout, re.MULTILINE)
    return {int(address): int(word) for address, word in registers}, done.stdout + done.stderr


def read_line(
    path: Path, unit: int, address: int, count: int, timeout: str = "2.0"
) -> tuple[dict[int, int], str]:
    """`mbpoll` on a serial line."""
    where = ("-m", "rtu", "-b", "9600", "-P", "none", "-o", timeout)
    return mbpoll(*where, "-a", str(unit), "-r", str(address), "-c", str(count), str(path))


def read_tcp(
    port: int, unit: int, address: int, count: int, timeout: str = "2.0"
) -> tuple[dict[int, int], str]:
    """`mbpoll` over Modbus TCP."""
    where = ("-m", "tcp", "-p", str(port), "-o", timeout)
    return mbpoll(*where, "-a", str(unit), "-r", str(address), "-c", str(count), "127.0.0.1")
