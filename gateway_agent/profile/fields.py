"""Fields of a profile: the register of a number, and the scale from its raw content to a value.

All of it is data read from TOML and checked strictly: a text is never taken for a number, an
unknown key is an error.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from configuration.fields import Settings
from gateway_agent.profile.encodings import SIGNED, Encoding, as_signed, number_of

Table = Literal["coil", "discrete", "holding", "input"]
Key = tuple[Table, int]
"""One register or bit of a unit: its table and its 0-based address."""

FUNCTION_CODES: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The Modbus function that reads each table."""

Span = tuple[Key, int]
"""One value: its first register, and how many registers it takes. No request cuts it in two."""

WORD: Final = 0xFFFF

Address = Annotated[int, Field(ge=0, le=WORD)]
Bit = Annotated[int, Field(ge=0, le=15)]
Register = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
SignedNumber = Annotated[int, Field(ge=-0x8000_0000, le=0xFFFF_FFFF)]


def _numbers_as_keys(table: Any) -> Any:
    """`table` with its keys, which TOML reads as text, turned into whole numbers."""
    if not isinstance(table, dict):
        return table
    wrong = [key for key in table if not (isinstance(key, str) and key.isascii() and key.isdigit())]
    if wrong:
        raise ValueError(f"{', '.join(map(repr, wrong))}: keys here are whole numbers")
    return {int(key): value for key, value in table.items()}


NumberKeys = BeforeValidator(_numbers_as_keys)
"""Marks a table whose keys are whole numbers."""


class Entry(Settings):
    """Base of every table of a profile."""

    model_config = ConfigDict(strict=True)


class NumberRange(Entry):
    """Numbers `from` … `to`, both included; negative ones too."""

    first: Annotated[SignedNumber, Field(alias="from")]
    last: Annotated[SignedNumber, Field(alias="to")]

    @model_validator(mode="after")
    def _ordered(self) -> "NumberRange":
        if self.first > self.last:
            raise ValueError("`from` is above `to`")
        return self

    def __contains__(self, number: float) -> bool:
        return self.first <= number <= self.last


class Range(NumberRange):
    """Addresses `from` … `to`, both included."""

    first: Annotated[Register, Field(alias="from")]
    last: Annotated[Register, Field(alias="to")]


Sentinel = SignedNumber | NumberRange
"""A content that means that there is no value: raw, before any sign, if it is not negative."""


def is_sentinel(raw: int, number: float, sentinels: Sequence[Sentinel]) -> bool:
    """Whether the raw content `raw`, which is `number` with its sign, means that there is no value.

    A sentinel below zero is compared with `number`, any other one with `raw`.
    """
    spans = (span_of(sentinel) for sentinel in sentinels)
    return any(first <= (number if first < 0 else raw) <= last for first, last in spans)


def span_of(sentinel: Sentinel) -> tuple[int, int]:
    """The first and the last content of `sentinel`."""
    if isinstance(sentinel, NumberRange):
        return sentinel.first, sentinel.last
    return sentinel, sentinel


class RegisterRef(Entry):
    """One register or bit: `address` in `table`, by default in the profile's own table."""

    address: Address
    table: Table | None = None


def _is_contiguous(mask: int) -> bool:
    shifted = mask // (mask & -mask) if mask else 0
    return mask > 0 and shifted & (shifted + 1) == 0


class Part(RegisterRef):
    """The bits of a register under `mask`, moved down to bit 0; all 16 without a mask."""

    mask: Annotated[int, Field(gt=0, le=WORD)] = WORD

    @model_validator(mode="after")
    def _one_run_of_bits(self) -> "Part":
        if not _is_contiguous(self.mask):
            raise ValueError("`mask` must be one run of bits")
        return self

    @property
    def bit_count(self) -> int:
        """How many bits this part has."""
        return self.mask.bit_count()

    def of(self, word: int) -> int:
        """This part of the register's content `word`."""
        return (word & self.mask) // (self.mask & -self.mask)

    def into(self, word: int, raw: int) -> int:
        """`word` with this part of it replaced by `raw`."""
        return word & ~self.mask & WORD | raw * (self.mask & -self.mask) & self.mask


