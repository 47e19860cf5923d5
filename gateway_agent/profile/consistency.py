"""Contradictions between the tables of a profile, which no single key shows. Pure."""

from collections.abc import Iterator, Sequence

from gateway_agent.profile.fields import (
    Key,
    QuantitySource,
    RegisterCondition,
    RegisterRef,
    Scale,
    Sentinel,
    span_of,
)
from gateway_agent.profile.schema import PointSource, Profile
from gateway_agent.profile.writes import WriteRule
from wire.points import POINTS

Contradiction = tuple[str, str]
"""The key, and the mistake there."""


def contradictions(profile: Profile) -> list[Contradiction]:
    """Every contradiction inside `profile`; a profile with none may be used."""
    checks = (
        _unknown_scales,
        _unreadable,
        _unreachable,
        _undecided,
        _misplaced_rising,
        _denied,
        _repeated_faults,
        _unknown_slow,
        _plausible_sentinels,
        _unnamed_tables,
        _ambiguous_codes,
    )
    return [problem for check in checks for problem in check(profile)]


def _unknown_scales(profile: Profile) -> Iterator[Contradiction]:
    named = [(f"point[{index}]", source.scale) for index, source in enumerate(profile.point)]
    named += [
        (f"point[{index}].further[{number}]", each.scale)
        for index, source in enumerate(profile.point)
        for number, each in enumerate(source.further)
    ]
    for index, rule in enumerate(profile.write):
        named += [(f"write[{index}]", rule.scale)]
        named += [
            (f"write[{index}].lower[{number}]", limit.scale)
            for number, limit in enumerate(rule.lower)
        ]
        named += [
            (f"write[{index}].upper[{number}]", limit.scale)
            for number, limit in enumerate(rule.upper)
        ]
    for key, name in named:
        if name is not None and name not in profile.scale:
            yield f"{key}.scale", f"there is no [[scale.{name}]]"


def _unknown_slow(profile: Profile) -> Iterator[Contradiction]:
    for name in profile.read.slow:
        if name not in profile.points:
            yield "read.slow", f"{name!r} is not a point of this profile"


def _unreadable(profile: Profile) -> Iterator[Contradiction]:
    spans = profile.spans().union(*(profile.write_spans(rule) for rule in profile.write))
    spans |= {(key, 1) for rule in profile.write for key in rule.read_first}
    for (table, first), count in sorted(spans):
        registers = range(first, first + count)
        if any(address in gap for gap in profile.read.forbidden for address in registers):
            yield "read.forbidden", f"{table} {first} is needed by this profile and forbidden"
        frames = profile.read.frames
        if frames and not any(first in frame and registers[-1] in frame for frame in frames):
            yield (
                "read.frames",
                f"{table} {first} is needed by this profile and in none of the frames",
            )
    if any(
        len(range(frame.first, frame.last + 1)) > profile.read.max_registers
        for frame in profile.read.frames
    ):
        yield "read.frames", "a frame is longer than max_registers"


def _unreachable(profile: Profile) -> Iterator[Contradiction]:
    for index, source in enumerate(profile.point):
        earlier = [other for other in profile.point[:index] if other.point == source.point]
        if any(not other.when for other in earlier):
            yield (
                "point",
                f"{source.point} has a source after one without `when`, which is never reached",
            )
    for name, variants in profile.scale.items():
        if any(not variant.when for variant in variants[:-1]):
            yield f"scale.{name}", "has a variant after one without `when`, which is never reached"
    if any(not rule.when for rule in profile.state[:-1]):
        yield "state", "has a rule after one without `when`, which is never reached"


def _undecided(profile: Profile) -> Iterator[Contradiction]:
    if profile.meter:
        more = [*profile.state, *profile.fault_registers, *profile.write, *profile.on_connect]
        if more:
            yield "meter", "a meter has points only: no states, faults, writes and on_connect"
        return
    if profile.state[-1].when or profile.state[-1].for_s is not None:
        yield "state", "the last rule must fit always, so that there is always a state"


def _misplaced_rising(profile: Profile) -> Iterator[Contradiction]:
    tables: dict[str, list[list[RegisterCondition]]] = {
        "point": [source.when for source in profile.point],
        "write": [[*rule.when, *rule.requires] for rule in profile.write],
        "scale": [variant.when for variants in profile.scale.values() for variant in variants],
    }
    for name, lists in tables.items():
        if any(condition.rising for conditions in lists for condition in conditions):
            yield name, "`rising` is for a state rule with `for_s`"


