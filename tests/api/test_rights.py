"""The rights table, every cell, on a running server (docs/rights.md)."""

from collections.abc import Iterator
from itertools import count
from typing import Any, cast, get_args

import httpx
import pytest

from alerts.store.queries import alerts_calling
from api.tickets import FaultReport, TicketStep
from desk.accounts.rights import (
    ACTS,
    MAY,
    REPORT_FIELDS,
    SEES,
    SEES_ALERT,
    SEES_DEVICE,
    STEP_FIELDS,
    WORDS_OF_A_CALL,
    Act,
)
from desk.accounts.scope import ROLES, Role, Scope
from desk.accounts.tokens import create_token
from desk.database.engine import reading
from desk.tickets.life_cycle import TicketEvent
from tests.api.serving import VILLAGE as PLACE
from tests.api.serving import Desk

BEFORE: dict[str, tuple[str, ...]] = {
    "dispatch": (),
    "arrive": ("dispatch",),
    "repair": ("dispatch", "arrive"),
    "verify": ("dispatch", "arrive", "repair"),
    "close": ("dispatch", "arrive", "repair", "verify"),
    "reopen": ("dispatch", "arrive", "repair"),
    "cancel": ("dispatch",),
    "note": ("dispatch",),
}
STATED: dict[str, Any] = {
    "payer": "warranty",
    "fault": "fan motor",
    "measures": "replaced it",
    "parts": ["fan motor"],
    "score": 4,
    "note": "door on the left",
    "why": "the unit goes",
}
NUMBERS = count(1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("rights"))
    desk.start()
    yield desk
    desk.close()


class House:
    """One household with a faulty unit and its ticket, and an account of each role for it."""

    def __init__(self, desk: Desk) -> None:
        number = next(NUMBERS)
        self.device, self.household = f"mtg-mt-{number:04d}", f"h-{number:04d}"
        self.crew, self._desk = f"crew-{number}", desk
        desk.add_device(self.device, household=self.household)
        self.alert = desk.raise_alert(self.device, code="fan:E1")
        listed = self.ask("district", "GET", f"/tickets?device={self.device}").json()
        self.ticket = listed["items"][0]["id"]

    def scope_of(self, role: str) -> Scope:
        scopes = {"district": PLACE.district, "town": PLACE.town, "village": PLACE.village}
        scopes |= {"manufacturer": "midea", "maintainer": self.crew, "household": self.household}
        return Scope(cast("Role", role), scopes.get(role))

    def ask(self, role: str, method: str, path: str, body: Any = None) -> httpx.Response:
        token = create_token(self._desk.database, role, self.scope_of(role).scope)
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(
            method, f"{self._desk.url}/api/v1{path}", json=body, headers=headers, trust_env=False
        )

    def bring_to(self, event: str) -> None:
        for step in BEFORE[event]:
            body = {"event": step, **({"crew": self.crew} if step == "dispatch" else {})}
            self.ask("district", "POST", f"/tickets/{self.ticket}/events", body).raise_for_status()

    def request_for(self, act: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        until = self._desk.clock() + 60_000
        timed = {"until": until, "reason": "crew on the way", **fields}
        if act in BEFORE:
            return f"/tickets/{self.ticket}/events", {"event": act, **fields}
        return {
            "report": ("/tickets", {"text": "no heat", "device": self.device, **fields}),
            "acknowledge": (f"/alerts/{self.alert}/acknowledge", None),
            "shelve": (f"/alerts/{self.alert}/shelve", timed),
            "take_out_of_service": (f"/devices/{self.device}/out-of-service", timed),
            "put_back_in_service": (f"/devices/{self.device}/out-of-service", None),
        }[act]

    def act(self, role: str, act: str, **fields: Any) -> httpx.Response:
        path, body = self.request_for(act, fields)
        method = "DELETE" if act == "put_back_in_service" else "POST"
        return self.ask(role, method, path, body)


def rights(act: str) -> dict[str, frozenset[str]]:
    by_act: dict[str, Any] = {str(act): roles for act, roles in MAY.items()}
    return dict(by_act[act])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ACTS)
def test_a_role_may_do_what_the_table_says(desk: Desk, act: str, role: str) -> None:
    house = House(desk)
    house.bring_to(act) if act in BEFORE else None
    if act not in BEFORE:
        house.bring_to("note")
    stated = {"why": "the unit goes"} if act in ("close", "cancel") else {}
    answer = house.act(role, act, **stated)
    if role in rights(act):
        assert answer.is_success, answer.text
    elif (role, act) == ("maintainer", "dispatch") or role == "auditor":
        assert answer.status_code == 404  # not yet its own; of an auditor nothing is
    else:
        code = "supervisor_needed" if act == "shelve" else "not_permitted"
        assert (answer.status_code, answer.json()["code"]) == (403, code)


