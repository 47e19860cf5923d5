"""Derived quantities: (points, quantity, expected value); None is missing."""

import numpy as np
import pytest

from rules.readings.quantities import DERIVED, Quantities, points_for, unit_of
from wire.points import POINTS

CASES: list[tuple[dict[str, float], str, float | None]] = [
    ({"supply_c": 41.5, "return_c": 36.5}, "delta_k", 5.0),
    ({"supply_c": 41.5}, "delta_k", None),
    ({"supply_c": 0.0, "return_c": 0.0}, "delta_k", 0.0),
    # 20 L/min over 5 K is 6.9 kW.
    ({"supply_c": 41.0, "return_c": 36.0, "flow_lpm": 20.0}, "flow_heat_w", 6_911.7),
    (
        {"supply_c": 41.0, "return_c": 36.0, "flow_lpm": 20.0, "heat_w": 7_000.0},
        "heat_or_flow_w",
        7_000.0,
    ),
    ({"supply_c": 41.0, "return_c": 36.0, "flow_lpm": 20.0}, "heat_or_flow_w", 6_911.7),
    ({"supply_c": 41.0, "return_c": 36.0, "heat_w": 7_000.0, "power_w": 2_000.0}, "cop", 3.5),
    (
        {
            "supply_c": 41.0,
            "return_c": 36.0,
            "heat_w": 7_000.0,
            "power_w": 2_000.0,
            "flow_lpm": 0.0,
        },
        "cop",
        None,
    ),
    ({"supply_c": 37.9, "return_c": 36.0, "heat_w": 7_000.0, "power_w": 2_000.0}, "cop", None),
    ({"supply_c": 41.0, "return_c": 36.0, "heat_w": 7_000.0, "power_w": 800.0}, "cop", None),
    ({"supply_c": 41.0, "return_c": 36.0, "heat_w": 400.0, "power_w": 800.0}, "cop", None),
    ({"supply_c": 41.0, "return_c": 36.0, "heat_w": 400.0, "power_w": 0.0}, "cop", None),
    ({"voltage_v": 187.0}, "voltage_share", 85.0),
    ({"voltage_v": 242.0}, "voltage_share", 110.0),
    ({"voltage_v": 323.0}, "voltage_share", 85.0),
    ({"outdoor_c": -10.0, "coil_c": -26.0}, "coil_gap_k", 16.0),
    ({"power_w": 2_400.0, "compressor_hz": 60.0}, "power_per_hz", 40.0),
    ({"power_w": 20.0, "compressor_hz": 0.0}, "power_per_hz", None),
]


@pytest.mark.parametrize(("points", "name", "expected"), CASES)
def test_cases(points: dict[str, float], name: str, expected: float | None) -> None:
    [value] = Quantities({point: np.array([number]) for point, number in points.items()}, 1)[
        name
    ].tolist()
    assert value == pytest.approx(np.nan if expected is None else expected, abs=0.1, nan_ok=True)


def test_every_derived_quantity_has_a_unit_and_comes_from_points() -> None:
    for name in DERIVED:
        assert isinstance(unit_of(name), str)
        assert points_for((name,)) <= POINTS.keys()
        assert points_for((name,))


def test_a_column_is_made_once_and_rows_of_it_are_taken_when_asked_for() -> None:
    whole = Quantities({"supply_c": np.array([40.0, 41.0]), "return_c": np.array([35.0, 35.5])}, 2)
    assert whole["delta_k"] is whole["delta_k"]
    part = whole.take(np.array([1]))
    assert part["delta_k"].tolist() == [5.5]
    assert part["supply_c"].tolist() == [41.0]
    assert np.isnan(part["room_c"]).tolist() == [True]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        Quantities({}, 1)["supply"]
