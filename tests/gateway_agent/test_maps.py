"""Every shipped profile against a slave that serves its map: polled, greeted and commanded."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.execute import execute
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.decode import decode
from gateway_agent.profile.fields import Key, Table
from gateway_agent.profile.schema import Profile
from tests.gateway_agent.profile.test_decode import PROFILES, VECTORS, vector_registers
from tests.gateway_agent.slaves import TcpSlave, Units
from tests.servers import wait_until
from wire.messages import Command

TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
HAIER_FRAMES = {(101, 6), (201, 1), (141, 16), (241, 22)}


def answers(function: int, address: int, count: int) -> bool:
    return True


# What each unit answers at all, from its document; what it refuses costs the test its values.
ANSWERED: dict[str, Callable[[int, int, int], bool]] = {
    "midea-mthermal": lambda function, address, count: (
        function == 3
        and count < 47
        and (
            address + count <= 23
            or (address >= 100 and address + count <= 200)
            or (address >= 200 and count == 1)
        )
    ),
    "solareast-oem": lambda function, address, count: function in (1, 3) and count < 100,
    "phnix": lambda function, address, count: function == 3 and count <= 90 and address >= 1011,
    "gree-versati": lambda function, address, count: function in (1, 3) and address + count <= 199,
    "haier-yr-e27": lambda function, address, count: (
        function == 3 and (address, count) in HAIER_FRAMES
    ),
    "chofu-grant": lambda function, address, count: address + count <= 127,
}


@dataclass
class MapOfTables(Units):
    """One unit with all four tables; what it is asked outside `answered` it does not answer."""

    contents: dict[Key, int] = field(default_factory=dict)
    answered: Callable[[int, int, int], bool] = answers

    def _take(self, unit: int, request: bytes) -> bytes | None:
        reply = super()._take(unit, request)
        _, function, address, values = self.written[-1]
        table: Table = "coil" if function in (5, 15) else "holding"
        self.contents |= {(table, address + offset): value for offset, value in enumerate(values)}
        return reply

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        function, address, count = (
            request[0],
            int.from_bytes(request[1:3]),
            int.from_bytes(request[3:5]),
        )
        self.asked.append((unit, function, address, count))
        if not self.answered(function, address, count):
            return None
        words = [
            self.contents.get((TABLES[function], at), 0) for at in range(address, address + count)
        ]
        if function > 2:
            return bytes((function, 2 * count)) + b"".join(word.to_bytes(2) for word in words)
        bits = sum(bit << place for place, bit in enumerate(words))
        return bytes((function, (count + 7) // 8)) + bits.to_bytes((count + 7) // 8, "little")


@pytest.fixture
def slave() -> Iterator[TcpSlave]:
    made = TcpSlave(MapOfTables({}), mbap=False)
    yield made
    made.close()


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_slave_that_serves_the_map_is_polled_into_the_right_points(
    path: Path, slave: TcpSlave
) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    slave.units = MapOfTables(
        {}, contents=vector_registers(vector), answered=ANSWERED[vector["profile"]]
    )
    line = parse_line(f"rtu+tcp://127.0.0.1:{slave.port}?baud=115200")
    bus = Bus(line)
    profile = PROFILES[vector["profile"]]
    seen = decode(profile, PolledUnit("a", 1, profile, line).read(bus))
    bus.close()
    assert {
        "state": seen.state,
        "faults": seen.faults,
        "bad": seen.bad,
        "values": seen.values,
    } == vector["expected"]
    touched = {at for _, _, first, count in slave.units.asked for at in range(first, first + count)}
    assert not any(at in gap for at in touched for gap in profile.read.forbidden)


def test_on_connect_is_written_once_when_a_unit_begins_to_answer_and_again_after_it_was_away() -> (
    None
):
    units = Units({1: {1: 40}})
    slave = TcpSlave(units)
    line = parse_line(f"tcp://127.0.0.1:{slave.port}")
    enable = {"address": 3032, "function": 6, "value": 1}
    document = {
        "profile": "p",
        "title": "t",
        "source": "s",
        "read": {"max_registers": 9, "timeout_ms": 60},
    }
    point, state = [{"point": "supply_c", "address": 1}], [{"state": "heating"}]
    profile = Profile.model_validate(
        document | {"point": point, "state": state, "on_connect": [enable]}
    )
    sweeps = PolledLine(
        Bus(line),
        [PolledUnit("a", 1, profile, line)],
        Cadence(0.001, 0.001),
        lambda readings: None,
        lambda: 1,
    )
    for dead in (set(), set(), {1}):
        units.dead = dead
        sweeps.sweep(threading.Event())
    assert len(units.written) == 1
    units.dead = set()

    def greeted_again() -> bool:
        sweeps.sweep(threading.Event())
        return len(units.written) > 1

    wait_until(greeted_again)
    sweeps.sweep(threading.Event())
    slave.close()
    assert units.written == [(1, 6, 3032, (1,))] * 2


def test_every_written_register_is_in_no_deny_list_and_every_bound_can_be_read() -> None:
    for name, profile in PROFILES.items():
        assert profile.write, name
        for rule in profile.write:
            assert not any(denied.covers(key) for denied in profile.deny for key in rule.written)
            tables = {table for (table, _), _ in profile.write_spans(rule)}
            assert tables <= {"coil", "discrete", "holding", "input"}


@dataclass(frozen=True)
class Commanded:
    """A golden vector's unit with what its bounds and conditions need, the value set, and the
    writes that must come."""

    vector: str
    more: dict[str, int]
    value: float
    writes: list[tuple[int, int, tuple[int, ...]]]


COMMANDED = [
    Commanded(
        "midea-tenths-defrost", {"1": 3, "203": 0x3737, "204": 0x1919}, 45.0, [(16, 11, (450,))]
    ),
    Commanded("midea-room-controlled", {"205": 60, "206": 34}, 20.5, [(16, 3, (41,))]),
    Commanded("phnix-defrost", {"1164": 150, "1165": 640}, 40.5, [(16, 1158, (405,))]),
    Commanded("solareast-defrost", {"250": 550, "251": 250, "772": 1}, 40.5, [(16, 0x301, (405,))]),
    Commanded("gree-defrost", {}, 50.0, [(16, 10, (50,))]),
    Commanded("gree-whole-degrees", {}, 21.0, [(16, 12, (21,))]),
    Commanded(
        "haier-defrost",
        {"103": 7, "104": 0x1234, "105": 0x5678, "106": 0x5000},
        40.5,
        [(16, 101, (0x0405, 0x511E, 7, 0x0004, 0x0078, 0x5000))],
    ),
    Commanded(
        "chofu-heating",
        {"holding:3": 550, "holding:4": 300},
        42.5,
        [(5, 22, (1,)), (16, 2, (425,))],
    ),
    Commanded("chofu-error", {}, 21.5, [(5, 22, (1,)), (16, 97, (215,))]),
]


@pytest.mark.parametrize("case", COMMANDED, ids=lambda case: case.vector)
def test_a_set_point_is_written_as_the_map_wants_and_read_back(
    case: Commanded, slave: TcpSlave
) -> None:
    vector = json.loads(
        next(path for path in VECTORS if path.stem == case.vector).read_text(encoding="utf-8")
    )
    contents = vector_registers({"registers": vector["registers"] | case.more})
    units = MapOfTables({1: {}}, contents=contents, answered=ANSWERED[vector["profile"]])
    # Bounds stand where bulk reads fail on a real Midea: one register at a time.
    if vector["profile"] == "midea-mthermal":
        units.answered = lambda function, address, count: (
            function == 3 and (address < 200 or count == 1)
        )
    slave.units = units
    line = parse_line(f"rtu+tcp://127.0.0.1:{slave.port}?baud=115200")
    bus = Bus(line)
    unit = PolledUnit("a", 1, PROFILES[vector["profile"]], line)
    result = execute(
        Command("id", "a", {"setpoint_c": case.value}, 2, "test"), unit, bus, lambda: 1
    )
    bus.close()
    assert (result.status, result.reason, result.read_back) == (
        "done",
        "",
        {"setpoint_c": case.value},
    )
    assert [
        (function, address, values) for _, function, address, values in units.written
    ] == case.writes
