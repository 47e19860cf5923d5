"""Exchanges on a real pseudo-terminal and a real socket, with slaves that do everything wrong."""

from collections.abc import Callable, Iterator

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.bus.transport import LineDown
from tests.gateway_agent.slaves import Misbehaviour, PtySlave, Sending, TcpSlave, Units, honest, rtu

TIMEOUT_S = 0.1
BLOCK = ReadRequest("holding", 100, 10)


def tell_tale_units() -> Units:
    """Two units in which every register holds a number that belongs to no other register."""
    return Units(
        {unit: {address: unit * 10_000 + address for address in range(3000)} for unit in (1, 2)}
    )


def expected(unit: int, request: ReadRequest) -> list[int]:
    return [unit * 10_000 + address for _, address in request.keys]


class Rig:
    """A slave and a bus on it, made per test."""

    def __init__(self) -> None:
        self._open: list[PtySlave | TcpSlave | Bus] = []

    def pty(self, misbehave: Misbehaviour = honest) -> Bus:
        slave = PtySlave(tell_tale_units(), misbehave)
        bus = Bus(parse_line(f"serial://{slave.path}?baud=115200"))
        self._open += [slave, bus]
        return bus

    def tcp(self, misbehave: Misbehaviour = honest, *, mbap: bool = True) -> Bus:
        slave = TcpSlave(tell_tale_units(), misbehave, mbap=mbap)
        bus = Bus(parse_line(f"{'tcp' if mbap else 'rtu+tcp'}://127.0.0.1:{slave.port}"))
        self._open += [slave, bus]
        return bus

    def close(self) -> None:
        for part in reversed(self._open):
            part.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def once(first: Callable[[bytes, bytes], list[Sending]]) -> Misbehaviour:
    """Misbehave at the first request only."""
    answered: list[bytes] = []

    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        answered.append(request)
        return first(request, reply) if len(answered) == 1 else honest(request, reply)

    return misbehave


def test_reads_on_every_kind_of_line(rig: Rig) -> None:
    for bus in (rig.pty(), rig.tcp(), rig.tcp(mbap=False)):
        assert bus.read(2, BLOCK, 0.0, 2.0) == expected(2, BLOCK)
        assert bus.read(1, ReadRequest("holding", 2000, 1), 0.0, 2.0) == [12_000]


SPOILT: dict[str, Callable[[bytes, bytes], bytes]] = {
    "no_reply": lambda request, reply: b"",
    "crc_mismatch": lambda request, reply: reply[:-1] + bytes((reply[-1] ^ 1,)),
    "unexpected_device": lambda request, reply: rtu(2, reply[1:-2]),
    "unexpected_function": lambda request, reply: rtu(1, b"\x04" + reply[2:-2]),
    "length_mismatch": lambda request, reply: rtu(1, b"\x03\x04" + reply[3:7]),
}


@pytest.mark.parametrize("code", sorted(SPOILT))
def test_a_spoilt_reply_has_its_code_and_the_next_exchange_is_right(rig: Rig, code: str) -> None:
    bus = rig.pty(once(lambda request, reply: [(0.0, SPOILT[code](request, reply))]))
    with pytest.raises(ReplyError) as failure:
        bus.read(1, BLOCK, 0.0, TIMEOUT_S)
    assert failure.value.code == code
    assert bus.errors == {code: 1}
    assert bus.read(1, BLOCK, 0.0, 2.0) == expected(1, BLOCK)


def test_a_truncated_reply_is_a_length_mismatch(rig: Rig) -> None:
    bus = rig.pty(once(lambda request, reply: [(0.0, reply[:9])]))
    with pytest.raises(ReplyError, match="length_mismatch"):
        bus.read(1, BLOCK, 0.0, TIMEOUT_S)


def test_a_noise_byte_before_or_after_costs_nothing(rig: Rig) -> None:
    before = rig.pty(lambda request, reply: [(0.0, b"\xf3" + reply)])
    after = rig.pty(lambda request, reply: [(0.0, reply + b"\x03")])
    for bus in (before, after, before, after):
        assert bus.read(1, BLOCK, 0.0, 2.0) == expected(1, BLOCK)


def test_an_exception_is_told_with_its_number(rig: Rig) -> None:
    for bus in (rig.pty(), rig.tcp(), rig.tcp(mbap=False)):
        with pytest.raises(ReplyError) as failure:
            bus.read(1, ReadRequest("holding", 5000, 4), 0.0, 2.0)
        assert (failure.value.code, failure.value.exception) == ("device_exception", 2)


@pytest.mark.parametrize("mbap", [True, False, None], ids=["tcp", "rtu+tcp", "serial"])
def test_a_late_reply_never_answers_another_question(rig: Rig, mbap: bool | None) -> None:
    late = once(lambda request, reply: [(2.2 * TIMEOUT_S, reply)])
    bus = rig.pty(late) if mbap is None else rig.tcp(late, mbap=mbap)
    with pytest.raises(ReplyError, match="no_reply"):
        bus.read(1, BLOCK, 0.0, TIMEOUT_S)
    other = ReadRequest("holding", 2000, 10)
    for _ in range(8):
        try:
            assert bus.read(1, other, 0.0, TIMEOUT_S) == expected(1, other)
        except ReplyError:
            continue
        break
    assert bus.read(1, other, 0.0, TIMEOUT_S) == expected(1, other)


def test_a_question_no_late_reply_can_be_told_from_is_not_asked(rig: Rig) -> None:
    bus = rig.pty(lambda request, reply: [])
    single = ReadRequest("holding", 100, 1)
    with pytest.raises(ReplyError, match="no_reply"):
        bus.read(1, single, 0.0, TIMEOUT_S)
    with pytest.raises(ReplyError, match="stale_reply"):
        bus.read(1, ReadRequest("holding", 2000, 1), 0.0, TIMEOUT_S)


def test_a_line_that_is_not_there_is_down_and_not_a_silent_unit(rig: Rig) -> None:
    with pytest.raises(LineDown):
        Bus(parse_line("serial:///dev/no-such-port")).read(1, BLOCK, 0.0, 1.0)
    slave = TcpSlave(tell_tale_units())
    bus = Bus(parse_line(f"tcp://127.0.0.1:{slave.port}"))
    assert bus.read(1, BLOCK, 0.0, 2.0) == expected(1, BLOCK)
    slave.close()
    with pytest.raises(LineDown):
        bus.read(1, BLOCK, 0.0, 2.0)
