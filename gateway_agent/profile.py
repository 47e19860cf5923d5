"""The register map of one family of heat pumps, as data: the schema of `config/profiles/*.toml`.

Every number in a profile is about one controller family; nothing here knows any of them.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from configuration.fields import Identifier, Settings
from wire.decode import is_fault
from wire.points import POINTS, FaultKind, State

Table = Literal["coil", "discrete", "holding", "input"]
Key = tuple[Table, int]
"""One register or bit of a unit: its table and its 0-based address."""

FUNCTION_CODES: Final[dict[Table, int]] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}

Address = Annotated[int, Field(ge=0, le=0xFFFF)]
Bit = Annotated[int, Field(ge=0, le=15)]
Register = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]


def _numbers_as_keys(table: Any) -> Any:
    """TOML keys are text; those of code and bit tables are numbers, and must be written as plain ones."""
    if not isinstance(table, dict):
        return table
    wrong = [key for key in table if not (isinstance(key, str) and key.isascii() and key.isdigit())]
    if wrong:
        raise ValueError(f"{', '.join(map(repr, wrong))}: keys here are whole numbers")
    return {int(key): value for key, value in table.items()}


class Range(Settings):
    """Addresses or raw values `from` … `to`, both included."""

    first: Annotated[Register, Field(alias="from")]
    last: Annotated[Register, Field(alias="to")]

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.first > self.last:
            raise ValueError("`from` is above `to`")
        return self

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last


Sentinel = Register | Range


class Place(Settings):
    """Where something stands: an address in `table`, or in the profile's own table where none is named."""

    address: Address
    table: Table | None = None


class Condition(Place):
    """Holds when the register, or its `bit`, or its bits under `mask`, is one of `in` (a bit alone: is 1)."""

    bit: Bit | None = None
    mask: Register | None = None
    values: Annotated[list[Register], Field(alias="in", min_length=1, default_factory=lambda: [1])]

    @model_validator(mode="before")
    @classmethod
    def _says_what_it_expects(cls, document: Any) -> Any:
        if isinstance(document, dict) and "bit" not in document and "in" not in document:
            raise ValueError("say which values `in`, or which `bit`")
        if isinstance(document, dict) and "bit" in document and "mask" in document:
            raise ValueError("`bit` and `mask` exclude each other")
        return document

    def holds(self, raw: int) -> bool:
        """Whether the register's content `raw` fulfils this."""
        if self.bit is not None:
            return (raw >> self.bit & 1) in self.values
        return (raw if self.mask is None else raw & self.mask) in self.values


class Scale(Settings):
    """raw × `factor` ÷ `divisor` + `offset` is the value in the point's unit.

    `sentinels` are raw contents, before any sign, that mean there is no value.
    A divisor instead of a fraction keeps decimals exact: 31718 ÷ 100 is 317.18.
    """

    factor: float = 1.0
    divisor: Annotated[float, Field(gt=0)] = 1.0
    offset: float = 0.0
    sentinels: list[Sentinel] = Field(default_factory=list)

    def value(self, number: int) -> float:
        """The physical value of the raw number `number`."""
        return number * self.factor / self.divisor + self.offset


class ScaleVariant(Scale):
    """One of several scales, used when `when` holds; the last one may do without."""

    when: Condition | None = None


class PointSource(Scale, Place):
    """Where one point comes from. Several sources of one point are tried in order of their `when`.

    `scale` names a conditional scale of the profile. `bits`: the point is 1 when any of them is set, else 0.
    `absent`: values, in the point's unit, that the unit shows when the sensor is not fitted.
    """

    point: str
    width: Literal[16, 32] = 16
    word_order: Literal["high_first", "low_first"] = "high_first"
    signed: bool = False
    scale: str | None = None
    bits: Annotated[list[Bit], Field(min_length=1)] | None = None
    absent: list[float] = Field(default_factory=list)
    when: list[Condition] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> "PointSource":
        if self.point not in POINTS:
            raise ValueError(f"{self.point!r} is not a point; the points are {', '.join(POINTS)}")
        if self.bits is not None and (self.width == 32 or self.signed or self.scale is not None):
            raise ValueError("a point made of bits has no width, sign or scale")
        if self.scale is not None and {"factor", "divisor", "offset"} & self.model_fields_set:
            raise ValueError("`scale` names the scale; factor, divisor and offset stand there")
        if self.width == 32 and self.address == 0xFFFF:
            raise ValueError("a 32-bit value needs two registers")
        return self

    @property
    def registers(self) -> int:
        """How many registers the value takes, from `address` on."""
        return self.width // 16


class StateRule(Settings):
    """The unit is in `state` when all of `when` hold; the first rule that fits decides."""

    state: State
    when: list[Condition] = Field(default_factory=list)


