"""The ingest service: one thread validates messages into batches, another commits them.

The service owns both threads and the clock.
"""

import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import start_http_server

from configuration.fields import DEFAULT_TIME_ZONE
from ingest.durable.commit import Committer
from ingest.durable.dead_letter_file import DeadLetterFile
from ingest.durable.exclusive import exclusive
from ingest.durable.receipts import Receipts
from ingest.durable.watermarks import Watermarks
from ingest.reception.admission import Admission, DeviceList
from ingest.reception.batch import MessageBatch
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.inbox import DeliveryInbox
from ingest.reception.validation import Validator
from ingest.settings import IngestSettings
from ingest.store import ReadingStore, StoreSettings, open_store
from ingest.upkeep import tended
from messaging.allowance import Allowance
from messaging.broker_log import BrokerLog
from messaging.session import Delivery, MqttSession
from messaging.settings import MqttSettings
from wire.wall_clock import wall_clock_ms

# The longest silence after which the service checks whether it should stop.
_IDLE_S: Final = 0.2
# Readings come and go by tens of thousands and form no reference cycles. Collecting at the usual
# threshold of 700 new objects took a quarter of the processor time (`python -m bench ingest`).
_GARBAGE_THRESHOLD: Final = 200_000
# Messages that wait for validation: 500 of gateways with 30 units each; a batch takes 170. The
# rest waits at the broker (docs/decisions/0015).
_WAITING_BYTES: Final = 8 * 1024 * 1024

_DEFAULT_ZONE: Final = ZoneInfo(DEFAULT_TIME_ZONE)
_IN_USE: Final = "another ingest process is using it; give each its own {}"

_log = structlog.get_logger()


class IngestService:
    """Receives telemetry until it is stopped; every message that it acknowledges is durable."""

    def __init__(
        self,
        mqtt: MqttSettings,
        store: StoreSettings,
        ingest: IngestSettings,
        *,
        zone: tzinfo = _DEFAULT_ZONE,
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """`zone` is the district's time zone, for dates in the list of devices.

        `clock` returns the server time (UTC ms).
        """
        self._mqtt = mqtt
        self._store = store
        self._ingest = ingest
        self._zone = zone
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set, then commit what has arrived and close.

        Waits for a store or broker that does not answer. Raises ConfigurationError if a file
        cannot be used.
        """
        with ExitStack() as opened:
            opened.enter_context(_rare_garbage_collection())
            self._open_and_serve(opened, stop)

    def _open_and_serve(self, opened: ExitStack, stop: threading.Event) -> None:
        admission = self._admission()
        self._hold_files(opened)
        store = self._open_store(opened)
        letters = DeadLetterFile(self._store.dead_letters)
        opened.callback(letters.close)
        receipts = Receipts(self._ingest.state)
        opened.callback(receipts.close)
        remembered, committed = receipts.load()
        allowance = Allowance(_WAITING_BYTES)
        session = self._session(receipts, allowance)
        watermarks = Watermarks(self._mqtt, self._ingest.client_id)
        root = self._mqtt.root
        committer = Committer(store, letters, receipts, committed, session, watermarks, root)
        opened.callback(committer.close)
        committer.recover()
        opened.enter_context(_metrics_server(self._ingest.metrics))
        watermarks.start()
        opened.callback(watermarks.stop)
        session.start()
        opened.callback(session.stop)
        inbox = DeliveryInbox(session.events, BrokerLog(_log), allowance)
        registry = DeviceRegistry(remembered)
        validator = Validator(registry, admission(), root)
        _Pipeline(
            self._ingest, self._clock, inbox, registry, validator, admission, store, committer
        ).run(stop)

    def _admission(self) -> Callable[[], Admission]:
        listed = self._ingest.registered
        if listed is None:
            return Admission
        return DeviceList(listed, self._ingest.registered_only, self._zone).current

    def _hold_files(self, opened: ExitStack) -> None:
        for key, path in (
            ("ingest.state", self._ingest.state),
            ("store.dead_letters", self._store.dead_letters),
        ):
            opened.enter_context(exclusive(path, _IN_USE.format(key)))

    def _open_store(self, opened: ExitStack) -> ReadingStore:
        store = open_store(self._store)
        opened.callback(store.close)
        opened.enter_context(tended(store, self._clock))
        return store

    def _session(self, receipts: Receipts, allowance: Allowance) -> MqttSession:
        filters = self._ingest.filters(self._mqtt.root)
        return MqttSession(
            self._mqtt,
            self._ingest.client_id,
            subscriptions=filters,
            former=sorted(receipts.subscribe(filters)),
            allowance=allowance,
        )


class _Pipeline:
    """Two stages: while batches are written and committed, the next one is validated."""

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
    ) -> None:
        self._most = settings.batch_readings
        self._wait_s = settings.batch_wait / 1000
        # A broker that waits for PUBACKs falls silent. A tenth of the batch time shows that.
        self._quiet_s = self._wait_s / 10
        self._clock = clock
        self._inbox = inbox
        self._registry = registry
        self._validator = validator
        self._admission = admission
        self._store = store
        self._committer = committer
        self._commits: deque[Future[None]] = deque()

    def run(self, stop: threading.Event) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="ingest-commit") as executor:
            try:
                while not stop.is_set():
                    self._hand_over(self._collect(stop), executor, stop)
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
        verdict = self._validator.validate(delivery.topic, delivery.payload, now, again=again)
        batch.add(delivery, verdict, now)

    def _hand_over(
        self, batch: MessageBatch, executor: ThreadPoolExecutor, stop: threading.Event
    ) -> None:
        if not batch.pubacks:
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


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(_GARBAGE_THRESHOLD, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _metrics_server(listen: str | None) -> ExitStack:
    stack = ExitStack()
    if listen is not None:
        host, port = listen.rsplit(":", 1)
        server, thread = start_http_server(int(port), host)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
    return stack
