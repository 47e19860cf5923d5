"""What real lines do to replies (bus-quirks.md, RELIABILITY §1): each quirk strikes a seeded share of them."""

import random
from dataclasses import dataclass
from typing import Final, Literal

Quirk = Literal["late", "crc", "noise", "short", "lost"]
SHARE: Final = 0.05
LATE_S: Final = 2.5  # beyond any sensible time-out


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes on the line after `delay_s`; `reading` says what a master makes of it.

    `certain`: it has the reply; `doubtful`: whether it takes the reply is its own affair; `none`: it cannot have it.
    """

    frame: bytes
    delay_s: float = 0.0
    reading: Literal["certain", "doubtful", "none"] = "certain"


class Line:
    """The quirks of one line, in a repeatable order."""

    def __init__(self, quirks: tuple[Quirk, ...], seed: int) -> None:
        self._quirks = quirks
        self._random = random.Random(seed)

    def send(self, frame: bytes) -> Sent:
        """`frame` after at most one quirk has struck."""
        for quirk in self._quirks:
            if self._random.random() < SHARE:
                return self._strike(quirk, frame)
        return Sent(frame)

    def _strike(self, quirk: Quirk, frame: bytes) -> Sent:
        match quirk:
            case "late":
                return Sent(frame, LATE_S, "doubtful")
            case "crc":
                return Sent(frame[:-1] + bytes((frame[-1] ^ 0x55,)), reading="none")
            case "noise":
                return Sent(bytes((self._random.randrange(256),)) + frame, reading="doubtful")
            case "short":
                return Sent(frame[: len(frame) // 2], reading="none")
            case "lost":
                return Sent(b"", reading="none")
