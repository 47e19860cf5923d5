"""What a command may write to a unit, as data: `[[write]]`, `[[on_connect]]` and `[[deny]]` of a
profile.

How one `[[write]]` is carried out, in this order:

1. Of the entries of the commanded point, the first whose `when` holds is used; none: the point cannot be written now.
2. Each of `requires` must hold, else the command is refused with its `reason`.
3. The value must lie within `minimum` … `maximum` and within every register of `lower` and `upper`, be a multiple of
   `step`, and `WriteRule.raw` must find a raw number for it under the rule's scale.
4. `unlock` is written, in order.
5. `WriteRule.words` gives the words to write from `WriteRule.first` on with `function`; it needs the contents of
   `WriteRule.read_first`, read just before.
6. The place is read again; `WriteRule.raw_in` of it must be the raw number that was written.

All registers of 1 to 3 are in `Profile.write_spans`. Nothing in `deny` may be written, whatever
else says so.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from gateway_agent.profile.fields import (
    WORD,
    Address,
    Entry,
    Key,
    NumberKeys,
    Part,
    Range,
    Register,
    RegisterCondition,
    RegisterQuantity,
    Scale,
    as_signed,
)
from wire.points import POINTS

COMMANDABLE: Final = ("setpoint_c",)
"""The points that commands may set: those that cannot harm the unit or the house within their
bounds."""

WritableTable = Literal["holding", "coil"]
WriteFunction = Literal[5, 6, 15, 16]
_FUNCTIONS: Final[dict[WritableTable, tuple[int, ...]]] = {"holding": (6, 16), "coil": (5, 15)}


class WriteTarget(Entry):
    """A register (`function` 6 or 16) or a coil (5 or 15) that is written."""

    address: Address
    table: WritableTable = "holding"
    function: WriteFunction = 16

    @model_validator(mode="after")
    def _function_of_the_table(self) -> "WriteTarget":
        if self.function not in _FUNCTIONS[self.table]:
            wanted = " or ".join(map(str, _FUNCTIONS[self.table]))
            raise ValueError(
                f"a {self.table} is written with function {wanted}, not {self.function}"
            )
        return self

    @property
    def key(self) -> Key:
        """Table and address."""
        return (self.table, self.address)


class Assignment(WriteTarget):
    """A fixed content for one register, or 0 or 1 for a coil."""

    value: Annotated[int, Field(ge=0, le=WORD)]

    @model_validator(mode="after")
    def _fits_the_table(self) -> "Assignment":
        if self.table == "coil" and self.value > 1:
            raise ValueError("a coil is 0 or 1")
        return self


class Fixed(Part):
    """Bits of a register of the block that every write sets to `value`."""

    value: Annotated[int, Field(ge=0, le=WORD)]

    @model_validator(mode="after")
    def _fits_the_mask(self) -> "Fixed":
        if self.value >> self.bit_count:
            raise ValueError("`value` has more bits than `mask`")
        return self


class Requirement(RegisterCondition):
    """A state of the unit without which it would ignore or misuse the write; `reason` is what the
    operator reads."""

    reason: Annotated[str, Field(min_length=1)]


class Denied(Range):
    """Registers no command and no profile may write; `why` says what they would do."""

    table: WritableTable = "holding"
    why: Annotated[str, Field(min_length=1)]

    def covers(self, key: Key) -> bool:
        """Whether writing the register or coil `key` is denied by this."""
        return self.table == key[0] and key[1] in self


class WriteRule(Scale, WriteTarget):
    """How one point is written.

    raw = (value − `offset`) × `divisor` ÷ `factor`, or by the conditional scale called `scale`;
    `codes` instead lists the raw content of each value (`codes = { 0 = 0x55, 1 = 0xAA }`). `mask`
    keeps the register's other bits: it is read first. `block`: all its registers are read, changed
    and written at once, with the bits in `fixed` set. `minimum` and `maximum` in the point's unit
    always bound the value; `lower` and `upper` are registers that bound it further. `step` is the
    finest step the unit keeps, where that is coarser than the scale.
    """

    point: str
    mask: Annotated[int, Field(gt=0, le=WORD)] = WORD
    signed: bool = False
    scale: str | None = None
    codes: Annotated[dict[int, Register], NumberKeys] = Field(default_factory=dict)
    step: Annotated[float, Field(gt=0)] | None = None
    minimum: float
    maximum: float
    lower: list[RegisterQuantity] = Field(default_factory=list)
    upper: list[RegisterQuantity] = Field(default_factory=list)
    when: list[RegisterCondition] = Field(default_factory=list)
    requires: list[Requirement] = Field(default_factory=list)
    unlock: list[Assignment] = Field(default_factory=list)
    block: Range | None = None
    fixed: list[Fixed] = Field(default_factory=list)

    @model_validator(mode="after")
    def _fits_together(self) -> "WriteRule":
        if self.point not in COMMANDABLE:
            raise ValueError(
                f"{self.point!r} cannot be commanded; only {', '.join(COMMANDABLE)} can"
            )
        if not POINTS[self.point].low <= self.minimum <= self.maximum <= POINTS[self.point].high:
            raise ValueError(
                "`minimum` and `maximum` must be in order and within what is plausible for the point"
            )
        if self.block is not None and not (self.address in self.block and self.function == 16):
            raise ValueError("a block is written with function 16 and contains `address`")
        if any(self.block is None or part.address not in self.block for part in self.fixed):
            raise ValueError("`fixed` changes registers of `block` only")
        return self

    @property
    def first(self) -> int:
        """Address of the first register written."""
        return self.address if self.block is None else self.block.first

    @property
    def read_first(self) -> list[Key]:
        """The registers whose contents `words` needs, in order of address; none for a whole
        register."""
        if self.block is not None:
            return [
                (self.table, address) for address in range(self.block.first, self.block.last + 1)
            ]
        return [self.key] if self.mask != WORD else []

    @property
    def written(self) -> list[Key]:
        """Every register this writes, the ones of `unlock` included."""
        return [*(place.key for place in self.unlock), *(self.read_first or [self.key])]

    def raw(self, value: float, scale: Scale) -> int | None:
        """The content for `value` (in the point's unit) under `scale`; None where the unit cannot
        hold exactly that."""
        if self.codes:
            return self.codes.get(round(value)) if value == round(value) else None
        number = scale.number(value)
        if number is None or not self._is_a_step(value):
            return None
        bits = self._part.bit_count
        low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if self.signed else (0, (1 << bits) - 1)
        return number & ((1 << bits) - 1) if low <= number <= high else None

    def raw_in(self, word: int) -> int:
        """The raw number that the place holds when its register's content is `word`."""
        return self._part.of(word)

    def value_in(self, word: int, scale: Scale) -> float | None:
        """The value, in the point's unit, that the register's content `word` means; None for an
        unlisted code."""
        raw = self.raw_in(word)
        if self.codes:
            return next((float(value) for value, code in self.codes.items() if code == raw), None)
        return scale.value(as_signed(raw, self._part.bit_count) if self.signed else raw)

    def words(self, raw: int, contents: Mapping[Key, int]) -> list[int]:
        """What to write from `first` on, for the raw number `raw`; `contents` must hold all of
        `read_first`."""
        words = dict(contents)
        for fixed in self.fixed:
            words[(self.table, fixed.address)] = fixed.into(
                words[(self.table, fixed.address)], fixed.value
            )
        words[self.key] = self._part.into(words.get(self.key, 0), raw)
        return [words[key] for key in self.read_first or [self.key]]

    @property
    def _part(self) -> Part:
        return Part(address=self.address, mask=self.mask)

    def _is_a_step(self, value: float) -> bool:
        if self.step is None:
            return True
        return abs(value / self.step - round(value / self.step)) < 1e-6
