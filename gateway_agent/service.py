"""The running gateway: one thread per line, one for the broker; owns clock and threads."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from gateway_agent.bus.modbus import Bus
from gateway_agent.commands.command_queue import CommandQueue
from gateway_agent.commands.results import CommandResults
from gateway_agent.polling.line import PolledLine
from gateway_agent.polling.unit import PolledUnit
from gateway_agent.profile.schema import Profile
from gateway_agent.settings import BusSettings, GatewaySettings
from gateway_agent.status.kernel_clock import is_synchronised
from gateway_agent.uplink.journal import Journal
from gateway_agent.uplink.publisher import Publisher
from messaging.session import MqttSession, Will
from wire.encode import encode_status
from wire.messages import AnnouncedDevice, Reading, Status
from wire.topics import gateway_topic
from wire.wall_clock import wall_clock_ms

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """What is at work in a running gateway."""

    journal: Journal
    outcomes: CommandResults
    keeper: "JournalWriter"
    lines: list[PolledLine]
    desk: CommandQueue
    publisher: Publisher

    @property
    def alive_at(self) -> float:
        """The monotonic time in seconds since which every line has turned, and the publisher
        too."""
        return min([self.publisher.alive_at, *(line.alive_at for line in self.lines)])


class GatewayService:
    """A village box: polls its lines, journals, publishes."""

    def __init__(
        self,
        settings: GatewaySettings,
        profiles: Mapping[str, Profile],
        clock: Callable[[], int] = wall_clock_ms,
        synchronised: Callable[[], bool] = is_synchronised,
    ) -> None:
        """Take the configuration and its profiles (see `load_profiles`); nothing is touched before
        `run`.

        `synchronised` tells whether `clock` is set right.
        """
        self._synchronised = synchronised
        self._parts: RunningGateway | None = None
        self._settings = settings
        self._profiles = profiles
        self._clock = clock
        self._failures: list[BaseException] = []

    @property
    def parts(self) -> RunningGateway | None:
        """What is at work; None before and after `run`."""
        return self._parts

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then publish what is left and return.

        Raises sqlite3.Error where the journal cannot be opened, and whatever ended a line's thread.
        """
        self._parts = parts = self._open()
        threads = [
            threading.Thread(target=self._watch, args=(line, stop), name="line")
            for line in parts.lines
        ]
        try:
            for thread in threads:
                thread.start()
            parts.publisher.run(stop)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            self._parts = None
            parts.outcomes.close()
            parts.journal.close()
        if self._failures:
            raise self._failures[0]

    def _open(self) -> RunningGateway:
        settings = self._settings
        journal = Journal(settings.journal.path, settings.interval / 1_000, settings.journal.max_mb)
        outcomes = CommandResults(
            settings.journal.path.with_name(settings.journal.path.name + ".commands")
        )
        keeper = JournalWriter(journal, self._clock, self._synchronised)
        lines: list[PolledLine] = []
        units: dict[str, tuple[PolledUnit, PolledLine]] = {}
        for bus in settings.bus:
            on_line = self._units(bus)
            lines.append(
                PolledLine(Bus(bus.line), on_line, settings.cadence, keeper.keep, self._clock)
            )
            units |= {unit.name: (unit, lines[-1]) for unit in on_line}
        desk = CommandQueue(outcomes, units, self._clock)
        return RunningGateway(
            journal, outcomes, keeper, lines, desk, self._publisher(journal, desk)
        )

    def _watch(self, line: PolledLine, stop: threading.Event) -> None:
        """A line that fails in a way nobody foresaw ends the service, so that it is restarted and
        seen."""
        try:
            line.run(stop)
        except BaseException as failure:
            self._failures.append(failure)
            stop.set()
            raise

    def _units(self, bus: BusSettings) -> list[PolledUnit]:
        return [
            PolledUnit(device.id, device.address, self._profiles[device.profile], bus.line)
            for device in bus.device
        ]

    def _publisher(self, journal: Journal, desk: CommandQueue) -> Publisher:
        settings = self._settings
        return Publisher(
            _session(settings),
            journal,
            settings.place,
            announced(settings, self._profiles),
            desk,
            interval_s=settings.interval / 1_000,
            resend_after_ms=settings.journal.resend_after,
            software=f"hearthwatch {version('hearthwatch')}",
            clock=self._clock,
            root=settings.mqtt.root,
        )


class JournalWriter:
    """Puts readings into the journal; counts and says once when it cannot."""

    def __init__(
        self, journal: Journal, clock: Callable[[], int], synchronised: Callable[[], bool]
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._synchronised = synchronised
        self._failing = False
        self.lost = 0

    def keep(self, readings: Sequence[Reading]) -> None:
        """Journal `readings`; those it cannot take are counted in `lost`."""
        try:
            self._journal.append(
                readings, self._clock(), None if self._synchronised() else "unsynced"
            )
        except sqlite3.Error as error:
            self.lost += len(readings)
            if not self._failing:
                _log.error("the journal takes no readings: %s", error)
            self._failing = True
            return
        if self._failing:
            _log.info("the journal takes readings again, %d were lost", self.lost)
        self._failing = False


def announced(settings: GatewaySettings, profiles: Mapping[str, Profile]) -> list[AnnouncedDevice]:
    """The devices as the birth message lists them."""
    return [
        AnnouncedDevice(device.id, profiles[device.profile].profile, bus.line.name, device.address)
        for bus in settings.bus
        for device in bus.device
    ]


def _session(settings: GatewaySettings) -> MqttSession:
    place, root = settings.place, settings.mqtt.root
    return MqttSession(
        settings.mqtt,
        f"gateway-{place.district}-{place.town}-{place.village}-{place.gateway}",
        subscriptions=[gateway_topic("ack", place, root), gateway_topic("command", place, root)],
        will=Will(gateway_topic("status", place, root), encode_status(Status(online=False))),
        report_published=True,
    )
