"""Devices off every birth: kept for a day, then let go, with their alerts cleared under a name."""

import pytest

from alerts.core.absence import RETIRE_AFTER_MS, Absence
from alerts.core.district import District
from tests.alerts.messages import birth_message, telemetry_message
from tests.rules.shipped import shipped_rules
from wire.messages import Reading, Telemetry
from wire.topics import GatewayPath

NOW = 1_763_740_000_000
HERE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
THERE = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")


def test_a_device_is_given_once_after_a_day_without_a_birth_or_a_reading() -> None:
    absence = Absence()
    absence.announced([], ["a", "b"], NOW)
    absence.announced(["a", "b"], ["b"], NOW)
    absence.heard("a", NOW + 5)
    absence.heard("b", NOW + 5)
    assert absence.retire(NOW + RETIRE_AFTER_MS) == []
    assert absence.retire(NOW + RETIRE_AFTER_MS + 5) == ["a"]
    assert absence.retire(NOW + 2 * RETIRE_AFTER_MS) == []


@pytest.mark.parametrize("moved", [True, False])
def test_a_fault_of_a_device_that_left_clears_after_a_day_unless_another_gateway_has_it(
    moved: bool,
) -> None:
    district = District(shipped_rules(), NOW)
    district.receive(birth_message(HERE, NOW, "a", "b"), NOW)
    telemetry = Telemetry(1, "e", 1, NOW, 30, [Reading("a", NOW, "heating", ["fan:E8"], {})])
    district.receive(telemetry_message(HERE, telemetry), NOW)
    decided = district.take_round(NOW).decided
    assert [decision.transition.edge for decision in decided] == ["raise"]
    if moved:
        district.receive(birth_message(THERE, NOW, "a"), NOW + 1)
    district.receive(birth_message(HERE, NOW, "b"), NOW + 2)
    a_day_later = NOW + 2 + RETIRE_AFTER_MS
    district.tick(a_day_later)
    changes = [decision.transition for decision in district.take_round(a_day_later).decided]
    faults = [(one.subject, one.edge, one.reason) for one in changes if one.rule == "fault"]
    assert faults == ([] if moved else [("a", "clear", "no_longer_announced")])
