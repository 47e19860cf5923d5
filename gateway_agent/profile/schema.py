"""The schema of `config/profiles/*.toml`: the register map of one family of heat pumps, as data.

Every number of a family stands in its profile, none in this code.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from configuration.fields import Identifier
from gateway_agent.profile.fields import (
    Address,
    Bit,
    Entry,
    Key,
    NumberKeys,
    Part,
    QuantitySource,
    Range,
    Register,
    RegisterCondition,
    RegisterRef,
    ScaleVariant,
    Span,
    Table,
)
from gateway_agent.profile.writes import ConnectWrite, Denied, WriteRule
from wire.decode import is_fault
from wire.points import POINTS, FaultKind, State

Combine = Literal["sum", "least", "greatest"]


class PointSource(QuantitySource):
    """A source of one point. Of several sources the first whose `when` holds counts.

    `bits`: the point is 1 if any of them is set, else 0; with `inverted` the other way round.
    `further`: other numbers of the same quantity, such as the MWh of a counter or a second fan; the
    point is their sum with this one, or the least or greatest, as `combine` says. `absent`: values,
    in the point's unit, that the unit shows if the sensor is not fitted.
    """

    point: str
    further: list[QuantitySource] = Field(default_factory=list)
    combine: Combine = "sum"
    bits: Annotated[list[Bit], Field(min_length=1)] | None = None
    inverted: bool = False
    absent: list[float] = Field(default_factory=list)
    when: list[RegisterCondition] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check(self) -> "PointSource":
        if self.point not in POINTS:
            raise ValueError(f"{self.point!r} is not a point; the points are {', '.join(POINTS)}")
        if self.bits is not None and self.is_number:
            raise ValueError("a point made of bits has no width, sign, scale or further parts")
        if self.inverted and self.bits is None:
            raise ValueError("`inverted` is about `bits`")
        if "combine" in self.model_fields_set and not self.further:
            raise ValueError("`combine` is about `further`")
        return self

    @property
    def is_number(self) -> bool:
        """Whether a key is set that only a number has."""
        odd = self.signed or self.encoding != "binary" or self.scale is not None
        return self.width == 32 or odd or bool(self.then) or bool(self.further)

    @property
    def numbers(self) -> list[QuantitySource]:
        """This number and those it is combined with."""
        return [self, *self.further]


class StateRule(Entry):
    """The unit is in `state` if all of `when` hold; the first rule that fits decides.

    With `for_s` they must have held that many seconds without a break. So a state is inferred that
    no register shows.
    """

    state: State
    when: list[RegisterCondition] = Field(default_factory=list)
    for_s: Annotated[int, Field(ge=1, le=3_600)] | None = None

    @model_validator(mode="after")
    def _only_a_timed_rule_rises(self) -> "StateRule":
        if self.for_s is None and any(condition.rising for condition in self.when):
            raise ValueError(
                "`rising` needs a rule with `for_s`: "
                "it compares with the moment when the rule began to hold"
            )
        return self


class FaultNames(Entry):
    """The faults of numbers: codes, bits or addresses.

    `codes` maps a number to `kind:vendor_code`, with the vendor code that the panel shows. A number
    without one becomes `prefix` and the number in `digits` digits, such as E07, of the kind
    `other`.
    """

    codes: Annotated[dict[int, str], NumberKeys] = Field(default_factory=dict)
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z]{1,4}$")] | None = None
    digits: Annotated[int, Field(ge=1, le=5)] = 1

    @model_validator(mode="after")
    def _check(self) -> "FaultNames":
        wrong = [text for text in self.codes.values() if not is_fault(text)]
        if wrong:
            raise ValueError(f"not kind:vendor_code: {', '.join(wrong)}")
        return self

    def named(self, number: int, kind: FaultKind, otherwise: str) -> str:
        """The fault of `number`; where no key names it, `kind` with the vendor code `otherwise`."""
        if number in self.codes:
            return self.codes[number]
        shown = otherwise if self.prefix is None else f"{self.prefix}{number:0{self.digits}}"
        return f"{kind}:{shown}"


class FaultCodes(FaultNames, Part):
    """A register (or its bits under `mask`) that holds one fault code.

    `none` lists the codes for "no fault". A code that no key names becomes `other:address.code`.
    """

    none: list[Register] = Field(default_factory=lambda: [0])

    def fault(self, code: int) -> str:
        """The fault of the register's content `code`."""
        return self.named(code, "other", f"{self.address}.{code}")


