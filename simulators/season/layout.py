"""Who stands where: villages, gateways and units with their names, and the blocks of whole villages
run together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.scenario.chance import SimulatedVillage
from simulators.scenario.scenario import FleetSettings
from simulators.scoring.truths import Topology

# numpy's cost per call is spread over a block's units, so that the larger the better while they fit
# into the cache; a small fleet stays whole, a large one is cut into an even number, for an even
# number of cores.
WHOLE_UNITS: Final = 4_800
BLOCK_UNITS: Final = 14_400
DISTRICT: Final = "district"
TOWN: Final = "town"


@dataclass(frozen=True, slots=True)
class Settlement:
    """One village: its number in the district, its units' first number there, and its gateways'
    sizes."""

    number: int
    first_unit: int
    gateways: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its id."""
        return f"v{self.number:04d}"

    @property
    def units(self) -> int:
        """How many units it has."""
        return sum(self.gateways)


@dataclass(frozen=True, slots=True)
class SeasonBlock:
    """Some villages, whose units are numbered from 0 through all of them."""

    number: int
    settlements: tuple[Settlement, ...]

    @property
    def units(self) -> int:
        """How many units it has."""
        return sum(settlement.units for settlement in self.settlements)

    def gateways(self) -> list[tuple[Settlement, str, range]]:
        """Every gateway: its village, its id and its units."""
        found, unit = [], 0
        for settlement in self.settlements:
            for number, size in enumerate(settlement.gateways, start=1):
                found.append(
                    (settlement, f"{settlement.name}-g{number:02d}", range(unit, unit + size))
                )
                unit += size
        return found

    def devices(self) -> list[str]:
        """The ids of its units, in order."""
        return [
            f"{gateway}-{position:03d}"
            for _, gateway, units in self.gateways()
            for position in range(1, len(units) + 1)
        ]

    def places(self) -> Topology:
        """Who belongs to whom."""
        devices, gateways = self.devices(), self.gateways()
        return Topology(
            {devices[unit]: gateway for _, gateway, units in gateways for unit in units},
            {gateway: settlement.name for settlement, gateway, _ in gateways},
        )

    def villages(
        self, codes: Mapping[int, tuple[str, ...]], lacks: Mapping[str, NDArray[np.int64]]
    ) -> list[SimulatedVillage]:
        """Its villages as chance sees them.

        `codes` are the faults that each unit can show, `lacks` the units that have no such point.
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
    """The size of the blocks of a fleet of `units` units; it depends on nothing else."""
    if units <= WHOLE_UNITS:
        return units
    pairs = -(-units // (2 * BLOCK_UNITS))
    return -(-units // (2 * pairs))


def blocks(settings: FleetSettings, units: int, size: int | None = None) -> list[SeasonBlock]:
    """A district of `units` units, cut into blocks of whole villages of about `size` units, or of
    the usual size."""
    wanted = size or usual_block(units)
    found: list[SeasonBlock] = []
    gathered: list[Settlement] = []
    for settlement in _settlements(settings, units):
        gathered.append(settlement)
        if sum(one.units for one in gathered) >= wanted:
            found.append(SeasonBlock(len(found), tuple(gathered)))
            gathered = []
    return [*found, SeasonBlock(len(found), tuple(gathered))] if gathered else found


def _settlements(settings: FleetSettings, units: int) -> list[Settlement]:
    full = settings.gateways_per_village * settings.units_per_gateway
    found = []
    for number, first in enumerate(range(0, units, full), start=1):
        left = min(full, units - first)
        whole, rest = divmod(left, settings.units_per_gateway)
        sizes = (settings.units_per_gateway,) * whole + ((rest,) if rest else ())
        found.append(Settlement(number, first, sizes))
    return found
