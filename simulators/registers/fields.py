"""Where numbers stand in a unit's four tables: registers, bytes, nibbles, bits and coils."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor
from typing import Literal, NamedTuple

Table = Literal["coil", "discrete", "input", "holding"]


class RegisterRef(NamedTuple):
    """One register, or one bit of the two bit tables; addresses from 0."""

    table: Table
    address: int


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits of one register, the lowest of them bit `shift`."""

    address: int
    width: int = 16
    shift: int = 0
    table: Table = "holding"

    @property
    def place(self) -> RegisterRef:
        """The register it is part of."""
        return RegisterRef(self.table, self.address)

    def of(self, word: int) -> int:
        """The number that stands here while the register holds `word`."""
        return word >> self.shift & self._mask

    def into(self, word: int, raw: int) -> int:
        """`word` with the lowest bits of `raw` here and the rest as it was."""
        return word & ~(self._mask << self.shift) & 0xFFFF | (raw & self._mask) << self.shift

    @property
    def _mask(self) -> int:
        return (1 << self.width) - 1


Fields = tuple[Field, ...]
"""A number laid over several fields, its highest bits in the first."""


def bit(address: int, number: int) -> Field:
    """Bit `number` (0 = lowest) of a holding register."""
    return Field(address, 1, number)


def coil(address: int) -> Field:
    """A coil."""
    return Field(address, 1, table="coil")


def high_byte(address: int) -> Field:
    """The upper half of a holding register."""
    return Field(address, 8, 8)


def low_byte(address: int) -> Field:
    """The lower half of a holding register."""
    return Field(address, 8)


def pair(address: int) -> Fields:
    """32 bits in two holding registers, high word first."""
    return (Field(address), Field(address + 1))


@dataclass(slots=True)
class Contents:
    """What stands in the tables; a place without content holds 0."""

    words: dict[RegisterRef, int] = field(default_factory=dict)

    def put(self, fields: Iterable[Field], raw: int) -> None:
        """Lay `raw` (two's complement where negative) over `fields`."""
        for part in reversed(tuple(fields)):
            self.words[part.place] = part.into(self.words.get(part.place, 0), raw)
            raw >>= part.width

    def get(self, fields: Iterable[Field]) -> int:
        """The number laid over `fields`, unsigned."""
        raw = 0
        for part in fields:
            raw = raw << part.width | part.of(self.words.get(part.place, 0))
        return raw


@dataclass(frozen=True, slots=True)
class RegisterQuantity:
    """A measured point in `fields`; one count is worth `step` in the point's unit.

    `missing` is what stands there while the sensor is open, `unfitted` where the unit was built
    without it.
    """

    point: str
    fields: Fields
    step: float = 1.0
    signed: bool = False
    missing: int = 0
    unfitted: int | None = None

    @property
    def bits(self) -> int:
        """How many bits the number has."""
        return sum(part.width for part in self.fields)

    @property
    def places(self) -> list[RegisterRef]:
        """Every register it takes part of."""
        return [part.place for part in self.fields]

    def raw(self, value: float) -> int:
        """`value` in counts, rounded half up and held at the ends of the number."""
        low, high = (
            (-(1 << self.bits - 1), (1 << self.bits - 1) - 1)
            if self.signed
            else (0, (1 << self.bits) - 1)
        )
        return min(max(floor(value / self.step + 0.5), low), high)

    def held(self, value: float) -> float:
        """`value` as a master reads it back."""
        return round(self.raw(value) * self.step, 6)

    def read(self, contents: Contents) -> float:
        """The value that stands in `contents`."""
        raw = contents.get(self.fields)
        negative = self.signed and raw >> self.bits - 1
        return round((raw - (1 << self.bits) if negative else raw) * self.step, 6)

    def absent(self, fitted: bool) -> int:
        """What stands there without a value."""
        return self.missing if fitted or self.unfitted is None else self.unfitted
