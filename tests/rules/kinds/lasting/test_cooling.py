"""Cooling rooms: the forecast held to the houses of physics §20.5, who is reported and when."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kinds.lasting.cooling import hours_until
from tests.rules.kinds.rows import Row, edges, engine_of, feed, mistakes

STOPPED = {"reason": "stopped", "within": "1h", "heating": False}
WEAK = {"reason": "weak", "within": "1h", "heating": True, "on_delay": "30m"}
COOLING = {
    "kind": "cooling",
    "point": "room_c",
    "limit": 18.0,
    "freezing": 5.0,
    "rate_k_h": 0.5,
    "lack_k": 1.5,
    "step": "20m",
    "text": {"zh": "{hours} {hours_to_freezing}", "en": "{hours} {hours_to_freezing}"},
    "forecast": [STOPPED, WEAK],
}


def hours(room: float, outdoor: float, fall: float, limit: float = 18.0) -> float:
    return float(hours_until(limit, np.array([room]), np.array([outdoor]), np.array([fall]))[0])


@pytest.mark.parametrize(
    ("room", "outdoor", "fall", "limit", "table"),
    [
        (19.0, -10.0, 1.0 / 0.4, 18.0, 0.4),  # uninsulated at -10 °C: 19 at 0.5 h, 18 at 0.9 h
        (18.0, -10.0, 2.0 / 1.3, 16.0, 1.3),  # 18 at 0.9 h, 16 at 2.2 h
        (16.0, -10.0, 2.0 / 2.7, 14.0, 2.7),  # 16 at 2.2 h, 14 at 4.9 h
        (14.0, -10.0, 2.0 / 2.7, 5.0, 17.1),  # 14 at 4.9 h, 5 at 22 h
    ],
)
def test_the_forecast_meets_the_lead_times_of_the_houses(
    room: float, outdoor: float, fall: float, limit: float, table: float
) -> None:
    assert hours(room, outdoor, fall, limit) == pytest.approx(table, rel=0.15)


@given(
    st.floats(-20, 30),
    st.floats(-40, 30) | st.just(float("nan")),
    st.floats(-5, 5, allow_subnormal=False),
    st.floats(4, 19),
)
def test_the_forecast_is_a_time_or_never(
    room: float, outdoor: float, fall: float, limit: float
) -> None:
    left = hours(room, outdoor, fall, limit)
    assert left >= 0.0
    assert (left == 0.0) == (room <= limit) or left < 1e-3
    if outdoor >= limit and room > limit:
        assert left == np.inf


def rooms(*values: float, **rest: Any) -> list[Row]:
    """A reading every five minutes at -10 °C."""
    return [
        {"minute": 5 * number, "outdoor_c": -10.0, "room_c": value, **rest}
        for number, value in enumerate(values)
    ]


def falling(start: float, k_h: float, count: int) -> list[float]:
    return [start - k_h * number / 12 for number in range(count)]


CASES: dict[str, tuple[list[Row], list[tuple[str, float]]]] = {
    "a tripped unit": (
        rooms(*falling(19, 1.5, 6), state="standby", faults=["fan:H6"]),
        [("raise", 20)],
    ),
    "switched off": (rooms(*falling(19, 1.5, 6), state="off"), [("raise", 20)]),
    "resting below the set-point": (
        rooms(*falling(18.9, 1.5, 6), state="standby", setpoint_c=21.0),
        [("raise", 20)],
    ),
    "resting near the set-point": (
        rooms(*falling(18.9, 1.5, 9), state="standby", setpoint_c=19.0),
        [],
    ),
    "resting with a water set-point": (
        rooms(*falling(18.9, 1.5, 9), state="standby", setpoint_c=45.0),
        [],
    ),
    "too weak": (rooms(*falling(19.2, 1.0, 14)), [("raise", 50)]),
    "too slow": (rooms(*falling(18.3, 0.4, 14), state="off"), []),
    "far above the limit": (rooms(*falling(22.0, 1.5, 10), state="off"), []),
    "half the rate keeps it, less ends it": (
        rooms(*falling(18.9, 1.5, 5), *[18.3] * 3, 18.2, *[18.2] * 8, state="off"),
        [("raise", 20), ("clear", 60)],
    ),
    "an hour without readings": (
        [
            {"outdoor_c": -10.0, "room_c": 19.0, "state": "off"},
            *rooms(*[18.2] * 13, state="off")[12:],
        ],
        [],
    ),
    "no room sensor": (
        [{"minute": 5 * n, "outdoor_c": -10.0, "state": "off"} for n in range(9)],
        [],
    ),
}


@pytest.mark.parametrize(("series", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(series: list[Row], expected: list[tuple[str, float]]) -> None:
    assert edges(feed(engine_of(COOLING), series)) == expected


def test_what_is_told() -> None:
    (raised,) = feed(engine_of(COOLING), rooms(*falling(19, 1.5, 5), state="off"))
    assert (raised.reason, raised.value, raised.limit, raised.unit) == ("stopped", 18.5, 18.0, "c")
    assert raised.text["en"] == "0.3 12.2"


def test_in_mild_weather_pipes_never_freeze() -> None:
    rows = [{**row, "outdoor_c": 8.0} for row in rooms(*falling(19, 1.5, 5), state="off")]
    (raised,) = feed(engine_of(COOLING), rows)
    assert (raised.text["en"].split()[1], raised.text["zh"].split()[1]) == ("never", "不会")


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"forecast": []}, ["forecast"]),
        ({"forecast": [{"reason": "x", "within": "1h"}]}, ["forecast[0].heating"]),
        ({"forecast": [{**STOPPED, "heating": "no"}]}, ["forecast[0].heating"]),
        ({"forecast": [{**STOPPED, "soon": True}]}, ["forecast[0].soon"]),
        ({"rate_k_h": 0}, ["rate_k_h"]),
        ({"point": "room"}, ["point"]),
    ],
)
def test_a_mistake_is_named_by_its_key(keys: dict[str, Any], wrong: list[str]) -> None:
    assert mistakes({**COOLING, **keys}) == wrong
