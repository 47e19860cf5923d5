"""The curves of a season's picture, noted poll by poll: the most eventful unit, and the block."""

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
    """Curves of the most eventful unit over the polls of a season, and sums over `units` units.

    `causes` counts the different things that went wrong at that unit.
    """

    device: str
    causes: int
    unit: dict[str, Curve]
    units: int
    room_sum_c: NDArray[np.float64]
    power_sum_w: NDArray[np.float64]
    outdoor_c: Curve

    def joined(self, other: "Sketch") -> "Sketch":
        """Return both parts of a fleet as one, with the more eventful unit."""
        eventful = other if other.causes > self.causes else self
        return replace(
            eventful,
            units=self.units + other.units,
            room_sum_c=self.room_sum_c + other.room_sum_c,
            power_sum_w=self.power_sum_w + other.power_sum_w,
            outdoor_c=self.outdoor_c,
        )


class Sketcher:
    """Draws the curves of one block."""

    def __init__(self, devices: Sequence[str], events: Sequence[Event], span: SeasonSpan) -> None:
        self._unit, causes = _most_eventful(events)
        curves: dict[str, Any] = {point: np.full(span.polls, np.nan, np.float32) for point in SHOWN}
        sums = np.zeros((2, span.polls))
        outdoor = np.zeros(span.polls, np.float32)
        self.sketch = Sketch(
            devices[self._unit], causes, curves, len(devices), sums[0], sums[1], outdoor
        )
        self._next = 0

    def observe(self, poll: SeasonPoll) -> None:
        """Note the next poll."""
        sketch, now = self.sketch, self._next
        silent = poll.heard is not None and self._unit not in poll.heard
        for point, curve in sketch.unit.items():
            curve[now] = np.nan if silent else poll.points[point][self._unit]
        sketch.room_sum_c[now] = _mean(poll.points["room_c"]) * sketch.units
        sketch.power_sum_w[now] = _mean(poll.points["power_w"]) * sketch.units
        sketch.outdoor_c[now] = _mean(poll.points["outdoor_c"])
        self._next += 1


def _mean(column: NDArray[np.float64]) -> float:
    """Return the mean over the units that have the point; 0 if none has."""
    known = ~np.isnan(column)
    return float(column[known].mean()) if known.any() else 0.0


def _most_eventful(events: Sequence[Event]) -> tuple[int, int]:
    """Return the unit with the most different causes, and how many it has."""
    causes: dict[int, set[str]] = defaultdict(set)
    for event in events:
        for unit in event.units:
            causes[unit].add(f"{event.cause} {event.detail}")
    unit = max(sorted(causes), key=lambda unit: len(causes[unit]), default=0)
    return unit, len(causes.get(unit, ()))
