"""Energy counters that roll over or fall to zero (bus-quirks row 21)."""

from collections.abc import Mapping
from typing import Final

from simulators.registers.register_map import RegisterMap
from simulators.unit.quirks import Quirks

COUNTERS: Final = ("energy_kwh", "heat_kwh")
BEFORE_THE_END_KWH: Final = 1.0


class Counters:
    """The counters that one unit shows for the energies that the physics counts."""

    def __init__(self, quirks: Quirks, registers: RegisterMap) -> None:
        self._rolls_over = "counter_rollover" in quirks
        self._reset_min = quirks.get("counter_reset")
        self._ends = {
            point: end for point in COUNTERS if (end := registers.counter_end(point)) is not None
        }
        self._begun: dict[str, float] = {}
        self._zero: dict[str, float] = {}

    def shown(self, values: Mapping[str, float], minutes: float) -> dict[str, float]:
        """`values` with the counters as the unit shows them `minutes` after the start."""
        shown = dict(values)
        for point in self._ends.keys() & values.keys():
            count = values[point]
            if self._rolls_over:
                count += (
                    self._ends[point] - BEFORE_THE_END_KWH - self._begun.setdefault(point, count)
                )
                count %= self._ends[point]
            if self._reset_min is not None and minutes >= self._reset_min:
                count = (count - self._zero.setdefault(point, count)) % self._ends[point]
            shown[point] = count
        return shown
