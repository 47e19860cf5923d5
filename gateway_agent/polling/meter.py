"""A meter at a bus address of its own, for a unit that measures no power or energy itself."""

from collections.abc import Collection
from dataclasses import replace
from time import monotonic

from configuration.outage_log import OutageLog
from gateway_agent.bus.modbus import Bus
from gateway_agent.limits.limit_log import LimitLog
from gateway_agent.logs import EventLog
from gateway_agent.polling.cadence import Visit
from gateway_agent.polling.quarantine import Health
from gateway_agent.polling.unit import NoAnswer, PolledUnit
from gateway_agent.profile.decode import Observation, measured

_log = EventLog(__name__)


class UnitMeter:
    """Reads the meter of one unit after the unit; a silent meter costs the unit nothing else."""

    def __init__(self, meter: PolledUnit, interval_s: float, line: str) -> None:
        """`interval_s` is the time from one reading of the unit to the next."""
        self._meter = meter
        self._interval_s = interval_s
        self._health = Health()
        self._outage = OutageLog(_log, "meter_silent", "meter_answers_again")
        self._limit_log = LimitLog(line, meter.name)

    def ask_again(self) -> None:
        """Ask for all that the meter has refused with its next reading."""
        self._meter.ask_again()

    def complete(
        self, seen: Observation, own_points: Collection[str], bus: Bus, visit: Visit
    ) -> Observation:
        """`seen` with the points of the meter that are none of the unit's `own_points`.

        Those that could not be read are bad. Raises LineDown.
        """
        values, bad = self._read(bus, visit)
        added = {point: value for point, value in values.items() if point not in own_points}
        lacking = [point for point in bad if point not in own_points]
        return replace(seen, values=seen.values | added, bad=[*seen.bad, *lacking])

    def _read(self, bus: Bus, visit: Visit) -> tuple[dict[str, float], list[str]]:
        now_s, limits = monotonic(), self._meter.profile.read
        asked = [
            point
            for point in self._meter.profile.points
            if visit == "read_all" or point not in limits.slow
        ]
        if not asked or (self._health.quarantined and now_s < self._health.due_s):
            return {}, asked
        try:
            self._meter.remind(now_s)
            registers = self._meter.read(bus, visit)
        except NoAnswer as silence:
            self._health.missed(now_s, self._interval_s)
            self._outage.lost(silence.reason, meter=self._meter.name, address=self._meter.address)
            return {}, asked
        self._limit_log.note(self._meter.learnt)
        self._health.answered()
        self._outage.back(meter=self._meter.name, address=self._meter.address)
        values, bad = measured(self._meter.profile, registers)
        return values, [point for point in bad if point in asked]
