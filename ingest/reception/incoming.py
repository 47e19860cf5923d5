"""A message on its way through validation, and the verdict on it."""

from collections import Counter
from dataclasses import dataclass, field

from ingest.reception.claim import Claim
from ingest.reception.dead_letter import PAYLOAD_BYTES, DeadLetter
from ingest.reception.tally import Count
from ingest.store.model import StoredReading
from wire.clocks import EARLIEST_MS
from wire.messages import Telemetry
from wire.topics import GatewayPath


@dataclass(slots=True)
class IncomingMessage:
    """A message as it arrived at server time `now` (UTC ms); `again` if the broker repeats it."""

    topic: str
    payload: bytes
    now: int
    again: bool

    @property
    def repetition(self) -> Count:
        """Return the count for this repetition: by the broker or by the gateway."""
        return "redelivered" if self.again else "resent"

    def claimed_at(self, at: int | None) -> int:
        """Return when the claims of a birth began that its gateway stamped with `at` (UTC ms).

        Nobody can claim the past: only a birth that waited at the broker keeps its own time.
        """
        if not self.again or at is None or at < EARLIEST_MS:
            return self.now
        return min(at, self.now)

    def letter(
        self,
        code: str,
        path: GatewayPath | None,
        epoch: str | None = None,
        seq: int | None = None,
    ) -> DeadLetter:
        """Return the dead letter of the whole message."""
        gateway = path.gateway if path is not None else None
        # Cut here, as in the file: a batch full of poison may wait long.
        payload = self.payload[:PAYLOAD_BYTES]
        return DeadLetter(self.now, code, self.topic, gateway, epoch, seq, payload=payload)

    def letter_of(
        self,
        code: str,
        path: GatewayPath,
        telemetry: Telemetry,
        device: str | None,
        reading: object,
    ) -> DeadLetter:
        """Return the dead letter of one reading."""
        epoch, seq = telemetry.epoch, telemetry.seq
        return DeadLetter(self.now, code, self.topic, path.gateway, epoch, seq, device, reading)


@dataclass(slots=True)
class Verdict:
    """The result for one message: good readings, dead letters, claims, and counts of other events.

    `gateway` is None if the topic names none; `by_desk` marks a decision of the desk, which counts
    for no gateway. `epoch` is the epoch whose watermark answers the
    message, None if nothing does. The names in `counts` are those of `tally.Count`.
    """

    gateway: GatewayPath | None
    epoch: str | None = None
    readings: list[StoredReading] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    by_desk: bool = False
