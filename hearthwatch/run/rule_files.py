"""Which rule files a server.toml means."""

from collections.abc import Sequence
from pathlib import Path

from configuration.load import ConfigurationError, ConfigurationProblem
from hearthwatch.base.resources import config_folder


def find_rule_files(patterns: Sequence[Path], config: Path) -> list[Path]:
    """The files that `patterns` of the configuration file `config` name; raises ConfigurationError
    for an empty one.

    A pattern such as `config/rules/*.toml` that finds nothing beside the configuration means the
    shipped rules, so that a server.toml may stand anywhere. No pattern at all means the shipped
    rules too.
    """
    if not patterns:
        return shipped_rule_files()
    found: list[Path] = []
    for pattern in patterns:
        files = _matches(pattern) or _shipped(pattern)
        if not files:
            raise ConfigurationError(
                [ConfigurationProblem(config, "rules.files", f"no file matches {pattern}")]
            )
        found += files
    return found


def shipped_rule_files(pattern: str = "*.toml") -> list[Path]:
    """The rule files that come with the software."""
    return _matches(config_folder() / "rules" / pattern)


def _shipped(pattern: Path) -> list[Path]:
    return shipped_rule_files(pattern.name) if pattern.parts[-3:-1] == ("config", "rules") else []


def _matches(pattern: Path) -> list[Path]:
    return sorted(path for path in pattern.parent.glob(pattern.name) if path.is_file())
