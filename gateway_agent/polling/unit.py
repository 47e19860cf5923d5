"""One unit on a bus: read what its profile wants, and learn what this very unit cannot bear."""

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
from gateway_agent.bus.read_plan import ReadRequest, keys_of, plan_reads
from gateway_agent.polling.cadence import Visit
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile

# Exceptions that speak about the block asked for, so that a smaller one may succeed.
_ABOUT_THE_BLOCK: Final = (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)
# No answer to be had: none came, or a late one could not have been told from it.
_SILENCE: Final = ("no_reply", "stale_reply")
# A unit that was silent to so many questions and answered none is given up until the next visit.
_SILENT_BLOCKS: Final = 2
# How often a block is asked for in one visit; after a silence only when the other blocks have had
# their turn.
_QUESTIONS: Final = 2
# A block unanswered in this many visits running, while others were answered, is refused in silence
# (bus-quirks row 1). With two questions a visit, a line that loses 5 % of replies makes that of a
# good block once in 60 million visits.
_REFUSED_AFTER: Final = 3


class NoAnswer(Exception):  # noqa: N818 - a state or an answer, not a mistake of ours
    """The unit answered nothing; `code` is what came of the last question."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a unit cannot bear: illegal registers, blocks above `longest`, blocks across
    `borders`."""

    illegal: frozenset[Key] = frozenset()
    longest: int | None = None
    borders: frozenset[Key] = frozenset()


@dataclass(slots=True)
class PolledUnit:
    """One heat pump at `address` of a line, what was learnt about it, and the requests of each kind
    of visit."""

    name: str
    address: int
    profile: Profile
    line: LineAddress
    learnt: Learnt = Learnt()
    plans: dict[Visit, list[ReadRequest]] = field(init=False)
    _unanswered: Counter[ReadRequest] = field(default_factory=Counter)
    _turned: int = 0

    def __post_init__(self) -> None:
        self.plans = plan_visits(self.profile, self.line, self.learnt)

    @property
    def probe_s(self) -> float:
        """The longest time in seconds one unanswered question takes."""
        return self.profile.read.timeout_ms / 1_000 + self.profile.read.pacing_ms / 1_000

    def read(self, bus: Bus, visit: Visit = "read_all", probe: bool = False) -> dict[Key, int]:
        """Every register of the visit that could be read; `probe` asks only once before giving the
        unit up.

        Raises NoAnswer where there is nothing to tell, and LineDown.
        """
        before = self.learnt
        registers: dict[Key, int] = {}
        silent: Counter[ReadRequest] = Counter()
        waiting = deque(self._in_order(visit))
        code = "no_reply"
        while waiting and (registers or silent.total() < (1 if probe else _SILENT_BLOCKS)):
            request = waiting.popleft()
            try:
                registers |= self._block(bus, request)
                self._unanswered.pop(request, None)
            except ReplyError as error:
                code = error.code
                if code in _SILENCE:
                    silent[request] += 1
                    waiting += [request] * (silent[request] < _QUESTIONS)
        if not registers:
            # A controller that is starting up refuses everything; that says nothing about single
            # registers.
            code = "device_exception" if self.learnt.illegal > before.illegal else code
            self.learnt = before
            self._turned += max(1, len(silent))
            raise NoAnswer(code)
        self._learn_from_silence(
            request for request, times in silent.items() if times == _QUESTIONS
        )
        if self.learnt != before:
            self.plans = plan_visits(self.profile, self.line, self.learnt)
        return registers

    def _in_order(self, visit: Visit) -> Sequence[ReadRequest]:
        """What answered last time first, so that one silent block is not taken for a dead unit.

        A unit given up is asked for other blocks each time, in case the first are those it refuses.
        """
        requests = self.plans[visit]
        first = self._turned % max(1, len(requests))
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
        """The registers of `request`, less those found illegal; raises ReplyError where nothing
        came at all."""
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

    def _learn(self, **found: Any) -> None:
        self.learnt = replace(self.learnt, **found)

    def _ask(self, bus: Bus, request: ReadRequest) -> dict[Key, int]:
        """The registers of `request`; a spoilt reply is asked for once more."""
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


def plan_visits(
    profile: Profile, line: LineAddress, learnt: Learnt = Learnt()
) -> dict[Visit, list[ReadRequest]]:
    """The requests of each kind of visit to a unit of this profile on `line`, by what was learnt
    about the unit."""
    limits = profile.read
    if learnt.longest is not None:
        limits = limits.model_copy(update={"max_registers": learnt.longest})
    look = {key for span in profile.status_spans() for key in keys_of(span)}
    # A look keeps to its own registers: a measured value that was read is a value to be reported.
    measured = {key for span in profile.spans() for key in keys_of(span)} - look
    closed = learnt.illegal if limits.frames else learnt.illegal | measured
    return {
        "look": plan_reads(profile.status_spans(), limits, line, closed, learnt.borders),
        "read": plan_reads(
            profile.spans(without=limits.slow), limits, line, learnt.illegal, learnt.borders
        ),
        "read_all": plan_reads(profile.spans(), limits, line, learnt.illegal, learnt.borders),
    }


def without_silent(learnt: Learnt, request: ReadRequest, profile: Profile) -> Learnt:
    """What to believe after a unit was silent to `request` for good: cut it in two, or give up its
    only value."""
    starts = [address for (table, address), _ in profile.spans() if table == request.table]
    inside = [
        address for address in starts if request.address < address < request.address + request.count
    ]
    if not inside or profile.read.frames:
        return replace(learnt, illegal=learnt.illegal | set(request.keys), borders=frozenset())
    middle = request.address + request.count / 2
    cut = min(inside, key=lambda address: (abs(address - middle), address))
    ends = (request.address, cut, request.address + request.count)
    return replace(learnt, borders=learnt.borders | {(request.table, address) for address in ends})
