"""The alert service: bus → core → one transaction → PUBACK, in one thread.

Any instant may be the last. What was not committed is not acknowledged, so the broker sends it
again; what was committed and comes again is recognised by its identity and changes nothing.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from alerts import metrics
from alerts.core.district import District
from alerts.core.event_budget import TOO_MANY
from alerts.core.model import BusMessage, Round
from alerts.core.practice import Practice
from alerts.core.record import AlertRecord, as_alert
from alerts.database_retry import DatabaseRetry
from alerts.feed.box_feed import BoxFeed
from alerts.feed.channel import Channel
from alerts.feed.mqtt_feed import MqttFeed
from alerts.feed.outbox import Outbox
from alerts.feed.retained_alerts import RetainedAlerts
from alerts.forecast import ForecastReader
from alerts.late.late_readings import LateReadings
from alerts.late.restart_gap import missed_readings
from alerts.settings import AlertsSettings
from alerts.snapshot import SnapshotFile
from alerts.store.announce import ALERT_EFFECT
from alerts.store.records import active_records, is_active_again
from alerts.store.write_round import Kept, Written, write_round
from alerts.write_in_parts import write_in_parts
from configuration.outage_log import OutageLog
from configuration.set_aside_log import UNPROCESSABLE, SetAsideLog
from desk.database.engine import reading, writing
from desk.extreme_cold import districts_in_extreme_cold
from desk.ledger.box_decisions import BOX_EFFECT, all_decisions, ledger_word
from desk.ledger.device_registry import known_gateways
from desk.ledger.known import KnownGateway
from ingest.store import ReadingStore, StoreUnavailable
from messaging.broker_log import BrokerLog
from messaging.session import (
    Connected,
    ConnectionFailed,
    ConnectionRefused,
    Delivery,
    Disconnected,
    MqttSession,
    Published,
)
from messaging.telemetry import decode_fitting
from rules.document.rule import Rule
from rules.readings.season import Season
from wire.messages import Alert
from wire.ownership import LedgerWord

_log = structlog.get_logger()

_IDLE_WAIT_S: Final = 0.1
_BATCH: Final = 2_000
_CHECK_EVERY_S: Final = 0.5
# A clock that is disciplined moves by far less between two rounds; one that is set moves by more.
_STEP_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class AlertParts:
    """The parts an alert service works with; `hearthwatch.run` makes them from server.toml.

    `feed_reader` is the session that reads the alert topics. `broker` is the URL for messages,
    `root` that of the topics. `listed` returns the gateways that the list of devices names, by
    device.
    """

    bus: MqttSession
    feed_reader: MqttSession
    broker: str
    root: str
    open_database: Callable[[], Engine]
    open_store: Callable[[], ReadingStore]
    snapshots: SnapshotFile
    forecast: ForecastReader
    rules: Sequence[Rule]
    practice: Practice
    season: Season
    listed: Callable[[], Mapping[str, str]] = dict


class AlertService:
    """Runs the rules over the bus and keeps alerts and tickets; `run` blocks until told to stop."""

    def __init__(
        self, parts: AlertParts, settings: AlertsSettings, clock: Callable[[], int]
    ) -> None:
        """Touch nothing before `run`; `clock` gives server time, UTC ms."""
        self._parts, self._settings, self._clock = parts, settings, clock
        self._kept = Kept(settings.feed_kept, settings.audit_kept)
        self._bus = parts.bus
        self._missing = {"rules": "not caught up yet"}
        self._retry = DatabaseRetry()
        self._set_aside_log = SetAsideLog(_log)
        self._broker_log = BrokerLog(_log, settings.client_id)
        self._state_outage = OutageLog(
            _log, "rule_state_not_saved", "rule_state_saved", severity="error"
        )
        self._bus_lost = True
        self._next_check = 0.0
        self._clock_offset: int | None = None
        self._saved_at = 0

    def readiness(self) -> list[str]:
        """What is missing before alerts can be relied on, as sentences; empty when ready.

        Any thread may call it.
        """
        missing = [f"{name}: {what}" for name, what in list(self._missing.items())]
        missing = [*self._retry.readiness(), *missing]
        if self._bus_lost:
            missing.append(f"mqtt: no connection to {self._parts.broker}")
        return missing

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then save the rule state and leave.

        Raises DatabaseError for an unusable URL.
        """
        self._retry.stop = stop
        # A daemon: a slow answer from the forecast's server does not hold up the end.
        forecast = threading.Thread(
            target=self._parts.forecast.run, args=(stop,), name="forecast", daemon=True
        )
        forecast.start()
        try:
            self._prepare()
            self._bus.start()
            self._parts.feed_reader.start()
            while not stop.is_set():
                self.turn()
            self.save_state()
            self._late.close()
        except DatabaseRetry.Stopped:
            _log.warning("stopped_with_uncommitted_changes", they="will be redelivered")
        finally:
            self._bus.stop()
            self._parts.feed_reader.stop()

    def _prepare(self) -> None:
        parts, now = self._parts, self._clock()
        self._database: Engine = self._retry.persist(parts.open_database)
        self._late = LateReadings(self._database, parts.open_store, parts.rules, parts.season)
        self._retained = RetainedAlerts(
            parts.feed_reader, self._bus, parts.root, self._announced_alerts
        )
        self._feed = MqttFeed(self._bus, parts.root, self._is_active_again, self._retained.sent)
        self._boxes = BoxFeed(self._bus, parts.root)
        channels: dict[str, Channel] = {ALERT_EFFECT: self._feed, BOX_EFFECT: self._boxes}
        self._outbox = Outbox(self._database, channels)
        self._district = District(parts.rules, now, parts.season, parts.root, decode_fitting)
        self._restore()
        self._district.decide_owners(self._retry.persist(self._ledger_word), now)
        self._district.learn(self._retry.persist(self._known_gateways), now)
        self._district.bus_down(now)
        self._district.skip_beyond(self._settings.catch_up, now)
        self._catch_up(now)
        self._commit(now)
        self._district.adopt(self._retry.persist(self._active_records), now)
        del self._missing["rules"]

    def _restore(self) -> None:
        saved = self._parts.snapshots.read()
        if not saved:
            return
        try:
            self._district.restore(saved)
        except (KeyError, ValueError) as error:
            _log.warning("rule_state_of_another_version", error=str(error))

    def _catch_up(self, now: int) -> None:
        """Evaluate what was stored meanwhile; without the store the rules go on with the bus."""
        try:
            store = self._parts.open_store()
        except StoreUnavailable as error:
            _log.warning("rules_start_without_catching_up", reason=str(error))
            return
        upto, at_most = self._district.evaluated_upto(), self._settings.catch_up
        try:
            for chunk in missed_readings(store, upto, at_most, now):
                self._district.catch_up(chunk, now)
                self._commit(now)
        except StoreUnavailable as error:
            _log.warning("rules_start_without_catching_up", reason=str(error))
        finally:
            store.close()

    def turn(self) -> None:
        """One round: what arrived and what is due; then the acknowledgements and the feed."""
        deliveries = self._receive()
        now = self._now()
        for delivery in deliveries:
            self._take_in(delivery, now)
        due = self._check_is_due()
        if due:
            self._attempt("tick", lambda: self._tick(now))
        if deliveries or due:
            self._commit(now)
            self.acknowledge(deliveries)
            self._attempt("send", lambda: self._retry.persist(self._outbox.pump))
        if due:
            self._attempt("compare_feed", lambda: self._retry.persist(self._retained.turn))
            self._attempt("evaluate_late", lambda: self._evaluate_late(now))
            self._attempt("save_state", lambda: self._save_state_if_due(now))

    def _tick(self, now: int) -> None:
        self._district.decide_owners(self._retry.persist(self._ledger_word), now)
        cold = self._retry.persist(lambda: self._in_extreme_cold(now))
        self._district.tick(now, self._parts.forecast.newest, extreme_cold=cold)

    def _evaluate_late(self, now: int) -> None:
        self._retry.persist(lambda: self._late.turn(self._district.interval_of, now))

    def _attempt(self, step: str, action: Callable[[], None]) -> None:
        """Do a step of every round; one that fails is counted and named, and tried again.

        Meanwhile `readiness` names it, and the other steps go on.
        """
        try:
            action()
        except DatabaseRetry.Stopped:
            raise
        except Exception as error:
            self._set_aside(step, "a round", error)
            self._missing[step] = "fails; see input_set_aside in the log"
        else:
            self._missing.pop(step, None)

    def _take_in(self, delivery: Delivery, now: int) -> None:
        message = BusMessage(delivery.topic, delivery.payload, delivery.retained)
        try:
            self._district.receive(message, now)
        except Exception as error:
            self._set_aside("receive", delivery.topic, error)

    def _commit(self, now: int) -> None:
        changes = self._district.take_round(now)
        _count_input(changes)
        for failed in changes.unevaluated:
            self._set_aside(failed.step, f"{failed.device} {failed.rule}".strip(), failed.error)
        if not changes.is_empty:
            for written in write_in_parts(changes, self._persist, self._set_aside):
                self._district.committed(written.recorded.records.values(), now)
                _count(written)

    def _set_aside(self, step: str, what: str, error: Exception) -> None:
        metrics.reject(UNPROCESSABLE)
        self._set_aside_log.note(step, what, error)

    def _persist(self, changes: Round) -> Written:
        return self._retry.persist(lambda: self.write(changes))

    def write(self, changes: Round) -> Written:
        """Commit a round."""
        with metrics.COMMIT_SECONDS.time(), writing(self._database) as session:
            return write_round(session, changes, self._parts.practice, self._kept)

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Let the broker forget what is committed."""
        for delivery in deliveries:
            self._bus.acknowledge(delivery)

    def _now(self) -> int:
        """Server time, UTC ms; a clock that was set does not change how long silence lasts."""
        now, steady = self._clock(), round(time.monotonic() * 1_000)
        offset = now - steady
        stepped = 0 if self._clock_offset is None else offset - self._clock_offset
        if abs(stepped) >= _STEP_MS:
            _log.warning("clock_set", by_s=stepped / 1_000)
            self._district.clock_stepped(stepped)
        self._clock_offset = offset
        return now

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
                case ConnectionFailed():
                    self._broker_log(event)
                case Connected() | Disconnected() | ConnectionRefused():
                    self._bus_changed(event)
        return deliveries

    def _bus_changed(self, event: Connected | Disconnected | ConnectionRefused) -> None:
        now = self._now()
        self._broker_log(event)
        if isinstance(event, Connected):
            self._bus_lost = False
            self._district.bus_up(now)
            self._boxes.repeat(self._retry.persist(self._box_decisions))
        elif not self._bus_lost or isinstance(event, ConnectionRefused):
            self._bus_lost = True
            self._district.bus_down(now)
        metrics.CONNECTED.set(0 if self._bus_lost else 1)

    def _check_is_due(self) -> bool:
        moment = time.monotonic()
        if moment < self._next_check:
            return False
        self._next_check = moment + _CHECK_EVERY_S
        return True

    def _known_gateways(self) -> list[KnownGateway]:
        with reading(self._database) as session:
            return known_gateways(session)

    def _ledger_word(self) -> LedgerWord:
        with reading(self._database) as session:
            return ledger_word(session, self._parts.listed())

    def _box_decisions(self) -> list[dict[str, Any]]:
        with reading(self._database) as session:
            return all_decisions(session)

    def _active_records(self) -> list[AlertRecord]:
        with reading(self._database) as session:
            return active_records(session)

    def _announced_alerts(self) -> list[Alert]:
        active = self._active_records()
        return [as_alert(record) for record in active if record.announced_at is not None]

    def _is_active_again(self, alert: Alert) -> bool:
        with reading(self._database) as session:
            return is_active_again(session, alert)

    def _in_extreme_cold(self, now: int) -> frozenset[str]:
        with reading(self._database) as session:
            return districts_in_extreme_cold(session, now)

    def _save_state_if_due(self, now: int) -> None:
        if now - self._saved_at >= self._settings.snapshot_every or now < self._saved_at:
            self._saved_at = now
            self.save_state()

    def save_state(self) -> None:
        """Write the rule state; only ever called when all that it led to is committed."""
        metrics.LATE.set(self._district.late_readings)
        folder = self._settings.state
        try:
            self._parts.snapshots.write(self._district.snapshot())
        except OSError as error:
            self._state_outage.lost(str(error), directory=str(folder))
            self._missing["state"] = f"{folder} cannot be written: {error.strerror}"
        else:
            self._state_outage.back(directory=str(folder))
            self._missing.pop("state", None)


def _count_input(changes: Round) -> None:
    metrics.READINGS.inc(changes.readings)
    for code, count in changes.rejected.items():
        metrics.reject(code, count)
    for decided in changes.decided:
        if decided.transition.reason == TOO_MANY:
            path = decided.transition.gateway_path
            _log.warning(TOO_MANY, gateway=str(path), advice="check the box")
    for subject in changes.unplaced:
        _log.error("transition_without_place", subject=subject)


def _count(written: Written) -> None:
    for (rule, edge), count in written.recorded.edges.items():
        metrics.TRANSITIONS.labels(rule, edge).inc(count)
    for stage in written.escalated:
        metrics.ESCALATIONS.labels(stage).inc()