@pytest.mark.parametrize(("act", "role"), [(act, role) for act in BEFORE for role in rights(act)])
def test_a_role_sets_the_fields_of_the_table_and_no_other(desk: Desk, act: str, role: str) -> None:
    house = House(desk)
    house.bring_to(act)
    stated = {**STATED, "crew": house.crew}
    allowed = rights(act)[role]
    for field in STEP_FIELDS - allowed:
        answer = house.act(role, act, **{field: stated[field]})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), field
    fields = {field: stated[field] for field in allowed}
    answer = house.act(role, act, **fields)
    assert answer.status_code == 200, answer.text
    kept = house.ask("district", "GET", f"/tickets/{house.ticket}").json()
    assert {field: kept[field] for field in allowed - {"note", "why"}} == {
        field: stated[field] for field in allowed - {"note", "why"}
    }


@pytest.mark.parametrize("field", sorted(REPORT_FIELDS - rights("report")["household"]))
def test_a_household_does_not_say_whose_report_it_is(desk: Desk, field: str) -> None:
    house, neighbour = House(desk), House(desk)
    foreign = {"household": neighbour.household, "district": "d", "town": "t", "village": "v"}
    answer = house.act("household", "report", **{field: foreign[field]})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


@pytest.fixture(scope="module")
def house(desk: Desk) -> House:
    house = House(desk)
    for role, fields in (
        ("village", {"caller_name": "M", "caller_phone": "139"}),
        ("household", {}),
    ):
        house.act(role, "report", **fields).raise_for_status()
    house.bring_to("verify")
    stated = {**STATED, "crew": house.crew}
    house.act("district", "note", **stated).raise_for_status()
    return house


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("field", SEES)
def test_a_role_sees_the_fields_of_the_table(house: House, field: str, role: str) -> None:
    whole = house.ask("district", "GET", f"/tickets/{house.ticket}").json()[field]
    answer = house.ask(role, "GET", f"/tickets/{house.ticket}")
    if role == "auditor":
        assert answer.status_code == 404
        return
    seen = answer.json()[field]
    if role in SEES[field]:
        assert seen == whole
    else:
        assert not any(seen.values() if isinstance(seen, dict) else [seen])


def test_a_maker_and_a_household_see_no_phone_anywhere(house: House) -> None:
    paths = (f"/tickets/{house.ticket}", f"/tickets?device={house.device}")
    for role in ("manufacturer", "household"):
        for path in paths:
            text = house.ask(role, "GET", path).text
            assert '"139"' not in text
            assert "door on the left" not in text


def test_a_maker_does_not_read_the_words_of_a_call(desk: Desk) -> None:
    house = House(desk)
    desk.add_device(f"{house.device}-b", household=house.household)
    body = {"text": "grandmother is ill", "device": f"{house.device}-b", "kind": "policy_question"}
    made = house.ask("town", "POST", "/tickets", body).json()
    seen = house.ask("manufacturer", "GET", f"/tickets/{made['id']}").json()
    assert all(made[name] for name in WORDS_OF_A_CALL)
    assert seen["fault"] is None
    assert seen["summary"] == {"zh": None, "en": None}
    assert "grandmother" not in str(seen)


def test_the_access_of_a_crew_ends_with_its_ticket(desk: Desk) -> None:
    house = House(desk)
    house.bring_to("note")
    paths = (f"/tickets/{house.ticket}", f"/devices/{house.device}", f"/alerts/{house.alert}")
    assert [house.ask("maintainer", "GET", path).status_code for path in paths] == [200] * 3
    house.act("town", "cancel", why="moved away").raise_for_status()
    assert [house.ask("maintainer", "GET", path).status_code for path in paths] == [404] * 3


def test_the_feed_of_a_crew_does_not_keep_the_words_of_tickets_that_ended(desk: Desk) -> None:
    house = House(desk)
    house.bring_to("note")
    phone = {"caller_phone": "13911112222"}
    house.act("town", "report", **phone).raise_for_status()
    assert phone["caller_phone"] in first_lines(desk, house, house.ticket)
    house.act("town", "cancel", why="moved away").raise_for_status()
    lines = first_lines(desk, house, house.ticket)
    assert phone["caller_phone"] not in lines
    assert '"state":"cancelled"' in lines


def first_lines(desk: Desk, house: House, subject: str, role: str = "maintainer") -> str:
    """The feed of a role, by default the crew, from its beginning until it has caught up."""
    token = create_token(desk.database, role, house.scope_of(role).scope)
    url, headers = f"{desk.url}/api/v1/feed?after=0", {"Authorization": f"Bearer {token}"}
    lines = []
    with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=10) as feed:
        for line in feed.iter_lines():
            lines.append(line)
            if lines.count("event: heartbeat") == 2:  # the first may come before all old lines
                break
    text = "\n".join(lines)
    assert (subject in text) == (role != "auditor")
    return text


