"""One unit on a bus: read the registers of a visit, and learn the limits of this very unit."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gateway_agent.bus.address import LineAddress
from gateway_agent.bus.modbus import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    Bus,
    ReplyError,
)
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.polling.cadence import Visit
from gateway_agent.polling.visit_plan import Learnt, plan_visits, without_silent
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

# Exceptions about the block asked for; a smaller one may succeed.
_ABOUT_THE_BLOCK: Final = (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)
# No usable answer: none came, or a late one could not be told apart from it.
_SILENCE: Final = ("no_reply", "stale_reply")
# A unit that is silent to this many questions and answers none is given up until the next visit.
_SILENT_BLOCKS: Final = 2
# How often a block is asked for in one visit; after a silence only behind all other blocks.
_QUESTIONS: Final = 2
# A block unanswered in this many visits in a row, while others were answered, is refused in silence
# (bus-quirks row 1). With two questions a visit, a line that loses 5 % of its replies makes that
# of a good block once in 60 million visits.
_REFUSED_AFTER: Final = 3


class NoAnswer(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The unit answered nothing; `code` is the reply code of the last question."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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
    _unanswered: Counter[ReadRequest] = field(default_factory=Counter)
    _first_block: int = 0

    def __post_init__(self) -> None:
        self.plans = plan_visits(self.profile, self.line, self.learnt)

    @property
    def probe_s(self) -> float:
        """The longest time in seconds that a probe takes: a question, before it `on_connect`."""
        exchange_s = self.profile.read.timeout_ms / 1_000 + self.profile.read.pacing_ms / 1_000
        return 2 * exchange_s if self.profile.on_connect else exchange_s

    def read(self, bus: Bus, visit: Visit = "read_all", probe: bool = False) -> dict[Key, int]:
        """Every register of the visit that could be read, by its key.

        `probe` gives the unit up after one unanswered question. Raises NoAnswer if no register
        could be read, and LineDown.
        """
        before = self.learnt
        registers, silent, code = self._ask_blocks(bus, visit, 1 if probe else _SILENT_BLOCKS)
        if not registers:
            # A controller that starts up refuses everything; that teaches nothing about a register.
            code = "device_exception" if self.learnt.illegal > before.illegal else code
            self.learnt = before
            self._first_block += max(1, len(silent))
            raise NoAnswer(code)
        self._learn_from_silence(
            request for request, times in silent.items() if times == _QUESTIONS
        )
        if self.learnt != before:
            self.plans = plan_visits(self.profile, self.line, self.learnt)
        return registers

    def _ask_blocks(
        self, bus: Bus, visit: Visit, most_silent: int
    ) -> tuple[dict[Key, int], Counter[ReadRequest], str]:
        """The registers read, the silences by block, and the reply code of the last failure.

        Stops early once `most_silent` questions had no answer and none had one.
        """
        registers: dict[Key, int] = {}
        silent: Counter[ReadRequest] = Counter()
        waiting = deque(self._in_order(visit))
        code = "no_reply"
        while waiting and (registers or silent.total() < most_silent):
            request = waiting.popleft()
            try:
                registers |= self._block(bus, request)
                self._unanswered.pop(request, None)
            except ReplyError as error:
                code = error.code
                if code in _SILENCE:
                    silent[request] += 1
                    if silent[request] < _QUESTIONS:
                        waiting.append(request)
        return registers, silent, code

    def _in_order(self, visit: Visit) -> Sequence[ReadRequest]:
        """The blocks of the visit; those unanswered last time come last.

        So one silent block does not pass for a dead unit. A unit given up is asked for other blocks
        next time, in case it refuses the first ones.
        """
        requests = self.plans[visit]
        first = self._first_block % max(1, len(requests))
        return sorted(
            [*requests[first:], *requests[:first]], key=lambda request: request in self._unanswered
        )

    def _learn_from_silence(self, silent: Iterable[ReadRequest]) -> None:
        for request in silent:
            self._unanswered[request] += 1
            if self._unanswered[request] >= _REFUSED_AFTER:
                del self._unanswered[request]
                self.learnt = without_silent(self.learnt, request, self.profile)

    def _block(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        """The registers of `request` but those found illegal; raises ReplyError without a reply."""
        try:
            return self._ask(bus, request)
        except ReplyError as error:
            if error.exception not in _ABOUT_THE_BLOCK or self.profile.read.frames:
                raise
        if request.count == 1:
            self._learn(illegal=self.learnt.illegal | set(request.keys))
            return {}
        return self._halves(bus, request)

    def _halves(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        before = self.learnt.illegal
        registers: dict[Key, int] = {}
        half = (request.count + 1) // 2
        for offset, count in ((0, half), (half, request.count - half)):
            part = ReadRequest(request.table, request.address + offset, count)
            try:
                registers |= self._block(bus, part)
            except ReplyError:
                continue
        if len(registers) == request.count and self.learnt.illegal == before:
            # Nothing in it is illegal: the block was only too long for this firmware.
            self._learn(longest=min(half, self.learnt.longest or half))
        return registers

    def _learn(self, **limits: Any) -> None:
        self.learnt = replace(self.learnt, **limits)

    def _ask(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        """The registers of `request`; after a spoilt reply it is asked once more."""
        try:
            return self._ask_once(bus, request)
        except ReplyError as error:
            if error.code in _SILENCE or error.exception in _ABOUT_THE_BLOCK:
                raise
        return self._ask_once(bus, request)

    def _ask_once(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        limits = self.profile.read
        contents = bus.read(
            self.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000
        )
        return dict(zip(request.keys, contents, strict=True))
