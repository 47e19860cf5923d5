"""The outdoor conditions of a house at one moment."""

from dataclasses import dataclass, replace

from simulators.physics.arrays import Floats


@dataclass(frozen=True, slots=True)
class Conditions:
    """Air temperature in °C, relative humidity 0…1, sun on a horizontal surface in W/m².

    Each is one number for all units, or a column with one element per unit.
    """

    outdoor_c: float | Floats
    humidity: float | Floats
    sun_w_m2: float | Floats

    def shifted(self, offset_k: float | Floats) -> "Conditions":
        """The same weather `offset_k` warmer (mountain villages: −4…−6 K, physics §20.4)."""
        return replace(self, outdoor_c=self.outdoor_c + offset_k)
