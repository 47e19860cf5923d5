"""Modbus requests as values: registers to read, contents to write. Pure."""

from dataclasses import dataclass

from gateway_agent.profile.fields import FUNCTION_CODES, Key, Span, Table
from gateway_agent.profile.writes import WriteFunction


def keys_of(span: Span) -> list[Key]:
    """Every register of a value."""
    (table, address), count = span
    return [(table, address + offset) for offset in range(count)]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One Modbus read of `count` registers (or bits) from `address` on."""

    table: Table
    address: int
    count: int

    @property
    def function(self) -> int:
        """The Modbus function code."""
        return FUNCTION_CODES[self.table]

    @property
    def data_bytes(self) -> int:
        """How many bytes of data the reply carries."""
        return (self.count + 7) // 8 if self.table in ("coil", "discrete") else 2 * self.count

    @property
    def keys(self) -> list[Key]:
        """Every register this request touches."""
        return keys_of(((self.table, self.address), self.count))


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One Modbus write of `values` from `address` on.

    `function` 6 or 16 writes registers, 5 or 15 writes coils.
    """

    function: WriteFunction
    address: int
    values: tuple[int, ...]

    @property
    def data_bytes(self) -> int:
        """Length of the reply as a read counts it: without address, function, count and CRC."""
        return 3

    @property
    def echo(self) -> bytes:
        """The reply after its function: the address, then the content or the count written."""
        contents = {5: 0xFF00 * self.values[0], 6: self.values[0]}
        return self.address.to_bytes(2) + contents.get(self.function, len(self.values)).to_bytes(2)
