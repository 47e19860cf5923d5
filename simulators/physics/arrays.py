"""Array types of the physics: one element per unit."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Kinds: TypeAlias = NDArray[np.int8]
Numbers: TypeAlias = NDArray[np.int64]
