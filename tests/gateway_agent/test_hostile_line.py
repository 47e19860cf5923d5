"""A line where everything goes wrong at once: ten thousand values, and not one under another
register.

Every register of every unit holds a number of its own, so a value under a wrong register cannot
look right.
"""

import random
from collections.abc import Iterator

import pytest

from gateway_agent.bus.address import LineAddress, parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.bus.transport import LineDown, Link, open_link
from tests.gateway_agent.slaves import PtySlave, Sending, Units, rtu

TIMEOUT_S = 0.05
VALUES = 10_000
REGISTERS = 3_000
LENGTHS = (1, 2, 25, 25, 51, 51, 51, 90, 120)
FOREIGN_LENGTH = 7
WAYS = (
    "late",
    "short",
    "crc",
    "device",
    "function",
    "length",
    "noise",
    "echo",
    "cut",
    "second master",
    "lost",
)


def held(unit: int, address: int) -> int:
    """What register `address` of `unit` holds."""
    return unit * 10_000 + address


class Spoiler:
    """Spoils half of the replies, each way as often, repeatably; `used` holds the ways it went."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.used: set[str] = set()

    def __call__(self, request: bytes, reply: bytes) -> list[Sending]:
        if self._random.random() < 0.5:
            return [(0.0, reply)]
        way = self._random.choice(WAYS)
        self.used.add(way)
        return self._spoil(way, request, reply)

    def _spoil(self, way: str, request: bytes, reply: bytes) -> list[Sending]:
        unit, body, choose = request[0], reply[1:-2], self._random
        match way:
            case "late":
                return [(TIMEOUT_S * choose.uniform(0.8, 3.0), reply)]
            case "short":
                return [(0.0, reply[: choose.randrange(len(reply))])]
            case "crc":
                return [(0.0, reply[:-2] + bytes((reply[-2] ^ 0x40, reply[-1])))]
            case "device":
                return [(0.0, rtu(3 - unit, body))]
            case "function":
                return [(0.0, rtu(unit, b"\x04" + body[1:]))]
            case "length":
                return [(0.0, rtu(unit, b"\x03\x06" + body[2:8])), (0.0, reply)]
            case "noise":
                return [
                    (0.0, choose.randbytes(choose.randrange(1, 5)) + reply + choose.randbytes(1))
                ]
            case "echo":
                return [(0.0, request + reply)]
            case "cut":
                return [(0.0, reply[:7]), (0.01, reply[7:])]
            case "second master":
                return self._second_master(unit, reply)
        return []

    def _second_master(self, unit: int, reply: bytes) -> list[Sending]:
        """Its question to one of our units and that unit's answer to it, before or after ours."""
        address = self._random.randrange(REGISTERS)
        question = rtu(unit, b"\x03" + address.to_bytes(2) + FOREIGN_LENGTH.to_bytes(2))
        contents = b"".join(
            held(unit, address + offset).to_bytes(2) for offset in range(FOREIGN_LENGTH)
        )
        answer = rtu(unit, bytes((3, 2 * FOREIGN_LENGTH)) + contents)
        frames = [(0.0, question + answer), (0.0, reply)]
        return frames if self._random.random() < 0.5 else frames[::-1]


class PluggedLine:
    """A line whose adapter is pulled out and put back now and then."""

    def __init__(self, spoiler: Spoiler) -> None:
        self._units = Units(
            {unit: {at: held(unit, at) for at in range(REGISTERS + 200)} for unit in (1, 2)}
        )
        self._spoiler = spoiler
        self._slave = PtySlave(self._units, spoiler)
        self.bus = Bus(parse_line("serial:///dev/replaced-on-connect?baud=115200"), self._connect)

    def _connect(self, line: LineAddress) -> Link:
        return open_link(parse_line(f"serial://{self._slave.path}?baud={line.baud}"))

    def replug(self) -> None:
        self._slave.close()
        self._slave = PtySlave(self._units, self._spoiler)

    def close(self) -> None:
        self.bus.close()
        self._slave.close()


@pytest.fixture
def spoiler() -> Spoiler:
    return Spoiler(20261121)


@pytest.fixture
def line(spoiler: Spoiler) -> Iterator[PluggedLine]:
    made = PluggedLine(spoiler)
    yield made
    made.close()


def test_not_one_of_ten_thousand_values_is_under_a_wrong_register(
    line: PluggedLine, spoiler: Spoiler
) -> None:
    choose = random.Random(7)
    right = wrong = asked = unplugged = 0
    while right + wrong < VALUES:
        asked += 1
        if asked % 100 == 0:
            line.replug()
        unit = choose.choice((1, 2))
        request = ReadRequest("holding", choose.randrange(REGISTERS), choose.choice(LENGTHS))
        try:
            contents = line.bus.read(unit, request, 0.0, TIMEOUT_S)
        except ReplyError:
            continue
        except LineDown:
            unplugged += 1
            continue
        expected = [held(unit, address) for _, address in request.keys]
        right += sum(got == want for got, want in zip(contents, expected, strict=True))
        wrong += sum(got != want for got, want in zip(contents, expected, strict=True))
    assert wrong == 0
    assert unplugged >= 1
    assert spoiler.used == set(WAYS)
    assert {
        "crc_mismatch",
        "no_reply",
        "stale_reply",
        "unexpected_device",
        "length_mismatch",
    } <= set(line.bus.errors)
