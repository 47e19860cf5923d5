"""The whole of server.toml (CONTRACT §9): one table per part, each defined by the part that reads it."""

from pathlib import Path

from pydantic import Field

from alerts.settings import AlertsSettings, HttpSettings, RulesSettings, SeasonSettings, TicketsSettings
from configuration.fields import Settings
from configuration.load import load
from ingest.settings import IngestSettings
from ingest.store import StoreSettings
from messaging.settings import MqttSettings


class ServerSettings(Settings):
    """Configuration of ingest and alerts, which may run together or apart from the same file."""

    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    store: StoreSettings
    ingest: IngestSettings
    tickets: TicketsSettings
    http: HttpSettings
    rules: RulesSettings
    season: SeasonSettings
    alerts: AlertsSettings


def load_server_settings(path: Path) -> ServerSettings:
    """server.toml at `path`; raises ConfigurationError naming every wrong key."""
    return load(path, ServerSettings)
