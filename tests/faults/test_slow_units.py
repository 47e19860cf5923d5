"""Units that take their time with a command: accepted, busy, or not yet shown."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.execute import execute
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import PtySlave, Units
from tests.gateway_agent.test_service import midea_registers
from wire.messages import Command, Result

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[2] / "config" / "profiles"])
NOW = 1_763_740_000_000
WATER = {0: 2, 1: 3, 3: 50, 5: 0, 11: 35, 189: 0, 203: 55, 204: 25, 205: 60, 206: 34}
"""Registers of a unit that heats water and takes a set-point."""
ACKNOWLEDGE, BUSY = 5, 6


class SlowUnits(Units):
    """Answers writes with the exceptions of `answers` first; shows what it took `delay_s` later."""

    def __init__(self, answers: list[int], delay_s: float) -> None:
        super().__init__({1: midea_registers() | WATER})
        self._answers = answers
        self._delay_s = delay_s
        self._accepted: list[tuple[float, bytes]] = []

    def answer(self, unit: int, request: bytes) -> bytes | None:
        due = [item for item in self._accepted if item[0] <= monotonic()]
        for item in due:
            self._accepted.remove(item)
            super().answer(unit, item[1])
        if request[0] not in (6, 16):
            return super().answer(unit, request)
        exception = self._answers.pop(0) if self._answers else None
        if exception != BUSY:
            self._accepted.append((monotonic() + self._delay_s, request))
        return request[:5] if exception is None else bytes((request[0] | 0x80, exception))


class Line:
    """A unit on a pseudo-terminal that takes one command."""

    def __init__(self) -> None:
        self._open: list[PtySlave | Bus] = []

    def command(self, units: SlowUnits, settle_ms: int | None = None) -> Result:
        slave = PtySlave(units)
        address = parse_line(f"serial://{slave.path}?baud=115200")
        bus = Bus(address)
        self._open += [slave, bus]
        changed = {} if settle_ms is None else {"settle_ms": settle_ms}
        rules = [rule.model_copy(update=changed) for rule in MIDEA.write]
        unit = PolledUnit("unit", 1, MIDEA.model_copy(update={"write": rules}), address)
        command = Command("c", "unit", {"setpoint_c": 42.0}, NOW + 1, "test")
        return execute(command, unit, bus, lambda: NOW)

    def close(self) -> None:
        for part in reversed(self._open):
            part.close()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


@pytest.mark.fault("11.A8")
@pytest.mark.parametrize(
    ("answers", "delay_s"),
    [([ACKNOWLEDGE], 0.0), ([ACKNOWLEDGE], 0.5), ([BUSY, BUSY], 0.0), ([], 2.0)],
    ids=["accepted", "accepted, later shown", "busy twice", "shown two seconds later"],
)
def test_a_unit_that_takes_its_time_is_done(
    line: Line, answers: list[int], delay_s: float, fault_record: dict[str, float]
) -> None:
    units = SlowUnits(answers, delay_s)
    result = line.command(units)
    fault_record["trials"] += 1
    fault_record["missed"] += result.status != "done"
    assert (result.status, result.reason, result.read_back) == ("done", "", {"setpoint_c": 42.0})
    assert len(units.written) == 1


def test_what_never_shows_is_not_done_and_a_busy_unit_is_not_asked_for_ever(line: Line) -> None:
    never = line.command(SlowUnits([], 60.0), settle_ms=300)
    assert (never.status, never.reason) == ("failed", "write_unconfirmed: the unit shows 35.0")
    busy = line.command(SlowUnits([BUSY] * 100, 0.0))
    assert (busy.status, busy.reason) == ("failed", "device_exception: exception 6")
