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

MAX_NUMBER: Final = 10**13
"""The highest `seq`: a message a millisecond for 300 years. Sums of many stay whole numbers of 64
bits."""

INTERVAL_S: Final = (0.001, 86_400)
"""The shortest and the longest time between two readings of a device, in seconds."""

MAX_DEVICES: Final = 2_000
"""Devices of a birth: as many as a message may hold readings."""

MAX_FAULTS: Final = 64
MAX_BAD: Final = 128
MAX_COMMANDED: Final = 32
"""Faults of a reading, names in its `bad`, and points that a command sets."""

Clock = Literal["unsynced"]
"""Marks a message whose readings carry the time of an unsynchronised clock; otherwise absent."""

Priority = Literal["urgent", "high", "medium", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""Every priority, the most urgent first."""

Outcome = Literal["done", "rejected", "failed", "expired"]
"""How a command ended."""

AlertState = Literal["active", "cleared"]
ALERT_STATES: Final[tuple[AlertState, ...]] = get_args(AlertState)


@dataclass(slots=True)
class Reading:
    """One poll of one heat pump; `values` holds only the points that the gateway really read."""

    device: str
    at: int
    state: State
    faults: list[str]
    values: dict[str, float]
    bad: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Dropped:
    """Message numbers `first`..`last`, both included, that the gateway reports as lost.

    The JSON names are `from` and `to`; Python reserves `from`.
    """

    first: int
    last: int
    reason: str


@dataclass(slots=True)
class Telemetry:
    """One numbered message of a gateway; `seq` counts from 1 without a gap within an `epoch`.

    `acked` is the watermark that the gateway knew when it wrote the message. An ingest that meets
    the gateway for the first time begins there (docs/decisions/0008).
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
    """A gateway's birth (`online`, with its devices) or its last will (not `online`, no more)."""

    online: bool
    at: int | None = None
    epoch: str | None = None
    software: str | None = None
    interval_s: float | None = None
    devices: list[AnnouncedDevice] = field(default_factory=list)


@dataclass(slots=True)
class Ack:
    """The watermark: each `seq` from 1 to `upto` is stored, dead-lettered or reported dropped."""

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
    """The outcome of a command; `read_back` holds the points as read after the write.

    `by` is who gave the command. It is no part of what became of it, and is not compared.
    """

    id: str
    status: Outcome
    reason: str
    at: int
    read_back: dict[str, float] = field(default_factory=dict)
    by: str = field(default="", compare=False)


@dataclass(slots=True)
class Alert:
    """An alert as the feed and the HTTP API show it; `subject` is a device, gateway or village id.

    `cause` is the id of the earlier alert that this one follows from. `out_of_service_until` is set
    while its case was closed although it goes on.
    """

    id: str
    rule: str
    subject: str
    district: str
    town: str
    village: str
    priority: Priority
    state: AlertState
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
    out_of_service_until: int | None = None


@dataclass(frozen=True, slots=True)
class Retirement:
    """The desk has ended a gateway, or taken it back (not `retired`), at server time `at`."""

    at: int
    retired: bool


@dataclass(frozen=True, slots=True)
class DeviceAssignment:
    """The desk has given a device to `gateway` at server time `at`.

    `gateway` is `district/town/village/gateway`; None takes the decision back.
    """

    at: int
    gateway: str | None
