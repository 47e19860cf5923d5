"""What a picture of a season needs, noted poll by poll: one telling unit, and the whole block."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.scenario.events import Event
from simulators.season.poll import SeasonPoll
from simulators.season.span import SeasonSpan

Curve = NDArray[np.float32]
SHOWN: Final = ("room_c", "outdoor_c", "supply_c", "power_w")


@dataclass(frozen=True, slots=True)
class Sketch:
    """Curves of one unit over the polls of a season, and sums over `units` units.

    `causes` counts the different things that went wrong at the unit: the more, the more telling.
    """

    device: str
    causes: int
    unit: dict[str, Curve]
    units: int
    room_sum_c: NDArray[np.float64]
    power_sum_w: NDArray[np.float64]
    outdoor_c: Curve

    def joined(self, other: "Sketch") -> "Sketch":
        """Both parts of a fleet, with the more telling unit."""
        telling = other if other.causes > self.causes else self
        return replace(
            telling,
            units=self.units + other.units,
            room_sum_c=self.room_sum_c + other.room_sum_c,
            power_sum_w=self.power_sum_w + other.power_sum_w,
            outdoor_c=self.outdoor_c,
        )


class Sketcher:
    """Draws up the sketch of one block."""

    def __init__(self, devices: Sequence[str], events: Sequence[Event], span: SeasonSpan) -> None:
        self._place, causes = _most_telling(events)
        curves: dict[str, Any] = {point: np.full(span.polls, np.nan, np.float32) for point in SHOWN}
        sums = np.zeros((2, span.polls))
        outdoor = np.zeros(span.polls, np.float32)
        self.sketch = Sketch(
            devices[self._place], causes, curves, len(devices), sums[0], sums[1], outdoor
        )
        self._next = 0

    def observe(self, poll: SeasonPoll) -> None:
        """The next poll."""
        sketch, now = self.sketch, self._next
        silent = poll.heard is not None and self._place not in poll.heard
        for point, curve in sketch.unit.items():
            curve[now] = np.nan if silent else poll.points[point][self._place]
        sketch.room_sum_c[now] = _mean(poll.points["room_c"]) * sketch.units
        sketch.power_sum_w[now] = _mean(poll.points["power_w"]) * sketch.units
        sketch.outdoor_c[now] = _mean(poll.points["outdoor_c"])
        self._next += 1


def _mean(column: NDArray[np.float64]) -> float:
    """The mean of what the units show that have the point; 0 where none has."""
    known = ~np.isnan(column)
    return float(column[known].mean()) if known.any() else 0.0


def _most_telling(events: Sequence[Event]) -> tuple[int, int]:
    """The unit to which the most different things happen, and how many."""
    causes: dict[int, set[str]] = defaultdict(set)
    for event in events:
        for unit in event.units:
            causes[unit].add(f"{event.cause} {event.detail}")
    unit = max(sorted(causes), key=lambda unit: len(causes[unit]), default=0)
    return unit, len(causes.get(unit, ()))
