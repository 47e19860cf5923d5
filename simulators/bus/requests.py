"""One Modbus request answered: protocol data units in, protocol data units out (Modbus Application Protocol V1.1b3)."""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from simulators.registers.image import ILLEGAL_FUNCTION, ILLEGAL_VALUE, RefusedError

READ_HOLDING: Final = 3
WRITE_ONE: Final = 6
WRITE_MANY: Final = 16
MOST_READ: Final = 125
MOST_WRITTEN: Final = 123


class Unit(Protocol):
    """A slave's registers; both raise RefusedError."""

    def read(self, address: int, count: int) -> list[int]: ...

    def write(self, address: int, words: list[int]) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply, None being silence, and the registers it carries (empty unless a read succeeded)."""

    reply: bytes | None
    carried: range = range(0)


def answer(request: bytes, unit: Unit) -> Answer:
    """What `unit` answers to a request (function code and data, without address and checksum)."""
    function = request[0]
    try:
        if function == READ_HOLDING and len(request) == 5:
            return _read(request, unit)
        if function == WRITE_ONE and len(request) == 5:
            return _write_one(request, unit)
        if function == WRITE_MANY and len(request) >= 6:
            return _write_many(request, unit)
        raise RefusedError(ILLEGAL_FUNCTION)
    except RefusedError as refused:
        return Answer(None if refused.code is None else bytes((function | 0x80, refused.code)))


def _read(request: bytes, unit: Unit) -> Answer:
    address, count = struct.unpack(">HH", request[1:])
    if not 1 <= count <= MOST_READ:
        raise RefusedError(ILLEGAL_VALUE)
    words = unit.read(address, count)
    reply = struct.pack(f">BB{count}H", READ_HOLDING, 2 * count, *words)
    return Answer(reply, range(address, address + count))


def _write_one(request: bytes, unit: Unit) -> Answer:
    address, word = struct.unpack(">HH", request[1:])
    unit.write(address, [word])
    return Answer(request)


def _write_many(request: bytes, unit: Unit) -> Answer:
    address, count, size = struct.unpack(">HHB", request[1:6])
    if not 1 <= count <= MOST_WRITTEN or size != 2 * count or len(request) != 6 + size:
        raise RefusedError(ILLEGAL_VALUE)
    unit.write(address, list(struct.unpack(f">{count}H", request[6:])))
    return Answer(request[:5])
