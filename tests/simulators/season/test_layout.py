"""Villages, gateways and units, and how they are cut into blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.scenario.scenario import FleetSettings, Scenario
from simulators.scenario.weather_settings import SteadySettings
from simulators.season.households import settle
from simulators.season.layout import BLOCK_UNITS, blocks


@given(st.integers(1, 3_000), st.integers(1, 6), st.integers(1, 40), st.integers(1, 2_000))
def test_every_unit_stands_somewhere_once_whatever_the_cut(
    units: int, gateways: int, each: int, size: int
) -> None:
    settings = FleetSettings(gateways_per_village=gateways, units_per_gateway=each)
    cut = blocks(settings, units, size)
    devices = [device for block in cut for device in block.devices()]
    assert len(devices) == len(set(devices)) == units
    assert devices == [
        device for block in blocks(settings, units, units) for device in block.devices()
    ]
    assert all(block.units < size + gateways * each for block in cut)
    topology = cut[0].topology()
    assert list(topology.gateway_of) == cut[0].devices()
    assert set(topology.gateway_of.values()) == set(topology.village_of)


@pytest.mark.parametrize(
    ("units", "parts"), [(1, 1), (4_800, 1), (4_801, 2), (28_800, 2), (57_000, 4), (200_000, 14)]
)
def test_large_fleets_are_cut_into_even_parts(units: int, parts: int) -> None:
    cut = blocks(FleetSettings(), units)
    assert len(cut) == parts
    assert max(block.units for block in cut) <= BLOCK_UNITS + 240


def test_households_do_not_depend_on_the_cut() -> None:
    fleet = FleetSettings(
        gateways_per_village=2, units_per_gateway=5, profiles={"midea-mthermal": 0.5, "phnix": 0.5}
    )
    scenario = Scenario(
        name="two", weather=SteadySettings(kind="steady", outdoor_c=0.0), fleet=fleet
    )
    (whole,) = blocks(fleet, 40, 40)
    parts = [settle(scenario, block, 7) for block in blocks(fleet, 40, 10)]
    together = settle(scenario, whole, 7)
    for pick in (
        lambda one: one.fleet.houses.air_to_outdoor,
        lambda one: one.fleet.machines.nominal_w,
        lambda one: one.fleet.number,
        lambda one: one.start.energy_kwh,
        lambda one: one.height_k,
    ):
        assert np.array_equal(np.concatenate([pick(part) for part in parts]), pick(together))
    assert [codes for part in parts for codes in part.codes.values()] == list(
        together.codes.values()
    )
    assert not np.array_equal(
        settle(scenario, whole, 8).start.energy_kwh, together.start.energy_kwh
    )
