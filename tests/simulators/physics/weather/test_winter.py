import numpy as np
import pytest

from simulators.physics.machine.frost import frosting_coil_c, saturated_humidity
from simulators.physics.weather.climate import climate, season_day
from simulators.physics.weather.conditions import Conditions
from simulators.physics.weather.spells import Spelled, cold_wave, defrost_storm, drawn_cold_waves
from simulators.physics.weather.winter import SteadyWeather, WinterWeather

HOUR = 3_600_000
NOVEMBER = 1_761_926_400_000  # 2025-11-01T00:00+08:00
SEASON = range(NOVEMBER, NOVEMBER + 151 * 24 * HOUR, HOUR)
MONTH_OF_DAY = np.repeat(np.arange(5), (30, 31, 31, 28, 31))


@pytest.fixture(scope="module")
def winters() -> np.ndarray:
    """Temperature, humidity and sun of 16 seasons, every second hour: (season, hour, quantity)."""
    weathers = [WinterWeather(seed) for seed in range(16)]
    hours = [[weather.at(now) for now in SEASON[::2]] for weather in weathers]
    return np.array(
        [[(one.outdoor_c, one.humidity, one.sun_w_m2) for one in season] for season in hours]
    )


def test_seasons_have_the_temperatures_of_beijing(winters: np.ndarray) -> None:
    # physics §20.4: November to March mean 1.52, p5 −7.0, p95 11.3.
    outdoor = winters[..., 0]
    assert outdoor.mean() == pytest.approx(1.52, abs=0.6)
    assert np.percentile(outdoor, 5) == pytest.approx(-7.0, abs=1.0)
    assert np.percentile(outdoor, 50) == pytest.approx(1.0, abs=1.0)
    assert np.percentile(outdoor, 95) == pytest.approx(11.3, abs=1.5)


def test_each_month_has_its_mean_and_spread(winters: np.ndarray) -> None:
    # physics §20.4, "mean" and "sd daily mean".
    days = winters[..., 0].reshape(16, 151, 12).mean(axis=2)
    for month, (mean, deviation) in enumerate(
        [(4.8, 3.9), (-0.5, 2.6), (-2.9, 2.5), (0.0, 2.3), (6.1, 2.5)]
    ):
        own = days[:, month == MONTH_OF_DAY]
        assert own.mean() == pytest.approx(mean, abs=1.2)
        assert own.std() == pytest.approx(deviation, rel=0.35)


def test_days_remember_the_day_before(winters: np.ndarray) -> None:
    # physics §20.4, "AC1": .54 in January, .85 in November; the daily means of a continuous course
    # a little more.
    days = winters[..., 0].reshape(16, 151, 12).mean(axis=2)
    for month, memory in ((0, 0.85), (2, 0.54)):
        own = days[:, month == MONTH_OF_DAY]
        own = own - own.mean(axis=0)
        found = (own[:, 1:] * own[:, :-1]).mean() / (own**2).mean()
        assert found == pytest.approx(memory, abs=0.1)


def test_humidity_has_the_spread_of_beijing(winters: np.ndarray) -> None:
    # physics §20.4: mean 41, p10 13, p90 78 %; 514 of 3,624 h in the frosting zone (−6…5 °C, 65 %
    # and more).
    outdoor, humidity = winters[..., 0], winters[..., 1]
    assert humidity.min() >= 0.0
    assert humidity.max() <= 1.0
    assert humidity.mean() == pytest.approx(0.41, abs=0.05)
    assert np.percentile(humidity, 10) == pytest.approx(0.13, abs=0.05)
    assert np.percentile(humidity, 90) == pytest.approx(0.78, abs=0.08)
    frosting = ((outdoor >= -6.0) & (outdoor <= 5.0) & (humidity >= 0.65)).sum() * 2 / len(outdoor)
    assert frosting == pytest.approx(514, rel=0.4)


def test_seasons_frost_as_much_as_beijings(winters: np.ndarray) -> None:
    # physics §20.3: EnergyPlus's fractions over the IWEC year average 1.0 %; the highest is 14.7 %
    # in that one year.
    outdoor, humidity = winters[..., 0], winters[..., 1]
    excess = humidity * saturated_humidity(outdoor) - saturated_humidity(frosting_coil_c(outdoor))
    fraction = 1.0 / (1.0 + 0.01446 / np.maximum(excess, 1e-6))
    fraction[outdoor > 5.0] = 0.0
    assert fraction.mean() == pytest.approx(0.010, abs=0.004)
    assert fraction.max() < 0.17


