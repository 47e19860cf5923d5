"""`gateway scan` as a user meets it."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from configuration.load import validate
from gateway_agent.bus.address import parse_line
from gateway_agent.settings import GatewaySettings
from hearthwatch.run.gateway_process import (
    BusScan,
    parse_addresses,
    profiles_to_try,
    scan_bus,
    steps_of,
)
from tests.gateway_agent.slaves import PtySlave, TcpSlave, Units
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


BADGE = """
base = "midea-mthermal"
profile = "badge"
title = "a Midea under another badge"
[[point]]
point = "supply_c"
address = 105
signed = true
scale = "temperature"
"""
PLACE = 'district = "d"\ntown = "t"\nvillage = "v"\ngateway = "g"\n[journal]\npath = "j.db"\n'


def test_what_it_prints_as_toml_is_a_configuration_with_the_operators_own_profile(
    tmp_path: Path,
) -> None:
    (tmp_path / "badge.toml").write_text(BADGE)
    slave = PtySlave(Units({2: midea_registers(), 4: dict.fromkeys(range(2_200), 0)}))
    try:
        ran = scan(
            f"serial://{slave.path}?baud=19200&parity=E", "--addresses", "1-4", "--timeout", "0.05",
            "--profiles", str(tmp_path), "--toml",
        )  # fmt: skip
    finally:
        slave.close()
    settings = validate(tomllib.loads(PLACE + ran.stdout), GatewaySettings, tmp_path / "g.toml")
    (bus,) = settings.bus
    assert (bus.line.baud, bus.line.parity) == (19200, "E")
    assert [(unit.address, unit.profile) for unit in bus.device] == [
        (2, str(tmp_path / "badge.toml"))
    ]
    assert "# address 4 answers" in ran.stdout


def test_a_folder_without_profiles_and_a_profile_with_mistakes_are_2(tmp_path: Path) -> None:
    empty = scan("tcp://127.0.0.1:1", "--profiles", str(tmp_path))
    assert (empty.returncode, str(tmp_path) in empty.stderr) == (2, True)
    (tmp_path / "bad.toml").write_text(BADGE + "colour = 3\n")
    bad = scan("tcp://127.0.0.1:1", "--profiles", str(tmp_path))
    assert (bad.returncode, "colour" in bad.stderr) == (2, True)


def test_every_address_of_a_line_is_tried_in_steps_and_each_step_reports() -> None:
    serial, network = parse_line("serial:///dev/ttyS1"), parse_line("tcp://127.0.0.1:502")
    steps = steps_of(serial.addresses)
    assert [address for step in steps for address in step] == list(range(1, 248))
    assert max(map(len, steps)) == 32
    assert parse_addresses("0-255", network) == range(256)
    assert scan("serial:///dev/ttyS1", "--addresses", "0-3").returncode == 2
    slave = TcpSlave(Units({0: midea_registers(), 255: midea_registers()}))
    steps_found: list[list[int]] = []
    wanted = BusScan(
        profiles_to_try([]), 0.02, 0.0, lambda units: steps_found.append([u.address for u in units])
    )
    line = parse_line(f"tcp://127.0.0.1:{slave.port}")
    try:
        units = scan_bus(line, [9600], [range(2), range(2, 4), range(254, 256)], wanted)
    finally:
        slave.close()
    assert (steps_found, [unit.address for unit in units]) == ([[0], [], [255]], [0, 255])
