"""The outbox: an effect that makes its channel fail costs only itself."""

from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from alerts.feed.channel import Retry, Sent
from alerts.feed.outbox import Outbox
from desk.database.engine import open_database, reading, writing
from desk.database.outbox import add_effect, due_effects


class Fragile:
    """Sends each payload, but for those that name a failure."""

    def __init__(self, failure: Exception) -> None:
        self.sent: list[Any] = []
        self.failure: Exception | None = failure

    def send(self, payload: dict[str, Any]) -> Sent | Retry:
        if payload["number"] == 2 and self.failure is not None:
            raise self.failure
        self.sent.append(payload["number"])
        return Sent(())


@pytest.fixture
def database(tmp_path: Path) -> Any:
    engine = open_database(f"sqlite:///{tmp_path}/tickets.db")
    with writing(engine) as session:
        for number in (1, 2, 3):
            add_effect(session, "alert", {"number": number}, 0)
    yield engine
    engine.dispose()


def test_an_effect_that_makes_its_channel_fail_is_named_and_left_out(database: Any) -> None:
    channel = Fragile(ValueError("unprintable"))
    with structlog.testing.capture_logs() as logged:
        Outbox(database, {"alert": channel}).pump()
    assert channel.sent == [1, 3]
    assert [entry["event"] for entry in logged] == ["input_set_aside", "effect_refused"]
    with reading(database) as session:
        assert due_effects(session, 0, 10) == []


def test_an_effect_stays_due_while_the_database_is_away(database: Any) -> None:
    channel = Fragile(OperationalError("select", {}, Exception("locked")))
    outbox = Outbox(database, {"alert": channel})
    with pytest.raises(OperationalError):
        outbox.pump()
    channel.failure = None
    outbox.pump()
    assert channel.sent == [1, 2, 3]
