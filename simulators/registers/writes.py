"""What a master can change in a unit, and what a write asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import floor
from typing import Final

from simulators.registers.fields import Contents, Field, RegisterRef, Table
from simulators.registers.refusals import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    RefusedError,
)

WRITE_COIL: Final = 5
WRITE_REGISTER: Final = 6
WRITE_COILS: Final = 15
WRITE_REGISTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Write:
    """One Modbus write: `values` (words, or 0 and 1) from `address` on."""

    function: int
    address: int
    values: tuple[int, ...]

    @property
    def table(self) -> Table:
        """The table it changes."""
        return "coil" if self.function in (WRITE_COIL, WRITE_COILS) else "holding"

    @property
    def words(self) -> dict[RegisterRef, int]:
        """What is to stand where."""
        return {
            RegisterRef(self.table, self.address + offset): value
            for offset, value in enumerate(self.values)
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """A place that shows a setting and takes a new one, between `low` and `high` in the unit of
    `name`.

    With `codes` only those numbers mean something; others are taken without effect.
    """

    name: str
    place: Field
    step: float = 1.0
    low: float = 0.0
    high: float = 1.0
    codes: Mapping[int, float] = field(default_factory=dict)

    def raw(self, value: float) -> int:
        """What stands there for `value`."""
        for code, meant in self.codes.items():
            if meant == value:
                return code
        return floor(value / self.step + 0.5)

    def held(self, value: float) -> float:
        """`value` as a master reads it back."""
        return value if self.codes else round(self.raw(value) * self.step, 6)

    def asked(self, word: int) -> float | None:
        """The setting that a written word asks for, None for none; raises RefusedError(3) outside
        the range."""
        raw = self.place.of(word)
        if self.codes:
            return self.codes.get(raw)
        value = round(raw * self.step, 6)
        if not self.low <= value <= self.high:
            raise RefusedError(ILLEGAL_VALUE)
        return value


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """What a write changes: settings by name, and contents of places that only keep what they are
    given."""

    settings: Mapping[str, float]
    kept: Mapping[RegisterRef, int]


def as_written(contents: Contents, write: Write) -> dict[RegisterRef, int]:
    """The words that take effect, of a brand where all of them do."""
    return write.words


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes a unit takes: by `functions`, to `keeping` places and settings.

    `effective` says what of a write takes effect, given what the tables hold, and may raise
    RefusedError.
    """

    functions: frozenset[int]
    settings: tuple[Setting, ...]
    keeping: Mapping[Table, tuple[range, ...]] = field(default_factory=dict)
    effective: Callable[[Contents, Write], Mapping[RegisterRef, int]] = as_written

    def carry_out(self, contents: Contents, write: Write) -> WrittenSettings:
        """What `write` changes; raises RefusedError."""
        if write.function not in self.functions:
            raise RefusedError(ILLEGAL_FUNCTION)
        if not all(self._takes(place) for place in write.words):
            raise RefusedError(ILLEGAL_ADDRESS)
        words = self.effective(contents, write)
        asked = {
            setting.name: value
            for setting in self.settings
            if setting.place.place in words
            and (value := setting.asked(words[setting.place.place])) is not None
        }
        return WrittenSettings(asked, words)

    def _takes(self, place: RegisterRef) -> bool:
        keeps = any(place.address in span for span in self.keeping.get(place.table, ()))
        return keeps or any(setting.place.place == place for setting in self.settings)
