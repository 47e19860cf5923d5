"""What one simulated gateway keeps until the store has it: numbered messages, oldest first (design
§4.1–4.3)."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wire.encode import encode_telemetry
from wire.messages import VERSION, Ack, Dropped, Reading, Telemetry

DROPPED_SHARE: Final = 10
"""A full journal lets a tenth of itself go at once, so that the report of the loss does not double
the traffic."""

SENT_AGAIN: Final = 20
"""Only so many of the oldest are sent again: the watermark cannot pass them."""
MAX_PATIENCE: Final = 16
"""While no watermark comes the wait for one doubles, to so many times the usual: the store is
away."""


@dataclass(slots=True)
class SimulatedMessage:
    """One encoded message; `sent_at` (ms) is when it was last sent on the present connection, if it
    was.

    `first_sent_at` is when it was first sent on it.

    `accounts_from` is the first number it accounts for: its own, or that of the oldest message it
    reports lost.
    """

    seq: int
    payload: bytes
    readings: int
    accounts_from: int
    times_sent: int = 0
    first_sent_at: int | None = None
    sent_at: int | None = None

    def sent(self, now: int) -> None:
        """Note that it went out at `now`."""
        self.times_sent += 1
        self.sent_at = now
        self.first_sent_at = now if self.first_sent_at is None else self.first_sent_at


class SimulatedJournal:
    """The messages of one gateway and epoch that no watermark covers yet; at most `capacity` of
    them (at least 10)."""

    def __init__(self, epoch: str, interval_s: float, capacity: int) -> None:
        self.epoch = epoch
        self.lost_readings = 0
        self._interval_s = interval_s
        self._capacity = capacity
        self._last_seq = 0
        self._watermark = 0
        self._told_at = 0
        self._messages: deque[SimulatedMessage] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def readings(self) -> int:
        """How many readings wait for the watermark."""
        return sum(message.readings for message in self._messages)

    def append(self, readings: Sequence[Reading], now: int) -> None:
        """Number and keep one message of `readings`, at UTC ms `now`; a full journal first drops
        its oldest."""
        if len(self._messages) >= self._capacity:
            self._keep([], now, self._drop_oldest())
        self._keep(readings, now, None)

    def _drop_oldest(self) -> Dropped:
        gone = [self._messages.popleft() for _ in range(max(2, self._capacity // DROPPED_SHARE))]
        self.lost_readings += sum(message.readings for message in gone)
        return Dropped(
            gone[0].accounts_from, gone[-1].seq, "journal_full"
        )  # a report that is lost is told again

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
        message = SimulatedMessage(
            self._last_seq, encode_telemetry(telemetry), len(readings), first
        )
        self._messages.append(message)

    def acknowledge(self, ack: Ack, now: int) -> int:
        """Forget what the watermark covers, told at `now` (ms of a steady clock); how many readings
        that were.

        Another epoch's watermark means nothing.
        """
        if ack.epoch != self.epoch:
            return 0
        self._told_at = now
        self._watermark = max(self._watermark, min(ack.upto, self._last_seq))
        forgotten = 0
        while self._messages and self._messages[0].seq <= self._watermark:
            forgotten += self._messages.popleft().readings
        return forgotten

    def due(self, now: int, resend_after: int) -> Iterator[SimulatedMessage]:
        """What to send at `now` (ms of a steady clock), oldest first: new, or not covered after
        `resend_after`.

        The longer no watermark was told at all, the longer it waits before it sends again.
        """
        oldest = {message.seq for message in islice(self._messages, SENT_AGAIN)}
        silent_since = self._silent_since(now)
        for message in list(self._messages):
            if message.sent_at is None:
                yield message
            elif message.seq in oldest:
                patience = min(
                    max(message.sent_at - silent_since, resend_after), MAX_PATIENCE * resend_after
                )
                if now - message.sent_at >= patience:
                    yield message

    def _silent_since(self, now: int) -> int:
        """When the last watermark was told, or what waits longest was first sent, if that was
        later."""
        first = self._messages[0].first_sent_at if self._messages else None
        return max(self._told_at, now if first is None else first)

    def connection_lost(self) -> None:
        """All that waits is to be sent again on the next connection."""
        for message in self._messages:
            message.first_sent_at = message.sent_at = None
