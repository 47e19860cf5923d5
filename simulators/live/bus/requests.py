"""The answer to one Modbus request, as protocol data units.

Source: Modbus Application Protocol V1.1b3.
"""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from simulators.registers.fields import RegisterRef, Table
from simulators.registers.refusals import ILLEGAL_FUNCTION, ILLEGAL_VALUE, RefusedError
from simulators.registers.writes import (
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Write,
)

READS: Final[dict[int, Table]] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
BIT_TABLES: Final = ("coil", "discrete")
MOST_READ: Final[dict[Table, int]] = {
    "coil": 2_000,
    "discrete": 2_000,
    "holding": 125,
    "input": 125,
}
MOST_WRITTEN: Final = {WRITE_COILS: 1_968, WRITE_REGISTERS: 123}
_COIL_ON: Final = 0xFF00


class AddressedUnit(Protocol):
    """The tables of a slave; both methods raise RefusedError."""

    @property
    def refuses_in_silence(self) -> bool:
        """Whether the unit stays silent instead of sending an exception."""
        ...

    def read(self, table: Table, address: int, count: int) -> list[int]:
        """`count` words or bits from `address` on."""
        ...

    def write(self, write: Write) -> None:
        """Carry out the write."""
        ...


@dataclass(frozen=True, slots=True)
class SlaveAnswer:
    """The reply, None for silence, and the registers whose contents it carries.

    It carries none unless a read succeeded.
    """

    reply: bytes | None
    carried: frozenset[RegisterRef] = frozenset()


def answer(request: bytes, unit: AddressedUnit) -> SlaveAnswer:
    """The answer of `unit` to a request (function code and data, without address and checksum)."""
    function = request[0]
    try:
        if function in READS and len(request) == 5:
            return _read(request, unit)
        if function in (WRITE_COIL, WRITE_REGISTER) and len(request) == 5:
            return _write_one(request, unit)
        if function in MOST_WRITTEN and len(request) >= 6:
            return _write_many(request, unit)
        raise RefusedError(ILLEGAL_FUNCTION)
    except RefusedError as refused:
        return SlaveAnswer(
            None if unit.refuses_in_silence else bytes((function | 0x80, refused.code))
        )


def _read(request: bytes, unit: AddressedUnit) -> SlaveAnswer:
    function, address, count = struct.unpack(">BHH", request)
    table = READS[function]
    if not 1 <= count <= MOST_READ[table]:
        raise RefusedError(ILLEGAL_VALUE)
    words = unit.read(table, address, count)
    data = _packed(words) if table in BIT_TABLES else struct.pack(f">{count}H", *words)
    return SlaveAnswer(
        bytes((function, len(data))) + data,
        frozenset(RegisterRef(table, address + i) for i in range(count)),
    )


def _write_one(request: bytes, unit: AddressedUnit) -> SlaveAnswer:
    function, address, word = struct.unpack(">BHH", request)
    if function == WRITE_COIL and word not in (0, _COIL_ON):
        raise RefusedError(ILLEGAL_VALUE)
    unit.write(
        Write(function, address, (word if function == WRITE_REGISTER else int(word == _COIL_ON),))
    )
    return SlaveAnswer(request)


def _write_many(request: bytes, unit: AddressedUnit) -> SlaveAnswer:
    function, address, count, size = struct.unpack(">BHHB", request[:6])
    expected = 2 * count if function == WRITE_REGISTERS else (count + 7) // 8
    if not 1 <= count <= MOST_WRITTEN[function] or size != expected or len(request) != 6 + size:
        raise RefusedError(ILLEGAL_VALUE)
    data = request[6:]
    values = (
        struct.unpack(f">{count}H", data) if function == WRITE_REGISTERS else _unpacked(data, count)
    )
    unit.write(Write(function, address, tuple(values)))
    return SlaveAnswer(request[:5])


def _packed(bits: list[int]) -> bytes:
    """The bits in bytes; the first is the lowest of the first byte."""
    number = sum(bit << index for index, bit in enumerate(bits))
    return number.to_bytes((len(bits) + 7) // 8, "little")


def _unpacked(data: bytes, count: int) -> tuple[int, ...]:
    number = int.from_bytes(data, "little")
    return tuple(number >> index & 1 for index in range(count))
