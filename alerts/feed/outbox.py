"""The way from the outbox to the bus: each row is published in order, and forgotten once the broker
has it."""

from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session as DatabaseSession

from alerts.core.life import as_alert
from alerts.metrics import PUBLISHED
from alerts.store.records import active_episodes
from desk.database.effects import due_effects, forget_effects
from desk.database.tables import AlertRow, OutboxRow, reading, writing
from messaging.session import MqttSession
from wire.encode import encode_alert
from wire.messages import Alert
from wire.topics import alert_topic

_BATCH: Final = 200
# More than this unconfirmed means that the broker does not keep up; the rest waits in the database.
_MAX_IN_FLIGHT: Final = 1_000


class Outbox:
    """Publishes alerts retained while active; a cleared one is sent unretained and its retained
    message removed."""

    def __init__(self, database: Engine, bus: MqttSession, root: str) -> None:
        self._database = database
        self._bus = bus
        self._root = root
        self._taken = 0
        self._row_of: dict[int, int] = {}
        self._open: dict[int, int] = {}
        self._done: list[int] = []

    def pump(self) -> None:
        """Publish what is due, as far as the broker keeps up; forget what it has confirmed."""
        if self._done:
            with writing(self._database) as session:
                forget_effects(session, self._done)
            PUBLISHED.inc(len(self._done))
            self._done = []
        while self._bus.connected and len(self._open) < _MAX_IN_FLIGHT and self._take():
            pass

    def confirm(self, mid: int) -> None:
        """The broker took over message `mid`."""
        row = self._row_of.pop(mid, None)
        if row is None:
            return
        self._open[row] -= 1
        if self._open[row] == 0:
            del self._open[row]
            self._done.append(row)

    def refresh(self) -> None:
        """Publish every active alert again: a broker that was away may have lost its retained
        messages."""
        with reading(self._database) as session:
            alerts = [
                as_alert(one) for one in active_episodes(session) if one.announced_at is not None
            ]
        for alert in alerts:
            self._bus.publish(alert_topic(alert, self._root), encode_alert(alert), retain=True)

    def _take(self) -> bool:
        with reading(self._database) as session:
            rows = due_effects(session, self._taken, _BATCH)
            messages = [(row.id, _messages(session, row, self._root)) for row in rows]
        for row, parts in messages:
            self._taken = row
            self._open[row] = len(parts)
            for topic, payload, retain in parts:
                self._row_of[self._bus.publish(topic, payload, retain=retain)] = row
        return bool(messages)


def _messages(session: DatabaseSession, row: OutboxRow, root: str) -> list[tuple[str, bytes, bool]]:
    alert = _alert(row.payload)
    topic = alert_topic(alert, root)
    if alert.state == "active":
        return [(topic, encode_alert(alert), True)]
    told = [(topic, encode_alert(alert), False)]
    # A later episode of the same condition may hold the topic by now: its retained message stays.
    return told if _is_active_again(session, alert) else [*told, (topic, b"", True)]


def _is_active_again(session: DatabaseSession, alert: Alert) -> bool:
    same = {
        name: getattr(alert, name) for name in ("subject", "rule", "district", "town", "village")
    }
    again = select(AlertRow.id).filter_by(**same, code=alert.code or "", state="active")
    return session.scalar(again.where(AlertRow.announced_at.is_not(None)).limit(1)) is not None


def _alert(document: dict[str, Any]) -> Alert:
    return Alert(**{name: value for name, value in document.items() if name != "v"})
