"""What a reference unit does, held to the table of physics §20.1 and to how a leak shows (physics
§20.7)."""

import numpy as np
import pytest

from rules.readings.reference_unit import (
    TOP_HZ,
    compressor_w_per_hz,
    cop_ratio,
    discharge_excess_k,
    heat_per_hz,
    low_pressure_ratio,
    reference_cop,
    unmetered_delta_per_hz,
    valve_per_hz,
)

# Outdoor and supply temperature, °C, and COP at full speed: the calibration table of physics §20.1.
TABLE = [
    (7, 35, 4.50),
    (2, 35, 3.85),
    (-5, 45, 2.52),
    (-7, 35, 2.99),
    (-12, 41, 2.32),
    (-20, 41, 1.93),
    (-25, 50, 1.46),
]


def one(value: float) -> np.ndarray:
    return np.array([value], np.float64)


@pytest.mark.parametrize(("outdoor", "supply", "cop"), TABLE)
def test_the_reference_meets_the_table(outdoor: float, supply: float, cop: float) -> None:
    assert reference_cop(one(outdoor), one(supply), one(TOP_HZ)) == pytest.approx(cop, abs=0.03)


def test_part_load_helps_down_to_a_third_of_the_speed() -> None:
    at = [float(reference_cop(one(-7), one(35), one(hz))[0]) for hz in (90.0, 60.0, 30.0, 20.0)]
    assert at[0] < at[1] < at[2] == pytest.approx(at[3], rel=0.01)


@pytest.mark.parametrize("power_w", [3_000.0, 250.0])
def test_whole_kilowatts_and_idling_say_nothing_of_efficiency(power_w: float) -> None:
    ratio = cop_ratio(one(3.0), one(power_w), one(-5), one(42), one(60))
    assert np.isnan(ratio).all()


def test_a_unit_that_idles_beside_a_perfect_compressor_is_at_one() -> None:
    cop = reference_cop(one(-5), one(42), one(60))
    heat_w = cop * 2_000.0
    assert cop_ratio(heat_w / 2_150.0, one(2_150.0), one(-5), one(42), one(60)) == pytest.approx(
        1.0
    )


@pytest.mark.parametrize(
    ("outdoor", "supply", "share"),
    [(7, 35, 1.38), (-7, 35, 1.12), (-20, 41, 0.86), (-25, 50, 0.73)],
)
def test_heat_per_speed_is_freed_from_weather_by_the_table(
    outdoor: float, supply: float, share: float
) -> None:
    assert heat_per_hz(one(9_000.0 * share), one(90.0), one(outdoor), one(supply)) == pytest.approx(
        100.0, rel=0.01
    )


@pytest.mark.parametrize(("outdoor", "supply"), [(7, 35), (-7, 35), (-20, 41), (-25, 50)])
def test_what_the_compressor_draws_at_a_speed_is_freed_from_weather_too(
    outdoor: float, supply: float
) -> None:
    share = (1.0 + 0.018 * (outdoor + 12.0)) * (1.0 - 0.005 * (supply - 41.0))
    power_w = 150.0 + 9_000.0 * share / reference_cop(one(outdoor), one(supply), one(90.0))
    assert compressor_w_per_hz(power_w, one(90.0), one(outdoor), one(supply)) == pytest.approx(
        100.0
    )


def test_supply_over_return_stands_in_for_heat_only_where_none_is_told() -> None:
    reported = unmetered_delta_per_hz(one(6.0), one(np.nan), one(60.0), one(-12), one(41))
    assert reported == pytest.approx(0.1)
    assert np.isnan(
        unmetered_delta_per_hz(one(6.0), one(7_000.0), one(60.0), one(-12), one(41))
    ).all()


def test_a_standing_compressor_has_no_figures() -> None:
    assert np.isnan(heat_per_hz(one(0.0), one(0.0), one(0), one(40))).all()
    assert np.isnan(valve_per_hz(one(100.0), one(0.0))).all()


def test_suction_pressure_is_freed_from_the_weather_by_saturation() -> None:
    # R290 in kPa at evaporating temperatures of −25 and 0 °C; the reference evaporates 7 K below
    # the air.
    cold, mild = low_pressure_ratio(one(2.033), one(-18)), low_pressure_ratio(one(4.745), one(7))
    assert cold == pytest.approx(mild, rel=0.04)
    assert mild == pytest.approx(4.745)


def test_injection_caps_the_discharge() -> None:
    assert discharge_excess_k(one(110.0), one(-30), one(60)) == pytest.approx(5.0)
    assert discharge_excess_k(one(80.0), one(2), one(35)) == pytest.approx(
        80.0 - (38.0 + 30.0 + 0.25 * 3.0)
    )
