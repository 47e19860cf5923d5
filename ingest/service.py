"""The ingest service: opens files and connections, runs the pipeline, and closes all of them."""

import gc
import threading
from collections.abc import Callable, Iterator
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
from ingest.pipeline import Pipeline
from ingest.reception.admission import Admission, DeviceList
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.inbox import DeliveryInbox
from ingest.reception.validation import Validator
from ingest.settings import IngestSettings
from ingest.store import ReadingStore, StoreSettings, open_store
from ingest.upkeep import tended
from messaging.allowance import Allowance
from messaging.broker_log import BrokerLog
from messaging.session import MqttSession
from messaging.settings import MqttSettings
from wire.wall_clock import wall_clock_ms

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
        Pipeline(
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
