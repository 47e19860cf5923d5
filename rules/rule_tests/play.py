"""Playing a rule test: the rules get its readings as on a server; the transitions are compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rules.document.problems import RuleErrors, RuleProblem
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.forecast.extreme_cold import ColdWatch
from rules.presence.conflict import ConflictWatch, Contest
from rules.presence.crowding import CrowdWatch
from rules.presence.presence import Presence
from rules.presence.rules import SilenceRule, VillageOutageRule
from rules.readings.season import Season
from rules.rule_tests.devices import DeviceUnderTest
from rules.rule_tests.document import RuleTest
from rules.rule_tests.expectations import ExpectedTransition
from rules.transitions.transition import Transition
from wire.messages import Reading
from wire.topics import GatewayPath
from wire.units import SECOND_MS

_VALUE_WITHIN: Final = 0.05
_ABOUT_WITHIN: Final = 0.1
_STEP_MS: Final = SECOND_MS
"""How often presence is stepped, as in the service."""

_CHUNK: Final = 200
"""Polls that the engine gets at once: few enough that no reading is split again and again."""

Poll = list[tuple[GatewayPath, Reading]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Expected transitions that did not come, and transitions that were not expected."""

    test: RuleTest
    missing: list[ExpectedTransition]
    unexpected: list[Transition]

    @property
    def passed(self) -> bool:
        """Whether the transitions were exactly those expected."""
        return not self.missing and not self.unexpected


def run_test(test: RuleTest, rules: Sequence[Rule], season: Season | None = None) -> Outcome:
    """Play `test` against `rules`; raises RuleErrors for an override that does not fit them."""
    transitions = play(test, _overridden(rules, test), season or Season())
    missing: list[ExpectedTransition] = []
    for expected in test.expected:
        match = next((each for each in transitions if _fits(expected, each)), None)
        if match is None:
            missing.append(expected)
        else:
            transitions.remove(match)
    return Outcome(test, missing, transitions)


def _overridden(rules: Sequence[Rule], test: RuleTest) -> list[Rule]:
    problems: list[RuleProblem] = [
        (f"override.{name}", "no such rule in the rule files of this test")
        for name in test.overrides.keys() - {rule.id for rule in rules}
    ]
    changed: list[Rule] = []
    for rule in rules:
        try:
            changed.append(rule.with_overrides(test.overrides.get(rule.id, {})))
        except RuleErrors as error:
            problems += error.below(f"override.{rule.id}")
    if problems:
        raise RuleErrors(problems)
    return changed


def play(test: RuleTest, rules: Sequence[Rule], season: Season) -> list[Transition]:
    """All transitions that `rules` make of the readings and forecasts of `test`, by time."""
    engine = Engine(rules, season)
    for device in test.devices:
        engine.expect([device.id], test.interval_ms, device.village)
    polls = _polls(test)
    transitions = _step_engine(engine, polls, test)
    if any(isinstance(rule, SilenceRule | VillageOutageRule) for rule in rules):
        transitions += _step_presence(Presence(rules, test.start), polls, test)
    transitions += _step_conflicts(ConflictWatch(rules), len(polls), test)
    transitions += _step_crowds(CrowdWatch(rules), len(polls), test)
    transitions += _step_forecasts(ColdWatch(rules, season), len(polls), test)
    return sorted(transitions, key=lambda each: (each.at, each.subject, each.rule, each.code or ""))


def _polls(test: RuleTest) -> list[Poll]:
    """The readings of each interval."""
    length = max((len(device.readings) for device in test.devices), default=0)
    return [
        [
            (_gateway_path(device), reading)
            for device in test.devices
            if number < len(device.readings) and (reading := device.readings[number]) is not None
        ]
        for number in range(length)
    ]


def _gateway_path(device: DeviceUnderTest) -> GatewayPath:
    return GatewayPath("district-1", "town-1", device.village, device.gateway)


def _step_engine(engine: Engine, polls: list[Poll], test: RuleTest) -> list[Transition]:
    transitions: list[Transition] = []
    for first in range(0, len(polls), _CHUNK):
        readings = [reading for poll in polls[first : first + _CHUNK] for reading in poll]
        transitions += engine.observe(readings, test.start + first * test.interval_ms)
    return transitions


def _step_presence(presence: Presence, polls: list[Poll], test: RuleTest) -> list[Transition]:
    for gateway, devices in _announced(test.devices).items():
        presence.announce(gateway, devices, test.interval_ms, test.start)
    transitions: list[Transition] = []
    for number, poll in enumerate(polls):
        now = test.start + number * test.interval_ms
        for gateway, devices in _heard(poll).items():
            presence.heard(gateway, devices, test.interval_ms, now)
        for moment in range(now, now + test.interval_ms, _STEP_MS):
            transitions += presence.step(moment)
    return transitions


def _step_conflicts(watch: ConflictWatch, polls: int, test: RuleTest) -> list[Transition]:
    transitions: list[Transition] = []
    for number in range(polls):
        contests = {
            device.id: Contest(_gateway_path(device), others)
            for device in test.devices
            if number < len(device.claimed_by) and (others := _claimants(device, number))
        }
        transitions += watch.step(contests, test.start + number * test.interval_ms)
    return transitions


def _step_crowds(watch: CrowdWatch, polls: int, test: RuleTest) -> list[Transition]:
    transitions: list[Transition] = []
    for number in range(polls):
        held = {
            _gateway_path(device): round(count)
            for device in test.devices
            if number < len(device.held_back) and (count := device.held_back[number])
        }
        transitions += watch.step(held, test.start + number * test.interval_ms)
    return transitions


def _claimants(device: DeviceUnderTest, number: int) -> list[GatewayPath]:
    own = _gateway_path(device)
    return [replace(own, gateway=gateway) for gateway in device.claimed_by[number]]


def _step_forecasts(watch: ColdWatch, polls: int, test: RuleTest) -> list[Transition]:
    """The watch gets the newest forecast at every poll."""
    transitions: list[Transition] = []
    for now in range(test.start, test.start + polls * test.interval_ms, test.interval_ms):
        issued = [forecast for forecast in test.forecasts if forecast.issued_at <= now]
        transitions += watch.step(issued[-1] if issued else None, now)
    return transitions


def _announced(devices: Sequence[DeviceUnderTest]) -> dict[GatewayPath, list[str]]:
    announced: dict[GatewayPath, list[str]] = {}
    for device in devices:
        announced.setdefault(_gateway_path(device), []).append(device.id)
    return announced


def _heard(poll: Poll) -> dict[GatewayPath, list[str]]:
    heard: dict[GatewayPath, list[str]] = {}
    for gateway, reading in poll:
        heard.setdefault(gateway, []).append(reading.device)
    return heard


def _fits(expected: ExpectedTransition, transition: Transition) -> bool:
    exact = ("at", "rule", "edge", "subject", "code", "priority", "reason", "onset")
    same = all(
        getattr(transition, name) == wanted
        for name in exact
        if (wanted := getattr(expected, name)) is not None
    )
    return same and all(_near(transition.value, *bound) for bound in _bounds(expected))


def _bounds(expected: ExpectedTransition) -> Iterator[tuple[float, float]]:
    if expected.value is not None:
        yield expected.value, _VALUE_WITHIN
    if expected.about is not None:
        yield expected.about, _ABOUT_WITHIN * abs(expected.about)


def _near(value: float | None, wanted: float, within: float) -> bool:
    return value is not None and abs(value - wanted) <= within