class FaultBits(FaultNames, RegisterRef):
    """A register whose set bits are faults.

    A bit that neither `codes` nor `prefix` names has the vendor code `address.bit`, and its kind of
    `kinds`, else `other`.
    """

    kinds: Annotated[dict[Bit, FaultKind], NumberKeys] = Field(default_factory=dict)

    def fault(self, bit: int) -> str:
        """The fault of the set bit `bit`."""
        return self.named(bit, self.kinds.get(bit, "other"), f"{self.address}.{bit}")


class FaultFlags(FaultNames):
    """Coils or discrete inputs, those of `kinds` and `codes`, whose 1 is a fault.

    One that neither `codes` nor `prefix` names has its address as vendor code.
    """

    table: Literal["coil", "discrete"]
    kinds: Annotated[dict[Address, FaultKind], NumberKeys] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_some(self) -> "FaultFlags":
        if not self.addresses:
            raise ValueError("name the addresses in `kinds` or `codes`")
        return self

    @property
    def addresses(self) -> list[int]:
        """The addresses of all its faults."""
        return sorted({*self.kinds, *self.codes})

    @property
    def registers(self) -> list[RegisterRef]:
        """Every bit of `kinds` and `codes`."""
        return [RegisterRef(address=address, table=self.table) for address in self.addresses]

    def fault(self, address: int) -> str:
        """The fault of the set bit at `address`."""
        return self.named(address, self.kinds.get(address, "other"), str(address))


class FaultPanel(RegisterRef):
    """A register that numbers panel codes from 1, all suffixes of one band after the other.

    Bits outside `mask` are detail and not part of the number.
    """

    mask: Register
    bands: Annotated[str, Field(min_length=1)]
    suffixes: Annotated[str, Field(min_length=1)]
    kinds: dict[str, FaultKind] = Field(default_factory=dict)


class ReadLimits(Entry):
    """Limits of a unit of this family on the bus.

    `max_registers` is the most that one request may ask for; `max_bits` the most coils or discrete
    inputs, if that differs. `pacing_ms` is the least silence before a request, `turnaround_ms` the
    usual time to answer, `timeout_ms` the longest. `single`: addresses that must be asked one value
    at a time. `forbidden`: addresses never touched, not even inside a longer read. `frames`: the
    only blocks that the unit answers, each asked whole and alone. `slow`: points that change so
    rarely that one reading in several is enough.
    """

    table: Table = "holding"
    max_registers: Annotated[int, Field(ge=1, le=125)]
    max_bits: Annotated[int, Field(ge=1, le=2_000)] | None = None
    pacing_ms: Annotated[int, Field(ge=0, le=10_000)] = 0
    turnaround_ms: Annotated[int, Field(ge=0, le=10_000)] = 50
    timeout_ms: Annotated[int, Field(ge=20, le=30_000)] = 1_000
    single: list[Range] = Field(default_factory=list)
    forbidden: list[Range] = Field(default_factory=list)
    frames: list[Range] = Field(default_factory=list)
    slow: list[str] = Field(default_factory=list)

    def longest(self, table: Table) -> int:
        """The most registers or bits of `table` that one request may ask for."""
        if self.max_bits is not None and table in ("coil", "discrete"):
            return self.max_bits
        return self.max_registers


