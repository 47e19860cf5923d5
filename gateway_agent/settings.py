"""The gateway's configuration file (contract §9)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, LiteralString

from pydantic import (
    AfterValidator,
    AliasChoices,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from configuration.fields import Duration, FilePath, Identifier, Settings, resolve_path
from configuration.mistakes import KeyPath, dotted
from gateway_agent.bus.address import LineAddress, parse_line
from messaging.settings import MqttSettings
from wire.topics import GatewayPath
from wire.units import DAY_MS


def _line_url(url: str) -> str:
    parse_line(url)
    return url


def _profile_reference(text: str, info: ValidationInfo) -> str:
    return str(resolve_path(Path(text), info)) if text.endswith(".toml") else text


class JournalSettings(Settings):
    """The journal file of readings not yet stored, its size, and the wait before a resend."""

    path: Annotated[
        FilePath, Field(description="File of the readings that the store does not hold yet.")
    ]
    max_mb: Annotated[
        int, Field(description="Largest size of the journal in megabytes.", ge=1, le=65_536)
    ] = 256
    resend_after: Annotated[
        Duration,
        Field(description="Time without a confirmation after which readings are sent again."),
    ] = 60_000


_ThisMachine: Final = Field(
    pattern=r"^(127(\.\d{1,3}){3}|localhost):\d{1,5}$", examples=["127.0.0.1:9105"]
)


class MetricsSettings(Settings):
    """The metrics page: an address of this machine only; no page by default."""

    listen: Annotated[
        Annotated[str, _ThisMachine] | None,
        Field(
            description="This machine's address and TCP port of the metrics page; no page without."
        ),
    ] = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; None if there is no page."""
        if self.listen is None:
            return None
        host, _, port = self.listen.partition(":")
        return host, int(port)


class DeviceSettings(Settings):
    """One heat pump: `address` on its bus, `profile` a name or a path to a TOML file.

    The address is 1 to 247, on Modbus TCP a unit id from 0 to 255.
    """

    id: Annotated[Identifier, Field(description="Id of the heat pump, unique in the district.")]
    address: Annotated[
        int,
        Field(
            description="Bus address, 1 to 247; on Modbus TCP a unit id, 0 to 255.", ge=0, le=255
        ),
    ]
    profile: Annotated[
        str,
        AfterValidator(_profile_reference),
        Field(description="Name of a profile, or path to a profile's TOML file."),
    ]


class MeterSettings(Settings):
    """A meter of `device` at an address of its own on the same bus; `profile` as for a device.

    Its values join the readings of the device, where the device has no such point itself.
    """

    device: Annotated[Identifier, Field(description="Id of the heat pump that the meter measures.")]
    address: Annotated[
        int,
        Field(
            description="Bus address of the meter, 1 to 247; on Modbus TCP 0 to 255.", ge=0, le=255
        ),
    ]
    profile: Annotated[
        str,
        AfterValidator(_profile_reference),
        Field(description="Name of a meter's profile, or path to its TOML file."),
    ]


class BusSettings(Settings):
    """One line, the units on it, and their meters."""

    url: Annotated[
        str,
        AfterValidator(_line_url),
        Field(
            description="Line: serial:///dev/ttyS1?baud=9600, rtu+tcp://HOST:PORT or tcp://HOST:PORT."
        ),
    ]
    device: Annotated[
        list[DeviceSettings], Field(description="The heat pumps on this line.", min_length=1)
    ]
    meter: list[MeterSettings] = Field(description="The meters on this line.", default_factory=list)

    @property
    def line(self) -> LineAddress:
        """The parsed URL."""
        return parse_line(self.url)

    @property
    def addresses(self) -> list[tuple[KeyPath, int]]:
        """Every address that is polled, with its key."""
        tables: dict[str, Sequence[DeviceSettings | MeterSettings]] = {
            "device": self.device,
            "meter": self.meter,
        }
        return [
            ((name, index, "address"), entry.address)
            for name, entries in tables.items()
            for index, entry in enumerate(entries)
        ]

    def meter_of(self, device: str) -> MeterSettings | None:
        """The meter of `device`; None if it has none."""
        return next((meter for meter in self.meter if meter.device == device), None)

    @model_validator(mode="after")
    def _on_one_line(self) -> "BusSettings":
        possible, devices = self.line.addresses, {device.id for device in self.device}
        metered = [meter.device for meter in self.meter]
        wrong = [
            *(
                _error("address", "must be 1 to 247 on this line", key, address)
                for key, address in self.addresses
                if address not in possible
            ),
            *(
                _error("meter", "name one device of this bus, each once", key, device)
                for key, device in ((("meter", i, "device"), d) for i, d in enumerate(metered))
                if device not in devices or metered.count(device) > 1
            ),
        ]
        if wrong:
            raise ValidationError.from_exception_data(type(self).__name__, wrong)
        return self