def test_the_table_decides_every_event_and_field() -> None:
    assert set(get_args(TicketEvent)) <= set(get_args(Act))
    assert set(TicketStep.model_fields) - {"event", "version"} == STEP_FIELDS
    assert set(FaultReport.model_fields) == REPORT_FIELDS


def test_the_table_decides_every_field_of_a_ticket(house: House) -> None:
    document = house.ask("district", "GET", f"/tickets/{house.ticket}").json()
    assert set(document) - {"events", "advice"} == set(SEES)


@pytest.fixture(scope="module")
def resting(desk: Desk) -> House:
    """A house whose unit is out of service, and whose ticket is with its crew."""
    house = House(desk)
    house.bring_to("note")
    house.act("district", "take_out_of_service").raise_for_status()
    return house


def fields_of_device(house: House, role: str) -> dict[str, Any]:
    answer = house.ask(role, "GET", f"/devices/{house.device}").raise_for_status()
    document: dict[str, Any] = answer.json()
    out = document.pop("out_of_service")
    return document | {f"out_of_service.{name}": value for name, value in out.items()}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_the_fields_of_a_device_of_the_table(resting: House, role: str) -> None:
    if role == "auditor":
        assert resting.ask(role, "GET", f"/devices/{resting.device}").status_code == 404
        return
    whole, seen = fields_of_device(resting, "district"), fields_of_device(resting, role)
    assert set(whole) == set(SEES_DEVICE)
    for field, roles in SEES_DEVICE.items():
        assert seen[field] == (whole[field] if role in roles else None), field


@pytest.fixture(scope="module")
def watched(desk: Desk) -> House:
    """A house whose alert a person has acknowledged and shelved, and whose crew has its ticket."""
    house = House(desk)
    house.bring_to("note")
    for act in ("acknowledge", "shelve"):
        house.act("town", act).raise_for_status()
    return house


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("field", SEES_ALERT)
def test_a_role_sees_the_fields_of_an_alert_of_the_table(
    desk: Desk, watched: House, field: str, role: str
) -> None:
    if role == "auditor":
        assert watched.ask(role, "GET", f"/alerts/{watched.alert}").status_code == 404
        return
    whole, seen = alert_of(desk, watched, "district"), alert_of(desk, watched, role)
    assert seen.get(field) == (whole.get(field) if role in SEES_ALERT[field] else None)
    assert watched.ask("district", "GET", f"/alerts/{watched.alert}").json()["acknowledged_by"]


def alert_of(desk: Desk, house: House, role: str) -> dict[str, Any]:
    """The alert as the role reads it: by itself and in the list, and as its page shows it."""
    alone = house.ask(role, "GET", f"/alerts/{house.alert}").raise_for_status().json()
    listed = house.ask(role, "GET", f"/alerts?subject={house.device}").json()["items"]
    assert [alert | {"advice": alone["advice"]} for alert in listed] == [alone]
    with reading(desk.database) as session:
        (shown,) = [
            alert
            for alert in alerts_calling(session, house.scope_of(role), 1_000)
            if alert["id"] == house.alert
        ]
    assert shown.items() >= {name: alone[name] for name in alone if name != "advice"}.items()
    return shown


def test_the_table_decides_every_field_of_an_alert(desk: Desk) -> None:
    house = House(desk)
    house.bring_to("cancel")
    house.act("district", "cancel", why="the unit goes").raise_for_status()
    alert = alert_of(desk, house, "district")
    assert alert["out_of_service_until"]
    assert set(alert) == set(SEES_ALERT)
    for role in ("town", "village", "manufacturer", "household"):
        assert alert_of(desk, house, role)["out_of_service_until"]


@pytest.mark.parametrize("role", ROLES)
def test_the_feed_shows_of_an_alert_what_the_table_says(
    desk: Desk, watched: House, role: str
) -> None:
    lines = first_lines(desk, watched, watched.alert, role)
    acknowledged = '"acknowledged_by":"token:' in lines
    assert acknowledged == (role in SEES_ALERT["acknowledged_by"])


def test_the_access_of_a_crew_ends_when_another_gets_the_ticket(desk: Desk) -> None:
    house = House(desk)
    house.bring_to("repair")
    house.act("town", "note", crew="another-crew").raise_for_status()
    for path in (f"/tickets/{house.ticket}", f"/devices/{house.device}"):
        assert house.ask("maintainer", "GET", path).status_code == 404
    assert house.act("maintainer", "repair").status_code == 404


@pytest.mark.parametrize("act", [*BEFORE, "report", "shelve", "take_out_of_service"])
def test_an_unknown_field_is_refused(resting: House, act: str) -> None:
    assert resting.act("district", act, unheard_of="x").status_code == 422
