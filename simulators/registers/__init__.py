"""Register maps of real heat pumps, written from their documents: what a unit does, as the words it answers with."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.image import RegisterMap
from simulators.registers.midea_mthermal import MideaMThermal
from simulators.registers.phnix import Phnix

MAPS: Final[Mapping[str, Callable[[], RegisterMap]]] = MappingProxyType(
    {MideaMThermal.profile: MideaMThermal, Phnix.profile: Phnix}
)
"""Every profile that can be simulated, by name."""
