"""Frames of a Modbus client: build a question, find its reply, name a wrong reply.

The only importer of pymodbus, which encodes and computes the CRC. The exchange itself is in
`modbus`, because pymodbus' clients return a late reply as the answer to the next question and
accept a short one (reliability §2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
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

from gateway_agent.bus.requests import ReadRequest, WriteRequest

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
"""Why a question has no usable reply (reliability §2)."""

_EXCEPTION_BIT: Final = 0x80
_READ_FUNCTIONS: Final = (1, 2, 3, 4)
# Lengths of whole RTU frames: a reply without its data, an exception, the echo of a write
# (Modbus Application Protocol V1.1b3 §6, V1.1b3 §7).
_READ_OVERHEAD_BYTES: Final = 5
_EXCEPTION_BYTES: Final = 5
_ECHO_BYTES: Final = 8
# Fewer bytes than this at the beginning of a reply may as well be stray ones.
HEAD_BYTES: Final = 3
_READ_PDUS: Final = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request to `unit`, and the marks of its reply.

    `transaction` numbers it on Modbus TCP. `lengths` are the data lengths in bytes that late
    replies of this unit may still have.
    """

    unit: int
    request: ReadRequest | WriteRequest
    transaction: int = 0
    lengths: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class MatchedReply:
    """A reply that matches its question: the data bytes, or the unit's exception code."""

    data: bytes = b""
    exception: int | None = None


class ClientFraming(Protocol):
    """The form of frames on one kind of line."""

    def ask(self, question: Question) -> bytes:
        """The frame that asks `question`."""

    def find(self, received: bytes, question: Question) -> MatchedReply | None:
        """The reply to `question` in `received`; None while it is not complete."""

    def begun(self, received: bytes, question: Question) -> bytes:
        """The end of `received` that may be the beginning of the reply to `question`.

        Empty if nothing in it can be: stray bytes, the line's own echo, frames of others.
        """

    def blame(self, received: bytes, question: Question) -> ReplyCode:
        """Why `received` holds no reply to `question`; `no_reply` if nothing of one is in it."""


class RtuClientFraming:
    """Address, function, data, CRC; finds the reply at every offset, behind any noise bytes."""

    def __init__(self) -> None:
        self._framer = FramerRTU(DecodePDU(False))

    def ask(self, question: Question) -> bytes:
        return self._framer.buildFrame(_pdu(question))

    def find(self, received: bytes, question: Question) -> MatchedReply | None:
        request = question.request
        if isinstance(request, WriteRequest):
            echo = bytes((question.unit, request.function)) + request.echo
            confirmed = echo + FramerRTU.compute_CRC(echo).to_bytes(2) in received
            return MatchedReply() if confirmed else self._find_exception(received, question)
        head = bytes((question.unit, request.function, request.data_bytes))
        frame = _sound_frame(received, head, request.data_bytes + _READ_OVERHEAD_BYTES)
        if frame is not None:
            return MatchedReply(frame[3:-2])
        # Another question is still open: an exception may be the reply to that one.
        return None if question.lengths else self._find_exception(received, question)

    def _find_exception(self, received: bytes, question: Question) -> MatchedReply | None:
        head = bytes((question.unit, question.request.function | _EXCEPTION_BIT))
        frame = _sound_frame(received, head, _EXCEPTION_BYTES)
        return None if frame is None else MatchedReply(exception=frame[2])

    def begun(self, received: bytes, question: Question) -> bytes:
        rest = self._without_echo(received, question)
        while (frame := _first_frame(rest)) is not None:
            rest = rest.replace(frame, b"")
        pieces = (rest[start:] for start in range(len(rest)))
        return next((piece for piece in pieces if self._may_begin(piece, question)), b"")

    def _may_begin(self, rest: bytes, question: Question) -> bool:
        request = question.request
        third = request.echo[0] if isinstance(request, WriteRequest) else request.data_bytes
        if bytes((question.unit, request.function, third)).startswith(rest[:HEAD_BYTES]):
            return True
        exception = bytes((question.unit, request.function | _EXCEPTION_BIT))
        return not question.lengths and exception.startswith(rest[:2])

    def _without_echo(self, received: bytes, question: Question) -> bytes:
        """`received` without the question itself, as a line with an echo returns it."""
        return received.replace(self.ask(question), b"")

    def blame(self, received: bytes, question: Question) -> ReplyCode:
        frame = _first_frame(self._without_echo(received, question))
        if frame is None:
            begun = len(self.begun(received, question))
            if begun < HEAD_BYTES:
                return "no_reply"
            whole = question.request.data_bytes + _READ_OVERHEAD_BYTES
            return "length_mismatch" if begun < whole else "crc_mismatch"
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

    def find(self, received: bytes, question: Question) -> MatchedReply | None:
        for rest in _numbered(received, question):
            for frame in _mbap_frames(rest)[:1]:
                reply = _reply_in(frame[7:], question.request)
                if frame[6] == question.unit and reply is not None:
                    return reply
        return None

    def begun(self, received: bytes, question: Question) -> bytes:
        cut_short = (rest for rest in _numbered(received, question) if not _mbap_frames(rest))
        return next(cut_short, b"")

    def blame(self, received: bytes, question: Question) -> ReplyCode:
        frame = next(iter(_mbap_frames(received)), None)
        if frame is None:
            begun = len(self.begun(received, question))
            return "no_reply" if begun < HEAD_BYTES else "length_mismatch"
        if int.from_bytes(frame[:2]) != question.transaction:
            return "stale_reply"
        if frame[6] != question.unit:
            return "unexpected_device"
        return "length_mismatch" if frame[7] == question.request.function else "unexpected_function"


