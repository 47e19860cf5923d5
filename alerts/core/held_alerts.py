"""When an alert raised from old readings may be told: once its condition holds on the newest data
(design §4.7)."""

from dataclasses import dataclass, replace
from typing import Final

from wire.units import MINUTE_MS

# Older than this against the server's clock, a reading is history or comes from a clock that is
# behind; the same span as the contract allows a clock to be ahead (design §4 "Clocks").
LIVE_WITHIN_MS: Final = 5 * MINUTE_MS
# How long a device is watched to tell history being caught up from a clock that is merely behind.
WATCH_MS: Final = MINUTE_MS
# History arrives several times faster than time passes; live data keeps pace with it.
_CATCH_UP_PACE: Final = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A device with a held-back alert: its newest event time when last looked at, and when that was
    (UTC ms)."""

    newest: int
    looked_at: int


def is_live(at: int, now: int) -> bool:
    """Whether an event at `at` is recent enough, seen at `now`, to be acted on at once."""
    return now - at <= LIVE_WITHIN_MS


def look(held: Held, newest: int, now: int) -> Held | None:
    """What to remember of a held-back device whose newest reading is now `newest`; None once it is
    live.

    It is live when its newest reading is recent, or when over the time watched its event time went
    no faster than time itself: its clock is behind, or the gateway has told all it has.
    """
    if is_live(newest, now):
        return None
    waited = now - held.looked_at
    if waited < WATCH_MS:
        return held
    if newest - held.newest > _CATCH_UP_PACE * waited:
        return replace(held, newest=newest, looked_at=now)
    return None
