"""Slaves behind a Modbus TCP server, told apart by their unit id; the only module that listens."""

import socketserver
import threading
from collections.abc import Callable
from typing import Final

from simulators.bus.frames import HEADER, LONGEST, tcp_frame
from simulators.bus.quirks import Line
from simulators.bus.slaves import Slaves, reply_of


class TcpLine:
    """A listening socket at `host`:`port` (0 = any); raises OSError where it is taken."""

    def __init__(self, host: str, port: int, slaves: Slaves, line: Line) -> None:
        self._slaves, self._line = slaves, line
        self._stop = threading.Event()
        self._one_at_a_time = threading.Lock()  # the units behind a TCP gateway share one serial line
        self._server = _Server((host, port), self._converse)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        serving = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="modbus-tcp")
        serving.start()
        stop.wait()
        self._stop.set()
        self._server.shutdown()
        serving.join()

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()

    def _converse(self, stream: socketserver.StreamRequestHandler) -> None:
        while not self._stop.is_set():
            header = stream.rfile.read(HEADER.size)
            if len(header) < HEADER.size:
                return
            transaction, protocol, length, unit = HEADER.unpack(header)
            if protocol != 0 or not 2 <= length <= LONGEST:
                return
            request = stream.rfile.read(length - 1)
            if len(request) < length - 1:
                return
            with self._one_at_a_time:
                self._answer(stream, transaction, unit, request)

    def _answer(self, stream: socketserver.StreamRequestHandler, transaction: int, unit: int, request: bytes) -> None:
        given = reply_of(self._slaves, unit, request)
        if given is None:
            return
        slave, answer = given
        sent = self._line.send(tcp_frame(transaction, unit, answer.reply or b""))
        if self._stop.wait(sent.delay_s):
            return
        stream.wfile.write(sent.frame)
        if sent.reading != "none":
            slave.was_read(answer.carried, sent.reading == "doubtful")


_Conversation = Callable[[socketserver.StreamRequestHandler], None]
IDLE_S: Final = 300.0  # a client that says nothing for so long is gone


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # conversations end with their client; they must not hold up the end of the server

    def __init__(self, address: tuple[str, int], conversation: _Conversation) -> None:
        self.conversation = conversation
        super().__init__(address, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    timeout = IDLE_S
    server: _Server

    def handle(self) -> None:
        try:
            self.server.conversation(self)
        except (ConnectionError, TimeoutError):
            return  # the client has gone; the next one is welcome
