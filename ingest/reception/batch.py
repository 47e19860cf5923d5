"""A batch: the messages that are written, committed and acknowledged together."""

from contextlib import suppress
from dataclasses import dataclass, field

from ingest.reception.claim import Claim
from ingest.reception.dead_letter import DeadLetter
from ingest.reception.device_registry import DeviceRegistry, Remembered
from ingest.reception.held import HeldReading
from ingest.reception.incoming import Verdict
from ingest.reception.tally import REJECTED, Tallies
from ingest.store.model import OF_CONTENT, Prepared, ReadingStore, StoredReading
from messaging.session import Delivery, Puback
from wire.messages import Ack
from wire.topics import GatewayPath


@dataclass(slots=True)
class MessageBatch:
    """Validated messages in arrival order, and their readings, dead letters and counts.

    `seal` fills `changes`, `answers`, `missing` and `prepared`: later messages already change the
    registry while this batch is written. Of a delivery only `puback` is kept, because the payloads
    of batches that wait for the store would take most of the memory. `committed` allows the
    acknowledgement.
    """

    pubacks: list[Puback] = field(default_factory=list)
    readings: list[StoredReading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    changes: Remembered = field(default_factory=Remembered)
    answers: list[tuple[GatewayPath, Ack]] = field(default_factory=list)
    missing: int = 0
    prepared: Prepared | None = None
    sealed: bool = False
    committed: bool = False
    _answered: dict[tuple[GatewayPath, str], None] = field(default_factory=dict)

    def add(self, delivery: Delivery, verdict: Verdict, now: int) -> None:
        """Add one message, validated at server time `now` (UTC ms)."""
        assert not self.sealed, "a message added to a sealed batch would never be written"
        assert not self.pubacks or self.pubacks[-1].connection <= delivery.connection, (
            "PUBACKs follow the order of arrival"
        )
        self.pubacks.append(delivery.puback)
        self.readings += verdict.readings
        self.letters += verdict.letters
        self.claims += verdict.claims
        if not verdict.by_desk:
            self.tallies.add(
                verdict.gateway, now, len(verdict.readings), verdict.letters, verdict.counts
            )
        if verdict.epoch is not None and verdict.gateway is not None:
            self._answered[verdict.gateway, verdict.epoch] = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.pubacks or self.readings or self.letters)

    def release(self, held: HeldReading, code: str | None, topic: str, now: int) -> None:
        """Add a held reading: to the store, or as a dead letter with `code`."""
        gateway, reading = held.gateway, held.reading
        if code is None:
            self.readings.append(StoredReading(gateway, held.epoch, held.seq, reading))
            self.tallies.count(gateway, {"readings": 1})
            return
        identity = (gateway.gateway, held.epoch, held.seq, reading.device)
        self.letters.append(DeadLetter(now, code, topic, *identity, reading))
        self.tallies.count(gateway, {REJECTED + code: 1})

    def seal(self, registry: DeviceRegistry, store: ReadingStore) -> None:
        """Take the changes of `registry`, and the watermarks that their commit makes true.

        `store` prepares the write.
        """
        self.sealed = True
        with suppress(*OF_CONTENT):  # the write finds the reading that does not fit
            self.prepared = store.prepare(self.readings)
        self.changes = registry.take_changes()
        self.answers = [
            (gateway, Ack(epoch, registry.watermark(gateway, epoch)))
            for gateway, epoch in self._answered
        ]
        self.missing = registry.missing()
        assert all(self._covers(gateway, ack) for gateway, ack in self.answers), (
            "a watermark above the committed numbers would let a gateway forget readings"
        )

    def _covers(self, gateway: GatewayPath, ack: Ack) -> bool:
        """Whether the numbers that this batch commits reach the watermark without a gap."""
        intervals = self.changes.received.get((gateway, ack.epoch))
        if intervals is None or ack.upto == 0:  # unchanged, so an earlier batch committed them
            return True
        first, last = intervals[0]
        return first == 1 and ack.upto <= last
