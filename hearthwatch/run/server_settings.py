"""The whole of server.toml (contract §9): one table for each part, defined by that part."""

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.rulebook import load_rules
from alerts.settings import AlertsSettings, ForecastSettings, RulesSettings, SeasonSettings
from alerts.snapshot import SNAPSHOT_NAME
from api.settings import HttpSettings
from configuration.fields import FilePath, Settings
from configuration.load import (
    ConfigurationError,
    ConfigurationProblem,
    load,
    noting,
    read_document,
    validate,
)
from desk.settings import TicketsSettings
from hearthwatch.base.errors import UsageError
from hearthwatch.base.resources import shipped_rule_files
from ingest.settings import IngestSettings
from ingest.store import StoreSettings
from messaging.settings import MqttSettings


def _table(description: str) -> Any:
    """Return the field of a table that may be left out.

    Its defaults are validated too, so that their paths become relative to the file.
    """
    return Field(default_factory=dict, validate_default=True, description=description)


class StateSettings(Settings):
    """`[state]`: where the services keep what they write."""

    directory: FilePath | None = Field(
        default=None,
        description="Folder of every relative path that is written: databases, dead letters, "
        "rule state; without one, that of this file.",
    )


class ServerSettings(Settings):
    """Configuration of ingest and alerts, which may run together or apart from the same file."""

    state: StateSettings = _table("Where the services keep what they write.")
    mqtt: MqttSettings = _table("The broker and the account at it.")
    store: StoreSettings = _table("The reading store and the dead letters.")
    ingest: IngestSettings = _table("Receipt of readings.")
    tickets: TicketsSettings = _table("The database of tickets and accounts.")
    http: HttpSettings = _table("The API and the console.")
    rules: RulesSettings = _table("The rules and their changed keys.")
    season: SeasonSettings = _table("The heating season.")
    forecast: ForecastSettings = _table("The weather forecast.")
    alerts: AlertsSettings = _table("Alerts and the clocks of tickets.")

    @property
    def ingest_files(self) -> dict[str, Path]:
        """The files that ingest keeps, by the key that names each."""
        own = {"ingest.state": self.ingest.state, "store.dead_letters": self.store.dead_letters}
        return own | self._store_file

    @property
    def alert_files(self) -> dict[str, Path]:
        """The files that alerts keeps, by the key that names each; `alerts.state` is a folder."""
        tickets = self.tickets.file
        own = {"alerts.state": self.alerts.state / SNAPSHOT_NAME}
        return own | ({} if tickets is None else {"tickets.url": tickets}) | self._store_file

    @property
    def _store_file(self) -> dict[str, Path]:
        target = self.store.target
        return {"store.url": target} if isinstance(target, Path) else {}


class _RulesTable(Settings):
    rules: RulesSettings = _table("The rules and their changed keys.")


def load_server_settings(path: Path) -> ServerSettings:
    """Return the settings in `path`, its rule files found and checked.

    Raises ConfigurationError that names every wrong key.
    """
    problems: list[ConfigurationProblem] = []
    document = read_document(path, ServerSettings)
    with noting(problems):
        settings = validate(document, ServerSettings, path, _state_folder(document, path))
        _check_secrets(settings, path)
    with noting(problems):
        rules = _load_rules(document.get("rules", {}), path)
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    return settings.model_copy(update={"rules": rules})


def _state_folder(document: dict[str, Any], path: Path) -> Path | None:
    """Return the folder of `[state] directory`; mistakes in the table are left to the model."""
    table = document.get("state")
    folder = table.get("directory") if isinstance(table, dict) else None
    return path.absolute().parent / Path(folder).expanduser() if isinstance(folder, str) else None


def _check_secrets(settings: ServerSettings, path: Path) -> None:
    """Raise ConfigurationError for a password in a file that everybody may read."""
    password = settings.tickets.password
    if not password or not path.stat().st_mode & stat.S_IRWXO:
        return
    if password in path.read_text(encoding="utf-8"):
        message = (
            f"holds a password, and everybody on this machine may read {path.name}; "
            f"chmod o= {path}, or keep the password in tickets.password_file"
        )
        raise ConfigurationError.at(path, message, "tickets.url")


def _load_rules(table: object, path: Path) -> RulesSettings:
    """Return the table `[rules]` with the files it means; raise ConfigurationError."""
    rules = validate({"rules": table}, _RulesTable, path).rules
    rules = rules.model_copy(update={"files": _find_rule_files(rules.files, path)})
    load_rules(rules)
    return rules


def _find_rule_files(patterns: Sequence[Path], config: Path) -> list[Path]:
    """Return the files that `patterns` name; raise ConfigurationError for one that names none.

    A pattern such as `config/rules/*.toml` that matches nothing beside the configuration means the
    shipped rules, so that a server.toml may stand anywhere. No pattern means the shipped rules too.
    """
    if not patterns:
        return shipped_rule_files()
    rule_files: list[Path] = []
    for pattern in patterns:
        matches = sorted(path for path in pattern.parent.glob(pattern.name) if path.is_file())
        if not matches and pattern.parts[-3:-1] == ("config", "rules"):
            matches = shipped_rule_files(pattern.name)
        if not matches:
            raise ConfigurationError(
                [ConfigurationProblem(config, "rules.files", f"no file matches {pattern}")]
            )
        rule_files += matches
    return rule_files


class BrokerSettings(BaseModel):
    """The tables of a server.toml that a subscriber needs; all other tables are ignored."""

    model_config = ConfigDict(extra="ignore")
    mqtt: MqttSettings = MqttSettings()
    season: SeasonSettings = SeasonSettings()


def load_broker_settings(config: Path | None, url: str | None) -> BrokerSettings:
    """Return the broker of a file, or of a URL, or the local one; raise UsageError.

    A file with mistakes raises ConfigurationError.
    """
    if config is not None:
        return load(config, BrokerSettings)
    try:
        return BrokerSettings() if url is None else BrokerSettings(mqtt=MqttSettings(url=url))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"--url: {message}") from error
