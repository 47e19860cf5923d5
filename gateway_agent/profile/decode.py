"""Raw registers to what a heat pump reported, by its profile. Pure.

A register that was not read is missing from the mapping; what depends on it is listed as bad, never
guessed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway_agent.profile.fields import (
    Key,
    RegisterCondition,
    RegisterQuantity,
    RegisterRef,
    Scale,
    as_signed,
    is_sentinel,
)
from gateway_agent.profile.schema import FaultPanel, PointSource, Profile
from wire.points import POINTS, State

Registers = Mapping[Key, int]

UNKNOWN_STATE = "state"
UNKNOWN_FAULTS = "faults"


@dataclass(frozen=True, slots=True)
class Observation:
    """One poll of one unit, in the fields of a reading (contract §3).

    `bad` also holds `state` or `faults` where a register they depend on was not read: then they are
    the best that the others say.
    """

    state: State
    faults: list[str]
    values: dict[str, float]
    bad: list[str]


def decode(profile: Profile, registers: Registers, settled: Collection[int] = ()) -> Observation:
    """What `registers` (16-bit contents, or 0 and 1 for bit tables) mean under `profile`.

    `settled`: the indexes of the state rules with `for_s` that have held so long; the others of
    them do not fit.
    """
    values: dict[str, float] = {}
    bad: list[str] = []
    for point in profile.points:
        source, known = _source_of(profile, registers, point)
        value = _value(profile, registers, source) if source is not None else None
        if value is not None:
            values[point] = value
        elif source is not None or not known:
            bad.append(point)
    state, state_known = _state(profile, registers, settled)
    faults, faults_known = _faults(profile, registers)
    bad += [UNKNOWN_STATE] * (not state_known) + [UNKNOWN_FAULTS] * (not faults_known)
    return Observation(state, faults, values, bad)


def holds(
    profile: Profile, registers: Registers, conditions: Iterable[RegisterCondition]
) -> bool | None:
    """Whether all `conditions` hold; None where an unread register keeps it open. `rising` is not
    looked at."""
    verdicts = [_one_holds(profile, registers, condition) for condition in conditions]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _one_holds(profile: Profile, registers: Registers, condition: RegisterCondition) -> bool | None:
    raw = registers.get(profile.key(condition))
    if raw is None:
        return None
    return (
        _compares(profile, registers, condition, raw)
        if condition.compares
        else condition.contains(raw)
    )


def _compares(
    profile: Profile, registers: Registers, condition: RegisterCondition, raw: int
) -> bool | None:
    number = condition.number(raw)
    above, below = (
        _limit(profile, registers, condition, limit) for limit in (condition.above, condition.below)
    )
    if (above is not None and number <= above) or (below is not None and number >= below):
        return False
    unread = (above is None) != (condition.above is None) or (below is None) != (
        condition.below is None
    )
    return None if unread else True


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
    """The source of `point` that applies, or none; and whether that is certain."""
    for source in profile.point:
        if source.point == point:
            verdict = holds(profile, registers, source.when)
            if verdict is not False:
                return (source if verdict else None), verdict is not None
    return None, True


def _value(profile: Profile, registers: Registers, source: PointSource) -> float | None:
    if source.bits is not None:
        raw = registers.get(profile.key(source))
        return (
            None
            if raw is None
            else float(any(raw >> bit & 1 for bit in source.bits) is not source.inverted)
        )
    value = quantity(profile, registers, source)
    if value is None or value in source.absent:
        return None
    return value if POINTS[source.point].plausible(value) else None


def quantity(profile: Profile, registers: Registers, source: RegisterQuantity) -> float | None:
    """The value of `source` in its point's unit; None where a register is unread or says that there
    is none."""
    raw = _raw(profile, registers, source)
    scale = scale_of(profile, registers, source.scale, source)
    if raw is None or scale is None or is_sentinel(raw, [*source.sentinels, *scale.sentinels]):
        return None
    return scale.value(
        as_signed(raw, sum(part.bit_count for part in source.parts)) if source.signed else raw
    )


def _raw(profile: Profile, registers: Registers, source: RegisterQuantity) -> int | None:
    raw = 0
    for part in source.parts:
        word = registers.get(profile.key(part))
        if word is None:
            return None
        raw = raw << part.bit_count | part.of(word)
    return raw


def scale_of(profile: Profile, registers: Registers, name: str | None, own: Scale) -> Scale | None:
    """The variant of the conditional scale `name` that applies, `own` where none is named; None
    where it is open."""
    if name is None:
        return own
    for variant in profile.scale[name]:
        verdict = holds(profile, registers, variant.when)
        if verdict is not False:
            return variant if verdict else None
    return None


def _state(profile: Profile, registers: Registers, settled: Collection[int]) -> tuple[State, bool]:
    """The state by the first rule that fits, and whether no rule before it was left open."""
    known = True
    for index, rule in enumerate(profile.state[:-1]):
        verdict = holds(profile, registers, rule.when)
        if verdict and (rule.for_s is None or index in settled):
            return rule.state, known
        known = known and verdict is not None
    return profile.state[-1].state, known


def _faults(profile: Profile, registers: Registers) -> tuple[list[str], bool]:
    """The faults reported, sorted and each once, and whether every fault register was read."""
    known = all(profile.key(place) in registers for place in profile.fault_registers)
    readers = (_coded, _bitwise, _flagged, _panel)
    return sorted({fault for reader in readers for fault in reader(profile, registers)}), known


def _coded(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_codes:
        word = registers.get(profile.key(source))
        if word is not None and (code := source.of(word)) not in source.none:
            yield source.codes.get(code, f"other:{source.address}.{code}")


def _bitwise(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_bits:
        raw = registers.get(profile.key(source), 0)
        for bit in range(16):
            if raw >> bit & 1:
                yield f"{source.kinds.get(bit, 'other')}:{source.address}.{bit}"


def _flagged(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_flags:
        for address, kind in source.kinds.items():
            if registers.get((source.table, address), 0):
                yield f"{kind}:{address}"


def _panel(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_panel:
        number = registers.get(profile.key(source), 0) & source.mask
        if number > 0:
            code = _panel_code(source, number)
            yield f"{source.kinds.get(code, 'other')}:{code}"


def _panel_code(source: FaultPanel, number: int) -> str:
    band, suffix = divmod(number - 1, len(source.suffixes))
    if band >= len(source.bands):
        return f"{source.address}.{number}"
    return source.bands[band] + source.suffixes[suffix]
