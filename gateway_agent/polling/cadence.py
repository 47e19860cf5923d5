"""How often a unit is looked at, read whole, and asked for what rarely changes. Pure; times are
monotonic seconds.

A line turns every `turn_s`. In each turn it reads some units whole and only looks at the state and
the faults of the others, so that a defrost is seen soon and the load of the line is the same in
every turn.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

Visit = Literal["look", "read", "read_all"]
"""State and faults only; every point but the slow ones; every point."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A reading every `interval_s`, a look at least every `look_s`, slow points in one of
    `slow_every` readings."""

    interval_s: float
    look_s: float
    slow_every: int = 1

    @property
    def turns(self) -> int:
        """How many turns of the line make one interval."""
        return max(1, ceil(self.interval_s / self.look_s))

    @property
    def turn_s(self) -> float:
        """Seconds from one visit of a unit to the next."""
        return self.interval_s / self.turns


@dataclass(slots=True)
class Rota:
    """When one unit is read whole. `place` is its number on the line, which spreads the units over
    the turns."""

    place: int
    cadence: Cadence
    readings: int = 0
    due_s: float | None = None

    def visit(self, now_s: float) -> Visit:
        """What to do with the unit in the turn at `now_s`."""
        # Half a turn early, because a turn may begin a little early too.
        if self.due_s is not None and now_s < self.due_s - self.cadence.turn_s / 2:
            return "look"
        first = self.readings == 0
        return (
            "read_all"
            if first or (self.readings + self.place) % self.cadence.slow_every == 0
            else "read"
        )

    def was_read(self, now_s: float) -> None:
        """The unit gave the reading that was due at `now_s`."""
        cadence = self.cadence
        if self.due_s is None:
            self.due_s = now_s + cadence.interval_s - self.place % cadence.turns * cadence.turn_s
        else:
            on_time = now_s < self.due_s + cadence.turn_s / 2
            self.due_s = (self.due_s if on_time else now_s) + cadence.interval_s
        self.readings += 1
