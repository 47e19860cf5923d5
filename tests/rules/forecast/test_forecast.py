"""Forecasts: what is read, what is refused, and what is cold in them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.forecast.forecast import Period, WeatherForecast, parse_forecast
from wire.units import HOUR_MS


def document(**changes: Any) -> dict[str, Any]:
    periods = [
        {"from": 0, "to": HOUR_MS, "outdoor_c": -30},
        {"from": HOUR_MS, "to": 3 * HOUR_MS, "outdoor_c": -12.5},
    ]
    return {"v": 1, "district": "mentougou", "issued_at": 0, "periods": periods} | changes


def test_a_forecast_is_read() -> None:
    periods = (Period(0, HOUR_MS, -30.0), Period(HOUR_MS, 3 * HOUR_MS, -12.5))
    assert parse_forecast(document()) == WeatherForecast("mentougou", 0, periods)


BAD: dict[str, tuple[object, str]] = {
    "no object": ([], '"v": 1'),
    "another version": (document(v=2), '"v": 1'),
    "a name that is none": (document(district="Men Tou Gou"), "district"),
    "no time": (document(issued_at="today"), "issued_at"),
    "no periods": (document(periods=[]), "periods"),
    "a period that ends before it begins": (
        document(periods=[{"from": 5, "to": 5, "outdoor_c": -3}]),
        "periods[0].to",
    ),
    "a missing temperature": (
        document(periods=[{"from": 0, "to": 5, "outdoor_c": None}]),
        "periods[0].outdoor_c",
    ),
    "true is no temperature": (
        document(periods=[{"from": 0, "to": 5, "outdoor_c": True}]),
        "periods[0].outdoor_c",
    ),
    "fahrenheit": (document(periods=[{"from": 0, "to": 5, "outdoor_c": -90}]), "plausible"),
    "not a number": (
        document(periods=[{"from": 0, "to": 5, "outdoor_c": float("nan")}]),
        "plausible",
    ),
    "overlapping": (
        document(
            periods=[{"from": 0, "to": 5, "outdoor_c": 1}, {"from": 4, "to": 9, "outdoor_c": 1}]
        ),
        "periods[1]",
    ),
}


@pytest.mark.parametrize(("given_document", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_one_is_refused_with_what_to_write(given_document: object, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        parse_forecast(given_document)


KEYS = st.sampled_from(["v", "district", "issued_at", "periods", "from", "to", "outdoor_c"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(
    st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner | st.just(1)))
)
def test_nothing_else_is_raised(anything: object) -> None:
    try:
        parse_forecast(anything)
    except ValueError:
        return
    raise AssertionError("an arbitrary value was taken for a forecast")


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.booleans(), st.integers(-40, 10)), min_size=1, max_size=40
    )
)
def test_spells_hold_exactly_the_cold_time(pieces: list[tuple[int, bool, int]]) -> None:
    at, periods = 0, []
    for hours, gap, outdoor_c in pieces:
        at += gap * HOUR_MS
        periods.append(Period(at, at + hours * HOUR_MS, float(outdoor_c)))
        at = periods[-1].until
    spells = WeatherForecast("d", 0, tuple(periods)).spells(-29.0)
    cold = [one for one in periods if one.outdoor_c <= -29.0]
    assert sum(one.until - one.since for one in spells) == sum(
        one.until - one.since for one in cold
    )
    assert all(before.until < after.since for before, after in pairwise(spells))
    assert min((one.outdoor_c for one in spells), default=0.0) == min(
        (one.outdoor_c for one in cold), default=0.0
    )
