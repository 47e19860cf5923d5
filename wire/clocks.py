"""What an event time may be, judged against the receiver's clock (design §4, contract §11)."""

from typing import Final, Literal

from wire.units import MINUTE_MS

TimeCode = Literal["bad_precision", "too_early", "clock_ahead"]

MAX_AHEAD_MS: Final = 5 * MINUTE_MS
EARLIEST_MS: Final = 1_577_836_800_000  # 2020-01-01T00:00:00Z (contract §11 `too_early`)

# A stamp in seconds has 10 digits until 2286, one in microseconds at least 16; read as milliseconds
# they land in the spring of 1970 and beyond the year 5138. A box that merely boots in 1970 counts
# from zero.
_SECONDS: Final = range(10**9, 10**10)
_BEYOND_MS: Final = 10**14


def check_event_time(at: int, now: int, earliest: int = EARLIEST_MS) -> TimeCode | None:
    """The code that rejects event time `at` at server time `now` (both UTC ms), or None if it is
    good.

    `earliest` is the commissioning time of the device where it is known.
    """
    if at in _SECONDS or at >= _BEYOND_MS:
        return "bad_precision"
    if at < earliest:
        return "too_early"
    if at > now + MAX_AHEAD_MS:
        return "clock_ahead"
    return None
