"""Bytes to and from a line: a serial port or a TCP connection. It knows no Modbus."""

import socket
import termios
from contextlib import suppress
from select import select
from time import monotonic
from typing import Final, Protocol

import serial

from gateway_agent.bus.address import LineAddress

_CONNECT_S = 3.0
_SEND_S = 3.0
# Stands for zero: a socket timeout of zero means "do not block" and raises another exception.
_AT_ONCE_S = 0.001
# What a port raises whose adapter is pulled: the kernel OSError and termios.error, which is none;
# pyserial TypeError and ValueError for a file that it has closed meanwhile.
_PORT_GONE: Final = (OSError, termios.error, TypeError, ValueError)


class LineDown(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The line cannot be used: port missing, connection refused or closed. A later retry helps."""


class Link(Protocol):
    """An open line."""

    def send(self, frame: bytes) -> None:
        """Write all of `frame`; raises LineDown."""

    def receive(self, timeout_s: float) -> bytes:
        """The bytes received so far, else the first within `timeout_s`; empty if none came.

        Raises LineDown.
        """

    def close(self) -> None:
        """Close the line."""


class SerialLink:
    """A serial port, locked against a second program."""

    def __init__(self, line: LineAddress) -> None:
        """Open it; raises LineDown."""
        try:
            self._port = serial.Serial(
                line.path,
                line.baud,
                parity=line.parity,
                stopbits=line.stop,
                timeout=0,
                write_timeout=_SEND_S,
                exclusive=True,
            )
        except _PORT_GONE as error:
            raise LineDown(str(error)) from error

    def send(self, frame: bytes) -> None:
        try:
            self._port.write(frame)
            self._port.flush()
        except _PORT_GONE as error:
            raise LineDown(str(error)) from error

    def receive(self, timeout_s: float) -> bytes:
        try:
            # The port's own timeout would do, but pyserial sets up the whole port on each change.
            if not select([self._port], [], [], max(timeout_s, 0.0))[0]:
                return b""
            data: bytes = self._port.read(512)
            return data
        except _PORT_GONE as error:
            raise LineDown(str(error)) from error

    def close(self) -> None:
        with suppress(*_PORT_GONE):
            self._port.close()


class SocketLink:
    """A TCP connection to a serial server or a Modbus TCP unit."""

    def __init__(self, line: LineAddress) -> None:
        """Connect; raises LineDown."""
        try:
            self._socket = socket.create_connection((line.host, line.port), timeout=_CONNECT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise LineDown(str(error)) from error

    def send(self, frame: bytes) -> None:
        try:
            self._socket.settimeout(_SEND_S)
            self._socket.sendall(frame)
        except OSError as error:
            raise LineDown(str(error)) from error

    def receive(self, timeout_s: float) -> bytes:
        try:
            self._socket.settimeout(max(timeout_s, _AT_ONCE_S))
            data = self._socket.recv(512)
        except TimeoutError:
            return b""
        except OSError as error:
            raise LineDown(str(error)) from error
        if not data:
            raise LineDown("closed by the other side")
        return data

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()


def open_link(line: LineAddress) -> Link:
    """Open `line`; raises LineDown."""
    return SerialLink(line) if line.kind == "serial" else SocketLink(line)


def discard(link: Link, pause_s: float, at_most_s: float) -> int:
    """Read and throw away until `pause_s` of silence, for at most `at_most_s`.

    Returns the number of bytes thrown away. Raises LineDown.
    """
    count, give_up = 0, monotonic() + at_most_s
    while data := link.receive(pause_s):
        count += len(data)
        if monotonic() > give_up:
            break
    return count
