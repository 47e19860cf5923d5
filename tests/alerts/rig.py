"""An alert service under test: settings, a gateway that speaks to it, and eyes on its tables and
its feed."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from alerts.service import AlertService
from alerts.settings import AlertsSettings, RulesSettings
from desk.database.engine import open_database, reading
from desk.database.tables import AlertRow, EscalationRow, GatewayRow, TicketEventRow, TicketRow
from desk.settings import TicketsSettings
from hearthwatch.run.alert_parts import make_alert_parts
from hearthwatch.run.server_settings import ServerSettings
from ingest.store import StoreSettings
from messaging.session import Connected, Delivery, MqttSession
from messaging.settings import MqttSettings
from tests.servers import wait_until
from wire.encode import encode_status, encode_telemetry
from wire.messages import AnnouncedDevice, Reading, Status, Telemetry
from wire.topics import GatewayPath, gateway_topic
from wire.wall_clock import wall_clock_ms

RULES = Path(__file__).parents[2] / "config" / "rules" / "*.toml"
PLACE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
DEVICES = ("mtg-mt-0001", "mtg-mt-0002")


def settings(directory: Path, url: str, **alerts: Any) -> dict[str, Any]:
    """The tables of a server.toml whose alert service keeps everything in `directory`."""
    return {
        "mqtt": MqttSettings(url=url),
        "tickets": TicketsSettings(url=f"sqlite:///{directory}/tickets.db"),
        "rules": RulesSettings(files=[RULES]),
        "alerts": AlertsSettings(state=directory / "alerts-state", **alerts),
        "store": StoreSettings(
            url=f"sqlite:{directory}/readings.db", dead_letters=directory / "dead-letters.jsonl"
        ),
    }


def make_service(
    kind: type[AlertService] = AlertService,
    clock: Callable[[], int] = wall_clock_ms,
    **given: Any,
) -> AlertService:
    """A service with the parts that these tables ask for."""
    tables = ServerSettings(**given)
    return kind(make_alert_parts(tables), tables.alerts, clock)


class Gateway:
    """Publishes as the gateway at `place`; its readings are stamped with the real time, each a
    little later."""

    def __init__(self, url: str, place: GatewayPath = PLACE) -> None:
        self.place = place
        self.seq = 0
        self._at = 0
        self._bus = MqttSession(MqttSettings(url=url), f"test-{place.gateway}", persistent=False)
        self._bus.start()
        wait_until(lambda: self._bus.connected)

    def close(self) -> None:
        self._bus.stop()

    def birth(self, *devices: str, interval_s: float = 30) -> None:
        announced = [
            AnnouncedDevice(device, "midea-mthermal", "bus-1", n + 1)
            for n, device in enumerate(devices)
        ]
        status = Status(True, wall_clock_ms(), "epoch-1", "test", interval_s, announced)
        self.send("status", encode_status(status), retain=True)

    def last_will(self) -> None:
        self.send("status", encode_status(Status(False)), retain=True)

    def read(self, device: str, *faults: str, at: int | None = None, **values: float) -> bytes:
        """Publish one reading; returns the payload, to be sent again."""
        self.seq += 1
        self._at = max(self._at + 1, wall_clock_ms()) if at is None else at
        one = Reading(device, self._at, "heating", list(faults), dict(values))
        payload = encode_telemetry(Telemetry(1, "epoch-1", self.seq, self._at, 30, [one]))
        self.send("telemetry", payload)
        return payload

    def send(self, kind: Any, payload: bytes, retain: bool = False) -> None:
        self._bus.publish(gateway_topic(kind, self.place), payload, retain=retain)


class Feed:
    """Everything that appears under the alert topics."""

    def __init__(self, url: str, client_id: str = "test-feed") -> None:
        self.messages: list[Delivery] = []
        self._bus = MqttSession(
            MqttSettings(url=url), client_id, subscriptions=["hw/v1/alert/#"], persistent=False
        )
        self._bus.start()
        wait_until(lambda: isinstance(self._bus.events.get(timeout=10), Connected))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            while not self._bus.events.empty():
                event = self._bus.events.get()
                if isinstance(event, Delivery):
                    self.messages.append(event)
                    self._bus.acknowledge(event)
            self._stop.wait(0.01)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._bus.stop()

    def states(self, device: str) -> list[str]:
        """What was told of a device's alerts: their state, or `removed`."""
        mine = [message for message in self.messages if f"/{device}/" in message.topic]
        return [
            json.loads(message.payload)["state"] if message.payload else "removed"
            for message in mine
        ]


class Running:
    """An AlertService in a thread of the test."""

    def __init__(
        self,
        kind: type[AlertService] = AlertService,
        clock: Callable[[], int] = wall_clock_ms,
        **given: Any,
    ) -> None:
        self.service = make_service(kind, clock, **given)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.service.run(self._stop)
        except BaseException as error:
            self._failure = error
            raise

    def ready(self) -> "Running":
        wait_until(lambda: self._failure is not None or self.service.readiness() == [])
        assert self._failure is None
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self._failure is None


class Tables:
    """The ticket database as another process sees it."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_database(url)

    def alerts(self, **where: Any) -> list[AlertRow]:
        return self._rows(select(AlertRow).filter_by(**where).order_by(AlertRow.onset))

    def tickets(self, **where: Any) -> list[TicketRow]:
        return self._rows(select(TicketRow).filter_by(**where).order_by(TicketRow.id))

    def gateways(self) -> list[GatewayRow]:
        return self._rows(select(GatewayRow))

    def events(self, event: str) -> list[TicketEventRow]:
        return self._rows(select(TicketEventRow).filter_by(event=event))

    def escalations(self) -> list[EscalationRow]:
        return self._rows(select(EscalationRow).order_by(EscalationRow.due))

    def _rows(self, statement: Any) -> list[Any]:
        with reading(self.engine) as session:
            rows = list(session.scalars(statement))
            session.expunge_all()
        return rows

    def cleared(self, **where: Any) -> bool:
        rows = self.alerts(**where)
        return bool(rows) and all(row.state == "cleared" for row in rows)
