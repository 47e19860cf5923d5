"""The whole of server.toml (contract §9): one table per part, each defined by the part that reads
it."""

from pathlib import Path
from typing import Any

from pydantic import Field

from alerts.rulebook import load_rules
from alerts.settings import AlertsSettings, ForecastSettings, RulesSettings, SeasonSettings
from api.settings import HttpSettings
from configuration.fields import Settings
from configuration.load import load
from desk.settings import TicketsSettings
from hearthwatch.run.rule_files import find_rule_files
from ingest.settings import IngestSettings
from ingest.store import StoreSettings
from messaging.settings import MqttSettings


def _table() -> Any:
    """A table that may be left out; its defaults are validated too, so that their paths become
    relative to the file."""
    return Field(default_factory=dict, validate_default=True)


class ServerSettings(Settings):
    """Configuration of ingest and alerts, which may run together or apart from the same file."""

    mqtt: MqttSettings = _table()
    store: StoreSettings = _table()
    ingest: IngestSettings = _table()
    tickets: TicketsSettings = _table()
    http: HttpSettings = _table()
    rules: RulesSettings = _table()
    season: SeasonSettings = _table()
    forecast: ForecastSettings = _table()
    alerts: AlertsSettings = _table()


def load_server_settings(path: Path) -> ServerSettings:
    """server.toml at `path`, its rule files found and read once; raises ConfigurationError naming
    every wrong key."""
    settings = load(path, ServerSettings)
    rules = settings.rules.model_copy(update={"files": find_rule_files(settings.rules.files, path)})
    load_rules(rules)
    return settings.model_copy(update={"rules": rules})
