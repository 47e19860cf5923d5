"""The processes `ingest run` and `ingest replay-dead-letters`."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import start_http_server
from rich.console import Console
from rich.progress import Progress

from hearthwatch.base.errors import FailedError, UnreachableError, UsageError
from hearthwatch.run.server_settings import ServerSettings
from ingest.admission import Admission, DeviceList, read_admission
from ingest.commit import Committer
from ingest.dead_letters import DeadLetterFile
from ingest.device_registry import Register
from ingest.exclusive import exclusive
from ingest.inbox import Inbox
from ingest.receipts import Ledger, read_ledger, read_position
from ingest.redeliver import Replay, ReplayError, Report
from ingest.reexamine import Today
from ingest.service import IngestService
from ingest.settings import IngestSettings
from ingest.store import ReadingStore, StoreSettings, StoreUnavailable, open_store
from ingest.upkeep import tended
from ingest.validation import Judge
from ingest.watermarks import Watermarks
from messaging.allowance import Allowance
from messaging.session import Connected, ConnectionRefused, Disconnected, Event, MqttSession
from messaging.settings import MqttSettings
from wire.wall_clock import wall_clock_ms

# Readings come and go by tens of thousands and hold no cycles. At the usual threshold of 700 new
# objects, the search for cycles took a quarter of the service's processor time (measured with
# `python -m bench ingest`).
_GARBAGE_THRESHOLD: Final = 200_000
# Messages in memory that are not validated yet: 500 from gateways with 30 units each, of which a
# batch takes 170. The others wait at the broker (docs/decisions/0015).
_WAITING_BYTES: Final = 8 * 1024 * 1024
_IN_USE: Final = "another ingest process is using it; give each its own {}"

_log = structlog.get_logger()


def run_ingest(
    mqtt: MqttSettings,
    store: StoreSettings,
    ingest: IngestSettings,
    stop: threading.Event,
    clock: Callable[[], int] = wall_clock_ms,
) -> None:
    """Open the parts of ingest, store readings until `stop` is set, and close the parts.

    Waits for a store or broker that does not answer. Raises ConfigurationError for a file that
    cannot be used.
    """
    with ExitStack() as opened:
        opened.enter_context(_rare_garbage_collection())
        opened.enter_context(exclusive(ingest.state, _IN_USE.format("ingest.state")))
        opened.enter_context(exclusive(store.dead_letters, _IN_USE.format("store.dead_letters")))
        _open_service(mqtt, store, ingest, clock, opened).run(stop)


def _open_service(
    mqtt: MqttSettings,
    store_settings: StoreSettings,
    ingest: IngestSettings,
    clock: Callable[[], int],
    opened: ExitStack,
) -> IngestService:
    """Open files and sessions; `opened` closes them in the opposite order."""
    admission = _current_admission(ingest)
    store, letters, ledger = _open_files(store_settings, ingest, clock, opened)
    remembered, committed = ledger.load()
    register, allowance = Register(remembered), Allowance(_WAITING_BYTES)
    session = _session(mqtt, ingest, ledger, allowance)
    watermarks = Watermarks(mqtt, ingest.client_id)
    inbox = Inbox(session.events, _BrokerLog(), allowance)
    committer = Committer(store, letters, ledger, committed, session, watermarks, mqtt.root)
    opened.callback(committer.close)
    committer.recover()
    opened.enter_context(_metrics_server(ingest.metrics))
    watermarks.start()
    opened.callback(watermarks.stop)
    session.start()
    opened.callback(session.stop)
    judge = Judge(register, admission(), mqtt.root)
    return IngestService(ingest, clock, inbox, register, judge, admission, store, committer)


def _open_files(
    store_settings: StoreSettings,
    ingest: IngestSettings,
    clock: Callable[[], int],
    opened: ExitStack,
) -> tuple[ReadingStore, DeadLetterFile, Ledger]:
    store = open_store(store_settings)
    opened.callback(store.close)
    opened.enter_context(tended(store, clock))
    letters = DeadLetterFile(store_settings.dead_letters)
    opened.callback(letters.close)
    ledger = Ledger(ingest.state)
    opened.callback(ledger.close)
    return store, letters, ledger


def _session(
    mqtt: MqttSettings, ingest: IngestSettings, ledger: Ledger, allowance: Allowance
) -> MqttSession:
    filters = ingest.filters(mqtt.root)
    return MqttSession(
        mqtt,
        ingest.client_id,
        subscriptions=filters,
        former=sorted(ledger.subscribe(filters)),
        allowance=allowance,
    )


def _current_admission(ingest: IngestSettings) -> Callable[[], Admission]:
    if ingest.registered is None:
        return Admission
    return DeviceList(ingest.registered, ingest.registered_only).current


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


class _BrokerLog:
    """Logs once when the broker is lost or refuses the connection, and once when it is back."""

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


def replay_file(
    settings: ServerSettings, file: Path, codes: frozenset[str] | None, *, dry_run: bool
) -> Report:
    """Redeliver the dead letters in `file` to the store and return the counts.

    `codes` limits the replay to letters of these codes; `dry_run` stores and changes nothing.
    Raises UsageError, UnreachableError and FailedError; `file` is then unchanged.
    """
    if not file.is_file():
        raise UsageError(f"{file}: there is no such dead-letter file")
    store = open_store(settings.store)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("replaying", total=None)
            return Replay(
                file,
                lambda: read_position(settings.ingest.state),
                store,
                _today(settings, codes),
                dry=dry_run,
                progress=lambda done, all_: progress.update(task, completed=done, total=all_),
            ).run()
    except StoreUnavailable as error:
        raise UnreachableError(f"{error}; {file} is as it was") from error
    except (ReplayError, OSError) as error:
        raise FailedError(str(error)) from error
    finally:
        store.close()


def _today(settings: ServerSettings, codes: frozenset[str] | None) -> Today:
    state = settings.ingest.state
    owners = read_ledger(state)[0].owners if state.exists() else {}
    return Today(_admission(settings.ingest), owners, wall_clock_ms(), codes, settings.mqtt.root)


def _admission(ingest: IngestSettings) -> Admission:
    if ingest.registered is None:
        return Admission()
    return read_admission(ingest.registered, ingest.registered_only)
