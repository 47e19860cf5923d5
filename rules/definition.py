"""Rule documents (config/rules/*.toml, already read) to rules, with every mistake named at once."""

from collections.abc import Mapping
from typing import Any

from rules.document.rule import Problem, Rule, RuleErrors, missing_keys, read_keys
from rules.kinds import KINDS

__all__ = ["Rule", "RuleErrors", "parse_rule"]


def parse_rule(document: Mapping[str, Any]) -> list[Rule]:
    """The rules in a document whose `[[rule]]` tables are one rule each; raises RuleErrors with all
    its mistakes."""
    problems: list[Problem] = [
        (name, "unknown key; a rule file holds [[rule]] tables")
        for name in document.keys() - {"rule"}
    ]
    tables = document.get("rule")
    if not isinstance(tables, list) or not tables:
        raise RuleErrors([*sorted(problems), ("rule", "write at least one [[rule]] table")])
    found: list[Rule] = []
    for position, table in enumerate(tables):
        try:
            found.append(_parse_table(table))
        except RuleErrors as error:
            problems += error.below(f"rule[{position}]")
    problems += _repeated(found)
    if problems:
        raise RuleErrors(problems)
    return found


def _parse_table(table: object) -> Rule:
    if not isinstance(table, dict):
        raise RuleErrors([("", "write a table")])
    kind = table.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise RuleErrors(
            [("kind", f"{kind!r} is not a kind of rule; known are {', '.join(KINDS)}")]
        )
    values, problems = read_keys(model, table)
    problems += missing_keys(model, table)
    if problems:
        raise RuleErrors(problems)
    rule = model(**values)
    if problems := rule.problems():
        raise RuleErrors(problems)
    return rule


def _repeated(rules: list[Rule]) -> list[Problem]:
    ids = [rule.id for rule in rules]
    return [
        ("rule", f"the id {name!r} is used twice")
        for name in sorted({name for name in ids if ids.count(name) > 1})
    ]
