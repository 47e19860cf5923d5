"""Alerts against truths, by a table of small cases."""

from typing import Any

import pytest

from simulators.scoring.score import NOTHING, quiet_weeks, score
from simulators.scoring.signs import SIGNS, UNINFERRED, home_of
from simulators.scoring.truths import Level, ScoredAlert, Topology, Truth, truth_from
from simulators.scoring.visibility import demanded
from wire.points import FAULT_KINDS
from wire.units import DAY_MS, HOUR_MS

T0 = 1_763_740_000_000
PLACES = Topology({"a": "g1", "b": "g1", "c": "g2"}, {"g1": "v", "g2": "v"})


def truth(kind: str, subject: str = "a", begin: int = 0, end: int | None = 3, **more: Any) -> Truth:
    level: Level = (
        "village" if subject == "v" else "gateway" if subject.startswith("g") else "device"
    )
    return Truth(
        kind,
        level,
        subject,
        T0 + begin * HOUR_MS,
        None if end is None else T0 + end * HOUR_MS,
        **more,
    )


def alert(rule: str, subject: str = "a", at: float = 0.5, code: str | None = None) -> ScoredAlert:
    level: Level = (
        "village" if subject == "v" else "gateway" if subject.startswith("g") else "device"
    )
    return ScoredAlert(rule, level, subject, code, T0, T0 + round(at * HOUR_MS))


FAULT = alert("fault", code="high_pressure:P1")


@pytest.mark.parametrize(
    ("what", "truths", "alerts", "detected", "false_of"),
    [
        ("its own code is found", [truth("high_pressure")], [FAULT], 1, None),
        (
            "another kind is not",
            [truth("high_pressure")],
            [alert("fault", code="fan:45")],
            0,
            "fan",
        ),
        (
            "a neighbour's alert is false",
            [truth("high_pressure", "b")],
            [FAULT],
            0,
            "high_pressure",
        ),
        (
            "before the onset is false",
            [truth("high_pressure", begin=1)],
            [FAULT],
            0,
            "high_pressure",
        ),
        (
            "its room cools: explained",
            [truth("high_pressure")],
            [alert("low_room_temperature", at=2)],
            0,
            None,
        ),
        (
            "half a day later too",
            [truth("high_pressure")],
            [alert("low_room_temperature", at=14)],
            0,
            None,
        ),
        (
            "a day later not",
            [truth("high_pressure")],
            [alert("low_room_temperature", at=27)],
            0,
            "low_room",
        ),
        (
            "a village hides its gateways",
            [truth("village_outage", "v")],
            [alert("gateway_offline", "g1")],
            0,
            None,
        ),
        (
            "and is found by its own alert",
            [truth("village_outage", "v")],
            [alert("village_outage", "v")],
            1,
            None,
        ),
        (
            "not by a gateway's",
            [truth("gateway_death", "g1")],
            [alert("gateway_offline", "g2")],
            0,
            "gateway_death",
        ),
        ("out of nothing", [], [alert("suspected_leak")], 0, "leak"),
        ("a rule nobody knows", [], [alert("new_rule")], 0, UNINFERRED),
        ("one that lasts", [truth("leak", end=None)], [alert("low_cop", at=900)], 1, None),
        (
            "the faint explain",
            [truth("low_room", certain=False)],
            [alert("low_room_temperature")],
            0,
            None,
        ),
    ],
)
def test_an_alert_finds_is_explained_or_is_false(
    what: str, truths: list[Truth], alerts: list[ScoredAlert], detected: int, false_of: str | None
) -> None:
    result = score(truths, alerts, PLACES)
    assert sum(figures.detected for figures in result.classes.values()) == detected, what
    assert {kind: figures.false for kind, figures in result.classes.items() if figures.false} == (
        {false_of: 1} if false_of else {}
    ), what
    assert result.false == bool(false_of)


def test_figures_of_a_class() -> None:
    truths = [
        truth("high_pressure"),
        truth("high_pressure", "b", begin=1),
        truth("high_pressure", "c", certain=False),
    ]
    false = alert("fault", "c", at=30, code="high_pressure:P1")
    result = score(truths, [FAULT, false], PLACES)
    assert result.classes["high_pressure"].to_document() == {
        "injected": 2,
        "detected": 1,
        "false": 1,
        "recall": 0.5,
        "precision": 0.5,
        "delay_median_s": 1800.0,
        "unasked": 1,
    }
    assert result.missed == [truths[1]]
    assert result.confusion == {
        "high_pressure": {"fault:high_pressure": 1},
        NOTHING: {"fault:high_pressure": 1},
    }


def test_parts_of_a_run_add_up() -> None:
    whole = score(
        [truth("leak"), truth("leak", "b")], [alert("low_cop"), alert("low_cop", "c")], PLACES
    )
    parts = score([truth("leak")], [alert("low_cop")], PLACES)
    parts.add(score([truth("leak", "b")], [alert("low_cop", "c")], PLACES))
    assert parts == whole


def test_nothing_is_demanded_of_what_was_not_seen() -> None:
    dead = truth("gateway_death", "g1", begin=0, end=5)
    hidden = truth("high_pressure", "a", begin=1, end=4)
    peeping = truth("high_pressure", "b", begin=1, end=6)
    silent_below = truth("communication_loss", "a", begin=2, end=5)
    window = truth("window_open", "c")
    judged = demanded([dead, hidden, peeping, silent_below, window], PLACES, T0 + DAY_MS)
    assert [one.certain for one in judged] == [True, False, True, False, False]


def test_weeks_without_a_fault_are_counted_with_their_alerts() -> None:
    false = [
        alert("low_cop", "a", at=1),
        alert("low_cop", "c", at=8 * 24),
        alert("low_cop", "c", at=8 * 24 + 1),
    ]
    weeks = quiet_weeks([truth("leak", "a", begin=0, end=24)], false, PLACES, T0, 15)
    assert (weeks.weeks, weeks.alerted) == (5, 1)


def test_a_truth_survives_its_file() -> None:
    for one in (
        truth("leak", detail={"strength": 0.6}),
        truth("village_outage", "v", end=None, certain=False),
    ):
        assert truth_from(one.to_document()) == one


def test_every_fault_kind_is_a_class_that_its_own_code_finds() -> None:
    assert all(SIGNS[kind].detects == (f"fault:{kind}",) for kind in FAULT_KINDS)
    assert all(home_of(sign) != UNINFERRED for signs in SIGNS.values() for sign in signs.detects)
