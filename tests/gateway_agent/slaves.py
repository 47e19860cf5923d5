"""Modbus slaves for tests, written without the gateway's own code and without pymodbus."""

import os
import select
import socket
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass, field


def crc(frame: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first, one bit at a time."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def rtu(unit: int, message: bytes) -> bytes:
    body = bytes((unit,)) + message
    return body + crc(body)


Sending = tuple[float, bytes]
Misbehaviour = Callable[[bytes, bytes], list[Sending]]
"""From a request and its honest reply to what is really sent: after so many seconds, these
bytes."""


def honest(request: bytes, reply: bytes) -> list[Sending]:
    return [(0.0, reply)]


@dataclass
class Units:
    """Register contents by unit; an address that is missing or illegal answers exception 2, one
    `hushed` nothing."""

    registers: dict[int, dict[int, int]]
    illegal: set[int] = field(default_factory=set)
    hushed: set[int] = field(default_factory=set)
    longest: int = 125
    dead: set[int] = field(default_factory=set)
    asked: list[tuple[int, int, int, int]] = field(default_factory=list)
    written: list[tuple[int, int, int, tuple[int, ...]]] = field(default_factory=list)

    def answer(self, unit: int, request: bytes) -> bytes | None:
        return (
            self._take(unit, request) if request[0] in (5, 6, 15, 16) else self._tell(unit, request)
        )

    def _take(self, unit: int, request: bytes) -> bytes | None:
        """A write: coils and registers stand in one table here, coils as 0 and 1."""
        function, address = request[0], int.from_bytes(request[1:3])
        if function == 16:
            values = tuple(int.from_bytes(request[at : at + 2]) for at in range(6, len(request), 2))
        elif function == 15:
            values = tuple(
                request[6 + bit // 8] >> bit % 8 & 1 for bit in range(int.from_bytes(request[3:5]))
            )
        else:
            word = int.from_bytes(request[3:5])
            values = (int(word == 0xFF00) if function == 5 else word,)
        self.written.append((unit, function, address, values))
        if unit not in self.registers or unit in self.dead:
            return None
        self.registers[unit] |= {address + offset: value for offset, value in enumerate(values)}
        return request[:5]

    def _tell(self, unit: int, request: bytes) -> bytes | None:
        function, address, count = (
            request[0],
            int.from_bytes(request[1:3]),
            int.from_bytes(request[3:5]),
        )
        self.asked.append((unit, function, address, count))
        if unit not in self.registers or unit in self.dead:
            return None
        table = self.registers[unit]
        wanted = range(address, address + count)
        if self.hushed & set(wanted):
            return None
        if count > self.longest or any(at in self.illegal or at not in table for at in wanted):
            return bytes((function | 0x80, 2))
        return bytes((function, 2 * count)) + b"".join(table[at].to_bytes(2) for at in wanted)


class Slave:
    """Serves units on a file descriptor pair or socket until closed; one request after the other,
    like a real one."""

    def __init__(self, units: Units, misbehave: Misbehaviour = honest) -> None:
        self.units = units
        self.misbehave = misbehave
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _serve(self) -> None:
        raise NotImplementedError

    def _send_all(self, request: bytes, reply: bytes, send: Callable[[bytes], object]) -> None:
        for delay_s, data in self.misbehave(request, reply):
            if delay_s:
                self._stop.wait(delay_s)
            if data:
                send(data)


class PtySlave(Slave):
    """RTU slaves at the far end of a pseudo-terminal; `path` is what the gateway opens."""

    def __init__(self, units: Units, misbehave: Misbehaviour = honest) -> None:
        super().__init__(units, misbehave)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._thread.start()

    def close(self) -> None:
        super().close()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        received = b""
        while not self._stop.is_set():
            readable, _, _ = select.select([self._master], [], [], 0.02)
            if not readable:
                received = b""
                continue
            received += os.read(self._master, 256)
            while len(received) >= (
                length := 9 + received[6] if len(received) > 6 and received[1] in (15, 16) else 8
            ):
                frame, received = received[:length], received[length:]
                if crc(frame[:-2]) != frame[-2:]:
                    received = b""
                    break
                reply = self.units.answer(frame[0], frame[1:-2])
                if reply is not None:
                    self._send_all(
                        frame, rtu(frame[0], reply), lambda data: os.write(self._master, data)
                    )


class TcpSlave(Slave):
    """Slaves behind TCP on `port`; `mbap` for Modbus TCP, else RTU frames as a transparent serial
    server sends them."""

    def __init__(
        self, units: Units, misbehave: Misbehaviour = honest, *, mbap: bool = True
    ) -> None:
        super().__init__(units, misbehave)
        self._mbap = mbap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._thread.start()

    def close(self) -> None:
        super().close()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(0.05)
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                received = connection.recv(260)
            except TimeoutError:
                continue
            except OSError:
                return
            if not received:
                return
            self._reply(connection, received)

    def _reply(self, connection: socket.socket, request: bytes) -> None:
        if self._mbap:
            reply = self.units.answer(request[6], request[7:])
            framed = (
                b""
                if reply is None
                else request[:4] + (len(reply) + 1).to_bytes(2) + request[6:7] + reply
            )
        else:
            reply = self.units.answer(request[0], request[1:-2])
            framed = b"" if reply is None else rtu(request[0], reply)
        if framed:
            self._send_all(request, framed, connection.sendall)
