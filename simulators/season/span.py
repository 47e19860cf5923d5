"""From when to when a season is simulated, and how often its units are polled."""

from collections.abc import Iterator
from dataclasses import dataclass

from wire.units import DAY_MS


@dataclass(frozen=True, slots=True)
class SeasonSpan:
    """`days` whole days from `start` (UTC ms), with a poll every `step_ms`; the first is one step
    after the start."""

    start: int
    days: int
    step_ms: int

    @property
    def lasts_ms(self) -> int:
        """Its length."""
        return self.days * DAY_MS

    @property
    def end(self) -> int:
        """The time of its end, UTC ms."""
        return self.start + self.lasts_ms

    @property
    def polls(self) -> int:
        """How many polls there are."""
        return self.lasts_ms // self.step_ms

    def times(self) -> Iterator[int]:
        """The time of every poll, UTC ms."""
        return iter(range(self.start + self.step_ms, self.end + 1, self.step_ms))
