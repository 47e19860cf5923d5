"""The register maps of real heat pumps, one module a brand, each written from its document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from simulators.registers.brands.chofu_grant import CHOFU_GRANT
from simulators.registers.brands.gree_versati import GREE_VERSATI
from simulators.registers.brands.haier_yr_e27 import HAIER_YR_E27
from simulators.registers.brands.midea_mthermal import MIDEA_MTHERMAL
from simulators.registers.brands.phnix import PHNIX
from simulators.registers.brands.solareast_oem import SOLAREAST_OEM
from simulators.registers.register_map import RegisterMap

_BRANDS: Final = (MIDEA_MTHERMAL, SOLAREAST_OEM, PHNIX, GREE_VERSATI, HAIER_YR_E27, CHOFU_GRANT)

MAPS: Final[Mapping[str, RegisterMap]] = MappingProxyType(
    {brand.profile: brand for brand in _BRANDS}
)
"""Every profile that can be simulated, by name."""
