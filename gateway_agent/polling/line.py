"""One line, swept at a fixed cadence on a thread of its own; jobs are done between two visits."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from time import monotonic
from typing import Final

from configuration.outage_log import OutageLog
from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.transport import LineDown
from gateway_agent.limits.limit_log import LimitLog
from gateway_agent.logs import EventLog
from gateway_agent.polling.cadence import Cadence, Rota, Visit
from gateway_agent.polling.jobs import Answer, Jobs
from gateway_agent.polling.meter import UnitMeter
from gateway_agent.polling.on_connect import OnConnect
from gateway_agent.polling.quarantine import Health, choose_polls, release_all
from gateway_agent.polling.unit import NoAnswer, PolledUnit
from gateway_agent.profile.decode import UNKNOWN_FAULTS, UNKNOWN_STATE, Observation
from gateway_agent.profile.timed_states import Onsets, observe
from wire.clocks import MAX_AHEAD_MS
from wire.messages import Reading

# Readings of one line this close together become one message; a longer wait would risk their loss.
_GROUP_MS: Final = 1_000
# How often an idle line checks for its stop signal.
_IDLE_S: Final = 0.25

_log = EventLog(__name__)

KeepReadings = Callable[[Sequence[Reading]], None]
"""Takes readings over for good."""


class PolledLine:
    """The units of one bus. `keep` gets their readings, at most a second after they were read."""

    def __init__(
        self,
        bus: Bus,
        units: Sequence[PolledUnit],
        cadence: Cadence,
        keep: KeepReadings,
        clock: Callable[[], int],
    ) -> None:
        """Prepare the line; nothing is touched before `run`. `clock` gives UTC milliseconds."""
        self._bus = bus
        self._units = {unit.name: unit for unit in units}
        self._health = {unit.name: Health() for unit in units}
        self._rotas = {unit.name: Rota(position, cadence) for position, unit in enumerate(units)}
        self._sweep_s = cadence.sweep_s
        self._keep = keep
        self._clock = clock
        self._name = bus.line.name
        self._latest: dict[str, Reading] = {}
        self._onsets: dict[str, Onsets] = {}
        self._on_connect = {unit.name: OnConnect(unit) for unit in units}
        self._meters = {
            unit.name: UnitMeter(unit.meter, cadence.interval_s, self._name)
            for unit in units
            if unit.meter is not None
        }
        self._group: list[Reading] = []
        self._line_log = OutageLog(_log, "line_down", "line_up", severity="error")
        self._unit_logs = {
            unit.name: OutageLog(_log, "unit_silent", "unit_answers_again") for unit in units
        }
        self._limit_logs = {unit.name: LimitLog(self._name, unit.name) for unit in units}
        self._jobs = Jobs()
        self.alive_at = monotonic()
        """Monotonic seconds of the last sign of life: the thread was between two exchanges."""

    @property
    def name(self) -> str:
        """The name of the line in logs and metrics."""
        return self._name

    @property
    def units(self) -> list[PolledUnit]:
        """The units of the line, in the order of the configuration."""
        return list(self._units.values())

    @property
    def errors(self) -> dict[str, int]:
        """Reply errors so far, by code."""
        return dict(self._bus.errors)

    @property
    def quarantined(self) -> int:
        """How many units are asked rarely, because they do not answer."""
        return len([health for health in self._health.values() if health.quarantined])

    def execute(self, work: Callable[[Bus], Answer]) -> Future[Answer]:
        """Have `work` done on the line between two visits; any thread may call.

        The future holds the answer of `work`, or the ReplyError or LineDown it raised. It is
        cancelled if the line stops first. `work` asks its questions through the bus it is given and
        must end within a few time-outs.
        """
        return self._jobs.submit(work)

    def ask_again(self) -> None:
        """Have every unit asked again for what it has refused; any thread may call."""
        self.execute(lambda _: self._ask_all_again())

    def run(self, stop: threading.Event) -> None:
        """Sweep every `sweep_s` until `stop` is set; a sweep that takes too long skips some."""
        began = monotonic()
        try:
            while not stop.is_set():
                self.sweep(stop)
                elapsed = monotonic() - began
                self._idle(stop, monotonic() + self._sweep_s - elapsed % self._sweep_s)
        finally:
            self._jobs.end()
            self._bus.close()

    def sweep(self, stop: threading.Event) -> None:
        """Visit every unit that is due once."""
        probe_s = {name: unit.probe_s for name, unit in self._units.items()}
        answered = False
        try:
            for name in choose_polls(self._health, probe_s, monotonic(), self._sweep_s):
                self._do_next_job()
                if stop.is_set():
                    break
                if self._visit(self._units[name]):
                    answered = True
            self._line_log.back(line=self._name)
        except LineDown as error:
            self._line_log.lost(str(error), line=self._name)
            self._ask_all_again()
        finally:
            self._flush()
        if not answered:
            # Nobody answered: behind a serial server the connection may be dead without notice.
            self._bus.close()

    def _idle(self, stop: threading.Event, until_s: float) -> None:
        """Do the jobs as they come until the monotonic time `until_s`."""
        while not stop.is_set() and (remaining := until_s - monotonic()) > 0:
            self._do_next_job(min(remaining, _IDLE_S))

    def _do_next_job(self, wait_s: float = 0.0) -> None:
        self.alive_at = monotonic()
        self._jobs.do_next(self._bus, wait_s)

    def _visit(self, unit: PolledUnit) -> bool:
        """Visit `unit` and report its reading; whether it answered."""
        now_s = monotonic()
        visit = self._rotas[unit.name].visit(now_s)
        if not unit.plans[visit]:  # a map without state and faults has no status to poll
            return True
        try:
            unit.remind(now_s)
            self._on_connect[unit.name].begin(self._bus)
            observation = self._observe_news(unit, visit, now_s)
        except NoAnswer as silence:
            self._missed(unit.name, silence.reason)
            return False
        self._limit_logs[unit.name].note(unit.learnt)
        self._answered(unit.name)
        if observation is not None:
            self._report(unit, observation)
        return True

    def _observe_news(self, unit: PolledUnit, visit: Visit, now_s: float) -> Observation | None:
        """The observation to report; None if a status poll shows no change.

        A status poll that shows a change is followed by a reading. Raises NoAnswer and LineDown.
        """
        observation = self._observe(unit, visit)
        if visit != "status_poll":
            self._rotas[unit.name].was_read(now_s)
            return observation
        return self._observe(unit, "read") if self._is_news(unit.name, observation) else None

    def _observe(self, unit: PolledUnit, visit: Visit) -> Observation:
        registers = unit.read(self._bus, visit)
        if self._on_connect[unit.name].restore(self._bus, registers):
            registers = unit.read(self._bus, visit)
        at_ms, onsets = round(monotonic() * 1_000), self._onsets.get(unit.name, {})
        observation, self._onsets[unit.name] = observe(unit.profile, registers, onsets, at_ms)
        if unit.name in self._meters and visit != "status_poll":
            points, meter = unit.profile.points, self._meters[unit.name]
            observation = meter.complete(observation, points, self._bus, visit)
        if visit == "read_all":
            return observation
        # A slow point was not asked for, so it is not bad.
        asked = [name for name in observation.bad if name not in unit.profile.read.slow]
        return replace(observation, bad=asked)

    def _is_news(self, name: str, seen: Observation) -> bool:
        """Whether a status poll differs from the last reading, unread registers aside."""
        last = self._latest.get(name)
        if last is None:
            return True
        other_state = seen.state != last.state and UNKNOWN_STATE not in seen.bad
        return other_state or (seen.faults != last.faults and UNKNOWN_FAULTS not in seen.bad)

    def _report(self, unit: PolledUnit, seen: Observation) -> None:
        before = self._latest.get(unit.name)
        at = next_stamp(self._clock(), before.at if before is not None else None)
        self._add(Reading(unit.name, at, seen.state, seen.faults, seen.values, seen.bad), before)

    def _ask_all_again(self) -> None:
        for unit in self._units.values():
            unit.ask_again()
        for meter in self._meters.values():
            meter.ask_again()

    def _missed(self, name: str, reason: str) -> None:
        self._health[name].missed(monotonic(), self._sweep_s)
        self._on_connect[name].away()
        self._unit_logs[name].lost(reason, line=self._name, unit=name)

    def _answered(self, name: str) -> None:
        health = self._health[name]
        self._unit_logs[name].back(line=self._name, unit=name, misses=health.misses)
        was_dead = all(each.quarantined for each in self._health.values())
        health.answered()
        if was_dead:
            release_all(self._health)

    def _add(self, reading: Reading, before: Reading | None) -> None:
        repeated = before is not None and reading.at == before.at
        assert not repeated, "the store keeps one reading of a device and time"
        self._latest[reading.device] = reading
        self._group.append(reading)
        changed = before is None or (before.state, before.faults) != (reading.state, reading.faults)
        if changed or abs(reading.at - self._group[0].at) >= _GROUP_MS:
            self._flush()

    def _flush(self) -> None:
        if self._group:
            group, self._group = self._group, []
            self._keep(group)


def next_stamp(now: int, last: int | None) -> int:
    """The event time, UTC ms, of a reading made at wall time `now` after one stamped `last`.

    Strictly increasing over the small steps back of a clock being disciplined. A step back beyond
    the tolerance of receivers (design §4, five minutes) is followed: the clock was wrong before,
    and further readings stamped ahead of it would all be refused.
    """
    if last is None or now > last or last - now > MAX_AHEAD_MS:
        return now
    return last + 1
