"""What verification reads from the ledger and the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from hearthwatch.base.resources import shipped_rule_files
from hearthwatch.trials.verification import limits_of, missing_numbers
from wire.intervals import Intervals


@pytest.mark.parametrize(
    ("intervals", "missing"),
    [((), []), (((1, 5),), []), (((2, 3),), [1]), (((1, 2), (5, 5)), [3, 4])],
)
def test_missing_numbers(intervals: tuple[tuple[int, int], ...], missing: list[int]) -> None:
    assert missing_numbers(intervals) == missing


@given(st.sets(st.integers(1, 60)))
def test_received_and_missing_numbers_are_all_numbers(received: set[int]) -> None:
    intervals = Intervals((number, number) for number in received)
    missing = set(missing_numbers(intervals.pairs()))
    assert missing | received == set(range(1, max(received, default=0) + 1))
    assert not missing & received


def test_limits_come_from_the_rules_the_system_ran_with() -> None:
    override = {"low_room_temperature": {"on_delay": "10s"}}
    rules = load_rules(RulesSettings(files=shipped_rule_files(), override=override))
    limits = limits_of(rules)
    assert (limits.low_room_c, limits.low_room_deadband_k, limits.low_room_on_delay_ms) == (
        18.0,
        0.5,
        10_000,
    )
