"""Decode raw registers into an observation of a heat pump, by its profile. Pure.

A register that was not read is missing from the mapping. A point that depends on it is listed as
bad, never guessed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway_agent.profile.fields import (
    Key,
    QuantitySource,
    RegisterCondition,
    RegisterRef,
    Scale,
    is_sentinel,
)
from gateway_agent.profile.schema import Combine, FaultPanel, PointSource, Profile
from wire.points import POINTS, State

Registers = Mapping[Key, int]
"""The contents read, by table and address: 16-bit words, or 0 and 1 for bit tables."""

UNKNOWN_STATE = "state"
UNKNOWN_FAULTS = "faults"

_COMBINE: Final[Mapping[Combine, Callable[[Iterable[float]], float]]] = MappingProxyType(
    {"sum": sum, "least": min, "greatest": max}
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One poll of one unit, in the fields of a reading (contract §3).

    `bad` also holds `state` or `faults` if a register they depend on was not read: then they are
    the best guess from the other registers.
    """

    state: State
    faults: list[str]
    values: dict[str, float]
    bad: list[str]


def decode(profile: Profile, registers: Registers, settled: Collection[int] = ()) -> Observation:
    """The observation that `registers` give under `profile`.

    `settled` holds the indexes of the state rules with `for_s` that have held that long; the other
    rules with `for_s` do not fit.
    """
    values, bad = measured(profile, registers)
    state, state_known = _state(profile, registers, settled)
    faults, faults_known = _faults(profile, registers)
    if not state_known:
        bad.append(UNKNOWN_STATE)
    if not faults_known:
        bad.append(UNKNOWN_FAULTS)
    return Observation(state, faults, values, bad)


def measured(profile: Profile, registers: Registers) -> tuple[dict[str, float], list[str]]:
    """The values that `registers` give under `profile`, and the points that have none."""
    values: dict[str, float] = {}
    bad: list[str] = []
    for point in profile.points:
        source, known = _source_of(profile, registers, point)
        value = _value(profile, registers, source) if source is not None else None
        if value is not None:
            values[point] = value
        elif source is not None or not known:
            bad.append(point)
    return values, bad


def holds(
    profile: Profile, registers: Registers, conditions: Iterable[RegisterCondition]
) -> bool | None:
    """Whether all `conditions` hold, `rising` aside; None if an unread register leaves it open."""
    verdicts = [_any_holds(profile, registers, condition) for condition in conditions]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _any_holds(profile: Profile, registers: Registers, condition: RegisterCondition) -> bool | None:
    """Whether `condition` or one of its alternatives holds."""
    others = [_any_holds(profile, registers, each) for each in condition.alternatives]
    verdicts = [_one_holds(profile, registers, condition), *others]
    if True in verdicts:
        return True
    return None if None in verdicts else False


def _one_holds(profile: Profile, registers: Registers, condition: RegisterCondition) -> bool | None:
    raw = registers.get(profile.key(condition))
    if raw is None:
        return None
    if condition.compares:
        return _compares(profile, registers, condition, raw)
    return condition.contains(raw)


def _compares(
    profile: Profile, registers: Registers, condition: RegisterCondition, raw: int
) -> bool | None:
    number = condition.number(raw)
    above = _limit(profile, registers, condition, condition.above)
    below = _limit(profile, registers, condition, condition.below)
    if (above is not None and number <= above) or (below is not None and number >= below):
        return False
    above_unread = above is None and condition.above is not None
    below_unread = below is None and condition.below is not None
    return None if above_unread or below_unread else True


def _limit(
    profile: Profile,
    registers: Registers,
    condition: RegisterCondition,
    limit: int | RegisterRef | None,
) -> int | None:
    if not isinstance(limit, RegisterRef):
        return limit
    raw = registers.get(profile.key(limit))
    return None if raw is None else condition.number(raw)


