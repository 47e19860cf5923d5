"""The four Modbus tables of a unit and their fields: registers, bytes, nibbles, bits, coils."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor
from typing import Literal, NamedTuple

Table = Literal["coil", "discrete", "input", "holding"]


class RegisterRef(NamedTuple):
    """The address of one register, or of one bit of a bit table; from 0."""

    table: Table
    address: int


@dataclass(frozen=True, slots=True)
class Field:
    """`width` bits of one register, of which bit `shift` is the lowest."""

    address: int
    width: int = 16
    shift: int = 0
    table: Table = "holding"

    @property
    def ref(self) -> RegisterRef:
        """The register that holds the field."""
        return RegisterRef(self.table, self.address)

    def of(self, word: int) -> int:
        """The number in this field while the register holds `word`."""
        return word >> self.shift & self._mask

    def into(self, word: int, raw: int) -> int:
        """`word` with the lowest bits of `raw` in this field and its other bits unchanged."""
        return word & ~(self._mask << self.shift) & 0xFFFF | (raw & self._mask) << self.shift

    @property
    def _mask(self) -> int:
        return (1 << self.width) - 1


Fields = tuple[Field, ...]
"""The fields of one number, its highest bits in the first."""


def bit(address: int, number: int) -> Field:
    """Bit `number` (0 = lowest) of a holding register."""
    return Field(address, 1, number)


def coil(address: int) -> Field:
    """The coil at `address`."""
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
    """The words of the tables; a register without an entry holds 0."""

    words: dict[RegisterRef, int] = field(default_factory=dict)

    def put(self, fields: Iterable[Field], raw: int) -> None:
        """Write `raw` (two's complement if negative) into `fields`."""
        for part in reversed(tuple(fields)):
            self.words[part.ref] = part.into(self.words.get(part.ref, 0), raw)
            raw >>= part.width

    def get(self, fields: Iterable[Field]) -> int:
        """The unsigned number in `fields`."""
        raw = 0
        for part in fields:
            raw = raw << part.width | part.of(self.words.get(part.ref, 0))
        return raw


@dataclass(frozen=True, slots=True)
class RegisterQuantity:
    """A measured point in `fields`; one count is worth `step` in the point's unit.

    `missing` is the raw number that an open sensor shows, `unfitted` the one of a unit built
    without the sensor.
    """

    point: str
    fields: Fields
    step: float = 1.0
    signed: bool = False
    missing: int = 0
    unfitted: int | None = None

    @property
    def bits(self) -> int:
        """The width of the number in bits."""
        return sum(part.width for part in self.fields)

    @property
    def refs(self) -> list[RegisterRef]:
        """Every register that holds a part of the number."""
        return [part.ref for part in self.fields]

    def raw(self, value: float) -> int:
        """`value` in counts, rounded half up and limited to the range of the number."""
        low = -(1 << self.bits - 1) if self.signed else 0
        high = low + (1 << self.bits) - 1
        return min(max(floor(value / self.step + 0.5), low), high)

    def held(self, value: float) -> float:
        """`value` as a master reads it back: a whole number of steps."""
        return round(self.raw(value) * self.step, 6)

    def read(self, contents: Contents) -> float:
        """The value in `contents`."""
        raw = contents.get(self.fields)
        if self.signed and raw >> self.bits - 1:
            raw -= 1 << self.bits
        return round(raw * self.step, 6)

    def absent(self, fitted: bool) -> int:
        """The raw number shown without a value, of a sensor that is open or not `fitted`."""
        return self.missing if fitted or self.unfitted is None else self.unfitted
