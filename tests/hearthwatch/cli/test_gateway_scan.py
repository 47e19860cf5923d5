"""`gateway scan` as a user meets it."""

import json
import subprocess
import sys

from tests.gateway_agent.slaves import PtySlave, Units
from tests.gateway_agent.test_service import midea_registers


def scan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hearthwatch", "gateway", "scan", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_it_names_the_map_that_fits() -> None:
    slave = PtySlave(Units({2: midea_registers()}))
    try:
        ran = scan(f"serial://{slave.path}", "--addresses", "1-3", "--timeout", "0.05", "--json")
        said = scan(f"serial://{slave.path}?baud=19200", "--addresses", "2", "--timeout", "0.05")
    finally:
        slave.close()
    (unit,) = json.loads(ran.stdout)["units"]
    assert (unit["address"], unit["baud"], unit["profile"]) == (2, 9600, "midea-mthermal")
    assert "address 2: midea-mthermal" in said.stdout
    assert (ran.returncode, said.returncode) == (0, 0)


def test_wrong_usage_is_2_and_a_bus_that_is_not_there_3() -> None:
    assert scan("serial:///dev/ttyS1", "--addresses", "3-900").returncode == 2
    assert scan("serial:///dev/ttyS1", "--speeds", "fast").returncode == 2
    assert scan("ttyS1").returncode == 2
    missing = scan("serial:///dev/no-such-port", "--addresses", "1")
    assert missing.returncode == 3
    assert "/dev/no-such-port" in missing.stderr
