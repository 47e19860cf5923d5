"""Alerts out of transitions, and the comparison of two sets of rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.transitions.raised import Comparison, Gatherer, Pair, Raised, compare
from rules.transitions.transition import EdgeKind, Transition

ALERT = Raised("cold", "u-1", "device", None, "", 0, 10, 20, 15.0, 18.0, "c", "high")


def transition(edge: EdgeKind, at: int, onset: int = 0, code: str | None = None) -> Transition:
    return Transition(
        "cold", "u-1", "device", edge, code, onset, at, 15.0, 18.0, "c", "high", "test", {}
    )


def test_transitions_become_alerts() -> None:
    found = Gatherer()
    found.add(
        [transition("raise", 10), transition("update", 12), transition("raise", 15, 14, "fan:E1")]
    )
    found.add([transition("clear", 20), transition("clear", 21)])
    assert found.alerts() == [
        ALERT,
        replace(ALERT, code="fan:E1", onset=14, at=15, cleared_at=None),
    ]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (ALERT, Comparison(both=[Pair(ALERT, ALERT)])),
        (replace(ALERT, at=15), Comparison(both=[Pair(ALERT, replace(ALERT, at=15))])),
        (replace(ALERT, onset=21, at=22), Comparison([ALERT], [replace(ALERT, onset=21, at=22)])),
        (replace(ALERT, subject="u-2"), Comparison([ALERT], [replace(ALERT, subject="u-2")])),
        (
            replace(ALERT, onset=20, cleared_at=None),
            Comparison(both=[Pair(ALERT, replace(ALERT, onset=20, cleared_at=None))]),
        ),
    ],
)
def test_one_alert_beside_another(other: Raised, expected: Comparison) -> None:
    assert compare([ALERT], [other]) == expected


def test_earlier_and_later() -> None:
    assert Pair(ALERT, replace(ALERT, at=7)).later_ms == -3


def test_one_long_alert_is_the_first_of_the_short_ones_it_covers() -> None:
    short = [replace(ALERT, onset=at, at=at, cleared_at=at + 2) for at in (1, 5, 9)]
    long = replace(ALERT, onset=0, at=0, cleared_at=None)
    assert compare([long], short) == Comparison(both=[Pair(long, short[0])], second_only=short[1:])


@st.composite
def alerts(draw: st.DrawFn) -> list[Raised]:
    """Episodes of some alarms, those of one alarm one after the other; the last may still be
    open."""
    found = []
    for subject in ("u-1", "u-2"):
        times = sorted(draw(st.sets(st.integers(0, 40), max_size=12)))
        for onset, at, cleared_at in zip(
            times[::3], times[1::3], [*times[2::3], None], strict=False
        ):
            found.append(replace(ALERT, subject=subject, onset=onset, at=at, cleared_at=cleared_at))
    return draw(st.permutations(found))


def in_order(ones: list[Raised]) -> list[Raised]:
    return sorted(ones, key=lambda one: (one.key, one.onset))


@given(alerts(), alerts())
def test_every_alert_stands_in_one_list_and_pairs_overlap(
    first: list[Raised], second: list[Raised]
) -> None:
    found = compare(first, second)
    assert in_order([*found.first_only, *(pair.first for pair in found.both)]) == in_order(first)
    assert in_order([*found.second_only, *(pair.second for pair in found.both)]) == in_order(second)
    for pair in found.both:
        begin = max(pair.first.onset, pair.second.onset)
        assert pair.first.key == pair.second.key
        assert all(
            one.cleared_at is None or begin <= one.cleared_at for one in (pair.first, pair.second)
        )
    mirrored = compare(second, first)
    assert (mirrored.first_only, mirrored.second_only) == (found.second_only, found.first_only)
    assert mirrored.both == [Pair(pair.second, pair.first) for pair in found.both]


@given(alerts())
def test_the_same_rules_differ_in_nothing(ones: list[Raised]) -> None:
    assert compare(ones, ones) == Comparison(both=[Pair(one, one) for one in in_order(ones)])
