"""What goes into a unit's registers and what they hold: a reading of physics, and its image in the
tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulators.registers.fields import RegisterRef
from wire.points import State


@dataclass(frozen=True, slots=True)
class UnitReading:
    """One unit as physics has it: values in the units of contract §4, unrounded.

    `broken` names points whose sensor is open, `unfitted` those the unit was built without; both
    are absent from `values`. `values["setpoint_c"]` is the water's; `room_controlled` says that the
    room's rules, and `curve_c` is what a weather curve wants of the water, where one is switched
    on.
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
    """The tables of one unit at one moment, and what they say: state, faults and values after
    rounding.

    `state_told` is False where the registers do not tell a defrost from heating.
    """

    words: Mapping[RegisterRef, int]
    state: State
    faults: tuple[str, ...]
    values: Mapping[str, float]
    state_told: bool = True


def code_for(kind_or_code: str, codes: Sequence[str]) -> str | None:
    """The fault of this brand meant by `kind:vendor_code` or by `kind` alone, or None where it has
    none.

    A code of another brand stands for the brand's own first code of that kind. A brand whose errors
    are numbers without published meaning shows its first.
    """
    if kind_or_code in codes:
        return kind_or_code
    kind = kind_or_code.partition(":")[0]
    kinds = [code.partition(":")[0] for code in codes]
    if kind in kinds:
        return codes[kinds.index(kind)]
    return codes[0] if set(kinds) == {"other"} else None
