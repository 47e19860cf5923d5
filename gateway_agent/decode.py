"""Raw registers to what a heat pump reported, by its profile. Pure.

A register that was not read is missing from the mapping; what depends on it is listed as bad, never guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway_agent.profile import Condition, FaultPanel, Key, PointSource, Profile, Scale, Sentinel
from wire.points import POINTS, State

Registers = Mapping[Key, int]

UNKNOWN_STATE = "state"
UNKNOWN_FAULTS = "faults"


@dataclass(frozen=True, slots=True)
class Observation:
    """One poll of one unit, in the fields of a reading (CONTRACT §3).

    `bad` also holds `state` or `faults` where a register they depend on was not read: then they are the best that
    the others say.
    """

    state: State
    faults: list[str]
    values: dict[str, float]
    bad: list[str]


def decode(profile: Profile, registers: Registers) -> Observation:
    """What `registers` (16-bit contents, or 0 and 1 for bit tables) mean under `profile`."""
    values: dict[str, float] = {}
    bad: list[str] = []
    for point in profile.points:
        source, known = _source_of(profile, registers, point)
        value = _value(profile, registers, source) if source is not None else None
        if value is not None:
            values[point] = value
        elif source is not None or not known:
            bad.append(point)
    state, state_known = _state(profile, registers)
    faults, faults_known = _faults(profile, registers)
    bad += [UNKNOWN_STATE] * (not state_known) + [UNKNOWN_FAULTS] * (not faults_known)
    return Observation(state, faults, values, bad)


def _holds(profile: Profile, registers: Registers, conditions: Iterable[Condition]) -> bool | None:
    """Whether all `conditions` hold; None where an unread register keeps it open."""
    verdicts = [_one_holds(profile, registers, condition) for condition in conditions]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _one_holds(profile: Profile, registers: Registers, condition: Condition) -> bool | None:
    raw = registers.get(profile.key(condition))
    return None if raw is None else condition.holds(raw)


def _source_of(profile: Profile, registers: Registers, point: str) -> tuple[PointSource | None, bool]:
    """The source of `point` that applies, or none; and whether that is certain."""
    for source in profile.point:
        if source.point == point:
            verdict = _holds(profile, registers, source.when)
            if verdict is not False:
                return (source if verdict else None), verdict is not None
    return None, True


def _value(profile: Profile, registers: Registers, source: PointSource) -> float | None:
    raw = _raw(profile, registers, source)
    if raw is None:
        return None
    if source.bits is not None:
        return float(any(raw >> bit & 1 for bit in source.bits))
    scale = _scale(profile, registers, source)
    if scale is None or _is_sentinel(raw, (*source.sentinels, *scale.sentinels)):
        return None
    value = scale.value(_signed(raw, source.width) if source.signed else raw)
    return value if value not in source.absent and POINTS[source.point].plausible(value) else None


def _raw(profile: Profile, registers: Registers, source: PointSource) -> int | None:
    words = [registers.get(profile.key(source, offset)) for offset in range(source.registers)]
    if source.word_order == "low_first":
        words.reverse()
    raw = 0
    for word in words:
        if word is None:
            return None
        raw = raw << 16 | word
    return raw


def _scale(profile: Profile, registers: Registers, source: PointSource) -> Scale | None:
    if source.scale is None:
        return source
    for variant in profile.scale[source.scale]:
        verdict = _holds(profile, registers, [variant.when] if variant.when else [])
        if verdict is not False:
            return variant if verdict else None
    return None


def _is_sentinel(raw: int, sentinels: Iterable[Sentinel]) -> bool:
    return any(raw == sentinel if isinstance(sentinel, int) else raw in sentinel for sentinel in sentinels)


def _signed(raw: int, width: int) -> int:
    return raw - (1 << width) if raw >> (width - 1) else raw


def _state(profile: Profile, registers: Registers) -> tuple[State, bool]:
    """The state by the first rule that fits, and whether no rule before it was left open."""
    known = True
    for rule in profile.state[:-1]:
        verdict = _holds(profile, registers, rule.when)
        if verdict:
            return rule.state, known
        known = known and verdict is False
    return profile.state[-1].state, known


def _faults(profile: Profile, registers: Registers) -> tuple[list[str], bool]:
    """The faults reported, sorted and each once, and whether every fault register was read."""
    sources = (*profile.fault_codes, *profile.fault_bits, *profile.fault_panel)
    known = all(profile.key(source) in registers for source in sources)
    return sorted({*_coded(profile, registers), *_bitwise(profile, registers), *_panel(profile, registers)}), known


def _coded(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_codes:
        code = registers.get(profile.key(source))
        if code is not None and code not in source.none:
            yield source.codes.get(code, f"other:{source.address}.{code}")


def _bitwise(profile: Profile, registers: Registers) -> Iterator[str]:
    for source in profile.fault_bits:
        raw = registers.get(profile.key(source), 0)
        for bit in range(16):
            if raw >> bit & 1:
                yield f"{source.kinds.get(bit, 'other')}:{source.address}.{bit}"


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
