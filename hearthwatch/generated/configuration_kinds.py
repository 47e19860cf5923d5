"""The kinds of configuration file: how each is recognised, checked and described."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from configuration.load import ConfigurationError, ConfigurationProblem, read_toml, validate
from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import GatewaySettings
from hearthwatch.base.resources import profile_folders
from hearthwatch.run.server_settings import ServerSettings
from simulators.live.settings import SimulationSettings
from simulators.scenario.scenario import Scenario

_MODELS: dict[str, type[BaseModel]] = {
    "gateway": GatewaySettings,
    "server": ServerSettings,
    "profile": Profile,
    "scenario": Scenario,
    "simulation": SimulationSettings,
}

# A key that only this kind of file has.
_SIGNS: tuple[tuple[str, str], ...] = (
    ("gateway", "gateway"),
    ("rule", "rule"),
    ("line", "simulation"),
    ("weather", "scenario"),
    ("profile", "profile"),
    ("store", "server"),
    ("tickets", "server"),
    ("http", "server"),
)


def schemas() -> dict[str, dict[str, Any]]:
    """Return a JSON Schema for each kind of file that a model describes, by kind."""
    return {kind: model.model_json_schema() for kind, model in _MODELS.items()}


def check_file(path: Path) -> str:
    """Check the file at `path` and return its kind; raise ConfigurationError with its mistakes."""
    document = read_toml(path)
    kind = next((kind for key, kind in _SIGNS if key in document), None)
    if kind is None:
        raise ConfigurationError(
            [
                ConfigurationProblem(
                    path, "", f"not a known kind of file: {', '.join([*_MODELS, 'rule'])}"
                )
            ]
        )
    checks: dict[str, Callable[[], object]] = {
        "rule": lambda: load_rules(RulesSettings(files=[path.absolute()])),
        "profile": lambda: load_profile(str(path), profile_folders()),
    }
    checks.get(kind, lambda: validate(document, _MODELS[kind], path))()
    return kind
