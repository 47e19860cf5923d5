"""Quarantine of silent units, so that dead units do not hold up the live ones. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

# A unit that missed this many sweeps in a row is quarantined: asked rarely, and only once.
QUARANTINE_AFTER: Final = 2
# At most two minutes between questions, so that a unit whose power is back is seen soon after.
MAX_BACKOFF_S: Final = 120.0
# Share of the interval spent on quarantined units; reliability §1 allows live ones 10 % more.
# If no unit is live, half of the interval is spent on them.
PROBE_SHARE: Final = 0.08
PROBE_SHARE_ALL_DEAD: Final = 0.5


@dataclass(slots=True)
class Health:
    """Sweeps missed in a row, and the monotonic seconds of the next try and of the last miss."""

    misses: int = 0
    due_s: float = 0.0
    missed_s: float = -inf

    @property
    def quarantined(self) -> bool:
        """Whether the unit is asked rarely."""
        return self.misses >= QUARANTINE_AFTER

    def answered(self) -> None:
        """Note an answer: the unit is polled in every sweep again."""
        self.misses, self.due_s = 0, 0.0

    def missed(self, now_s: float, interval_s: float) -> None:
        """Note a miss in the sweep at `now_s`; the pause doubles, beginning with `interval_s`."""
        self.misses += 1
        self.missed_s = now_s
        if self.quarantined:
            pause_s = interval_s * 2.0 ** min(self.misses - QUARANTINE_AFTER, 16)
            # Half an interval early, because the sweep of the next try may begin a little early.
            self.due_s = now_s + min(pause_s, max(MAX_BACKOFF_S, interval_s)) - interval_s / 2


def choose_polls(
    units: Mapping[str, Health], probe_s: Mapping[str, float], now_s: float, interval_s: float
) -> Sequence[str]:
    """The units to ask in the sweep at `now_s`: all live ones, then quarantined ones in time left.

    `probe_s` is the longest time in seconds of one question to each unit. The unit due longest is
    asked first. If a single question takes more than the share of one sweep, only one sweep in
    several asks one.
    """
    live = [unit for unit, health in units.items() if not health.quarantined]
    dead = {unit: health for unit, health in units.items() if health.quarantined}
    due = sorted((health.due_s, unit) for unit, health in dead.items() if health.due_s <= now_s)
    share = PROBE_SHARE if live else PROBE_SHARE_ALL_DEAD
    rested_s = now_s - max((health.missed_s for health in dead.values()), default=-inf)
    time_left = share * interval_s
    probes: list[str] = []
    for _, unit in due:
        if probe_s[unit] > (time_left if probes else share * rested_s):
            break
        time_left -= probe_s[unit]
        probes.append(unit)
    return [*live, *probes]


def release_all(units: Mapping[str, Health]) -> None:
    """Ask every quarantined unit in the next sweep; for a line whose first unit answers again."""
    for health in units.values():
        health.due_s = 0.0
