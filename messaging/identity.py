"""How a client proves to the broker who it is, and makes sure that the broker is the right one."""

from pathlib import Path

from paho.mqtt.client import Client

from messaging.settings import MqttSettings


def prove_identity(client: Client, settings: MqttSettings) -> None:
    """Give `client` the account, the certificates and the authorities of `settings`.

    Raises OSError for a file that cannot be read, ssl.SSLError for one that holds no certificate.
    """
    if settings.username is not None:
        client.username_pw_set(settings.username, _password(settings.password_file))
    if settings.tls:
        client.tls_set(_path(settings.ca), _path(settings.cert), _path(settings.key))


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)


def _password(file: Path | None) -> str | None:
    return None if file is None else file.read_text().strip()
