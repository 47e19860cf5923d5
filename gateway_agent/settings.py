"""The gateway's configuration file (contract §9)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from configuration.fields import Duration, FilePath, Identifier, Settings, resolve_path
from gateway_agent.bus.address import LineAddress, parse_line
from gateway_agent.polling.cadence import Cadence
from messaging.settings import MqttSettings
from wire.topics import GatewayPath
from wire.units import DAY_MS

Location = tuple[int | str, ...]


def _line_url(url: str) -> str:
    parse_line(url)
    return url


def _profile_reference(text: str, info: ValidationInfo) -> str:
    return str(resolve_path(Path(text), info)) if text.endswith(".toml") else text


class JournalSettings(Settings):
    """Where readings wait until they are stored, how much room they get, and when one is sent
    again."""

    path: FilePath
    max_mb: Annotated[int, Field(ge=1, le=65_536)] = 256
    resend_after: Duration = 60_000


class MetricsSettings(Settings):
    """Where the gateway shows its figures and its health: an address of this machine only; off by
    default."""

    listen: Annotated[str, Field(pattern=r"^(127(\.\d{1,3}){3}|localhost):\d{1,5}$")] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None where there is no page."""
        if self.listen is None:
            return None
        host, _, port = self.listen.partition(":")
        return host, int(port)


class DeviceSettings(Settings):
    """One heat pump: `address` on its bus, `profile` a name or a path to a TOML file."""

    id: Identifier
    address: Annotated[int, Field(ge=1, le=247)]
    profile: Annotated[str, AfterValidator(_profile_reference)]


class BusSettings(Settings):
    """One line and the units on it."""

    url: Annotated[str, AfterValidator(_line_url)]
    device: Annotated[list[DeviceSettings], Field(min_length=1)]

    @property
    def line(self) -> LineAddress:
        """The parsed URL."""
        return parse_line(self.url)


class GatewaySettings(Settings):
    """Everything the gateway needs to run.

    Each device is read every `interval` and its state and faults looked at every `look`, so that a
    change is published at once; the points its profile calls slow are part of one reading in
    `slow_every`.
    """

    district: Identifier
    town: Identifier
    village: Identifier
    gateway: Identifier
    interval: Annotated[Duration, Field(ge=1_000, le=DAY_MS)] = 30_000
    look: Annotated[Duration, Field(ge=1_000, le=DAY_MS)] = 15_000
    slow_every: Annotated[int, Field(ge=1, le=10_000)] = 10
    mqtt: MqttSettings = MqttSettings()
    journal: JournalSettings
    metrics: MetricsSettings = MetricsSettings()
    bus: Annotated[list[BusSettings], Field(min_length=1)]

    @property
    def cadence(self) -> Cadence:
        """How often each device is visited, and for what."""
        return Cadence(self.interval / 1_000, self.look / 1_000, self.slow_every)

    @property
    def place(self) -> GatewayPath:
        """Who this gateway is in topics."""
        return GatewayPath(self.district, self.town, self.village, self.gateway)

    def profile_references(self) -> dict[str, str]:
        """What the devices name as their profiles, each with the key where it stands first."""
        found: dict[str, str] = {}
        for number, bus in enumerate(self.bus):
            for index, device in enumerate(bus.device):
                found.setdefault(device.profile, f"bus[{number}].device[{index}].profile")
        return found

    @model_validator(mode="after")
    def _unique(self) -> "GatewaySettings":
        repeated = [
            *_repeated(self._ids()),
            *_repeated(self._addresses()),
            *_repeated(self._lines()),
        ]
        if repeated:
            raise ValidationError.from_exception_data(type(self).__name__, repeated)
        return self

    def _ids(self) -> Iterator[tuple[Location, object]]:
        for number, bus in enumerate(self.bus):
            for index, device in enumerate(bus.device):
                yield ("bus", number, "device", index, "id"), device.id

    def _addresses(self) -> Iterator[tuple[Location, object]]:
        for number, bus in enumerate(self.bus):
            for index, device in enumerate(bus.device):
                yield ("bus", number, "device", index, "address"), (bus.line.name, device.address)

    def _lines(self) -> Iterator[tuple[Location, object]]:
        for number, bus in enumerate(self.bus):
            yield ("bus", number, "url"), bus.line.name


def _repeated(items: Iterator[tuple[Location, object]]) -> Iterator[InitErrorDetails]:
    """An error at the key of every item whose value stands at an earlier key too."""
    seen: dict[object, Location] = {}
    for location, value in items:
        if value in seen:
            first = ".".join(map(str, seen[value]))
            error = PydanticCustomError(
                "repeated", "the same as {first}; it must be unique", {"first": first}
            )
            yield InitErrorDetails(type=error, loc=location, input=value)
        seen.setdefault(value, location)
