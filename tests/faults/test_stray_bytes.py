"""Stray bytes and the line's own echo come at once, the answer of a slow unit later."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import ReadRequest, WriteRequest
from simulators.live.settings import settings_from_flags
from tests.faults.conftest import FaultRecord
from tests.faults.edge import SweptLine, quick
from tests.gateway_agent.slaves import PtySlave, Sending, TcpSlave, Units, rtu
from tests.simulators.village import running

pytestmark = pytest.mark.fault("11.A3")

TIMEOUT_S = 1.0
UNIT = 3
ADDRESSES = (100, 0x1000, 0x1400)
QUESTIONS = [ReadRequest("holding", at, count) for at in ADDRESSES for count in (8, 10, 1)]
FOREIGN = rtu(9, b"\x03\x02\x00\x07")

Ahead = Callable[[bytes], bytes]
AHEAD: dict[str, Ahead] = {
    "echo": lambda request: request,
    "zero": lambda request: b"\x00",
    "byte": lambda request: b"\xf3",
    "address": lambda request: request[:1],
    "head": lambda request: request[:2],
    "echo and byte": lambda request: request + b"\xff",
    "byte and echo": lambda request: b"\xff" + request,
    "other unit": lambda request: FOREIGN,
}


def held(address: int) -> int:
    return address ^ 0x5A5A


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bus_on(kind: str, thinks_s: float, ahead: Ahead, ends: ExitStack) -> Bus:
    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        return [(0.0, ahead(request)), (thinks_s, reply)]

    units = Units({UNIT: {at: held(at) for first in ADDRESSES for at in range(first, first + 20)}})
    slave = (
        PtySlave(units, misbehave) if kind == "serial" else TcpSlave(units, misbehave, mbap=False)
    )
    where = f"{slave.path}" if isinstance(slave, PtySlave) else f"127.0.0.1:{slave.port}"
    bus = Bus(parse_line(f"{kind}://{where}?baud=115200"))
    ends.callback(slave.close)
    ends.callback(bus.close)
    return bus


@pytest.mark.parametrize("ahead", sorted(AHEAD))
@pytest.mark.parametrize(
    ("kind", "thinks_s"), [("serial", 0.08), ("serial", 0.15), ("rtu+tcp", 0.3)]
)
def test_a_unit_keeps_its_time_behind_what_is_not_its_answer(
    kind: str, thinks_s: float, ahead: str, ends: ExitStack, fault_record: FaultRecord
) -> None:
    bus = bus_on(kind, thinks_s, AHEAD[ahead], ends)
    questions = QUESTIONS if kind == "serial" else QUESTIONS[:2]
    for question in questions:
        fault_record["trials"] += 1
        try:
            contents = bus.read(UNIT, question, 0.0, TIMEOUT_S)
        except ReplyError:
            fault_record["lost"] += 1
            continue
        fault_record["false"] += contents != [held(at) for _, at in question.keys]
    assert (fault_record["lost"], fault_record["false"]) == (0, 0)


@pytest.mark.parametrize("ahead", sorted(AHEAD))
def test_a_dead_unit_behind_stray_bytes_is_silent_and_holds_nobody_up(
    ahead: str, fault_record: FaultRecord
) -> None:
    asked: list[int] = []

    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        asked.append(request[0])
        return [(0.0, AHEAD[ahead](request)), (0.0, b"" if request[0] == 2 else reply)]

    with SweptLine(count=2, misbehave=misbehave, profile=quick(100)) as swept:
        swept.sweep(4)
        fault_record["trials"] = asked.count(2)
        assert asked.count(2) == 4, "two visits of two questions, then it is asked rarely"
        assert swept.line.quarantined == 1
        assert set(swept.line.errors) == {
            "unexpected_device" if ahead == "other unit" else "no_reply"
        }
        assert len(swept.readings) == 4


@pytest.mark.parametrize("answer", [None, bytes((0x86, 4))], ids=["silent", "refuses"])
def test_the_echo_of_a_write_is_not_its_confirmation(
    answer: bytes | None, fault_record: FaultRecord
) -> None:
    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        if request[1] == 6:
            reply = b"" if answer is None else rtu(request[0], answer)
        return [(0.0, request), (0.08, reply)]

    with SweptLine(misbehave=misbehave) as swept:
        swept.sweep()
        fault_record["trials"] = fault_record["false"] = 1
        with pytest.raises(ReplyError) as failure:
            swept.bus.write(1, WriteRequest(6, 11, (42,)), 0.0, 0.3)
        fault_record["false"] = 0
        assert failure.value.code == ("write_unconfirmed" if answer is None else "device_exception")


@pytest.mark.parametrize("quirk", ["echo", "noise"])
@pytest.mark.parametrize("way", ["pty", "rtu_tcp"])
def test_the_simulated_line_with_the_quirk_loses_nothing(
    way: str, quirk: str, tmp_path: Path, fault_record: FaultRecord
) -> None:
    where = {"pty": tmp_path / "line"} if way == "pty" else {way: "127.0.0.1:0"}
    settings = settings_from_flags(**where, baud=115_200, quirks=(f"{quirk}:1.0",))
    with running(settings) as service:
        url = (
            f"serial://{tmp_path}/line"
            if way == "pty"
            else f"rtu+tcp://127.0.0.1:{service.tcp_ports[0]}"
        )
        bus = Bus(parse_line(f"{url}?baud=115200"))
        for _ in range(3):
            fault_record["trials"] += 1
            try:
                assert len(bus.read(1, ReadRequest("holding", 100, 10), 0.0, TIMEOUT_S)) == 10
            except ReplyError:
                fault_record["lost"] += 1
        bus.close()
    assert fault_record["lost"] == 0
