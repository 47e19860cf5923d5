"""The running gateway: one thread for each line, one for the broker; it owns clock and threads."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.commands.results import CommandResults
from gateway_agent.polling.cadence import cadence_of
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import BusSettings, GatewaySettings
from gateway_agent.status.kernel_clock import is_synchronised
from gateway_agent.status.metrics import Metric, gateway_metrics
from gateway_agent.uplink.identity import GatewayIdentity
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.journal_writer import JournalWriter
from gateway_agent.uplink.publisher import Publisher
from wire.messages import AnnouncedDevice
from wire.wall_clock import wall_clock_ms


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """The parts of a gateway at work."""

    journal: Journal
    results: CommandResults
    writer: JournalWriter
    lines: list[PolledLine]
    commands: CommandQueue
    publisher: Publisher

    @property
    def alive_at(self) -> float:
        """The oldest last sign of life of all lines and the publisher, in monotonic seconds."""
        return min([self.publisher.alive_at, *(line.alive_at for line in self.lines)])

    def metrics(self) -> Iterator[Metric]:
        """Every metric at this moment."""
        return gateway_metrics(self.journal, self.writer, self.publisher, self.commands, self.lines)

    def close(self) -> None:
        """Close the files; the threads have ended before."""
        self.results.close()
        self.journal.close()


class GatewayService:
    """A village box: polls its lines, journals, publishes."""

    def __init__(
        self,
        settings: GatewaySettings,
        profiles: Mapping[str, Profile],
        clock: Callable[[], int] = wall_clock_ms,
        synchronised: Callable[[], bool] = is_synchronised,
    ) -> None:
        """Take the configuration and its profiles by reference; nothing is touched before `run`.

        `clock` gives UTC milliseconds; `synchronised` whether it is set right.
        """
        self._synchronised = synchronised
        self._running: RunningGateway | None = None
        self._settings = settings
        self._profiles = profiles
        self._clock = clock
        self._failures: list[BaseException] = []

    @property
    def running(self) -> RunningGateway | None:
        """The parts at work; None before and after `run`."""
        return self._running

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then publish the waiting messages and return.

        Raises sqlite3.Error if the journal cannot be opened, and the error that ended a line.
        """
        self._running = running = self._open()
        threads = [
            threading.Thread(target=self._run_line, args=(line, stop), name="line")
            for line in running.lines
        ]
        try:
            for thread in threads:
                thread.start()
            running.publisher.run(stop)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            self._running = None
            running.close()
        if self._failures:
            raise self._failures[0]

    def _open(self) -> RunningGateway:
        settings, clock = self._settings, self._clock
        file = settings.journal.path
        journal = Journal(file, settings.interval / 1_000, settings.journal.max_mb)
        results = CommandResults(file.with_name(file.name + ".commands"))
        writer = JournalWriter(journal, clock, self._synchronised)
        lines = [self._line(bus, writer) for bus in settings.bus]
        units = {unit.name: (unit, line) for line in lines for unit in line.units}
        commands = CommandQueue(results, units, clock)
        identity = identity_of(settings, self._profiles)
        publisher = Publisher(
            identity.session(settings.mqtt),
            journal,
            commands,
            identity,
            resend_after_ms=settings.journal.resend_after,
            clock=clock,
        )
        return RunningGateway(journal, results, writer, lines, commands, publisher)

    def _line(self, bus: BusSettings, writer: JournalWriter) -> PolledLine:
        units = [
            PolledUnit(
                device.id,
                device.address,
                self._profiles[device.profile],
                bus.line,
                self._meter(bus, device.id),
            )
            for device in bus.device
        ]
        cadence = cadence_of(self._settings)
        return PolledLine(Bus(bus.line), units, cadence, writer.keep, self._clock)

    def _meter(self, bus: BusSettings, device: str) -> PolledUnit | None:
        meter = bus.meter_of(device)
        if meter is None:
            return None
        return PolledUnit(device, meter.address, self._profiles[meter.profile], bus.line)

    def _run_line(self, line: PolledLine, stop: threading.Event) -> None:
        """Run `line`; an unforeseen error of it ends the service, which is then restarted."""
        try:
            line.run(stop)
        except BaseException as failure:
            self._failures.append(failure)
            stop.set()
            raise


def identity_of(settings: GatewaySettings, profiles: Mapping[str, Profile]) -> GatewayIdentity:
    """The gateway's levels and its devices, as its birth message lists them."""
    devices = [
        AnnouncedDevice(device.id, profiles[device.profile].profile, bus.line.name, device.address)
        for bus in settings.bus
        for device in bus.device
    ]
    return GatewayIdentity(
        settings.gateway_path,
        devices,
        interval_s=settings.interval / 1_000,
        software=f"hearthwatch {version('hearthwatch')}",
        root=settings.mqtt.root,
    )
