"""Registers that a unit gets before it is read, such as one that enables its control."""

from collections.abc import Mapping
from time import monotonic
from typing import Final

from configuration.outage_log import OutageLog
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import WriteRequest
from gateway_agent.logs import EventLog
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.fields import Key
from gateway_agent.profile.writes import ConnectWrite

_TRIES: Final = 3
# Contents that a unit does not keep are written no more often than this: its memory wears out.
_AGAIN_S: Final = 600.0

_log = EventLog(__name__)


class OnConnect:
    """Writes `on_connect` of one unit's profile: before its first read, and when it was lost.

    A profile whose `on_connect` touches a denied register does not load, so none is written here.
    Every method that writes raises LineDown.
    """

    def __init__(self, unit: PolledUnit) -> None:
        self._unit = unit
        self._greeted = False
        self._refused = False
        self._not_before_s = 0.0
        self._outage = OutageLog(_log, "on_connect_lost", "on_connect_holds")

    def begin(self, bus: Bus) -> None:
        """Write everything once, unless that was done since the unit began to answer.

        A silent unit costs one time-out.
        """
        if not self._greeted:
            self._greeted = True
            self._not_before_s = 0.0
            self._write(bus, silences=1)

    def away(self) -> None:
        """The unit was silent: it may have lost its power, and with it what was written."""
        self._greeted = False

    def restore(self, bus: Bus, registers: Mapping[Key, int]) -> bool:
        """Write everything again if `registers`, just read, show it lost; whether it was written.

        Then `registers` are those of a unit without it.
        """
        holds = self._holds(registers)
        if holds and not self._refused:
            self._outage.back(unit=self._unit.name)
            self._not_before_s = 0.0
        if (holds is not False and not self._refused) or monotonic() < self._not_before_s:
            return False
        self._not_before_s = monotonic() + _AGAIN_S
        self._outage.lost("refused" if self._refused else "lost", unit=self._unit.name)
        self._write(bus, silences=_TRIES)
        return True

    def _holds(self, registers: Mapping[Key, int]) -> bool | None:
        """Whether the unit still has everything; None if `registers` do not show it."""
        verified = [write.written for write in self._unit.profile.on_connect if write.verify]
        shown = [
            registers[key] == content
            for contents in verified
            for key, content in contents.items()
            if key in registers
        ]
        return all(shown) if shown else None

    def _write(self, bus: Bus, silences: int) -> None:
        """Write everything in order; stop at a write that gets no answer `silences` times."""
        self._refused = False
        for write in self._unit.profile.on_connect:
            code = self._refusal(bus, write, silences)
            if code is None:
                continue
            self._refused = True
            if code == "write_unconfirmed":
                return
            _log.warning(
                "on_connect_write_refused",
                unit=self._unit.name,
                table=write.table,
                address=write.address,
                value=write.contents,
                code=code,
            )

    def _refusal(self, bus: Bus, write: ConnectWrite, silences: int) -> str | None:
        """The reply code of the last failure, or None once the unit has confirmed the write."""
        limits = self._unit.profile.read
        request = WriteRequest(write.function, write.address, tuple(write.contents))
        pacing_s, timeout_s = limits.pacing_ms / 1_000, limits.timeout_ms / 1_000
        codes: list[str] = []
        while len(codes) < _TRIES and codes.count("write_unconfirmed") < silences:
            try:
                bus.write(self._unit.address, request, pacing_s, timeout_s)
            except ReplyError as error:
                codes.append(error.code)
            else:
                return None
        return codes[-1]
