"""What one simulated gateway keeps until the store has it: numbered messages, oldest first (DESIGN §4.1–4.3)."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wire.encode import encode_telemetry
from wire.messages import VERSION, Ack, Dropped, Reading, Telemetry

DROPPED_SHARE: Final = 10
"""A full journal lets a tenth of itself go at once, so that the report of the loss does not double the traffic."""


@dataclass(slots=True)
class Message:
    """One encoded message; `sent_at` (ms) is when it was last sent on the present connection, if it was.

    `accounts_from` is the first number it accounts for: its own, or that of the oldest message it reports lost.
    """

    seq: int
    payload: bytes
    readings: int
    accounts_from: int
    times_sent: int = 0
    sent_at: int | None = None

    def sent(self, now: int) -> None:
        """Note that it went out at `now`."""
        self.times_sent += 1
        self.sent_at = now


class Journal:
    """The messages of one gateway and epoch that no watermark covers yet; at most `capacity` of them (at least 10)."""

    def __init__(self, epoch: str, interval_s: float, capacity: int) -> None:
        self.epoch = epoch
        self.lost_readings = 0
        self._interval_s = interval_s
        self._capacity = capacity
        self._last_seq = 0
        self._messages: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def readings(self) -> int:
        """How many readings wait for the watermark."""
        return sum(message.readings for message in self._messages)

    def append(self, readings: Sequence[Reading], now: int) -> None:
        """Number and keep one message of `readings`, at UTC ms `now`; a full journal first drops its oldest."""
        if len(self._messages) >= self._capacity:
            self._keep([], now, self._drop_oldest())
        self._keep(readings, now, None)

    def _drop_oldest(self) -> Dropped:
        gone = [self._messages.popleft() for _ in range(max(2, self._capacity // DROPPED_SHARE))]
        self.lost_readings += sum(message.readings for message in gone)
        return Dropped(gone[0].accounts_from, gone[-1].seq, "journal_full")  # a report that is lost is told again

    def _keep(self, readings: Sequence[Reading], now: int, dropped: Dropped | None) -> None:
        self._last_seq += 1
        seq = self._last_seq
        first = seq if dropped is None else dropped.first
        acked = min([first, *(message.accounts_from for message in self._messages)]) - 1
        telemetry = Telemetry(VERSION, self.epoch, seq, now, self._interval_s, list(readings), dropped, acked=acked)
        message = Message(seq, encode_telemetry(telemetry), len(readings), first)
        self._messages.append(message)

    def acknowledge(self, ack: Ack) -> int:
        """Forget what the watermark covers; how many readings that were. Another epoch's watermark means nothing."""
        forgotten = 0
        while ack.epoch == self.epoch and self._messages and self._messages[0].seq <= ack.upto:
            forgotten += self._messages.popleft().readings
        return forgotten

    def due(self, now: int, resend_after: int) -> Iterator[Message]:
        """What to send at `now` (ms of a steady clock), oldest first: new, or not covered after `resend_after`."""
        for message in list(self._messages):
            if message.sent_at is None or now - message.sent_at >= resend_after:
                yield message

    def connection_lost(self) -> None:
        """All that waits is to be sent again on the next connection."""
        for message in self._messages:
            message.sent_at = None
