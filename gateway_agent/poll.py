"""One unit on a bus: read what its profile wants, and learn what this very unit cannot bear."""

from dataclasses import dataclass, field
from typing import Final

from gateway_agent.bus import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Bus, ReplyError
from gateway_agent.line import LineAddress
from gateway_agent.plan import ReadRequest, plan_reads
from gateway_agent.profile import Key, Profile

# Exceptions that speak about the block asked for, so that a smaller one may succeed.
_ABOUT_THE_BLOCK: Final = (ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE)


class NoAnswer(Exception):  # noqa: N818  a state of the unit, not a mistake of ours
    """The unit answered nothing; `code` is what came of the last question."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Unit:
    """One heat pump at `address` of a line, and what was learnt about it: illegal registers, longest block."""

    name: str
    address: int
    profile: Profile
    line: LineAddress
    illegal: set[Key] = field(default_factory=set)
    longest: int | None = None
    requests: list[ReadRequest] = field(init=False)

    def __post_init__(self) -> None:
        self._plan()

    @property
    def probe_s(self) -> float:
        """The longest time in seconds one unanswered question takes."""
        return self.profile.read.timeout_ms / 1_000 + self.profile.read.pacing_ms / 1_000

    def read(self, bus: Bus, probe: bool = False) -> dict[Key, int]:
        """Every register that could be read; `probe` asks only once before giving the unit up.

        Raises NoAnswer where there is nothing to tell, and LineDown.
        """
        registers: dict[Key, int] = {}
        known = set(self.illegal), self.longest
        code = "no_reply"
        for number, request in enumerate(self.requests):
            try:
                registers |= self._block(bus, request, tries=1 if probe and number == 0 else 2)
            except ReplyError as error:
                code = error.code
                if number == 0 and code == "no_reply":
                    break
        if not registers:
            # A controller that is starting up refuses everything; that says nothing about single registers.
            code = "device_exception" if self.illegal > known[0] else code
            self.illegal, self.longest = known
            raise NoAnswer(code)
        if known != (self.illegal, self.longest):
            self._plan()
        return registers

    def _plan(self) -> None:
        limits = self.profile.read
        if self.longest is not None:
            limits = limits.model_copy(update={"max_registers": self.longest})
        self.requests = plan_reads(self.profile.spans(), limits, self.line, self.illegal)

    def _block(self, bus: Bus, request: ReadRequest, tries: int) -> dict[Key, int]:
        """The registers of `request`, less those found illegal; raises ReplyError where nothing came at all."""
        try:
            return self._ask(bus, request, tries)
        except ReplyError as error:
            if error.exception not in _ABOUT_THE_BLOCK:
                raise
        if request.count == 1:
            self.illegal.update(request.keys)
            return {}
        return self._halves(bus, request, tries)

    def _halves(self, bus: Bus, request: ReadRequest, tries: int) -> dict[Key, int]:
        known = len(self.illegal)
        registers: dict[Key, int] = {}
        half = (request.count + 1) // 2
        for offset, count in ((0, half), (half, request.count - half)):
            part = ReadRequest(request.table, request.address + offset, count)
            try:
                registers |= self._block(bus, part, tries)
            except ReplyError:
                continue
        if len(registers) == request.count and len(self.illegal) == known:
            # Nothing in it is illegal: the block was only too long for this firmware.
            self.longest = min(half, self.longest or half)
        return registers

    def _ask(self, bus: Bus, request: ReadRequest, tries: int) -> dict[Key, int]:
        limits = self.profile.read
        while True:
            tries -= 1
            try:
                contents = bus.read(self.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000)
                return dict(zip(request.keys, contents, strict=True))
            except ReplyError as error:
                if tries <= 0 or error.exception in _ABOUT_THE_BLOCK:
                    raise
