"""One unit on a bus: read the registers of a visit, and learn the limits of this very unit."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Bus,
    ReplyError,
)
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.limits.doubts import Doubts, Refusals
from gateway_agent.limits.learnt import Learnt
from gateway_agent.polling.cadence import Visit
from gateway_agent.polling.visit_plan import plan_again, plan_visits
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

# Exceptions about the block asked for; a smaller one may succeed.
_ABOUT_THE_BLOCK: Final = (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)
# No usable answer: none came, or a late one could not be told apart from it, or another unit's.
_SILENCE: Final = ("no_reply", "stale_reply", "unexpected_device")
# A unit that is silent to this many questions and answers none is given up until the next visit.
# Not fewer, also of a unit asked rarely: the first question may only wake it.
_SILENT_BLOCKS: Final = 2
# How often a block is asked for in one visit; after a silence only behind all other blocks.
_QUESTIONS: Final = 2
# Seconds until a unit is asked again for what it has refused. With the few readings that the
# questions take, everything that answers again is back within ten minutes.
ASK_AGAIN_S: Final = 480.0


class NoAnswer(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The unit answered nothing; `reason` is the last failure, with its number."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class PolledUnit:
    """One heat pump at `address` of a line, its learnt limits, and the requests of each visit.

    `meter` is what measures it at another address of the line.
    """

    name: str
    address: int
    profile: Profile
    line: LineAddress
    meter: "PolledUnit | None" = None
    learnt: Learnt = field(default_factory=Learnt)
    plans: dict[Visit, list[ReadRequest]] = field(init=False)
    _doubts: Doubts = field(default_factory=Doubts)
    _again: deque[ReadRequest] = field(default_factory=deque)
    _again_at_s: float = inf
    _first_block: int = 0

    def __post_init__(self) -> None:
        self.plans = plan_visits(self.profile, self.line, self.learnt)

    @property
    def probe_s(self) -> float:
        """The longest time in seconds of a probe: its questions, before them `on_connect`."""
        exchange_s = (self.profile.read.timeout_ms + self.profile.read.pacing_ms) / 1_000
        questions = _SILENT_BLOCKS + 1 if self.profile.on_connect else _SILENT_BLOCKS
        return questions * exchange_s

    def ask_again(self) -> None:
        """Ask for all that the unit has refused with its next reading."""
        self._again_at_s = -inf

    def remind(self, now_s: float) -> None:
        """Take note of the monotonic time: what has been refused for long is asked again."""
        if not self.learnt.in_force:
            self._again.clear()
        elif now_s >= self._again_at_s:
            self._again = deque(plan_again(self.profile, self.line, self.learnt))
            if not self._again:  # the borders left lie where the blocks end anyway
                self._limit(Learnt())
        else:
            return
        self._again_at_s = now_s + ASK_AGAIN_S

    def read(self, bus: Bus, visit: Visit = "read_all") -> dict[Key, int]:
        """Every register of the visit that could be read, by its key.

        Raises NoAnswer if no register could be read, and LineDown.
        """
        seen = Refusals()
        registers, silences = self._ask_blocks(bus, visit, seen)
        if not registers:
            # A controller that starts up refuses everything; that teaches nothing about a register.
            self._first_block += max(1, len(silences))
            self.ask_again()
            raise NoAnswer(seen.last_failure)
        seen.silent = {request for request, times in silences.items() if times == _QUESTIONS}
        self._limit(self._doubts.weigh(self.learnt, seen, self.profile))
        # A status poll keeps to its own registers: a measured value, once read, has to be reported.
        return registers if visit == "status_poll" else registers | self._ask_refused(bus)

    def _ask_blocks(
        self, bus: Bus, visit: Visit, seen: Refusals
    ) -> tuple[dict[Key, int], Counter[ReadRequest]]:
        """The registers read, and the silences by block; `seen` gets the refusals.

        Stops early once two blocks had no answer, or failed in the unit, and none was read.
        """
        registers: dict[Key, int] = {}
        silences: Counter[ReadRequest] = Counter()
        waiting, failed = deque(self._in_order(visit)), 0
        while waiting and (registers or silences.total() + failed < _SILENT_BLOCKS):
            request = waiting.popleft()
            try:
                registers |= self._block(bus, request, seen)
            except ReplyError as error:
                if error.code in _SILENCE:
                    silences[request] += 1
                    if silences[request] < _QUESTIONS:
                        waiting.append(request)
                elif error.exception is not None:
                    failed += 1
        return registers, silences

    def _in_order(self, visit: Visit) -> Sequence[ReadRequest]:
        """The blocks of the visit; those unanswered last time come last.

        So one silent block does not pass for a dead unit. A unit given up is asked for other blocks
        next time, in case it refuses the first ones.
        """
        requests = self.plans[visit]
        first = self._first_block % max(1, len(requests))
        return sorted([*requests[first:], *requests[:first]], key=self._doubts.was_silent)

    def _block(self, bus: Bus, request: ReadRequest, seen: Refusals) -> dict[Key, int]:
        """The registers of `request` but those refused; raises ReplyError without a reply."""
        try:
            registers = self._ask(bus, request)
        except ReplyError as error:
            seen.last_failure = str(error)
            if error.exception not in _ABOUT_THE_BLOCK or self.profile.read.frames:
                raise
        else:
            seen.answered.append(request)
            return registers
        if request.count == 1:
            seen.refused.update(request.keys)
            return {}
        return self._halves(bus, request, seen)

    def _halves(self, bus: Bus, request: ReadRequest, seen: Refusals) -> dict[Key, int]:
        registers: dict[Key, int] = {}
        half = (request.count + 1) // 2
        for offset, count in ((0, half), (half, request.count - half)):
            part = ReadRequest(request.table, request.address + offset, count)
            try:
                registers |= self._block(bus, part, seen)
            except ReplyError:
                continue
        if len(registers) == request.count:
            # Nothing in it is refused: the block was only too long for this firmware.
            seen.too_long.add((request.table, request.address + half))
        return registers

    def _ask_refused(self, bus: Bus) -> dict[Key, int]:
        """The registers of refused questions that are answered now.

        At a silence the other questions wait for the next reading, because each may take as long.
        After an answer all are asked once more, because a block may now be whole again.
        """
        registers: dict[Key, int] = {}
        while self._again:
            request = self._again.popleft()
            try:
                registers |= self._ask_once(bus, request)
            except ReplyError as error:
                if error.code in _SILENCE:
                    break
            else:
                self._limit(self.learnt.taken_back(request))
                self.ask_again()
        return registers

    def _limit(self, learnt: Learnt) -> None:
        if learnt != self.learnt:
            self.learnt = learnt
            self.plans = plan_visits(self.profile, self.line, learnt)

    def _ask(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        """The registers of `request`.

        It is asked once more after a spoilt reply, and if a single register is refused.
        """
        try:
            return self._ask_once(bus, request)
        except ReplyError as error:
            can_be_split = error.exception in _ABOUT_THE_BLOCK and request.count > 1
            if error.code in _SILENCE or can_be_split:
                raise
        return self._ask_once(bus, request)

    def _ask_once(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        limits = self.profile.read
        contents = bus.read(
            self.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000
        )
        return dict(zip(request.keys, contents, strict=True))
