"""`ingest replay-dead-letters`: wires the replay to the configured store, and shows what came of
it."""

from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress

from hearthwatch.base.errors import FailedError, UnreachableError, UsageError
from hearthwatch.cli.output import print_json
from hearthwatch.run.server_settings import ServerSettings
from ingest.durable.receipts import read_committed_end, read_receipts
from ingest.reception.admission import Admission, read_admission
from ingest.redelivery.redeliver import Redelivery, RedeliveryError, RedeliveryReport
from ingest.redelivery.reexamine import KeptReason, TodaysRules
from ingest.store import StoreUnavailable, open_store
from wire.wall_clock import wall_clock_ms

_WHY: Final[dict[KeptReason, str]] = {
    "still_bad": "still bad",
    "out_of_order": "out of order for good",
    "cut_short": "only the first 4 kB of the message are here",
    "not_asked": "of a code that was not asked for",
    "unreadable_line": "no dead letter",
    "occupied": "the store has another reading of that device and time",
    "refused_again": "refused by the store again",
}


def replay_file(
    settings: ServerSettings,
    file: Path | None,
    codes: frozenset[str] | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Replay `file`, or the dead letters of `settings`, and print the counts; see the command for
    what it raises."""
    path = file if file is not None else settings.store.dead_letters
    if not path.is_file():
        raise UsageError(f"{path}: there is no such dead-letter file")
    store = open_store(settings.store)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("replaying", total=None)
            report = Redelivery(
                path,
                lambda: read_committed_end(settings.ingest.state),
                store,
                _today(settings, codes),
                dry=dry_run,
                progress=lambda done, all_: progress.update(task, completed=done, total=all_),
            ).run()
    except StoreUnavailable as error:
        raise UnreachableError(f"{error}; {path} is as it was") from error
    except (RedeliveryError, OSError) as error:
        raise FailedError(str(error)) from error
    finally:
        store.close()
    if as_json:
        print_json({"file": str(path), "dry_run": dry_run, **_document(report)})
    else:
        typer.echo(_text(report, dry_run))


def _today(settings: ServerSettings, codes: frozenset[str] | None) -> TodaysRules:
    state = settings.ingest.state
    owners = read_receipts(state)[0].owners if state.exists() else {}
    return TodaysRules(_admission(settings), owners, wall_clock_ms(), codes, settings.mqtt.root)


def _admission(settings: ServerSettings) -> Admission:
    listed = settings.ingest.registered
    if listed is None:
        return Admission()
    zone = ZoneInfo(settings.season.timezone)
    return read_admission(listed, settings.ingest.registered_only, zone)


def _document(report: RedeliveryReport) -> dict[str, Any]:
    codes = sorted({*report.stored, *report.already, *report.kept})
    return {
        "lines": report.lines,
        "stored": report.stored.total(),
        "kept": sum(reasons.total() for reasons in report.kept.values()),
        "codes": {
            code: {
                "stored": report.stored[code],
                "already_stored": report.already[code],
                "kept": dict(report.kept.get(code, {})),
            }
            for code in codes
        },
    }


def _text(report: RedeliveryReport, dry_run: bool) -> str:
    document = _document(report)
    stored = "would be stored" if dry_run else "stored"
    lines = [
        f"{document['lines']} dead letters: {document['stored']} readings {stored}, {document['kept']} lines stay"
    ]
    for code, found in document["codes"].items():
        parts = [f"{found['stored']} {stored}"] if found["stored"] else []
        parts += (
            [f"{found['already_stored']} in the store already"] if found["already_stored"] else []
        )
        parts += [f"{count} stay: {_WHY[reason]}" for reason, count in found["kept"].items()]
        lines.append(f"  {code}: {'; '.join(parts)}")
    return "\n".join(lines)
