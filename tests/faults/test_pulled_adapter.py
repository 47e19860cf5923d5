"""A serial adapter pulled at any moment: the line is down, then up, and the process lives on."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
import serial

from gateway_agent.bus.address import LineAddress, parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.transport import LineDown, Link, open_link
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from tests.gateway_agent.slaves import PtySlave, Units
from tests.gateway_agent.test_service import midea_registers
from tests.servers import wait_until
from wire.messages import Reading

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[2] / "config" / "profiles"])
MOMENTS = ("_reconfigure_port", "_reset_input_buffer", "write", "flush", "read", "close")
"""Steps of the port: the adapter is pulled right before or right after each."""


class PulledLine:
    """A polled line of one unit. `pull_at` pulls its adapter at the next call of a step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.units = Units({1: midea_registers()})
        self.slave: PtySlave | None = PtySlave(self.units)
        self.readings: list[Reading] = []
        self._patch = monkeypatch
        address = parse_line("serial:///dev/replaced-on-connect?baud=115200")
        limits = MIDEA.read.model_copy(update={"timeout_ms": 100, "pacing_ms": 0})
        profile = MIDEA.model_copy(update={"read": limits})
        units = [PolledUnit("unit", 1, profile, address)]
        self.line = PolledLine(
            Bus(address, self._connect),
            units,
            Cadence(0.05, 0.05),
            self.readings.extend,
            lambda: round(monotonic() * 1_000),
        )
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self.line.run, args=(self._stop,))
        self.thread.start()

    def _connect(self, line: LineAddress) -> Link:
        slave = self.slave
        path = "/dev/adapter-is-away" if slave is None else slave.path
        return open_link(parse_line(f"serial://{path}?baud={line.baud}"))

    def pull(self) -> None:
        slave, self.slave = self.slave, None
        if slave is not None:
            slave.close()

    def pull_at(self, step: str, *, after: bool) -> None:
        """Pull in the middle of a request, on the line's own thread."""
        original: Callable[..., object] = getattr(serial.Serial, step)
        done = threading.Event()

        def pulled(port: serial.Serial, *arguments: object, **options: object) -> object:
            if not after:
                self.pull()
            try:
                return original(port, *arguments, **options)
            finally:
                if not done.is_set():
                    self.pull()
                    done.set()

        self._patch.setattr(serial.Serial, step, pulled)
        if step in ("_reconfigure_port", "_reset_input_buffer", "close"):
            self.units.dead.add(1)  # a line without answers is closed and opened again
        assert done.wait(20), f"the adapter was not pulled at {step}"
        self._patch.setattr(serial.Serial, step, original)
        self.units.dead.clear()

    def plug_in(self) -> float:
        """Seconds until the next reading."""
        began, before = monotonic(), len(self.readings)
        self.slave = PtySlave(self.units)
        wait_until(lambda: len(self.readings) > before or not self.thread.is_alive(), 20)
        assert self.thread.is_alive(), "the line ended with the adapter"
        return monotonic() - began

    def close(self) -> None:
        self._stop.set()
        self.thread.join(10)
        self.pull()


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> Iterator[PulledLine]:
    made = PulledLine(monkeypatch)
    yield made
    made.close()


@pytest.mark.fault("11.A4")
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_adapter_pulled_at_any_step_ends_nothing(
    pulled: PulledLine, fault_record: dict[str, float]
) -> None:
    wait_until(lambda: pulled.readings)
    for step in MOMENTS:
        for after in (False, True):
            pulled.pull_at(step, after=after)
            fault_record["blind_s"] = max(fault_record["blind_s"], pulled.plug_in())
            fault_record["trials"] += 1
    assert fault_record["blind_s"] < 5


def test_a_port_closed_meanwhile_is_a_line_that_is_down() -> None:
    slave = PtySlave(Units({1: {0: 7}}))
    link = open_link(parse_line(f"serial://{slave.path}"))
    link.close()
    for use in (lambda: link.send(b"\x01"), lambda: link.receive(0.1)):
        with pytest.raises(LineDown):
            use()
    link.close()
    slave.close()
    with pytest.raises(LineDown):
        open_link(parse_line(f"serial://{slave.path}"))