class RegisterCondition(RegisterRef):
    """Holds if the register, its `bit`, or its bits under `mask`, is one of `in` (default: is 1).

    With `not_in` it holds if it is none of those. Or if it is `above` or `below` a number or
    another register's content; both are compared raw, with `signed` as 16-bit numbers with sign.
    With `rising` it must also be above its content at the moment when the rest of its rule began
    to hold; only a state rule with `for_s` has one. It holds too if one of the conditions in `or`
    does.
    """

    bit: Bit | None = None
    mask: Register | None = None
    values: Annotated[list[Register], Field(alias="in", min_length=1, default_factory=lambda: [1])]
    excluded: Annotated[list[Register] | None, Field(alias="not_in", min_length=1)] = None
    alternatives: Annotated[list["RegisterCondition"], Field(alias="or", default_factory=list)]
    signed: bool = False
    above: int | RegisterRef | None = None
    below: int | RegisterRef | None = None
    rising: bool = False

    @model_validator(mode="before")
    @classmethod
    def _has_an_expectation(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        compares = bool({"above", "below", "rising"} & document.keys())
        if not compares and not {"bit", "in", "not_in"} & document.keys():
            raise ValueError(
                "give the values `in` or `not_in`, a `bit`, a limit `above` or `below`, or `rising`"
            )
        if compares and {"bit", "mask", "in", "not_in"} & document.keys():
            raise ValueError(
                "`above`, `below` and `rising` compare the whole register, "
                "without `bit`, `mask`, `in` and `not_in`"
            )
        for pair in (("bit", "mask"), ("in", "not_in")):
            if document.keys() >= set(pair):
                raise ValueError(f"`{pair[0]}` and `{pair[1]}` exclude each other")
        return document

    @model_validator(mode="after")
    def _only_the_whole_rises(self) -> "RegisterCondition":
        if (self.alternatives and self.rising) or any(each.rising for each in self.alternatives):
            raise ValueError("`rising` and `or` exclude each other")
        return self

    @property
    def compares(self) -> bool:
        """Whether this compares the register as a number instead of listing contents."""
        return self.above is not None or self.below is not None or self.rising

    @property
    def registers(self) -> list[RegisterRef]:
        """Every register that decides it: its own, those it is compared with, and those of `or`."""
        limits = [limit for limit in (self.above, self.below) if isinstance(limit, RegisterRef)]
        further = [each for other in self.alternatives for each in other.registers]
        return [self, *limits, *further]

    def number(self, raw: int) -> int:
        """`raw` as the number that this condition compares."""
        return as_signed(raw, 16) if self.signed else raw

    def contains(self, raw: int) -> bool:
        """Whether the register's content `raw` is one of the expected ones."""
        content = raw if self.mask is None else raw & self.mask
        if self.bit is not None:
            content = raw >> self.bit & 1
        return content in self.values if self.excluded is None else content not in self.excluded


class Scale(Entry):
    """The value in the point's unit is raw × `factor` ÷ `divisor` + `offset`.

    `sentinels` are contents that mean that there is no value: raw, before any sign; those below
    zero with their sign. Where one of them is also a plausible value, `sentinel_reason` must say
    why it is none. A divisor instead of a fraction keeps decimals exact: 31718 ÷ 100 is 317.18.
    """

    factor: Annotated[float, Field(gt=0)] = 1.0
    divisor: Annotated[float, Field(gt=0)] = 1.0
    offset: float = 0.0
    sentinels: list[Sentinel] = Field(default_factory=list)
    sentinel_reason: Annotated[str, Field(min_length=1)] | None = None

    def value(self, number: float) -> float:
        """The physical value of the raw number `number`."""
        return number * self.factor / self.divisor + self.offset

    def number(self, value: float) -> int | None:
        """The raw number of exactly `value`; None if this scale has no such step."""
        exact = (value - self.offset) * self.divisor / self.factor
        return round(exact) if abs(exact - round(exact)) < 1e-6 else None


class ScaleVariant(Scale):
    """One of several scales, used if all of `when` hold; the last one may have no `when`."""

    when: list[RegisterCondition] = Field(default_factory=list)


class QuantitySource(Scale, Part):
    """A number in one or more registers, in the unit of its point.

    With `width = 32` it takes this register and the next. With `mask` and `then` it is a packed
    number: its highest bits are under `mask` here, the following ones in the parts of `then`.
    `signed` is two's complement; `encoding` names any other way to write a number. `scale` names a
    conditional scale of the profile.
    """

    width: Literal[16, 32] = 16
    word_order: Literal["high_first", "low_first"] = "high_first"
    then: list[Part] = Field(default_factory=list)
    signed: bool = False
    encoding: Encoding = "binary"
    scale: str | None = None

    @model_validator(mode="after")
    def _encoding_fits(self) -> "QuantitySource":
        if self.signed and self.encoding != "binary":
            raise ValueError("`signed` is two's complement, without another `encoding`")
        if self.encoding == "float32" and self.width != 32:
            raise ValueError("float32 needs `width = 32`")
        if self.encoding == "bcd" and self.bits_of_number % 4:
            raise ValueError("bcd needs four bits for each digit")
        below_zero = any(span_of(each)[0] < 0 for each in self.sentinels)
        if below_zero and not self.signed and self.encoding not in SIGNED:
            raise ValueError("a sentinel below zero needs a number with sign")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "QuantitySource":
        if self.scale is not None and {"factor", "divisor", "offset"} & self.model_fields_set:
            raise ValueError("`scale` names the scale; factor, divisor and offset stand there")
        if self.width == 32 and (self.then or self.mask != WORD):
            raise ValueError("a packed number has no width; its parts have its bits")
        if self.width == 32 and self.address == WORD:
            raise ValueError("a 32-bit value needs two registers")
        return self

    @property
    def registers(self) -> int:
        """How many registers in a row the value takes from `address` on; `then` adds none."""
        return self.width // 16

    @property
    def parts(self) -> list[Part]:
        """The parts of the number, the highest first."""
        if self.width == 16:
            return [self, *self.then]
        words = [Part(address=self.address + offset, table=self.table) for offset in range(2)]
        return words[::-1] if self.word_order == "low_first" else words

    @property
    def bits_of_number(self) -> int:
        """How many bits the number has."""
        return sum(part.bit_count for part in self.parts)

    def number_in(self, raw: int) -> float | None:
        """The number, with its sign, of the raw content `raw`; None if it stands for none."""
        if self.signed:
            return as_signed(raw, self.bits_of_number)
        return number_of(raw, self.bits_of_number, self.encoding)
