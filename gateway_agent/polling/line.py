"""One line, visited in aligned turns on a thread of its own, with a queue for what else is to be
done on it."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from time import monotonic
from typing import Final

from gateway_agent.bus.modbus import Bus
from gateway_agent.bus.transport import LineDown
from gateway_agent.polling.cadence import Cadence, Rota, Visit
from gateway_agent.polling.jobs import Answer, Jobs
from gateway_agent.polling.on_connect import greet
from gateway_agent.polling.quarantine import Health, choose_polls, release_all
from gateway_agent.polling.stamp import next_stamp
from gateway_agent.polling.unit import NoAnswer, PolledUnit
from gateway_agent.profile.decode import UNKNOWN_FAULTS, UNKNOWN_STATE, Observation
from gateway_agent.profile.timed_states import Onsets, observe
from wire.messages import Reading

# Readings of one line are numbered together when they lie this close; more waiting would risk them
# unjournalled.
_GROUP_MS: Final = 1_000
# How often a line that has nothing to do looks whether it shall stop.
_IDLE_S: Final = 0.25

_log = logging.getLogger(__name__)

Keep = Callable[[Sequence[Reading]], None]
"""Takes readings over for good."""


class PolledLine:
    """The units of one bus. `keep` gets their readings, at most a second after they were read."""

    def __init__(
        self,
        bus: Bus,
        units: Sequence[PolledUnit],
        cadence: Cadence,
        keep: Keep,
        clock: Callable[[], int],
    ) -> None:
        """Nothing is touched before `run`."""
        self._bus = bus
        self._units = {unit.name: unit for unit in units}
        self._health = {unit.name: Health() for unit in units}
        self._rotas = {unit.name: Rota(place, cadence) for place, unit in enumerate(units)}
        self._turn_s = cadence.turn_s
        self._keep = keep
        self._clock = clock
        self._name = bus.line.name
        self._latest: dict[str, Reading] = {}
        self._onsets: dict[str, Onsets] = {}
        self._greeted: set[str] = set()
        self._group: list[Reading] = []
        self._up = True
        self._jobs = Jobs()
        self.alive_at = monotonic()
        """Monotonic seconds of the last sign of life: the line's thread was between two
        exchanges."""

    @property
    def name(self) -> str:
        """The line as logs and metrics call it."""
        return self._name

    @property
    def errors(self) -> dict[str, int]:
        """Reply errors so far, by code."""
        return dict(self._bus.errors)

    @property
    def quarantined(self) -> int:
        """How many units are asked rarely, because they do not answer."""
        return sum(health.quarantined for health in self._health.values())

    def execute(self, work: Callable[[Bus], Answer]) -> Future[Answer]:
        """Have `work` done on the line between two polls; may be called from any thread.

        The future holds what `work` returns, or the ReplyError or LineDown it raises; it is
        cancelled where the line stops first. `work` asks its questions through the bus it is given
        and must end within a few time-outs.
        """
        return self._jobs.submit(work)

    def run(self, stop: threading.Event) -> None:
        """Turn at every multiple of the cadence from now on, until `stop` is set; a turn too long
        skips some."""
        began = monotonic()
        try:
            while not stop.is_set():
                self.sweep(stop)
                elapsed = monotonic() - began
                self._idle(stop, monotonic() + self._turn_s - elapsed % self._turn_s)
        finally:
            self._jobs.end()
            self._bus.close()

    def sweep(self, stop: threading.Event) -> None:
        """One turn: visit every unit that is not to be left in peace for now."""
        probe_s = {name: unit.probe_s for name, unit in self._units.items()}
        answered = 0
        try:
            for name in choose_polls(self._health, probe_s, monotonic(), self._turn_s):
                self._do_next_job()
                if stop.is_set():
                    break
                answered += self._ask(self._units[name])
            self._line_is_up()
        except LineDown as error:
            self._line_is_down(str(error))
        finally:
            self._flush()
        if not answered:
            # Nobody answered: behind a serial server the connection may be dead without saying so.
            self._bus.close()

    def _idle(self, stop: threading.Event, until_s: float) -> None:
        """Do what is in the queue, as it comes, until the monotonic time `until_s`."""
        while not stop.is_set() and (remaining := until_s - monotonic()) > 0:
            self._do_next_job(min(remaining, _IDLE_S))

    def _do_next_job(self, wait_s: float = 0.0) -> None:
        self.alive_at = monotonic()
        self._jobs.do_next(self._bus, wait_s)

    def _ask(self, unit: PolledUnit) -> bool:
        """Visit `unit`; whether it answered."""
        now_s, probe = monotonic(), self._health[unit.name].quarantined
        visit = self._rotas[unit.name].visit(now_s)
        if not unit.plans[visit]:  # a map without state and faults has nothing to look at
            return True
        try:
            observation = self._observe(unit, visit, probe)
            if visit != "look":
                self._rotas[unit.name].was_read(now_s)
            elif self._is_news(unit.name, observation):
                visit = "read"
                observation = self._observe(unit, visit, probe)
        except NoAnswer as silence:
            self._missed(unit.name, silence.code)
            return False
        self._answered(unit.name)
        if unit.name not in self._greeted:
            greet(unit, self._bus)
            self._greeted.add(unit.name)
        if visit != "look":
            self._report(unit, observation)
        return True

    def _observe(self, unit: PolledUnit, visit: Visit, probe: bool) -> Observation:
        registers = unit.read(self._bus, visit, probe)
        at_ms, onsets = round(monotonic() * 1_000), self._onsets.get(unit.name, {})
        observation, self._onsets[unit.name] = observe(unit.profile, registers, onsets, at_ms)
        if visit == "read_all":
            return observation
        # A slow point was not asked for; it is not bad.
        asked = [name for name in observation.bad if name not in unit.profile.read.slow]
        return replace(observation, bad=asked)

    def _is_news(self, name: str, seen: Observation) -> bool:
        """Whether what a look saw differs from the last reading; what it could not see is no
        news."""
        last = self._latest.get(name)
        if last is None:
            return True
        other_state = seen.state != last.state and UNKNOWN_STATE not in seen.bad
        return other_state or (seen.faults != last.faults and UNKNOWN_FAULTS not in seen.bad)

    def _report(self, unit: PolledUnit, seen: Observation) -> None:
        before = self._latest.get(unit.name)
        at = next_stamp(self._clock(), before.at if before is not None else None)
        self._add(Reading(unit.name, at, seen.state, seen.faults, seen.values, seen.bad), before)

    def _missed(self, name: str, code: str) -> None:
        health = self._health[name]
        health.missed(monotonic(), self._turn_s)
        self._greeted.discard(name)
        if health.misses == 1:
            _log.warning("%s: unit %s does not answer (%s)", self._name, name, code)

    def _answered(self, name: str) -> None:
        health = self._health[name]
        if health.misses:
            _log.info("%s: unit %s answers again after %d misses", self._name, name, health.misses)
        was_dead = all(each.quarantined for each in self._health.values())
        health.answered()
        if was_dead:
            release_all(self._health)

    def _add(self, reading: Reading, before: Reading | None) -> None:
        self._latest[reading.device] = reading
        self._group.append(reading)
        changed = before is None or (before.state, before.faults) != (reading.state, reading.faults)
        if changed or abs(reading.at - self._group[0].at) >= _GROUP_MS:
            self._flush()

    def _flush(self) -> None:
        if self._group:
            group, self._group = self._group, []
            self._keep(group)

    def _line_is_down(self, reason: str) -> None:
        if self._up:
            _log.error("%s: line is down: %s", self._name, reason)
        self._up = False

    def _line_is_up(self) -> None:
        if not self._up:
            _log.info("%s: line is up again", self._name)
        self._up = True
