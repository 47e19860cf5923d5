"""The only reader of the wall clock; decisions take the time as an argument."""

from time import time_ns


def wall_clock_ms() -> int:
    """Return the current time in UTC milliseconds."""
    return time_ns() // 1_000_000
