"""Bounded work for every request: over a bound the answer says so, and the rest goes on."""

import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api import protection, seats, serving
from api.problems import Problem
from desk.accounts.accounts import add_account
from desk.accounts.guess_lock import GuessLock
from desk.accounts.tokens import create_token
from tests.api.serving import Desk
from tests.servers import wait_until
from wire.messages import Reading

DEVICE = "mtg-mt-0001"
FOREVER = f"/api/v1/devices/{DEVICE}/readings?step=864000h&from=0&to=9007199254740991"


@pytest.fixture
def headers(desk: Desk) -> dict[str, str]:
    desk.add_device(DEVICE)
    return {"Authorization": f"Bearer {create_token(desk.database, 'district', None)}"}


def get(desk: Desk, path: str, headers: dict[str, str]) -> httpx.Response:
    return httpx.get(f"{desk.url}{path}", headers=headers, trust_env=False, timeout=30)


@pytest.mark.parametrize(
    ("query", "code", "named"),
    [
        ("step=864000h&from=0&to=9007199254740991", "invalid_request", "a day from now"),
        ("step=864000h&from=0&to=1700000000000", "too_long", "400 days"),
        ("step=1s", "too_many_points", "12000 rows"),
    ],
)
def test_a_window_is_bounded(
    desk: Desk, headers: dict[str, str], query: str, code: str, named: str
) -> None:
    answer = get(desk, f"/api/v1/devices/{DEVICE}/readings?{query}", headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert named in answer.json()["detail"]
    area = get(desk, f"/api/v1/fleet?district=mentougou&point=room_c&{query}", headers)
    assert area.status_code in (404, 422)


def test_the_server_answers_on_while_forty_ask_for_all_time(
    desk: Desk, headers: dict[str, str]
) -> None:
    with ThreadPoolExecutor(40) as callers:
        asked = [callers.submit(get, desk, FOREVER, headers) for _ in range(40)]
        began = time.monotonic()
        assert get(desk, "/healthz", {}).status_code == 200
        assert time.monotonic() - began < 5
    assert {answer.result().status_code for answer in asked} <= {422, 429}


def test_seats_are_taken_given_back_and_refused(desk: Desk) -> None:
    tested = seats.Seats(2, "searches")
    with tested.taken("a"), tested.taken("a"), tested.taken("b"):
        with pytest.raises(Problem) as refused:
            tested.take("a")
        assert refused.value.headers == {"Retry-After": "1"}
    with tested.taken("a"):
        pass


def test_an_account_opens_so_many_feeds_and_no_more(desk: Desk, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=desk.url, headers=headers, trust_env=False) as client:
        streams = [client.stream("GET", "/api/v1/feed") for _ in range(seats.MOST_FEEDS)]
        opened = [stream.__enter__() for stream in streams]
        assert {answer.status_code for answer in opened} == {200}
        refused = get(desk, "/api/v1/feed", headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
        other = {"Authorization": f"Bearer {create_token(desk.database, 'town', 'zhaitang')}"}
        with client.stream("GET", "/api/v1/feed", headers=other) as another:
            assert another.status_code == 200
        streams[0].__exit__(None, None, None)

        def one_is_free() -> bool:
            with client.stream("GET", "/api/v1/feed") as answer:
                return answer.status_code == 200

        wait_until(one_is_free, 10, "a seat given back")
        for stream in streams[1:]:
            stream.__exit__(None, None, None)


def test_parallel_logins_neither_pass_the_lock_nor_take_all_memory(desk: Desk) -> None:
    add_account(desk.database, "night.shift", "correct horse", "district", None)

    def guess(number: int) -> int:
        body = {"name": "night.shift", "password": f"guess number {number}"}
        return httpx.post(
            f"{desk.url}/api/v1/login", json=body, trust_env=False, timeout=30
        ).status_code

    with ThreadPoolExecutor(50) as callers:
        answers = list(callers.map(guess, range(50)))
    assert set(answers) <= {401, 429}
    assert answers.count(401) <= GuessLock.FAILURES


def ended_within(connection: socket.socket, seconds: float) -> Callable[[], bool]:
    connection.settimeout(seconds)

    def ended() -> bool:
        try:
            return connection.recv(4_096) == b""
        except ConnectionError:
            return True

    return ended


def test_a_client_that_never_ends_its_headers_is_let_go(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEADERS_S", 0.3)
    with socket.create_connection(("127.0.0.1", desk.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: desk\r\n")
        assert wait_until(ended_within(slow, 5), 5, "the connection ends")
    assert get(desk, "/healthz", {}).status_code == 200


def test_a_client_that_never_ends_its_body_gets_408(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection, "BODY_S", 0.3)
    with socket.create_connection(("127.0.0.1", desk.port)) as slow:
        head = "POST /api/v1/login HTTP/1.1\r\nHost: desk\r\nContent-Type: application/json\r\n"
        slow.sendall(f"{head}Content-Length: 40\r\n\r\n{{".encode())
        slow.settimeout(5)
        answer = b""
        while b"too_slow" not in answer and (part := slow.recv(4_096)):  # the head may come alone
            answer += part
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"too_slow"' in answer


def test_headers_beyond_the_bound_are_refused(desk: Desk) -> None:
    with socket.create_connection(("127.0.0.1", desk.port)) as large:
        large.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 2 * serving.MOST_HEADER_BYTES)
        large.settimeout(5)
        assert large.recv(64).startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/tickets/%00", None),
        ("/api/v1/tickets?device=%00", None),
        ("/api/v1/tickets", b'{"text":"no\\u0000heat","device":"mtg-mt-0001"}'),
        ("/api/v1/tickets", b'{"text":"no\0heat","device":"mtg-mt-0001"}'),
        ("/login", b"name=a%00b&password=c"),
    ],
)
def test_a_nul_anywhere_is_refused(
    desk: Desk, headers: dict[str, str], path: str, body: bytes | None
) -> None:
    method = "GET" if body is None else "POST"
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    answer = httpx.request(
        method,
        f"{desk.url}{path}",
        content=body,
        headers={**headers, "Content-Type": kind},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "NUL" in answer.json()["detail"]


def refusals(desk: Desk, code: str) -> float:
    wanted = f'hearthwatch_http_refused_total{{code="{code}"}} '
    lines = get(desk, "/metrics", {}).text.splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


def test_each_refusal_is_counted_by_its_code(desk: Desk, headers: dict[str, str]) -> None:
    path = f"/api/v1/devices/{DEVICE}/readings?step=864000h&from=0&to=1700000000000"
    before = refusals(desk, "too_long")
    assert get(desk, path, headers).json()["code"] == "too_long"
    assert refusals(desk, "too_long") == before + 1


def test_slow_headers_are_counted_and_an_idle_connection_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEADERS_S", 0.3)
    before = refusals(desk, "headers_too_slow")
    with socket.create_connection(("127.0.0.1", desk.port)) as idle:
        assert wait_until(ended_within(idle, 5), 5, "the idle connection ends")
    assert refusals(desk, "headers_too_slow") == before
    with socket.create_connection(("127.0.0.1", desk.port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: desk\r\n")
        assert wait_until(ended_within(slow, 5), 5, "the slow connection ends")
    assert refusals(desk, "headers_too_slow") == before + 1


def test_readyz_answers_on_while_forty_ask_for_the_longest_window_allowed(
    desk: Desk, headers: dict[str, str]
) -> None:
    now, hour = desk.clock(), 3_600_000
    times = range(now - 9_000 * hour, now, hour)
    desk.add_readings(
        DEVICE, [Reading(DEVICE, at, "heating", [], {"room_c": 20.0}) for at in times]
    )
    span = f"from={now - 399 * 24 * hour}&to={now}&step=1h&points=room_c"
    waits, path = [], f"/api/v1/devices/{DEVICE}/readings?{span}"
    with ThreadPoolExecutor(40) as callers:
        asked = [callers.submit(get, desk, path, headers) for _ in range(40)]
        while not all(answer.done() for answer in asked):
            began = time.monotonic()
            assert get(desk, "/readyz", {}).status_code == 200
            waits.append(time.monotonic() - began)
    assert {answer.result().status_code for answer in asked} <= {200, 429}
    assert max(waits) < 10, "the rest of the server stood still"
    sys.stdout.write(f"longest wait {max(waits):.2f} s of {len(waits)}\n")


def test_connections_beyond_the_bound_get_503(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 3)
    desk.restart()
    idle = [socket.create_connection(("127.0.0.1", desk.port)) for _ in range(3)]
    wait_until(lambda: get(desk, "/healthz", {}).status_code == 503, 5, "the bound is reached")
    for connection in idle:
        connection.close()
    wait_until(lambda: get(desk, "/healthz", {}).status_code == 200, 5, "a connection is free")