def _reply_in(body: bytes, request: ReadRequest | WriteRequest) -> MatchedReply | None:
    """The reply to `request` in the function and data of a Modbus TCP frame."""
    if body[0] == request.function | _EXCEPTION_BIT:
        return MatchedReply(exception=body[1])
    if isinstance(request, WriteRequest):
        return MatchedReply() if body == bytes((request.function,)) + request.echo else None
    matches = body[0] == request.function and body[1] == request.data_bytes == len(body) - 2
    return MatchedReply(body[2:]) if matches else None


def _pdu(question: Question) -> ModbusPDU:
    request = question.request
    if isinstance(request, WriteRequest):
        return _write_pdu(request, question)
    return _READ_PDUS[request.table](
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


def _crc_fits(frame: bytes) -> bool:
    return FramerRTU.compute_CRC(frame[:-2]) == int.from_bytes(frame[-2:], "big")


def _sound_frame(received: bytes, head: bytes, length: int) -> bytes | None:
    """The first frame of `length` bytes in `received` that begins with `head` and has its CRC."""
    start = -1
    while (start := received.find(head, start + 1)) >= 0:
        frame = received[start : start + length]
        if len(frame) == length and _crc_fits(frame):
            return frame
    return None


def _first_frame(received: bytes) -> bytes | None:
    """The first sound RTU reply in `received`, from any unit."""
    for start in range(len(received) - 4):
        length = _frame_length(received[start + 1], received[start + 2])
        frame = received[start : start + length]
        if len(frame) == length and _crc_fits(frame):
            return frame
    return None


def _frame_length(function: int, count: int) -> int:
    """Bytes of an RTU reply with this function; `count` is the byte after it."""
    if function in _READ_FUNCTIONS:
        return count + _READ_OVERHEAD_BYTES
    return _EXCEPTION_BYTES if function & _EXCEPTION_BIT else _ECHO_BYTES


def _numbered(received: bytes, question: Question) -> Iterator[bytes]:
    """The rest of `received` from each place on where a frame with the question's number begins."""
    head = question.transaction.to_bytes(2) + b"\0\0"
    start = received.find(head)
    while start >= 0:
        yield received[start:]
        start = received.find(head, start + 1)


def _mbap_frames(received: bytes) -> list[bytes]:
    """The complete MBAP frames at the start of `received`; empty if it does not start with one."""
    frames = []
    while len(received) >= 9 and received[2:4] == b"\0\0":
        end = 6 + int.from_bytes(received[4:6], "big")
        if len(received) < end or end < 9:
            break
        frames.append(received[:end])
        received = received[end:]
    return frames
