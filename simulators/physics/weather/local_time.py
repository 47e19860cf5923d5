"""Local time of the simulated houses.

The weather is Beijing's, and people cook, sleep and heat by Beijing's clock. So the physics keeps
UTC+8 wherever the district under test reads its time zone from.
"""

from typing import Final

from wire.units import DAY_MS, HOUR_MS

UTC_OFFSET_MS: Final = 8 * HOUR_MS  # Asia/Shanghai, without summer time


def local_hour(now: int) -> float:
    """Hour of the local day, 0…24, at UTC milliseconds `now`."""
    return (now + UTC_OFFSET_MS) % DAY_MS / HOUR_MS
