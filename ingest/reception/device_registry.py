"""The state of ingest: numbers received, owners of devices, newest reading of each device. Pure.

It runs ahead of the receipts by the batches under way. `take_changes` returns what the receipts
commit with one batch; `DeviceRegistry(receipts.load()[0])` continues after a restart.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ingest.reception.gateway_numbers import GatewayNumbers
from wire.intervals import Intervals
from wire.ownership import Ownership
from wire.topics import GatewayPath

# A broker redelivers only messages in flight: usually some thousands.
UNREADABLE_KEPT: Final = 4_096


class NewestReading(NamedTuple):
    """The newest accepted reading of a device: its message, and its event time `at` (UTC ms)."""

    epoch: str
    seq: int
    at: int


@dataclass(slots=True)
class Remembered:
    """The state that survives a restart: all of it when loaded, the changes when committed.

    `received` holds intervals `(first, last)` by gateway and epoch; `unreadable` holds digests.
    """

    received: dict[tuple[GatewayPath, str], tuple[tuple[int, int], ...]] = field(
        default_factory=dict
    )
    current: dict[GatewayPath, str] = field(default_factory=dict)
    births: dict[GatewayPath, frozenset[str]] = field(default_factory=dict)
    owners: dict[str, GatewayPath | None] = field(default_factory=dict)
    newest: dict[str, NewestReading] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)


class DeviceRegistry:
    """All gateways and devices of this ingest; only the validating thread changes it."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        """Begin with `remembered`, which does not count as changed."""
        self.ownership = Ownership()
        self.newest: dict[str, NewestReading] = {}
        self._numbers: dict[GatewayPath, GatewayNumbers] = {}
        self._births: dict[GatewayPath, frozenset[str]] = {}
        self._unreadable: OrderedDict[bytes, None] = OrderedDict()
        self._missing: dict[tuple[GatewayPath, str], int] = {}
        self._dirty: set[tuple[GatewayPath, str]] = set()
        self._changes = Remembered()
        if remembered is not None:
            self._restore(remembered)

    def numbers(self, gateway: GatewayPath) -> GatewayNumbers:
        """Return the message numbers of `gateway`, known or new."""
        numbers = self._numbers.get(gateway)
        if numbers is None:
            numbers = self._numbers[gateway] = GatewayNumbers()
        return numbers

    def receive(self, gateway: GatewayPath, epoch: str, first: int, last: int) -> int:
        """Count messages `first`..`last` as received; returns how many of them are new."""
        self._dirty.add((gateway, epoch))
        return self.numbers(gateway).received.setdefault(epoch, Intervals()).add(first, last)

    def watermark(self, gateway: GatewayPath, epoch: str) -> int:
        """Return the number up to which every message of `epoch` was received."""
        received = self.numbers(gateway).received.get(epoch)
        return received.upto() if received is not None else 0

    def make_current(self, gateway: GatewayPath, epoch: str) -> None:
        """Make `epoch` the current one of `gateway`."""
        numbers = self.numbers(gateway)
        if numbers.current != epoch:
            numbers.current = epoch
            self._changes.current[gateway] = epoch

    def announce(self, gateway: GatewayPath, epoch: str, devices: Iterable[str]) -> None:
        """Apply a birth of `gateway` with its `devices`."""
        self.make_current(gateway, epoch)
        listed = frozenset(devices)
        before = self._births.get(gateway, frozenset())
        if gateway in self._births and listed == before:
            return
        self.ownership.announce(gateway, listed)
        self._births[gateway] = self._changes.births[gateway] = listed
        for device in listed | before:
            self._changes.owners[device] = self.ownership.owner(device)

    def claim(self, device: str, gateway: GatewayPath) -> bool:
        """Whether `gateway` owns `device`; a device without an owner goes to it."""
        owner = self.ownership.owner(device)
        if owner is gateway:
            return True
        if owner is None:
            self._changes.owners[device] = gateway
        return self.ownership.claim(device, gateway)

    def advance(self, device: str, newest: NewestReading) -> None:
        """Note the newest reading of `device`."""
        self.newest[device] = self._changes.newest[device] = newest

    def is_new_unreadable(self, digest: bytes, redelivered: bool) -> bool:
        """Whether to report a message without a readable number, known by `digest`.

        A redelivery of a reported message is not reported again.
        """
        if redelivered and digest in self._unreadable:
            return False
        self._unreadable[digest] = None
        self._changes.unreadable.append(digest)
        if len(self._unreadable) > UNREADABLE_KEPT:
            self._unreadable.popitem(last=False)
        return True

    def take_changes(self) -> Remembered:
        """Return all changes since the last call."""
        changes, self._changes = self._changes, Remembered()
        for gateway, epoch in self._dirty:
            received = self.numbers(gateway).received[epoch]
            changes.received[gateway, epoch] = received.pairs()
            self._missing[gateway, epoch] = received.missing()
        self._dirty.clear()
        return changes

    def missing(self) -> int:
        """Return how many numbers below the highest received are missing, over all gateways."""
        return sum(self._missing.values())

    def _restore(self, remembered: Remembered) -> None:
        for (gateway, epoch), pairs in remembered.received.items():
            received = self.numbers(gateway).received[epoch] = Intervals(pairs)
            self._missing[gateway, epoch] = received.missing()
        for gateway, epoch in remembered.current.items():
            self.numbers(gateway).current = epoch
        # Owners before births: a birth only claims devices without an owner.
        for device, owner in remembered.owners.items():
            if owner is not None:
                self.ownership.claim(device, owner)
        for gateway, listed in remembered.births.items():
            self.ownership.announce(gateway, listed)
        self._births.update(remembered.births)
        self.newest.update(remembered.newest)
        self._unreadable.update(dict.fromkeys(remembered.unreadable))
