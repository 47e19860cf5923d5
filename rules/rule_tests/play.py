"""Playing a rule test: the rules are fed its readings as a server would be, and what they say is
compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.document.problems import RuleErrors, RuleProblem
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.forecast.extreme_cold import ColdWatch
from rules.presence.presence import Presence
from rules.presence.rules import SilenceRule, VillageOutageRule
from rules.readings.season import Season
from rules.rule_tests.document import DeviceUnderTest, Expected, RuleTest
from rules.transitions.transition import Transition
from wire.messages import Reading
from wire.topics import GatewayPath

_VALUE_WITHIN: Final = 0.05
_ABOUT_WITHIN: Final = 0.1
_STEP_MS: Final = 1_000
"""How often silence is judged, as the service does."""

_CHUNK: Final = 200
"""Polls judged at once: small enough that a reading is not looked at again and again."""

Heard = list[tuple[GatewayPath, Reading]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test found: expectations that did not come true, and transitions that nobody
    expected."""

    test: RuleTest
    missing: list[Expected]
    unexpected: list[Transition]

    @property
    def passed(self) -> bool:
        """Whether the transitions were exactly those expected."""
        return not self.missing and not self.unexpected


def run_test(test: RuleTest, rules: Sequence[Rule], season: Season | None = None) -> Outcome:
    """Play `test` against `rules`; raises RuleErrors for an override that does not fit them."""
    transitions = play(test, _overridden(rules, test), season or Season())
    missing: list[Expected] = []
    for expected in test.expected:
        found = next((one for one in transitions if _fits(expected, one)), None)
        if found is None:
            missing.append(expected)
        else:
            transitions.remove(found)
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
    """All that `rules` say to the readings of `test`, in order of time."""
    engine = Engine(rules, season)
    for device in test.devices:
        engine.expect([device.id], test.interval_ms, device.village)
    watches_silence = any(isinstance(rule, SilenceRule | VillageOutageRule) for rule in rules)
    polls = _polls(test)
    found = _judge_readings(engine, polls, test)
    if watches_silence:
        found += _judge_silence(Presence(rules, test.start), polls, test)
    found += _judge_forecasts(ColdWatch(rules, season), len(polls), test)
    return sorted(found, key=lambda one: (one.at, one.subject, one.rule, one.code or ""))


def _polls(test: RuleTest) -> list[Heard]:
    """What is read at each interval."""
    length = max((len(device.readings) for device in test.devices), default=0)
    return [
        [
            (_place(device), reading)
            for device in test.devices
            if number < len(device.readings) and (reading := device.readings[number]) is not None
        ]
        for number in range(length)
    ]


def _place(device: DeviceUnderTest) -> GatewayPath:
    return GatewayPath("district-1", "town-1", device.village, device.gateway)


def _judge_readings(engine: Engine, polls: list[Heard], test: RuleTest) -> list[Transition]:
    found: list[Transition] = []
    for first in range(0, len(polls), _CHUNK):
        heard = [one for poll in polls[first : first + _CHUNK] for one in poll]
        found += engine.observe(heard, test.start + first * test.interval_ms)
    return found


def _judge_silence(presence: Presence, polls: list[Heard], test: RuleTest) -> list[Transition]:
    for place, devices in _by_gateway(test.devices).items():
        presence.announce(place, devices, test.interval_ms, test.start)
    found: list[Transition] = []
    for number, poll in enumerate(polls):
        now = test.start + number * test.interval_ms
        for place, devices in _spoken(poll).items():
            presence.heard(place, devices, test.interval_ms, now)
        for moment in range(now, now + test.interval_ms, _STEP_MS):
            found += presence.step(moment)
    return found


def _judge_forecasts(watch: ColdWatch, polls: int, test: RuleTest) -> list[Transition]:
    """The newest forecast is looked at as often as devices are read."""
    found: list[Transition] = []
    for now in range(test.start, test.start + polls * test.interval_ms, test.interval_ms):
        issued = [forecast for forecast in test.forecasts if forecast.issued_at <= now]
        found += watch.step(issued[-1] if issued else None, now)
    return found


def _by_gateway(devices: Sequence[DeviceUnderTest]) -> dict[GatewayPath, list[str]]:
    found: dict[GatewayPath, list[str]] = {}
    for device in devices:
        found.setdefault(_place(device), []).append(device.id)
    return found


def _spoken(poll: Heard) -> dict[GatewayPath, list[str]]:
    found: dict[GatewayPath, list[str]] = {}
    for place, reading in poll:
        found.setdefault(place, []).append(reading.device)
    return found


def _fits(expected: Expected, found: Transition) -> bool:
    exact = ("at", "rule", "edge", "subject", "code", "priority", "reason", "onset")
    same = all(
        getattr(found, name) == wanted
        for name in exact
        if (wanted := getattr(expected, name)) is not None
    )
    return same and all(_near(found.value, *bound) for bound in _bounds(expected))


def _bounds(expected: Expected) -> Iterator[tuple[float, float]]:
    if expected.value is not None:
        yield expected.value, _VALUE_WITHIN
    if expected.about is not None:
        yield expected.about, _ABOUT_WITHIN * abs(expected.about)


def _near(value: float | None, wanted: float, within: float) -> bool:
    return value is not None and abs(value - wanted) <= within
