"""Units whose registers say something else than their map, on a real line."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.decode import decode
from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from tests.gateway_agent.slaves import PtySlave, TcpSlave, Units
from tests.gateway_agent.test_service import midea_registers
from tests.servers import wait_until
from wire.messages import Reading

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[2] / "config" / "profiles"])
FIXED_C = 35


@pytest.mark.fault("11.A2")
def test_a_coil_at_minus_one_is_a_value_in_every_winter_night(
    fault_record: dict[str, float],
) -> None:
    slave = PtySlave(Units({1: midea_registers()}))
    bus = Bus(line := parse_line(f"serial://{slave.path}?baud=115200"))
    unit = PolledUnit("a", 1, MIDEA, line)
    seen = {}
    try:
        for raw in (0xFFFD, 0xFFFE, 0xFFFF, 0, 1):
            slave.units.registers[1] |= {106: raw, 191: raw}
            seen[raw] = decode(MIDEA, unit.read(bus))
    finally:
        bus.close()
        slave.close()
    fault_record["trials"] = len(seen)
    fault_record["false"] = len([each for each in seen.values() if "coil_c" in each.bad])
    assert [each.values.get("coil_c") for each in seen.values()] == [-3, -2, -1, 0, 1]
    assert not any("coil_c" in each.bad for each in seen.values())


def scan(*arguments: str) -> list[dict[str, Any]]:
    """The units that `gateway scan` names."""
    command = [sys.executable, "-m", "hearthwatch", "gateway", "scan", *arguments, "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    units: list[dict[str, Any]] = json.loads(ran.stdout)["units"]
    return units


class Badge(Units):
    """A Midea under another badge: 110 and 112 rest at 35 °C while the circuit warms up."""

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        table, warmer_by = self.registers[1], len(self.asked) // 3
        table |= {104: 28 + warmer_by, 105: 32 + warmer_by, 108: 52 + warmer_by}
        return super()._tell(unit, request)


@pytest.mark.fault("11.A2")
def test_a_supply_temperature_that_rests_while_its_neighbours_move_is_named(
    fault_record: dict[str, float],
) -> None:
    units = Badge({1: midea_registers() | {110: FIXED_C, 112: FIXED_C}})
    slave = PtySlave(units)
    url = f"serial://{slave.path}?baud=115200"
    try:
        (unit,) = scan(url, "--addresses", "1", "--timeout", "0.1", "--watch", "3s")
    finally:
        slave.close()
    fault_record["trials"] = 1
    fault_record["missed"] = int("supply_c" not in unit["never_moves"])
    assert (unit["profile"], "supply_c" in unit["never_moves"]) == ("midea-mthermal", True)
    assert not {"return_c", "discharge_c"} & set(unit["never_moves"])


class Converter(Units):
    """Answers in the name of every unit that is not there: exception 0x0B."""

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        return super()._tell(unit, request) or bytes((request[0] | 0x80, 0x0B))


@pytest.mark.fault("11.A10")
def test_a_converter_that_answers_for_the_dead_does_not_make_units(
    fault_record: dict[str, float],
) -> None:
    slave = TcpSlave(Converter({3: midea_registers()}))
    try:
        ran = scan(f"tcp://127.0.0.1:{slave.port}", "--addresses", "1-8")
    finally:
        slave.close()
    addresses = [unit["address"] for unit in ran]
    fault_record["trials"] = 8
    fault_record["false"] = len(addresses) - 1
    assert addresses == [3]


WANTED = {3000: 1, 3001: 0x5A5A, 3002: 7}


class Forgetful(Units):
    """Shows 0 in its registers until three of them were written in one frame; may forget them."""

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        table = self.registers[unit]
        holds = all(table[address] == content for address, content in WANTED.items())
        table[1] = 400 if holds else 0
        return super()._tell(unit, request)

    def _take(self, unit: int, request: bytes) -> bytes | None:
        if len(request) < 6 + 2 * len(WANTED):  # one register alone is refused
            return bytes((request[0] | 0x80, 2))
        return super()._take(unit, request)


def enabled_profile(**more: object) -> Profile:
    """A profile whose unit must be enabled by one frame of three registers."""
    enable = {"address": 3000, "function": 16, "values": [*WANTED.values()]} | more
    return Profile.model_validate(
        {
            "profile": "p",
            "title": "t",
            "source": "s",
            "read": {"max_registers": 9, "timeout_ms": 100},
            "point": [{"point": "supply_c", "address": 1, "divisor": 10}],
            "state": [{"state": "heating"}],
            "on_connect": [enable],
        }
    )


@pytest.mark.fault("11.A9")
def test_on_connect_is_one_frame_before_the_first_read_and_comes_again_once_it_was_lost(
    fault_record: dict[str, float],
) -> None:
    units = Forgetful({1: {1: 0} | dict.fromkeys(WANTED, 0)})
    slave = PtySlave(units)
    line = parse_line(f"serial://{slave.path}?baud=115200")
    bus, readings = Bus(line), list[Reading]()
    sweeps = PolledLine(
        bus,
        [PolledUnit("a", 1, enabled_profile(), line)],
        Cadence(0.001, 0.001),
        readings.extend,
        lambda: len(readings),
    )
    try:
        for sweep in range(20):
            if sweep % 5 == 2:
                units.registers[1] |= dict.fromkeys(WANTED, 0)
            sweeps.sweep(threading.Event())
    finally:
        bus.close()
        slave.close()
    wrong = [each for each in readings if each.values != {"supply_c": 40.0}]
    fault_record["trials"] = 4
    fault_record["false"] = len(wrong)
    fault_record["lost"] = 20 - len(readings)
    assert units.written == [(1, 16, 3000, (1, 0x5A5A, 7))] * 5
    assert (wrong, len(readings)) == ([], 20)


METER = {
    "profile": "m",
    "title": "t",
    "source": "s",
    "meter": True,
    "read": {"max_registers": 20, "timeout_ms": 60},
    "point": [
        {"point": "power_w", "address": 10, "width": 32, "encoding": "float32", "factor": 1000.0},
        {"point": "energy_kwh", "address": 20, "further": [{"address": 21, "factor": 1000.0}]},
    ],
}
SHOWN = {10: 0x3FC0, 11: 0, 20: 417, 21: 12}
MEASURED = {"power_w": 1500.0, "energy_kwh": 12_417.0}


@pytest.mark.fault("11.A9")
def test_a_unit_has_the_power_of_its_meter_and_keeps_its_own_points_while_that_is_silent(
    fault_record: dict[str, float],
) -> None:
    units = Units({1: {1: 400} | dict.fromkeys(WANTED, 0), 40: dict(SHOWN)})
    slave = TcpSlave(units)
    line = parse_line(f"tcp://127.0.0.1:{slave.port}")
    bus, readings = Bus(line), list[Reading]()
    meter = PolledUnit("a", 40, Profile.model_validate(METER), line)
    unit = PolledUnit("a", 1, enabled_profile(), line, meter)
    sweeps = PolledLine(bus, [unit], Cadence(0.001, 0.001), readings.extend, lambda: len(readings))
    try:
        sweeps.sweep(threading.Event())
        units.dead = {40}
        for _ in range(10):
            sweeps.sweep(threading.Event())
        silent = readings[1:]
        units.dead = set()
        wait_until(lambda: sweeps.sweep(threading.Event()) or not readings[-1].bad)
    finally:
        bus.close()
        slave.close()
    fault_record["trials"] = len(silent)
    fault_record["lost"] = 10 - len(silent)
    assert readings[0].values == {"supply_c": 40.0} | MEASURED
    assert [each.values for each in silent] == [{"supply_c": 40.0}] * 10
    assert all(each.bad == ["power_w", "energy_kwh"] for each in silent)
    assert readings[-1].values == {"supply_c": 40.0} | MEASURED


BRAND = """
profile = "brand"
title = "a brand that says everything in its own way"
source = "s"
[read]
table = "input"
max_registers = 20
max_bits = 200
timeout_ms = 200
[[point]]
point = "supply_c"
address = 10
encoding = "sign_magnitude"
divisor = 10
[[point]]
point = "coil_c"
address = 11
signed = true
divisor = 10
sentinels = [-900]
[[point]]
point = "power_w"
address = 12
width = 32
encoding = "float32"
word_order = "low_first"
factor = 1000
[[point]]
point = "energy_kwh"
address = 14
further = [{ address = 15, factor = 1000 }]
[[point]]
point = "tank_c"
address = 16
encoding = "bcd"
divisor = 10
[[point]]
point = "fan_rpm"
address = 17
further = [{ address = 18 }]
combine = "least"
[[state]]
state = "heating"
when = [{ address = 19, not_in = [0, 5], or = [{ address = 20, bit = 2 }] }]
[[state]]
state = "off"
[[fault_codes]]
address = 21
codes = { 12 = "high_pressure:E12" }
prefix = "E"
digits = 2
[[fault_bits]]
address = 22
codes = { 3 = "high_pressure:E12" }
"""
SENT = {10: 0x8000 | 53, 11: 0x10000 - 900, 12: 0, 13: 0x3FC0, 14: 417, 15: 12, 16: 0x0485,
        17: 820, 18: 0, 19: 5, 20: 1 << 2, 21: 7, 22: 1 << 3}  # fmt: skip


@pytest.mark.fault("11.A9")
def test_a_brand_with_its_own_ways_to_write_numbers_and_faults_is_data(
    fault_record: dict[str, float], tmp_path: Path
) -> None:
    (tmp_path / "brand.toml").write_text(BRAND)
    profile = load_profile(str(tmp_path / "brand.toml"), [tmp_path])
    slave = PtySlave(Units({1: dict(SENT)}))
    bus = Bus(line := parse_line(f"serial://{slave.path}?baud=115200"))
    try:
        seen = decode(profile, PolledUnit("a", 1, profile, line).read(bus))
    finally:
        bus.close()
        slave.close()
    wanted = {"supply_c": -5.3, "power_w": 1500.0, "energy_kwh": 12_417.0, "tank_c": 48.5}
    fault_record["trials"] = len(SENT)
    fault_record["false"] = len(set(wanted.items()) - set(seen.values.items()))
    assert seen.values == wanted | {"fan_rpm": 0.0}
    assert (seen.state, seen.bad) == ("heating", ["coil_c"])
    assert seen.faults == ["high_pressure:E12", "other:E07"]