def _error(
    kind: LiteralString, message: LiteralString, key: KeyPath, given: object
) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(kind, message), loc=key, input=given)


def _unique(buses: list[BusSettings]) -> list[BusSettings]:
    repeated = [
        *_repeated(_ids(buses)),
        *_repeated(_addresses(buses)),
        *_repeated(_lines(buses)),
    ]
    if repeated:
        raise ValidationError.from_exception_data("bus", repeated)
    return buses


def _ids(buses: list[BusSettings]) -> Iterator[tuple[KeyPath, object]]:
    for number, bus in enumerate(buses):
        for index, device in enumerate(bus.device):
            yield (number, "device", index, "id"), device.id


def _addresses(buses: list[BusSettings]) -> Iterator[tuple[KeyPath, object]]:
    for number, bus in enumerate(buses):
        for key, address in bus.addresses:
            yield (number, *key), (bus.line.name, address)


def _lines(buses: list[BusSettings]) -> Iterator[tuple[KeyPath, object]]:
    for number, bus in enumerate(buses):
        yield (number, "url"), bus.line.name


def _repeated(items: Iterator[tuple[KeyPath, object]]) -> Iterator[InitErrorDetails]:
    """An error for every item whose value already stands at an earlier key."""
    seen: dict[object, KeyPath] = {}
    for key_path, value in items:
        if value in seen:
            first = dotted(("bus", *seen[value]))
            error = PydanticCustomError(
                "repeated", "the same as {first}; it must be unique", {"first": first}
            )
            yield InitErrorDetails(type=error, loc=key_path, input=value)
        seen.setdefault(value, key_path)


def _with_old_name(schema: dict[str, Any]) -> None:
    keys = schema["properties"]
    keys["look"] = keys["status_every"] | {"title": "Look", "deprecated": True}


class GatewaySettings(Settings):
    """Everything the gateway needs to run.

    Each device is read every `interval`. Its status (state and faults) is polled every
    `status_every`, so that a change is published at once; `look` is the old name of this key. The
    points that its profile calls slow are part of one reading in `slow_every`.
    """

    model_config = ConfigDict(json_schema_extra=_with_old_name)

    district: Annotated[Identifier, Field(description="Id of the district.")]
    town: Annotated[Identifier, Field(description="Id of the town.")]
    village: Annotated[Identifier, Field(description="Id of the village.")]
    gateway: Annotated[Identifier, Field(description="Id of this gateway.")]
    interval: Annotated[
        Duration, Field(description="Time between two readings of a device.", ge=1_000, le=DAY_MS)
    ] = 30_000
    status_every: Annotated[
        Duration,
        Field(
            description="Time between two looks at state and faults; its old name is look.",
            ge=1_000,
            le=DAY_MS,
            validation_alias=AliasChoices("status_every", "look"),
        ),
    ] = 15_000
    slow_every: Annotated[
        int,
        Field(
            description="Number of readings of which one holds the slow points too.",
            ge=1,
            le=10_000,
        ),
    ] = 10
    mqtt: Annotated[MqttSettings, Field(description="The broker and the account at it.")] = (
        MqttSettings()
    )
    journal: Annotated[
        JournalSettings,
        Field(description="The journal of readings that the store does not hold yet."),
    ]
    metrics: Annotated[MetricsSettings, Field(description="The metrics page of the gateway.")] = (
        MetricsSettings()
    )
    bus: Annotated[
        list[BusSettings],
        Field(description="The lines with their heat pumps and meters.", min_length=1),
        AfterValidator(_unique),
    ]

    @property
    def gateway_path(self) -> GatewayPath:
        """This gateway's levels in topics."""
        return GatewayPath(self.district, self.town, self.village, self.gateway)

    def profile_references(self) -> dict[str, str]:
        """Every profile reference of devices and meters, with the key where it stands first."""
        return references_in(self.model_dump(include={"bus"}), Path())

    def profile_roles(self) -> list[tuple[str, str, bool]]:
        """The key and profile reference of every device and meter, and whether it is a meter."""
        roles: list[tuple[str, str, bool]] = []
        for number, bus in enumerate(self.bus):
            for index, device in enumerate(bus.device):
                roles.append((f"bus[{number}].device[{index}].profile", device.profile, False))
            for index, meter in enumerate(bus.meter):
                roles.append((f"bus[{number}].meter[{index}].profile", meter.profile, True))
        return roles


def references_in(document: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The profile references of a document that need not be valid, with the key of each."""
    keys: dict[str, str] = {}
    for key, name in _references(document):
        reference = str(folder / Path(name).expanduser()) if name.endswith(".toml") else name
        keys.setdefault(reference, key)
    return keys


def _references(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, bus in _tables(document, "bus"):
        for kind in ("device", "meter"):
            for index, entry in _tables(bus, kind):
                if isinstance(name := entry.get("profile"), str):
                    yield f"bus[{number}].{kind}[{index}].profile", name


def _tables(table: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    entries = table.get(key)
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield number, entry
