"""One line at work: changes published at once, jobs between polls, and nobody held up by the
dead."""

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus, ReplyError
from gateway_agent.bus.requests import ReadRequest
from gateway_agent.bus.transport import LineDown
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine, next_stamp
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import TcpSlave, Units
from tests.gateway_agent.test_service import midea_registers
from tests.servers import wait_until
from wire.clocks import MAX_AHEAD_MS
from wire.messages import Reading

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[3] / "config" / "profiles"])
DEFROST = 1 << 1


class Village:
    """Three units on one line, read each minute and looked at every 50 ms, running on a thread."""

    def __init__(self) -> None:
        self.units = Units({address: midea_registers() for address in (1, 2, 3)})
        self.slave = TcpSlave(self.units)
        self.readings: list[Reading] = []
        address = parse_line(f"tcp://127.0.0.1:{self.slave.port}")
        profile = MIDEA.model_copy(
            update={"read": MIDEA.read.model_copy(update={"timeout_ms": 100})}
        )
        units = [PolledUnit(f"unit-{number}", number, profile, address) for number in (1, 2, 3)]
        self.line = PolledLine(
            Bus(address),
            units,
            Cadence(60.0, 0.05),
            self.readings.extend,
            lambda: 1_763_740_000_000,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.line.run, args=(self._stop,))
        self._thread.start()

    def of(self, device: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.device == device]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self.slave.close()


@pytest.fixture
def village() -> Iterator[Village]:
    made = Village()
    yield made
    made.stop()


def test_a_change_of_state_or_faults_is_a_whole_reading_at_once_and_no_change_is_none(
    village: Village,
) -> None:
    wait_until(lambda: len(village.readings) == 3)
    whole = village.of("unit-2")[0]
    village.units.registers[2][128] |= DEFROST
    wait_until(lambda: len(village.of("unit-2")) == 2)
    village.units.registers[2][124] = 21
    wait_until(lambda: len(village.of("unit-2")) == 3)
    began = village.line.alive_at
    wait_until(lambda: village.line.alive_at > began + 0.3)
    assert [(r.state, r.faults) for r in village.of("unit-2")][1:] == [
        ("defrost", []),
        ("defrost", ["high_pressure:P1"]),
    ]
    usual = whole.values.keys() - set(MIDEA.read.slow)
    assert all(reading.values.keys() >= usual for reading in village.of("unit-2"))
    assert [len(village.of(f"unit-{number}")) for number in (1, 3)] == [1, 1]


def test_work_is_done_between_polls_and_its_failure_told(village: Village) -> None:
    supply = ReadRequest("holding", 110, 1)
    assert village.line.execute(lambda bus: bus.read(3, supply, 0.0, 1.0)).result(5) == [
        midea_registers()[110]
    ]
    beyond = village.line.execute(
        lambda bus: bus.read(3, ReadRequest("holding", 5_000, 1), 0.0, 1.0)
    )
    assert isinstance(beyond.exception(5), ReplyError)
    village.slave.close()
    wait_until(
        lambda: isinstance(
            village.line.execute(lambda bus: bus.read(3, supply, 0, 0.1)).exception(5), LineDown
        )
    )


def test_work_that_comes_too_late_is_cancelled(village: Village) -> None:
    village.stop()
    with pytest.raises(CancelledError):
        village.line.execute(lambda _: "never").result(1)


def test_a_dead_unit_is_asked_ever_more_rarely_and_does_not_hold_up_the_others(
    village: Village,
) -> None:
    wait_until(lambda: len(village.readings) == 3)
    village.units.dead = {2}
    wait_until(lambda: len([at for at in village.units.asked[-40:] if at[0] == 2]) == 0, 20)
    village.units.dead = set()
    village.units.registers[2][128] |= DEFROST
    began = monotonic()
    wait_until(lambda: village.of("unit-2")[-1].state == "defrost", 60)
    assert monotonic() > began


@given(st.lists(st.integers(-MAX_AHEAD_MS // 4, 60_000), min_size=1, max_size=50))
def test_stamps_increase_over_small_steps_back(steps: list[int]) -> None:
    now = start = 1_763_740_000_000
    last: int | None = None
    for step in steps:
        now = max(now + step, start - MAX_AHEAD_MS // 4)
        if last is not None and last - now > MAX_AHEAD_MS:
            assert next_stamp(now, last) == now
            return
        stamp = next_stamp(now, last)
        assert last is None or stamp > last
        assert stamp >= now
        last = stamp


def test_a_clock_that_was_an_hour_ahead_is_followed_back() -> None:
    assert next_stamp(1_000_000_000, 1_000_000_000 + 3_600_000) == 1_000_000_000
