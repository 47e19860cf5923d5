"""Rule files: found by pattern, read, changed by a district's overrides, with every mistake named by file and key."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from configuration.load import ConfigurationError, Problem, read_toml
from hearthwatch.resources import config_folder
from rules.definition import Rule, RuleErrors, parse_rule


def find_rule_files(patterns: Sequence[Path], config: Path) -> list[Path]:
    """The files that `patterns` of the configuration file `config` name; raises ConfigurationError for an empty one.

    A pattern such as `config/rules/*.toml` that finds nothing beside the configuration means the shipped rules, so
    that a server.toml may stand anywhere. No pattern at all means the shipped rules too.
    """
    if not patterns:
        return _matches(config_folder() / "rules" / "*.toml")
    found: list[Path] = []
    for pattern in patterns:
        files = _matches(pattern) or _shipped(pattern)
        if not files:
            raise ConfigurationError([Problem(config, "rules.files", f"no file matches {pattern}")])
        found += files
    return found


def _matches(pattern: Path) -> list[Path]:
    return sorted(path for path in pattern.parent.glob(pattern.name) if path.is_file())


def _shipped(pattern: Path) -> list[Path]:
    named_so = pattern.parts[-3:-1] == ("config", "rules")
    return _matches(config_folder() / "rules" / pattern.name) if named_so else []


def load_rules(paths: Iterable[Path]) -> list[Rule]:
    """The rules in `paths`; raises ConfigurationError with the mistakes of all files at once."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            rules += parse_rule(read_toml(path))
        except RuleErrors as error:
            problems += [Problem(path, key, message) for key, message in error.problems]
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return rules


def apply_overrides(rules: Sequence[Rule], overrides: Mapping[str, Mapping[str, Any]], config: Path) -> list[Rule]:
    """`rules` with a district's own numbers from `[rules.override.<rule id>]`; raises ConfigurationError."""
    known = {rule.id for rule in rules}
    problems = [Problem(config, f"rules.override.{id_}", "no such rule") for id_ in overrides if id_ not in known]
    changed: list[Rule] = []
    for rule in rules:
        try:
            changed.append(rule.with_overrides(dict(overrides.get(rule.id, {}))))
        except RuleErrors as error:
            problems += [Problem(config, f"rules.override.{rule.id}.{key}", text) for key, text in error.problems]
    if problems:
        raise ConfigurationError(problems)
    return changed