class Profile(Entry):
    """One register map; `profile` is its id, `source` names the documents of its facts.

    With `meter` it is that of an electricity or heat meter, which has points and nothing else.
    """

    profile: Identifier
    meter: bool = False
    title: str
    source: str
    read: ReadLimits
    scale: dict[str, Annotated[list[ScaleVariant], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    point: Annotated[list[PointSource], Field(min_length=1)]
    state: list[StateRule] = Field(default_factory=list, validate_default=True)
    fault_codes: list[FaultCodes] = Field(default_factory=list)
    fault_bits: list[FaultBits] = Field(default_factory=list)
    fault_flags: list[FaultFlags] = Field(default_factory=list)
    fault_panel: list[FaultPanel] = Field(default_factory=list)
    on_connect: list[ConnectWrite] = Field(default_factory=list)
    write: list[WriteRule] = Field(default_factory=list)
    deny: list[Denied] = Field(default_factory=list)

    @field_validator("state")
    @classmethod
    def _has_a_state(cls, rules: list[StateRule], info: ValidationInfo) -> list[StateRule]:
        if not rules and not info.data.get("meter"):
            raise ValueError("give at least one [[state]], or `meter = true` for a meter")
        return rules

    @property
    def points(self) -> tuple[str, ...]:
        """The points this map can report, each once, in the order of the file."""
        return tuple(dict.fromkeys(source.point for source in self.point))

    @property
    def defrost(self) -> Literal["flag", "inferred", "none"]:
        """How this map shows a defrost."""
        rules = [rule for rule in self.state if rule.state == "defrost"]
        if not rules:
            return "none"
        return "flag" if any(rule.for_s is None for rule in rules) else "inferred"

    @property
    def fault_registers(self) -> list[RegisterRef]:
        """Every register or bit that shows faults."""
        flags = [bit for source in self.fault_flags for bit in source.registers]
        return [*self.fault_codes, *self.fault_bits, *flags, *self.fault_panel]

    @property
    def named_faults(self) -> list[tuple[str, str, str]]:
        """Every vendor code that has a kind: the key that names it, the code, its kind."""
        sources: dict[str, Sequence[FaultNames]] = {
            "fault_codes": self.fault_codes,
            "fault_bits": self.fault_bits,
            "fault_flags": self.fault_flags,
        }
        named = [
            _named(f"{name}[{index}].codes", fault)
            for name, entries in sources.items()
            for index, entry in enumerate(entries)
            for fault in entry.codes.values()
        ]
        panels = [
            (f"fault_panel[{index}].kinds", code, kind)
            for index, panel in enumerate(self.fault_panel)
            for code, kind in panel.kinds.items()
        ]
        return [*named, *panels]

    def kind_of(self, vendor_code: str) -> str:
        """The kind of a vendor code, whatever register shows it; `other` if no key names it."""
        kinds = (kind for _, code, kind in self.named_faults if code == vendor_code)
        return next(kinds, "other")

    def key(self, register: RegisterRef) -> Key:
        """Table and address of `register`."""
        return (register.table or self.read.table, register.address)

    def spans(self, without: Collection[str] = ()) -> set[Span]:
        """Every value of a reading, but for the points named in `without`."""
        spans = self.status_spans() | {
            ((write.table, write.address), len(write.contents))
            for write in self.on_connect
            if write.verify
        }
        for source in self.point:
            if source.point not in without:
                spans |= self._point(source)
        return spans

    def status_spans(self) -> set[Span]:
        """The registers that state and faults depend on."""
        faults = {(self.key(register), 1) for register in self.fault_registers}
        return faults | self._conditions(
            condition for rule in self.state for condition in rule.when
        )

    def write_spans(self, rule: WriteRule) -> set[Span]:
        """Every value that `rule` depends on: its bounds, conditions and scale."""
        spans = self._conditions([*rule.when, *rule.requires]) | self._scale_spans(rule.scale)
        for limit in (*rule.lower, *rule.upper):
            spans |= self._quantity(limit)
        return spans

    def _point(self, source: PointSource) -> set[Span]:
        """What one source needs; numbers that are added stand in one span where they touch."""
        spans = set().union(*map(self._quantity, source.numbers)) | self._conditions(source.when)
        whole = [(self.key(number), number.registers) for number in source.numbers]
        return spans | _joined(whole) if source.further and source.combine == "sum" else spans

    def _quantity(self, quantity: QuantitySource) -> set[Span]:
        apart = {(self.key(part), 1) for part in quantity.then}
        whole = {(self.key(quantity), quantity.registers)}
        return whole | apart | self._scale_spans(quantity.scale)

    def _scale_spans(self, name: str | None) -> set[Span]:
        variants = self.scale.get(name or "", [])
        return self._conditions(condition for each in variants for condition in each.when)

    def _conditions(self, conditions: Iterable[RegisterCondition]) -> set[Span]:
        return {
            (self.key(register), 1) for condition in conditions for register in condition.registers
        }


def _named(key: str, fault: str) -> tuple[str, str, str]:
    """The key, the vendor code and the kind of a fault."""
    kind, _, code = fault.partition(":")
    return key, code, kind


def _joined(spans: list[Span]) -> set[Span]:
    """One span over `spans` if they follow each other without a gap, else none.

    A carry between two registers of a counter must not fall between two requests.
    """
    ordered = sorted(spans)
    (table, first), _ = ordered[0]
    end = first
    for (other, address), count in ordered:
        if (other, address) != (table, end):
            return set()
        end += count
    return {((table, first), end - first)}
