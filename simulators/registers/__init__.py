"""Register maps of real heat pumps, written from their documents: what a unit does, as the words it
answers with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.chofu_grant import CHOFU_GRANT
from simulators.registers.gree_versati import GREE_VERSATI
from simulators.registers.haier_yr_e27 import HAIER_YR_E27
from simulators.registers.midea_mthermal import MIDEA_MTHERMAL
from simulators.registers.phnix import PHNIX
from simulators.registers.register_map import RegisterMap
from simulators.registers.solareast_oem import SOLAREAST_OEM

_BRANDS: Final = (MIDEA_MTHERMAL, SOLAREAST_OEM, PHNIX, GREE_VERSATI, HAIER_YR_E27, CHOFU_GRANT)

MAPS: Final[Mapping[str, RegisterMap]] = MappingProxyType(
    {brand.profile: brand for brand in _BRANDS}
)
"""Every profile that can be simulated, by name."""
