"""The ingest service: while batches are written and committed, the next one is validated.

One thread validates, another commits. A store may write several batches at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import structlog

from configuration.set_aside_log import SetAsideLog
from ingest.durable.commit import Committer
from ingest.reception.admission import Admission
from ingest.reception.batch import MessageBatch
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.inbox import DeliveryInbox
from ingest.reception.incoming import Verdict
from ingest.reception.validation import Validator
from ingest.releases import Releases
from ingest.settings import IngestSettings
from ingest.store import ReadingStore
from messaging.session import Delivery
from wire.units import SECOND_MS

_log = structlog.get_logger()

# The longest silence after which the service checks whether it should stop.
_IDLE_S: Final = 0.2


class IngestService:
    """Validates messages into batches and commits each; what it has acknowledged is durable."""

    def __init__(
        self,
        settings: IngestSettings,
        clock: Callable[[], int],
        inbox: DeliveryInbox,
        registry: DeviceRegistry,
        validator: Validator,
        admission: Callable[[], Admission],
        store: ReadingStore,
        committer: Committer,
        releases: Releases,
    ) -> None:
        """Take the parts, all of them open; the caller closes them.

        `clock` returns the server time (UTC ms), `admission` the list of devices of now.
        """
        self._most = settings.batch_readings
        self._wait_s = settings.batch_wait / SECOND_MS
        # A broker that waits for PUBACKs falls silent. A tenth of the batch time shows that.
        self._quiet_s = self._wait_s / 10
        self._clock = clock
        self._inbox = inbox
        self._registry = registry
        self._validator = validator
        self._admission = admission
        self._store = store
        self._committer = committer
        self._releases = releases
        self._set_aside_log = SetAsideLog(_log)
        self._commits: deque[Future[None]] = deque()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then commit the messages that have arrived."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingest-commit") as executor:
            try:
                while not stop.is_set():
                    self._hand_over(self._collect(stop), executor, stop)
                    self._hand_over(self._releases.next_batch(self._clock()), executor, stop)
            finally:
                # Otherwise a commit could wait for the store without end after an error here.
                stop.set()
            self._hand_over(self._remaining(), executor, stop)
            self._wait_while(lambda: bool(self._commits))

    def _collect(self, stop: threading.Event) -> MessageBatch:
        batch = MessageBatch()
        began = time.monotonic()
        while not stop.is_set():
            delivery = self._inbox.take(self._quiet_s if batch.pubacks else _IDLE_S)
            if delivery is None and not batch.pubacks:
                if self._releases.are_due() and not self._busy():
                    break
                self._busy()
                began = time.monotonic()
                continue
            if delivery is not None:
                self._take(batch, delivery)
            if self._is_due(batch, quiet=delivery is None, age_s=time.monotonic() - began):
                break
        return batch

    def _is_due(self, batch: MessageBatch, *, quiet: bool, age_s: float) -> bool:
        if self._is_full(batch):
            return True
        return (quiet or age_s >= self._wait_s) and not self._busy()

    def _is_full(self, batch: MessageBatch) -> bool:
        return max(len(batch.readings), len(batch.pubacks)) >= self._most

    def _remaining(self) -> MessageBatch:
        batch = MessageBatch()
        while not self._is_full(batch) and (delivery := self._inbox.take(0.001)) is not None:
            self._take(batch, delivery)
        return batch

    def _take(self, batch: MessageBatch, delivery: Delivery) -> None:
        if not batch.pubacks:
            self._validator.admission = self._admission()
        again = delivery.redelivered or delivery.retained
        now = self._clock()
        batch.add(delivery, self._validate(delivery, now, again=again), now)

    def _validate(self, delivery: Delivery, now: int, *, again: bool) -> Verdict:
        try:
            return self._validator.validate(delivery.topic, delivery.payload, now, again=again)
        except Exception as error:
            self._set_aside_log.note("validate", delivery.topic, error)
            return self._validator.set_aside(delivery.topic, delivery.payload, now, again=again)

    def _hand_over(
        self, batch: MessageBatch, executor: ThreadPoolExecutor, stop: threading.Event
    ) -> None:
        if batch.is_empty:
            return
        batch.seal(self._registry, self._store)
        self._wait_while(self._busy)
        written = self._committer.begin(batch)
        self._commits.append(
            executor.submit(self._committer.commit, batch, written, self._clock(), stop)
        )

    def _busy(self) -> bool:
        """Whether the store has all the batches that it takes at once; raises errors of commits."""
        while self._commits and self._commits[0].done():
            self._commits.popleft().result()
        return len(self._commits) >= self._store.writers

    def _wait_while(self, condition: Callable[[], bool]) -> None:
        while condition():
            wait([self._commits[0]], timeout=_IDLE_S)
            self._inbox.absorb()
            self._busy()
