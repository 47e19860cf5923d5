"""The notation of series."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.rule_tests.series import lists, numbers, states


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (numbers, "19*3 17.5 _*2", [19, 19, 19, 17.5, None, None]),
        (numbers, "18>20*5", [18, 18.5, 19, 19.5, 20]),
        (numbers, "-5>-7*3 0", [-5, -6, -7, 0]),
        (numbers, "", []),
        (states, "heating*2 gap defrost", ["heating", "heating", "gap", "defrost"]),
        (lists, "-*2 high_pressure:P1 a:1,b:2", [(), (), ("high_pressure:P1",), ("a:1", "b:2")]),
    ],
)
def test_what_is_written(parse: Callable[[str], Any], text: str, expected: list[Any]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (numbers, "19*0"),
        (numbers, "19*-1"),
        (numbers, "19*1000001"),
        (numbers, "warm"),
        (numbers, "nan"),
        (numbers, "1>2"),
        (numbers, "1>x*3"),
        (numbers, "_>2*3"),
        (states, "heat"),
        (states, "_"),
    ],
)
def test_what_cannot_be_meant(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 50))))
def test_every_value_comes_back_as_often_as_written(runs: list[tuple[float, int]]) -> None:
    text = " ".join(f"{value!r}*{count}" for value, count in runs)
    assert numbers(text) == [value for value, count in runs for _ in range(count)]
