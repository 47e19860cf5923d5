import numpy as np
import pytest

from simulators.physics.machine.heat_pump import (
    capacity_fraction,
    discharge_c,
    full_load_cop,
    idle_w,
    part_load_factor,
)
from simulators.physics.machine.refrigerant import saturation_bar

# physics §20.1: outdoor °C, supply °C, COP at full speed.
CALIBRATION = [
    (7, 35, 4.50),
    (2, 35, 3.85),
    (0, 45, 2.85),
    (-5, 45, 2.52),
    (-7, 35, 2.99),
    (-12, 35, 2.63),
    (-12, 41, 2.32),
    (-12, 50, 1.94),
    (-20, 41, 1.93),
    (-25, 50, 1.46),
    (-25, 41, 1.72),
    (-30, 41, 1.55),
]
CAPACITY = [
    (7, 35, 1.38),
    (-7, 35, 1.12),
    (-20, 41, 0.86),
    (-25, 50, 0.73),
    (-30, 41, 0.68),
    (-12, 41, 1.0),
]


def one(value: float) -> np.ndarray:
    return np.array([float(value)])


@pytest.mark.parametrize(("outdoor", "supply", "cop"), CALIBRATION)
def test_cop_follows_the_calibration_table(outdoor: float, supply: float, cop: float) -> None:
    assert full_load_cop(one(outdoor), one(supply))[0] == pytest.approx(cop, abs=0.01)


@pytest.mark.parametrize(("outdoor", "supply", "share"), CAPACITY)
def test_capacity_follows_its_table(outdoor: float, supply: float, share: float) -> None:
    assert capacity_fraction(one(outdoor), one(supply))[0] == pytest.approx(share, abs=0.012)


def test_policy_points_in_deep_cold_are_met_without_auxiliary_heat() -> None:
    assert full_load_cop(one(-25), one(50))[0] >= 1.4
    assert full_load_cop(one(-30), one(41))[0] >= 1.4


def test_part_load_helps_down_to_a_third_of_the_speed_and_less_below() -> None:
    factor = part_load_factor(np.array([1.0, 0.66, 0.33, 0.28]))
    assert factor[0] == pytest.approx(1.0)
    assert factor[1] == pytest.approx(1.102)
    assert factor[2] == pytest.approx(1.201)
    assert 1.0 <= factor[3] < factor[2]


def test_discharge_gas_is_hotter_in_the_cold_and_capped() -> None:
    mild, cold, deepest = discharge_c(np.array([7.0, -12.0, -35.0]), np.array([35.0, 45.0, 60.0]))
    assert mild < cold < deepest <= 105.0


def test_crankcase_is_heated_only_in_the_cold() -> None:
    cold, mild = idle_w(np.array([-10.0, 10.0]), np.ones(2, bool))
    assert 40.0 <= cold - mild <= 70.0


def test_pressures_are_those_of_the_live_sample() -> None:
    # docs/domain/profile-midea-mthermal.md: 4 °C outdoors and 32 °C supply show P1 1350 and P2 430
    # kPa.
    assert saturation_bar(one(32 + 3))[0] * 100 == pytest.approx(1350, rel=0.12)
    assert saturation_bar(one(4 - 7))[0] * 100 == pytest.approx(430, rel=0.03)
