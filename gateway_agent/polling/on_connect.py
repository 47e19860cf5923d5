"""What a profile wants written to a unit when it begins to answer, such as a register that enables
control."""

import logging
from typing import Final

from gateway_agent.bus.modbus import Bus, ReplyError, WriteRequest
from gateway_agent.polling.unit import PolledUnit

_TRIES: Final = 3

_log = logging.getLogger(__name__)


def greet(unit: PolledUnit, bus: Bus) -> None:
    """Write `on_connect` of the unit's profile, in order; says in the log what the unit did not
    take. Raises LineDown.

    Loading a profile refuses one whose `on_connect` touches what it denies, so nothing denied is
    written here.
    """
    for place in unit.profile.on_connect:
        request = WriteRequest(place.function, place.address, (place.value,))
        code = _refusal(unit, bus, request)
        if code is not None:
            where = f"{place.table} {place.address} = {place.value}"
            _log.warning(
                "unit %s did not take %s as it began to answer (%s)", unit.name, where, code
            )


def _refusal(unit: PolledUnit, bus: Bus, request: WriteRequest) -> str | None:
    """The code of the last failure, or None once the unit confirmed the write."""
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
