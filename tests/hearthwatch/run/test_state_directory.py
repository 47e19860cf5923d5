"""`[state] directory`: every file that a service writes goes there, and nothing else does."""

from pathlib import Path

import pytest

from configuration.load import ConfigurationError
from hearthwatch.run.server_settings import load_server_settings


@pytest.mark.parametrize("directory", ["state", "/var/lib/somewhere"])
def test_whatever_is_written_is_in_it(tmp_path: Path, directory: str) -> None:
    config = tmp_path / "server.toml"
    config.write_text(f'[state]\ndirectory = "{directory}"\n')
    settings = load_server_settings(config)
    files = settings.ingest_files | settings.alert_files
    assert len(files) == 5
    folder = tmp_path / directory
    assert all(path.is_relative_to(folder) for path in files.values()), files


def test_named_files_are_relative_to_it_and_absolute_ones_stay(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text(
        '[state]\ndirectory = "state"\n[tickets]\nurl = "sqlite:///desk/tickets.db"\n'
        '[store]\nurl = "sqlite:/data/readings.db"\ndead_letters = "letters.jsonl"\n'
    )
    settings = load_server_settings(config)
    assert settings.tickets.file == tmp_path / "state" / "desk" / "tickets.db"
    assert settings.store.target == Path("/data/readings.db")
    assert settings.store.dead_letters == tmp_path / "state" / "letters.jsonl"


def test_secrets_and_lists_stay_beside_the_configuration(tmp_path: Path) -> None:
    secret = tmp_path / "mqtt-password"
    secret.write_text("x")
    secret.chmod(0o600)
    config = tmp_path / "server.toml"
    config.write_text(
        '[state]\ndirectory = "state"\n'
        '[mqtt]\nusername = "server"\npassword_file = "mqtt-password"\n'
        '[ingest]\nregistered = "devices.csv"\n'
    )
    settings = load_server_settings(config)
    assert settings.mqtt.password_file == secret
    assert settings.ingest.registered == tmp_path / "devices.csv"


def test_without_it_all_is_beside_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("")
    settings = load_server_settings(config)
    files = settings.ingest_files | settings.alert_files
    assert all(path.is_relative_to(tmp_path) for path in files.values())


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[state]\ndirectory = 7\n")
    with pytest.raises(ConfigurationError, match=r"state\.directory"):
        load_server_settings(config)