class FaultCodes(Place):
    """A register that holds one fault code; `codes` maps it to `kind:vendor_code`, `none` lists "no fault"."""

    none: list[Register] = Field(default_factory=lambda: [0])
    codes: Annotated[dict[int, str], BeforeValidator(_numbers_as_keys)]

    @model_validator(mode="after")
    def _check(self) -> "FaultCodes":
        wrong = [text for text in self.codes.values() if not is_fault(text)]
        if wrong:
            raise ValueError(f"not kind:vendor_code: {', '.join(wrong)}")
        return self


class FaultBits(Place):
    """A register whose set bits are faults; the vendor code is `address.bit`. A bit not listed is `other`."""

    kinds: Annotated[dict[Bit, FaultKind], BeforeValidator(_numbers_as_keys)]


class FaultPanel(Place):
    """A register that numbers panel codes: band letter × 20 + suffix, from 1; bits above `mask` are detail."""

    mask: Register
    bands: Annotated[str, Field(min_length=1)]
    suffixes: Annotated[str, Field(min_length=1)]
    kinds: dict[str, FaultKind] = Field(default_factory=dict)


class ReadLimits(Settings):
    """What a unit of this family can bear on the bus.

    `pacing_ms` is the least silence before a request, `turnaround_ms` the usual time to answer, `timeout_ms` the
    longest. `single`: addresses that must be asked one value at a time. `forbidden`: never touched, not even
    inside a longer read.
    """

    table: Table = "holding"
    max_registers: Annotated[int, Field(ge=1, le=125)]
    pacing_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    turnaround_ms: Annotated[int, Field(ge=0, le=10_000)] = 50
    timeout_ms: Annotated[int, Field(ge=20, le=30_000)] = 1_000
    single: list[Range] = Field(default_factory=list)
    forbidden: list[Range] = Field(default_factory=list)


class Profile(Settings):
    """One register map; `profile` is its id, `source` says where its facts come from."""

    profile: Identifier
    title: str
    source: str
    read: ReadLimits
    scale: dict[str, Annotated[list[ScaleVariant], Field(min_length=1)]] = Field(default_factory=dict)
    point: Annotated[list[PointSource], Field(min_length=1)]
    state: Annotated[list[StateRule], Field(min_length=1)]
    fault_codes: list[FaultCodes] = Field(default_factory=list)
    fault_bits: list[FaultBits] = Field(default_factory=list)
    fault_panel: list[FaultPanel] = Field(default_factory=list)

    @property
    def points(self) -> tuple[str, ...]:
        """The points this map can report, each once, in the order of the file."""
        return tuple(dict.fromkeys(source.point for source in self.point))

    @property
    def capabilities(self) -> frozenset[str]:
        """The points and the states this map can report."""
        return frozenset(self.points) | {rule.state for rule in self.state}

    def key(self, place: Place, offset: int = 0) -> Key:
        """Table and address of `place`, or of the register `offset` further on."""
        return (place.table or self.read.table, place.address + offset)

    def spans(self) -> set[tuple[Key, int]]:
        """Every register the decoder needs: where each value begins, and how many registers it takes."""
        singles: list[Place] = [*self.fault_codes, *self.fault_bits, *self.fault_panel]
        singles += [variant.when for variants in self.scale.values() for variant in variants if variant.when]
        singles += [condition for rule in self.state for condition in rule.when]
        singles += [condition for source in self.point for condition in source.when]
        spans = {(self.key(place), 1) for place in singles}
        return spans | {(self.key(source), source.registers) for source in self.point}

    def problems(self) -> list[tuple[str, str]]:
        """What single keys cannot show: (key, what is wrong) for each contradiction inside the profile."""
        return [*self._unknown_scales(), *self._unread(), *self._undecided()]

    def _unknown_scales(self) -> list[tuple[str, str]]:
        return [
            (f"point[{index}].scale", f"there is no [[scale.{source.scale}]]")
            for index, source in enumerate(self.point)
            if source.scale is not None and source.scale not in self.scale
        ]

    def _unread(self) -> list[tuple[str, str]]:
        return [
            ("read.forbidden", f"{address} is needed by this profile and forbidden")
            for (_, first), count in sorted(self.spans())
            for address in range(first, first + count)
            if any(address in gap for gap in self.read.forbidden)
        ]

    def _undecided(self) -> list[tuple[str, str]]:
        problems = []
        if self.state[-1].when:
            problems.append(("state", "the last rule must fit always, so that there is always a state"))
        always = [source.point for source in self.point if not source.when]
        twice = sorted({name for name in always if always.count(name) > 1})
        return problems + [("point", f"{name} has two sources without `when`") for name in twice]
