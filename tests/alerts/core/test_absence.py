"""Devices off every birth: kept for a day, then let go, with their alerts cleared under a name."""

import pytest

from alerts.core.absence import RETIRE_AFTER_MS, Absence
from alerts.core.evaluation import Evaluation
from tests.rules.shipped import shipped_rules
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.topics import GatewayPath

NOW = 1_763_740_000_000
HERE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
THERE = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")


def birth(*devices: str) -> Status:
    return Status(
        True,
        NOW,
        "e",
        "test",
        30.0,
        [AnnouncedDevice(name, "midea-mthermal", "b", 1) for name in devices],
    )


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
    evaluation = Evaluation(shipped_rules(), NOW)
    evaluation.born(HERE, birth("a", "b"), False, NOW)
    telemetry = Telemetry(1, "e", 1, NOW, 30, [Reading("a", NOW, "heating", ["fan:E8"], {})])
    heard = evaluation.hear(HERE, telemetry, NOW)
    assert [one.transition.edge for one in evaluation.observe(heard.accepted, NOW)] == ["raise"]
    if moved:
        evaluation.born(THERE, birth("a"), False, NOW + 1)
    evaluation.born(HERE, birth("b"), False, NOW + 2)
    told = [one.transition for one in evaluation.step(NOW + 2 + RETIRE_AFTER_MS)]
    faults = [(one.subject, one.edge, one.reason) for one in told if one.rule == "fault"]
    assert faults == ([] if moved else [("a", "clear", "no_longer_announced")])
