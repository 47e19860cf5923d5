"""The API and the console on a real server and real databases, with a village to look at."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from sqlalchemy import Engine

from alerts.core.model import Decided
from alerts.core.practice import practice_of
from alerts.rulebook import advice_of
from alerts.store.record_round import record_decisions
from api import ApiContext, create_app
from api.serving import server_settings
from console import mount
from desk.accounts.accounts import secret_hash
from desk.database.engine import open_database, writing
from desk.database.tables import ApiTokenRow, DeviceRow, FeedEventRow
from desk.tickets.terms import ServiceTerms
from ingest.store import ReadingStore, StoredReading, StoreSettings, open_store
from rules.transitions.transition import Transition
from tests.alerts.messages import CHINA
from tests.rules.shipped import shipped_rules
from tests.servers import answers, free_port, wait_until
from wire.location import Location
from wire.messages import Priority, Reading
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms

VILLAGE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
ELSEWHERE = GatewayPath("mentougou", "qingshui", "shangqing", "sq-01")
MINUTE = 60_000
PRACTICE = practice_of(shipped_rules(), ServiceTerms(CHINA))

TEXTS = {
    "fault": {
        "zh": "高压保护 P1，机组已停机",
        "en": "High-pressure protection P1, the unit has stopped",
    },
    "low_room_temperature": {"zh": "室温低于 18 °C", "en": "Room below 18 °C"},
    "defrost_share": {
        "zh": "化霜时间占比超过 10 %",
        "en": "Defrost takes more than 10 % of the time",
    },
    "device_offline": {"zh": "设备离线", "en": "The unit is offline"},
    "extreme_cold": {"zh": "预报极寒", "en": "Extreme cold forecast"},
    "village_outage": {"zh": "全村停电或断网", "en": "Power or network outage of the village"},
}


@dataclass
class Clock:
    """A clock that runs with the wall clock, but may be moved and stopped."""

    moved_ms: int = 0
    stopped_at: int | None = None

    def __call__(self) -> int:
        return wall_clock_ms() + self.moved_ms if self.stopped_at is None else self.stopped_at


@dataclass
class Desk:
    """One server with its databases; `restart` keeps them and the port, as after a crash of the
    process."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    missing: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.database: Engine = open_database(f"sqlite:///{self.folder / 'tickets.db'}")
        self.store: ReadingStore = open_store(
            StoreSettings(url=f"sqlite:{self.folder / 'readings.db'}")
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.stop_feeds = threading.Event()
        context = ApiContext(
            self.database,
            self.store,
            lambda: self.missing,
            self.clock,
            self.stop_feeds,
            ServiceTerms(CHINA),
            advice_of(shipped_rules()),
        )
        app = create_app(context)
        mount(app)
        settings = server_settings(app, "127.0.0.1", self.port)
        settings.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: answers(self.port), what="the HTTP server")

    def stop(self) -> None:
        self.stop_feeds.set()
        self._server.should_exit = True
        self._thread.join()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.stop()
        self.store.close()
        self.database.dispose()

    def add_device(
        self,
        device: str,
        place: GatewayPath = VILLAGE,
        brand: str = "midea",
        household: str | None = None,
    ) -> None:
        now = self.clock()
        with writing(self.database) as session:
            session.add(
                DeviceRow(
                    id=device,
                    district=place.district,
                    town=place.town,
                    village=place.village,
                    gateway=place.gateway,
                    profile="midea-mthermal",
                    brand=brand,
                    household=household,
                    address=1,
                    last_at=now,
                    last_heard=now,
                    last_state="heating",
                )
            )

    def token(self, role: str, scope: str | None) -> str:
        """A token whose scope nobody has checked: its place may have gone since."""
        with writing(self.database) as session:
            token = f"{role} of {scope}"
            row = ApiTokenRow(hash=secret_hash(token), role=role, scope=scope, created=self.clock())
            session.merge(row)
        return token

    def raise_alert(
        self,
        subject: str,
        rule: str = "fault",
        priority: Priority = "urgent",
        code: str | None = None,
        age: int = MINUTE,
        place: GatewayPath = VILLAGE,
        kind: str = "device",
        **values: float | int | str | None,
    ) -> str:
        """Raise an alert that began `age` ms ago, as the rules would; returns its id."""
        return self._transition(subject, rule, priority, code, age, place, kind, "raise", values)

    def clear_alert(
        self,
        subject: str,
        rule: str = "fault",
        code: str | None = None,
        place: GatewayPath = VILLAGE,
    ) -> str:
        """Clear it as the rules would; returns its id."""
        return self._transition(subject, rule, "urgent", code, 0, place, "device", "clear", {})

    def _transition(self, subject, rule, priority, code, age, place, kind, edge, values) -> str:  # type: ignore[no-untyped-def]
        now = self.clock()
        given = {"value": None, "limit": None, "unit": None, "children": 0, **values}
        transition = Transition(
            rule=rule,
            subject=subject,
            subject_kind=kind,
            edge=edge,
            code=code,
            onset=now - age,
            at=now,
            priority=priority,
            reason="test",
            text=TEXTS[rule],
            **given,
        )
        gateway = place.gateway if kind == "device" else None
        spot = Location(place.district, place.town, place.village, gateway)
        with writing(self.database) as session:
            recorded = record_decisions(
                session,
                [Decided(transition, spot)],
                PRACTICE,
                now - age if edge == "raise" else now,
            )
        return next(iter(recorded.records))

    def add_readings(
        self, device: str, readings: list[Reading], place: GatewayPath = VILLAGE
    ) -> None:
        self.store.write(
            [
                StoredReading(place, "e", number, reading)
                for number, reading in enumerate(readings, 1)
            ]
        )

    def add_feed_event(self, payload: dict[str, object], place: GatewayPath = VILLAGE) -> int:
        with writing(self.database) as session:
            row = FeedEventRow(
                at=self.clock(),
                kind="status",
                payload=payload,
                district=place.district,
                town=place.town,
                village=place.village,
            )
            session.add(row)
            session.flush()
            return row.id
