"""The ingest service: one thread judges messages into batches, one commits them. It owns both, and
the clock."""

import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Final

import structlog
from prometheus_client import start_http_server

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
from messaging.session import (
    Connected,
    ConnectionRefused,
    Delivery,
    Disconnected,
    Event,
    MqttSession,
)
from messaging.settings import MqttSettings
from wire.wall_clock import wall_clock_ms

# How long nothing happens at most before the service looks whether it should stop.
_IDLE_S: Final = 0.2
# Readings come and go by tens of thousands and hold no cycles; looking for some at the usual
# threshold of 700 new objects took a quarter of the service's processor time (measured with `python
# -m bench ingest`).
_GARBAGE_THRESHOLD: Final = 200_000
# Messages that wait to be judged: 500 from gateways with 30 units each, of which a batch takes 170.
# The rest waits at the broker (docs/decisions/0015).
_WAITING_BYTES: Final = 8 * 1024 * 1024

_IN_USE: Final = "another ingest process is using it; give each its own {}"

_log = structlog.get_logger()


class IngestService:
    """Receives telemetry until it is told to stop; whatever it has acknowledged is durable."""

    def __init__(
        self,
        mqtt: MqttSettings,
        store: StoreSettings,
        ingest: IngestSettings,
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._mqtt = mqtt
        self._store = store
        self._ingest = ingest
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set, then commit what has arrived and close.

        Raises ConfigurationError where a file cannot be used. A store or broker that does not
        answer is waited for.
        """
        with ExitStack() as opened:
            opened.enter_context(_rare_garbage_collection())
            self._open_and_serve(opened, stop)

    def _open_and_serve(self, opened: ExitStack, stop: threading.Event) -> None:
        admission = self._admission()
        opened.enter_context(exclusive(self._ingest.state, _IN_USE.format("ingest.state")))
        opened.enter_context(
            exclusive(self._store.dead_letters, _IN_USE.format("store.dead_letters"))
        )
        store = open_store(self._store)
        opened.callback(store.close)
        opened.enter_context(tended(store, self._clock))
        letters = DeadLetterFile(self._store.dead_letters)
        opened.callback(letters.close)
        receipts = Receipts(self._ingest.state)
        opened.callback(receipts.close)
        remembered, committed = receipts.load()
        registry = DeviceRegistry(remembered)
        filters = self._ingest.filters(self._mqtt.root)
        allowance = Allowance(_WAITING_BYTES)
        session = MqttSession(
            self._mqtt,
            self._ingest.client_id,
            subscriptions=filters,
            former=sorted(receipts.subscribe(filters)),
            allowance=allowance,
        )
        watermarks = Watermarks(self._mqtt, self._ingest.client_id)
        inbox = DeliveryInbox(session.events, _BrokerLog(), allowance)
        committer = Committer(
            store, letters, receipts, committed, session, watermarks, self._mqtt.root
        )
        opened.callback(committer.close)
        committer.recover()
        opened.enter_context(_metrics_server(self._ingest.metrics))
        watermarks.start()
        opened.callback(watermarks.stop)
        session.start()
        opened.callback(session.stop)
        validator = Validator(registry, admission(), self._mqtt.root)
        _Pipeline(
            self._ingest, self._clock, inbox, registry, validator, admission, store, committer
        ).run(stop)

    def _admission(self) -> Callable[[], Admission]:
        if self._ingest.registered is None:
            return Admission
        return DeviceList(self._ingest.registered, self._ingest.registered_only).current


class _Pipeline:
    """Two stages: while batches are being written and committed, the next one is judged."""

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
        # A broker that waits for PUBACKs falls silent; a tenth of the batch time tells that no more
        # is coming.
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
                # Without this, an error here would leave the commit waiting for the store for ever.
                stop.set()
            self._hand_over(self._leftovers(), executor, stop)
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

    def _leftovers(self) -> MessageBatch:
        batch = MessageBatch()
        while not self._is_full(batch) and (delivery := self._inbox.take(0.001)) is not None:
            self._take(batch, delivery)
        return batch

    def _take(self, batch: MessageBatch, delivery: Delivery) -> None:
        if not batch.pubacks:
            self._validator.admission = self._admission()
        again = delivery.redelivered or delivery.retained
        now = self._clock()
        batch.add(
            delivery,
            self._validator.validate(delivery.topic, delivery.payload, now, again=again),
            now,
        )

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


class _BrokerLog:
    """Logs once when the broker is lost or refuses us, and once when it is back, however often we
    try."""

    def __init__(self) -> None:
        self._refusal: str | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, Connected):
            self._refusal = None
            _log.info("broker_connected")
        elif isinstance(event, Disconnected):
            _log.warning("broker_lost", reason=event.reason)
        elif isinstance(event, ConnectionRefused) and event.reason != self._refusal:
            self._refusal = event.reason
            _log.error("broker_refused", reason=event.reason)


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
