"""Framing of Modbus over a serial line and over TCP (Modbus over Serial Line V1.02, Messaging on
TCP/IP V1.0b)."""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from simulators.registers.writes import WRITE_COILS, WRITE_REGISTERS

# address, function, two words, checksum: every request this simulator knows is that or longer
SHORTEST: Final = 8
LONGEST: Final = 256
SERIAL_EXTRA: Final = 3  # characters around a message on a serial line: address and checksum


@dataclass(frozen=True, slots=True)
class Request:
    """A request from a line: the unit it is for, function code and data, and its number where
    frames are numbered."""

    address: int
    message: bytes
    transaction: int = 0


class SlaveFraming(Protocol):
    """How requests and replies stand in the stream of bytes of one line or connection."""

    @property
    def checked(self) -> bool:
        """Whether frames carry a checksum, so that line faults reach the master as they are."""
        ...

    def feed(self, received: bytes) -> list[Request]:
        """The complete requests, now that `received` has come in."""
        ...

    def silence(self) -> None:
        """Nothing has come for a while."""

    def frame(self, request: Request, message: bytes) -> bytes:
        """`message` as it goes back in answer to `request`."""
        ...


def checksum(frame: bytes) -> bytes:
    """CRC-16/MODBUS of `frame`, low byte first."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return struct.pack("<H", crc)


def serial_frame(address: int, message: bytes) -> bytes:
    """`message` as it goes over a serial line from or to `address`."""
    body = bytes((address,)) + message
    return body + checksum(body)


@dataclass(slots=True)
class SlaveSerialFraming:
    """RTU frames, on a serial line or through a transparent serial server; silence starts over, as
    for a real slave."""

    _collected: bytes = b""
    checked = True

    def feed(self, received: bytes) -> list[Request]:
        """The complete requests, now that `received` has come in.

        A frame with a wrong checksum is taken to be misaligned by one byte, until it fits or
        silence falls.
        """
        self._collected = self._collected + received
        requests = []
        while len(self._collected) >= SHORTEST:
            size = self._size()
            if size > len(self._collected):
                break
            frame = self._collected[:size]
            if checksum(frame[:-2]) == frame[-2:]:
                requests.append(Request(frame[0], frame[1:-2]))
                self._collected = self._collected[size:]
            else:
                self._collected = self._collected[1:]
        return requests

    def silence(self) -> None:
        """Nothing has come for a while: what was collected was no request."""
        self._collected = b""

    def frame(self, request: Request, message: bytes) -> bytes:
        """See Framing."""
        return serial_frame(request.address, message)

    def _size(self) -> int:
        if self._collected[1] in (WRITE_COILS, WRITE_REGISTERS):
            return min(9 + self._collected[6], LONGEST)
        return SHORTEST


HEADER: Final = struct.Struct(">HHHB")  # transaction, protocol, length of what follows, unit


class NotModbusError(ValueError):
    """A stream that is not Modbus TCP."""


@dataclass(slots=True)
class SlaveTcpFraming:
    """Modbus TCP: every frame with its number and length."""

    _collected: bytes = b""
    checked = False

    def feed(self, received: bytes) -> list[Request]:
        """The complete requests, now that `received` has come in; raises NotModbusError."""
        self._collected = self._collected + received
        requests = []
        while len(self._collected) >= HEADER.size:
            transaction, protocol, length, unit = HEADER.unpack_from(self._collected)
            if protocol != 0 or not 2 <= length <= LONGEST:
                raise NotModbusError(f"protocol {protocol}, length {length}")
            end = HEADER.size + length - 1
            if len(self._collected) < end:
                break
            requests.append(Request(unit, self._collected[HEADER.size : end], transaction))
            self._collected = self._collected[end:]
        return requests

    def silence(self) -> None:
        """See Framing: a pause means nothing here."""

    def frame(self, request: Request, message: bytes) -> bytes:
        """See Framing."""
        return HEADER.pack(request.transaction, 0, len(message) + 1, request.address) + message
