"""The limits of rules while extreme cold is confirmed."""

import pytest

from rules.definition import parse_rule
from rules.document.problems import RuleErrors
from rules.engine.engine import Engine
from tests.rules.shipped import T0, document, reading, shipped, shipped_rules
from wire.units import MINUTE_MS


def minutes_to_alert(engine: Engine, first: int) -> int:
    """How long it takes from the first cold reading, at `first` minutes, until the alert."""
    for minute in range(first, first + 120, 5):
        reported = engine.observe([reading(T0 + minute * MINUTE_MS, 17.0)], T0)
        if reported:
            assert reported[0].edge == "raise"
            return minute - first
    raise AssertionError("no alert")


def test_a_cold_room_is_told_sooner_and_graver_while_confirmed() -> None:
    engine = Engine([shipped("low_room_temperature")])
    engine.extreme_cold(True)
    assert minutes_to_alert(engine, 0) == 30
    engine.extreme_cold(False)
    engine.observe([reading(T0 + 200 * MINUTE_MS, 20.0)], T0)
    assert minutes_to_alert(engine, 205) == 60


def test_what_is_held_goes_on_when_limits_change() -> None:
    engine = Engine([shipped("low_room_temperature")])
    for minute in range(0, 45, 5):
        assert engine.observe([reading(T0 + minute * MINUTE_MS, 17.0)], T0) == []
    engine.extreme_cold(True)
    [raised] = engine.observe([reading(T0 + 45 * MINUTE_MS, 17.0)], T0)
    assert (raised.edge, raised.onset, raised.priority) == ("raise", T0, "urgent")
    held = engine.active()
    engine.extreme_cold(False)
    engine.extreme_cold(False)
    assert engine.active() == held
    [cleared] = engine.observe([reading(T0 + 50 * MINUTE_MS, 19.0)], T0)
    assert cleared.edge == "clear"


@pytest.mark.parametrize(
    "changes", [{"limits": 1}, {"limit": "cold"}, {"id": "other"}, 5, {"steps": [{"limit": 19.0}]}]
)
def test_limits_that_do_not_fit_the_rule_are_named(changes: object) -> None:
    written = document("low_room_temperature")
    written["rule"][0]["extreme"] = changes
    with pytest.raises(RuleErrors) as caught:
        parse_rule(written)
    assert all(key.startswith("rule[0].extreme") for key, _ in caught.value.problems)


def test_every_shipped_rule_keeps_its_memory_through_the_change() -> None:
    engine = Engine(shipped_rules())
    engine.observe([reading(T0, 19.0)], T0)
    before = engine.snapshot()
    engine.extreme_cold(True)
    after = engine.snapshot()
    assert before.keys() == after.keys()
    assert all(
        (before[name] == after[name]).all() or (before[name] != before[name]).any()
        for name in before
    )
