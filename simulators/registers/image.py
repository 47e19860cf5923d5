"""What every register map shares: a unit's reading going in, an image of its registers coming out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Protocol

from wire.points import State

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3


class RefusedError(Exception):
    """A request the unit does not carry out: answered by Modbus exception `code`, or by silence where it is None."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"exception {code}" if code is not None else "silence")
        self.code = code


@dataclass(frozen=True, slots=True)
class UnitReading:
    """One unit as physics has it: values in the units of CONTRACT §4, unrounded.

    `broken` names points whose sensor is open; they are absent from `values`.
    """

    state: State
    faults: tuple[str, ...]
    values: Mapping[str, float]
    broken: frozenset[str] = frozenset()
    room_target_c: float = 20.0


@dataclass(frozen=True, slots=True)
class Image:
    """The registers of one unit at one moment, and what they say: state, faults and values after rounding."""

    words: Mapping[int, int]
    state: State
    faults: tuple[str, ...]
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A point held in one register, or in two with the high word first; one count is worth `step`.

    `missing` is what the register shows while the sensor is open.
    """

    point: str
    address: int
    step: float
    words: int = 1
    signed: bool = False
    missing: int = 0

    def raw(self, value: float) -> int:
        """`value` in counts, rounded half up and held at the ends of the register."""
        bits = 16 * self.words
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)
        return min(max(floor(value / self.step + 0.5), low), high)

    def held(self, value: float) -> float:
        """`value` as a master reads it back."""
        return round(self.raw(value) * self.step, 6)

    def registers(self, value: float | None) -> dict[int, int]:
        """The register words for `value`, None being an open sensor."""
        raw = self.missing if value is None else self.raw(value)
        return split(self.address, raw, self.words)


@dataclass(frozen=True, slots=True)
class Setting:
    """A writable register and the range the unit accepts, in the unit of `name`."""

    name: str
    address: int
    step: float
    low: float
    high: float

    def value(self, word: int) -> float:
        """The setting a written word asks for; raises RefusedError(3) outside the range."""
        value = word * self.step
        if not self.low <= value <= self.high:
            raise RefusedError(ILLEGAL_VALUE)
        return value


@dataclass(slots=True)
class Words:
    """Collects register words while an image is made."""

    words: dict[int, int] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def measure(self, quantities: Iterable[Quantity], reading: UnitReading) -> None:
        """Write every quantity, remembering what is held of those with a working sensor."""
        for quantity in quantities:
            value = None if quantity.point in reading.broken else reading.values.get(quantity.point)
            self.words.update(quantity.registers(value))
            if value is not None:
                self.values[quantity.point] = quantity.held(value)

    def bits(self, address: int, names: Mapping[str, int], reading: UnitReading) -> None:
        """Write 0/1 points as bits of one register."""
        for name, bit in names.items():
            value = reading.values.get(name)
            if value is not None:
                self.words[address] = self.words.get(address, 0) | int(value) << bit
                self.values[name] = value


class RegisterMap(Protocol):
    """One brand's registers: how a reading is held, and which requests its controller answers."""

    @property
    def supply_address(self) -> int:
        """The register that holds the supply temperature."""
        ...

    @property
    def fault_codes(self) -> Sequence[str]:
        """Every `kind:vendor_code` the registers can express; the first of a kind stands for the kind."""
        ...

    def image(self, reading: UnitReading) -> Image:
        """The registers that hold `reading`."""
        ...

    def check_read(self, address: int, count: int) -> None:
        """Raises RefusedError where this brand does not answer a read of `count` registers from `address`."""
        ...

    def settings_written(self, address: int, words: Sequence[int]) -> dict[str, float]:
        """Settings (`setpoint_c`, `room_target_c`, `switched_on`) a write asks for; raises RefusedError."""
        ...


def split(address: int, raw: int, words: int = 1) -> dict[int, int]:
    """`raw` as `words` registers from `address`, high word first, two's complement."""
    return {address + i: raw >> 16 * (words - 1 - i) & 0xFFFF for i in range(words)}


def read_words(image: Image, address: int, count: int) -> list[int]:
    """The words of a read, unsigned; registers that nothing stands behind are 0."""
    return [image.words.get(at, 0) & 0xFFFF for at in range(address, address + count)]


def settings_asked(settings: Iterable[Setting], address: int, words: Sequence[int]) -> dict[str, float]:
    """The settings that `words` written from `address` ask for; raises RefusedError for any other register."""
    by_address = {setting.address: setting for setting in settings}
    asked = {}
    for offset, word in enumerate(words):
        setting = by_address.get(address + offset)
        if setting is None:
            raise RefusedError(ILLEGAL_ADDRESS)
        asked[setting.name] = setting.value(word)
    return asked


def code_for(kind_or_code: str, codes: Sequence[str]) -> str | None:
    """The fault of this brand meant by `kind:vendor_code` or by `kind` alone, or None where it has none.

    A code of another brand stands for the brand's own first code of that kind.
    """
    if kind_or_code in codes:
        return kind_or_code
    kind = kind_or_code.partition(":")[0]
    return next((code for code in codes if code.partition(":")[0] == kind), None)
