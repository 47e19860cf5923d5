"""Failing sensors: how long, which, and those that were never fitted."""

from typing import Any

import pytest

from tests.rules.kinds.rows import Row, edges, engine_of, feed, mistakes

FAILING = {
    "kind": "bad_points",
    "on_delay": "2m",
    "always_fitted": ["supply_c"],
    "text": {"zh": "{sensors}", "en": "{sensors}"},
    "sensor": {
        "supply_c": {"zh": "出水", "en": "supply"},
        "tank_c": {"zh": "水箱", "en": "tank"},
        "coil_c": {"zh": "翅片", "en": "coil"},
    },
}


def bad(*names: str) -> list[Row]:
    """One reading a minute; names joined by a plus sign."""
    return [{"bad": name.split("+") if name else []} for name in names]


CASES: dict[str, tuple[list[Row], list[tuple[str, float]]]] = {
    "bad for the on-delay": (
        bad("", "coil_c", "coil_c", "coil_c", ""),
        [("raise", 3), ("clear", 4)],
    ),
    "good once begins anew": (bad("", "coil_c", "coil_c", "", "coil_c", "coil_c"), []),
    "never fitted": (bad(*["tank_c"] * 6), []),
    "never fitted, then good, then bad": (
        bad("tank_c", "tank_c", "", *["tank_c"] * 3),
        [("raise", 5)],
    ),
    "never fitted beside one that fails": (bad("tank_c", *["tank_c+coil_c"] * 3), [("raise", 3)]),
    "always fitted": (bad(*["supply_c"] * 3), [("raise", 2)]),
    "another sensor takes over": (
        bad("", "coil_c", "coil_c+tank_c", "tank_c", ""),
        [("raise", 3), ("clear", 4)],
    ),
    "points of no concern": (bad("", *["room_c+faults+state"] * 5), []),
}


@pytest.mark.parametrize(("series", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(series: list[Row], expected: list[tuple[str, float]]) -> None:
    assert edges(feed(engine_of(FAILING), series)) == expected


def test_the_sensors_are_named() -> None:
    (raised,) = feed(engine_of(FAILING), bad("", *["coil_c+supply_c"] * 3))
    assert raised.text == {"zh": "出水、翅片", "en": "supply, coil"}


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"always_fitted": ["room_c"]}, ["always_fitted"]),
        ({"sensor": {}}, ["sensor"]),
        ({"sensor": {"supply_c": {"zh": "出水"}}}, ["sensor.supply_c.en"]),
        ({"sensor": {"warmth": {"zh": "暖", "en": "warmth"}}}, ["sensor.warmth"]),
    ],
)
def test_a_mistake_is_named_by_its_key(keys: dict[str, Any], wrong: list[str]) -> None:
    assert mistakes({**FAILING, **keys}) == wrong
