"""The places of a district: villages, gateways and units by name, and blocks of whole villages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.scenario.chance import SimulatedVillage
from simulators.scenario.scenario import FleetSettings
from simulators.scoring.truths import Topology

# A larger block spreads the cost of each numpy call over more units, as long as they fit into the
# cache. A small fleet stays whole; a large one is cut into an even number, for an even number of
# cores.
WHOLE_UNITS: Final = 4_800
BLOCK_UNITS: Final = 14_400
DISTRICT: Final = "district"
TOWN: Final = "town"


@dataclass(frozen=True, slots=True)
class Settlement:
    """One village: its number in the district, first number of its units, sizes of its gateways."""

    number: int
    first_unit: int
    gateways: tuple[int, ...]

    @property
    def name(self) -> str:
        """The id of the village."""
        return f"v{self.number:04d}"

    @property
    def units(self) -> int:
        """The number of units."""
        return sum(self.gateways)


@dataclass(frozen=True, slots=True)
class SeasonBlock:
    """Some villages whose units are numbered together from 0."""

    number: int
    settlements: tuple[Settlement, ...]

    @property
    def units(self) -> int:
        """The number of units."""
        return sum(settlement.units for settlement in self.settlements)

    def gateways(self) -> list[tuple[Settlement, str, range]]:
        """Every gateway: its village, its id and its units by index."""
        gateways, unit = [], 0
        for settlement in self.settlements:
            for number, size in enumerate(settlement.gateways, start=1):
                name = f"{settlement.name}-g{number:02d}"
                gateways.append((settlement, name, range(unit, unit + size)))
                unit += size
        return gateways

    def devices(self) -> list[str]:
        """The ids of its units, in order."""
        return [
            f"{gateway}-{position:03d}"
            for _, gateway, units in self.gateways()
            for position in range(1, len(units) + 1)
        ]

    def topology(self) -> Topology:
        """The gateway of each device, and the village of each gateway."""
        devices, gateways = self.devices(), self.gateways()
        return Topology(
            {devices[unit]: gateway for _, gateway, units in gateways for unit in units},
            {gateway: settlement.name for settlement, gateway, _ in gateways},
        )

    def villages(
        self, codes: Mapping[int, tuple[str, ...]], lacks: Mapping[str, NDArray[np.int64]]
    ) -> list[SimulatedVillage]:
        """The villages of the block, for drawing events.

        `codes` are the faults that each unit can show, `lacks` the units without a point.
        """
        ranges: dict[int, list[range]] = {}
        for settlement, _, units in self.gateways():
            ranges.setdefault(settlement.number, []).append(units)
        lacking: dict[int, set[str]] = {}
        for point, without in lacks.items():
            for unit in without.tolist():
                lacking.setdefault(unit, set()).add(point)
        return [SimulatedVillage(tuple(own), codes, lacking) for own in ranges.values()]


def usual_block(units: int) -> int:
    """The usual size of the blocks of a fleet of `units` units."""
    if units <= WHOLE_UNITS:
        return units
    pairs = -(-units // (2 * BLOCK_UNITS))
    return -(-units // (2 * pairs))


def blocks(settings: FleetSettings, units: int, size: int | None = None) -> list[SeasonBlock]:
    """A district of `units` units, cut into blocks of whole villages.

    A block has at least `size` units (default: the usual size), except the last.
    """
    wanted = size or usual_block(units)
    cut: list[SeasonBlock] = []
    gathered: list[Settlement] = []
    for settlement in _settlements(settings, units):
        gathered.append(settlement)
        if sum(member.units for member in gathered) >= wanted:
            cut.append(SeasonBlock(len(cut), tuple(gathered)))
            gathered = []
    if gathered:
        cut.append(SeasonBlock(len(cut), tuple(gathered)))
    assert sum(block.units for block in cut) == units, "a unit stands in no block"
    return cut


def _settlements(settings: FleetSettings, units: int) -> list[Settlement]:
    full = settings.gateways_per_village * settings.units_per_gateway
    settlements = []
    for number, first in enumerate(range(0, units, full), start=1):
        left = min(full, units - first)
        whole, rest = divmod(left, settings.units_per_gateway)
        sizes = (settings.units_per_gateway,) * whole + ((rest,) if rest else ())
        settlements.append(Settlement(number, first, sizes))
    return settlements
