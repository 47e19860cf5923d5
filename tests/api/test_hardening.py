"""What a careful stranger checks first, on a running server (docs/security.md)."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from desk.accounts.accounts import add_account
from desk.accounts.passwords import PasswordRefusedError, check_password
from desk.accounts.tokens import create_token
from tests.api.serving import Desk

PASSWORD = "correct horse"
OPEN = {"/healthz", "/readyz", "/metrics", "/login", "/api/v1/openapi.json", "/language/en"}
SAFE_GETS_THAT_WRITE = ("logout", "acknowledge", "shelve", "events", "retire", "confirm", "end")


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    add_account(desk.database, "night.shift", PASSWORD, "district")
    with httpx.Client(base_url=desk.url, trust_env=False) as client:
        yield client


def log_in(client: httpx.Client, **headers: str) -> httpx.Response:
    body = {"name": "night.shift", "password": PASSWORD}
    return client.post("/api/v1/login", json=body, headers=headers).raise_for_status()


def paths_of(client: httpx.Client) -> dict[str, dict[str, object]]:
    paths: dict[str, dict[str, object]] = client.get("/api/v1/openapi.json").json()["paths"]
    return paths


def test_over_tls_the_cookie_is_secure_and_for_this_host_alone(client: httpx.Client) -> None:
    cookie = log_in(client, **{"X-Forwarded-Proto": "https"}).headers["set-cookie"]
    assert cookie.startswith("__Host-hearthwatch_session=")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts >= {"secure", "httponly", "samesite=lax", "path=/"}
    assert not any(part.startswith("domain") for part in parts)


def test_a_cookie_over_tls_opens_the_session_and_logout_removes_it(client: httpx.Client) -> None:
    tls = {"X-Forwarded-Proto": "https"}
    cookie = log_in(client, **tls).headers["set-cookie"].split(";")[0]
    headers = {**tls, "Cookie": cookie}
    assert client.get("/api/v1/me", headers=headers).json()["name"] == "night.shift"
    removed = client.post("/api/v1/logout", headers=headers).headers["set-cookie"]
    assert "max-age=0" in removed.lower()
    assert "secure" in removed.lower()
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_login_ends_the_session_that_the_browser_had(client: httpx.Client) -> None:
    log_in(client)
    former = {"Cookie": f"hearthwatch_session={client.cookies['hearthwatch_session']}"}
    log_in(client)
    client.cookies.clear()
    assert client.get("/api/v1/me", headers=former).status_code == 401


def test_no_page_but_these_is_open(client: httpx.Client) -> None:
    pages = ("/", "/password", "/console/board", "/console/device", *sorted(OPEN))
    for path in (*paths_of(client), *pages):
        answer = client.get(re.sub(r"\{[^}]*\}", "x", path))
        is_open = answer.status_code < 400 and answer.status_code != 303
        assert is_open == (path in OPEN - {"/language/en"}), (path, answer.status_code)


def test_a_get_changes_nothing(client: httpx.Client) -> None:
    for path, operations in paths_of(client).items():
        if "get" in operations:
            assert path.rsplit("/", 1)[-1] not in SAFE_GETS_THAT_WRITE, path


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "DEBUG", "PROPFIND"])
def test_other_methods_are_refused(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/").status_code in (400, 404, 405)


@pytest.mark.parametrize("path", ["/static/", "/static", "/static/vendor/", "/static/../views.py"])
def test_no_folder_is_listed(client: httpx.Client, path: str) -> None:
    assert client.get(path, follow_redirects=True).status_code == 404


@pytest.mark.parametrize("path", ["/.git/config", "/static/.git/config", "/server.toml", "/.env"])
def test_neither_source_nor_configuration_is_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_answer_says_what_it_is(client: httpx.Client) -> None:
    log_in(client)
    for path in (*paths_of(client), "/", "/login", "/password", "/static/console.js"):
        if path == "/api/v1/feed":
            continue
        answer = client.get(re.sub(r"\{[^}]*\}", "x", path))
        kind = answer.headers.get("content-type", "")
        assert kind or not answer.content, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        if kind.startswith("text/"):
            assert "charset=utf-8" in kind, path


@pytest.mark.parametrize(
    "length", ["Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: xchunked"]
)
def test_a_request_whose_end_is_in_doubt_ends_the_connection(desk: Desk, length: str) -> None:
    answer = answer_to(desk, f"{length}\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 4")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_chunks_come_before_a_length(desk: Desk) -> None:
    """As RFC 9112 section 6.3 asks: the length of 5 would take the end of the chunks for a body."""
    both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = answer_to(desk, f"{both}2\r\n{{}}\r\n0\r\n\r\n")
    assert b'"at":"body.name"' in answer.replace(b" ", b"")


def answer_to(desk: Desk, rest: str) -> bytes:
    with socket.create_connection(("127.0.0.1", desk.port), 5) as connection:
        kind = "Content-Type: application/json"
        connection.sendall(f"POST /api/v1/login HTTP/1.1\r\nHost: x\r\n{kind}\r\n{rest}".encode())
        connection.settimeout(1)
        answer = b""
        with suppress(TimeoutError):
            while part := connection.recv(65_536):
                answer += part
    return answer


def test_a_parameter_twice_is_taken_once_or_refused(client: httpx.Client) -> None:
    log_in(client)
    twice = client.get("/api/v1/tickets", params=[("limit", "1"), ("limit", "1000000")])
    assert twice.status_code in (200, 422)
    double = '{"name": "night.shift", "name": "somebody", "password": "x"}'
    answer = client.post(
        "/api/v1/login", content=double, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("key", ["__proto__", "constructor", "__class__", "prototype"])
def test_names_that_mean_something_to_a_language_are_just_unknown(
    client: httpx.Client, key: str
) -> None:
    log_in(client)
    body = {"text": "no heat", "village": "matao", key: {"role": "district"}}
    assert client.post("/api/v1/tickets", json=body).status_code == 422


def test_a_mistake_of_ours_gives_nothing_inside_away(
    desk: Desk, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add_device("mtg-mt-0001")
    log_in(client)

    def fail(*_: object) -> None:
        raise RuntimeError("the secret of readings.db line 42")

    monkeypatch.setattr(desk.store, "window", fail)
    answer = client.get("/api/v1/devices/mtg-mt-0001/readings")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert not any(word in answer.text for word in ("secret", "Traceback", ".py", "RuntimeError"))


def test_no_address_takes_a_secret(desk: Desk, client: httpx.Client) -> None:
    token = create_token(desk.database, "district")
    for name in ("token", "access_token", "password", "session"):
        assert client.get("/api/v1/me", params={name: token}).status_code == 401
    document = json.dumps(paths_of(client))
    assert not re.search(r'"in": "query", "name": "[^"]*(token|password|secret)', document)


def test_the_forms_take_pasted_and_kept_passwords(client: httpx.Client) -> None:
    page = client.get("/login").text
    assert 'type="password" autocomplete="current-password"' in page
    assert 'autocomplete="username"' in page
    log_in(client)
    assert 'autocomplete="new-password"' in client.get("/password").text
    assert "onpaste" not in page


def test_the_page_has_a_button_that_logs_out(client: httpx.Client) -> None:
    log_in(client)
    assert re.search(r'<form method="post" action="/logout">.*<button', client.get("/").text)


def test_scripts_take_texts_as_data(desk: Desk, client: httpx.Client) -> None:
    add_account(desk.database, "</script><b>", PASSWORD, "district")
    log_in(client)
    page = client.get("/").text
    texts = r'<script type="application/json" id="texts">(.*?)</script>'
    (data,) = re.findall(texts, page, re.DOTALL)
    assert json.loads(data)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", page)


def test_a_link_to_a_foreign_id_is_escaped(desk: Desk, client: httpx.Client) -> None:
    log_in(client)
    page = client.get("/", params={"device": '"><script>alert(1)</script>&x=1#y'}).text
    assert "<script>alert" not in page


def test_no_script_keeps_data_in_the_browser(client: httpx.Client) -> None:
    for name in ("console.js", "plot.js"):
        script = client.get(f"/static/{name}").text
        assert not re.search(r"(localStorage|sessionStorage|indexedDB|caches)\b", script), name


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("k7#mQz!", False),
        ("k7#mQz!w", True),
        ("Ünï-k7#mQz 暖气", True),
        (f"k7#mQz!w{'x' * 240}", True),
    ],
)
def test_passwords_have_eight_characters_and_up_to_256(password: str, good: bool) -> None:
    if good:
        check_password("night.shift", password)
    else:
        with pytest.raises(PasswordRefusedError):
            check_password("night.shift", password)


def test_a_password_is_taken_as_it_was_typed(desk: Desk, client: httpx.Client) -> None:
    typed = " k7#mQz!w Tail "
    add_account(desk.database, "day.shift", typed, "district")
    for said, status in (
        (typed.strip(), 401),
        (typed.lower(), 401),
        (typed[:10], 401),
        (typed, 204),
    ):
        answer = client.post("/api/v1/login", json={"name": "day.shift", "password": said})
        assert answer.status_code == status, said