def _denied(profile: Profile) -> Iterator[Contradiction]:
    written: list[tuple[str, Key]] = [
        (f"write[{index}]", key) for index, r in enumerate(profile.write) for key in r.written
    ]
    written += [
        (f"on_connect[{index}]", key)
        for index, write in enumerate(profile.on_connect)
        for key in write.written
    ]
    for name, (table, address) in written:
        for denied in profile.deny:
            if denied.covers((table, address)):
                yield name, f"{table} {address} is in `deny`: {denied.why}"


def _repeated_faults(profile: Profile) -> Iterator[Contradiction]:
    tables: dict[str, list[RegisterRef]] = {
        "fault_codes": [*profile.fault_codes],
        "fault_bits": [*profile.fault_bits],
        "fault_flags": [bit for flags in profile.fault_flags for bit in flags.registers],
        "fault_panel": [*profile.fault_panel],
    }
    for name, registers in tables.items():
        keys = [profile.key(register) for register in registers]
        yield from (
            (name, f"{table} {address} stands twice")
            for table, address in {k for k in keys if keys.count(k) > 1}
        )


def _unnamed_tables(profile: Profile) -> Iterator[Contradiction]:
    """Registers of a write that name no table, where the profile's own table is not holding.

    Beside a holding register, a reader takes `address = 4` for holding 4.
    """
    if profile.read.table == "holding":
        return
    tables = f'`table = "holding"` or `table = "{profile.read.table}"`'
    for index, rule in enumerate(profile.write):
        for name, registers in _read_beside(rule).items():
            for register in registers:
                if register.table is None:
                    yield f"write[{index}].{name}", f"{register.address} needs its table: {tables}"


def _read_beside(rule: WriteRule) -> dict[str, list[RegisterRef]]:
    """The registers that a write reads, by the key that names them."""
    return {
        "when": [each for condition in rule.when for each in condition.registers],
        "requires": [each for need in rule.requires for each in need.registers],
        "lower": [part for limit in rule.lower for part in (limit, *limit.then)],
        "upper": [part for limit in rule.upper for part in (limit, *limit.then)],
    }


def _ambiguous_codes(profile: Profile) -> Iterator[Contradiction]:
    """One vendor code with two kinds: a code and its mirror bit would be two faults."""
    kinds: dict[str, str] = {}
    for key, code, kind in profile.named_faults:
        if kinds.setdefault(code, kind) != kind:
            yield key, f"{code} is {kinds[code]} elsewhere and {kind} here"


def _plausible_sentinels(profile: Profile) -> Iterator[Contradiction]:
    for index, source in enumerate(profile.point):
        for key, scale, own in _scales_of(profile, index, source):
            hidden = _hidden(source, scale, own) if scale.sentinel_reason is None else None
            if hidden is not None:
                yield key, _really(source, hidden)
        plausible = [value for value in source.absent if POINTS[source.point].plausible(value)]
        if plausible and source.sentinel_reason is None:
            yield f"point[{index}].absent", _really(source, plausible[0])


def _really(source: PointSource, value: float) -> str:
    return (
        f"{source.point} can really be {value:g}; "
        "remove this value, or say in `sentinel_reason` why it is none"
    )


def _scales_of(
    profile: Profile, index: int, source: PointSource
) -> Iterator[tuple[str, Scale, Scale]]:
    """Each scale whose sentinels count for a point: its key, itself, and a scale of the values."""
    variants = profile.scale.get(source.scale or "", [])
    scales: Sequence[Scale] = variants or [source]
    for scale in scales:
        yield f"point[{index}].sentinels", source, scale
    for position, variant in enumerate(variants):
        yield f"scale.{source.scale}[{position}].sentinels", variant, variant


def _hidden(source: PointSource, scale: Scale, values: Scale) -> float | None:
    """A plausible value of `source` that a sentinel of `scale` hides; None if there is none."""
    point = POINTS[source.point]
    for sentinel in scale.sentinels:
        for first, last in _numbers(source, sentinel):
            low, high = values.value(first), values.value(last)
            if low <= point.high and high >= point.low:
                return max(low, point.low)
    return None


def _numbers(source: QuantitySource, sentinel: Sentinel) -> Iterator[tuple[float, float]]:
    """The runs of numbers, with their sign, that `sentinel` stands for."""
    first, last = span_of(sentinel)
    if first < 0:
        yield first, last
        return
    half, whole = 1 << source.bits_of_number - 1, 1 << source.bits_of_number
    for low, high in ((first, min(last, half - 1)), (max(first, half), min(last, whole - 1))):
        ends = (source.number_in(low), source.number_in(high)) if low <= high else ()
        known = [number for number in ends if number is not None]
        if known:
            yield min(known), max(known)
