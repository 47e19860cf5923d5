"""A client that leaves: the question that the store still works on for it is given up."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from ingest.store import NobodyWaits, asked_by
from ingest.store.sqlite.store import SqliteStore
from tests.api.serving import Desk
from tests.servers import wait_until

DEVICE = "mtg-mt-0001"
ENDLESS = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted)
SELECT count(*) FROM counted"""
"""Stands for a question over a large window: the engine never ends it by itself."""


class Question:
    """An answer of the store that never ends; notes when it is under way, and when it is over."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.begun, self.ended = threading.Event(), threading.Event()

    def __call__(self, *_: Any) -> dict[str, Any]:
        self.begun.set()
        try:
            list(self._store._rows(ENDLESS))
        finally:
            self.ended.set()
        raise AssertionError("an endless question has no answer")


@contextmanager
def leaving(url: str, headers: dict[str, str]) -> Iterator[None]:
    """Ask, and leave at the end of the block without having read an answer."""
    with (
        httpx.Client(trust_env=False) as client,
        pytest.raises(httpx.ReadTimeout),
        client.stream("GET", url, headers=headers, timeout=httpx.Timeout(10, read=0.5)),
    ):
        pass
    yield


def refused(desk: Desk, code: str) -> bool:
    metrics = httpx.get(f"{desk.url}/metrics", trust_env=False).text
    return f'hearthwatch_http_refused_total{{code="{code}"}}' in metrics


@pytest.mark.parametrize("path", [f"/api/v1/devices/{DEVICE}/readings", "/api/v1/fleet/readings"])
def test_the_work_ends_within_two_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    assert isinstance(desk.store, SqliteStore)
    question = Question(desk.store)
    for name in ("window", "fleet_hours"):
        monkeypatch.setattr(desk.store, name, question)
    desk.add_device(DEVICE)
    headers = {"Authorization": f"Bearer {desk.token('district', None)}"}
    query = "" if "devices" in path else "?district=mentougou&point=room_c"
    with leaving(f"{desk.url}{path}{query}", headers):
        assert question.begun.is_set()
        left_at = time.monotonic()
        assert question.ended.wait(2), "the store goes on for a client that has left"
        assert time.monotonic() - left_at < 2
    wait_until(lambda: refused(desk, "client_left"), 5)


def test_a_client_that_waits_is_answered(desk: Desk) -> None:
    desk.add_device(DEVICE)
    headers = {"Authorization": f"Bearer {desk.token('district', None)}"}
    answer = httpx.get(
        f"{desk.url}/api/v1/devices/{DEVICE}/readings", headers=headers, trust_env=False
    )
    assert answer.status_code == 200


def test_a_question_is_given_up_only_in_the_block_of_its_asker(desk: Desk) -> None:
    with asked_by(lambda: True), pytest.raises(NobodyWaits):
        list(desk.store._rows(ENDLESS))  # type: ignore[attr-defined]
    assert desk.store.history(DEVICE, 0, 1) == []
