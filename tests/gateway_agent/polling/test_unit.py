"""One unit: blocks are split to find an illegal register, and what was learnt is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.limits.doubts import BELIEVED_AFTER
from gateway_agent.polling.unit import ASK_AGAIN_S, NoAnswer, PolledUnit
from gateway_agent.profile.decode import decode
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import TcpSlave, Units

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[3] / "config" / "profiles"])
QUICK = MIDEA.model_copy(update={"read": MIDEA.read.model_copy(update={"timeout_ms": 60})})


class Rig:
    def __init__(self) -> None:
        zeros = dict.fromkeys((*range(23), *range(100, 200), 232), 0)
        self.units = Units({1: zeros | {110: 32, 104: 28, 101: 3, 100: 29}})
        self._slave = TcpSlave(self.units)
        line = parse_line(f"tcp://127.0.0.1:{self._slave.port}")
        self.bus = Bus(line)
        self.unit = PolledUnit("a", 1, QUICK, line)

    def close(self) -> None:
        self.bus.close()
        self._slave.close()


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def test_an_illegal_register_costs_only_its_own_point(rig: Rig) -> None:
    whole = decode(QUICK, rig.unit.read(rig.bus))
    rig.units.illegal = {109, 119}
    for _ in range(BELIEVED_AFTER):
        assert rig.unit.learnt.illegal == set()
        split = decode(QUICK, rig.unit.read(rig.bus))
        assert set(whole.values) - set(split.values) == {"suction_c", "voltage_v"}
    assert rig.unit.learnt.illegal == {("holding", 109), ("holding", 119)}
    rig.units.asked.clear()
    assert decode(QUICK, rig.unit.read(rig.bus)).values == split.values
    assert all(
        not {109, 119} & set(range(first, first + count)) for _, _, first, count in rig.units.asked
    )


def test_firmware_that_bears_only_short_blocks_loses_nothing_and_is_asked_for_short_ones(
    rig: Rig,
) -> None:
    whole = decode(QUICK, rig.unit.read(rig.bus))
    rig.units.longest = 16
    for _ in range(BELIEVED_AFTER):
        assert rig.unit.learnt.borders == set()
        assert decode(QUICK, rig.unit.read(rig.bus)) == whole
    assert rig.unit.learnt.illegal == set()
    assert rig.unit.learnt.borders
    rig.units.asked.clear()
    assert decode(QUICK, rig.unit.read(rig.bus)) == whole
    assert max(count for *_, count in rig.units.asked) <= 16


def test_what_was_refused_is_asked_again_after_its_time_and_not_before(rig: Rig) -> None:
    rig.unit.remind(0.0)
    rig.units.illegal = {109}
    for _ in range(BELIEVED_AFTER):
        rig.unit.read(rig.bus)
    rig.units.illegal = set()
    rig.unit.remind(ASK_AGAIN_S - 1)
    assert ("holding", 109) not in rig.unit.read(rig.bus)
    rig.unit.remind(ASK_AGAIN_S)
    assert ("holding", 109) not in rig.unit.read(rig.bus, "status_poll")
    assert ("holding", 109) in rig.unit.read(rig.bus)
    assert not rig.unit.learnt.in_force


def test_questions_refused_in_silence_cost_one_time_out_a_reading(rig: Rig) -> None:
    rig.unit.remind(0.0)
    rig.units.illegal = {101, 109, 119, 104}
    for _ in range(BELIEVED_AFTER):
        rig.unit.read(rig.bus)
    rig.units.illegal, rig.units.hushed = set(), {101, 109, 119, 104}
    rig.unit.remind(ASK_AGAIN_S)
    usual = len(rig.unit.plans["read_all"])
    for _ in range(4):
        rig.units.asked.clear()
        rig.unit.read(rig.bus)
        assert len(rig.units.asked) <= usual + 2  # the second tells a late reply from the next


def test_a_silent_unit_is_given_up_after_two_questions(rig: Rig) -> None:
    rig.units.dead = {1}
    for visits in (1, 2):
        with pytest.raises(NoAnswer, match="no_reply"):
            rig.unit.read(rig.bus)
        assert len(rig.units.asked) == 2 * visits


def test_a_unit_that_refuses_everything_for_a_while_is_not_written_off(rig: Rig) -> None:
    before = rig.unit.read(rig.bus)
    rig.units.illegal = set(range(3000))
    with pytest.raises(NoAnswer, match="device_exception"):
        rig.unit.read(rig.bus)
    rig.units.illegal = set()
    assert rig.unit.read(rig.bus) == before


def test_a_block_refused_in_silence_costs_no_other_block_and_in_the_end_only_its_own_point(
    rig: Rig,
) -> None:
    whole = decode(QUICK, rig.unit.read(rig.bus))
    rig.units.hushed = {0, 3, 109}  # the first block too, whose silence looks like a dead unit's
    with pytest.raises(NoAnswer):  # and the second: the next visit begins with others
        rig.unit.read(rig.bus)
    spoilt = decode(QUICK, rig.unit.read(rig.bus))
    assert {"power_w", "heat_kwh"} <= spoilt.values.keys()
    refused = {("holding", address) for address in rig.units.hushed}
    for _ in range(100):
        if rig.unit.learnt.illegal >= refused:
            break
        rig.unit.read(rig.bus)
    assert rig.unit.learnt.illegal == refused
    split = decode(QUICK, rig.unit.read(rig.bus))
    assert set(whole.values) - set(split.values) == {"suction_c", "setpoint_c"}
    rig.units.asked.clear()
    rig.unit.read(rig.bus)
    assert not any(first <= 109 < first + count for _, _, first, count in rig.units.asked)


def test_visits_find_a_unit_whatever_block_it_is_silent_to(rig: Rig) -> None:
    rig.units.hushed = set(range(50)) | {150}
    answered = 0
    for _ in range(len(rig.unit.plans["read_all"])):
        try:
            answered += bool(rig.unit.read(rig.bus))
        except NoAnswer:
            continue
    assert answered >= 1


def test_a_status_poll_reads_state_and_faults_alone(rig: Rig) -> None:
    polled = rig.unit.read(rig.bus, "status_poll")
    assert ("holding", 128) in polled
    assert ("holding", 110) not in polled
    whole = decode(QUICK, rig.unit.read(rig.bus))
    seen = decode(QUICK, polled)
    assert (seen.state, seen.faults) == (whole.state, whole.faults)
    assert not {"state", "faults"} & set(seen.bad)
