"""Framing of Modbus over a serial line and over TCP (Modbus over Serial Line V1.02, Messaging on TCP/IP V1.0b)."""

import struct
from dataclasses import dataclass
from typing import Final

from simulators.bus.requests import WRITE_MANY

SHORTEST: Final = 8  # address, function, two words, checksum: every request this simulator knows is that or longer
LONGEST: Final = 256
BITS_A_CHARACTER: Final = 10  # 8N1


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


def wire_seconds(characters: int, baud: int) -> float:
    """How long `characters` take on the line, with the 3.5 characters of silence that end a frame."""
    return (characters + 3.5) * BITS_A_CHARACTER / baud


@dataclass(slots=True)
class SerialReceiver:
    """Collects bytes from the line into requests; silence starts over, as it does for a real slave."""

    _collected: bytes = b""

    def feed(self, received: bytes) -> list[tuple[int, bytes]]:
        """The complete requests, as address and message, now that `received` has come in.

        A frame with a wrong checksum is taken to be misaligned by one byte, until it fits or silence falls.
        """
        self._collected = self._collected + received
        requests = []
        while len(self._collected) >= SHORTEST:
            size = self._size()
            if size > len(self._collected):
                break
            frame = self._collected[:size]
            if checksum(frame[:-2]) == frame[-2:]:
                requests.append((frame[0], frame[1:-2]))
                self._collected = self._collected[size:]
            else:
                self._collected = self._collected[1:]
        return requests

    def silence(self) -> None:
        """Nothing has come for a while: what was collected was no request."""
        self._collected = b""

    def _size(self) -> int:
        if self._collected[1] == WRITE_MANY:
            return min(9 + self._collected[6], LONGEST)
        return SHORTEST


HEADER: Final = struct.Struct(">HHHB")  # transaction, protocol, length of what follows, unit


def tcp_frame(transaction: int, unit: int, message: bytes) -> bytes:
    """`message` as it goes over Modbus TCP."""
    return HEADER.pack(transaction, 0, len(message) + 1, unit) + message
