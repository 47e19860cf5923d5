"""Limits of an event time, seen from the receiver's clock (design §4, contract §11)."""

from typing import Final, Literal

from wire.units import MINUTE_MS

TimeCode = Literal["bad_precision", "too_early", "clock_ahead"]

MAX_AHEAD_MS: Final = 5 * MINUTE_MS
EARLIEST_MS: Final = 1_577_836_800_000  # 2020-01-01T00:00:00Z (contract §11 `too_early`)

# A time in seconds has 10 digits until 2286; a time in microseconds has at least 16. Read as
# milliseconds, they fall in spring 1970 and after the year 5138. A gateway that boots without a
# clock counts from zero and stays below this range.
_SECONDS: Final = range(10**9, 10**10)
BEYOND_MS: Final = 10**14
"""The first time (UTC ms) that is no time in milliseconds: the year 5138."""


def check_event_time(at: int, now: int, earliest: int = EARLIEST_MS) -> TimeCode | None:
    """Return the code that rejects event time `at` at server time `now`, or None if it is good.

    All times are UTC ms. `earliest` is the commissioning time of the device, where known.
    """
    if at in _SECONDS or at >= BEYOND_MS:
        return "bad_precision"
    if at < earliest:
        return "too_early"
    if at > now + MAX_AHEAD_MS:
        return "clock_ahead"
    return None
