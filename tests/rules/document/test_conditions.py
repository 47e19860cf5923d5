"""When a rule applies: what is written, and the rows it then gets."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from rules.document.conditions import parse_applies
from rules.document.problems import RuleErrors
from rules.engine.engine import Engine
from rules.readings.batch import STATE_CODES, columns
from rules.readings.season import Season
from tests.rules.shipped import T0, reading, shipped
from wire.units import MINUTE_MS

NOON = int(datetime(2025, 12, 1, 4, tzinfo=UTC).timestamp() * 1000)
"""12:00 in Beijing."""
HOUR = 60 * MINUTE_MS


def rows(condition: dict[str, Any], at: int = NOON) -> list[int]:
    """Which of four devices the condition is about: two that heat, one that stands, one that only
    tells its state."""
    state = np.array(
        [STATE_CODES[name] for name in ("heating", "heating", "off", "heating")], np.int8
    )
    points = {
        "outdoor_c": np.array([-25.0, 0.0, -25.0, np.nan]),
        "setpoint_c": np.array([16.0, 20.0, np.nan, np.nan]),
    }
    batch = columns(np.arange(4), np.full(4, at), state, points)
    return parse_applies(condition).part(batch).slots.tolist()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"state": ["heating"]}, [0, 1, 3]),
        ({"state": ["off", "standby"]}, [2]),
        ({"all": [{"quantity": "outdoor_c", "below": -20.0}]}, [0, 2]),
        ({"all": [{"quantity": "outdoor_c", "at_least": -25.0, "below": -20}]}, [0, 2]),
        ({"all": [{"quantity": "outdoor_c", "above": -25.0}]}, [1]),
        ({"none": [{"quantity": "setpoint_c", "below": 18.0}]}, [1, 2, 3]),
        ({"state": ["heating"], "all": [{"quantity": "outdoor_c", "at_most": 0.0}]}, [0, 1]),
    ],
)
def test_rows_of_a_condition(condition: dict[str, Any], expected: list[int]) -> None:
    assert rows(condition) == expected


@pytest.mark.parametrize(
    ("hours", "at", "holds"),
    [
        ("20:00-08:00", NOON + 8 * HOUR, True),
        ("20:00-08:00", NOON + 8 * HOUR - 1, False),
        ("20:00-08:00", NOON + 20 * HOUR - 1, True),
        ("20:00-08:00", NOON + 20 * HOUR, False),
        ("08:00-24:00", NOON, True),
    ],
)
def test_hours_are_local_and_may_pass_midnight(hours: str, at: int, holds: bool) -> None:
    assert bool(rows({"hours": hours}, at)) is holds


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        ("2025-10-31T15:59", False),
        ("2025-10-31T16:00", True),
        ("2026-03-31T15:59", True),
        ("2026-03-31T16:00", False),
    ],
)
def test_the_season_has_both_its_days_in_local_time(day: str, holds: bool) -> None:
    at = int(datetime.fromisoformat(f"{day}+00:00").timestamp() * 1000)
    assert bool(rows({"season": True}, at)) is holds
    assert bool(rows({"season": False}, at)) is not holds


def test_a_season_within_one_year() -> None:
    season = Season((4, 1), (6, 30))
    days = [int(datetime(2025, month, 15, tzinfo=UTC).timestamp() * 1000) for month in range(1, 13)]
    assert np.flatnonzero(season.holds(np.array(days))).tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ({"states": ["heating"]}, ["states"]),
        ({"state": "heating"}, ["state"]),
        ({"state": ["hot"]}, ["state"]),
        ({"season": "yes"}, ["season"]),
        ({"hours": "8-20"}, ["hours"]),
        ({"hours": "08:00-08:00"}, ["hours"]),
        ({"hours": "08:00-24:30"}, ["hours"]),
        ({"all": {"quantity": "outdoor_c"}}, ["all"]),
        ({"all": [{"quantity": "outdoor_c"}, {"quantity": "x", "below": 1}]}, ["all[0]", "all[1]"]),
        ({"none": [{"quantity": "cop", "under": 1.0}], "season": 1}, ["none[0]", "season"]),
        ({"all": [{"quantity": "cop", "below": "1"}]}, ["all[0]"]),
    ],
)
def test_a_mistake_is_named_by_its_key(condition: dict[str, Any], keys: list[str]) -> None:
    with pytest.raises(RuleErrors) as caught:
        parse_applies(condition)
    assert [key for key, _ in caught.value.problems] == keys


def test_a_rule_says_nothing_to_what_it_does_not_apply_to() -> None:
    engine = Engine(
        [shipped("low_room_temperature", on_delay="0s", applies={"state": ["heating"]})]
    )
    reported = engine.observe(
        [
            reading(T0, 17.0, state="off"),
            reading(T0 + MINUTE_MS, 17.0),
            reading(T0 + 2 * MINUTE_MS, 20.0, state="off"),
            reading(T0 + 3 * MINUTE_MS, 20.0),
        ],
        T0,
    )
    assert [(one.edge, one.at) for one in reported] == [
        ("raise", T0 + MINUTE_MS),
        ("clear", T0 + 3 * MINUTE_MS),
    ]


def test_the_points_of_a_condition_are_read() -> None:
    condition = {"all": [{"quantity": "delta_k", "above": 2.0}]}
    expected = ("return_c", "room_c", "setpoint_c", "supply_c")
    assert Engine([shipped("low_room_temperature", applies=condition)]).points == expected
