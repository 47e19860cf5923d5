"""The register map that quirks make of a brand (docs/domain/bus-quirks.md)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from simulators.registers.fields import RegisterQuantity
from simulators.registers.refusals import Reads
from simulators.registers.register_map import RegisterMap
from simulators.registers.writes import WRITE_REGISTER, WRITE_REGISTERS, Writes
from simulators.unit.quirks import Quirks

MINUS_ONE: Final = 0xFFF6  # -1.0 °C, a plausible temperature


def varied(brand: RegisterMap, quirks: Quirks) -> RegisterMap:
    """`brand` with the quirks that change its registers or refusals; the line has the others."""
    for name in quirks:
        if name in brand.variants:
            brand = brand.variants[name](brand)
    if "swapped_words" in quirks:
        brand = replace(brand, quantities=tuple(_low_word_first(brand.quantities)))
    if "ambient_minus_one" in quirks:
        brand = replace(brand, quantities=tuple(_ambient_minus_one(brand.quantities)))
    if "defrost_unflagged" in quirks:
        brand = replace(brand, states={**brand.states, "defrost": brand.states["heating"]})
    return replace(
        brand,
        reads=_reads(brand.reads, brand.writes, quirks),
        writes=_writes(brand.writes, quirks),
        refuses_in_silence=_refuses_in_silence(brand, quirks),
        talks_nonsense="defrost_nonsense" in quirks,
    )


def _refuses_in_silence(brand: RegisterMap, quirks: Quirks) -> bool:
    return (brand.refuses_in_silence or "silence" in quirks) and "exception_2" not in quirks


def _low_word_first(quantities: Iterable[RegisterQuantity]) -> Iterable[RegisterQuantity]:
    for quantity in quantities:
        wide = [part.width for part in quantity.fields] == [16, 16]
        yield replace(quantity, fields=quantity.fields[::-1]) if wide else quantity


def _ambient_minus_one(quantities: Iterable[RegisterQuantity]) -> Iterable[RegisterQuantity]:
    for quantity in quantities:
        yield replace(quantity, missing=MINUS_ONE) if quantity.point == "outdoor_c" else quantity


def _reads(reads: Reads, writes: Writes, quirks: Quirks) -> Reads:
    longest = min(reads.longest, int(quirks.get("max_registers", reads.longest)))
    settings = writes.keeping.get("holding", ()) if "bulk_config" in quirks else ()
    return replace(reads, longest=longest, single=(*reads.single, *settings))


def _writes(writes: Writes, quirks: Quirks) -> Writes:
    refused = {"only_fc16": WRITE_REGISTER, "no_fc16": WRITE_REGISTERS}
    return replace(
        writes,
        functions=writes.functions - {refused[name] for name in refused.keys() & quirks.keys()},
    )
