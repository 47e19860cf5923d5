"""When a unit that does not answer is asked again, so that dead units do not hold up the live ones.
Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

# A unit that missed this many sweeps running is quarantined: asked rarely, one question, no second
# try.
QUARANTINE_AFTER: Final = 2
# At most two minutes between questions, so that a unit whose power is back is seen soon after.
MAX_BACKOFF_S: Final = 120.0
# Share of the interval spent on quarantined units; reliability §1 allows live ones 10 % more. None
# live: half of it.
PROBE_SHARE: Final = 0.08
PROBE_SHARE_ALL_DEAD: Final = 0.5


@dataclass(slots=True)
class Health:
    """Sweeps missed in a row, and the monotonic times in seconds of the next try and of the last
    miss."""

    misses: int = 0
    due_s: float = 0.0
    missed_s: float = -inf

    @property
    def quarantined(self) -> bool:
        """Whether the unit is asked rarely."""
        return self.misses >= QUARANTINE_AFTER

    def answered(self) -> None:
        """The unit answered: it is polled in every sweep again."""
        self.misses, self.due_s = 0, 0.0

    def missed(self, now_s: float, interval_s: float) -> None:
        """The unit did not answer the sweep at `now_s`; the pause doubles from one interval on."""
        self.misses += 1
        self.missed_s = now_s
        if self.quarantined:
            pause_s = interval_s * 2.0 ** min(self.misses - QUARANTINE_AFTER, 16)
            # A little early, because the sweep it shall take part in may begin a little early too.
            self.due_s = now_s + min(pause_s, max(MAX_BACKOFF_S, interval_s)) - interval_s / 2


def choose_polls(
    units: Mapping[str, Health], probe_s: Mapping[str, float], now_s: float, interval_s: float
) -> Sequence[str]:
    """The units to ask in the sweep at `now_s`: all that are live, then as many quarantined ones as
    there is time for.

    `probe_s` is the longest time a question to each unit takes. The one due longest is asked first.
    Where a single question takes more than the share of one sweep, only one sweep in several has
    one.
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
    """Ask every quarantined unit in the next sweep: one of a line that was wholly dead has
    answered."""
    for health in units.values():
        health.due_s = 0.0
