"""Defrost share: whole winters' evenings as a list of (state, minutes), polled every 30 s."""

import pytest

from rules.engine.engine import Engine
from rules.transitions.transition import Transition
from tests.rules.shipped import T0, reading, shipped
from wire.points import State
from wire.units import MINUTE_MS

Stretch = tuple[State, float]
POLL = 30_000


def run(
    stretches: list[Stretch], engine: Engine | None = None, start: int = T0
) -> list[Transition]:
    """What the shipped rule tells over these stretches."""
    engine = engine or Engine([shipped("defrost_share")])
    at, readings = start, []
    for state, minutes in stretches:
        for _ in range(round(minutes * MINUTE_MS / POLL)):
            readings.append(reading(at, state=state))
            at += POLL
    return engine.observe(readings, at)


def repeat(times: int, *stretches: Stretch) -> list[Stretch]:
    return list(stretches) * times


def cycles(number: int, heating: float, defrost: float) -> list[Stretch]:
    return [("off", 1), *repeat(number, ("heating", heating), ("defrost", defrost)), ("heating", 1)]


CASES: dict[str, tuple[list[Stretch], list[tuple[str, str]]]] = {
    "six cycles above": (cycles(6, 25, 5), [("raise", "share_above_limit_over_cycles")]),
    "five are not enough": (cycles(5, 25, 5), []),
    "exactly a tenth is allowed": (cycles(8, 45, 5), []),
    "stops and hot water count as neither": (
        [
            ("off", 1),
            *repeat(8, ("heating", 45), ("off", 600), ("hot_water", 60), ("defrost", 5)),
            ("heating", 1),
        ],
        [],
    ),
    "long cycles are judged over a day": (
        [("off", 1), *repeat(3, ("heating", 100), ("defrost", 20)), ("heating", 60)],
        [("raise", "share_above_limit_over_day")],
    ),
    "a day with little running is not judged": (
        [("off", 1), *repeat(4, ("heating", 40), ("defrost", 10), ("off", 400)), ("off", 1)],
        [],
    ),
    "good cycles clear it": (
        [*cycles(6, 25, 5), *cycles(6, 60, 5)],
        [("raise", "share_above_limit_over_cycles"), ("clear", "share_below_limit_over_cycles")],
    ),
}


@pytest.mark.parametrize(("stretches", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(stretches: list[Stretch], expected: list[tuple[str, str]]) -> None:
    assert [(one.edge, one.reason) for one in run(stretches)] == expected


def test_the_share_is_exact() -> None:
    (raised,) = run(cycles(6, 25, 5))
    assert raised.value == pytest.approx(100 * 5 / 30)
    assert (raised.limit, raised.unit, raised.priority) == (10.0, "percent", "medium")
    assert raised.onset == raised.at


def test_a_gap_drops_the_cycle_and_counts_as_neither() -> None:
    engine = Engine([shipped("defrost_share", run_time="10h")])
    for turn in range(12):
        # The gateway is away in the middle of every heating: the defrosts alone must not make a
        # share.
        start = T0 + turn * 60 * MINUTE_MS
        assert run([("heating", 10)], engine, start) == []
        assert (
            run([("heating", 10), ("defrost", 5), ("heating", 1)], engine, start + 40 * MINUTE_MS)
            == []
        )


def test_after_a_dry_day_the_alert_clears() -> None:
    reasons = [one.reason for one in run([*cycles(6, 25, 5), ("heating", 26 * 60)])]
    assert reasons == ["share_above_limit_over_cycles", "share_below_limit_over_day"]


def test_a_heating_without_end_does_not_overflow() -> None:
    engine = Engine([shipped("defrost_share")])
    engine.expect(["mtg-mt-0001"], 60 * MINUTE_MS)
    hours = 40 * 24
    readings = [
        reading(T0 + hour * 60 * MINUTE_MS, state="heating" if hour else "off")
        for hour in range(hours)
    ]
    assert engine.observe(readings, T0) == []
    assert run([("defrost", 5), ("heating", 1)], engine, T0 + hours * 60 * MINUTE_MS) == []
