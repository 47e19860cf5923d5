"""The readings of a load test: the physics of a scenario, stamped with the wall clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from simulators.scenario.scenario import Scenario
from simulators.season.block import BlockSeason
from simulators.season.layout import SeasonBlock, blocks
from simulators.season.poll import SeasonPoll
from simulators.season.span import SeasonSpan
from wire.messages import Reading
from wire.points import STATES
from wire.topics import GatewayPath

DISTRICT: Final = "sim"
TOWNS: Final = 11  # of the district that runs 57,000 units, features "Scale"
DAYS: Final = 366  # longer than any load test
DECIMALS: Final = 1  # of most registers in the shipped profiles


@dataclass(frozen=True, slots=True)
class BlockGateway:
    """A gateway of a block: its path, the ids of its units, and their indices in the block."""

    gateway: GatewayPath
    devices: tuple[str, ...]
    units: range


class FleetBlock:
    """Some villages polled at the same moment; each poll moves them on by one interval."""

    def __init__(
        self, scenario: Scenario, block: SeasonBlock, villages: int, span: SeasonSpan, seed: int
    ) -> None:
        devices = block.devices()
        self.gateways = [
            BlockGateway(
                GatewayPath(DISTRICT, _town(settlement.number, villages), settlement.name, gateway),
                tuple(devices[units.start : units.stop]),
                units,
            )
            for settlement, gateway, units in block.gateways()
        ]
        self._devices = devices
        self._polls: Iterator[SeasonPoll] = BlockSeason(scenario, block, span, seed).polls()

    def poll(self, at: int) -> list[list[Reading]]:
        """The readings of each of `gateways`, stamped `at` (UTC ms); silent units have none."""
        poll = next(self._polls)
        readings = _readings(poll, self._devices, at)
        return [
            [reading for reading in readings[gateway.units.start : gateway.units.stop] if reading]
            for gateway in self.gateways
        ]


def fleet_blocks(
    scenario: Scenario,
    units: int,
    gateways: int,
    groups: int,
    interval_ms: int,
    start: int,
    seed: int,
) -> list[FleetBlock]:
    """`units` heat pumps behind `gateways`, cut into about `groups` blocks of whole villages.

    `start` (UTC ms) is the time of the year at which the physics begins. Raises ValueError if a
    gateway would have no unit, or more than the 247 addresses of a bus.
    """
    if not gateways <= units <= 247 * gateways:
        raise ValueError(
            f"{gateways} gateways cannot stand before {units} units; give each 1 to 247"
        )
    fleet = scenario.fleet.model_copy(update={"units_per_gateway": -(-units // gateways)})
    cut = blocks(fleet, units, max(1, units // groups))
    villages = sum(len(block.settlements) for block in cut)
    span = SeasonSpan(start, DAYS, interval_ms)
    return [FleetBlock(scenario, block, villages, span, seed) for block in cut]


def _town(village: int, villages: int) -> str:
    return f"town-{1 + (village - 1) * TOWNS // villages:02}"


def _readings(poll: SeasonPoll, devices: list[str], at: int) -> list[Reading | None]:
    names = list(poll.points)
    rows = np.round(np.stack([poll.points[name] for name in names], axis=1), DECIMALS).tolist()
    heard = range(len(devices)) if poll.heard is None else poll.heard.tolist()
    readings: list[Reading | None] = [None] * len(devices)
    for unit in heard:
        values = {
            name: value
            for name, value in zip(names, rows[unit], strict=True)
            if not isnan(value)  # a point not read
        }
        faults, bad = list(poll.faults.get(unit, ())), list(poll.bad.get(unit, ()))
        readings[unit] = Reading(devices[unit], at, STATES[poll.state[unit]], faults, values, bad)
    return readings
