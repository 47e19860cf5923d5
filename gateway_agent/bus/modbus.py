"""Modbus exchanges on one line, each reply checked against its question.

An RTU reply does not name the register it holds. So after a failed exchange the next question to
that unit must expect another length: then a late reply is recognised by its own length. Modbus TCP
numbers its exchanges, and the number is checked.
"""

from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.framing import (
    HEAD_BYTES,
    ClientFraming,
    MatchedReply,
    Question,
    ReplyCode,
    RtuClientFraming,
    TcpClientFraming,
)
from gateway_agent.bus.requests import ReadRequest, WriteRequest
from gateway_agent.bus.transport import LineDown, Link, discard, open_link

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
# What a converter answers for a unit that it cannot reach, or that gave it no answer (Modbus
# Application Protocol V1.1b3 §7). Nothing of the unit itself is in it.
_NOT_FROM_THE_UNIT: Final = (0x0A, 0x0B)

# Longer than any unit or serial server holds a reply back; after it a length may be used again.
_LATE_REPLY_S: Final = 30.0
# A pause inside a frame that ends it: USB adapters and serial servers cut frames in pieces.
_BROKEN_FRAME_S: Final = {"serial": 0.05, "rtu+tcp": 0.25, "tcp": 0.5}
# A line that does not fall quiet carries noise; after this time it is used all the same.
_NOISE_S: Final = 1.0


class ReplyError(Exception):
    """A question without a usable reply; `exception` is the number of the Modbus exception, if any.

    A converter's exception for a unit that is silent has the code `no_reply`.
    """

    def __init__(self, code: ReplyCode, exception: int | None = None) -> None:
        super().__init__(code if exception is None else f"{code}: exception {exception}")
        self.code = code
        self.exception = exception


