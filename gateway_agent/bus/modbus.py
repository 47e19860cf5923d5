"""Modbus exchanges on one line, each answer checked against its question. The only importer of
pymodbus.

pymodbus encodes and computes the CRC; the exchange is our own, because its clients return a late
reply as the answer to the next question and accept a short one (reliability §2). An RTU reply does
not say which register it answers, so after any failed exchange the next question to that unit must
expect another length: then a late reply is recognised by its own. Modbus TCP numbers its exchanges,
and the number is checked.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal, Protocol

from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import (
    ReadCoilsRequest,
    ReadDiscreteInputsRequest,
    WriteMultipleCoilsRequest,
    WriteSingleCoilRequest,
)
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.read_plan import ReadRequest
from gateway_agent.bus.transport import LineDown, Link, discard, open_link
from gateway_agent.profile.writes import WriteFunction

ReplyCode = Literal[
    "crc_mismatch",
    "unexpected_device",
    "unexpected_function",
    "length_mismatch",
    "stale_reply",
    "device_exception",
    "no_reply",
    "write_unconfirmed",
]

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3

# No unit and no serial server holds a reply back longer than this; after it a length may be used
# again.
_LATE_REPLY_S: Final = 30.0
# A pause inside a frame that means the rest is not coming: USB adapters and serial servers cut
# frames in pieces.
_BROKEN_FRAME_S: Final = {"serial": 0.05, "rtu+tcp": 0.25, "tcp": 0.5}
# A line that will not fall quiet is noise; after this long it is used all the same.
_NOISE_S: Final = 1.0

_EXCEPTION_BIT: Final = 0x80
_REQUESTS: Final = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}


class ReplyError(Exception):
    """A question that got no usable answer; `exception` is the unit's Modbus exception code, if
    that was it."""

    def __init__(self, code: ReplyCode, exception: int | None = None) -> None:
        super().__init__(code if exception is None else f"{code} {exception}")
        self.code = code
        self.exception = exception


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One Modbus write: `values` from `address` on, to registers (`function` 6 or 16) or coils (5
    or 15)."""

    function: WriteFunction
    address: int
    values: tuple[int, ...]

    @property
    def data_bytes(self) -> int:
        """Length of the reply as a read counts it: without address, function, count and CRC."""
        return 3

    @property
    def echo(self) -> bytes:
        """What the reply says after its function: the address, and the content or how many were
        written."""
        contents = {5: 0xFF00 * self.values[0], 6: self.values[0]}
        return self.address.to_bytes(2) + contents.get(self.function, len(self.values)).to_bytes(2)


@dataclass(frozen=True, slots=True)
class Question:
    """What a reply must match. `lengths` are the data lengths that a late reply to this unit may
    have."""

    unit: int
    request: ReadRequest | WriteRequest
    transaction: int = 0
    lengths: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that matches: its data bytes, or the unit's exception code."""

    data: bytes = b""
    exception: int | None = None


class ClientFraming(Protocol):
    """How frames look on a line. `find` returns None while no answer to the question is complete in
    `received`."""

    def ask(self, question: Question) -> bytes: ...
    def find(self, received: bytes, question: Question) -> Reply | None: ...
    def blame(self, received: bytes, question: Question) -> ReplyCode: ...


