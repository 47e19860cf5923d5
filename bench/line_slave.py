"""A process with Modbus slaves on a pseudo-terminal that take exactly a real line's time.

`python -m bench.line_slave FOLDER --units N [--dead N] [--baud N] [--spoil late|illegal|crc]` links
FOLDER/line to the terminal. At the end of its standard input it writes FOLDER/requests.json: for
each request the monotonic seconds at which it began on the wire, unit, address, count, and the
silence before it in characters.

Every register of every unit holds a different number (`held`), so that a value under a wrong
register is noticed.
"""

import argparse
import json
import os
import random
import select
import sys
import threading
import tty
from pathlib import Path
from time import monotonic
from typing import Final

from simulators.live.bus.frames import SlaveSerialFraming, serial_frame
from simulators.registers.serial_format import SerialFormat

TURNAROUND_S: Final = 0.005
TIMEOUT_S: Final = 1.0
SPOILT_SHARE: Final = 0.05
LATE_S: Final = (0.020, 0.270)
ILLEGAL_REGISTER: Final = 109
# A sleeping process wakes up this much too late, so the end of a pause is spent awake.
_WAKE_S: Final = 0.0006


def held(unit: int, address: int) -> int:
    """Return the content of register `address` (below 200) of `unit` (below 300)."""
    return unit * 200 + address


class LineSlave:
    """Units 1 to `units`, the last `dead` of them silent; `spoil` hits a share of the replies."""

    def __init__(self, units: int, dead: int, baud: int, spoil: str) -> None:
        self._alive = range(1, units - dead + 1)
        self._character_s = SerialFormat(baud).character_s
        self._spoil = spoil
        self._random = random.Random(1)
        self._framing = SlaveSerialFraming()
        self._free_at = 0.0
        self.requests: list[tuple[float, int, int, int, float]] = []
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.name = os.ttyname(self._slave)

    def serve(self, stop: threading.Event) -> None:
        """Answer until `stop` is set."""
        while not stop.is_set():
            if not select.select([self.master], [], [], 0.05)[0]:
                self._framing.silence()
                continue
            began = monotonic()
            for request in self._framing.feed(os.read(self.master, 512)):
                unit, message = request.address, request.message
                address = int.from_bytes(message[1:3], "big")
                count = int.from_bytes(message[3:5], "big")
                silence = (began - self._free_at) / self._character_s
                self.requests.append((began, unit, address, count, silence))
                if unit in self._alive:
                    self._answer(began, unit, address, count)

    def _answer(self, began: float, unit: int, address: int, count: int) -> None:
        words = b"".join(held(unit, address + offset).to_bytes(2, "big") for offset in range(count))
        frame = serial_frame(unit, bytes((3, 2 * count)) + words)
        if self._spoil == "illegal" and address <= ILLEGAL_REGISTER < address + count:
            frame = serial_frame(unit, b"\x83\x02")
        strikes = self._random.random() < SPOILT_SHARE
        if self._spoil == "crc" and strikes:
            frame = frame[:-1] + bytes((frame[-1] ^ 0x55,))
        late_s = 0.0
        if self._spoil == "late" and strikes:
            late_s = TIMEOUT_S + self._random.uniform(*LATE_S)
        self._free_at = began + TURNAROUND_S + late_s + (8 + len(frame)) * self._character_s
        self._wait_until(self._free_at)
        os.write(self.master, frame)

    def _wait_until(self, at: float) -> None:
        if (pause_s := at - monotonic() - _WAKE_S) > 0:
            select.select([], [], [], pause_s)
        while monotonic() < at:
            pass


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--units", type=int, required=True)
    parser.add_argument("--dead", type=int, default=0)
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument("--spoil", choices=["", "late", "illegal", "crc"], default="")
    options = parser.parse_args()
    slave = LineSlave(options.units, options.dead, options.baud, options.spoil)
    stop = threading.Event()
    serving = threading.Thread(target=slave.serve, args=(stop,))
    serving.start()
    (options.folder / "line").symlink_to(slave.name)
    sys.stdin.read()
    stop.set()
    serving.join()
    (options.folder / "requests.json").write_text(json.dumps(slave.requests))


if __name__ == "__main__":
    main()
