"""A person changes the own password over HTTP."""

import httpx
import pytest

from desk.accounts.accounts import add_account
from desk.accounts.tokens import create_token
from tests.api.serving import Desk

OLD, NEW = "correct horse", "battery staple"


@pytest.fixture
def client(desk: Desk) -> httpx.Client:
    return httpx.Client(base_url=desk.url, trust_env=False)


@pytest.fixture
def person(desk: Desk, client: httpx.Client) -> httpx.Client:
    add_account(desk.database, "night.shift", OLD, "district", "mentougou")
    assert log_in(client, OLD) == 204
    return client


def log_in(client: httpx.Client, password: str) -> int:
    body = {"name": "night.shift", "password": password}
    return client.post("/api/v1/login", json=body).status_code


def change(client: httpx.Client, old: str, new: str, **headers: str) -> tuple[int, str | None]:
    body = {"old": old, "new": new}
    answer = client.post("/api/v1/me/password", json=body, headers=headers)
    return answer.status_code, answer.json()["code"] if answer.content else None


def test_a_person_changes_the_password_and_every_session_ends(
    desk: Desk, person: httpx.Client
) -> None:
    with httpx.Client(base_url=person.base_url) as other:
        assert log_in(other, OLD) == 204
        assert change(person, OLD, NEW) == (204, None)
        assert [client.get("/api/v1/me").status_code for client in (person, other)] == [401, 401]
    assert log_in(person, OLD) == 401
    assert log_in(person, NEW) == 204


@pytest.mark.parametrize("new", ["short", " " * 12, "a" * 12, OLD])
def test_a_poor_new_password_is_refused_and_the_old_one_stays(
    person: httpx.Client, new: str
) -> None:
    assert change(person, OLD, new) == (422, "password_refused")
    assert person.get("/api/v1/me").status_code == 200


def test_a_stolen_session_cannot_guess_the_old_password(person: httpx.Client) -> None:
    answers = [change(person, "guess", NEW) for _ in range(6)]
    assert answers == [(403, "wrong_password")] * 5 + [(429, "too_many")]


def test_a_token_has_no_password_and_another_site_cannot_change_one(
    desk: Desk, person: httpx.Client
) -> None:
    token = create_token(desk.database, "district", "mentougou")
    assert change(person, OLD, NEW, Authorization=f"Bearer {token}") == (403, "no_password")
    assert change(person, OLD, NEW, Origin="https://evil.example") == (403, "cross_site")
