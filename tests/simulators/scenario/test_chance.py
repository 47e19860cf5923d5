"""Random events: seeded, inside the season, one at a time for each unit and class."""

from itertools import pairwise
from typing import get_args

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators.scenario.chance import SimulatedVillage, draw, planned
from simulators.scenario.event_settings import EventSettings, RandomSettings
from simulators.scenario.events import POINTED, WIDE, Cause, Event

DAY_MS = 86_400_000
CODES = ("high_pressure:P1", "fan:45")

chances = st.builds(
    lambda cause, rate, hours, spread, after: RandomSettings.model_validate(
        {
            **({"fault": "high_pressure"} if cause == "fault" else {"cause": cause}),
            "per_1000_unit_days": rate,
            "lasts": f"{hours}h",
            "spread": spread,
            "after": f"{after}d",
            "points": ("room_c", "outdoor_c") if cause in POINTED else (),
        }
    ),
    st.sampled_from(get_args(Cause)),
    st.floats(1.0, 200.0),
    st.integers(1, 200),
    st.floats(1.0, 4.0),
    st.integers(0, 5),
)
villages = st.builds(
    lambda first, sizes: SimulatedVillage(
        tuple(
            range(first + sum(sizes[:n]), first + sum(sizes[: n + 1])) for n in range(len(sizes))
        ),
        dict.fromkeys(range(first, first + sum(sizes)), CODES),
    ),
    st.integers(0, 50),
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
)


@given(st.lists(chances, min_size=1, max_size=4), villages, st.integers(1, 20), st.integers(0, 99))
def test_events_lie_inside_the_season_and_never_overlap(
    settings: list[RandomSettings], village: SimulatedVillage, days: int, seed: int
) -> None:
    events = draw(settings, village, days * DAY_MS, np.random.default_rng(seed))
    assert events == draw(settings, village, days * DAY_MS, np.random.default_rng(seed))
    for event in events:
        assert event.end is not None
        assert 0 <= event.begin < event.end <= days * DAY_MS
        assert set(event.units) <= set(village.units)
    for setting in settings if len({setting.kind for setting in settings}) == len(settings) else ():
        of_class = [
            event
            for event in events
            if setting.kind in (event.cause, event.detail.partition(":")[0])
        ]
        _one_at_a_time(of_class)
        assert all(event.begin >= setting.after for event in of_class)


def _one_at_a_time(events: list[Event]) -> None:
    for unit in {unit for event in events for unit in event.units}:
        own = sorted((event.begin, event.end or 0) for event in events if unit in event.units)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(own))


def test_their_number_is_that_of_the_rate() -> None:
    chance = RandomSettings.model_validate(
        {"cause": "leak", "per_1000_unit_days": 2.0, "lasts": "1h"}
    )
    village = SimulatedVillage((range(30), range(30, 240)), dict.fromkeys(range(240), CODES))
    counts = [
        len(draw([chance], village, 100 * DAY_MS, np.random.default_rng(seed)))
        for seed in range(20)
    ]
    assert (
        43 <= np.mean(counts) <= 53
    )  # 2 × 240 × 100 / 1000 = 48, give or take three standard errors


def test_a_wide_cause_strikes_everybody_below_and_a_fault_only_brands_that_show_it() -> None:
    village = SimulatedVillage(
        (range(10, 13), range(13, 15)), dict.fromkeys(range(10, 14), ("fan:45",)) | {14: CODES}
    )
    seen = set()
    for cause in [*WIDE, "fault"]:
        own = {"fault": "high_pressure"} if cause == "fault" else {"cause": cause}
        chance = RandomSettings.model_validate({**own, "per_1000_unit_days": 500.0, "lasts": "1h"})
        seen |= {
            (event.cause, event.units, event.detail)
            for event in draw([chance], village, 20 * DAY_MS, np.random.default_rng(1))
        }
    assert seen == {
        ("gateway_death", (10, 11, 12), ""),
        ("gateway_death", (13, 14), ""),
        ("village_outage", (10, 11, 12, 13, 14), ""),
        ("fault", (14,), "high_pressure:P1"),
    }


def test_planned_events_find_their_village() -> None:
    village = SimulatedVillage(
        (range(5, 8), range(8, 10)), dict.fromkeys(range(5, 10), CODES)
    )  # units 101 to 105 of the district
    settings = [
        EventSettings.model_validate({"at": "1h", "unit": 102, "fault": "high_pressure"}),
        EventSettings.model_validate({"at": "1h", "unit": 104, "cause": "gateway_death"}),
        EventSettings.model_validate({"at": "1h", "unit": 106, "silent": True}),
        EventSettings.model_validate({"at": "1h", "count": 103, "cause": "village_outage"}),
        EventSettings.model_validate({"at": "1h", "unit": 103, "fault": "phase"}),
    ]
    found = [(event.cause, event.units, event.detail) for event in planned(settings, village, 100)]
    assert found == [
        ("fault", (6,), "high_pressure:P1"),
        ("gateway_death", (8, 9), ""),
        ("village_outage", (5, 6, 7, 8, 9), ""),
    ]


def test_only_a_sensor_that_is_there_breaks() -> None:
    chance = RandomSettings.model_validate(
        {"cause": "sensor_open", "points": ["room_c"], "per_1000_unit_days": 300.0, "lasts": "1h"}
    )
    village = SimulatedVillage(
        (range(4),), dict.fromkeys(range(4), CODES), {0: {"room_c"}, 2: {"room_c"}}
    )
    events = draw([chance], village, 20 * DAY_MS, np.random.default_rng(1))
    assert {event.units for event in events} == {(1,), (3,)}