class RtuClientFraming:
    """Address, function, data, CRC. Searches for the answer at every offset, so that a noise byte
    costs nothing."""

    def __init__(self) -> None:
        self._framer = FramerRTU(DecodePDU(False))

    def ask(self, question: Question) -> bytes:
        return self._framer.buildFrame(_pdu(question))

    def find(self, received: bytes, question: Question) -> Reply | None:
        request = question.request
        if isinstance(request, WriteRequest):
            echo = bytes((question.unit, request.function)) + request.echo
            confirmed = echo + FramerRTU.compute_CRC(echo).to_bytes(2) in received
            return Reply() if confirmed else self._find_exception(received, question)
        head = bytes((question.unit, request.function, request.data_bytes))
        start = -1
        while (start := received.find(head, start + 1)) >= 0:
            frame = received[start : start + request.data_bytes + 5]
            if len(frame) == request.data_bytes + 5 and _crc_fits(frame):
                return Reply(frame[3:-2])
        # Another question is still open: an exception may be the answer to that one.
        return None if question.lengths else self._find_exception(received, question)

    def _find_exception(self, received: bytes, question: Question) -> Reply | None:
        head = bytes((question.unit, question.request.function | _EXCEPTION_BIT))
        start = -1
        while (start := received.find(head, start + 1)) >= 0:
            frame = received[start : start + 5]
            if len(frame) == 5 and _crc_fits(frame):
                return Reply(exception=frame[2])
        return None

    def blame(self, received: bytes, question: Question) -> ReplyCode:
        frame = _first_frame(received)
        if frame is None:
            begun = received[:2] == bytes((question.unit, question.request.function))
            short = begun and len(received) < question.request.data_bytes + 5
            return "length_mismatch" if short else "crc_mismatch"
        if frame[0] != question.unit:
            return "unexpected_device"
        if frame[1] & ~_EXCEPTION_BIT != question.request.function:
            return "unexpected_function"
        late = frame[1] & _EXCEPTION_BIT or frame[2] in question.lengths
        return "stale_reply" if late else "length_mismatch"