def _source_of(
    profile: Profile, registers: Registers, point: str
) -> tuple[PointSource | None, bool]:
    """The source of `point` that applies, None if none does; and whether that is certain."""
    for source in profile.point:
        if source.point == point:
            verdict = holds(profile, registers, source.when)
            if verdict is not False:
                return (source if verdict else None), verdict is not None
    return None, True


def _value(profile: Profile, registers: Registers, source: PointSource) -> float | None:
    if source.bits is not None:
        raw = registers.get(profile.key(source))
        if raw is None:
            return None
        is_set = any(raw >> bit & 1 for bit in source.bits)
        return 1.0 if is_set is not source.inverted else 0.0
    value = _combined(profile, registers, source)
    if value is None or value in source.absent:
        return None
    return value if POINTS[source.point].plausible(value) else None


def _combined(profile: Profile, registers: Registers, source: PointSource) -> float | None:
    """The value of `source` with its further numbers; None if any of them has none."""
    values = [quantity(profile, registers, number) for number in source.numbers]
    known = [value for value in values if value is not None]
    return _COMBINE[source.combine](known) if len(known) == len(values) else None


def quantity(profile: Profile, registers: Registers, source: QuantitySource) -> float | None:
    """The value of `source` in its point's unit; None if a register is unread or a sentinel."""
    raw = _raw(profile, registers, source)
    scale = scale_of(profile, registers, source.scale, source)
    number = None if raw is None else source.number_in(raw)
    if raw is None or number is None or scale is None:
        return None
    if is_sentinel(raw, number, [*source.sentinels, *scale.sentinels]):
        return None
    return scale.value(number)


def _raw(profile: Profile, registers: Registers, source: QuantitySource) -> int | None:
    raw = 0
    for part in source.parts:
        word = registers.get(profile.key(part))
        if word is None:
            return None
        raw = raw << part.bit_count | part.of(word)
    return raw


def scale_of(profile: Profile, registers: Registers, name: str | None, own: Scale) -> Scale | None:
    """The variant of the conditional scale `name` that applies; `own` if `name` is None.

    None if no variant applies, or an unread register leaves it open.
    """
    if name is None:
        return own
    for variant in profile.scale[name]:
        verdict = holds(profile, registers, variant.when)
        if verdict is not False:
            return variant if verdict else None
    return None


def _state(profile: Profile, registers: Registers, settled: Collection[int]) -> tuple[State, bool]:
    """The state of the first rule that fits, and whether no rule before it was left open."""
    known = True
    for index, rule in enumerate(profile.state[:-1]):
        verdict = holds(profile, registers, rule.when)
        if verdict and (rule.for_s is None or index in settled):
            return rule.state, known
        known = known and verdict is not None
    return profile.state[-1].state, known


def _faults(profile: Profile, registers: Registers) -> tuple[list[str], bool]:
    """The faults reported, sorted and each once, and whether every fault register was read."""
    known = all(profile.key(register) in registers for register in profile.fault_registers)
    readers = (_coded, _bitwise, _flagged, _panel)
    return sorted({fault for reader in readers for fault in reader(profile, registers)}), known


def _coded(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_codes:
        word = registers.get(profile.key(source))
        if word is not None and (code := source.of(word)) not in source.none:
            yield source.fault(code)


def _bitwise(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_bits:
        raw = registers.get(profile.key(source), 0)
        yield from (source.fault(bit) for bit in range(16) if raw >> bit & 1)


def _flagged(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_flags:
        for address in source.addresses:
            if registers.get((source.table, address), 0):
                yield source.fault(address)


def _panel(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_panel:
        number = registers.get(profile.key(source), 0) & source.mask
        if number > 0:
            code = _panel_code(source, number)
            yield f"{profile.kind_of(code)}:{code}"


def _panel_code(source: FaultPanel, number: int) -> str:
    band, suffix = divmod(number - 1, len(source.suffixes))
    if band >= len(source.bands):
        return f"{source.address}.{number}"
    return source.bands[band] + source.suffixes[suffix]
