"""The settings that a master can change, and the meaning of a write."""

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
        """The table that the write changes."""
        return "coil" if self.function in (WRITE_COIL, WRITE_COILS) else "holding"

    @property
    def words(self) -> dict[RegisterRef, int]:
        """The written words by address."""
        return {
            RegisterRef(self.table, self.address + offset): value
            for offset, value in enumerate(self.values)
        }


@dataclass(frozen=True, slots=True)
class Setting:
    """A field that shows a setting and takes a new one, from `low` to `high` in the unit of `name`.

    With `codes` only those numbers have a meaning; the unit accepts others and ignores them.
    """

    name: str
    register: Field
    step: float = 1.0
    low: float = 0.0
    high: float = 1.0
    codes: Mapping[int, float] = field(default_factory=dict)

    def raw(self, value: float) -> int:
        """The raw number for `value`."""
        for code, meant in self.codes.items():
            if meant == value:
                return code
        return floor(value / self.step + 0.5)

    def held(self, value: float) -> float:
        """`value` as a master reads it back."""
        return value if self.codes else round(self.raw(value) * self.step, 6)

    def asked(self, word: int) -> float | None:
        """The setting that a written word asks for; None if the word has no meaning.

        Raises RefusedError with ILLEGAL_VALUE outside the range.
        """
        raw = self.register.of(word)
        if self.codes:
            return self.codes.get(raw)
        value = round(raw * self.step, 6)
        if not self.low <= value <= self.high:
            raise RefusedError(ILLEGAL_VALUE)
        return value


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """The changes of a write: settings by name, and words of registers that only store them."""

    settings: Mapping[str, float]
    kept: Mapping[RegisterRef, int]


def as_written(contents: Contents, write: Write) -> dict[RegisterRef, int]:
    """All words of `write`: the rule of a brand whose writes take effect at once."""
    return write.words


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes that a unit takes: by `functions`, to settings and to `keeping` registers.

    `effective` gives the words of a write that take effect, given the tables; it may raise
    RefusedError.
    """

    functions: frozenset[int]
    settings: tuple[Setting, ...]
    keeping: Mapping[Table, tuple[range, ...]] = field(default_factory=dict)
    effective: Callable[[Contents, Write], Mapping[RegisterRef, int]] = as_written

    def carry_out(self, contents: Contents, write: Write) -> WrittenSettings:
        """The changes of `write`; raises RefusedError."""
        if write.function not in self.functions:
            raise RefusedError(ILLEGAL_FUNCTION)
        if not all(self._takes(ref) for ref in write.words):
            raise RefusedError(ILLEGAL_ADDRESS)
        words = self.effective(contents, write)
        asked = {
            setting.name: value
            for setting in self.settings
            if setting.register.ref in words
            and (value := setting.asked(words[setting.register.ref])) is not None
        }
        return WrittenSettings(asked, words)

    def _takes(self, ref: RegisterRef) -> bool:
        keeps = any(ref.address in span for span in self.keeping.get(ref.table, ()))
        return keeps or any(setting.register.ref == ref for setting in self.settings)
