"""The ingest service: one thread validates messages into batches, another commits them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

from ingest.admission import Admission
from ingest.batch import Batch
from ingest.commit import Committer
from ingest.device_registry import Register
from ingest.inbox import Inbox
from ingest.settings import IngestSettings
from ingest.store import ReadingStore
from ingest.validation import Judge
from messaging.session import Delivery

# How long nothing happens at most before the service looks whether it should stop.
_IDLE_S: Final = 0.2


class IngestService:
    """Validates messages into batches and commits them: the next batch fills while one is written.

    What it has acknowledged is durable.
    """

    def __init__(
        self,
        settings: IngestSettings,
        clock: Callable[[], int],
        inbox: Inbox,
        register: Register,
        judge: Judge,
        admission: Callable[[], Admission],
        store: ReadingStore,
        committer: Committer,
    ) -> None:
        """Take the parts, all of them open; `clock` returns UTC ms. The caller closes them."""
        self._most = settings.batch_readings
        self._wait_s = settings.batch_wait / 1000
        # A broker that waits for PUBACKs falls silent; a tenth of the batch time tells that no more
        # is coming.
        self._quiet_s = self._wait_s / 10
        self._clock = clock
        self._inbox = inbox
        self._register = register
        self._judge = judge
        self._admission = admission
        self._store = store
        self._committer = committer
        self._commits: deque[Future[None]] = deque()

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set, then commit what has arrived; raise the error of a commit."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest-commit") as executor:
            try:
                while not stop.is_set():
                    self._hand_over(self._collect(stop), executor, stop)
            finally:
                # Without this, an error here would leave the commit waiting for the store for ever.
                stop.set()
            self._hand_over(self._leftovers(), executor, stop)
            self._wait_while(lambda: bool(self._commits))

    def _collect(self, stop: threading.Event) -> Batch:
        batch = Batch()
        began = time.monotonic()
        while not stop.is_set():
            delivery = self._inbox.take(self._quiet_s if batch.receipts else _IDLE_S)
            if delivery is None and not batch.receipts:
                self._busy()
                began = time.monotonic()
                continue
            if delivery is not None:
                self._take(batch, delivery)
            if self._is_due(batch, quiet=delivery is None, age_s=time.monotonic() - began):
                break
        return batch

    def _is_due(self, batch: Batch, *, quiet: bool, age_s: float) -> bool:
        if self._is_full(batch):
            return True
        return (quiet or age_s >= self._wait_s) and not self._busy()

    def _is_full(self, batch: Batch) -> bool:
        return max(len(batch.readings), len(batch.receipts)) >= self._most

    def _leftovers(self) -> Batch:
        batch = Batch()
        while not self._is_full(batch) and (delivery := self._inbox.take(0.001)) is not None:
            self._take(batch, delivery)
        return batch

    def _take(self, batch: Batch, delivery: Delivery) -> None:
        if not batch.receipts:
            self._judge.admission = self._admission()
        again = delivery.redelivered or delivery.retained
        now = self._clock()
        batch.add(
            delivery, self._judge.judge(delivery.topic, delivery.payload, now, again=again), now
        )

    def _hand_over(self, batch: Batch, executor: ThreadPoolExecutor, stop: threading.Event) -> None:
        if not batch.receipts:
            return
        batch.seal(self._register, self._store)
        self._wait_while(self._busy)
        written = self._committer.begin(batch)
        self._commits.append(
            executor.submit(self._committer.commit, batch, written, self._clock(), stop)
        )

    def _busy(self) -> bool:
        """Whether as many batches as the store takes at once are under way; an error that ended a
        commit is raised."""
        while self._commits and self._commits[0].done():
            self._commits.popleft().result()
        return len(self._commits) >= self._store.writers

    def _wait_while(self, condition: Callable[[], bool]) -> None:
        while condition():
            wait([self._commits[0]], timeout=_IDLE_S)
            self._inbox.absorb()
            self._busy()
