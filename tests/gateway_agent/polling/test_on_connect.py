"""What a unit gets before it is read: how often, and what it costs if the unit does not take it."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling import on_connect
from gateway_agent.polling.on_connect import OnConnect
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.fields import Key
from gateway_agent.profile.schema import Profile
from tests.gateway_agent.slaves import TcpSlave, Units

HOLDS: dict[Key, int] = {("holding", 30): 1, ("holding", 31): 2}
LOST: dict[Key, int] = HOLDS | {("holding", 31): 0}


class Refusing(Units):
    """Takes no write."""

    def _take(self, unit: int, request: bytes) -> bytes | None:
        super()._take(unit, request)
        return bytes((request[0] | 0x80, 4))


class Rig:
    def __init__(self) -> None:
        self.units = Units({1: {1: 0}})
        self.slave = TcpSlave(self.units)
        self.line = parse_line(f"tcp://127.0.0.1:{self.slave.port}")
        self.bus = Bus(self.line)

    def connect(self, **more: Any) -> OnConnect:
        profile = Profile.model_validate(
            {
                "profile": "p",
                "title": "t",
                "source": "s",
                "read": {"max_registers": 9, "timeout_ms": 60},
                "point": [{"point": "supply_c", "address": 1}],
                "state": [{"state": "heating"}],
                "on_connect": [{"address": 30, "values": [1, 2]} | more],
            }
        )
        return OnConnect(PolledUnit("a", 1, profile, self.line))


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.bus.close()
    made.slave.close()


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [1_000.0]
    monkeypatch.setattr(on_connect, "monotonic", lambda: clock[0])
    return clock


def test_contents_that_do_not_hold_are_written_every_ten_minutes_and_no_more_often(
    rig: Rig, now_s: list[float]
) -> None:
    connect = rig.connect()
    connect.begin(rig.bus)
    assert not connect.restore(rig.bus, HOLDS)
    assert not connect.restore(rig.bus, {})  # a status poll does not show them
    assert connect.restore(rig.bus, LOST)
    for _ in range(5):
        assert not connect.restore(rig.bus, LOST)
    now_s[0] += 601
    assert connect.restore(rig.bus, LOST)
    assert not connect.restore(rig.bus, HOLDS)
    assert connect.restore(rig.bus, LOST)  # it held in between
    assert len(rig.units.written) == 4


def test_a_unit_that_answers_no_write_costs_one_time_out_until_it_is_read(
    rig: Rig, now_s: list[float]
) -> None:
    rig.units.dead = {1}
    connect = rig.connect()
    connect.begin(rig.bus)
    connect.begin(rig.bus)
    assert len(rig.units.written) == 1
    connect.away()
    connect.begin(rig.bus)
    assert len(rig.units.written) == 2


def test_a_refused_write_of_what_cannot_be_read_is_tried_again_later(
    rig: Rig, now_s: list[float]
) -> None:
    rig.slave.units = Refusing({1: {1: 0}})
    connect = rig.connect(verify=False)
    connect.begin(rig.bus)
    assert connect.restore(rig.bus, {})
    assert not connect.restore(rig.bus, {})
    rig.slave.units = rig.units
    now_s[0] += 601
    assert connect.restore(rig.bus, {})
    assert rig.units.written == [(1, 16, 30, (1, 2))]
    assert not connect.restore(rig.bus, {})
