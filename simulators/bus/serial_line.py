"""RTU slaves on a pseudo-terminal; the only module that opens one."""

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path
from typing import Final

from simulators.bus.frames import SerialReceiver, serial_frame, wire_seconds
from simulators.bus.quirks import Line
from simulators.bus.slaves import Slaves, reply_of

SILENCE_S: Final = 0.05  # several times 3.5 characters at 9600 baud, since a busy machine delivers in lumps
TURNAROUND_S: Final = 0.01


class SerialLine:
    """A pseudo-terminal whose slave side `path` links to; several addresses answer on it.

    With `baud` None the line takes no time. Raises OSError where `path` cannot be made.
    """

    def __init__(self, path: Path, slaves: Slaves, line: Line, baud: int | None = None) -> None:
        self._slaves, self._line, self._baud = slaves, line, baud
        self._receiver = SerialReceiver()
        # The slave side stays open here, or the master side would fail each time a client closes its end.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._path = path
        self._link()

    def _link(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self._path)

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        while not stop.is_set():
            self._serve_once(stop)

    def close(self) -> None:
        """Take the terminal and its link away."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._master)
        os.close(self._slave)

    def _serve_once(self, stop: threading.Event) -> None:
        ready, _, _ = select.select([self._master], [], [], SILENCE_S)
        if not ready:
            self._receiver.silence()
            return
        for address, request in self._receiver.feed(os.read(self._master, 1024)):
            self._answer(address, request, stop)

    def _answer(self, address: int, request: bytes, stop: threading.Event) -> None:
        given = reply_of(self._slaves, address, request)
        if given is None or given[1].reply is None:
            return
        slave, answer = given
        frame = serial_frame(address, answer.reply or b"")
        sent = self._line.send(frame)
        if stop.wait(sent.delay_s + self._wire_s(len(request) + 3 + len(frame))):
            return
        if self._put(sent.frame) and sent.reading != "none":
            slave.was_read(answer.carried, sent.reading == "doubtful")

    def _put(self, frame: bytes) -> bool:
        """Whether all of `frame` went out; a line nobody reads from loses it, as a real one would."""
        try:
            return os.write(self._master, frame) == len(frame)
        except BlockingIOError:
            return False

    def _wire_s(self, characters: int) -> float:
        return 0.0 if self._baud is None else wire_seconds(characters, self._baud) + TURNAROUND_S
