import numpy as np
import pytest

from simulators.physics.machine import frost


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("celsius", "grams"), [(-20, 0.63), (-10, 1.60), (-7, 2.09), (0, 3.77), (7, 6.2), (20, 14.7)]
)
def test_saturated_humidity_is_that_of_the_psychrometric_tables(
    celsius: float, grams: float
) -> None:
    assert frost.saturated_humidity(column(celsius))[0] * 1000 == pytest.approx(grams, rel=0.03)


def test_frost_grows_faster_in_damp_air_and_not_at_all_in_dry_or_warm() -> None:
    dry, damp, wet = frost.growth_kg_s(column(-5, -5, -5), column(0.3, 0.8, 0.95), np.ones(3))
    assert dry == 0.0
    assert 0.0 < damp < wet
    assert frost.growth_kg_s(column(10), column(0.95), np.ones(1))[0] == 0.0


def test_a_coil_frosts_in_about_an_hour_near_freezing() -> None:
    # frost.md in physics §20.3: cycles of about 65 minutes.
    growth = frost.growth_kg_s(column(1), column(0.8), np.ones(1))[0]
    assert 40 <= frost.TRIGGER_KG / growth / 60 <= 90


def test_a_defrost_lasts_minutes_and_runs_into_its_limit_where_nothing_melts() -> None:
    # physics §20.3 "cycle shape": 2–8 min, 20 at most.
    lasts = frost.lasts_s(column(0.0, 1.0, 1.0), np.array([True, True, False]))
    assert 120 <= lasts[0] < lasts[1] <= 480
    assert lasts[2] == frost.LONGEST_S


def test_a_block_of_ice_costs_what_was_measured() -> None:
    # Applied Energy 2012.12.054 in physics §20.3: capacity −43.4 %, COP −40.4 %.
    assert frost.output_factor(column(frost.MOST_KG))[0] == pytest.approx(0.58, abs=0.02)
    assert frost.output_factor(column(0.0))[0] == 1.0


def test_coil_gap_is_that_of_the_table() -> None:
    # physics §20.2: 5…9 K clean, 12…18 K frosted; physics §20.3: more than 15 K where a defrost was
    # missed.
    gap = frost.coil_below_air_k(column(0.0, 1.0, 0.5, 0.3), column(0.0, 0.0, 1.0, 2.0))
    assert gap[0] == pytest.approx(5.0)
    assert gap[1] == pytest.approx(9.0)
    assert 12.0 <= gap[2] <= 18.0
    assert gap[3] > 15.0
