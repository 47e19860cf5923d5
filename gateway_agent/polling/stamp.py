"""The event time of a reading. Pure."""

from wire.clocks import MAX_AHEAD_MS


def next_stamp(now: int, last: int | None) -> int:
    """The time stamp, UTC ms, of a reading made at wall time `now`, when the unit's last one
    carries `last`.

    Strictly increasing over the small steps back of a clock being disciplined. A step back beyond
    what receivers tolerate (design §4, five minutes) is followed: then the clock was wrong before,
    and staying ahead of it would have every further reading refused.
    """
    if last is None or now > last or last - now > MAX_AHEAD_MS:
        return now
    return last + 1
