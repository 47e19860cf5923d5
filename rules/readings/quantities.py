"""What a rule may read: every point of `wire.points`, and quantities derived from points.

A derived quantity is computed once per batch, when the first rule asks for it, and shared by all
rules. A row that lacks one of its inputs is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

import numpy as np

from rules.readings.columns import Floats, Ints
from rules.readings.reference_unit import (
    compressor_w_per_hz,
    cop_ratio,
    discharge_excess_k,
    heat_per_hz,
    low_pressure_ratio,
    unmetered_delta_per_hz,
    valve_per_hz,
)
from wire.points import POINTS

NOMINAL_VOLTS: Final = (220.0, 380.0)
"""One phase and three phases (requirements R4)."""

_BETWEEN_VOLTS: Final = 282.5
"""Half-way between 110 % of the lower and 85 % of the higher nominal voltage: it separates them."""

WATER_J_PER_LITRE_K: Final = 4_147.0
"""ρ·cp of water at 40 °C: 0.9922 kg/L and 4,179 J/(kg·K)."""

MIN_DELTA_K: Final = 2.0
COP_RANGE: Final = (0.5, 8.0)
"""A COP counts only between these, with `MIN_DELTA_K` of ΔT or more and with flow
(rules-and-faults "COP")."""

LOWEST_WATER_SETPOINT_C: Final = 25.0
"""`setpoint_c` is of the water or of the room (contract §3): of the water from this value on
(docs/domain/profile-gree-versati.md, operating limits: 25–55 °C), of the room below it."""


@dataclass(frozen=True, slots=True)
class DerivedQuantity:
    """A quantity derived from others: its unit, its inputs, and the function of their columns."""

    unit: str
    needs: tuple[str, ...]
    compute: Callable[..., Floats]


def _flow_heat(flow_lpm: Floats, delta_k: Floats) -> Floats:
    heat_w: Floats = flow_lpm * delta_k * (WATER_J_PER_LITRE_K / 60.0)
    return heat_w


def _heat_or_flow(heat_w: Floats, flow_heat_w: Floats) -> Floats:
    return np.where(np.isnan(heat_w), flow_heat_w, heat_w)


def _cop(heat_or_flow_w: Floats, power_w: Floats, delta_k: Floats, flow_lpm: Floats) -> Floats:
    cop = _ratio(heat_or_flow_w, power_w)
    low, high = COP_RANGE
    # A unit that measures its heat may lack a flow; a flow of zero is a stopped pump.
    accepted = (delta_k >= MIN_DELTA_K) & (cop > low) & (cop < high) & ~(flow_lpm <= 0)
    return np.where(accepted, cop, np.nan)


def _voltage_share(voltage_v: Floats) -> Floats:
    one_phase, three_phases = NOMINAL_VOLTS
    nominal_v = np.where(voltage_v < _BETWEEN_VOLTS, one_phase, three_phases)
    share: Floats = 100.0 * voltage_v / nominal_v
    return share


def _room_setpoint(setpoint_c: Floats) -> Floats:
    return np.where(setpoint_c < LOWEST_WATER_SETPOINT_C, setpoint_c, np.nan)


def _share_possible(longest: Floats, interval: Floats) -> Floats:
    return 100.0 * longest / (interval + longest)


def _ratio(above: Floats, below: Floats) -> Floats:
    """NaN where the divisor is zero or negative."""
    ratio: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return ratio


DERIVED: Final[Mapping[str, DerivedQuantity]] = MappingProxyType(
    {
        # Supply above return; negative in a defrost, which takes heat from the water.
        "delta_k": DerivedQuantity("K", ("supply_c", "return_c"), np.subtract),
        "flow_heat_w": DerivedQuantity("W", ("flow_lpm", "delta_k"), _flow_heat),
        # The heat that the unit measures, else from flow and ΔT.
        "heat_or_flow_w": DerivedQuantity("W", ("heat_w", "flow_heat_w"), _heat_or_flow),
        "cop": DerivedQuantity("", ("heat_or_flow_w", "power_w", "delta_k", "flow_lpm"), _cop),
        # Percent of the nominal voltage, 220 or 380 V (requirements R4).
        "voltage_share": DerivedQuantity("percent", ("voltage_v",), _voltage_share),
        # How much colder the outdoor coil is than the air: 5 to 9 K clean, 12 to 18 K frosted
        # (physics §20.2).
        "coil_gap_k": DerivedQuantity("K", ("outdoor_c", "coil_c"), np.subtract),
        # Stands for the discharge superheat where pressures are not known: condensing is about
        # supply + 3 K.
        "discharge_gap_k": DerivedQuantity("K", ("discharge_c", "supply_c"), np.subtract),
        # The colder of the two water temperatures, of which either will do: what freezes first.
        "water_min_c": DerivedQuantity("c", ("supply_c", "return_c"), np.fmin),
        # The set-point where it is a room's; see LOWEST_WATER_SETPOINT_C.
        "room_setpoint_c": DerivedQuantity("c", ("setpoint_c",), _room_setpoint),
        # How far the room is below what its household asks for.
        "room_lack_k": DerivedQuantity("K", ("room_setpoint_c", "room_c"), np.subtract),
        # The share of defrosting that a unit's settings allow at most (rules-and-faults
        # "Config-risk rule").
        "defrost_share_possible": DerivedQuantity(
            "percent", ("defrost_max_min", "defrost_interval_min"), _share_possible
        ),
        "power_per_hz": DerivedQuantity("W/Hz", ("power_w", "compressor_hz"), _ratio),
        # These drift with a fault, freed from weather and load (rules.readings.reference_unit).
        "cop_ratio": DerivedQuantity(
            "", ("cop", "power_w", "outdoor_c", "supply_c", "compressor_hz"), cop_ratio
        ),
        "heat_per_hz": DerivedQuantity(
            "W/Hz", ("heat_or_flow_w", "compressor_hz", "outdoor_c", "supply_c"), heat_per_hz
        ),
        "compressor_w_per_hz": DerivedQuantity(
            "W/Hz", ("power_w", "compressor_hz", "outdoor_c", "supply_c"), compressor_w_per_hz
        ),
        "unmetered_delta_per_hz": DerivedQuantity(
            "K/Hz",
            ("delta_k", "heat_or_flow_w", "compressor_hz", "outdoor_c", "supply_c"),
            unmetered_delta_per_hz,
        ),
        "discharge_excess_k": DerivedQuantity(
            "K", ("discharge_c", "outdoor_c", "supply_c"), discharge_excess_k
        ),
        "low_pressure_ratio": DerivedQuantity("bar", ("low_bar", "outdoor_c"), low_pressure_ratio),
        "valve_per_hz": DerivedQuantity("1/Hz", ("exv_steps", "compressor_hz"), valve_per_hz),
    }
)


def unit_of(name: str) -> str:
    """The unit of a quantity, for a point its suffix; raises KeyError for an unknown name."""
    return POINTS[name].name.rpartition("_")[2] if name in POINTS else DERIVED[name].unit


def points_for(names: tuple[str, ...]) -> frozenset[str]:
    """The points that the quantities `names` derive from."""
    points: set[str] = set()
    for name in names:
        points |= {name} if name in POINTS else points_for(DERIVED[name].needs)
    return frozenset(points)


class Quantities(dict[str, Floats]):
    """The columns of one batch by quantity, each made when it is first read.

    A column has `size` rows. Given columns are not copied; a point without a column is NaN in every
    row. Raises KeyError for an unknown name.
    """

    def __init__(
        self,
        columns: Mapping[str, Floats],
        size: int,
        whole: Self | None = None,
        rows: Ints | None = None,
    ):
        """The given columns; with `whole` and `rows`, these rows of that batch's columns."""
        super().__init__(columns)
        self._size = size
        self._whole, self._rows = whole, rows

    def __missing__(self, name: str) -> Floats:
        if self._whole is not None and (name in POINTS or name in self._whole):
            values: Floats = self._whole[name][self._rows]
        elif name in POINTS:
            values = np.full(self._size, np.nan)
        else:
            derived = DERIVED[name]
            with np.errstate(invalid="ignore"):
                values = derived.compute(*(self[need] for need in derived.needs))
        self[name] = values
        return values

    def take(self, rows: Ints) -> "Quantities":
        """These rows, each column taken when it is first read."""
        return Quantities({}, len(rows), self, rows)
