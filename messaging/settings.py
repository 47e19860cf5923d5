"""The broker's address: the `[mqtt]` table of every configuration file (contract §9)."""

import ssl
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, model_validator

from configuration.fields import PresentPath, SecretPath, Settings
from wire.topics import DEFAULT_ROOT

DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


def _can_be_connected_to(url: SplitResult) -> bool:
    """Whether host and port have the form of such; the network thread must not end on them."""
    try:
        return bool((url.hostname or "").encode("idna")) and url.port != 0
    except ValueError:
        return False


def _broker_url(url: str) -> str:
    parts = urlsplit(url)
    is_ours = parts.scheme in DEFAULT_PORTS and parts.password is None
    if not (is_ours and _can_be_connected_to(parts)):
        raise ValueError(
            "url must look like mqtt://host:1883 or mqtts://host:8883, without a password in it"
        )
    return url


class MqttSettings(Settings):
    """Broker address and credentials. Secrets are in files, never in the configuration."""

    url: Annotated[
        str,
        AfterValidator(_broker_url),
        Field(description="Address of the broker: mqtt://HOST:1883, or mqtts://HOST:8883 for TLS."),
    ] = "mqtt://127.0.0.1:1883"
    root: Annotated[
        str,
        Field(
            description="First levels of every topic; all parts of a district use the same.",
            pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$",
            examples=[DEFAULT_ROOT],
        ),
    ] = DEFAULT_ROOT
    username: Annotated[
        str | None,
        Field(description="Name of the account at the broker; without one, none is given."),
    ] = None
    password_file: Annotated[
        SecretPath | None,
        Field(description="File with the account's password; nobody else may read it."),
    ] = None
    ca: Annotated[
        PresentPath | None,
        Field(description="File with the certificates that the broker's is checked against."),
    ] = None
    cert: Annotated[
        PresentPath | None,
        Field(description="File with the client's own certificate; goes together with key."),
    ] = None
    key: Annotated[
        SecretPath | None,
        Field(description="File with the client's private key; nobody else may read it."),
    ] = None
    keepalive_s: Annotated[
        int,
        Field(
            description="Seconds without traffic until the broker is asked for a sign of life.",
            ge=5,
            le=1200,
        ),
    ] = 15

    @model_validator(mode="after")
    def _check(self) -> "MqttSettings":
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key go together")
        if not self.tls and (self.ca or self.cert):
            raise ValueError("ca, cert and key need an mqtts:// url")
        if self.tls:
            self._try_certificates()
        return self

    def _try_certificates(self) -> None:
        """Refuse a bad file now, by name, and not at the first connection."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except OSError as error:
            raise ValueError(
                f"ca, cert or key is no certificate or key, or they do not fit together: {error}"
            ) from error

    @property
    def host(self) -> str:
        """The broker's host name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The broker's TCP port."""
        parts = urlsplit(self.url)
        return parts.port or DEFAULT_PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return urlsplit(self.url).scheme == "mqtts"
