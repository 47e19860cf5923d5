import numpy as np
import pytest

from simulators.physics import frost


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize(("celsius", "grams"), [(-20, 0.63), (-10, 1.60), (-7, 2.09), (0, 3.77), (7, 6.2), (20, 14.7)])
def test_saturated_humidity_is_that_of_the_psychrometric_tables(celsius: float, grams: float) -> None:
    assert frost.saturated_humidity(column(celsius))[0] * 1000 == pytest.approx(grams, rel=0.03)


def test_frost_grows_faster_in_damp_air_and_not_at_all_in_dry_or_warm() -> None:
    dry, damp, wet = frost.growth_kg_s(column(-5, -5, -5), column(0.3, 0.8, 0.95), np.ones(3))
    assert dry == 0.0
    assert 0.0 < damp < wet
    assert frost.growth_kg_s(column(10), column(0.95), np.ones(1))[0] == 0.0


def test_a_coil_frosts_in_about_an_hour_near_freezing() -> None:
    # frost.md in physics.md §20.3: cycles of about 65 minutes.
    growth = frost.growth_kg_s(column(2), column(0.85), np.ones(1))[0]
    assert 30 <= frost.TRIGGER_KG / growth / 60 <= 120


def test_defrost_starts_with_enough_frost_after_enough_heating_and_ends_clean_and_warm() -> None:
    size = np.ones(3)
    starts = frost.must_start(column(1.1, 1.1, 0.5), size, column(3600, 60, 3600))
    assert starts.tolist() == [True, False, False]
    ends = frost.may_end(column(0, 0, 0.4), column(14, 5, 20), column(120, 120, frost.LONGEST_S))
    assert ends.tolist() == [True, False, True]