class Bus:
    """One line with its units; one exchange at a time. `errors` counts reply errors by code."""

    def __init__(
        self, line: LineAddress, connect: Callable[[LineAddress], Link] = open_link
    ) -> None:
        self.line = line
        self.errors: Counter[str] = Counter()
        self._connect = connect
        self._framing: ClientFraming = (
            TcpClientFraming() if line.kind == "tcp" else RtuClientFraming()
        )
        self._link: Link | None = None
        self._transaction = 0
        self._echoes = False
        self._last_byte = monotonic()
        self._open: dict[int, list[tuple[int, float]]] = {}

    def read(self, unit: int, request: ReadRequest, pacing_s: float, timeout_s: float) -> list[int]:
        """The contents asked for, one number per register or bit.

        Raises ReplyError (counted), and LineDown if the line itself fails; the next call opens the
        line again.
        """
        try:
            lengths = self._late_lengths(unit)
            if request.data_bytes in lengths:
                self._resynchronise(unit, request, pacing_s, timeout_s, lengths)
            return self._exchange(unit, request, pacing_s, timeout_s)
        except ReplyError as error:
            self.errors[error.code] += 1
            raise
        except LineDown:
            self.close()
            raise

    def write(self, unit: int, request: WriteRequest, pacing_s: float, timeout_s: float) -> None:
        """Write once; return when the unit's echo has confirmed it.

        Only a TCP connection that ends unanswered, as an idle one does, makes the link send again.
        Raises ReplyError (counted): `device_exception` if the unit refuses, `write_unconfirmed` if
        the unit may or may not have written. Raises LineDown if the line itself fails.
        """
        try:
            reply = self._confirmation(unit, request, pacing_s, timeout_s)
        except ReplyError as error:
            self.errors["write_unconfirmed"] += 1
            raise ReplyError("write_unconfirmed") from error
        except LineDown:
            self.close()
            raise
        if reply.exception is not None:
            silent = reply.exception in _NOT_FROM_THE_UNIT
            code: ReplyCode = "write_unconfirmed" if silent else "device_exception"
            self.errors[code] += 1
            raise ReplyError(code, reply.exception)

    def close(self) -> None:
        """Close the line; late replies of a closed line are still expected."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _late_lengths(self, unit: int) -> frozenset[int]:
        """Data lengths of replies of `unit` that may still come."""
        since = monotonic() - _LATE_REPLY_S
        still = [(length, sent) for length, sent in self._open.get(unit, []) if sent > since]
        self._open[unit] = still
        return frozenset(length for length, _ in still) if self.line.kind != "tcp" else frozenset()

    def _resynchronise(
        self,
        unit: int,
        request: ReadRequest,
        pacing_s: float,
        timeout_s: float,
        lengths: frozenset[int],
    ) -> None:
        """Ask for a part of `request` whose reply has none of `lengths`; then none can be late."""
        for count in range(request.count - 1, 0, -1):
            part = ReadRequest(request.table, request.address, count)
            if part.data_bytes not in lengths:
                self._exchange(unit, part, pacing_s, timeout_s)
                return
        raise ReplyError("stale_reply")

    def _exchange(
        self, unit: int, request: ReadRequest, pacing_s: float, timeout_s: float
    ) -> list[int]:
        link = self._fall_quiet(pacing_s)
        question = Question(unit, request, self._next_transaction(), self._late_lengths(unit))
        self._open[unit].append((request.data_bytes, monotonic()))
        reply = self._ask(link, question, timeout_s)
        self._open[unit] = self._open[unit][-1:] if link.repeated else []
        if reply.exception is not None:
            silent = reply.exception in _NOT_FROM_THE_UNIT
            raise ReplyError("no_reply" if silent else "device_exception", reply.exception)
        contents = _contents(reply.data, request)
        assert len(contents) == request.count, "a reply of another length was taken for this one"
        return contents

    def _confirmation(
        self, unit: int, request: WriteRequest, pacing_s: float, timeout_s: float
    ) -> MatchedReply:
        link = self._fall_quiet(pacing_s)
        question = Question(unit, request, self._next_transaction())
        return self._ask(link, question, timeout_s)

    def _next_transaction(self) -> int:
        self._transaction = self._transaction % 0xFFFF + 1
        return self._transaction

    def _fall_quiet(self, pacing_s: float) -> Link:
        """Open the line if needed, wait out the silence before a request, discard stray bytes."""
        if self._link is None:
            self._link = self._connect(self.line)
        # The silence counts from the last known byte; a byte that comes now begins it anew.
        pause_s = max(0.0, self._last_byte + max(self.line.silence_s, pacing_s) - monotonic())
        if discard(self._link, pause_s, _NOISE_S):
            discard(self._link, self.line.silence_s, _NOISE_S)
        return self._link

    def _ask(self, link: Link, question: Question, timeout_s: float) -> MatchedReply:
        """The reply to `question`; raises ReplyError after the line has fallen quiet again."""
        asked = self._framing.ask(question)
        link.send(asked)
        deadline = monotonic() + timeout_s + question.request.data_bytes * self.line.character_s
        broken_s = _BROKEN_FRAME_S[self.line.kind]
        received = b""
        while (remaining := deadline - monotonic()) > 0:
            chunk = link.receive(min(remaining, broken_s) if received else remaining)
            if chunk:
                self._last_byte = monotonic()
                received += chunk
                if (reply := self._find(received, question, asked)) is not None:
                    return reply
            elif len(self._framing.begun(received, question)) >= HEAD_BYTES:
                break  # the reply has come and is spoilt; no other will come
        if received and monotonic() - self._last_byte < broken_s:
            discard(link, broken_s, _NOISE_S)
        raise ReplyError(self._framing.blame(received, question))

    def _find(self, received: bytes, question: Question, asked: bytes) -> MatchedReply | None:
        """The reply to `question`, sent as `asked`, in `received`.

        The reply to a write may equal the question. On a line that returned the last read question
        as its echo, the first copy is an echo, too.
        """
        if isinstance(question.request, WriteRequest):
            heard = received.removeprefix(asked) if self._echoes else received
            return self._framing.find(heard, question)
        reply = self._framing.find(received, question)
        if reply is not None:
            self._echoes = received.startswith(asked)
        return reply


def _contents(data: bytes, request: ReadRequest) -> list[int]:
    if request.table in ("coil", "discrete"):
        return [data[index // 8] >> index % 8 & 1 for index in range(request.count)]
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]
