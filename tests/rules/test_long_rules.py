"""Rules that take days or a season: their tests as data again, with the engine killed on the
way."""

from dataclasses import replace

import pytest

from rules.definition import parse_rule
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.rule_tests.document import RuleTest, parse_tests
from rules.transitions.transition import OpenCondition, Transition
from tests.rules.shipped import PLACE, T0, document

FILES = (
    "cold_capacity",
    "config_risk",
    "defrost_share",
    "low_cop",
    "sensor_drift",
    "sensor_stuck",
    "suspected_coal",
    "suspected_leak",
    "undersized",
    "valley_cap",
)
STORIES = [(file, test) for file in FILES for test in parse_tests(document(f"tests/{file}")).tests]


def engine_of(rules: list[Rule], test: RuleTest) -> Engine:
    engine = Engine(rules)
    for device in test.devices:
        engine.expect([device.id], test.interval_ms, device.village)
    return engine


def reported(rules: list[Rule], test: RuleTest, killed_every: int) -> list[Transition]:
    """What the rules say when their memory goes through a snapshot after every so many readings."""
    engine, found = engine_of(rules, test), []
    readings = [
        (PLACE, one) for device in test.devices for one in device.readings if one is not None
    ]
    for first in range(0, len(readings), killed_every):
        survivor = engine_of(rules, test)
        survivor.restore(engine.snapshot())
        engine = survivor
        found += engine.observe(readings[first : first + killed_every], test.start)
    return found


@pytest.mark.parametrize(
    ("file", "test"), STORIES, ids=[f"{file}-{test.name}" for file, test in STORIES]
)
def test_a_restart_changes_nothing(file: str, test: RuleTest) -> None:
    rules = [
        rule.with_overrides(test.overrides.get(rule.id, {})) for rule in parse_rule(document(file))
    ]
    assert reported(rules, test, 29) == reported(rules, test, 10_000)


@pytest.mark.parametrize("file", FILES)
def test_an_alert_of_before_is_held_open_and_let_go_with_its_device(file: str) -> None:
    rules = parse_rule(document(file))
    engine = Engine(rules)
    episode = OpenCondition(rules[0].id, "mtg-mt-0001", None, T0)
    engine.adopt([episode])
    assert engine.active() == [episode]
    [cleared] = engine.retire(["mtg-mt-0001"])
    assert (cleared.edge, cleared.onset) == ("clear", T0)
    assert engine.active() == []


@pytest.mark.parametrize("file", FILES)
def test_devices_judged_together_do_not_touch_each_other(file: str) -> None:
    rules = parse_rule(document(file))
    stories = [test for name, test in STORIES if name == file and not test.overrides]
    alone = [
        replace(one, subject=str(n))
        for n, test in enumerate(stories)
        for one in reported(rules, test, 10_000)
    ]
    readings = [
        replace(one, device=str(number))
        for number, test in enumerate(stories)
        for device in test.devices
        for one in device.readings
        if one is not None
    ]
    engine = Engine(rules)
    for number, test in enumerate(stories):
        engine.expect([str(number)], test.interval_ms)
    together = engine.observe(
        [(PLACE, one) for one in sorted(readings, key=lambda one: one.at)], T0
    )
    assert [untold(one) for one in together] == sorted(map(untold, alone))


def untold(one: Transition) -> tuple[int, str, str, str, str]:
    """A transition without its words, which name the device."""
    return one.at, one.subject, one.rule, one.edge, one.reason
