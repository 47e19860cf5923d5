"""The extreme-cold mode over real HTTP: seen by all, confirmed by the district alone."""

import httpx
import pytest

from desk.database.engine import writing
from desk.database.tables import GatewayRow
from tests.api.serving import VILLAGE, Desk

HOUR = 3_600_000
PATH = "/api/v1/extreme-cold"


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    with writing(desk.database) as session:
        place = {"district": VILLAGE.district, "town": VILLAGE.town, "village": VILLAGE.village}
        session.add(GatewayRow(id=VILLAGE.gateway, online=True, **place))
    return httpx.Client(base_url=desk.url, trust_env=False)


def bearer(desk: Desk, role: str, scope: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {desk.token(role, scope)}"}


def hours_from_now(desk: Desk, begins: float, ends: float) -> dict[str, int]:
    now = desk.clock()
    return {"from": round(now + begins * HOUR), "until": round(now + ends * HOUR)}


@pytest.mark.parametrize("scope", [None, "mentougou"])
def test_the_district_confirms_and_ends_it(
    desk: Desk, client: httpx.Client, scope: str | None
) -> None:
    headers, wanted = bearer(desk, "district", scope), hours_from_now(desk, 72, 140)
    assert client.get(PATH, headers=headers).json() == {"proposals": [], "confirmed": None}
    confirmed = client.post(f"{PATH}/confirm", json=wanted, headers=headers).json()
    assert {name: confirmed[name] for name in wanted} == wanted
    assert confirmed["by"]
    assert (
        client.get(PATH, headers=bearer(desk, "village", "matao")).json()["confirmed"] == confirmed
    )
    assert client.post(f"{PATH}/end", headers=headers).json() == {"confirmed": None}
    assert client.get(PATH, headers=headers).json()["confirmed"] is None


@pytest.mark.parametrize(
    ("role", "scope"), [("town", "zhaitang"), ("manufacturer", "midea"), ("district", "elsewhere")]
)
def test_for_others_there_is_nothing_to_confirm(
    desk: Desk, client: httpx.Client, role: str, scope: str
) -> None:
    headers = bearer(desk, role, scope)
    for step, body in (("confirm", hours_from_now(desk, 0, 1)), ("end", None)):
        answer = client.post(f"{PATH}/{step}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.get(PATH, headers=headers).json()["confirmed"] is None


@pytest.mark.parametrize(("begins", "ends"), [(5, 5), (5, 4), (0, 31 * 24)])
def test_times_that_make_no_sense_are_refused(
    desk: Desk, client: httpx.Client, begins: float, ends: float
) -> None:
    headers = bearer(desk, "district", None)
    answer = client.post(
        f"{PATH}/confirm", json=hours_from_now(desk, begins, ends), headers=headers
    )
    assert answer.status_code == 422


def test_a_proposal_is_shown(desk: Desk, client: httpx.Client) -> None:
    desk.raise_alert("mentougou", "extreme_cold", "medium", kind="district")
    [proposal] = client.get(PATH, headers=bearer(desk, "district", None)).json()["proposals"]
    assert (proposal["rule"], proposal["subject"]) == ("extreme_cold", "mentougou")
    assert client.get(PATH, headers=bearer(desk, "household", "h-1")).json()["proposals"] == []
    assert client.get(PATH).status_code == 401


def test_each_district_has_its_own_mode(desk: Desk, client: httpx.Client) -> None:
    with writing(desk.database) as session:
        session.add(GatewayRow(id="hd-01", district="haidian", town="t", village="v", online=True))
    everywhere = bearer(desk, "district", None)
    ours, theirs = bearer(desk, "district", "mentougou"), bearer(desk, "district", "haidian")
    wanted = hours_from_now(desk, 0, 10)
    for step, body in (("confirm", wanted), ("end", None)):
        answer = client.post(f"{PATH}/{step}", json=body, headers=everywhere)
        assert (answer.status_code, answer.json()["code"]) == (422, "district_missing")
        assert "haidian, mentougou" in answer.json()["detail"]
        foreign = (body or {}) | {"district": "mentougou"}
        answer = client.post(f"{PATH}/{step}", json=foreign, headers=theirs)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    made = client.post(
        f"{PATH}/confirm", json=wanted | {"district": "haidian"}, headers=everywhere
    ).json()
    assert made["district"] == "haidian"
    assert client.get(PATH, headers=theirs).json()["confirmed"] == made
    assert client.get(PATH, headers=ours).json()["confirmed"] is None
    assert client.post(f"{PATH}/end", headers=ours).status_code == 200
    assert client.get(PATH, headers=everywhere).json()["confirmed"] == made
    named = {"district": "mentougou"}
    assert client.get(PATH, params=named, headers=everywhere).json()["confirmed"] is None
    client.post(f"{PATH}/end", json={"district": "haidian"}, headers=everywhere)
    assert client.get(PATH, headers=theirs).json()["confirmed"] is None
