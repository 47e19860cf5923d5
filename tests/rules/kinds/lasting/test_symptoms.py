"""Symptoms: what holds, what is over and what is only not seen, the weight of symptoms, gaps, and
mistakes."""

from typing import Any

import pytest

from tests.rules.kinds.rows import Row, edges, engine_of, feed, filled, mistakes
from tests.rules.shipped import T0

PHRASE = {"zh": "{value}", "en": "{value} of {limit}"}
COLD = {
    "reason": "cold_water",
    "on_delay": "2m",
    "all": [{"quantity": "supply_c", "below": 20.0, "deadband": 5.0}],
}


def rule(*symptoms: dict[str, Any], **keys: Any) -> dict[str, Any]:
    text = {"zh": "{symptom}", "en": "{symptom}"}
    return {
        "kind": "symptoms",
        "text": text,
        "symptom": [{**PHRASE, **one} for one in symptoms],
        **keys,
    }


def supplies(*values: float | None) -> list[Row]:
    return [{} if value is None else {"supply_c": value} for value in values]


CASES: dict[str, tuple[dict[str, Any], list[Row], list[tuple[str, float]]]] = {
    "holds for its on-delay": (rule(COLD), supplies(30, 19, 19, 19), [("raise", 3)]),
    "0 °C is a value": (rule(COLD), supplies(30, 0, 0, 0), [("raise", 3)]),
    "one good reading begins it anew": (rule(COLD), supplies(19, 19, 20, 19, 19), []),
    "inside the deadband it goes on": (
        rule(COLD),
        supplies(19, 19, 19, 24.9, 25),
        [("raise", 2), ("clear", 4)],
    ),
    "the deadband is for active alerts only": (rule(COLD), supplies(19, 21, 19, 21, 19, 21), []),
    "gone for its off-delay": (
        rule(COLD, off_delay="2m"),
        supplies(19, 19, 19, 30, 19, 30, 30, 30),
        [("raise", 2), ("clear", 7)],
    ),
    "a missing value says nothing": (
        rule(COLD, off_delay="1m"),
        supplies(19, None, 19, None, 30, None, 30),
        [("raise", 2), ("clear", 6)],
    ),
    "a gap begins the on-delay anew": (
        rule(COLD, max_gap="5m"),
        [{"supply_c": 19}, {"minute": 6, "supply_c": 19}, {"minute": 8, "supply_c": 19}],
        [("raise", 8)],
    ),
    "a gap begins the off-delay anew": (
        rule(COLD, max_gap="5m", off_delay="2m"),
        [*supplies(19, 19, 19, 30), {"minute": 10, "supply_c": 30}, {"minute": 12, "supply_c": 30}],
        [("raise", 2), ("clear", 12)],
    ),
    "outside its state it is over": (
        rule({**COLD, "state": ["heating"]}),
        [*supplies(19, 19, 19), {"state": "standby", "supply_c": 19}],
        [("raise", 2), ("clear", 3)],
    ),
    "where it does not apply it is only not seen": (
        rule({**COLD, "applies": {"state": ["heating"]}}),
        [
            *supplies(19, 19, 19),
            {"state": "standby", "supply_c": 30},
            {"supply_c": 19},
            {"supply_c": 30},
        ],
        [("raise", 2), ("clear", 5)],
    ),
    "an unknown state says nothing": (
        rule({**COLD, "state": ["heating"]}),
        [*supplies(19, 19, 19), {"supply_c": 19, "bad": ["state"]}, {"supply_c": 30}],
        [("raise", 2), ("clear", 4)],
    ),
    "every condition": (
        rule({**COLD, "all": [*COLD["all"], {"quantity": "pump", "below": 0.5}]}),
        [{"supply_c": 19, "pump": pump} for pump in (0, 0, 1, 0, 0, 0, 1)],
        [("raise", 5), ("clear", 6)],
    ),
    "one condition that fails ends it though another is missing": (
        rule({**COLD, "all": [*COLD["all"], {"quantity": "pump", "below": 0.5}]}),
        [*({"supply_c": 19, "pump": 0} for _ in range(3)), {"supply_c": 30}],
        [("raise", 2), ("clear", 3)],
    ),
    "while a code of a kind is reported": (
        rule({**COLD, "faults": ["voltage"]}),
        [
            {"supply_c": 19, "faults": ["voltage:H7"] if minute < 4 else ["fan:H6"]}
            for minute in range(6)
        ],
        [("raise", 2), ("clear", 4)],
    ),
    "unread fault registers say nothing": (
        rule({**COLD, "faults": ["voltage"]}),
        [
            *({"supply_c": 19, "faults": ["voltage:H7"]} for _ in range(3)),
            {"supply_c": 19, "bad": ["faults"]},
            {"supply_c": 19},
        ],
        [("raise", 2), ("clear", 4)],
    ),
    "unless a code says it already": (
        rule({**COLD, "unless_faults": ["water_flow"]}),
        [
            {"supply_c": 19, "faults": ["water_flow:E8"] if minute < 4 else []}
            for minute in range(8)
        ],
        [("raise", 6)],
    ),
}


