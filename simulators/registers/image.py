"""The two sides of a register map: a reading of the physics, and its image in the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulators.registers.fields import RegisterRef
from wire.points import State


@dataclass(frozen=True, slots=True)
class UnitReading:
    """One unit as the physics has it: values in the units of contract §4, unrounded.

    `broken` names the points whose sensor is open, `unfitted` those of sensors that the unit was
    built without; `values` has neither. `values["setpoint_c"]` is the water set-point. If
    `room_controlled`, the room set-point rules instead. `curve_c` is the water temperature of the
    weather curve, None while the curve is off.
    """

    state: State
    faults: tuple[str, ...]
    values: Mapping[str, float]
    broken: frozenset[str] = frozenset()
    room_target_c: float = 20.0
    unfitted: frozenset[str] = frozenset()
    room_controlled: bool = False
    curve_c: float | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """The tables of one unit at one moment, and their meaning after rounding.

    `state_shown` is False if the registers do not distinguish a defrost from heating.
    """

    words: Mapping[RegisterRef, int]
    state: State
    faults: tuple[str, ...]
    values: Mapping[str, float]
    state_shown: bool = True


def code_for(kind_or_code: str, codes: Sequence[str]) -> str | None:
    """The fault code of this brand for `kind:vendor_code` or a bare `kind`; None if it has none.

    A code of another brand stands for the brand's own first code of that kind. A brand whose error
    numbers have no published meaning shows its first.
    """
    if kind_or_code in codes:
        return kind_or_code
    kind = kind_or_code.partition(":")[0]
    kinds = [code.partition(":")[0] for code in codes]
    if kind in kinds:
        return codes[kinds.index(kind)]
    return codes[0] if set(kinds) == {"other"} else None
