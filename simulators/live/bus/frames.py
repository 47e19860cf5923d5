"""Framing of Modbus over a serial line and over TCP.

Sources: Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
"""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from simulators.registers.writes import WRITE_COILS, WRITE_REGISTERS

# address, function, two words, checksum: no request that this simulator knows is shorter
SHORTEST: Final = 8
LONGEST: Final = 256
SERIAL_EXTRA: Final = 3  # characters around a message on a serial line: address and checksum


@dataclass(frozen=True, slots=True)
class Request:
    """A request from a line: address of the unit, function code and data.

    `transaction` is its number, if frames have numbers.
    """

    address: int
    message: bytes
    transaction: int = 0


class SlaveFraming(Protocol):
    """The form of requests and replies in the byte stream of one line or connection."""

    @property
    def checked(self) -> bool:
        """Whether frames carry a checksum, so that damage reaches the master."""
        ...

    def feed(self, received: bytes) -> list[Request]:
        """The requests that are complete with the bytes `received`."""
        ...

    def silence(self) -> None:
        """Take note that the line has been silent."""

    def frame(self, request: Request, message: bytes) -> bytes:
        """The frame that carries `message` in answer to `request`."""
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
    """The serial frame of `message` from or to `address`."""
    body = bytes((address,)) + message
    return body + checksum(body)


@dataclass(slots=True)
class SlaveSerialFraming:
    """RTU frames of a serial line or a serial server; silence discards an unfinished one."""

    _collected: bytes = b""
    checked = True

    def feed(self, received: bytes) -> list[Request]:
        """The requests that are complete with the bytes `received`.

        A frame with a wrong checksum is taken to begin one byte later, until it fits or the line is
        silent.
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
        """Discard the bytes collected: they were no request."""
        self._collected = b""

    def frame(self, request: Request, message: bytes) -> bytes:
        """See SlaveFraming."""
        return serial_frame(request.address, message)

    def _size(self) -> int:
        if self._collected[1] in (WRITE_COILS, WRITE_REGISTERS):
            return min(9 + self._collected[6], LONGEST)
        return SHORTEST


HEADER: Final = struct.Struct(">HHHB")  # transaction, protocol, length of the rest, unit


class NotModbusError(ValueError):
    """A stream that is not Modbus TCP."""


@dataclass(slots=True)
class SlaveTcpFraming:
    """Modbus TCP: frames with a number and a length."""

    _collected: bytes = b""
    checked = False

    def feed(self, received: bytes) -> list[Request]:
        """The requests that are complete with the bytes `received`; raises NotModbusError."""
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
        """See SlaveFraming: silence has no meaning on TCP."""

    def frame(self, request: Request, message: bytes) -> bytes:
        """See SlaveFraming."""
        return HEADER.pack(request.transaction, 0, len(message) + 1, request.address) + message
