"""Upkeep of the reading store beside the flow of readings: aggregate hours, forget old readings."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from configuration.outage_log import OutageLog
from ingest.store.model import ReadingStore, StoreUnavailable

# An hour counts as finished ten minutes after its end; half of that is soon enough.
_CHECK_EVERY_S: Final = 300.0

_log = structlog.get_logger()


@contextmanager
def tended(
    store: ReadingStore, clock: Callable[[], int], every_s: float = _CHECK_EVERY_S
) -> Iterator[None]:
    """Tend `store` every `every_s` seconds in a thread; `clock` returns UTC ms."""
    stop = threading.Event()
    thread = threading.Thread(target=_tend, args=(store, clock, every_s, stop), name="store-upkeep")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _tend(
    store: ReadingStore, clock: Callable[[], int], every_s: float, stop: threading.Event
) -> None:
    outage = OutageLog(_log, "store_upkeep_waits", "store_upkeep_resumed")
    while not stop.wait(every_s):
        try:
            store.tend(clock(), stop.is_set)
        except StoreUnavailable as error:
            outage.lost(str(error))
        else:
            outage.back()
