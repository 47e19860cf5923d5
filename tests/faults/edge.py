"""A line of the edge with slaves that have faults, swept by the test itself."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from gateway_agent.bus.address import LineAddress, parse_line
from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.transport import LineDown, Link, open_link
from gateway_agent.polling.cadence import Cadence
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from tests.gateway_agent.slaves import Misbehaviour, PtySlave, Units, honest
from tests.gateway_agent.test_service import midea_registers
from wire.messages import Reading

MIDEA = load_profile("midea-mthermal", [Path(__file__).parents[2] / "config" / "profiles"])


def quick(timeout_ms: int = 100) -> Profile:
    """The Midea profile for units that answer at once."""
    return MIDEA.model_copy(
        update={"read": MIDEA.read.model_copy(update={"timeout_ms": timeout_ms})}
    )


class SweptLine:
    """Units 1 to `count` on a pseudo-terminal, read in every sweep; `readings` are theirs.

    `plugged` is whether the adapter is there.
    """

    def __init__(
        self, count: int = 1, misbehave: Misbehaviour = honest, profile: Profile | None = None
    ) -> None:
        self.units = Units({address: midea_registers() for address in range(1, count + 1)})
        self.slave = PtySlave(self.units, misbehave)
        self.readings: list[Reading] = []
        self.plugged = True
        self._now = 1_763_740_000_000
        address = parse_line(f"serial://{self.slave.path}?baud=115200")
        self.polled = [
            PolledUnit(f"unit-{number}", number, profile or quick(), address)
            for number in range(1, count + 1)
        ]
        self.bus = Bus(address, self._connect)
        self.line = PolledLine(
            self.bus, self.polled, Cadence(0.001, 0.001), self.readings.extend, self._clock
        )

    def sweep(self, times: int = 1) -> list[Reading]:
        """Sweep the line; the readings that this gave."""
        before = len(self.readings)
        for _ in range(times):
            self.line.sweep(threading.Event())
        return self.readings[before:]

    def sweep_until(self, condition: Callable[[], bool], at_most: int = 50) -> int:
        """Sweep until `condition` holds; how many sweeps it took."""
        for sweeps in range(at_most):
            if condition():
                return sweeps
            self.sweep()
        raise AssertionError(f"not within {at_most} sweeps")

    def __enter__(self) -> "SweptLine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bus.close()
        self.slave.close()

    def _connect(self, line: LineAddress) -> Link:
        if not self.plugged:
            raise LineDown("no adapter")
        return open_link(line)

    def _clock(self) -> int:
        self._now += 1
        return self._now
