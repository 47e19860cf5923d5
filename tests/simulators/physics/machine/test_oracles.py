"""The machine against independent models: hplib's certified units, EnergyPlus's defrost."""

import numpy as np
import pytest
from hplib import hplib

from simulators.physics.disturbance import undisturbed
from simulators.physics.fleet.equipment import build_fleet
from simulators.physics.fleet.state import at_rest
from simulators.physics.fleet.step import step
from simulators.physics.machine.heat_pump import full_load_cop
from simulators.physics.weather.conditions import Conditions
from tests.simulators.physics.houses import NOON, a_start

REGULATED_AIR_WATER, ON_OFF_AIR_WATER = 1, 4
"""hplib's groups: generic machines, averages of its certified inverter and fixed-speed air/water
units."""


def hplib_cop(group: int, outdoor_c: float, supply_c: float) -> float:
    """COP of hplib's generic machine for the certified point −7/40 °C, 10 kW."""
    parameters = hplib.get_parameters("Generic", group_id=group, t_in=-7, t_out=40, p_th=10_000)
    # hplib takes the water that enters, and adds the 5 K of its certified flow.
    found = hplib.HeatPump(parameters).simulate(outdoor_c, supply_c - 5.0, outdoor_c, mode=1)
    return float(found["COP"])


@pytest.mark.parametrize("outdoor", [-7, -2, 2, 7])
@pytest.mark.parametrize("supply", [35, 45, 50, 55])
def test_full_load_cop_is_within_15_percent_of_hplibs_fixed_speed_machine(
    outdoor: int, supply: int
) -> None:
    own = full_load_cop(np.array([float(outdoor)]), np.array([float(supply)]))[0]
    assert own == pytest.approx(hplib_cop(ON_OFF_AIR_WATER, outdoor, supply), rel=0.15)


@pytest.mark.parametrize("outdoor", [-7, -2, 2, 7])
def test_cop_is_within_15_percent_of_hplibs_inverter_machine_where_that_was_certified(
    outdoor: int,
) -> None:
    """At 35 °C only: hotter, hplib's linear fit is below every certified unit at −7 °C."""
    own = full_load_cop(np.array([float(outdoor)]), np.array([35.0]))[0]
    assert own == pytest.approx(hplib_cop(REGULATED_AIR_WATER, outdoor, 35), rel=0.15)


# physics §20.3: EnergyPlus's defrost fractions in %, at 60, 80 and 95 % relative humidity.
ENERGY_PLUS = {
    -15: (0.0, 1.5, 2.7),
    -10: (0.3, 2.7, 4.4),
    -7: (0.6, 3.6, 5.7),
    -5: (0.9, 4.3, 6.8),
    -2: (1.5, 5.7, 8.6),
    0: (2.0, 6.7, 10.0),
    2: (2.5, 7.9, 11.6),
    4: (3.2, 9.3, 13.4),
}


@pytest.mark.parametrize("uninsulated", [True, False])
def test_defrost_share_lies_in_a_band_of_energy_plus(uninsulated: bool) -> None:
    """Band: 0.6…1.15 of EnergyPlus's fraction, or within 0.6 points of it where that is small.

    Below it in mild damp weather, where the machines run at part load, which EnergyPlus's fraction
    does not know.
    """
    outdoor = np.repeat(list(ENERGY_PLUS), 3).astype(float)
    humidity = np.tile([0.60, 0.80, 0.95], len(ENERGY_PLUS))
    expected = np.array(list(ENERGY_PLUS.values())).ravel() / 100.0
    fleet = build_fleet(np.full(24, uninsulated), np.ones(24))
    state = at_rest(fleet, a_start(24, frosted=0.5), outdoor)
    for number in range(12 * 48):
        now = NOON + number * 300_000
        state = step(fleet, state, now, 300.0, Conditions(outdoor, humidity, 0.0), undisturbed(24))
    share = state.defrosted_s / (state.defrosted_s + state.heated_s)
    assert (share >= np.minimum(0.6 * expected, expected - 0.006)).all()
    assert (share <= np.maximum(1.15 * expected, expected + 0.006)).all()
