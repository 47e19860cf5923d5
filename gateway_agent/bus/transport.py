"""Bytes to and from a line: a serial port or a TCP connection. It knows no Modbus."""

import socket
import termios
from contextlib import suppress
from math import inf
from select import select
from time import monotonic
from typing import Final, Protocol

import serial

from gateway_agent.bus.address import LineAddress
from gateway_agent.logs import EventLog

_CONNECT_S = 3.0
_SEND_S = 3.0
# Stands for zero: a socket timeout of zero means "do not block" and raises another exception.
_AT_ONCE_S = 0.001
# A unit that closes every idle connection must not fill the log.
_LOG_EVERY_S: Final = 3_600.0
# What a port raises whose adapter is pulled: the kernel OSError and termios.error, which is none;
# pyserial TypeError and ValueError for a file that it has closed meanwhile.
_PORT_GONE: Final = (OSError, termios.error, TypeError, ValueError)

_log = EventLog(__name__)


class LineDown(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The line cannot be used: port missing, connection refused or closed. A later retry helps."""


class Link(Protocol):
    """An open line.

    `repeated` is whether the last request was sent twice: then two answers may come.
    """

    repeated: bool

    def send(self, frame: bytes) -> None:
        """Write all of `frame`; raises LineDown."""

    def receive(self, timeout_s: float) -> bytes:
        """The bytes received so far, else the first within `timeout_s`; empty if none came.

        Raises LineDown.
        """

    def forget(self) -> None:
        """Wait no longer for an answer to what was sent."""

    def close(self) -> None:
        """Close the line."""


class SerialLink:
    """A serial port, locked against a second program."""

    repeated = False

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

    def forget(self) -> None:
        return

    def close(self) -> None:
        with suppress(*_PORT_GONE):
            self._port.close()


class SocketLink:
    """A TCP connection to a serial server or a Modbus TCP unit, some of which close idle ones.

    A connection that ends before anything of an answer came is opened again at once, and the
    request sent again: a write too, because its content is absolute. A new connection that ends
    before it was of use is a line that is down.
    """

    def __init__(self, line: LineAddress) -> None:
        """Connect; raises LineDown."""
        self._line = line
        self._waiting = b""  # the request of which nothing has been answered
        self._is_new = True
        self.repeated = False
        self._reopened = 0
        self._logged_s = -inf
        self._socket = _connection(line)

    def send(self, frame: bytes) -> None:
        self._waiting, self.repeated = frame, False
        try:
            self._write(frame)
        except OSError as error:
            self._reopen(error)

    def receive(self, timeout_s: float) -> bytes:
        try:
            data = self._read(timeout_s)
        except OSError as error:
            self._reopen(error)
            return self.receive(timeout_s) if self._waiting else b""
        if data:
            self._waiting, self._is_new = b"", False
        return data

    def forget(self) -> None:
        if self._waiting:
            self._waiting, self._is_new = b"", False

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _write(self, frame: bytes) -> None:
        self._socket.settimeout(_SEND_S)
        self._socket.sendall(frame)

    def _read(self, timeout_s: float) -> bytes:
        self._socket.settimeout(max(timeout_s, _AT_ONCE_S))
        try:
            data = self._socket.recv(512)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionError("closed by the other side")
        return data

    def _reopen(self, error: OSError) -> None:
        """Connect again and send the request that waits; raises LineDown."""
        self.close()
        if self._is_new:
            raise LineDown(str(error)) from error
        self._socket, self._is_new = _connection(self._line), True
        self._log_reopened(str(error))
        self.repeated = bool(self._waiting)
        try:
            self._write(self._waiting)
        except OSError as again:
            raise LineDown(str(again)) from again

    def _log_reopened(self, reason: str) -> None:
        self._reopened += 1
        if monotonic() - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = monotonic()
            fields = {"line": self._line.name, "times": self._reopened}
            _log.info("connection_reopened", reason=reason, **fields)


def _connection(line: LineAddress) -> socket.socket:
    try:
        connection = socket.create_connection((line.host, line.port), timeout=_CONNECT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise LineDown(str(error)) from error
    return connection


def open_link(line: LineAddress) -> Link:
    """Open `line`; raises LineDown."""
    return SerialLink(line) if line.kind == "serial" else SocketLink(line)


def discard(link: Link, pause_s: float, at_most_s: float) -> int:
    """Read and throw away until `pause_s` of silence, for at most `at_most_s`.

    An answer to what was sent before is no longer waited for. Returns the number of bytes thrown
    away. Raises LineDown.
    """
    link.forget()
    count, give_up = 0, monotonic() + at_most_s
    while data := link.receive(pause_s):
        count += len(data)
        if monotonic() > give_up:
            break
    return count
