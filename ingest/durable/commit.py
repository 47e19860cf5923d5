"""How a batch becomes durable: store, dead letters, receipts, PUBACK, watermark – in this order
(design §4).

A crash between any two steps repeats the earlier ones with the same effect: the store keeps one
point per device and time, dead letters after the last committed end are cut off, and a committed
number is a duplicate. For the same reason the next batches may be written to the store before this
one is committed; the steps after that keep their order.
"""

import gc
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import structlog

from ingest.durable import metrics
from ingest.durable.dead_letter_file import DeadLetterFile, FileEnd
from ingest.durable.receipts import Receipts
from ingest.durable.watermarks import Watermarks
from ingest.reception.batch import MessageBatch
from ingest.reception.dead_letter import DeadLetter
from ingest.reception.device_registry import Remembered
from ingest.reception.tally import Tallies
from ingest.store.model import ReadingStore, RefusedReading, StoreUnavailable
from messaging.session import MqttSession
from wire.topics import gateway_topic

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0

_log = structlog.get_logger()


def pause_s(attempt: int, chance: float) -> float:
    """How long to wait after failed attempt number `attempt` (from 0); `chance` in 0..1 spreads
    several services."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt, 16)) * (0.5 + chance / 2)


Written = Future[list[RefusedReading]]
"""A write to the store that has begun: the readings it refused, or StoreUnavailable."""


class Committer:
    """Commits batches one after the other; `commit` is used by one thread, `begin` by another."""

    def __init__(
        self,
        store: ReadingStore,
        letters: DeadLetterFile,
        receipts: Receipts,
        committed: FileEnd | None,
        session: MqttSession,
        watermarks: Watermarks,
        root: str,
    ) -> None:
        """`committed` is the end of the dead-letter file that `receipts` remembers; `session` brings
        the messages."""
        self._store = store
        self._writers = ThreadPoolExecutor(store.writers, thread_name_prefix="store-write")
        self._letters = letters
        self._receipts = receipts
        self._committed = committed
        self._session = session
        self._watermarks = watermarks
        self._root = root
        self._gave_up = False

    def recover(self) -> None:
        """Cut off dead letters that a killed run had not committed, and commit the end of the file
        that is there now.

        It may be another one of the same inode number and shorter (`replay`). On a full disk the
        first batch does it.
        """
        with suppress(StoreUnavailable):
            self._commit_end(self._letters.append([], self._committed, self._commit_end))

    def begin(self, batch: MessageBatch) -> Written:
        """Start to write the readings of a sealed batch to the store."""
        return self._writers.submit(self._write, batch)

    def close(self) -> None:
        """End the writing threads."""
        self._writers.shutdown()

    def commit(
        self, batch: MessageBatch, written: Written, now: int, stop: threading.Event
    ) -> None:
        """Make `batch`, sealed at server time `now`, durable and answer it; waits for the store as
        long as it takes.

        `written` is what `begin` returned for it.

        Where `stop` is set while the store is away, nothing is acknowledged, now or later: the
        broker keeps the messages.
        """
        began = time.monotonic()
        # The changes of a batch build on those of the one before: without that one they would be a
        # lie.
        if self._gave_up or not self._persist_patiently(batch, written, now, stop):
            self._gave_up = True
            return
        self._answer(batch)
        metrics.BATCH_SECONDS.observe(time.monotonic() - began)

    def _persist_patiently(
        self, batch: MessageBatch, written: Written, now: int, stop: threading.Event
    ) -> bool:
        attempt = 0
        while True:
            try:
                refused = written.result() if attempt == 0 else self._write(batch)
                self._persist(batch, refused, now)
            except StoreUnavailable as error:
                metrics.STORE_UP.set(0)
                if attempt == 0:
                    _log.warning(
                        "store_unavailable", reason=str(error), waiting=len(batch.readings)
                    )
                if stop.wait(pause_s(attempt, random.random())):  # noqa: S311 - jitter
                    return False
                attempt += 1
                # The frames of a request that failed hold its body, in cycles that the service
                # looks for but rarely: without this, each attempt of a long outage would leave
                # megabytes.
                gc.collect()
                continue
            metrics.STORE_UP.set(1)
            if attempt > 0:
                _log.info("store_available", attempts=attempt + 1)
            return True

    def _write(self, batch: MessageBatch) -> list[RefusedReading]:
        return self._store.write_prepared(batch.prepared) if batch.readings else []

    def _persist(self, batch: MessageBatch, refused: list[RefusedReading], now: int) -> None:
        letters = [*batch.letters, *(_letter(one, now, self._root) for one in refused)]
        tallies = batch.tallies.after(refused)
        end = self._letters.append(letters, self._committed, self._commit_end)
        self._receipts.commit(batch.changes, tallies, end)
        self._committed = end
        metrics.count(tallies.total(), batch.missing)

    def _commit_end(self, end: FileEnd) -> None:
        self._receipts.commit(Remembered(), Tallies(), end)
        self._committed = end

    def _answer(self, batch: MessageBatch) -> None:
        for puback in batch.pubacks:
            self._session.acknowledge(puback)
        self._watermarks.tell(batch.answers)


def _letter(refused: RefusedReading, now: int, root: str) -> DeadLetter:
    stored = refused.stored
    _log.warning(
        "reading_refused", code=refused.code, device=stored.reading.device, detail=refused.detail
    )
    return DeadLetter(
        now,
        refused.code,
        gateway_topic("telemetry", stored.gateway, root),
        stored.gateway.gateway,
        stored.epoch,
        stored.seq,
        stored.reading.device,
        stored.reading,
    )
