"""Spans of conditions and sums by the hour."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from simulators.scoring.truths import Truth
from simulators.season.tracker import Hourly, NaturalCondition, Tracker

MINUTE = 60_000
HOUR = 60 * MINUTE
CONDITION = NaturalCondition("low_room", 45 * MINUTE, 75 * MINUTE, ("room_c",))


def episodes(rooms: list[float], lacks: dict[str, Any] | None = None) -> list[Truth]:
    """One unit with `rooms` at polls ten minutes apart; loose 18.2 to 18.7, strict 17.8 °C."""
    tracker = Tracker(CONDITION, ["a"], lacks or {})
    for number, room in enumerate(rooms):
        now = np.array([room])
        tracker.observe(number * 10 * MINUTE, now < 18.2, now < 18.7, now < 17.8)
    tracker.end(len(rooms) * 10 * MINUTE)
    return tracker.truths


@pytest.mark.parametrize(
    ("rooms", "expected"),
    [
        ([19.0] * 20, []),
        ([19, 18.1, 18.1, 18.1, 19, 19], []),  # too short even for the loose form
        (
            [19, 18.1, 18.5, 18.5, 18.1, 18.1, 18.1, 19],
            [(10, 70, False)],
        ),  # lasts on inside the deadband
        ([19, *[17.5] * 9, 19], [(10, 100, True)]),
        (
            [19, *[17.5] * 4, 18.0, *[17.5] * 4, 19],
            [(10, 100, False)],
        ),  # the strict form was broken
        ([19, *[17.5] * 9], [(10, None, True)]),
        ([*[17.5] * 9, 19, *[17.5] * 9, 19], [(0, 90, True), (100, 190, True)]),
    ],
)
def test_an_episode_is_certain_where_the_strict_form_held(
    rooms: list[float], expected: list[tuple[int, int | None, bool]]
) -> None:
    assert episodes(rooms) == [
        Truth(
            "low_room",
            "device",
            "a",
            begin * MINUTE,
            None if end is None else end * MINUTE,
            certain,
        )
        for begin, end, certain in expected
    ]


def test_nothing_is_demanded_of_a_unit_that_lacks_the_point() -> None:
    (only,) = episodes([17.0] * 20, {"room_c": np.array([0]), "flow_lpm": np.array([])})
    assert not only.certain


def test_shares_are_those_of_the_last_day_and_of_the_last_hours() -> None:
    hourly = Hourly(2)
    heated, defrosted = np.zeros(2), np.zeros(2)
    for hour in range(1, 49):
        # Unit 0 defrosts a fifth of the time during the last two hours; unit 1 hardly runs at all.
        defrosted = defrosted + np.array([720.0 if hour > 46 else 0.0, 5.0])
        heated = heated + np.array([2880.0 if hour > 46 else 3600.0, 45.0])
        state: Any = SimpleNamespace(heated_s=heated, defrosted_s=defrosted)
        assert not hourly.observe(hour * HOUR - HOUR // 2, state, np.array([True, hour > 24]))
        assert hourly.observe(hour * HOUR, state, np.array([True, hour > 24]))
    assert hourly.defrost_share(4 * 3600.0) == pytest.approx([2 * 720 / (24 * 3600), 0.0])
    assert hourly.lately_defrost_share() == pytest.approx([2 * 720 / (4 * 3600), 0.1])
    assert hourly.flat_out_h() == pytest.approx([48.0, 24.0])
