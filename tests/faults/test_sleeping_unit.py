"""A unit whose first question only wakes it is read again as soon as its power is back."""

from time import monotonic

import pytest

from gateway_agent.polling.quarantine import QUARANTINE_AFTER
from tests.faults.conftest import FaultRecord
from tests.faults.edge import SweptLine
from tests.gateway_agent.slaves import Sending
from tests.servers import wait_until

AWAKE_S = 0.25


@pytest.mark.fault("11.A7")
def test_a_unit_that_a_question_has_to_wake_leaves_quarantine(fault_record: FaultRecord) -> None:
    heard_at = float("-inf")

    def misbehave(request: bytes, reply: bytes) -> list[Sending]:
        nonlocal heard_at
        sleeps = request[0] == 2 and monotonic() - heard_at > AWAKE_S
        heard_at = monotonic() if request[0] == 2 else heard_at
        return [] if sleeps else [(0.0, reply)]

    with SweptLine(count=2, misbehave=misbehave) as swept:
        swept.units.dead = {2}
        swept.sweep(QUARANTINE_AFTER)
        assert swept.line.quarantined == 1
        swept.units.dead = set()
        began = monotonic()
        wait_until(lambda: any(reading.device == "unit-2" for reading in swept.sweep()), 10)
        fault_record["trials"] = 1
        fault_record["blind_s"] = round(monotonic() - began, 1)
        assert swept.line.quarantined == 0
