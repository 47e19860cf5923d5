"""When a unit is polled for its status, read, and asked for its slow points. Pure.

A line sweeps over its units every `sweep_s`. In each sweep it reads some units and polls only the
status (state and faults) of the others. So a defrost is seen soon, and every sweep has the same
load. Times are monotonic seconds.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

from gateway_agent.settings import GatewaySettings

Visit = Literal["status_poll", "read", "read_all"]
"""State and faults only; every point but the slow ones; every point."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A reading every `interval_s`, a status poll at least every `status_s`.

    One in `slow_every` readings includes the slow points.
    """

    interval_s: float
    status_s: float
    slow_every: int = 1

    @property
    def sweeps(self) -> int:
        """How many sweeps of the line make one interval."""
        return max(1, ceil(self.interval_s / self.status_s))

    @property
    def sweep_s(self) -> float:
        """Seconds from one visit of a unit to the next."""
        return self.interval_s / self.sweeps


def cadence_of(settings: GatewaySettings) -> Cadence:
    """The cadence that every line of `settings` has."""
    return Cadence(settings.interval / 1_000, settings.status_every / 1_000, settings.slow_every)


@dataclass(slots=True)
class Rota:
    """When one unit is read. Its `position` on the line spreads the units over the sweeps."""

    position: int
    cadence: Cadence
    readings: int = 0
    due_s: float | None = None

    def visit(self, now_s: float) -> Visit:
        """The kind of visit in the sweep at `now_s`."""
        # Half a sweep early, because a sweep may begin a little early too.
        if self.due_s is not None and now_s < self.due_s - self.cadence.sweep_s / 2:
            return "status_poll"
        slow = (self.readings + self.position) % self.cadence.slow_every == 0
        return "read_all" if self.readings == 0 or slow else "read"

    def was_read(self, now_s: float) -> None:
        """Note that the unit gave the reading that was due at `now_s`."""
        cadence = self.cadence
        if self.due_s is None:
            shift_s = self.position % cadence.sweeps * cadence.sweep_s
            self.due_s = now_s + cadence.interval_s - shift_s
        else:
            on_time = now_s < self.due_s + cadence.sweep_s / 2
            self.due_s = (self.due_s if on_time else now_s) + cadence.interval_s
        self.readings += 1
