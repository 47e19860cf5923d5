"""A rule that fails at one device's reading costs that device's reading for that rule alone."""

from collections.abc import Iterable
from typing import Any

from rules.engine.engine import Engine
from rules.readings.batch import Batch
from rules.watches.watch import Edge
from tests.rules.shipped import PLACE, T0, shipped
from wire.messages import Reading

FAULT = "high_pressure:P1"
COLD = "low_room_temperature"


class _Brittle:
    """A watch that fails while the reading of one slot is among its rows."""

    def __init__(self, watch: Any, slot: int) -> None:
        self._watch, self._slot = watch, slot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watch, name)

    def step(self, batch: Batch) -> Iterable[Edge]:
        if self._slot in batch.slots:
            raise FloatingPointError("of this slot alone")
        edges: Iterable[Edge] = self._watch.step(batch)
        return edges


def test_the_other_devices_and_the_other_rules_go_on() -> None:
    engine = Engine([shipped("fault"), shipped(COLD)])
    devices = [f"d-{number}" for number in range(9)]
    slot = int(engine.fleet.slots(devices)[4])
    engine._watches["low_room_temperature"] = _Brittle(
        engine._watches["low_room_temperature"], slot
    )  # type: ignore[assignment]
    readings = [
        (PLACE, Reading(device, T0, "heating", [FAULT], {"room_c": 20.0})) for device in devices
    ]
    raised = engine.observe(readings, T0)
    assert {edge.subject for edge in raised if edge.rule == "fault"} == set(devices)
    assert [(failure.rule, failure.device) for failure in engine.failures] == [
        ("low_room_temperature", "d-4")
    ]
