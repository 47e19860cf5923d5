"""`simulate bus`: the shell that owns clock, threads and lines of a simulation."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from configuration.load import ConfigurationError, ConfigurationProblem
from simulators.live.bus.frames import SlaveSerialFraming, SlaveTcpFraming
from simulators.live.bus.line import SimulatedLine, Slaves
from simulators.live.bus.serial_line import SerialLine
from simulators.live.bus.tcp_line import TcpLine
from simulators.live.controller import Controller
from simulators.live.plant import Plant, UnknownFaultError
from simulators.live.record import SimulationRecord
from simulators.live.settings import LineSettings, SimulationSettings
from simulators.live.truth import TruthLog
from simulators.registers.brands import MAPS
from simulators.registers.register_map import RegisterMap
from simulators.scenario.events import Effects
from simulators.scenario.scenario import QUIET, Scenario, load_scenario
from simulators.unit.variants import varied
from wire.units import SECOND_MS
from wire.wall_clock import wall_clock_ms

STEP_S: Final = 0.25

_log = structlog.get_logger()


def monotonic_ms() -> int:
    """Milliseconds of a clock that never steps back."""
    return time.monotonic_ns() // 1_000_000


class SimulatorService:
    """Units, lines and record of one simulation.

    Raises ConfigurationError if the scenario or a fault in it is wrong, and OSError if the truth
    file or a line cannot be opened.
    """

    def __init__(
        self, settings: SimulationSettings, clock: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._settings, self._clock = settings, clock
        self._scenario = QUIET if settings.scenario is None else load_scenario(settings.scenario)
        self._devices = [
            (unit.id, unit.address, line) for line in settings.line for unit in line.unit
        ]
        maps = [varied(MAPS[line.profile], line.switched) for _, _, line in self._devices]
        truth = None if settings.truth is None else TruthLog(settings.truth)
        self._record = SimulationRecord(truth, [device for device, _, _ in self._devices], clock)
        self._plant = self._build_plant(maps)
        self._units = {
            device: self._controller(index, device, maps[index], line)
            for index, (device, _, line) in enumerate(self._devices)
        }
        self._lines: list[SerialLine | TcpLine] = []
        self._open_lines()

    @property
    def scenario(self) -> Scenario:
        """The scenario that runs."""
        return self._scenario

    @property
    def tcp_ports(self) -> list[int]:
        """The ports of the TCP lines in the order of the settings, for settings with port 0."""
        return [line.port for line in self._lines if isinstance(line, TcpLine)]

    def run(self, stop: threading.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve every line and let time pass until `stop` is set.

        `on_ready` is called once the lines answer.
        """
        ended = threading.Event()
        serving = [
            threading.Thread(target=line.run, args=(ended,), name="modbus-line")
            for line in self._lines
        ]
        self._record.started(self._settings, self._scenario.name, self._devices)
        for thread in serving:
            thread.start()
        _log.info("simulation_running", scenario=self._scenario.name, units=len(self._devices))
        on_ready()
        try:
            self._let_time_pass(stop)
        finally:
            ended.set()
            for thread in serving:
                thread.join()
            self._record.stopped()
            self._close()

    def _let_time_pass(self, stop: threading.Event) -> None:
        start = last = time.monotonic()
        known = Effects()
        coming = list(self._plant.events)
        while not stop.wait(STEP_S):
            now = time.monotonic()
            elapsed = round((now - start) * SECOND_MS)
            moment = self._plant.advance(elapsed, (now - last) * self._settings.speed)
            self._record.changed(known, moment.effects)
            while coming and coming[0].begin <= elapsed:
                self._record.began(coming.pop(0))
            last, known = now, moment.effects

    def _build_plant(self, maps: list[RegisterMap]) -> Plant:
        try:
            return Plant(self._scenario, maps, self._settings.seed, self._clock())
        except UnknownFaultError as error:
            raise ConfigurationError(
                [ConfigurationProblem(self._settings.scenario or Path(), "event", str(error))]
            ) from error

    def _open_lines(self) -> None:
        try:
            for number, line in enumerate(self._settings.line):
                self._lines.append(self._open(number, line))
        except OSError:
            self._close()
            raise

    def _close(self) -> None:
        for line in self._lines:
            line.close()
        self._record.close()

    def _open(self, number: int, line: LineSettings) -> SerialLine | TcpLine:
        slaves: Slaves = {unit.address: self._units[unit.id] for unit in line.unit}
        seed, names = self._settings.seed * 1_000 + number, {at.address: at.id for at in line.unit}
        wire = SimulatedLine(
            slaves,
            line.switched,
            seed,
            line.serial,
            lambda address: self._record.pulled(names.get(address)),
        )
        if line.pty is not None:
            return SerialLine(line.pty, wire)
        host, _, port = (line.tcp or line.rtu_tcp or "").rpartition(":")
        framing = SlaveSerialFraming if line.tcp is None else SlaveTcpFraming
        return TcpLine(host, int(port), wire, framing)

    def _controller(
        self, index: int, device: str, registers: RegisterMap, line: LineSettings
    ) -> Controller:
        return Controller(
            self._plant,
            index,
            registers,
            monotonic_ms,
            partial(self._record.read_by_master, device),
            line.switched,
            self._settings.seed,
        )
