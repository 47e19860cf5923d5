"""The demands of a block: only what its weather and its brands let anybody notice."""

from typing import Any

import pytest

from simulators.scenario.event_settings import EventSettings
from simulators.scenario.scenario import FleetSettings, Scenario
from simulators.scenario.weather_settings import SteadySettings
from simulators.scoring.truths import Truth
from simulators.season.block import BlockSeason
from simulators.season.layout import blocks
from simulators.season.span import SeasonSpan

START = 1_763_740_800_000  # midnight in Shanghai


def truth_of(what: dict[str, Any], profile: str = "midea-mthermal", humidity: float = 0.6) -> Truth:
    """The truths of four days of frost at one unit under `what`, which lasts three and a half."""
    event = EventSettings.model_validate({"at": "1h", "lasts": "84h", "unit": 1} | what)
    fleet = FleetSettings(gateways_per_village=1, units_per_gateway=1, profiles={profile: 1.0})
    weather = SteadySettings(kind="steady", outdoor_c=-2.0, humidity=humidity)
    (block,) = blocks(fleet, 1)
    scenario = Scenario(name="one", weather=weather, fleet=fleet, event=(event,))
    season = BlockSeason(scenario, block, SeasonSpan(START, 4, 300_000), 1)
    for _ in season.polls(()):
        pass
    [truth] = [one for one in season.truths() if one.kind == event.cause]
    return truth


@pytest.mark.parametrize("cause", ["missed_defrost", "four_way_stuck"])
@pytest.mark.parametrize(("humidity", "certain"), [(0.95, True), (0.2, False)])
def test_what_only_a_due_defrost_shows_is_not_demanded_in_air_without_frost(
    cause: str, humidity: float, certain: bool
) -> None:
    assert truth_of({"cause": cause}, humidity=humidity).certain == certain


@pytest.mark.parametrize(
    ("profile", "certain"), [("midea-mthermal", True), ("solareast-oem", False)]
)
def test_a_stove_is_not_demanded_where_no_room_is_measured(profile: str, certain: bool) -> None:
    assert truth_of({"cause": "coal", "strength": 4_000.0}, profile).certain == certain
