"""The alert service: bus → rules → one transaction → PUBACK, in one thread that owns the clock and
the rule state.

Any instant may be the last: what was not committed is not acknowledged, so the broker sends it
again; what was committed and comes again is recognised by its identity and changes nothing.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from alerts import metrics
from alerts.core.evaluation import Evaluation
from alerts.core.inbox import Arrived, Inbox
from alerts.core.life import Episode
from alerts.feed.outbox import Outbox
from alerts.forecast import ForecastReader
from alerts.late.late_readings import History
from alerts.late.restart_gap import missed_readings
from alerts.rulebook import load_rules
from alerts.settings import (
    AlertsSettings,
    ForecastSettings,
    RulesSettings,
    SeasonSettings,
    TicketsSettings,
)
from alerts.snapshot import SnapshotFile
from alerts.store.records import active_episodes
from alerts.store.write_round import Round, Written, write
from desk.database.tables import open_database, reading, writing
from desk.ledger.device_registry import Known, known_gateways
from desk.ledger.extreme_cold import is_extreme_cold
from desk.tickets.life_cycle import ServiceProfile, practice_of
from ingest.store import StoreSettings, StoreUnavailable, open_store
from messaging.session import (
    Connected,
    ConnectionRefused,
    Delivery,
    Disconnected,
    MqttSession,
    Published,
)
from messaging.settings import MqttSettings
from wire.topics import every_gateway
from wire.wall_clock import wall_clock_ms

_log = structlog.get_logger()

_IDLE_WAIT_S: Final = 0.1
_BATCH: Final = 2_000
_TICK_S: Final = 0.5
_RETRY_S: Final = 1.0
# A clock that is disciplined moves by far less between two rounds; one that is set moves by more.
_STEP_MS: Final = 5_000
_DATABASE_LOST: Final = "the ticket database does not take changes; see the log"

# What waiting may cure; IntegrityError is another writer having been first with the same thing.
_PASSING: Final = (OperationalError, InterfaceError, IntegrityError, PoolTimeoutError)

Answer = TypeVar("Answer")


class _StoppedError(Exception):
    """The service is to stop and something could not be committed before."""


class AlertService:
    """Runs the rules over the bus and keeps alerts and tickets; `run` blocks until its event is
    set."""

    def __init__(
        self,
        mqtt: MqttSettings,
        tickets: TicketsSettings,
        rules: RulesSettings,
        alerts: AlertsSettings,
        store: StoreSettings,
        season: SeasonSettings | None = None,
        clock: Callable[[], int] = wall_clock_ms,
        forecast: ForecastSettings | None = None,
    ) -> None:
        """Read the rule files; raises ConfigurationError. Nothing else is touched before `run`."""
        self.rules = load_rules(rules)
        self._season = (season or SeasonSettings()).to_season()
        self._mqtt, self._tickets, self._alerts, self._store = mqtt, tickets, alerts, store
        self._clock = clock
        clocks = ServiceProfile(alerts.dispatch_within, alerts.onsite_within, alerts.repair_within)
        self._practice = practice_of(self.rules, clocks)
        self._snapshots = SnapshotFile(alerts.state)
        self._forecast = ForecastReader(forecast or ForecastSettings())
        topics = [every_gateway("status", mqtt.root), every_gateway("telemetry", mqtt.root)]
        self._bus = MqttSession(mqtt, alerts.client_id, subscriptions=topics, report_published=True)
        self._missing = {
            "tickets": "the ticket database has not been opened yet",
            "rules": "not caught up yet",
        }
        self._bus_lost = True
        self._next_tick = 0.0
        self._clock_offset: int | None = None
        self._saved_at = 0

    def readiness(self) -> list[str]:
        """What is missing before alerts can be relied on, as sentences; empty when ready. For any
        thread."""
        missing = [f"{name}: {what}" for name, what in list(self._missing.items())]
        return [*missing, f"mqtt: no connection to {self._mqtt.url}"] if self._bus_lost else missing

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then save the rule state and leave; raises DatabaseError for an
        unusable URL."""
        self._stop = stop
        # A daemon: what it waits for may take longer than anybody wants to wait for the end.
        threading.Thread(
            target=self._forecast.run, args=(stop,), name="forecast", daemon=True
        ).start()
        try:
            self._prepare()
            self._bus.start()
            while not stop.is_set():
                self.turn()
            self.save_state()
            self._history.close()
        except _StoppedError:
            _log.warning(
                "stopped with changes that the ticket database did not take; they will be redelivered"
            )
        finally:
            self._bus.stop()

    def _prepare(self) -> None:
        now = self._clock()
        self._database: Engine = self._persist(lambda: open_database(self._tickets.url))
        self._evaluation = Evaluation(self.rules, now, self._season)
        self._inbox = Inbox(self._evaluation, self._mqtt.root)
        self._history = History(self._database, self._store, self.rules, self._season)
        self._outbox = Outbox(self._database, self._bus, self._mqtt.root)
        if saved := self._snapshots.read():
            self._evaluation.restore(saved)
        self._evaluation.learn(self._persist(self._known_gateways), now)
        self._evaluation.bus_down(now)
        missed = self._evaluation.missed(self._alerts.catch_up, now)
        self._catch_up(now)
        self._persist(lambda: self.write(Round(now, late=missed)))
        active = self._persist(self._active_episodes)
        self._evaluation.adopt(active, now)
        self._evaluation.hold(active, now)
        del self._missing["rules"]

    def _known_gateways(self) -> list[Known]:
        with reading(self._database) as session:
            return known_gateways(session)

    def _active_episodes(self) -> list[Episode]:
        with reading(self._database) as session:
            return active_episodes(session)

    def _is_extreme_cold(self, now: int) -> bool:
        with reading(self._database) as session:
            return is_extreme_cold(session, now)

    def _catch_up(self, now: int) -> None:
        """Judge what was stored meanwhile; without the store the rules go on with what the bus
        brings."""
        try:
            store = open_store(self._store)
        except StoreUnavailable as error:
            _log.warning("rules start without catching up", reason=str(error))
            return
        try:
            for chunk in missed_readings(
                store, self._evaluation.judged_upto(), self._alerts.catch_up, now
            ):
                self._commit(Arrived(readings=chunk), now, timed=False)
        except StoreUnavailable as error:
            _log.warning("rules start without catching up", reason=str(error))
        finally:
            store.close()

    def turn(self) -> None:
        """One round: what arrived and what is due, in one transaction; then the acknowledgements
        and the feed."""
        deliveries = self._receive()
        now = self._now()
        due = self._tick_is_due()
        if deliveries or due:
            self._commit(self._inbox.take(deliveries, now), now, timed=due)
            self.acknowledge(deliveries)
            self._persist(self._outbox.pump)
        if due:
            self._persist(lambda: self._history.turn(self._evaluation.interval_of, now))
            self._save_state_if_due(now)

    def _now(self) -> int:
        """Server time, UTC ms; where the clock was set, silence goes on counting as it was
        (reliability "clock")."""
        now, steady = self._clock(), round(time.monotonic() * 1_000)
        offset = now - steady
        stepped = 0 if self._clock_offset is None else offset - self._clock_offset
        if abs(stepped) >= _STEP_MS:
            _log.warning("the clock was set", by_s=stepped / 1_000)
            self._evaluation.clock_stepped(stepped)
        self._clock_offset = offset
        return now

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Let the broker forget what is committed."""
        for delivery in deliveries:
            self._bus.acknowledge(delivery)

    def _receive(self) -> list[Delivery]:
        """The deliveries waiting, at most a batch; waits a moment for the first."""
        deliveries: list[Delivery] = []
        wait = _IDLE_WAIT_S
        while len(deliveries) < _BATCH:
            try:
                event = (
                    self._bus.events.get(timeout=wait) if wait else self._bus.events.get_nowait()
                )
            except queue.Empty:
                break
            wait = 0.0
            match event:
                case Delivery():
                    deliveries.append(event)
                case Published(mid):
                    self._outbox.confirm(mid)
                case Connected() | Disconnected() | ConnectionRefused():
                    self._bus_changed(event)
        return deliveries

    def _bus_changed(self, event: Connected | Disconnected | ConnectionRefused) -> None:
        now = self._now()
        if isinstance(event, Connected):
            _log.info("connected to the broker", url=self._mqtt.url)
            self._bus_lost = False
            self._evaluation.bus_up(now)
            self._persist(self._outbox.refresh)
        elif not self._bus_lost or isinstance(event, ConnectionRefused):
            _log.warning("no connection to the broker", url=self._mqtt.url, reason=event.reason)
            self._bus_lost = True
            self._evaluation.bus_down(now)
        metrics.CONNECTED.set(0 if self._bus_lost else 1)

    def _tick_is_due(self) -> bool:
        moment = time.monotonic()
        if moment < self._next_tick:
            return False
        self._next_tick = moment + _TICK_S
        return True

    def _commit(self, arrived: Arrived, now: int, *, timed: bool) -> None:
        evaluation = self._evaluation
        decided = evaluation.observe(arrived.readings, now)
        if timed:
            evaluation.extreme_cold(self._persist(lambda: self._is_extreme_cold(now)))
            decided += evaluation.step(now, self._forecast.newest)
        one = Round(now, arrived.statuses, decided, late=evaluation.late, timed=timed)
        if timed:
            one.due, one.heard, one.places = (
                evaluation.due(now),
                evaluation.fresh,
                evaluation.places,
            )
            one.feed_from = now - self._alerts.feed_kept
        metrics.READINGS.inc(len(arrived.readings))
        if one.is_empty:
            return
        written = self._persist(lambda: self.write(one))
        evaluation.late = {}
        if timed:
            evaluation.fresh = {}
        evaluation.hold(written.recorded.episodes.values(), now)
        _count(written)

    def write(self, one: Round) -> Written:
        """Commit a round."""
        with metrics.COMMIT_SECONDS.time(), writing(self._database) as session:
            return write(session, one, self._practice)

    def _persist(self, action: Callable[[], Answer]) -> Answer:
        """Do what needs the database, again and again while it is away; raises _StoppedError when
        told to stop."""
        while True:
            try:
                answer = action()
            except _PASSING as error:
                self._database_lost(error)
                if self._stop.wait(_RETRY_S):
                    raise _StoppedError from error
            else:
                self._database_found()
                return answer

    def _database_lost(self, error: Exception) -> None:
        if self._missing.get("tickets") != _DATABASE_LOST:
            _log.error(
                "the ticket database does not take changes; waiting for it", error=str(error)
            )
        self._missing["tickets"] = _DATABASE_LOST
        metrics.DATABASE_UP.set(0)

    def _database_found(self) -> None:
        if self._missing.pop("tickets", None) == _DATABASE_LOST:
            _log.info("the ticket database takes changes")
        metrics.DATABASE_UP.set(1)

    def _save_state_if_due(self, now: int) -> None:
        if now - self._saved_at >= self._alerts.snapshot_every or now < self._saved_at:
            self._saved_at = now
            self.save_state()

    def save_state(self) -> None:
        """Write the rule state; only ever called when all that it led to is committed."""
        metrics.LATE.set(self._evaluation.late_readings)
        try:
            self._snapshots.write(self._evaluation.snapshot())
        except OSError as error:
            if "state" not in self._missing:
                _log.error(
                    "the rule state cannot be saved",
                    directory=str(self._alerts.state),
                    error=str(error),
                )
            self._missing["state"] = f"{self._alerts.state} cannot be written: {error.strerror}"
        else:
            self._missing.pop("state", None)


def _count(written: Written) -> None:
    for (rule, edge), count in written.recorded.edges.items():
        metrics.TRANSITIONS.labels(rule, edge).inc(count)
    for stage in written.escalated:
        metrics.ESCALATIONS.labels(stage).inc()
