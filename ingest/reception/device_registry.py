"""The state of ingest: numbers received, owners of devices, newest reading of each device. Pure.

It runs ahead of the receipts by the batches under way. `take_changes` returns what the receipts
commit with one batch; `DeviceRegistry(receipts.load()[0])` continues after a restart.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ingest.reception.gateway_numbers import GatewayNumbers
from ingest.reception.held import MOST_HELD, HeldReading, Holding
from wire.intervals import Intervals
from wire.messages import DeviceAssignment, Retirement
from wire.ownership import LedgerWord, Ownership
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
    `births` holds the devices of each gateway's last birth, and since when it claims each.
    `retirements` and `assignments` are the newest decisions of the desk. `waiting` counts the held
    readings by device and gateway; `held` are new ones, `released` the numbers of those that go.
    """

    received: dict[tuple[GatewayPath, str], tuple[tuple[int, int], ...]] = field(
        default_factory=dict
    )
    current: dict[GatewayPath, str] = field(default_factory=dict)
    births: dict[GatewayPath, dict[str, int]] = field(default_factory=dict)
    owners: dict[str, GatewayPath | None] = field(default_factory=dict)
    newest: dict[str, NewestReading] = field(default_factory=dict)
    unreadable: list[bytes] = field(default_factory=list)
    retirements: dict[GatewayPath, Retirement] = field(default_factory=dict)
    assignments: dict[str, DeviceAssignment] = field(default_factory=dict)
    waiting: Counter[Holding] = field(default_factory=Counter)
    held: list[HeldReading] = field(default_factory=list)
    released: list[int] = field(default_factory=list)


class DeviceRegistry:
    """All gateways and devices of this ingest; only the validating thread changes it."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        """Begin with `remembered`, which does not count as changed."""
        self.ownership = Ownership()
        self.newest: dict[str, NewestReading] = {}
        self._numbers: dict[GatewayPath, GatewayNumbers] = {}
        self._retirements: dict[GatewayPath, Retirement] = {}
        self._assignments: dict[str, DeviceAssignment] = {}
        self._listed: Mapping[str, str] = {}
        self._waiting: Counter[Holding] = Counter()
        self._waiting_of: Counter[GatewayPath] = Counter()
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

    def announce(
        self, gateway: GatewayPath, epoch: str, devices: Iterable[str], since: int
    ) -> None:
        """Apply a birth of `gateway` with its `devices`; new claims begin at `since` (UTC ms)."""
        self.make_current(gateway, epoch)
        before = self.ownership.claimed_since(gateway)
        changed = self.ownership.announce(gateway, devices, since)
        claims = self.ownership.claimed_since(gateway)
        # A birth without devices is kept, too: the ledger may name its gateway by the id alone.
        if claims != before or not claims:
            self._changes.births[gateway] = claims
        self._note_owners(changed)

    def retire(self, gateway: GatewayPath, retirement: Retirement) -> None:
        """Apply a decision of the desk on a gateway, unless a newer one is known."""
        known = self._retirements.get(gateway)
        if known is None or known.at <= retirement.at:
            self._retirements[gateway] = self._changes.retirements[gateway] = retirement
            self._decide()

    def assign(self, device: str, assignment: DeviceAssignment) -> None:
        """Apply a decision of the desk on a device, unless a newer one is known."""
        known = self._assignments.get(device)
        if known is None or known.at <= assignment.at:
            self._assignments[device] = self._changes.assignments[device] = assignment
            self._decide()

    def list_gateways(self, listed: Mapping[str, str]) -> None:
        """Apply the gateways that the list of devices names; it decides before the desk."""
        if listed is not self._listed and listed != self._listed:
            self._listed = listed
            self._decide()

    def _decide(self) -> None:
        retired = (gateway for gateway, last in self._retirements.items() if last.retired)
        assigned = {
            device: last.gateway
            for device, last in self._assignments.items()
            if last.gateway is not None
        }
        word = LedgerWord(frozenset(retired), {**assigned, **self._listed})
        self._note_owners(self.ownership.decide(word))

    def _note_owners(self, devices: Iterable[str]) -> None:
        for device in devices:
            self._changes.owners[device] = self.ownership.owner(device)

    def claim(self, device: str, gateway: GatewayPath) -> bool:
        """Whether `gateway` owns `device`; a device without an owner goes to it."""
        owner = self.ownership.owner(device)
        if owner is gateway:
            return True
        if not self.ownership.claim(device, gateway):
            return False
        if owner is None:
            self._changes.owners[device] = gateway
        return True

    def may_hold(self, device: str, gateway: GatewayPath) -> bool:
        """Whether a reading that `gateway` does not own may become its own by a decision.

        A gateway holds at most MOST_HELD readings.
        """
        ownership = self.ownership
        disputed = ownership.is_retired(gateway) or ownership.claims(device, gateway)
        return disputed and self._waiting_of[gateway] < MOST_HELD

    def hold(self, reading: HeldReading) -> None:
        """Keep a reading until its device has an undisputed owner."""
        self._changes.held.append(reading)
        self._count_waiting(reading.holding, 1)

    def release(self, reading: HeldReading) -> None:
        """Note that a held reading goes to the store or the dead letters with the next commit."""
        assert reading.number is not None, "only a committed reading can be released"
        self._changes.released.append(reading.number)
        self._count_waiting(reading.holding, -1)

    def releasable(self) -> list[Holding]:
        """Return whose held readings may go to the store now, by device and gateway."""
        owner = self.ownership.owner
        return [holding for holding in self._waiting if owner(holding.device) == holding.gateway]

    def _count_waiting(self, holding: Holding, change: int) -> None:
        self._waiting_of[holding.gateway] += change
        self._waiting[holding] += change
        if self._waiting[holding] <= 0:
            del self._waiting[holding]

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
        self._retirements.update(remembered.retirements)
        self._assignments.update(remembered.assignments)
        for holding, count in remembered.waiting.items():
            self._count_waiting(holding, count)
        self._restore_owners(remembered)
        self.newest.update(remembered.newest)
        self._unreadable.update(dict.fromkeys(remembered.unreadable))

    def _restore_owners(self, remembered: Remembered) -> None:
        """Owners follow from decisions and births; the rest spoke first."""
        self._decide()
        for gateway, claims in remembered.births.items():
            self.ownership.announce(gateway, claims, claims)
        for device, owner in remembered.owners.items():
            if owner is not None:
                self.ownership.claim(device, owner)
        self._changes = Remembered()
