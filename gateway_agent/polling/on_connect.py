"""Registers written when a unit begins to answer, such as one that enables control."""

from typing import Final

from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import WriteRequest
from gateway_agent.logs import EventLog
from gateway_agent.polling.unit import PolledUnit

_TRIES: Final = 3

_log = EventLog(__name__)


def write_on_connect(unit: PolledUnit, bus: Bus) -> None:
    """Write `on_connect` of the unit's profile, in order; log each refused write. Raises LineDown.

    A profile whose `on_connect` touches a denied register does not load, so none is written here.
    """
    for assignment in unit.profile.on_connect:
        request = WriteRequest(assignment.function, assignment.address, (assignment.value,))
        code = _refusal(unit, bus, request)
        if code is not None:
            _log.warning(
                "on_connect_write_refused",
                unit=unit.name,
                table=assignment.table,
                address=assignment.address,
                value=assignment.value,
                code=code,
            )


def _refusal(unit: PolledUnit, bus: Bus, request: WriteRequest) -> str | None:
    """The reply code of the last failure, or None once the unit has confirmed the write."""
    limits = unit.profile.read
    code = None
    for _ in range(_TRIES):
        try:
            bus.write(unit.address, request, limits.pacing_ms / 1_000, limits.timeout_ms / 1_000)
        except ReplyError as error:
            code = error.code
        else:
            return None
    return code
