"""The processes `ingest run` and `ingest replay-dead-letters`."""

import threading
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from hearthwatch.base.errors import FailedError, UnreachableError, UsageError
from hearthwatch.run.server_settings import ServerSettings
from ingest.admission import Admission, read_admission
from ingest.receipts import read_ledger, read_position
from ingest.redeliver import Replay, ReplayError, Report
from ingest.reexamine import Today
from ingest.service import IngestService
from ingest.settings import IngestSettings
from ingest.store import StoreUnavailable, open_store
from wire.wall_clock import wall_clock_ms


def run_ingest(settings: ServerSettings, stop: threading.Event) -> None:
    """Store readings until `stop` is set; raise ConfigurationError for a file that is unusable."""
    IngestService(settings.mqtt, settings.store, settings.ingest).run(stop)


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
