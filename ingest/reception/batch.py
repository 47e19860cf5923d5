"""A batch: what is written, committed and acknowledged together."""

from dataclasses import dataclass, field

from ingest.reception.dead_letter import DeadLetter
from ingest.reception.device_registry import DeviceRegistry, Remembered
from ingest.reception.tally import Tallies
from ingest.reception.validation import Verdict
from ingest.store.model import Prepared, ReadingStore, StoredReading
from messaging.session import Delivery, Puback
from wire.messages import Ack
from wire.topics import GatewayPath


@dataclass(slots=True)
class MessageBatch:
    """Judged messages in arrival order, and what they come to.

    `changes`, `answers` and `missing` are taken from the register when the batch is sealed: later
    messages are already moving the register on while this batch is being written. `prepared` is
    what will be written. Of a message only its `receipt` is kept: payloads that wait for the store
    would be most of the memory.
    """

    pubacks: list[Puback] = field(default_factory=list)
    readings: list[StoredReading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    changes: Remembered = field(default_factory=Remembered)
    answers: list[tuple[GatewayPath, Ack]] = field(default_factory=list)
    missing: int = 0
    prepared: Prepared = field(default_factory=lambda: Prepared((), ()))
    _answered: dict[tuple[GatewayPath, str], None] = field(default_factory=dict)

    def add(self, delivery: Delivery, verdict: Verdict, now: int) -> None:
        """Take in one message judged at server time `now` (UTC ms)."""
        self.pubacks.append(delivery.puback)
        self.readings += verdict.readings
        self.letters += verdict.letters
        self.tallies.add(verdict.place, now, len(verdict.readings), verdict.letters, verdict.counts)
        if verdict.epoch is not None and verdict.place is not None:
            self._answered[verdict.place, verdict.epoch] = None

    def seal(self, registry: DeviceRegistry, store: ReadingStore) -> None:
        """Take the register's changes and the watermarks that hold once they are committed; prepare
        the write."""
        self.prepared = store.prepare(self.readings)
        self.changes = registry.take_changes()
        self.answers = [
            (place, Ack(epoch, registry.watermark(place, epoch))) for place, epoch in self._answered
        ]
        self.missing = registry.missing()
