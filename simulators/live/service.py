"""`simulate bus`: the shell that owns clock and threads, and writes down what happened."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
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
from simulators.live.settings import LineSettings, SimulationSettings
from simulators.live.truth import TruthLog
from simulators.registers.brands import MAPS
from simulators.registers.image import Image
from simulators.registers.register_map import RegisterMap
from simulators.scenario.events import WIDE, Effects, Event
from simulators.scenario.scenario import QUIET, Scenario, load_scenario
from simulators.scoring.truths import Truth
from simulators.unit.variants import varied
from wire.wall_clock import wall_clock_ms

STEP_S: Final = 0.25

log = structlog.get_logger()


def monotonic_ms() -> int:
    """Milliseconds of a clock that never steps back."""
    return time.monotonic_ns() // 1_000_000


class SimulatorService:
    """Units, lines and truth of one simulation. Raises ConfigurationError and OSError."""

    def __init__(
        self, settings: SimulationSettings, clock: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._settings, self._clock = settings, clock
        self._scenario = QUIET if settings.scenario is None else load_scenario(settings.scenario)
        self._devices = [
            (unit.id, unit.address, line) for line in settings.line for unit in line.unit
        ]
        maps = [varied(MAPS[line.profile], line.switched) for _, _, line in self._devices]
        self._truth = None if settings.truth is None else TruthLog(settings.truth)
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
        """The ports of the TCP lines, in the order of the settings; useful where port 0 was asked
        for."""
        return [line.port for line in self._lines if isinstance(line, TcpLine)]

    def run(self, stop: threading.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve every line and let time pass until `stop` is set; `on_ready` is called once the
        lines answer."""
        ended = threading.Event()
        serving = [
            threading.Thread(target=line.run, args=(ended,), name="modbus-line")
            for line in self._lines
        ]
        self._write_start()
        for thread in serving:
            thread.start()
        log.info("simulation running", scenario=self._scenario.name, units=len(self._devices))
        on_ready()
        try:
            self._let_time_pass(stop)
        finally:
            ended.set()
            for thread in serving:
                thread.join()
            self._write({"type": "stop", "at": self._clock()})
            self._close()

    def _let_time_pass(self, stop: threading.Event) -> None:
        start = last = time.monotonic()
        known = Effects()
        coming = list(self._plant.events)
        while not stop.wait(STEP_S):
            now = time.monotonic()
            elapsed = round((now - start) * 1000)
            moment = self._plant.advance(elapsed, (now - last) * self._settings.speed)
            self._write_edges(known, moment.effects)
            while coming and coming[0].begin <= elapsed:
                self._write_truth(coming.pop(0))
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
        if self._truth is not None:
            self._truth.close()

    def _open(self, number: int, line: LineSettings) -> SerialLine | TcpLine:
        slaves: Slaves = {unit.address: self._units[unit.id] for unit in line.unit}
        wire = SimulatedLine(
            slaves, line.switched, self._settings.seed * 1_000 + number, line.serial
        )
        if line.pty is not None:
            return SerialLine(line.pty, wire)
        host, _, port = (line.tcp or line.rtu_tcp or "").rpartition(":")
        return TcpLine(
            host, int(port), wire, SlaveSerialFraming if line.tcp is None else SlaveTcpFraming
        )

    def _controller(
        self, index: int, device: str, registers: RegisterMap, line: LineSettings
    ) -> Controller:
        observer, seed = self._observer(device), self._settings.seed
        return Controller(
            self._plant, index, registers, monotonic_ms, observer, line.switched, seed
        )

    def _observer(self, device: str) -> Callable[[Image, bool], None]:
        def observed(image: Image, doubtful: bool) -> None:
            document: dict[str, object] = {
                "type": "read",
                "device": device,
                "at": self._clock(),
                "state": image.state,
            }
            document |= {"faults": list(image.faults), "values": dict(image.values)}
            document |= {"doubtful": True} if doubtful else {}
            self._write(document | ({} if image.state_shown else {"state_told": False}))

        return observed

    def _write_start(self) -> None:
        settings = self._settings
        start = {
            "type": "start",
            "at": self._clock(),
            "seed": settings.seed,
            "scenario": self._scenario.name,
        }
        self._write(start | {"speed": settings.speed})
        for device, address, line in self._devices:
            self._write(
                {"type": "device", "device": device, "profile": line.profile, "address": address}
            )

    def _write_edges(self, before: Effects, after: Effects) -> None:
        at = self._clock()
        for index, (device, _, _) in enumerate(self._devices):
            for code, edge in _edges(before.faults.get(index, ()), after.faults.get(index, ())):
                self._write(
                    {"type": "fault", "device": device, "code": code, "edge": edge, "at": at}
                )
            if (index in before.silent) != (index in after.silent):
                edge = "begin" if index in after.silent else "end"
                self._write({"type": "silent", "device": device, "edge": edge, "at": at})

    def _write_truth(self, event: Event) -> None:
        """An event that begins. Lines know no villages: what strikes one is a power cut to each of
        its units."""
        kind = event.detail.partition(":")[0] if event.cause == "fault" else event.cause
        at = self._clock()
        end = None if event.end is None else at + event.end - event.begin
        for unit in event.units:
            device = self._devices[unit][0]
            detail = {"strength": event.strength, "of": event.detail}
            truth = Truth(
                "power_cut" if event.cause in WIDE else kind,
                "device",
                device,
                at,
                end,
                detail=detail,
            )
            self._write(truth.to_document())

    def _write(self, document: Mapping[str, object]) -> None:
        if self._truth is not None:
            self._truth.append(document)


def _edges(before: Iterable[str], after: Iterable[str]) -> list[tuple[str, str]]:
    begun, ended = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    return [(code, "begin") for code in begun] + [(code, "end") for code in ended]
