"""The messages that cross the bus (contract §3), as plain dataclasses.

All times are UTC milliseconds. Field names are the JSON names.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from wire.points import State

VERSION: Final = 1

MAX_PAYLOAD_BYTES: Final = 262_144
MAX_READINGS: Final = 2_000
MAX_DEPTH: Final = 6

Clock = Literal["unsynced"]
"""Marks a message whose readings were stamped by a clock that nobody had set; absent where it
was."""
Priority = Literal["urgent", "high", "medium", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The most urgent first."""


@dataclass(slots=True)
class Reading:
    """What one heat pump reported in one poll; `values` holds only points that were really read."""

    device: str
    at: int
    state: State
    faults: list[str]
    values: dict[str, float]
    bad: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Dropped:
    """Sequence numbers `first`..`last`, inclusive, that the gateway reports as lost.

    On the wire the bounds are called `from` and `to`, which Python reserves.
    """

    first: int
    last: int
    reason: str


@dataclass(slots=True)
class Telemetry:
    """One numbered message of a gateway; `seq` counts from 1 without a gap within an `epoch`.

    `acked` is the watermark the gateway knew when it wrote the message: an ingest that has never
    heard of the gateway learns from it where to begin (docs/decisions/0008).
    """

    v: int
    epoch: str
    seq: int
    sent_at: int
    interval_s: float
    readings: list[Reading]
    dropped: Dropped | None = None
    clock: Clock | None = None
    acked: int = 0


@dataclass(slots=True)
class AnnouncedDevice:
    """A device as a gateway's birth message lists it; `address` is its Modbus address."""

    device: str
    profile: str
    bus: str
    address: int


@dataclass(slots=True)
class Status:
    """A gateway's birth (`online`, with its devices) or last will (not `online`, nothing else
    known)."""

    online: bool
    at: int | None = None
    epoch: str | None = None
    software: str | None = None
    interval_s: float | None = None
    devices: list[AnnouncedDevice] = field(default_factory=list)


@dataclass(slots=True)
class Ack:
    """The watermark: every `seq` up to and including `upto` is stored, dead-lettered or reported
    dropped."""

    epoch: str
    upto: int


@dataclass(slots=True)
class Command:
    """A request to write points of one device, void after `expires_at`."""

    id: str
    device: str
    set: dict[str, float]
    expires_at: int
    by: str


@dataclass(slots=True)
class Result:
    """What became of a command; `read_back` holds the points as read after the write."""

    id: str
    status: Literal["done", "rejected", "failed", "expired"]
    reason: str
    at: int
    read_back: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Alert:
    """An alert as the feed and the HTTP API show it; `subject` is a device, gateway or village id.

    `cause` is the id of the alert it follows from: the one that came first.
    """

    id: str
    rule: str
    subject: str
    district: str
    town: str
    village: str
    priority: Priority
    state: Literal["active", "cleared"]
    onset: int
    raised_at: int
    text: dict[str, str]
    acknowledged_by: str | None = None
    shelved_until: int | None = None
    cleared_at: int | None = None
    value: float | None = None
    limit: float | None = None
    unit: str | None = None
    code: str | None = None
    children: int = 0
    ticket: str | None = None
    cause: str | None = None