@pytest.mark.parametrize(("table", "rows", "expected"), CASES.values(), ids=CASES.keys())
def test_cases(table: dict[str, Any], rows: list[Row], expected: list[tuple[str, float]]) -> None:
    assert edges(feed(engine_of(table), rows)) == expected


FREEZING = {
    "reason": "freezing",
    "priority": "urgent",
    "all": [{"quantity": "supply_c", "below": 3.0}],
}


def test_a_graver_symptom_updates_the_alert_and_a_lighter_one_does_not() -> None:
    reported = feed(engine_of(rule(FREEZING, COLD)), supplies(19, 19, 19, 2, 10, 19, 26))
    assert [(one.edge, one.reason, one.priority, one.value) for one in reported] == [
        ("raise", "cold_water", "low", 19.0),
        ("update", "freezing", "urgent", 2.0),
        ("clear", "symptom_gone", "urgent", 26.0),
    ]
    assert {one.onset for one in reported} == {T0}
    assert (reported[0].limit, reported[0].unit, reported[0].text["en"]) == (
        20.0,
        "c",
        "19.0 of 20",
    )


def test_an_adopted_alert_is_ended_by_any_reading_that_can_be_judged() -> None:
    engine = engine_of(rule(FREEZING, COLD))
    feed(engine, supplies(19, 19, 19))
    other = engine_of(rule(FREEZING, COLD))
    other.adopt(engine.active())
    assert other.active() == engine.active()
    assert edges(feed(other, [{"minute": 5}, {"supply_c": 24}, {"supply_c": 26}])) == [("clear", 7)]
    assert other.active() == []


def test_a_snapshot_goes_on_where_it_was() -> None:
    engine = engine_of(rule(COLD))
    feed(engine, supplies(30, 19, 19))
    other = engine_of(rule(COLD))
    other.observe([], T0)
    other.restore(engine.snapshot())
    assert edges(feed(other, [{"minute": 3, "supply_c": 19}, {"supply_c": 30}])) == [
        ("raise", 3),
        ("clear", 4),
    ]


def test_different_units_of_symptoms_are_not_one_unit() -> None:
    pump = {"reason": "no_pump", "all": [{"quantity": "flow_lpm", "below": 1.0}]}
    (reported,) = feed(engine_of(rule(COLD, pump)), [{"flow_lpm": 0.0}])
    assert (reported.unit, reported.value, reported.limit) == (None, 0.0, 1.0)


@pytest.mark.parametrize(
    ("symptom", "keys"),
    [
        ({"all": COLD["all"]}, ["symptom[0].reason"]),
        ({"reason": "x"}, ["symptom[0].all"]),
        ({"reason": "X y", "all": COLD["all"]}, ["symptom[0].reason"]),
        ({**COLD, "all": [{"quantity": "warmth", "below": 1.0}]}, ["symptom[0].all[0]"]),
        (
            {**COLD, "all": [{"quantity": "supply_c", "below": 1.0, "deadband": -1.0}]},
            ["symptom[0].all[0]"],
        ),
        ({**COLD, "all": []}, ["symptom[0].all"]),
        ({**COLD, "state": ["warm"]}, ["symptom[0].state"]),
        ({**COLD, "faults": ["bad"]}, ["symptom[0].faults"]),
        ({**COLD, "unless_faults": []}, ["symptom[0].unless_faults"]),
        ({**COLD, "applies": {"states": ["heating"]}}, ["symptom[0].applies.states"]),
        ({**COLD, "on_delay": 5}, ["symptom[0].on_delay"]),
        ({**COLD, "fr": "froid"}, ["symptom[0].fr"]),
        ({**COLD, "en": "{valeu}"}, ["symptom[0].en"]),
    ],
)
def test_a_mistake_is_named_by_its_key(symptom: dict[str, Any], keys: list[str]) -> None:
    assert mistakes(rule(symptom)) == keys


def test_a_reason_is_used_once_and_there_is_a_symptom() -> None:
    assert mistakes(rule(COLD, COLD)) == ["symptom"]
    assert mistakes({**filled({"kind": "symptoms"}), "symptom": []}) == ["symptom"]
