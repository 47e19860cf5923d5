"""What sensors, brands and controllers make of the physics: columns and fault codes as a reading would hold them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulators.faults import Effects
from simulators.physics.arrays import Floats
from simulators.physics.protection import Mask, kinds
from simulators.registers.image import code_for


class Distortion:
    """The sensors and controllers of a block; remembers what frozen units keep showing."""

    def __init__(self, codes: Mapping[int, tuple[str, ...]], lacks: Mapping[str, NDArray[np.int64]]) -> None:
        """`codes` are the faults that each unit can show, `lacks` the units that have no such point."""
        self._codes, self._lacks = codes, lacks
        self._held: dict[int, dict[str, float]] = {}

    def shown(self, columns: Mapping[str, Floats], active: Effects) -> dict[str, Floats]:
        """The columns as they are read; NaN where a unit has no such point, or its sensor is broken."""
        read = dict(columns)
        for point, units in self._lacks.items():
            if point in read:
                read[point] = read[point].copy()
                read[point][units] = np.nan
        if active.drift_k or active.broken or active.frozen or self._held:
            read = {point: column.copy() for point, column in read.items()}
            self._distort(read, active)
        return read

    def faults(self, tripped: Mask, active: Effects) -> list[tuple[int, str]]:
        """The codes shown, as (unit, `kind:code`): those of a unit's own protections, and those that were injected."""
        found = {(unit, code) for unit, codes in active.faults.items() for code in codes}
        for unit in np.flatnonzero(tripped).tolist():
            own = (self._code(kind, unit) for kind in kinds(int(tripped[unit])))
            found |= {(unit, code) for code in own if code is not None}
        return sorted(found)

    def bad(self, active: Effects) -> list[tuple[int, str]]:
        """The points that are reported as bad, as (unit, point)."""
        nothing = np.zeros(0, np.int64)
        return sorted(
            (unit, point)
            for unit, broken in active.broken.items()
            for point in broken
            if unit not in self._lacks.get(point, nothing)
        )

    def _code(self, kind: str, unit: int) -> str | None:
        """A brand without a code of that kind shows its number for anything else, if it has one."""
        return code_for(kind, self._codes[unit]) or code_for("other", self._codes[unit])

    def _distort(self, read: dict[str, Floats], active: Effects) -> None:
        for unit, drifts in active.drift_k.items():
            for point, kelvin in drifts.items():
                if point in read:
                    read[point][unit] += kelvin
        for unit, broken in active.broken.items():
            for point in broken & read.keys():
                read[point][unit] = np.nan
        for unit in active.frozen - self._held.keys():
            self._held[unit] = {point: float(column[unit]) for point, column in read.items()}
        for unit in self._held.keys() - active.frozen:
            del self._held[unit]
        for unit, held in self._held.items():
            for point, value in held.items():
                read[point][unit] = value
