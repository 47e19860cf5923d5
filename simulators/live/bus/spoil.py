"""Damage to replies on real lines; each quirk strikes a seeded share of them.

Sources: docs/domain/bus-quirks.md, reliability §1.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from simulators.live.bus.frames import Request, SlaveFraming, serial_frame
from simulators.unit.quirks import Quirks

LATE_S: Final = 2.5  # beyond any sensible time-out
# The time that a unit thinks behind an echo or a stray byte: longer than the pauses inside a frame
# that a gateway bears, on a serial line and behind a serial server.
THINKS_S: Final = 0.3
_FOREIGN_QUESTION: Final = bytes.fromhex("0300000002")
_FOREIGN_ANSWER: Final = bytes.fromhex("030400000000")


@dataclass(frozen=True, slots=True)
class SentReply:
    """The bytes `frame` sent after `delay_s`, and the `reading` that a master makes of them.

    The bytes `ahead` are sent at once.

    `certain`: the master has the reply. `doubtful`: it may accept the reply or not. `none`: it
    cannot have the reply.
    """

    frame: bytes
    delay_s: float = 0.0
    reading: Literal["certain", "doubtful", "none"] = "certain"
    ahead: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply before it is sent; `before` is the previous frame on the line."""

    request: Request
    message: bytes
    framing: SlaveFraming
    before: bytes

    @property
    def frame(self) -> bytes:
        """The undamaged frame of the reply."""
        return self.framing.frame(self.request, self.message)


NOTHING: Final = SentReply(b"", reading="none")


class Spoiler:
    """The damage on one line, in a repeatable order."""

    def __init__(self, quirks: Quirks, seed: int) -> None:
        self._shares = {name: quirks[name] for name in SPOILERS if name in quirks}
        self._random = random.Random(seed)

    def send(self, reply: Reply) -> SentReply:
        """`reply` after at most one quirk.

        A Modbus TCP gateway drops replies that were damaged on its serial side.
        """
        for name, share in self._shares.items():
            if self._random.random() < share:
                sent = SPOILERS[name](reply, self._random)
                passes = reply.framing.checked or name in ("late", "mixed_streams")
                return sent if passes else NOTHING
        return SentReply(reply.frame)


def _late(reply: Reply, choose: random.Random) -> SentReply:
    return SentReply(reply.frame, LATE_S, "doubtful")


def _short(reply: Reply, choose: random.Random) -> SentReply:
    return SentReply(reply.frame[: len(reply.frame) // 2], reading="none")


def _crc(reply: Reply, choose: random.Random) -> SentReply:
    frame = reply.frame
    return SentReply(frame[:-1] + bytes((frame[-1] ^ 0x55,)), reading="none")


def _noise(reply: Reply, choose: random.Random) -> SentReply:
    return SentReply(reply.frame, THINKS_S, "doubtful", ahead=choose.randbytes(1))


def _lost(reply: Reply, choose: random.Random) -> SentReply:
    return NOTHING


def _wrong_device(reply: Reply, choose: random.Random) -> SentReply:
    other = replace(reply.request, address=reply.request.address % 247 + 1)
    return SentReply(reply.framing.frame(other, reply.message), reading="none")


def _wrong_function(reply: Reply, choose: random.Random) -> SentReply:
    other = bytes((reply.message[0] ^ 0b111,)) + reply.message[1:]
    return SentReply(reply.framing.frame(reply.request, other), reading="none")


def _echo(reply: Reply, choose: random.Random) -> SentReply:
    echo = serial_frame(reply.request.address, reply.request.message)
    return SentReply(reply.frame, THINKS_S, "doubtful", ahead=echo)


def _second_master(reply: Reply, choose: random.Random) -> SentReply:
    """A foreign question and answer before the reply, or a collision of both, which is neither."""
    address = reply.request.address
    foreign = serial_frame(address, _FOREIGN_QUESTION) + serial_frame(address, _FOREIGN_ANSWER)
    if choose.random() < 0.5:
        return SentReply(foreign + reply.frame, reading="doubtful")
    return SentReply(
        bytes(ours & theirs for ours, theirs in zip(reply.frame, foreign, strict=False)),
        reading="none",
    )


def _mixed_streams(reply: Reply, choose: random.Random) -> SentReply:
    return SentReply(reply.before + reply.frame, reading="doubtful")


SPOILERS: Final[Mapping[str, Callable[[Reply, random.Random], SentReply]]] = MappingProxyType(
    {
        "late": _late,
        "short": _short,
        "crc": _crc,
        "noise": _noise,
        "lost": _lost,
        "wrong_device": _wrong_device,
        "wrong_function": _wrong_function,
        "echo": _echo,
        "second_master": _second_master,
        "mixed_streams": _mixed_streams,
    }
)
"""The damage of each quirk, by its name in the catalogue."""