class TcpClientFraming:
    """MBAP header (transaction, protocol 0, length, unit), function, data."""

    def __init__(self) -> None:
        self._framer = FramerSocket(DecodePDU(False))

    def ask(self, question: Question) -> bytes:
        return self._framer.buildFrame(_pdu(question))

    def find(self, received: bytes, question: Question) -> Reply | None:
        request = question.request
        for frame in _mbap_frames(received):
            if (
                int.from_bytes(frame[:2], "big") != question.transaction
                or frame[6] != question.unit
            ):
                continue
            if frame[7] == request.function | _EXCEPTION_BIT:
                return Reply(exception=frame[8])
            if isinstance(request, WriteRequest):
                if frame[7:] == bytes((request.function,)) + request.echo:
                    return Reply()
            elif frame[7] == request.function and frame[8] == request.data_bytes == len(frame) - 9:
                return Reply(frame[9:])
        return None

    def blame(self, received: bytes, question: Question) -> ReplyCode:
        frame = next(iter(_mbap_frames(received)), None)
        if frame is None:
            return "length_mismatch"
        if int.from_bytes(frame[:2], "big") != question.transaction:
            return "stale_reply"
        if frame[6] != question.unit:
            return "unexpected_device"
        return "length_mismatch" if frame[7] == question.request.function else "unexpected_function"


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
        self._last_byte = monotonic()
        self._open: dict[int, list[tuple[int, float]]] = {}

    def read(self, unit: int, request: ReadRequest, pacing_s: float, timeout_s: float) -> list[int]:
        """The contents asked for, one number per register or bit.

        Raises ReplyError (counted), or LineDown where the line itself fails; the next call opens it
        again.
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
        """Write once, never again; return when the unit's echo has confirmed it.

        Raises ReplyError (counted): `device_exception` where the unit refuses, `write_unconfirmed`
        where it may have written or not. Raises LineDown where the line itself fails.
        """
        try:
            link = self._fall_quiet(pacing_s)
            self._transaction = self._transaction % 0xFFFF + 1
            question = Question(unit, request, self._transaction)
            link.send(self._framing.ask(question))
            answer = self._listen(link, question, timeout_s)
        except ReplyError as error:
            self.errors["write_unconfirmed"] += 1
            raise ReplyError("write_unconfirmed") from error
        except LineDown:
            self.close()
            raise
        if answer.exception is not None:
            self.errors["device_exception"] += 1
            raise ReplyError("device_exception", answer.exception)

    def close(self) -> None:
        """Let go of the line; late replies of a closed line are not forgotten."""
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
        """Ask for a part of `request` whose reply no late one can look like; after its answer none
        can be late."""
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
        self._transaction = self._transaction % 0xFFFF + 1
        question = Question(unit, request, self._transaction, self._late_lengths(unit))
        link.send(self._framing.ask(question))
        self._open[unit].append((request.data_bytes, monotonic()))
        answer = self._listen(link, question, timeout_s)
        self._open[unit] = []
        if answer.exception is not None:
            raise ReplyError("device_exception", answer.exception)
        return _contents(answer.data, request)

    def _fall_quiet(self, pacing_s: float) -> Link:
        """Wait out the silence before a request, throwing away what belongs to no question."""
        if self._link is None:
            self._link = self._connect(self.line)
        # The silence counts from the last byte we know of; one that comes now begins it anew.
        pause_s = max(0.0, self._last_byte + max(self.line.silence_s, pacing_s) - monotonic())
        if discard(self._link, pause_s, _NOISE_S):
            discard(self._link, self.line.silence_s, _NOISE_S)
        return self._link

    def _listen(self, link: Link, question: Question, timeout_s: float) -> Reply:
        """The answer to `question`; raises ReplyError after the line has fallen quiet again."""
        deadline = monotonic() + timeout_s + question.request.data_bytes * self.line.character_s
        received = b""
        code: ReplyCode = "no_reply"
        while (remaining := deadline - monotonic()) > 0:
            chunk = link.receive(
                min(remaining, _BROKEN_FRAME_S[self.line.kind]) if received else remaining
            )
            if chunk:
                self._last_byte = monotonic()
                received += chunk
                if (answer := self._framing.find(received, question)) is not None:
                    return answer
            elif received:
                code, received = self._framing.blame(received, question), b""
                if code in ("crc_mismatch", "length_mismatch"):
                    break  # the reply has come and is spoilt; waiting brings nothing
        if received:
            code = self._framing.blame(received, question)
            discard(link, _BROKEN_FRAME_S[self.line.kind], _NOISE_S)
        raise ReplyError(code)


def _pdu(question: Question) -> ModbusPDU:
    request = question.request
    if isinstance(request, WriteRequest):
        return _write_pdu(request, question)
    return _REQUESTS[request.table](
        dev_id=question.unit,
        transaction_id=question.transaction,
        address=request.address,
        count=request.count,
    )


def _write_pdu(request: WriteRequest, question: Question) -> ModbusPDU:
    unit, transaction, address = question.unit, question.transaction, request.address
    registers, bits = list(request.values), [value == 1 for value in request.values]
    match request.function:
        case 5:
            return WriteSingleCoilRequest(
                dev_id=unit, transaction_id=transaction, address=address, bits=bits
            )
        case 6:
            return WriteSingleRegisterRequest(
                dev_id=unit, transaction_id=transaction, address=address, registers=registers
            )
        case 15:
            return WriteMultipleCoilsRequest(
                dev_id=unit, transaction_id=transaction, address=address, bits=bits
            )
        case 16:
            return WriteMultipleRegistersRequest(
                dev_id=unit, transaction_id=transaction, address=address, registers=registers
            )


def _contents(data: bytes, request: ReadRequest) -> list[int]:
    if request.table in ("coil", "discrete"):
        return [data[index // 8] >> index % 8 & 1 for index in range(request.count)]
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]


def _crc_fits(frame: bytes) -> bool:
    return FramerRTU.compute_CRC(frame[:-2]) == int.from_bytes(frame[-2:], "big")


def _first_frame(received: bytes) -> bytes | None:
    """The first sound RTU reply in `received`, whoever sent it."""
    for start in range(len(received) - 4):
        function = received[start + 1]
        length = (
            received[start + 2] + 5
            if function in (1, 2, 3, 4)
            else 5
            if function & _EXCEPTION_BIT
            else 8
        )
        frame = received[start : start + length]
        if len(frame) == length and _crc_fits(frame):
            return frame
    return None


def _mbap_frames(received: bytes) -> list[bytes]:
    """The complete MBAP frames at the beginning of `received`; nothing where it does not begin with
    one."""
    frames = []
    while len(received) >= 9 and received[2:4] == b"\0\0":
        end = 6 + int.from_bytes(received[4:6], "big")
        if len(received) < end or end < 9:
            break
        frames.append(received[:end])
        received = received[end:]
    return frames
