"""What ingest knows of gateways and devices while it runs: what was received, who owns what, who is
where in time.

Pure state. It runs ahead of the receipts by the batch being written; `take_changes` hands over what
the receipts has to commit with that batch, and `DeviceRegistry(receipts.load())` is where the next start
begins.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from wire.intervals import Intervals
from wire.ownership import Ownership
from wire.topics import GatewayPath

# Enough to compare a re-sent message with the first one while both may be on their way.
_FINGERPRINTS: Final = 64
# A broker redelivers only what is in flight, as a rule some thousands of messages.
UNREADABLE_KEPT: Final = 4_096


class NewestReading(NamedTuple):
    """The newest accepted reading of a device: in which message, and its event time (UTC ms)."""

    epoch: str
    seq: int
    at: int


@dataclass(slots=True)
class Remembered:
    """What has to survive a restart: all of it when loaded, only what changed when committed."""

    received: dict[tuple[GatewayPath, str], tuple[tuple[int, int], ...]] = field(
        default_factory=dict
    )
    current: dict[GatewayPath, str] = field(default_factory=dict)
    births: dict[GatewayPath, frozenset[str]] = field(default_factory=dict)
    owners: dict[str, GatewayPath | None] = field(default_factory=dict)
    marks: dict[str, NewestReading] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)


Standing = Literal["current", "unseen", "stale"]
"""A message's epoch beside its gateway's current one: the same, never received before, or a former
one."""


class GatewayNumbers:
    """One gateway's message numbers by epoch; `current` is the epoch of its last birth or newest
    readings."""

    def __init__(self) -> None:
        self.current: str | None = None
        self.received: dict[str, Intervals] = {}
        self._fingerprints = _Fingerprints()

    def has(self, epoch: str, seq: int) -> bool:
        """Whether this message was received before."""
        known = self.received.get(epoch)
        return known is not None and seq in known

    def standing(self, epoch: str) -> Standing:
        """How `epoch` stands to the current one; the first ever seen becomes current."""
        if self.current is None or epoch == self.current:
            return "current"
        return "stale" if epoch in self.received else "unseen"

    def remember(self, epoch: str, seq: int, fingerprint: int) -> None:
        """Keep the fingerprint of a received message for a while."""
        self._fingerprints.keep(hash((epoch, seq)), fingerprint)

    def fingerprint(self, epoch: str, seq: int) -> int | None:
        """The fingerprint of a message received lately, or None."""
        return self._fingerprints.find(hash((epoch, seq)))


class _Fingerprints:
    """The newest fingerprints of a gateway, in the 1 kB of their bare numbers: as a dict they would
    be 20 kB."""

    def __init__(self) -> None:
        self._messages = array("q")
        self._fingerprints = array("q")
        self._oldest = 0

    def keep(self, message: int, fingerprint: int) -> None:
        """Both are hashes; once there are enough, the oldest goes."""
        if len(self._messages) < _FINGERPRINTS:
            self._messages.append(message)
            self._fingerprints.append(fingerprint)
            return
        self._messages[self._oldest] = message
        self._fingerprints[self._oldest] = fingerprint
        self._oldest = (self._oldest + 1) % _FINGERPRINTS

    def find(self, message: int) -> int | None:
        """The fingerprint of a message, if it is still kept."""
        if message not in self._messages:
            return None
        return self._fingerprints[self._messages.index(message)]


class DeviceRegistry:
    """All gateways and devices of this ingest; changed only by the thread that judges messages."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        """Begin where `remembered` ended; nothing of it counts as changed."""
        self.ownership = Ownership()
        self.marks: dict[str, NewestReading] = {}
        self._gateways: dict[GatewayPath, GatewayNumbers] = {}
        self._births: dict[GatewayPath, frozenset[str]] = {}
        self._unreadable: OrderedDict[bytes, None] = OrderedDict()
        self._missing: dict[tuple[GatewayPath, str], int] = {}
        self._dirty: set[tuple[GatewayPath, str]] = set()
        self._changes = Remembered()
        if remembered is not None:
            self._restore(remembered)

    def gateway(self, place: GatewayPath) -> GatewayNumbers:
        """The gateway at `place`, known or new."""
        gateway = self._gateways.get(place)
        if gateway is None:
            gateway = self._gateways[place] = GatewayNumbers()
        return gateway

    def receive(self, place: GatewayPath, epoch: str, first: int, last: int) -> int:
        """Count messages `first`..`last` as received; returns how many had not been."""
        self._dirty.add((place, epoch))
        return self.gateway(place).received.setdefault(epoch, Intervals()).add(first, last)

    def watermark(self, place: GatewayPath, epoch: str) -> int:
        """Up to which message of `epoch` everything was received."""
        received = self.gateway(place).received.get(epoch)
        return received.upto() if received is not None else 0

    def make_current(self, place: GatewayPath, epoch: str) -> None:
        """From now on `epoch` is the one the gateway writes."""
        gateway = self.gateway(place)
        if gateway.current != epoch:
            gateway.current = epoch
            self._changes.current[place] = epoch

    def announce(self, place: GatewayPath, epoch: str, devices: Iterable[str]) -> None:
        """Take over a birth."""
        self.make_current(place, epoch)
        listed = frozenset(devices)
        before = self._births.get(place, frozenset())
        if place in self._births and listed == before:
            return
        self.ownership.announce(place, listed)
        self._births[place] = self._changes.births[place] = listed
        for device in listed | before:
            self._changes.owners[device] = self.ownership.owner(device)

    def claim(self, device: str, place: GatewayPath) -> bool:
        """Whether `place` may speak for `device`."""
        owner = self.ownership.owner(device)
        if owner is place:
            return True
        if owner is None:
            self._changes.owners[device] = place
        return self.ownership.claim(device, place)

    def advance(self, device: str, mark: NewestReading) -> None:
        """The device's newest reading is now `mark`."""
        self.marks[device] = self._changes.marks[device] = mark

    def is_new_unreadable(self, digest: bytes, redelivered: bool) -> bool:
        """Whether a message without a readable number is to be reported; a redelivery of a reported
        one is not."""
        if redelivered and digest in self._unreadable:
            return False
        self._unreadable[digest] = None
        self._changes.unreadable.append(digest)
        if len(self._unreadable) > UNREADABLE_KEPT:
            self._unreadable.popitem(last=False)
        return True

    def take_changes(self) -> Remembered:
        """Everything that changed since the last call."""
        changes, self._changes = self._changes, Remembered()
        for place, epoch in self._dirty:
            received = self.gateway(place).received[epoch]
            changes.received[place, epoch] = received.pairs()
            self._missing[place, epoch] = received.missing()
        self._dirty.clear()
        return changes

    def missing(self) -> int:
        """How many message numbers are still missing below the highest received, over all
        gateways."""
        return sum(self._missing.values())

    def _restore(self, remembered: Remembered) -> None:
        for (place, epoch), pairs in remembered.received.items():
            received = self.gateway(place).received[epoch] = Intervals(pairs)
            self._missing[place, epoch] = received.missing()
        for place, epoch in remembered.current.items():
            self.gateway(place).current = epoch
        # Owners before births: a birth only claims what nobody owns.
        for device, owner in remembered.owners.items():
            if owner is not None:
                self.ownership.claim(device, owner)
        for place, listed in remembered.births.items():
            self.ownership.announce(place, listed)
        self._births.update(remembered.births)
        self.marks.update(remembered.marks)
        self._unreadable.update(dict.fromkeys(remembered.unreadable))
