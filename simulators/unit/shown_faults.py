"""The fault codes that a unit's controller shows."""

from collections.abc import Sequence

from simulators.physics.machine.protection import kinds
from simulators.registers.image import code_for


def shown_faults(tripped: int, injected: Sequence[str], codes: Sequence[str]) -> tuple[str, ...]:
    """The fault codes that a unit shows: those `injected`, then those of its own protections.

    `tripped` is a mask of `physics.machine.protection`, shown under the brand's `codes`. A brand
    without a code of some kind shows its number for anything else, if it has one.
    """
    own = [code_for(kind, codes) or code_for("other", codes) for kind in kinds(tripped)]
    return tuple(dict.fromkeys([*injected, *(code for code in own if code is not None)]))
