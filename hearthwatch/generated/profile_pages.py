"""A profile as a page for people: what it reports, from which registers, and what it writes."""

from collections.abc import Iterable, Iterator, Sequence

from gateway_agent.profile.fields import (
    WORD,
    Part,
    QuantitySource,
    Range,
    RegisterCondition,
    RegisterRef,
    Scale,
    Sentinel,
    span_of,
)
from gateway_agent.profile.schema import PointSource, Profile
from gateway_agent.profile.writes import Denied, WriteRule
from wire.points import POINTS

_METERS = {
    "power": "power_w",
    "energy": "energy_kwh",
    "flow": "flow_lpm",
    "voltage": "voltage_v",
    "room": "room_c",
}


def page(profile: Profile) -> str:
    """Return the page of `profile` in Markdown."""
    parts = [
        f"# {profile.title}\n\nProfile `{profile.profile}`. Source: {profile.source}.",
        "Made from the profile by `make format`; `make check` holds it in date.",
        "## What it shows\n\n" + _capabilities(profile),
        "## Points\n\n" + _points(profile),
        *(["## Scales that depend on the unit\n\n" + _scales(profile)] if profile.scale else []),
        *(
            []
            if profile.meter
            else [
                "## State\n\nThe first line that fits decides.\n\n" + _states(profile),
                "## Faults\n\n" + _faults(profile),
            ]
        ),
        "## Limits on the bus\n\n" + _limits(profile),
        *(["## Written before it is read\n\n" + _greeting(profile)] if profile.on_connect else []),
        "## Commands\n\n" + _writes(profile),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _capabilities(profile: Profile) -> str:
    meters = [[name, "yes" if point in profile.points else "no"] for name, point in _METERS.items()]
    return _table(("", ""), [*meters, ["defrost", profile.defrost]])


def _points(profile: Profile) -> str:
    rows = [
        (
            source.point,
            _where(profile, source),
            _how(source),
            POINTS[source.point].unit,
            _notes(profile, source),
        )
        for source in profile.point
    ]
    return _table(("point", "register", "raw", "unit", "notes"), rows)


def _where(profile: Profile, source: QuantitySource | PointSource) -> str:
    bits = source.bits if isinstance(source, PointSource) else None
    if bits is not None:
        place = _place(profile, source)
        return (
            place
            if profile.key(source)[0] in ("coil", "discrete")
            else f"{place} bits {_numbers(bits)}"
        )
    return ", ".join(
        " + ".join(_part(profile, part) for part in number.parts)
        for number in (source.numbers if isinstance(source, PointSource) else [source])
    )


def _place(profile: Profile, place: RegisterRef) -> str:
    table, address = profile.key(place)
    return f"{table} {address}"


def _part(profile: Profile, part: Part) -> str:
    return _place(profile, part) + ("" if part.mask == WORD else f" & 0x{part.mask:04X}")


def _how(source: PointSource) -> str:
    if source.bits is not None:
        return "1 when none is set" if source.inverted else "1 when any is set"
    texts = [_number(number) for number in source.numbers]
    return ", ".join(texts) if len(texts) == 1 else f"{source.combine} of {', '.join(texts)}"


def _number(number: QuantitySource) -> str:
    kind = "signed " if number.signed else ""
    kind += "" if number.encoding == "binary" else f"{number.encoding} "
    return kind + (f"by {number.scale}" if number.scale else _formula(number))


def _formula(scale: Scale) -> str:
    text = "" if scale.factor == 1 else f"× {scale.factor:g} "
    text += "" if scale.divisor == 1 else f"÷ {scale.divisor:g} "
    text += "" if scale.offset == 0 else f"{scale.offset:+g}"
    return text.strip() or "as it is"


def _notes(profile: Profile, source: PointSource) -> str:
    notes = []
    if source.when:
        notes.append("when " + _conditions(profile, source.when))
    if source.sentinels:
        notes.append("no value: " + _sentinels(source))
    if source.absent:
        notes.append("not fitted: " + ", ".join(f"{value:g}" for value in source.absent))
    if source.sentinel_reason:
        notes.append(source.sentinel_reason)
    return "; ".join(notes)


def _sentinels(scale: Scale) -> str:
    return ", ".join(map(_sentinel, scale.sentinels))


def _sentinel(sentinel: Sentinel) -> str:
    first, last = (f"0x{raw:04X}" if raw >= 0 else str(raw) for raw in span_of(sentinel))
    return first if first == last else f"{first}-{last}"


def _conditions(profile: Profile, conditions: Iterable[RegisterCondition]) -> str:
    return " and ".join(_condition(profile, condition) for condition in conditions) or "always"


def _condition(profile: Profile, condition: RegisterCondition) -> str:
    texts = [_one_condition(profile, condition)]
    texts += [_condition(profile, each) for each in condition.alternatives]
    return texts[0] if len(texts) == 1 else f"({' or '.join(texts)})"


def _one_condition(profile: Profile, condition: RegisterCondition) -> str:
    text = _place(profile, condition)
    if condition.compares:
        return text + _comparison(profile, condition)
    if condition.bit is not None:
        text += f" bit {condition.bit}"
    if condition.mask is not None:
        text += f" & 0x{condition.mask:04X}"
    if condition.excluded is not None:
        return f"{text} is not {' or '.join(map(str, condition.excluded))}"
    return f"{text} is {' or '.join(map(str, condition.values))}"


def _comparison(profile: Profile, condition: RegisterCondition) -> str:
    said = [
        f"{word} {_place(profile, limit) if isinstance(limit, RegisterRef) else limit}"
        for word, limit in (("above", condition.above), ("below", condition.below))
        if limit is not None
    ]
    return " is " + " and ".join([*said, *(["rising"] if condition.rising else [])])


def _scales(profile: Profile) -> str:
    rows = [
        (
            name,
            _conditions(profile, variant.when) if variant.when else "else",
            _formula(variant),
            "; ".join(filter(None, (_sentinels(variant), variant.sentinel_reason))),
        )
        for name, variants in profile.scale.items()
        for variant in variants
    ]
    return _table(("scale", "when", "raw", "no value"), rows)


def _states(profile: Profile) -> str:
    rows = [
        (
            rule.state,
            _conditions(profile, rule.when) + (f", for {rule.for_s} s" if rule.for_s else ""),
        )
        for rule in profile.state
    ]
    return _table(("state", "when"), rows)


def _faults(profile: Profile) -> str:
    readers = (_code_rows, _bit_rows, _flag_rows, _panel_rows)
    rows = [row for reader in readers for row in reader(profile)]
    return _table(("where", "fault"), rows)


def _code_rows(profile: Profile) -> Iterator[tuple[str, str]]:
    for codes in profile.fault_codes:
        place = _part(profile, codes)
        for code, fault in codes.codes.items():
            yield f"{place} = {code}", f"`{fault}`"
        other = f"{codes.address}.code" if codes.prefix is None else f"{codes.prefix}code"
        yield f"{place}, other codes", f"`other:{other}`; none: {_numbers(codes.none)}"


def _bit_rows(profile: Profile) -> Iterator[tuple[str, str]]:
    for bits in profile.fault_bits:
        for bit in (*bits.kinds, *(bit for bit in bits.codes if bit not in bits.kinds)):
            yield f"{_place(profile, bits)} bit {bit}", f"`{bits.fault(bit)}`"


def _flag_rows(profile: Profile) -> Iterator[tuple[str, str]]:
    for flags in profile.fault_flags:
        for address in flags.addresses:
            yield f"{flags.table} {address}", f"`{flags.fault(address)}`"


def _panel_rows(profile: Profile) -> Iterator[tuple[str, str]]:
    for panel in profile.fault_panel:
        place = _place(profile, panel)
        first, band = f"{panel.bands[0]}{panel.suffixes[0]}", len(panel.suffixes)
        yield place, f"panel codes {first}, … in bands of {band}"
        for code, kind in panel.kinds.items():
            yield f"{place}: {code}", f"`{kind}:{code}`"


def _limits(profile: Profile) -> str:
    limits = profile.read
    rows = [
        ("registers in one request", str(limits.max_registers)),
        *([("bits in one request", str(limits.max_bits))] if limits.max_bits is not None else []),
        ("silence before a request", f"{limits.pacing_ms} ms"),
        ("usual, longest time to answer", f"{limits.turnaround_ms} ms, {limits.timeout_ms} ms"),
        ("asked one value at a time", _ranges(limits.single)),
        ("only as whole frames", _ranges(limits.frames)),
        ("never touched", _ranges(limits.forbidden)),
        ("read less often", ", ".join(limits.slow) or "–"),
    ]
    return _table(("", ""), rows)


def _ranges(ranges: Iterable[Range]) -> str:
    return (
        ", ".join(
            f"{each.first}-{each.last}" if each.first < each.last else str(each.first)
            for each in ranges
        )
        or "–"
    )


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _greeting(profile: Profile) -> str:
    rows = [
        (
            f"{write.table} {write.address}",
            _numbers(write.contents),
            str(write.function),
            "yes" if write.verify else "no",
        )
        for write in profile.on_connect
    ]
    return _table(("from", "contents", "function", "read back"), rows)


def _writes(profile: Profile) -> str:
    if not profile.write:
        return "None: this map is only read."
    rows = [
        (rule.point, _target(rule), _bounds(profile, rule), _conditions_of(profile, rule))
        for rule in profile.write
    ]
    text = _table(("point", "written", "bounds", "conditions"), rows)
    denied = _table(("where", "why"), [(_denied(each), each.why) for each in profile.deny])
    return f"{text}\n\nNever written:\n\n{denied}" if profile.deny else text


def _denied(denied: Denied) -> str:
    return f"{denied.table} {_ranges([denied])}"


def _target(rule: WriteRule) -> str:
    part = "" if rule.mask == WORD else f" & 0x{rule.mask:04X}"
    block = f", as the block {_ranges([rule.block])}" if rule.block is not None else ""
    scale = f"by {rule.scale}" if rule.scale else _formula(rule)
    return f"{rule.table} {rule.address}{part} by function {rule.function}{block}; raw {scale}"


def _bounds(profile: Profile, rule: WriteRule) -> str:
    limits = [f"{rule.minimum:g} … {rule.maximum:g}"]
    limits += [f"not below {_where(profile, limit)}" for limit in rule.lower]
    limits += [f"not above {_where(profile, limit)}" for limit in rule.upper]
    return "; ".join([*limits, *([f"steps of {rule.step:g}"] if rule.step is not None else [])])


def _conditions_of(profile: Profile, rule: WriteRule) -> str:
    said = [f"when {_conditions(profile, rule.when)}"] if rule.when else []
    said += [f"refused unless {_condition(profile, need)}: {need.reason}" for need in rule.requires]
    said += [f"first {place.table} {place.address} = {place.value}" for place in rule.unlock]
    return "; ".join(said)
