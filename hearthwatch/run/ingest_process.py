"""The processes `ingest run` and `ingest replay-dead-letters`."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import start_http_server
from rich.progress import Progress

from configuration.exclusive import exclusive
from configuration.fields import DEFAULT_TIME_ZONE
from hearthwatch.base.errors import FailedError, UnreachableError, UsageError
from hearthwatch.base.terminal import Terminal
from hearthwatch.run.server_settings import ServerSettings
from ingest.durable.commit import Committer
from ingest.durable.dead_letter_file import DeadLetterFile
from ingest.durable.held_readings import HeldReadings
from ingest.durable.put_back import take_back
from ingest.durable.receipts import Receipts, read_committed_end, read_receipts
from ingest.durable.watermarks import Watermarks
from ingest.reception.admission import Admission, DeviceList, read_admission
from ingest.reception.device_registry import DeviceRegistry, Remembered
from ingest.reception.inbox import DeliveryInbox
from ingest.reception.validation import Validator
from ingest.redelivery.redeliver import Redelivery, RedeliveryError, RedeliveryReport
from ingest.redelivery.reexamine import TodaysRules
from ingest.releases import Releases
from ingest.service import IngestService
from ingest.settings import IngestSettings
from ingest.store import ReadingStore, StoreSettings, StoreUnavailable, open_store
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


def run_ingest(
    mqtt: MqttSettings,
    store: StoreSettings,
    ingest: IngestSettings,
    stop: threading.Event,
    *,
    zone: tzinfo = _DEFAULT_ZONE,
    clock: Callable[[], int] = wall_clock_ms,
) -> None:
    """Open the parts of ingest, store readings until `stop` is set, and close the parts.

    `zone` is the district's time zone: of its days, and of dates in the list of devices. Waits for
    a store or broker that does not answer. Raises ConfigurationError for a file that it cannot use.
    """
    with ExitStack() as opened:
        opened.enter_context(_rare_garbage_collection())
        admission = _current_admission(ingest, zone)
        opened.enter_context(exclusive(ingest.state, _IN_USE.format("ingest.state")))
        opened.enter_context(exclusive(store.dead_letters, _IN_USE.format("store.dead_letters")))
        readings = open_store(store, zone)
        opened.callback(readings.close)
        _open_service(mqtt, store, ingest, readings, admission, clock, opened).run(stop)


def _open_service(
    mqtt: MqttSettings,
    store_settings: StoreSettings,
    ingest: IngestSettings,
    store: ReadingStore,
    admission: Callable[[], Admission],
    clock: Callable[[], int],
    opened: ExitStack,
) -> IngestService:
    """Open files and sessions; `opened` closes them in the opposite order."""
    opened.enter_context(tended(store, clock))
    letters, receipts = _open_files(store_settings, ingest, opened)
    remembered, committed = receipts.load()
    remembered = _as_stored(remembered, store, store_settings, clock())
    registry, allowance = DeviceRegistry(remembered), Allowance(_WAITING_BYTES)
    session = _session(mqtt, ingest, receipts, allowance)
    watermarks = Watermarks(mqtt, ingest.client_id)
    inbox = DeliveryInbox(session.events, BrokerLog(_log, ingest.client_id), allowance)
    committer = Committer(store, letters, receipts, committed, session, watermarks, mqtt.root)
    opened.callback(committer.close)
    committer.recover()
    opened.enter_context(_metrics_server(ingest.metrics))
    watermarks.start()
    opened.callback(watermarks.stop)
    session.start()
    opened.callback(session.stop)
    validator = Validator(registry, admission(), mqtt.root)
    held = HeldReadings(ingest.state)
    releases = Releases(held, registry, ingest.batch_readings, mqtt.root)
    return IngestService(
        ingest, clock, inbox, registry, validator, admission, store, committer, releases
    )


def _open_files(
    store_settings: StoreSettings, ingest: IngestSettings, opened: ExitStack
) -> tuple[DeadLetterFile, Receipts]:
    letters = DeadLetterFile(store_settings.dead_letters)
    opened.callback(letters.close)
    receipts = Receipts(ingest.state)
    opened.callback(receipts.close)
    return letters, receipts


def _as_stored(
    remembered: Remembered, store: ReadingStore, settings: StoreSettings, now: int
) -> Remembered:
    """Return what was received and is in the store; a store that is away counts as whole."""
    since = now - settings.retention if settings.retention else 0
    try:
        return take_back(remembered, store, since)
    except StoreUnavailable as error:
        _log.warning("store_not_compared_with_receipts", reason=str(error))
        return remembered


def _session(
    mqtt: MqttSettings, ingest: IngestSettings, receipts: Receipts, allowance: Allowance
) -> MqttSession:
    filters = ingest.filters(mqtt.root)
    return MqttSession(
        mqtt,
        ingest.client_id,
        subscriptions=filters,
        former=sorted(receipts.subscribe(filters)),
        allowance=allowance,
    )


def _current_admission(ingest: IngestSettings, zone: tzinfo) -> Callable[[], Admission]:
    if ingest.registered is None:
        return Admission
    return DeviceList(ingest.registered, ingest.registered_only, zone).current


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


def replay_file(
    settings: ServerSettings, file: Path, codes: frozenset[str] | None, *, dry_run: bool
) -> RedeliveryReport:
    """Redeliver the dead letters in `file` to the store and return the counts.

    `codes` limits it to letters of these codes; `dry_run` stores and changes nothing. Raises
    UsageError, UnreachableError and FailedError; `file` is then unchanged.
    """
    if not file.is_file():
        raise UsageError(f"{file}: there is no such dead-letter file")
    store = open_store(settings.store, settings.season.zone)
    try:
        with Progress(console=Terminal(stderr=True), transient=True) as progress:
            task = progress.add_task("replaying", total=None)
            return Redelivery(
                file,
                lambda: read_committed_end(settings.ingest.state),
                store,
                _todays_rules(settings, codes),
                dry=dry_run,
                progress=lambda done, all_: progress.update(task, completed=done, total=all_),
            ).run()
    except StoreUnavailable as error:
        raise UnreachableError(f"{error}; {file} is as it was") from error
    except (RedeliveryError, OSError) as error:
        raise FailedError(str(error)) from error
    finally:
        store.close()


def _todays_rules(settings: ServerSettings, codes: frozenset[str] | None) -> TodaysRules:
    state = settings.ingest.state
    owners = read_receipts(state)[0].owners if state.exists() else {}
    return TodaysRules(_admission(settings), owners, wall_clock_ms(), codes, settings.mqtt.root)


def _admission(settings: ServerSettings) -> Admission:
    listed = settings.ingest.registered
    if listed is None:
        return Admission()
    return read_admission(listed, settings.ingest.registered_only, settings.season.zone)
