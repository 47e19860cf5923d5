"""The simulated heat pumps by village, gateway and line; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from math import ceil
from typing import Final

DISTRICT: Final = "mentougou"
TOWN: Final = "zhaitang"
# Villages of the town, with the short form that device and gateway ids carry.
_VILLAGES: Final = (
    ("matao", "mt"),
    ("xihulin", "xh"),
    ("huanglingxi", "hl"),
    ("baihutou", "bh"),
    ("lingshui", "ls"),
)

_GATEWAYS_PER_VILLAGE: Final = 2
_UNITS_PER_GATEWAY: Final = 15
_MAX_GATEWAYS: Final = len(_VILLAGES) * _GATEWAYS_PER_VILLAGE
# The serial lines of a gateway alternate between these brands, with at most so many units. At 9600
# baud all are polled well within the demo's interval (`hearthwatch gateway check` prints 0.5 s a
# poll for the first brand, 2 s for the second).
_SERIAL_LINES: Final = (("midea-mthermal", 10), ("phnix", 5))


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """One heat pump: its device id and its Modbus address on its line."""

    device: str
    address: int


@dataclass(frozen=True, slots=True)
class DemoLine:
    """One bus: a multi-drop RTU line on a pseudo-terminal if `serial`, else Modbus TCP."""

    name: str
    serial: bool
    profile: str
    units: tuple[DemoUnit, ...]


@dataclass(frozen=True, slots=True)
class DemoGateway:
    """One village box with its lines."""

    name: str
    village: str
    lines: tuple[DemoLine, ...]

    @property
    def devices(self) -> list[str]:
        """The ids of all heat pumps behind this gateway."""
        return [unit.device for line in self.lines for unit in line.units]


def plan_layout(units: int) -> tuple[DemoGateway, ...]:
    """Spread `units` heat pumps over two or more gateways; the first has a Modbus TCP line too.

    Raises ValueError for fewer than four units, which cannot fill the lines.
    """
    if units < 4:
        raise ValueError(
            "the demo needs at least 4 units, to fill two serial lines and one Modbus TCP line"
        )
    count = min(_MAX_GATEWAYS, max(2, ceil(units / _UNITS_PER_GATEWAY)))
    shares = [units // count + (1 if index < units % count else 0) for index in range(count)]
    return tuple(_gateway(index, count, share) for index, share in enumerate(shares))


def _gateway(index: int, count: int, share: int) -> DemoGateway:
    # An odd last gateway joins the village before it: alone in a village, its death would be a
    # village outage.
    group = min(index // _GATEWAYS_PER_VILLAGE, max(0, count // _GATEWAYS_PER_VILLAGE - 1))
    village, short = _VILLAGES[group]
    number = index - group * _GATEWAYS_PER_VILLAGE + 1
    ids = (f"mtg-{short}-{number:02d}{serial:03d}" for serial in range(1, share + 1))
    name = f"{short}-{number:02d}"
    return DemoGateway(name, village, tuple(_lines(name, index, share, ids)))


def _lines(gateway: str, index: int, share: int, ids: Iterator[str]) -> Iterator[DemoLine]:
    over_tcp = max(1, share // 3) if index == 0 else 0
    if over_tcp:
        yield DemoLine(
            f"{gateway}-tcp", serial=False, profile="midea-mthermal", units=_units(ids, over_tcp)
        )
    left = share - over_tcp
    for number, (profile, most) in enumerate(cycle(_SERIAL_LINES), start=1):
        if left <= 0:
            return
        size = min(left, most)
        yield DemoLine(
            f"{gateway}-rs485-{number}", serial=True, profile=profile, units=_units(ids, size)
        )
        left -= size


def _units(ids: Iterator[str], count: int) -> tuple[DemoUnit, ...]:
    return tuple(
        DemoUnit(device, address) for address, device in enumerate(islice(ids, count), start=1)
    )
