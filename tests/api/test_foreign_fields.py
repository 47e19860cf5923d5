"""Whatever a caller sends, nothing of another scope comes back, and nothing there changes.

The operations and their fields are those of the OpenAPI document: a new endpoint takes part by
itself.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from desk.accounts.tokens import create_token
from desk.database.engine import reading
from desk.database.tables import AlertRow, DeviceRow, OutOfServiceRow, TicketRow
from tests.api.serving import ELSEWHERE, Desk

OWN, FOREIGN = "mtg-mt-0001", "mtg-sq-0001"
SCOPES = {
    "town": "zhaitang",
    "village": "matao",
    "manufacturer": "midea",
    "maintainer": "zt-crew-1",
    "household": "h-0001",
}
SECRET = "neighbours-words"
ENDLESS = ("/api/v1/feed", "/api/v1/logout", "/api/v1/login", "/metrics", "/healthz", "/readyz")


class Twins:
    """The same things here and elsewhere; those of elsewhere hold SECRET."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.add_device(OWN, household="h-0001")
        desk.add_device(FOREIGN, ELSEWHERE, brand="gree", household="h-0002")
        self.alerts = (
            desk.raise_alert(OWN, code="fan:E1"),
            desk.raise_alert(FOREIGN, code="fan:E1", place=ELSEWHERE),
        )
        self.all = self.bearer("district", None)
        for device, crew in ((OWN, "zt-crew-1"), (FOREIGN, "qs-crew-1")):
            said = SECRET if device == FOREIGN else "no heat"
            report = {"text": said, "device": device, "caller_name": said, "caller_phone": said}
            made = self.ask("POST", "/api/v1/tickets", self.all, report)
            step = {"event": "dispatch", "crew": crew, "note": said}
            self.ask("POST", f"/api/v1/tickets/{made['id']}/events", self.all, step)
        self.tickets = [
            self.ask("GET", f"/api/v1/tickets?device={device}", self.all)["items"][0]["id"]
            for device in (OWN, FOREIGN)
        ]
        self.callers = {role: self.bearer(role, scope) for role, scope in SCOPES.items()}
        document = httpx.get(f"{desk.url}/api/v1/openapi.json", trust_env=False).json()
        self.schemas = document["components"]["schemas"]
        self.operations = [
            (method.upper(), path, described)
            for path, methods in document["paths"].items()
            for method, described in methods.items()
            if path not in ENDLESS
        ]

    def bearer(self, role: str, scope: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {create_token(self.desk.database, role, scope)}"}

    def ask(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
        answer = httpx.request(
            method, f"{self.desk.url}{path}", headers=headers, json=body, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()

    def foreign_rows(self) -> list[tuple[Any, ...]]:
        with reading(self.desk.database) as session:
            ticket = session.get_one(TicketRow, self.tickets[1])
            alert = session.get_one(AlertRow, self.alerts[1])
            device = session.get_one(DeviceRow, FOREIGN)
            out = session.scalars(select(OutOfServiceRow.device)).all()
            return [
                (ticket.version, ticket.state, ticket.crew, ticket.household),
                (alert.state, alert.acknowledged_by, alert.shelved_until),
                (device.household, device.gateway, FOREIGN in out),
            ]

    def body_of(self, described: dict[str, Any], draw: Any) -> dict[str, Any] | None:
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return None
        schema = self.schemas[content["schema"]["$ref"].rpartition("/")[2]]
        names = draw(st.sets(st.sampled_from(sorted(schema["properties"]))))
        names |= set(schema.get("required", ()))
        return {name: draw(self.value_of(name)) for name in sorted(names)}

    def value_of(self, name: str) -> st.SearchStrategy[Any]:
        known: dict[str, list[Any]] = {
            "device": [OWN, FOREIGN],
            "household": ["h-0001", "h-0002"],
            "district": ["mentougou"],
            "town": ["zhaitang", "qingshui"],
            "village": ["matao", "shangqing"],
            "crew": ["zt-crew-1", "qs-crew-1"],
            "gateway": ["mt-01", "sq-01", str(ELSEWHERE)],
            "event": ["note", "arrive", "repair", "verify", "close", "reopen", "cancel"],
            "kind": ["complaint", "device_fault", "policy_question"],
            "source": ["other", "app"],
            "parts": [["fan"]],
            "score": [5],
            "version": [1, 2, 3],
            "until": [self.desk.clock() + 60_000],
        }
        return st.sampled_from(known.get(name, ["words"]))


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    desk = Desk(tmp_path_factory.mktemp("twins"))
    desk.start()
    yield Twins(desk)
    desk.close()


@settings(
    max_examples=400,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_nothing_foreign_comes_back_or_changes(twins: Twins, data: st.DataObject) -> None:
    role = data.draw(st.sampled_from(sorted(SCOPES)), "role")
    method, path, described = data.draw(st.sampled_from(twins.operations), "operation")
    ids = [*twins.tickets, *twins.alerts, OWN, FOREIGN, "mt-01", "sq-01", str(ELSEWHERE)]
    names = [parameter["name"] for parameter in described.get("parameters", ())]
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            foreign = data.draw(st.sampled_from(ids), parameter["name"])
            path = path.replace(f"{{{parameter['name']}}}", foreign)
    wanted = data.draw(st.sets(st.sampled_from(names)) if names else st.just(set()))
    query = {
        name: data.draw(twins.value_of(name), name)
        for name in wanted
        if name in ("device", "district", "town", "village", "gateway", "household")
    }
    before = twins.foreign_rows()
    answer = httpx.request(
        method,
        f"{twins.desk.url}{path}",
        params=query,
        json=twins.body_of(described, data.draw),
        headers=twins.callers[role],
        trust_env=False,
    )
    assert answer.status_code < 500, answer.text
    assert SECRET not in answer.text
    assert twins.foreign_rows() == before


def test_a_village_cannot_file_for_a_house_of_another(twins: Twins) -> None:
    report = {"text": "no heat", "household": "h-0002", "kind": "device_fault"}
    place = {"district": "mentougou", "town": "zhaitang", "village": "matao"}
    answer = httpx.post(
        f"{twins.desk.url}/api/v1/tickets",
        json={**report, **place},
        headers=twins.callers["village"],
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
