"""The one place where the wall clock is read; decisions get its answer as an argument."""

from time import time_ns


def wall_clock_ms() -> int:
    """UTC milliseconds now."""
    return time_ns() // 1_000_000
