"""The commit of a batch: store, dead letters, receipts, PUBACKs, watermarks (design §4).

The order keeps readings safe. A crash between two steps repeats the earlier ones with the same
effect: the store keeps one point per device and time, dead letters after the last committed end
are cut off, and a committed number is a duplicate. For the same reason later batches may reach the
store before this one is committed; the other steps keep their order.
"""

import gc
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import structlog

from configuration.outage_log import OutageLog
from ingest.durable import metrics
from ingest.durable.dead_letter_file import DeadLetterFile, FileEnd
from ingest.durable.put_back import gone
from ingest.durable.receipts import Receipts
from ingest.durable.watermarks import Watermarks
from ingest.durable.write_in_parts import write_in_parts
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
    """Return the pause in seconds after failed attempt number `attempt`, from 0.

    `chance` in 0..1 spreads several services over time.
    """
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt, 16)) * (0.5 + chance / 2)


Written = Future[list[RefusedReading]]
"""A write to the store under way: the readings that it refused for good, or StoreUnavailable."""


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
        """`committed` is the end of the dead-letter file that `receipts` has committed.

        `session` delivered the messages; `root` is the topic root.
        """
        self._store = store
        self._writers = ThreadPoolExecutor(store.writers, thread_name_prefix="store-write")
        self._letters = letters
        self._receipts = receipts
        self._committed = committed
        self._session = session
        self._watermarks = watermarks
        self._root = root
        self._gave_up = False
        self._outage = OutageLog(_log, "store_unavailable", "store_available")

    def recover(self) -> None:
        """Cut off the uncommitted dead letters of a killed run, and commit the end of the file.

        A redelivery may have replaced the file by a shorter one of the same inode number. On a
        full disk the first batch does this.
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
        """Make `batch`, sealed at server time `now`, durable and acknowledge it.

        `written` is the result of `begin`. Waits for the store without limit. If `stop` is set
        meanwhile, this batch and all later ones stay unacknowledged: the broker keeps them.
        """
        began = time.monotonic()
        # The changes of a batch build on those of the one before. They are wrong without it.
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
                self._outage.lost(str(error), waiting=len(batch.readings))
                if stop.wait(pause_s(attempt, random.random())):  # noqa: S311 - jitter
                    return False
                attempt += 1
                # The frames of a failed request hold its body in reference cycles, and the service
                # collects garbage rarely: a long outage would take megabytes for each attempt.
                gc.collect()
                continue
            metrics.STORE_UP.set(1)
            self._outage.back(attempts=attempt + 1)
            return True

    def _write(self, batch: MessageBatch) -> list[RefusedReading]:
        assert batch.sealed, "only a sealed batch is complete"
        if not batch.readings:
            return []
        return write_in_parts(self._store, batch.readings, batch.prepared)

    def _persist(self, batch: MessageBatch, refused: list[RefusedReading], now: int) -> None:
        _log_refused(refused)
        missing = gone(self._store, batch.claims)
        letters = [*batch.letters, *(_letter(refusal, now, self._root) for refusal in refused)]
        letters += [each.letter(now, self._root) for each in missing]
        tallies = batch.tallies.after(refused, missing)
        end = self._letters.append(letters, self._committed, self._commit_end)
        assert self._committed is not None, "the dead letters of a batch follow a committed end"
        self._receipts.commit(batch.changes, tallies, end)
        self._committed = end
        batch.committed = True
        metrics.count(tallies.total(), batch.missing)

    def _commit_end(self, end: FileEnd) -> None:
        self._receipts.commit(Remembered(), Tallies(), end)
        self._committed = end

    def _answer(self, batch: MessageBatch) -> None:
        assert batch.committed, "a PUBACK or watermark before the receipts could lose readings"
        for puback in batch.pubacks:
            self._session.acknowledge(puback)
        self._watermarks.publish(batch.answers)


def _log_refused(refused: Sequence[RefusedReading]) -> None:
    """Log one line for each code of a batch, with the first reading; thousands may be refused."""
    counts = Counter(refusal.code for refusal in refused)
    firsts = {refusal.code: refusal for refusal in reversed(refused)}
    for code, first in firsts.items():
        device = first.stored.reading.device
        _log.warning(
            "readings_refused", code=code, readings=counts[code], device=device, detail=first.detail
        )


def _letter(refusal: RefusedReading, now: int, root: str) -> DeadLetter:
    stored = refusal.stored
    return DeadLetter(
        now,
        refusal.code,
        gateway_topic("telemetry", stored.gateway, root),
        stored.gateway.gateway,
        stored.epoch,
        stored.seq,
        stored.reading.device,
        stored.reading,
    )
