"""Rule documents (config/rules/*.toml, already parsed as TOML) to rules, and the kinds there are.

A new kind is one module in a room of `rules.kinds` and one line in KINDS.
"""

from collections.abc import Mapping
from typing import Any, Final

from rules.document.problems import RuleErrors, RuleProblem
from rules.document.rule import Rule, missing_keys, read_keys
from rules.forecast.extreme_cold import ExtremeColdRule
from rules.kinds.hourly.baseline import BaselineRule
from rules.kinds.hourly.hourly_share import HourlyShareRule
from rules.kinds.hourly.stuck import StuckRule
from rules.kinds.hourly.tariff_cap import TariffCapRule
from rules.kinds.hourly.unheated_nights import UnheatedNightsRule
from rules.kinds.lasting.bad_points import BadPointsRule
from rules.kinds.lasting.cooling import CoolingRule
from rules.kinds.lasting.fault import FaultRule
from rules.kinds.lasting.low_limit import LowLimitRule
from rules.kinds.lasting.symptoms import SymptomsRule
from rules.kinds.lasting.unchanging import UnchangingRule
from rules.kinds.states.defrost_share import DefrostShareRule
from rules.kinds.states.repeated import RepeatedRule
from rules.presence.conflict import OwnershipConflictRule
from rules.presence.crowding import TooManyEventsRule
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule

__all__ = ["KINDS", "Rule", "RuleErrors", "parse_rule"]

KINDS: Final[Mapping[str, type[Rule]]] = {
    "fault": FaultRule,
    "low_limit": LowLimitRule,
    "symptoms": SymptomsRule,
    "cooling": CoolingRule,
    "repeated": RepeatedRule,
    "unchanging": UnchangingRule,
    "stuck": StuckRule,
    "bad_points": BadPointsRule,
    "defrost_share": DefrostShareRule,
    "baseline": BaselineRule,
    "hourly_share": HourlyShareRule,
    "tariff_cap": TariffCapRule,
    "unheated_nights": UnheatedNightsRule,
    "extreme_cold": ExtremeColdRule,
    "device_offline": DeviceOfflineRule,
    "gateway_offline": GatewayOfflineRule,
    "village_outage": VillageOutageRule,
    "ownership_conflict": OwnershipConflictRule,
    "too_many_events": TooManyEventsRule,
}


def parse_rule(document: Mapping[str, Any]) -> list[Rule]:
    """The rules of a document, one per `[[rule]]` table; raises RuleErrors with every mistake."""
    problems: list[RuleProblem] = [
        (name, "unknown key; a rule file holds [[rule]] tables")
        for name in document.keys() - {"rule"}
    ]
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables:
        raise RuleErrors([*sorted(problems), ("rule", "write at least one [[rule]] table")])
    rules: list[Rule] = []
    for position, table in enumerate(tables):
        try:
            rules.append(_parse_table(table))
        except RuleErrors as error:
            problems += error.below(f"rule[{position}]")
    problems += _repeated(rules)
    if problems:
        raise RuleErrors(problems)
    return rules


def _parse_table(table: object) -> Rule:
    if not isinstance(table, dict):
        raise RuleErrors([("", "write a table")])
    kind = table.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        known = ", ".join(KINDS)
        raise RuleErrors([("kind", f"{kind!r} is not a kind of rule; known are {known}")])
    values, problems = read_keys(model, table)
    problems += missing_keys(model, table)
    if problems:
        raise RuleErrors(problems)
    rule = model(**values)
    if problems := rule.problems():
        raise RuleErrors(problems)
    return rule


def _repeated(rules: list[Rule]) -> list[RuleProblem]:
    ids = [rule.id for rule in rules]
    return [
        ("rule", f"the id {name!r} is used twice")
        for name in sorted({name for name in ids if ids.count(name) > 1})
    ]
