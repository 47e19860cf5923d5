"""RTU slaves on a pseudo-terminal. No other module opens one."""

import os
import select
import threading
import tty
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from simulators.live.bus.frames import Request, SlaveSerialFraming
from simulators.live.bus.line import UNPLUGGED_S, SimulatedLine

# Several times 3.5 characters at 9600 baud, since a busy machine delivers bytes in lumps.
SILENCE_S: Final = 0.05


class SerialLine:
    """A pseudo-terminal whose slave side `path` links to; raises OSError if it cannot be made."""

    def __init__(self, path: Path, line: SimulatedLine) -> None:
        self._path, self._line = path, line
        self._framing = SlaveSerialFraming()
        self._plug_in()

    def run(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        while not stop.is_set():
            self._serve_once(stop)

    def close(self) -> None:
        """Remove the terminal and its link."""
        with suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._master)
        os.close(self._slave)

    def _plug_in(self) -> None:
        # Keep the slave side open: otherwise reads of the master side fail once a client closes it.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        new.symlink_to(os.ttyname(self._slave))
        new.replace(self._path)

    def _serve_once(self, stop: threading.Event) -> None:
        ready, _, _ = select.select([self._master], [], [], SILENCE_S)
        if not ready:
            self._framing.silence()
            return
        for request in self._framing.feed(os.read(self._master, 1024)):
            if self._line.is_pulled_out(request.address):
                self._unplug(stop)
                return
            self._answer(request, stop)

    def _unplug(self, stop: threading.Event) -> None:
        """Take the terminal away from its clients, and put a new one in its place later."""
        self._framing.silence()
        self.close()
        stop.wait(UNPLUGGED_S)
        self._plug_in()

    def _answer(self, request: Request, stop: threading.Event) -> None:
        delivery = self._line.ask(request, self._framing, monotonic())
        if delivery is None or not self._put(delivery.sent.ahead):
            return
        if stop.wait(delivery.sent.delay_s):
            return
        if self._put(delivery.sent.frame):
            delivery.delivered()

    def _put(self, frame: bytes) -> bool:
        """Whether all of `frame` was sent; a line without a reader loses it, as a real one does."""
        try:
            return os.write(self._master, frame) == len(frame)
        except BlockingIOError:
            return False
