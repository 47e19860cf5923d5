"""The journal of one simulated gateway: numbered messages until the store has them.

The oldest come first (design §4.1–4.3).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wire.encode import encode_telemetry
from wire.messages import VERSION, Ack, Dropped, Reading, Telemetry

DROPPED_SHARE: Final = 10
"""A full journal drops a tenth at once, so that the loss reports do not double the traffic."""

SENT_AGAIN: Final = 20
"""Only so many of the oldest are sent again: they hold the watermark back."""
MAX_PATIENCE: Final = 16
"""Without a watermark the wait doubles, up to so many times the usual: the store is away."""


@dataclass(slots=True)
class SimulatedMessage:
    """One encoded message.

    `sent_at` and `first_sent_at` (ms) are its last and first sending on the present connection, if
    any. `accounts_from` is the first number it accounts for: its own, or that of the oldest message
    it reports lost.
    """

    seq: int
    payload: bytes
    readings: int
    accounts_from: int
    times_sent: int = 0
    first_sent_at: int | None = None
    sent_at: int | None = None

    def sent(self, now: int) -> None:
        """Note that the message was sent at `now` (ms of a steady clock)."""
        self.times_sent += 1
        self.sent_at = now
        self.first_sent_at = now if self.first_sent_at is None else self.first_sent_at


class SimulatedJournal:
    """The messages of one gateway and epoch without a watermark; at most `capacity` (≥ 10)."""

    def __init__(self, epoch: str, interval_s: float, capacity: int) -> None:
        self.epoch = epoch
        self.lost_readings = 0
        self._interval_s = interval_s
        self._capacity = capacity
        self._last_seq = 0
        self._watermark = 0
        self._acknowledged_at = 0
        self._messages: deque[SimulatedMessage] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def readings(self) -> int:
        """The number of readings that wait for the watermark."""
        return sum(message.readings for message in self._messages)

    def append(self, readings: Sequence[Reading], now: int) -> None:
        """Number and keep `readings` as one message, at UTC ms `now`; drop the oldest if full."""
        if len(self._messages) >= self._capacity:
            self._keep([], now, self._drop_oldest())
        self._keep(readings, now, None)

    def _drop_oldest(self) -> Dropped:
        gone = [self._messages.popleft() for _ in range(max(2, self._capacity // DROPPED_SHARE))]
        self.lost_readings += sum(message.readings for message in gone)
        # Cover a loss report that is itself lost.
        return Dropped(gone[0].accounts_from, gone[-1].seq, "journal_full")

    def _keep(self, readings: Sequence[Reading], now: int, dropped: Dropped | None) -> None:
        self._last_seq += 1
        telemetry = Telemetry(
            VERSION,
            self.epoch,
            self._last_seq,
            now,
            self._interval_s,
            list(readings),
            dropped,
            acked=self._watermark,
        )
        first = self._last_seq if dropped is None else dropped.first
        assert first <= self._last_seq, "a message must account for its own number"
        message = SimulatedMessage(
            self._last_seq, encode_telemetry(telemetry), len(readings), first
        )
        self._messages.append(message)

    def acknowledge(self, ack: Ack, now: int) -> int:
        """Drop the messages under a watermark received at `now` (steady ms).

        Returns how many readings they held. The watermark of another epoch is ignored.
        """
        if ack.epoch != self.epoch:
            return 0
        self._acknowledged_at = now
        self._watermark = max(self._watermark, min(ack.upto, self._last_seq))
        forgotten = 0
        while self._messages and self._messages[0].seq <= self._watermark:
            forgotten += self._messages.popleft().readings
        return forgotten

    def due(self, now: int, resend_after: int) -> Iterator[SimulatedMessage]:
        """The messages to send at `now` (steady ms), oldest first.

        They are the new ones, and those without a watermark after `resend_after`. The longer no
        watermark comes at all, the longer the wait before a message is sent again.
        """
        oldest = {message.seq for message in islice(self._messages, SENT_AGAIN)}
        silent_since = self._silent_since(now)
        for message in list(self._messages):
            if message.sent_at is None:
                yield message
            elif message.seq in oldest:
                waited = max(message.sent_at - silent_since, resend_after)
                patience = min(waited, MAX_PATIENCE * resend_after)
                if now - message.sent_at >= patience:
                    yield message

    def _silent_since(self, now: int) -> int:
        """When the last watermark came, or the oldest message was first sent, if that was later."""
        first = self._messages[0].first_sent_at if self._messages else None
        return max(self._acknowledged_at, now if first is None else first)

    def connection_lost(self) -> None:
        """Mark every message to be sent again on the next connection."""
        for message in self._messages:
            message.first_sent_at = message.sent_at = None
