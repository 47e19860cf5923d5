"""Random numbers that depend only on seed, purpose, number of the unit and moment.

So a fleet is the same however it is cut into blocks, and a new draw changes no other.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Numbers

_WORD: Final = 1 << 64
# The increment of SplitMix64 (Steele, Lea and Flood 2014).
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)


def random_words(seed: int, purpose: int, numbers: Numbers, moment: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each of `numbers` (≥ 0), others for each `purpose` and `moment`."""
    mixed = seed * 0xD1342543DE82EF95 + purpose * 0xA24BAED4963EE407
    key = np.uint64((mixed + moment * 0x9FB21C651E98DF25) % _WORD)
    return _mixed(_mixed(numbers.astype(np.uint64) * _STEP + key) + _STEP)


def _mixed(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output function of SplitMix64."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