def test_the_sun_brings_each_month_its_energy(winters: np.ndarray) -> None:
    # physics §20.4, "GHI", kWh/m² and day.
    for month, energy in enumerate([2.17, 1.82, 2.22, 2.94, 3.82]):
        days = winters[:, np.repeat(month == MONTH_OF_DAY, 12), 2]
        assert days.mean() * 24 / 1000 == pytest.approx(energy, rel=0.1)


def test_the_climate_goes_smoothly_from_month_to_month() -> None:
    means = np.array([climate(day).mean_c for day in np.arange(-30.0, 180.0, 0.25)])
    assert np.abs(np.diff(means)).max() < 0.1
    assert season_day(NOVEMBER) == 0.0
    assert season_day(NOVEMBER - HOUR) == pytest.approx(-1 / 24)


def test_mountain_villages_are_colder_and_the_same_seed_is_the_same_winter() -> None:
    plain, again, mountain = WinterWeather(7), WinterWeather(7), WinterWeather(7, offset_k=-5.0)
    for now in SEASON[::97]:
        assert plain.at(now) == again.at(now)
        assert mountain.at(now).outdoor_c == pytest.approx(plain.at(now).outdoor_c - 5.0)
    assert any(plain.at(now) != WinterWeather(8).at(now) for now in SEASON[::97])


def test_every_year_is_its_own_and_time_is_continuous() -> None:
    weather = WinterWeather(7)
    year = 365 * 24 * HOUR
    assert weather.at(NOVEMBER + 40 * 24 * HOUR) != weather.at(NOVEMBER + 40 * 24 * HOUR + year)
    minutes = [
        weather.at(NOVEMBER + 240 * 24 * HOUR + minute * 60_000) for minute in range(-720, 720)
    ]
    assert np.abs(np.diff([one.outdoor_c for one in minutes])).max() < 0.1
    assert np.abs(np.diff([one.humidity for one in minutes])).max() < 0.02


def test_conditions_can_differ_from_unit_to_unit() -> None:
    shifted = Conditions(-3.0, 0.5, 100.0).shifted(np.array([0.0, -4.0, -6.0]))
    assert np.asarray(shifted.outdoor_c).tolist() == [-3.0, -7.0, -9.0]


def test_a_cold_wave_falls_holds_and_passes() -> None:
    # physics §20.4: 24–48 h down, 48–96 h at −20…−30 °C.
    calm = SteadyWeather(-3.0, 0.4, swing_k=4.0)
    weather = Spelled(calm, [cold_wave(NOVEMBER, coldest_c=-28.0, onset_h=30.0, hold_h=72.0)])
    hours = np.array([weather.at(NOVEMBER + hour * HOUR).outdoor_c for hour in range(200)])
    held = hours[30:102]
    assert held.min() == pytest.approx(-28.0, abs=0.1)
    assert held.max() <= -20.0
    assert hours[0] == pytest.approx(calm.at(NOVEMBER).outdoor_c)
    assert hours[180] == pytest.approx(calm.at(NOVEMBER + 180 * HOUR).outdoor_c)
    assert np.abs(np.diff(hours)).max() < 3.0


def test_cold_waves_are_drawn_apart_and_by_seed() -> None:
    waves = drawn_cold_waves(3, NOVEMBER, days=151, count=3)
    assert waves == drawn_cold_waves(3, NOVEMBER, days=151, count=3)
    assert waves != drawn_cold_waves(4, NOVEMBER, days=151, count=3)
    assert all(-30.0 <= wave.coldest_c <= -20.0 for wave in waves)
    weather = Spelled(SteadyWeather(-3.0, 0.4), waves)
    assert min(weather.at(now).outdoor_c for now in SEASON) <= -26.0
    assert drawn_cold_waves(3, NOVEMBER, days=151, count=0) == ()


def test_a_defrost_storm_is_damp_and_dark_near_freezing() -> None:
    weather = Spelled(WinterWeather(1), [defrost_storm(NOVEMBER)])
    noon = weather.at(NOVEMBER + 12 * HOUR)
    assert -3.0 <= noon.outdoor_c <= 5.0
    assert noon.humidity == pytest.approx(0.95)
    assert noon.sun_w_m2 < 100.0


def test_steady_weather_swings_around_its_mean_and_is_warmest_in_the_afternoon() -> None:
    weather = SteadyWeather(-9.0, 0.7, swing_k=2.0)
    hours = [weather.at(NOVEMBER + hour * HOUR).outdoor_c for hour in range(24)]
    assert (min(hours), max(hours)) == (pytest.approx(-11.0), pytest.approx(-7.0))
    assert hours.index(max(hours)) == 15
