"""A converter that answers for units that are dead: its exceptions are their silence."""

import logging

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.execute import execute
from gateway_agent.polling.scan import scan_line
from gateway_agent.polling.unit import PolledUnit
from tests.faults.conftest import FaultRecord
from tests.faults.edge import MIDEA, SweptLine
from tests.gateway_agent.slaves import TcpSlave, Units
from tests.gateway_agent.test_service import midea_registers
from wire.messages import Command

pytestmark = [
    pytest.mark.fault("11.A6"),
    pytest.mark.parametrize("exception", [0x0A, 0x0B], ids=["path", "target"]),
]

NOW = 1_763_740_000_000


class ConvertedUnits(Units):
    """Units behind a converter, which answers `exception` for those that do not."""

    exception = 0x0B

    def answer(self, unit: int, request: bytes) -> bytes | None:
        reply = super().answer(unit, request)
        return reply if reply is not None else bytes((request[0] | 0x80, self.exception))


def behind_converter(exception: int) -> ConvertedUnits:
    units = ConvertedUnits({1: midea_registers()})
    units.exception = exception
    return units


def test_dead_units_cost_two_questions_a_visit_and_the_log_names_the_exception(
    exception: int, fault_record: FaultRecord, caplog: pytest.LogCaptureFixture
) -> None:
    with SweptLine(count=3) as swept:
        swept.slave.units = behind_converter(exception)
        swept.sweep(2)
        asked = [unit for unit, *_ in swept.slave.units.asked]
        fault_record["trials"] = 4
        fault_record["false"] = len(asked) - asked.count(1) - 2 * 4
        assert (asked.count(2), asked.count(3)) == (4, 4)
        assert swept.line.quarantined == 2
        assert set(swept.line.errors) == {"no_reply"}
        assert len(swept.readings) == 2
    silent = [each.message for each in caplog.records if each.levelno == logging.WARNING]
    assert len(silent) == 2
    assert all(f'reason="no_reply: exception {exception}"' in message for message in silent)


def test_a_converter_that_says_failure_instead_holds_nobody_up_either(
    exception: int, fault_record: FaultRecord
) -> None:
    with SweptLine(count=2) as swept:
        swept.slave.units = behind_converter(exception - 6)
        swept.sweep(2)
        fault_record["trials"] = 2
        asked = [unit for unit, *_ in swept.slave.units.asked]
        assert asked.count(2) <= 8, "two blocks a visit, each asked once more"
        assert swept.line.quarantined == 1


def test_scan_lists_the_unit_that_is_there_alone(exception: int, fault_record: FaultRecord) -> None:
    slave = TcpSlave(behind_converter(exception))
    bus = Bus(parse_line(f"tcp://127.0.0.1:{slave.port}"))
    met = [unit.address for unit in scan_line(bus, range(1, 9), {"midea": MIDEA}, 0.3)]
    bus.close()
    slave.close()
    fault_record["trials"] = 8
    fault_record["false"] = len(set(met) - {1})
    assert met == [1]


def test_a_command_to_a_dead_unit_fails_with_the_number(
    exception: int, fault_record: FaultRecord
) -> None:
    slave = TcpSlave(behind_converter(exception))
    line = parse_line(f"tcp://127.0.0.1:{slave.port}")
    bus = Bus(line)
    command = Command("1", "unit-2", {"setpoint_c": 42.0}, NOW + 1, "somebody")
    result = execute(command, PolledUnit("unit-2", 2, MIDEA, line), bus, lambda: NOW)
    bus.close()
    slave.close()
    fault_record["trials"] = 1
    assert (result.status, result.reason) == ("failed", f"no_reply: exception {exception}")
