"""Changes of state that come too often: what counts, the window, and how it ends."""

from typing import Any

import pytest

from tests.rules.kinds.rows import Row, edges, engine_of, feed, mistakes

STARTS = {
    "kind": "repeated",
    "before": ["standby", "off"],
    "to": ["heating"],
    "count": 3,
    "within": "10m",
}


def states(letters: str, **points: float) -> list[Row]:
    """One reading a minute: s standby, h heating, d defrost, o off, ? unknown."""
    names = {"s": "standby", "h": "heating", "d": "defrost", "o": "off"}
    return [
        {**points, "state": names[one]}
        if one != "?"
        else {**points, "state": "off", "bad": ["state"]}
        for one in letters
    ]


CASES: dict[str, tuple[dict[str, Any], str, list[tuple[str, float]]]] = {
    "the third start within ten minutes": ({}, "shshsh", [("raise", 5)]),
    "exactly ten minutes are within": ({}, "shsshssssssh", [("raise", 11)]),
    "eleven are not": ({}, "shsshsssssssh", []),
    "it clears when the last is a window ago": (
        {},
        "shshsh" + "h" * 12,
        [("raise", 5), ("clear", 15)],
    ),
    "or an off-delay": ({"off_delay": "3m"}, "shshsh" + "h" * 12, [("raise", 5), ("clear", 8)]),
    "more starts keep it": ({"off_delay": "3m"}, "shshshhshhhh", [("raise", 5), ("clear", 11)]),
    "a defrost is no start": ({}, "shdhdhdhdhdh", []),
    "an unknown state between is no change": ({}, "s?hs?hs?h", []),
    "the first reading is no change": ({}, "hshshh", []),
    "reported again after it cleared": (
        {"off_delay": "2m"},
        "shshshhhsh" + "shsh",
        [("raise", 5), ("clear", 7), ("raise", 9)],
    ),
}


@pytest.mark.parametrize(("keys", "letters", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(keys: dict[str, Any], letters: str, expected: list[tuple[str, float]]) -> None:
    assert edges(feed(engine_of({**STARTS, **keys}), states(letters))) == expected


def test_what_is_told() -> None:
    texts = {"zh": "{times} 次", "en": "{times} times"}
    raised, cleared = feed(engine_of({**STARTS, "text": texts}), states("shshsh" + "h" * 12))
    assert raised.text == {"zh": "3 次", "en": "3 times"}
    assert (raised.value, raised.limit, raised.reason, raised.onset) == (
        3.0,
        3.0,
        "too_often",
        raised.at,
    )
    assert (cleared.value, cleared.reason, cleared.onset) == (1.0, "no_longer", raised.at)


def test_conditions_are_those_of_the_reading_before() -> None:
    clean = {
        **STARTS,
        "before": ["heating"],
        "to": ["defrost"],
        "all": [{"quantity": "coil_gap_k", "below": 10.0}],
    }
    gaps = {"h": 6.0, "H": 15.0, "d": -10.0}
    rows = [
        {"state": "defrost" if one == "d" else "heating", "outdoor_c": 0.0, "coil_c": -gaps[one]}
        for one in "hdHdhdHdhd"
    ]
    assert edges(feed(engine_of(clean), rows)) == [("raise", 9)]


def test_a_trace_stands_for_a_change_that_no_reading_shows() -> None:
    traced = {
        **STARTS,
        "before": ["heating"],
        "to": ["defrost"],
        "trace": [{"quantity": "coil_c", "above": 10.0}],
    }
    coils = {"h": -8.0, "d": 20.0, "w": 20.0}
    rows = [
        {"state": "defrost" if one == "d" else "heating", "coil_c": coils[one]}
        for one in "hdwwhwwhhdh"
    ]
    assert edges(feed(engine_of(traced), rows)) == [("raise", 9)]


def test_an_adopted_alert_lasts_its_off_delay_from_its_onset() -> None:
    engine, other = engine_of(STARTS), engine_of(STARTS)
    feed(engine, states("shshsh"))
    other.adopt(engine.active())
    assert edges(feed(other, [{"minute": minute} for minute in (6, 14, 15)])) == [("clear", 15)]


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"count": 1}, "count"),
        ({"count": 25}, "count"),
        ({"to": ["running"]}, "to"),
        ({"all": [{"quantity": "coil_gap_k"}]}, "all[0]"),
        ({"within": 3600}, "within"),
    ],
)
def test_a_mistake_is_named_by_its_key(keys: dict[str, Any], wrong: str) -> None:
    assert mistakes({**STARTS, **keys}) == [wrong]
