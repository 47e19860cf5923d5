"""Random numbers by name: each depends on the seed, what it is for, the unit's own number and the
time alone.

So a fleet is the same however it is cut into blocks, and a draw more in one place moves no other.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.physics.arrays import Numbers

_WORD: Final = 1 << 64
_STEP: Final = np.uint64(
    0x9E3779B97F4A7C15
)  # the increment of SplitMix64 (Steele, Lea and Flood 2014)


def words(seed: int, purpose: int, numbers: Numbers, turn: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each of `numbers` (≥ 0); `purpose` tells one use of a seed from another,
    `turn` one time."""
    key = np.uint64(
        (seed * 0xD1342543DE82EF95 + purpose * 0xA24BAED4963EE407 + turn * 0x9FB21C651E98DF25)
        % _WORD
    )
    return _mixed(_mixed(numbers.astype(np.uint64) * _STEP + key) + _STEP)


def _mixed(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output function of SplitMix64."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
