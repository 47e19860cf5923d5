"""The rule files that `[rules]` names, with the numbers a district changes."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from alerts.settings import RulesSettings
from configuration.load import ConfigurationError, ConfigurationProblem, read_toml
from rules.definition import parse_rule
from rules.document.problems import RuleErrors
from rules.document.rule import Rule
from rules.document.texts import Texts
from wire.suggestions import suggestion

Advice = Callable[[str, str | None], Mapping[str, Texts]]


def load_rules(settings: RulesSettings) -> list[Rule]:
    """All rules, overrides applied; raises ConfigurationError naming every mistake with its file
    and key."""
    problems: list[ConfigurationProblem] = []
    rules: dict[str, Rule] = {}
    for pattern in settings.files:
        files = sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
        if not files:
            problems.append(
                ConfigurationProblem(pattern, "", "no such rule file; see [rules] files")
            )
        for file in files:
            _read(file, rules, problems)
    _override(settings, rules, problems)
    if problems:
        raise ConfigurationError(problems)
    return list(rules.values())


def advice_of(rules: Iterable[Rule]) -> Advice:
    """Answers, by rule id and code, what an alert means and what to check first.

    The answer is empty where the rule says nothing or is gone.
    """
    by_id = {rule.id: rule for rule in rules}

    def advice(rule: str, code: str | None) -> Mapping[str, Texts]:
        return by_id[rule].advice(code) if rule in by_id else {}

    return advice


def _read(file: Path, rules: dict[str, Rule], problems: list[ConfigurationProblem]) -> None:
    try:
        in_file = parse_rule(read_toml(file))
    except ConfigurationError as error:
        problems += error.problems
        return
    except RuleErrors as error:
        problems += [ConfigurationProblem(file, key, message) for key, message in error.problems]
        return
    for rule in in_file:
        if rule.id in rules:
            problems.append(
                ConfigurationProblem(file, rule.id, "a rule of this id stands in another file too")
            )
        rules[rule.id] = rule


def _override(
    settings: RulesSettings, rules: dict[str, Rule], problems: list[ConfigurationProblem]
) -> None:
    for name, changes in settings.override.items():
        place = f"rules.override.{name}"
        if name not in rules:
            problems.append(
                ConfigurationProblem(
                    Path("server.toml"), place, f"no such rule; {suggestion(name, rules)}"
                )
            )
            continue
        try:
            rules[name] = rules[name].with_overrides(changes)
        except RuleErrors as error:
            problems += [
                ConfigurationProblem(Path("server.toml"), f"{place}.{key}", message)
                for key, message in error.problems
            ]
