"""Every brand on every kind of line: an independent master and the gateway read the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.execute import execute
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.decode import decode
from gateway_agent.profile.loading import load_profile
from simulators.live.service import SimulatorService
from simulators.live.settings import SimulationSettings
from simulators.live.truth import read_truth
from simulators.registers.brands import MAPS
from tests.servers import wait_until
from tests.simulators.village import mbpoll, running, scenario_file
from wire.messages import Command

PROFILES = Path(__file__).parents[3] / "config" / "profiles"
BRANDS = sorted(MAPS)
# A fault of the second unit of each line, which every brand can show, by number at least.
SCENARIO = "".join(
    f'[[event]]\nat = "0s"\nunit = {2 * line + 2}\nfault = "high_pressure"\n'
    for line in range(3 * len(BRANDS))
)
Answer = TypeVar("Answer")
WAYS = ("pty", "tcp", "rtu_tcp")


@dataclass(frozen=True)
class District:
    """A line of two units for each brand and way; `ports` of the TCP ways, by brand and way."""

    folder: Path
    service: SimulatorService

    def url(self, profile: str, way: str) -> str:
        if way == "pty":
            serial = MAPS[profile].serial
            return f"serial://{self.folder}/{profile}?baud={serial.baud}&parity={serial.parity}&stop={serial.stop}"
        return f"{'tcp' if way == 'tcp' else 'rtu+tcp'}://127.0.0.1:{self.port(profile, way)}"

    def port(self, profile: str, way: str) -> int:
        return self.service.tcp_ports[2 * BRANDS.index(profile) + WAYS.index(way) - 1]

    def reads(self, device: str) -> list[dict[str, Any]]:
        truth = read_truth(self.folder / "truth.jsonl")
        return [line for line in truth if line["type"] == "read" and line["device"] == device]

    def truth_of(self, device: str, ask: Callable[[], Answer]) -> tuple[Answer, dict[str, Any]]:
        """The answer of `ask`, and the truth about `device` at that time."""
        before = len(self.reads(device))
        answer = ask()
        return answer, wait_until(lambda: self.reads(device)[before:])[-1]


def name(profile: str, way: str, address: int) -> str:
    return f"{profile}-{way.replace('_', '-')}-{address}"


def line_of(folder: Path, profile: str, way: str) -> dict[str, Any]:
    where = (
        {"pty": folder / profile, "baud": MAPS[profile].serial.baud}
        if way == "pty"
        else {way: "127.0.0.1:0"}
    )
    units = [{"id": name(profile, way, address), "address": address} for address in (1, 2)]
    return {**where, "profile": profile, "unit": units}


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    folder = tmp_path_factory.mktemp("brands")
    lines = [line_of(folder, profile, way) for profile in BRANDS for way in WAYS]
    document = {
        "truth": folder / "truth.jsonl",
        "scenario": scenario_file(folder, SCENARIO),
        "line": lines,
    }
    with running(SimulationSettings.model_validate(document)) as service:
        yield District(folder, service)


def signed(word: int) -> int:
    return word - 0x10000 if word >= 0x8000 else word


Words = dict[int, int]
COIL, INPUT, HOLDING = "0", "3", "4"  # mbpoll's names of the tables
MBPOLL_PARITY = {"N": "none", "E": "even", "O": "odd"}
# A read by table, first register and count that carries the supply temperature, and what stands
# where, by hand.
SEEN: dict[str, tuple[tuple[str, int, int], dict[str, Callable[[Words], float]]]] = {
    "midea-mthermal": (
        (HOLDING, 100, 40),
        {"supply_c": lambda w: signed(w[110]) / 10, "compressor_hz": lambda w: w[100]},
    ),
    "phnix": (
        (HOLDING, 2001, 90),
        {
            "supply_c": lambda w: signed(w[2046]) / 10,
            "energy_kwh": lambda w: (w[2078] << 16) + w[2079],
        },
    ),
    "solareast-oem": (
        (HOLDING, 0x40, 48),
        {"supply_c": lambda w: signed(w[0x50]) / 10, "outdoor_c": lambda w: signed(w[0x4A]) / 10},
    ),
    "gree-versati": (
        (HOLDING, 117, 21),
        {"supply_c": lambda w: signed(w[125]) / 10, "room_c": lambda w: signed(w[129]) / 10},
    ),
    "haier-yr-e27": (
        (HOLDING, 141, 16),
        {
            "supply_c": lambda w: ((w[146] >> 4 & 0xF) << 8 | w[147] & 0xFF) / 10,
            "tank_c": lambda w: w[154] / 10,
        },
    ),
    "chofu-grant": (
        (INPUT, 0, 35),
        {
            "supply_c": lambda w: signed(w[9]),
            "power_w": lambda w: w[3] * 100,
            "room_c": lambda w: w[33] / 10,
        },
    ),
}


@pytest.mark.parametrize("way", ["pty", "tcp"])
@pytest.mark.parametrize("profile", BRANDS)
def test_mbpoll_reads_the_words_of_the_truth(district: District, profile: str, way: str) -> None:
    serial, ((table, first, count), points) = MAPS[profile].serial, SEEN[profile]
    if way == "pty":
        format_of = (
            "-b",
            str(serial.baud),
            "-P",
            MBPOLL_PARITY[serial.parity],
            "-s",
            str(serial.stop),
        )
        where = ("-m", "rtu", *format_of, str(district.folder / profile))
    else:
        where = ("-m", "tcp", "-p", str(district.port(profile, way)), "127.0.0.1")
    what = ("-t", table, "-a", "1", "-r", str(first), "-c", str(count), "-o", "2.0")
    (words, said), read = district.truth_of(name(profile, way, 1), lambda: mbpoll(*what, *where))
    assert len(words) == count, said
    assert {point: number(words) for point, number in points.items()} == {
        point: pytest.approx(read["values"][point]) for point in points
    }


def test_mbpoll_reads_coils(district: District) -> None:
    where = ("-m", "tcp", "-p", str(district.port("gree-versati", "tcp")))
    said = mbpoll("-t", COIL, "-a", "2", "-r", "94", "-c", "2", "-o", "2.0", *where, "127.0.0.1")
    assert said[0] == {94: 1, 95: 0}  # the high-pressure switch of the faulty unit


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("profile", BRANDS)
def test_the_gateway_reads_what_is_true(district: District, profile: str, way: str) -> None:
    line = parse_line(district.url(profile, way))
    bus, loaded = Bus(line), load_profile(profile, [PROFILES])
    for address in (1, 2):
        unit = PolledUnit("a", address, loaded, line)
        registers, truth = district.truth_of(name(profile, way, address), partial(unit.read, bus))
        seen = decode(loaded, registers)
        assert seen.values == pytest.approx(truth["values"])
        assert seen.bad == []
        assert seen.faults == sorted(truth["faults"])
        assert bool(seen.faults) == (address == 2)
        assert seen.state == truth["state"] or not truth.get("state_told", True)
    bus.close()


@pytest.mark.parametrize("profile", BRANDS)
def test_the_gateway_sets_a_set_point(district: District, profile: str) -> None:
    line = parse_line(district.url(profile, "rtu_tcp"))
    bus, loaded = Bus(line), load_profile(profile, [PROFILES])
    unit = PolledUnit("a", 1, loaded, line)
    result = execute(Command("id", "a", {"setpoint_c": 42.0}, 2, "test"), unit, bus, lambda: 1)
    assert (result.status, result.reason, result.read_back) == ("done", "", {"setpoint_c": 42.0})
    assert decode(loaded, unit.read(bus)).values["setpoint_c"] == 42.0
    bus.close()
