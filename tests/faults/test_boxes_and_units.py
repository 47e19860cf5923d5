"""Boxes are replaced and units move: no unit is unwatched for longer than its offline time, and no
reading is lost or stored twice. Real broker, ingest, alerts, journals and databases."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from alerts.settings import RulesSettings
from desk.accounts.scope import Scope
from desk.database.engine import reading, writing
from desk.database.tables import DeviceRow
from desk.ledger.boxes import assign_device, retire_box
from tests.alerts.rig import RULES, Running, Tables, settings
from tests.ingest.harness import Folder, running
from tests.ingest.village import JournalGateway
from tests.servers import Server, wait_until
from wire.topics import GatewayPath
from wire.wall_clock import wall_clock_ms

OLD = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
NEW = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")
UNIT = "mtg-mt-0001"
OFFLINE_S = 4.0
"""How long a unit may be silent in these tests."""

Record = dict[str, float]


@dataclass
class District:
    """Ingest and alerts in one folder, on one broker; both can be ended and begun again."""

    broker_url: str
    path: Path

    def __post_init__(self) -> None:
        self.folder = Folder(self.path / "server")
        self.folder.path.mkdir()
        short = {"intervals": 1, "at_least": f"{OFFLINE_S}s"}
        overrides: dict[str, dict[str, Any]] = {
            "device_offline": short,
            "gateway_offline": short,
            "ownership_conflict": {"on_delay": "500ms", "off_delay": "500ms"},
        }
        self.given = settings(self.folder.path, self.broker_url)
        self.given["rules"] = RulesSettings(files=[RULES], override=overrides)
        self.tables = Tables(self.given["tickets"].url)

    @contextmanager
    def serve(self, **ingest: object) -> Iterator[None]:
        with running(self.broker_url, self.folder, **ingest):
            service = Running(**self.given).ready()
            try:
                yield
            finally:
                service.stop()

    @property
    def database(self) -> Engine:
        return self.tables.engine

    def stored(self) -> list[int]:
        return [at for device, at in self.folder.rows() if device == UNIT]  # type: ignore[misc]

    def holds(self, polled: list[int]) -> Callable[[], bool]:
        return lambda: self.stored() == sorted(polled)

    def home(self) -> str | None:
        with reading(self.database) as session:
            return session.scalar(
                select(DeviceRow.gateway).where(DeviceRow.id == UNIT, DeviceRow.listed)
            )

    def has(self, rule: str, subject: str = UNIT) -> Callable[[], bool]:
        return lambda: bool(self.tables.alerts(rule=rule, subject=subject, state="active"))

    def is_over(self, rule: str, subject: str = UNIT) -> Callable[[], bool]:
        return lambda: self.tables.cleared(rule=rule, subject=subject)

    def retire(self, gateway: GatewayPath) -> None:
        with writing(self.database) as session:
            retire_box(session, Scope("district"), str(gateway), "gone", "test", wall_clock_ms())

    def assign(self, gateway: GatewayPath) -> None:
        target = (UNIT, str(gateway))
        with writing(self.database) as session:
            now = wall_clock_ms()
            assign_device(session, Scope("district"), target, None, "decided", "test", now)

    def score(self, record: Record, polled: list[int]) -> None:
        stored = Counter(self.stored())
        record["trials"] += 1
        record["lost"] += len(set(polled) - set(stored))
        record["doubled"] += sum(count - 1 for count in stored.values())


@pytest.fixture
def district(mosquitto_broker: Server, tmp_path: Path) -> District:
    return District(mosquitto_broker.url, tmp_path)  # type: ignore[attr-defined]


@pytest.fixture
def gateways() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin(
    gateways: ExitStack, district: District, place: GatewayPath, *announced: str
) -> JournalGateway:
    gateway = JournalGateway(
        district.broker_url, district.path, place, announced=announced, interval_s=1
    )
    gateway.start()
    gateways.callback(gateway.close)
    return gateway


def poll(gateway: JournalGateway, times: int, device: str = UNIT) -> list[int]:
    polled = [gateway.poll(device) for _ in range(times)]
    wait_until(gateway.all_answered_for, 20, "the watermark covers the journal")
    return polled


@pytest.mark.fault("11.B2 box replaced")
@pytest.mark.parametrize("decide", ["retire", "assign"])
def test_a_replaced_box_loses_nothing_and_its_units_are_watched_at_once(
    district: District, gateways: ExitStack, fault_record: Record, decide: str
) -> None:
    with district.serve():
        old = begin(gateways, district, OLD, UNIT)
        polled = poll(old, 20)
        wait_until(district.holds(polled), 20)
        old.close()
        new = begin(gateways, district, NEW, UNIT)
        held = poll(new, 20)
        wait_until(district.has("ownership_conflict"), 20, "the conflict is an alert")
        assert district.stored() == polled
        assert district.folder.letters() == []
    with district.serve():  # every part begins again before somebody decides
        held += poll(new, 5)
        assert district.stored() == polled
        began = time.monotonic()
        if decide == "retire":
            district.retire(OLD)
        else:
            district.assign(NEW)
        wait_until(
            lambda: district.home() == NEW.gateway, 20, "the unit is expected at the new box"
        )
        fault_record["blind_s"] = time.monotonic() - began
        wait_until(district.holds(polled + held), 20, "held readings are stored")
        held += poll(new, 5)
        wait_until(district.holds(polled + held), 20, "new readings are stored")
        wait_until(district.is_over("ownership_conflict"), 20, "the conflict is over")
        if decide == "retire":
            assert not district.tables.alerts(rule="gateway_offline", state="active")
    with district.serve():  # and after somebody has decided
        homes = [district.home()]
        held += poll(new, 5)
        wait_until(district.holds(polled + held), 20)
        homes.append(district.home())
        wait_until(lambda: district.home() == NEW.gateway, 20, "the unit stays at the new box")
    assert homes == [NEW.gateway] * 2, "the unit never leaves the list"
    district.score(fault_record, polled + held)
    assert (fault_record["lost"], fault_record["doubled"]) == (0, 0)
    assert fault_record["blind_s"] <= OFFLINE_S
    assert district.folder.letters() == []


@pytest.mark.fault("11.B2 unit moved")
def test_a_unit_that_moves_to_a_box_configured_before_is_watched_there(
    district: District, gateways: ExitStack, fault_record: Record
) -> None:
    with district.serve():
        old = begin(gateways, district, OLD, UNIT, "mtg-mt-0002")
        polled = poll(old, 5)
        new = begin(gateways, district, NEW, UNIT, "mtg-mt-0003")
        wait_until(district.has("ownership_conflict"), 20)
        old.close()
        old = begin(gateways, district, OLD, "mtg-mt-0002")
        wait_until(
            lambda: district.home() == NEW.gateway, 20, "the unit is expected at the new box"
        )
        began = time.monotonic()

        def raised() -> bool:
            new.poll("mtg-mt-0003")
            old.poll("mtg-mt-0002")
            return district.has("device_offline")()

        wait_until(raised, 20, "its silence is noticed")
        silent_s = time.monotonic() - began
        polled += poll(new, 5)
        wait_until(district.is_over("device_offline"), 20)
        wait_until(district.holds(polled), 20)
        wait_until(district.is_over("ownership_conflict"), 20)
    district.score(fault_record, polled)
    fault_record["blind_s"] = max(0.0, silent_s - OFFLINE_S)
    assert silent_s <= OFFLINE_S + 2
    assert (fault_record["lost"], fault_record["doubled"]) == (0, 0)


@pytest.mark.fault("11.B2 squatting")
def test_ids_of_others_cannot_be_squatted_and_a_retired_box_is_held(
    district: District, gateways: ExitStack, fault_record: Record
) -> None:
    listed = district.path / "devices.csv"
    listed.write_text(f"device,commissioned,gateway\n{UNIT},,{OLD.gateway}\n")
    with district.serve(registered=listed):
        squatter = begin(gateways, district, NEW, UNIT)  # first, though the ledger names another
        poll(squatter, 5)
        assert district.stored() == []
        polled = poll(begin(gateways, district, OLD, UNIT), 5)
        wait_until(district.holds(polled), 20)
        wait_until(district.has("gateway_offline", NEW.gateway), 20, "the squatter is silent")
        district.retire(NEW)
        wait_until(district.is_over("gateway_offline", NEW.gateway), 20, "nobody waits for it")
    with district.serve(registered=listed):
        poll(squatter, 5)
        assert district.stored() == polled
        assert not district.has("gateway_offline", NEW.gateway)()
    fault_record["false"] = len(set(district.stored()) - set(polled))
    district.score(fault_record, polled)
    assert (fault_record["lost"], fault_record["doubled"], fault_record["false"]) == (0, 0, 0)
