"""Writes to a unit, as data: `[[write]]`, `[[on_connect]]` and `[[deny]]` of a profile.

A `[[write]]` is carried out in this order:

1. Of the entries of the commanded point the first whose `when` holds is used. If none holds, the
   point cannot be written now.
2. Each of `requires` must hold, else the command is refused with its `reason`.
3. The value must lie within `minimum` … `maximum` and within every register of `lower` and
   `upper`, and be a multiple of `step`. `WriteRule.raw` must find a raw number for it under the
   rule's scale.
4. `unlock` is written, in order.
5. `WriteRule.words` gives the words to write from `WriteRule.first` on with `function`. It needs
   the contents of `WriteRule.read_first`, read just before.
6. The register is read again; `WriteRule.raw_in` of it must be the raw number that was written, at
   once or within `settle_ms`.

`Profile.write_spans` holds all registers of 1 to 3. A register in `deny` is never written, whatever
any other table contains.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from gateway_agent.profile.encodings import as_signed
from gateway_agent.profile.fields import (
    WORD,
    Address,
    Entry,
    Key,
    NumberKeys,
    Part,
    QuantitySource,
    Range,
    Register,
    RegisterCondition,
    Scale,
)
from wire.points import POINTS

COMMANDABLE: Final = ("setpoint_c",)
"""The points that commands may set: within their bounds they harm neither unit nor house."""

WritableTable = Literal["holding", "coil"]
WriteFunction = Literal[5, 6, 15, 16]
_FUNCTIONS: Final[dict[WritableTable, tuple[int, ...]]] = {"holding": (6, 16), "coil": (5, 15)}


Content = Annotated[int, Field(ge=0, le=WORD)]


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

    value: Content

    @model_validator(mode="after")
    def _fits_the_table(self) -> "Assignment":
        if self.table == "coil" and self.value > 1:
            raise ValueError("a coil is 0 or 1")
        return self


class ConnectWrite(WriteTarget):
    """Contents that a unit gets when it begins to answer, before it is read.

    `values` go to `address` and the following registers in one request; `value` is one content.
    They are read with every reading and written again once they are lost, except with
    `verify = false`, for registers that cannot be read.
    """

    value: Content | None = None
    values: Annotated[list[Content], Field(min_length=1, max_length=123)] | None = None
    verify: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> "ConnectWrite":
        if (self.value is None) == (self.values is None):
            raise ValueError("give either `value` or `values`")
        if len(self.contents) > 1 and self.function not in (15, 16):
            raise ValueError("several registers need function 16, several coils function 15")
        if self.table == "coil" and max(self.contents) > 1:
            raise ValueError("a coil is 0 or 1")
        if self.address + len(self.contents) - 1 > WORD:
            raise ValueError("the last register would be above 65535")
        return self

    @property
    def contents(self) -> list[int]:
        """What is written, from `address` on."""
        return self.values or [self.value or 0]

    @property
    def written(self) -> dict[Key, int]:
        """The content of each register after the write."""
        return {
            (self.table, self.address + offset): content
            for offset, content in enumerate(self.contents)
        }


class Fixed(Part):
    """Bits of a register of the block that every write sets to `value`."""

    value: Annotated[int, Field(ge=0, le=WORD)]

    @model_validator(mode="after")
    def _fits_the_mask(self) -> "Fixed":
        if self.value >> self.bit_count:
            raise ValueError("`value` has more bits than `mask`")
        return self


class Requirement(RegisterCondition):
    """A state of the unit without which it would ignore or misuse the write.

    `reason` is the text that the operator reads.
    """

    reason: Annotated[str, Field(min_length=1)]


class Denied(Range):
    """Registers that no command and no profile may write; `why` names their effect."""

    table: WritableTable = "holding"
    why: Annotated[str, Field(min_length=1)]

    def covers(self, key: Key) -> bool:
        """Whether this denies a write of the register or coil `key`."""
        return self.table == key[0] and key[1] in self


class WriteRule(Scale, WriteTarget):
    """How one point is written.

    raw = (value − `offset`) × `divisor` ÷ `factor`, or by the conditional scale named `scale`;
    `codes` instead lists the raw content of each value (`codes = { 0 = 0x55, 1 = 0xAA }`). `mask`
    keeps the register's other bits: it is read first. `block`: all its registers are read, changed
    and written at once, with the bits in `fixed` set. `minimum` and `maximum` in the point's unit
    always bound the value; `lower` and `upper` are registers that bound it further. `step` is the
    finest step that the unit keeps, if that is coarser than the scale. `settle_ms` is the longest
    time until the unit shows what it was given.

    `pause_s` is the shortest time between two writes by commands. Units keep set-points in EEPROM,
    whose cells are usually rated for 100,000 writes. A sender that writes every second wears a cell
    out in 28 hours; at one write a minute it takes 69 days, and at ten writes a day 27 years.
    """

    point: str
    mask: Annotated[int, Field(gt=0, le=WORD)] = WORD
    signed: bool = False
    scale: str | None = None
    codes: Annotated[dict[int, Register], NumberKeys] = Field(default_factory=dict)
    step: Annotated[float, Field(gt=0)] | None = None
    settle_ms: Annotated[int, Field(ge=0, le=30_000)] = 3_000
    pause_s: Annotated[int, Field(ge=5, le=86_400)] = 60
    minimum: float
    maximum: float
    lower: list[QuantitySource] = Field(default_factory=list)
    upper: list[QuantitySource] = Field(default_factory=list)
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
                "`minimum` and `maximum` must be in order "
                "and within the plausible range of the point"
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
        """The registers whose contents `words` needs, in order of address.

        Empty if a whole register is written.
        """
        if self.block is not None:
            addresses = range(self.block.first, self.block.last + 1)
            return [(self.table, address) for address in addresses]
        return [self.key] if self.mask != WORD else []

    @property
    def written(self) -> list[Key]:
        """Every register this writes, with those of `unlock`."""
        unlocked = [assignment.key for assignment in self.unlock]
        return [*unlocked, *(self.read_first or [self.key])]

    def raw(self, value: float, scale: Scale) -> int | None:
        """The raw number of `value` (in the point's unit) under `scale`.

        None if the unit cannot hold exactly that value.
        """
        if self.codes:
            return self.codes.get(round(value)) if value == round(value) else None
        number = scale.number(value)
        if number is None or not self._is_a_step(value):
            return None
        size = 1 << self._part.bit_count
        low, high = (-size // 2, size // 2 - 1) if self.signed else (0, size - 1)
        return number & (size - 1) if low <= number <= high else None

    def raw_in(self, word: int) -> int:
        """The raw number in a register whose content is `word`."""
        return self._part.of(word)

    def value_in(self, word: int, scale: Scale) -> float | None:
        """The value, in the point's unit, of the register's content `word`.

        None for an unlisted code.
        """
        raw = self.raw_in(word)
        if self.codes:
            return next((float(value) for value, code in self.codes.items() if code == raw), None)
        return scale.value(as_signed(raw, self._part.bit_count) if self.signed else raw)

    def words(self, raw: int, contents: Mapping[Key, int]) -> list[int]:
        """The words to write from `first` on, for the raw number `raw`.

        `contents` must hold all of `read_first`.
        """
        words = dict(contents)
        for fixed in self.fixed:
            key: Key = (self.table, fixed.address)
            words[key] = fixed.into(words[key], fixed.value)
        words[self.key] = self._part.into(words.get(self.key, 0), raw)
        return [words[key] for key in self.read_first or [self.key]]

    @property
    def _part(self) -> Part:
        return Part(address=self.address, mask=self.mask)

    def _is_a_step(self, value: float) -> bool:
        if self.step is None:
            return True
        return abs(value / self.step - round(value / self.step)) < 1e-6
