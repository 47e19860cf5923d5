import numpy as np
import pytest

from simulators.physics import grid
from simulators.physics.weather import SteadyWeather, WinterWeather

HOUR = 3_600_000
NOVEMBER = 1_761_926_400_000  # 2025-11-01T00:00+08:00
SEASON = range(NOVEMBER, NOVEMBER + 151 * 24 * HOUR, HOUR)


def test_a_season_has_the_temperatures_of_beijing() -> None:
    # physics.md §20.4: November to March mean 1.52, p5 −7.0, p95 11.3; one year may differ, ten must not by much.
    hours = np.array([weather.at(now).outdoor_c for weather in map(WinterWeather, range(10)) for now in SEASON[::3]])
    assert hours.mean() == pytest.approx(1.5, abs=1.0)
    assert np.percentile(hours, 5) == pytest.approx(-7.0, abs=1.5)
    assert np.percentile(hours, 95) == pytest.approx(11.3, abs=2.0)


def test_humidity_is_a_share_and_sometimes_wet() -> None:
    weather = WinterWeather(1)
    humidity = np.array([weather.at(now).humidity for now in SEASON])
    assert humidity.min() >= 0.0
    assert 0.35 <= humidity.mean() <= 0.6
    assert 0.8 <= humidity.max() <= 1.0


def test_mountain_villages_are_colder_and_the_same_seed_is_the_same_winter() -> None:
    plain, again, mountain = WinterWeather(7), WinterWeather(7), WinterWeather(7, offset_k=-5.0)
    for now in SEASON[::97]:
        assert plain.at(now) == again.at(now)
        assert mountain.at(now).outdoor_c == pytest.approx(plain.at(now).outdoor_c - 5.0)
    assert any(plain.at(now) != WinterWeather(8).at(now) for now in SEASON[::97])


def test_the_sun_brings_the_month_its_energy() -> None:
    weather = WinterWeather(1)
    day = [weather.at(NOVEMBER + minute * 60_000).sun_w_m2 for minute in range(24 * 60)]
    assert sum(day) / 60 / 1000 == pytest.approx(2.17, rel=0.01)


def test_steady_weather_swings_around_its_mean_and_is_warmest_in_the_afternoon() -> None:
    weather = SteadyWeather(-9.0, 0.7, swing_k=2.0)
    hours = [weather.at(NOVEMBER + hour * HOUR).outdoor_c for hour in range(24)]
    assert (min(hours), max(hours)) == (pytest.approx(-11.0), pytest.approx(-7.0))
    assert hours.index(max(hours)) == 15


def test_voltage_droops_in_the_evening_and_stays_inside_the_limits() -> None:
    # physics.md §20.6: limits 187 and 242 V.
    loads = np.array([0.0, 3_000.0, 6_000.0])
    volts = np.array([grid.voltage_v(NOVEMBER + hour * HOUR, loads) for hour in range(24)])
    assert volts[20].max() < volts[12].min()
    assert volts.min() > 187.0
    assert volts.max() < 242.0
    assert (np.diff(volts, axis=1) < 0.0).all()
