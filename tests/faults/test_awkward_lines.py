"""The simulated line with one kind of fault at a time, read by the gateway's own line."""

import threading
from pathlib import Path

import pytest

from gateway_agent.bus.address import parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from simulators.live.settings import settings_from_flags
from tests.faults.conftest import FaultRecord
from tests.faults.edge import MIDEA, quick
from tests.servers import wait_until
from tests.simulators.village import running
from wire.messages import Reading

UNITS = 3
READINGS = 4
STRANGER = UNITS + 1  # an address where nobody is: a unit without power


@pytest.mark.parametrize(
    ("quirk", "interval_s"),
    [
        pytest.param("refusals:0.14", 0.2, marks=pytest.mark.fault("11.A1")),
        pytest.param("echo:0.1", 0.2, marks=pytest.mark.fault("11.A3")),
        pytest.param("noise:0.1", 0.2, marks=pytest.mark.fault("11.A3")),
        pytest.param("converter", 0.2, marks=pytest.mark.fault("11.A6")),
        pytest.param("asleep:0.8", 1.0, marks=pytest.mark.fault("11.A7")),
    ],
)
def test_every_living_unit_keeps_all_its_points(
    quirk: str, interval_s: float, tmp_path: Path, fault_record: FaultRecord
) -> None:
    path = tmp_path / "line"
    readings: list[Reading] = []
    profile = quick(500)
    with running(settings_from_flags(pty=path, units=UNITS, baud=115_200, quirks=(quirk,))):
        address = parse_line(f"serial://{path}?baud=115200")
        units = [PolledUnit(f"u-{at}", at, profile, address) for at in range(1, STRANGER + 1)]
        now = iter(range(1_763_740_000_000, 1_763_750_000_000, 100))
        line = PolledLine(
            Bus(address), units, Cadence(interval_s, interval_s), readings.extend, lambda: next(now)
        )
        stop = threading.Event()
        thread = threading.Thread(target=line.run, args=(stop,))
        thread.start()
        try:
            wait_until(lambda: len(readings) >= UNITS * READINGS, 40)
        finally:
            stop.set()
            thread.join(10)
    usual = set(MIDEA.points) - set(MIDEA.read.slow) - {"room_c", "tank_c"}
    fault_record["trials"] = len(readings)
    fault_record["lost"] = sum(len(usual & set(reading.bad)) for reading in readings)
    fault_record["missed"] = sum(
        len(usual.difference(*(each.values for each in readings if each.device == unit.name)))
        for unit in units[:UNITS]
    )
    assert fault_record["missed"] == 0, "each point of each unit is in a reading"
    assert not any(unit.learnt.in_force for unit in units)
    # A single register that is refused twice by chance is bad in that one reading.
    assert fault_record["lost"] == 0 or quirk.startswith("refusals")
