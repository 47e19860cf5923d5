"""The store is tended beside the flow, and a store that is away is waited for."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

from ingest.store import StoreUnavailable
from ingest.store.model import never
from ingest.store.sqlite.store import SqliteStore
from ingest.upkeep import tended
from tests.ingest.store.samples import START, stored
from tests.servers import wait_until
from wire.units import HOUR_MS


class Wayward(SqliteStore):
    """Fails at the first two attempts to tend it."""

    attempts = count()

    def tend(self, now: int, stopped: Callable[[], bool] = never) -> None:
        if next(self.attempts) < 2:
            raise StoreUnavailable("away")
        super().tend(now, stopped)


def test_hours_are_aggregated_as_soon_as_the_store_lets_us(tmp_path: Path) -> None:
    store = Wayward(tmp_path / "readings.db")
    store.write([stored("pump-1", START)])
    with tended(store, lambda: START + 2 * HOUR_MS, every_s=0.01):
        wait_until(lambda: store.hours("pump-1", START, START + HOUR_MS, ["supply_c"])["supply_c"])
    store.close()
