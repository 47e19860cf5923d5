"""Boxes over real HTTP: who may retire one, what it says of them, and what it leaves behind."""

import httpx
import pytest
from sqlalchemy import select

from desk.database.engine import reading, writing
from desk.database.outbox import due_effects
from desk.database.tables import DeviceRow, GatewayRow
from desk.ledger.box_decisions import ledger_word
from tests.api.serving import ELSEWHERE, VILLAGE, Desk
from wire.topics import GatewayPath

API = "/api/v1"
WHY = {"why": "replaced after lightning"}


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    desk.add_device("unit-1")
    with writing(desk.database) as session:
        for path in (VILLAGE, ELSEWHERE):
            place = {"district": path.district, "town": path.town, "village": path.village}
            session.add(GatewayRow(id=path.gateway, online=True, **place))
    return httpx.Client(base_url=desk.url, trust_env=False)


def bearer(desk: Desk, role: str, scope: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.token(role, scope)}"}


def retired(desk: Desk) -> frozenset[GatewayPath]:
    with reading(desk.database) as session:
        return ledger_word(session, {}).retired


@pytest.mark.parametrize(("role", "scope"), [("district", None), ("town", "zhaitang")])
@pytest.mark.parametrize("name", [VILLAGE.gateway, str(VILLAGE)])
def test_a_box_is_retired_and_taken_back(
    desk: Desk, client: httpx.Client, role: str, scope: str | None, name: str
) -> None:
    headers = bearer(desk, role, scope)
    before = client.get(f"{API}/gateways/{name}", headers=headers).json()
    assert (before["devices"], before["retired_at"]) == (["unit-1"], None)
    answer = client.post(f"{API}/gateways/{name}/retire", json=WHY, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["retired_at"] is not None
    assert answer.json()["devices"] == []
    assert retired(desk) == {VILLAGE}
    again = client.post(f"{API}/gateways/{name}/retire", json=WHY, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    client.post(f"{API}/gateways/{name}/reinstate", json=WHY, headers=headers)
    assert retired(desk) == frozenset()
    acts = client.get(f"{API}/gateways/{name}", headers=headers).json()["decisions"]
    assert [(act["act"], act["before"], act["after"]) for act in acts] == [
        ("reinstate", "retired", "in_service"),
        ("retire", "in_service", "retired"),
    ]
    with reading(desk.database) as session:
        effects = [row.payload for row in due_effects(session, 0, 10)]
        assert [row["retired"] for row in effects] == [True, False]
        assert effects[0]["at"] < effects[1]["at"]
        assert not session.scalar(select(DeviceRow.listed).where(DeviceRow.id == "unit-1"))


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        ("town", "qingshui", 404),
        ("village", "matao", 403),
        ("manufacturer", "midea", 404),
        ("maintainer", "zt-crew-1", 404),
        ("household", "unit-1", 404),
        ("district", "elsewhere", 404),
    ],
)
def test_nobody_else_decides(
    desk: Desk, client: httpx.Client, role: str, scope: str, status: int
) -> None:
    headers = bearer(desk, role, scope)
    for path, body in (
        (f"gateways/{VILLAGE}/retire", WHY),
        ("devices/unit-1/gateway", {**WHY, "gateway": str(VILLAGE)}),
    ):
        answer = client.post(f"{API}/{path}", json=body, headers=headers)
        assert answer.status_code == status, path
    assert retired(desk) == frozenset()


def test_a_device_is_given_to_a_box_and_back(desk: Desk, client: httpx.Client) -> None:
    headers = bearer(desk, "district", None)
    path = f"{API}/devices/unit-1/gateway"
    given = client.post(path, json={**WHY, "gateway": ELSEWHERE.gateway}, headers=headers)
    assert given.json() == {"device": "unit-1", "gateway": str(ELSEWHERE)}
    with reading(desk.database) as session:
        assert ledger_word(session, {}).assigned == {"unit-1": str(ELSEWHERE)}
        assert ledger_word(session, {"unit-1": "mt-01"}).assigned == {"unit-1": "mt-01"}
    client.post(path, json={**WHY, "gateway": None}, headers=headers)
    with reading(desk.database) as session:
        assert ledger_word(session, {}).assigned == {}
    unknown = client.post(path, json={**WHY, "gateway": "nowhere"}, headers=headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    empty = client.post(f"{API}/gateways/{VILLAGE}/retire", json={"why": " "}, headers=headers)
    assert (empty.status_code, empty.json()["code"]) == (422, "reason_missing")


def test_an_id_that_two_boxes_have_needs_the_path(desk: Desk, client: httpx.Client) -> None:
    with writing(desk.database) as session:
        place = {"district": "mentougou", "town": "qingshui", "village": "shangqing"}
        session.add(GatewayRow(id=VILLAGE.gateway, online=True, **place))
    headers = bearer(desk, "district", None)
    answer = client.post(f"{API}/gateways/{VILLAGE.gateway}/retire", json=WHY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "ambiguous_gateway")
