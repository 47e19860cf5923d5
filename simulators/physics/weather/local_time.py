"""Local time of the simulated houses.

The climate, the sun and the evening load are those of Beijing (physics §20.4, §20.6), so the clock
of the physics is Beijing's too. The time zone that a district is configured for does not move it.
"""

from typing import Final

import numpy as np

from wire.units import DAY_MS, HOUR_MS

UTC_OFFSET_MS: Final = 8 * HOUR_MS  # Asia/Shanghai, without summer time


def local_hour(now: int) -> float:
    """Hour of the local day, 0…24, at UTC milliseconds `now`."""
    return (now + UTC_OFFSET_MS) % DAY_MS / HOUR_MS


def afternoon_share(now: int) -> float:
    """The daily course as a cosine: 1 at 15:00, the warmest hour, and −1 at 3:00."""
    return float(np.cos((local_hour(now) - 15.0) * np.pi / 12.0))
