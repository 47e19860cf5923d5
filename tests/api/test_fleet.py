"""A village's readings together, over real HTTP: values, limits and scope."""

import httpx
import pytest

from desk.accounts.tokens import create_token
from tests.api.serving import ELSEWHERE, VILLAGE, Desk
from wire.messages import Reading

HOUR = 3_600_000
AREA = "district=mentougou&town=zhaitang&village=matao"


def client_of(desk: Desk, role: str, scope: str | None) -> httpx.Client:
    token = create_token(desk.database, role, scope)
    return httpx.Client(
        base_url=f"{desk.url}/api/v1", trust_env=False, headers={"Authorization": f"Bearer {token}"}
    )


@pytest.fixture
def rooms(desk: Desk) -> int:
    """Two rooms here and one elsewhere, two hours ago; returns the beginning of that hour."""
    hour = desk.clock() // HOUR * HOUR - 2 * HOUR
    for device, place, room_c in (
        ("a-1", VILLAGE, 17.0),
        ("a-2", VILLAGE, 21.0),
        ("b-1", ELSEWHERE, 5.0),
    ):
        readings = [
            Reading(device, hour + n * 30_000, "heating", [], {"room_c": room_c}) for n in range(3)
        ]
        desk.add_readings(device, readings, place)
    desk.store.tend(desk.clock())
    return hour


def test_a_village_is_seen_together(desk: Desk, rooms: int) -> None:
    client = client_of(desk, "village", "matao")
    window = f"{AREA}&point=room_c&from={rooms}&to={rooms + HOUR}"
    hours = client.get(f"/fleet/readings?{window}").json()
    assert hours["values"] == [[rooms, 2, 19.0, 17.0, 21.0]]
    assert hours["area"] == {"district": "mentougou", "town": "zhaitang", "village": "matao"}
    coldest = client.get(f"/fleet/readings?{window}&step=30m&stat=min").json()
    assert coldest["values"] == [[rooms, 17.0], [rooms + HOUR // 2, None]]


@pytest.mark.parametrize(
    ("role", "scope", "area"),
    [
        ("village", "matao", "district=mentougou&town=zhaitang"),
        ("village", "matao", "district=mentougou&town=zhaitang&village=huangta"),
        ("town", "zhaitang", "district=mentougou"),
        ("town", "zhaitang", "district=mentougou&town=qingshui"),
        ("manufacturer", "midea", AREA),
        ("household", "h-0001", AREA),
        ("district", None, "district=x'%20OR%20y"),
    ],
)
def test_what_is_foreign_does_not_exist(
    desk: Desk, rooms: int, role: str, scope: str | None, area: str
) -> None:
    answer = client_of(desk, role, scope).get(f"/fleet/readings?{area}&point=room_c")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (f"{AREA}&point=warmth", "unknown_point"),
        (f"{AREA}&point=room_c&step=10m&from=0&to=400000000", "invalid_request"),
        (f"{AREA}&point=room_c,supply_c", "invalid_request"),
        (f"{AREA}&point=room_c&from=0", "too_many_points"),
        ("district=mentougou&village=matao&point=room_c", "invalid_request"),
        ("district=mentougou", "invalid_request"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(desk: Desk, question: str, code: str) -> None:
    answer = client_of(desk, "district", "mentougou").get(f"/fleet/readings?{question}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
