"""Tends the reading store beside the flow of readings: hours are aggregated, and what is too old is
forgotten."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from ingest.store.model import ReadingStore, StoreUnavailable

# An hour counts as finished ten minutes after its end; half of that is soon enough to see it.
_EVERY_S: Final = 300.0

_log = structlog.get_logger()


@contextmanager
def tended(
    store: ReadingStore, clock: Callable[[], int], every_s: float = _EVERY_S
) -> Iterator[None]:
    """Within it a thread tends `store` every `every_s` seconds; `clock` tells UTC ms."""
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
    failing = False
    while not stop.wait(every_s):
        try:
            store.tend(clock(), stop.is_set)
        except StoreUnavailable as error:
            if not failing:
                _log.warning("store_upkeep_waits", reason=str(error))
            failing = True
            continue
        if failing:
            _log.info("store_upkeep_resumed")
        failing = False
