"""Fault codes: one row per reading, what it shows and what must be reported."""

import pytest

from rules.engine.engine import Engine
from tests.rules.shipped import T0, reading, shipped
from wire.units import MINUTE_MS

P1, E1 = "high_pressure:P1", "water_flow:E1"

CASES = {
    "raised at once": [((P1,), [("raise", P1)])],
    "reported once": [((P1,), [("raise", P1)]), ((P1,), []), ((P1,), [])],
    "two readings without it clear": [
        ((P1,), [("raise", P1)]),
        ((), []),
        ((), [("clear", P1)]),
        ((), []),
    ],
    "one reading without it does not": [
        ((P1,), [("raise", P1)]),
        ((), []),
        ((P1,), []),
        ((), []),
        ((P1,), []),
    ],
    "codes are apart": [
        ((P1, E1), [("raise", P1), ("raise", E1)]),
        ((E1,), []),
        ((E1,), [("clear", P1)]),
        ((P1, E1), [("raise", P1)]),
    ],
    "a code listed twice is one": [((P1, P1), [("raise", P1)])],
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES.keys())
def test_cases(rows: list[tuple[tuple[str, ...], list[tuple[str, str]]]]) -> None:
    engine = Engine([shipped("fault")])
    for minute, (faults, expected) in enumerate(rows):
        transitions = engine.observe([reading(T0 + minute * MINUTE_MS, faults=faults)], T0)
        assert [(one.edge, one.code) for one in transitions] == expected


def test_faults_that_could_not_be_read_are_not_gone() -> None:
    engine = Engine([shipped("fault")])
    engine.observe([reading(T0, faults=(P1,))], T0)
    unread = [reading(T0 + minute * MINUTE_MS, bad=("faults",)) for minute in range(1, 6)]
    assert engine.observe(unread, T0) == []
    gone = engine.observe([reading(T0 + 6 * MINUTE_MS), reading(T0 + 7 * MINUTE_MS)], T0)
    assert [(one.edge, one.code) for one in gone] == [("clear", P1)]


def test_onset_is_the_first_reading_and_stays_through_the_clear() -> None:
    engine = Engine([shipped("fault")])
    raised = engine.observe([reading(T0, faults=(P1,))], T0)
    cleared = engine.observe([reading(T0 + MINUTE_MS), reading(T0 + 2 * MINUTE_MS)], T0)
    assert [(one.onset, one.at) for one in (*raised, *cleared)] == [
        (T0, T0),
        (T0, T0 + 2 * MINUTE_MS),
    ]


def test_an_on_delay_holds_back_what_comes_and_goes() -> None:
    engine = Engine([shipped("fault", on_delay="90s")])
    seen = [(P1,), (), (), (P1,), (P1,), (P1,)]
    transitions = engine.observe(
        [reading(T0 + n * MINUTE_MS, faults=faults) for n, faults in enumerate(seen)], T0
    )
    assert [(one.edge, one.onset, one.at) for one in transitions] == [
        ("raise", T0 + 3 * MINUTE_MS, T0 + 5 * MINUTE_MS)
    ]


@pytest.mark.parametrize(
    ("code", "priority"),
    [
        ("freeze_protect:E31", "urgent"),
        ("high_pressure:P1", "high"),
        ("voltage:46", "medium"),
        ("sensor:4", "low"),
    ],
)
def test_priority_and_words_come_from_the_kind(code: str, priority: str) -> None:
    (raised,) = Engine([shipped("fault")]).observe([reading(T0, faults=(code,))], T0)
    assert raised.priority == priority
    assert raised.text["en"].startswith(f"mtg-mt-0001 reports {code.split(':')[1]}: ")
    assert raised.text["zh"].startswith("mtg-mt-0001 报故障")


def test_a_code_that_follows_another_names_the_one_that_came_first() -> None:
    engine = Engine([shipped("fault")])
    (first,) = engine.observe([reading(T0, faults=(E1,))], T0)
    (second,) = engine.observe([reading(T0 + MINUTE_MS, faults=(E1, P1))], T0)
    assert "came first" not in first.text["en"]
    assert second.text["en"].endswith(" E1 came first: begin there.")
    assert second.text["zh"].endswith("首发故障是 E1，先查它。")


def test_codes_that_come_together_have_no_first() -> None:
    reported = Engine([shipped("fault")]).observe([reading(T0, faults=(E1, P1))], T0)
    assert not any("came first" in one.text["en"] for one in reported)


def test_advice_is_that_of_the_kind_and_else_that_of_the_rule() -> None:
    rule = shipped("fault")
    assert "strainer" in rule.advice("water_flow:E8")["crew"]["en"]
    assert rule.advice("inverter:P6")["household"] == rule.household
    assert rule.advice("unheard_of:1") == rule.advice("other:1")
