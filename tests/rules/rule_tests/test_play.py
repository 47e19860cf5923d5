"""Playing a rule test: exactly the expected transitions, no more and no fewer."""

from typing import Any

import pytest

from rules.document.problems import RuleErrors
from rules.document.rule import Rule
from rules.rule_tests.document import RuleTest, parse_tests
from rules.rule_tests.play import run_test
from tests.rules.shipped import shipped

RAISE = {"at": "1h15m", "rule": "low_room_temperature", "edge": "raise"}
CLEAR = {"at": "1h25m", "rule": "low_room_temperature", "edge": "clear"}
RULES: list[Rule] = [shipped("low_room_temperature")]


def a_test(*expect: dict[str, Any], **more: Any) -> RuleTest:
    table = {
        "name": "one",
        "interval": "5m",
        "series": {"room_c": "19*3 17.5*14 18.6*4"},
        "expect": list(expect),
    }
    return parse_tests({"rules": ["x.toml"], "test": [{**table, **more}]}).tests[0]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"value": 17.54},
        {"about": 16.0},
        {"priority": "high", "reason": "below_limit", "onset": "15m"},
    ],
)
def test_what_comes_as_expected_passes(more: dict[str, Any]) -> None:
    outcome = run_test(a_test({**RAISE, **more}, CLEAR), RULES)
    assert outcome.passed, outcome


@pytest.mark.parametrize(
    "more",
    [
        {"at": "1h10m"},
        {"edge": "update"},
        {"value": 17.6},
        {"about": 10.0},
        {"priority": "low"},
        {"onset": "0s"},
        {"subject": "device-2"},
        {"code": "E1"},
        {"reason": "cold"},
    ],
)
def test_what_comes_otherwise_is_told_both_ways(more: dict[str, Any]) -> None:
    outcome = run_test(a_test({**RAISE, **more}, CLEAR), RULES)
    assert not outcome.passed
    assert [one.edge for one in outcome.missing] == [more.get("edge", "raise")]
    assert [one.edge for one in outcome.unexpected] == ["raise"]


def test_an_expectation_is_met_once() -> None:
    assert [one.edge for one in run_test(a_test(RAISE, RAISE, CLEAR), RULES).missing] == ["raise"]
    assert [one.edge for one in run_test(a_test(RAISE), RULES).unexpected] == ["clear"]


def test_an_override_changes_the_rule_for_its_test_alone() -> None:
    changed = a_test(
        {**RAISE, "at": "20m"}, CLEAR, override={"low_room_temperature": {"on_delay": "5m"}}
    )
    assert run_test(changed, RULES).passed
    assert run_test(a_test(RAISE, CLEAR), RULES).passed
    with pytest.raises(RuleErrors) as caught:
        run_test(a_test(override={"low_room_temperature": {"on_dleay": "5m"}, "other": {}}), RULES)
    assert {key for key, _ in caught.value.problems} == {
        "override.other",
        "override.low_room_temperature.on_dleay",
    }
