"""Which messages to publish next, and which to send again. Pure.

The broker's PUBACK only frees a slot in flight. A message is done when the watermark has passed it,
and is sent again until then (design §4). Rows are looked up through a function. Times are monotonic
milliseconds: a stepped wall clock must not stop the resending.
"""

from collections.abc import Callable
from heapq import nsmallest
from typing import Final

from gateway_agent.uplink.journal import JournalMessage
from wire.messages import Ack

Rows = Callable[[int, int], list[JournalMessage]]
"""The oldest messages numbered above the first argument, at most as many as the second."""

# The usual in-flight limit of brokers and of the client library; also the number of old messages
# that are sent again at a time.
WINDOW: Final = 20
# The backlog waits while this many sent messages are not covered, so that an absent store does not
# make the gateway pour its whole journal into the broker's queue.
MAX_UNCOVERED: Final = 1_000
# Without any watermark the store is away, and the broker most likely keeps the messages. So the
# wait before each further sending is as long as the silence before the last one, at most this many
# times `resend_after`.
MAX_PATIENCE: Final = 16
# contract §11: after three failures a message counts as unreadable.
MAX_FAILURES: Final = 3


class Outgoing:
    """The state of publishing for one epoch of the journal."""

    def __init__(self, resend_after_ms: int, last: int) -> None:
        """`last` is the newest number in the journal: later ones are live, all others backlog."""
        self._resend_after_ms = resend_after_ms
        self.watermark = 0
        self._ack_at = -1
        self._silent_since = 0
        self._live = last
        self._backlog_end = last
        self._backlog = 0
        self._sent: dict[int, int] = {}
        self._failures: dict[int, set[int]] = {}
        self._in_flight: dict[int, int] = {}

    def connected(self, last: int) -> None:
        """Note a new connection, with `last` the newest number in the journal.

        Every message not covered goes out again at once, but for those that the client resends.
        """
        self._live = self._backlog_end = last
        self._backlog = self.watermark
        in_flight = set(self._in_flight.values())
        self._sent = {seq: at for seq, at in self._sent.items() if seq in in_flight}

    def choose(self, rows: Rows, now: int) -> list[JournalMessage]:
        """The messages to publish at `now`, in order of number.

        Live messages take the free slots in flight first, then overdue ones, then the oldest of the
        backlog. Each counts as sent; a message that could not be handed over goes out again on the
        next connection.
        """
        room = max(0, WINDOW - len(self._in_flight))
        chosen = rows(self._live, room) if room else []
        self._live = max([self._live, *(message.seq for message in chosen)])
        chosen += self._overdue(rows, now)[: room - len(chosen)]
        chosen += self._from_backlog(rows, room - len(chosen), now)
        return sorted(chosen, key=lambda message: message.seq)

    def published(self, message: JournalMessage, mid: int, now: int) -> None:
        """Note that `message` was handed to the client under the id `mid`."""
        self._in_flight[mid] = message.seq
        if not self._sent:
            self._silent_since = now
        if message.seq in self._sent or len(self._sent) < 2 * MAX_UNCOVERED:
            self._sent[message.seq] = now
        else:  # too many to remember each: once the store is back, it is sent again as backlog
            self._backlog_end = max(self._backlog_end, message.seq)

    def delivered(self, mid: int) -> None:
        """Note the broker's PUBACK for the id `mid`."""
        self._in_flight.pop(mid, None)

    def acknowledged(self, ack: Ack, now: int) -> None:
        """Note a watermark that came at `now`; the watermark never goes back."""
        self.watermark = max(self.watermark, ack.upto)
        self._ack_at = self._silent_since = now
        self._backlog = max(self._backlog, self.watermark)
        self._sent = {seq: at for seq, at in self._sent.items() if seq > self.watermark}
        self._failures = {
            seq: sendings for seq, sendings in self._failures.items() if seq > self.watermark
        }

    def unreadable(self, now: int) -> int | None:
        """The number of a message that blocks the watermark and has failed too often, or None.

        A message has failed if it is overdue although a watermark came after its sending: the
        receiver is alive, and this message did not arrive. Each sending fails at most once.
        """
        oldest = min(self._sent, default=None)
        if oldest is None or not self._is_overdue(oldest, now):
            return None
        if self._ack_at <= self._sent[oldest]:
            return None
        assert oldest > self.watermark, "a stored message would be reported as lost"
        failures = self._failures.setdefault(oldest, set())
        failures.add(self._sent[oldest])
        if len(failures) < MAX_FAILURES:
            return None
        del self._sent[oldest]
        del self._failures[oldest]
        return oldest

    def _is_overdue(self, seq: int, now: int) -> bool:
        sent = self._sent[seq]
        patience = min(
            max(sent - self._silent_since, self._resend_after_ms),
            MAX_PATIENCE * self._resend_after_ms,
        )
        return now - sent >= patience and seq not in self._in_flight.values()

    def _overdue(self, rows: Rows, now: int) -> list[JournalMessage]:
        """Messages sent long ago and not covered; only the oldest, which hold the watermark back.

        A message sent ahead of a backlog cannot be covered before the backlog is. To send it again
        would not help.
        """
        oldest = nsmallest(WINDOW, self._sent)
        due = [
            seq
            for seq in oldest
            if self._is_overdue(seq, now) and not self._backlog < self._backlog_end < seq
        ]
        held = [message for seq in due for message in rows(seq - 1, 1)[:1]]
        evicted = set(due) - {message.seq for message in held}
        for seq in evicted:
            del self._sent[seq]
        return [message for message in held if message.seq in due]

    def _from_backlog(self, rows: Rows, room: int, now: int) -> list[JournalMessage]:
        chosen: list[JournalMessage] = []
        while len(chosen) < room and len(self._sent) + len(chosen) < MAX_UNCOVERED:
            ahead = [
                message for message in rows(self._backlog, 1) if message.seq <= self._backlog_end
            ]
            if self._backlog < self._backlog_end:
                self._advance_backlog(ahead[0].seq if ahead else self._backlog_end, now)
            if not ahead:
                break
            chosen += [message for message in ahead if message.seq not in self._sent]
        return chosen

    def _advance_backlog(self, seq: int, now: int) -> None:
        """Note that the backlog is sent up to `seq`.

        After its end the watermark can reach the messages that were sent ahead of it.
        """
        self._backlog = seq
        if seq == self._backlog_end:
            self._sent = {each: now if each > seq else at for each, at in self._sent.items()}
