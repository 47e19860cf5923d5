"""The requests that a unit refuses, and the rule for its reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from simulators.registers.fields import Table

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3


class RefusedError(Exception):
    """A request that the unit refuses; `code` is the Modbus exception code of the reason."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads that a unit answers: within a span of a table, up to `longest` registers or bits.

    A read that touches a `single` register must read that register alone. If `frames` (first
    register, count) are given, a read must be exactly one of them.
    """

    tables: Mapping[Table, tuple[range, ...]]
    longest: int
    single: tuple[range, ...] = ()
    frames: frozenset[tuple[int, int]] = frozenset()

    def check(self, table: Table, address: int, count: int) -> None:
        """Raise RefusedError if a read of `count` from `address` is not answered."""
        if table not in self.tables:
            raise RefusedError(ILLEGAL_FUNCTION)
        end = address + count
        inside = any(span.start <= address and end <= span.stop for span in self.tables[table])
        bulk = count > 1 and any(span.start < end and address < span.stop for span in self.single)
        wrong_frame = bool(self.frames) and (address, count) not in self.frames
        if not inside or bulk or wrong_frame or count > self.longest:
            raise RefusedError(ILLEGAL_ADDRESS)
