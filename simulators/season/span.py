"""The time span of a simulated season, and the interval of its polls."""

from collections.abc import Iterator
from dataclasses import dataclass

from wire.units import DAY_MS


@dataclass(frozen=True, slots=True)
class SeasonSpan:
    """`days` whole days from `start` (UTC ms) with a poll every `step_ms`, first after one step."""

    start: int
    days: int
    step_ms: int

    @property
    def lasts_ms(self) -> int:
        """The length of the season, ms."""
        return self.days * DAY_MS

    @property
    def end(self) -> int:
        """The end of the season, UTC ms."""
        return self.start + self.lasts_ms

    @property
    def polls(self) -> int:
        """The number of polls."""
        return self.lasts_ms // self.step_ms

    def times(self) -> Iterator[int]:
        """The time of every poll, UTC ms."""
        return iter(range(self.start + self.step_ms, self.end + 1, self.step_ms))
