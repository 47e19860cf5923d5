"""Slaves behind a TCP server, addressed by unit id. No other module listens."""

import socket
import socketserver
import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from simulators.live.bus.frames import NotModbusError, Request, SlaveFraming
from simulators.live.bus.line import UNPLUGGED_S, SimulatedLine

SILENCE_S: Final = 0.2  # longer than a serial server collects bytes before it sends them
GONE_S: Final = 300.0  # a client silent for longer has gone


class TcpLine:
    """A listening socket at `host`:`port` (0 = any); raises OSError if it is taken.

    `framing` is called for each connection: Modbus TCP, or RTU as a transparent serial server
    passes it on.
    """

    def __init__(
        self, host: str, port: int, line: SimulatedLine, framing: Callable[[], SlaveFraming]
    ) -> None:
        self._line, self._framing = line, framing
        self._stop = threading.Event()
        # The units behind a TCP gateway share one serial line: one request at a time.
        self._serial_side = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._unplugged_until = float("-inf")
        self._server = _LineServer((host, port), self._converse)

    @property
    def port(self) -> int:
        """The port of the socket."""
        return int(self._server.server_address[1])

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        serving = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="modbus-tcp"
        )
        serving.start()
        stop.wait()
        self._stop.set()
        self._server.shutdown()
        serving.join()

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()

    def _converse(self, connection: socket.socket) -> None:
        full = self._line.clients is not None and len(self._connections) >= self._line.clients
        if full or monotonic() < self._unplugged_until:
            return
        self._connections.add(connection)
        try:
            self._listen(connection)
        finally:
            self._connections.discard(connection)

    def _listen(self, connection: socket.socket) -> None:
        framing, heard_at = self._framing(), monotonic()
        connection.settimeout(SILENCE_S)
        idle_s = self._line.idle_close_s or GONE_S
        while not self._stop.is_set() and monotonic() - heard_at < idle_s:
            try:
                received = connection.recv(1024)
            except TimeoutError:
                framing.silence()
                continue
            if not received:
                return
            heard_at = monotonic()
            for request in framing.feed(received):
                with self._serial_side:
                    self._answer(connection, request, framing)

    def _answer(self, connection: socket.socket, request: Request, framing: SlaveFraming) -> None:
        if self._line.is_pulled_out(request.address):
            self._unplug()
            return
        delivery = self._line.ask(request, framing, monotonic())
        if delivery is None:
            return
        connection.sendall(delivery.sent.ahead)
        if self._stop.wait(delivery.sent.delay_s):
            return
        connection.sendall(delivery.sent.frame)
        delivery.delivered()

    def _unplug(self) -> None:
        """End every connection, and refuse new ones for UNPLUGGED_S."""
        self._unplugged_until = monotonic() + UNPLUGGED_S
        for connection in list(self._connections):
            connection.shutdown(socket.SHUT_RDWR)


_Conversation = Callable[[socket.socket], None]


class _LineServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # a conversation ends with its client; the server does not wait for it

    def __init__(self, address: tuple[str, int], conversation: _Conversation) -> None:
        self.conversation = conversation
        super().__init__(address, _LineHandler)


class _LineHandler(socketserver.BaseRequestHandler):
    server: _LineServer

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.server.conversation(self.request)
        except (ConnectionError, TimeoutError, NotModbusError):
            return  # the client has gone or does not speak Modbus; wait for the next
