from itertools import pairwise

import numpy as np
import pytest

from simulators.physics.fleet import grid

HOUR = 3_600_000
MIDNIGHT = 1_761_926_400_000  # 2025-11-01T00:00+08:00
VILLAGE = np.zeros(30, np.int64)
HOUSES = np.array([30.0])
LINE = grid.feeder_share(np.linspace(0.0, 1.0, 30))


def voltages(hour: float, load_w: float) -> np.ndarray:
    """Volts over nominal along a feeder whose houses all draw `load_w`."""
    return grid.voltage_pu(MIDNIGHT + int(hour * HOUR), np.full(30, load_w), LINE, VILLAGE, HOUSES)


def test_voltage_is_that_of_the_table() -> None:
    # physics §20.6: 1.00–1.05 by day, 0.88–0.95 in the evening, 0.80–0.87 at the feeder's end in a
    # cold wave.
    day, evening, wave = voltages(13, 1_500.0), voltages(20.5, 2_300.0), voltages(20.5, 4_500.0)
    assert 0.99 <= day.min() <= day.max() <= 1.05
    assert 0.87 <= evening.min() <= evening.max() <= 0.96
    assert 0.80 <= wave.min() <= 0.87
    assert (np.diff(evening) < 0.0).all()


def test_voltage_steps_down_when_the_valley_tariff_begins() -> None:
    assert (voltages(19.95, 2_000.0) - voltages(20.05, 2_000.0) > 0.01).all()


def test_a_house_feels_its_own_load_and_its_villages() -> None:
    # physics §20.6: 0.3…0.6 V per kW for the house's own, and the common feeder.
    load = np.full(60, 2_000.0)
    village, houses, share = np.repeat([0, 1], 30), np.array([30.0, 30.0]), np.ones(60)
    usual = grid.voltage_pu(MIDNIGHT, load, share, village, houses)
    load[:30] += 1_000.0
    after = grid.voltage_pu(MIDNIGHT, load, share, village, houses)
    assert (after[30:] == usual[30:]).all()
    assert (usual[:30] - after[:30]) * grid.NOMINAL_V == pytest.approx(
        0.45 + 0.03 * grid.NOMINAL_V, rel=1e-6
    )


def test_sags_are_rare_short_and_the_same_for_the_same_time() -> None:
    # physics §20.6: occasional, 0.5–2 s.
    step = 250
    deep = [grid.sag(MIDNIGHT + at) < 1.0 for at in range(0, 24 * HOUR, step)]
    assert 2 * 500 // step <= sum(deep) <= 2 * 2_000 // step + 2
    assert sum(a != b for a, b in pairwise(deep)) == 4
