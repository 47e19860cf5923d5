"""One line with its slaves: the delivery that a request leads to. The clock is an argument."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from simulators.live.bus.frames import SERIAL_EXTRA, Request, SlaveFraming
from simulators.live.bus.requests import READS, AddressedUnit, SlaveAnswer, answer
from simulators.live.bus.spoil import Reply, SentReply, Spoiler
from simulators.registers.fields import RegisterRef
from simulators.registers.refusals import ILLEGAL_ADDRESS
from simulators.registers.serial_format import SerialFormat
from simulators.unit.quirks import Quirks

UNPLUGGED_S: Final = 5.0
# The exception of a converter for a unit without an answer, and the time after which it comes.
NO_ANSWER: Final = 0x0B
CONVERTER_S: Final = 0.2


class Slave(AddressedUnit, Protocol):
    """A unit on a line; it may be silent, and is notified of reads."""

    @property
    def silent(self) -> bool:
        """Whether the unit answers nothing at all."""
        ...

    def was_read(self, carried: frozenset[RegisterRef], doubtful: bool) -> None:
        """Take note that a master read the registers `carried`, certainly or doubtfully."""


Slaves = Mapping[int, Slave]


@dataclass(frozen=True, slots=True)
class ReplyDelivery:
    """A reply to send; call `delivered` once it has been sent."""

    sent: SentReply
    slave: Slave | None
    answer: SlaveAnswer

    def delivered(self) -> None:
        """Notify the slave of the read, unless the master cannot have understood the reply."""
        if self.slave is not None and self.sent.reading != "none":
            self.slave.was_read(self.answer.carried, self.sent.reading == "doubtful")


class SimulatedLine:
    """Slaves by address on a wire with the quirks of the line.

    `serial` is the format of the wire; None: replies take no time. `on_pulled` is called with the
    address of the request at which the adapter is pulled out.
    """

    def __init__(
        self,
        slaves: Slaves,
        quirks: Quirks,
        seed: int,
        serial: SerialFormat | None = None,
        on_pulled: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._on_pulled = on_pulled
        self._slaves, self._quirks, self._serial = slaves, quirks, serial
        self._spoiler = Spoiler(quirks, seed)
        self._random = random.Random(seed + 1)
        self._before = b""
        self._heard_s: dict[int, float] = {}
        self._busy_until = float("-inf")

    @property
    def clients(self) -> int | None:
        """The number of TCP connections accepted at a time; None for any number."""
        return int(self._quirks["clients"]) if "clients" in self._quirks else None

    @property
    def idle_close_s(self) -> float | None:
        """The silence after which a TCP connection is closed; None if nobody minds."""
        return self._quirks.get("idle_close")

    def is_pulled_out(self, address: int) -> bool:
        """Whether the adapter is pulled out at this request to `address`, for UNPLUGGED_S."""
        pulled = self._random.random() < self._quirks.get("unplug", 0.0)
        if pulled:
            self._on_pulled(address)
        return pulled

    def ask(self, request: Request, framing: SlaveFraming, now_s: float) -> ReplyDelivery | None:
        """The delivery for `request`, received at monotonic `now_s`; None if nobody answers."""
        unheard = self._only_wakes(request.address, now_s)
        too_soon = now_s - self._busy_until < self._quirks.get("gap", 0.0)
        slave = self._slaves.get(request.address)
        self._busy_until = max(self._busy_until, now_s + self._frame_s(request.message))
        if too_soon or not request.message:
            return None
        if slave is None or slave.silent or unheard:
            return self._for_the_silent(request, framing)
        given = self._given(request.message, slave)
        if given.reply is None:
            return None
        sent = self._spoiler.send(Reply(request, given.reply, framing, self._before))
        self._before = framing.frame(request, given.reply)
        delay_s = (
            sent.delay_s
            + self._exchange_s(request.message, given.reply)
            + self._quirks.get("slow", 0.0)
        )
        self._busy_until = now_s + delay_s
        return ReplyDelivery(replace(sent, delay_s=delay_s), slave, given)

    def _only_wakes(self, address: int, now_s: float) -> bool:
        """Whether the unit at `address` sleeps, so that a request at `now_s` only wakes it."""
        if "asleep" not in self._quirks:
            return False
        heard_s = self._heard_s.get(address, float("-inf"))
        self._heard_s[address] = now_s
        return now_s - heard_s > self._quirks["asleep"]

    def _for_the_silent(self, request: Request, framing: SlaveFraming) -> ReplyDelivery | None:
        """What a converter answers for a unit that does not; None without a converter."""
        if "converter" not in self._quirks:
            return None
        refusal = SlaveAnswer(bytes((request.message[0] | 0x80, NO_ANSWER)))
        sent = SentReply(framing.frame(request, refusal.reply or b""), CONVERTER_S, "none")
        return ReplyDelivery(sent, None, refusal)

    def _given(self, message: bytes, slave: Slave) -> SlaveAnswer:
        share = self._quirks.get("refusals", 0.0) if message[0] in READS else 0.0
        if share and self._random.random() < share:
            return SlaveAnswer(bytes((message[0] | 0x80, ILLEGAL_ADDRESS)))
        return answer(message, slave)

    def _frame_s(self, message: bytes) -> float:
        return 0.0 if self._serial is None else self._serial.frame_s(len(message) + SERIAL_EXTRA)

    def _exchange_s(self, message: bytes, reply: bytes) -> float:
        if self._serial is None:
            return 0.0
        return self._serial.exchange_s(len(message) + SERIAL_EXTRA, len(reply) + SERIAL_EXTRA)
