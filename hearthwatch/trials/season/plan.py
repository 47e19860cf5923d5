"""What a season is to evaluate: the scenario, the rules and the time span."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings, SeasonSettings
from hearthwatch.base.errors import UsageError
from hearthwatch.base.periods import parse_day, parse_length
from hearthwatch.base.resources import find_scenario, shipped_rule_files
from hearthwatch.trials.season.options import SeasonOptions
from rules.document.rule import Rule
from simulators.scenario.scenario import Scenario, load_scenario
from simulators.season.span import SeasonSpan
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS


@dataclass(frozen=True, slots=True)
class SeasonPlan:
    """What all blocks of a season share; `sketched` if a picture is wanted."""

    scenario: Scenario
    rules: Sequence[Rule]
    span: SeasonSpan
    seed: int
    sketched: bool = False


def plan_season(options: SeasonOptions) -> SeasonPlan:
    """Return the plan; raise UsageError and ConfigurationError."""
    scenario = load_scenario(find_scenario(options.scenario))
    rules = load_rules(RulesSettings(files=shipped_rule_files()))
    start = parse_day("--start", options.start, time_zone())
    span = SeasonSpan(start, options.days, _step(options.step))
    return SeasonPlan(scenario, rules, span, options.seed, sketched=options.picture is not None)


def time_zone() -> ZoneInfo:
    """Return the zone of a season's days: a season has no configuration, so it is the default."""
    return SeasonSettings().zone


def _step(text: str) -> int:
    step = parse_length("--step", text)
    if not 0 < step <= HOUR_MS or DAY_MS % step or step % MINUTE_MS:
        raise UsageError("--step: write whole minutes that divide a day, at most an hour, like 5m")
    return step
