"""Values that stand still: what counts as standing still, and which units can be judged."""

from typing import Any

import pytest

from tests.rules.kinds.rows import Row, edges, engine_of, feed, mistakes

FROZEN = {
    "kind": "unchanging",
    "compared": ["discharge_c", "supply_c", "coil_c"],
    "lively": ["supply_c"],
    "at_least": 2,
    "on_delay": "3m",
    "coarse_on_delay": "6m",
}


def rows(*values: tuple[float | None, ...]) -> list[Row]:
    """Discharge, supply and coil, one reading a minute; None is missing."""
    names = FROZEN["compared"]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in values
    ]


SAME = (70.0, 40.0, -8.0)
CASES: dict[str, tuple[list[Row], list[tuple[str, float]]]] = {
    "from the second repetition on": (rows(*[SAME] * 6), [("raise", 5)]),
    "a change of any point ends it": (
        rows(*[SAME] * 6, (70.0, 40.0, -8.1)),
        [("raise", 5), ("clear", 6)],
    ),
    "a change of the first point ends it": (
        rows(*[SAME] * 6, (70.1, 40.0, -8.0)),
        [("raise", 5), ("clear", 6)],
    ),
    "two points that trade values are a change": (
        rows(SAME, SAME, SAME, (70.0, -8.0, 40.0), *[SAME] * 2),
        [],
    ),
    "a missing point is left out": (rows(*[(70.0, 40.0, None)] * 6), [("raise", 5)]),
    "one known point is not enough": (rows(*[(70.0, None, None)] * 8), []),
    "without the first nothing is judged": (rows(*[(None, 40.0, -8.0)] * 8), []),
    "a unit at rest": ([{**row, "state": "standby"} for row in rows(*[SAME] * 8)], []),
    "without a lively point it takes longer": (rows(*[(70.0, None, -8.0)] * 9), [("raise", 8)]),
    "0 is a value": (rows(*[(0.0, 0.0, 0.0)] * 6), [("raise", 5)]),
}


@pytest.mark.parametrize(("series", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(series: list[Row], expected: list[tuple[str, float]]) -> None:
    assert edges(feed(engine_of(FROZEN), series)) == expected


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ({"at_least": 4}, "at_least"),
        ({"lively": ["power_w"]}, "lively"),
        ({"compared": ["supply_c", "supply_c"]}, "compared"),
        ({"compared": []}, "compared"),
    ],
)
def test_a_mistake_is_named_by_its_key(keys: dict[str, Any], wrong: str) -> None:
    assert mistakes({**FROZEN, **keys}) == [wrong]
