"""Plain values that the device registry gives and takes; no database here."""

from dataclasses import dataclass, field

from wire.topics import GatewayPath


@dataclass(slots=True)
class LastHeard:
    """The newest reading of a device: event time, server time (UTC ms) and operating state."""

    at: int
    heard: int
    state: str


@dataclass(frozen=True, slots=True)
class KnownGateway:
    """A gateway of the registry: its poll interval (None before its first birth) and its devices.

    `devices` stood in its last birth; `others` were heard there or listed earlier. `last_at` is the
    newest event time (UTC ms) of each device.
    """

    gateway: GatewayPath
    interval_ms: int | None = None
    devices: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    last_at: dict[str, int] = field(default_factory=dict)
