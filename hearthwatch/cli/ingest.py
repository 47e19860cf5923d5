"""`hearthwatch ingest …`: readings from MQTT to the reading store."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_text
from hearthwatch.cli.options import AsJson, ServerConfig

app = typer.Typer(
    help="Readings from MQTT to the reading store: nothing lost, nothing duplicated.",
    no_args_is_help=True,
)


@app.command("run")
def run(config: ServerConfig = Path("server.toml")) -> None:
    """Store readings until SIGTERM or Ctrl-C.

    Waits while the broker or the store is missing.
    """
    from configuration.state_files import require_state_files
    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.ingest_process import run_ingest
    from hearthwatch.run.server_settings import load_server_settings

    configure_structured_logging()
    settings = load_server_settings(config)
    require_state_files(config, settings.ingest_files)
    run_ingest(
        settings.mqtt,
        settings.store,
        settings.ingest,
        stop_on_signals(),
        zone=settings.season.zone,
    )


@app.command("replay-dead-letters")
def replay_dead_letters(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A dead-letter file, such as a rotated one; default: store.dead_letters."
        ),
    ] = None,
    code: Annotated[
        list[str] | None, typer.Option("--code", help="Only letters of this code; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count only; store and change nothing.")
    ] = False,
    config: ServerConfig = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Validate dead letters again, store the good readings, and keep the other lines in the file.

    Mend the cause first: register the devices (unknown_device, too_early), give a device to
    another gateway (not_owned), repair the database or extend its retention (store_refused,
    too_old). Ingest may run meanwhile. If this command is killed, nothing is lost: run it again.
    The stored readings fill the history; they raise no alerts.

    Three kinds of letters always stay: readings out of order for good (not_increasing,
    stale_epoch, seq_conflict), and messages longer than the 4 kB that the file keeps. Letters with
    clock_ahead stay unless you pass `--code clock_ahead`: do so only if the server's clock was
    behind, because a gateway's wrong time would be stored as it is.

    Exits with 1 if the file could not be replaced (it is unchanged), and with 3 if the store does
    not answer.
    """
    from hearthwatch.run.ingest_process import replay_file
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.dead_letters import replay_document, replay_text

    settings = load_server_settings(config)
    path = settings.store.dead_letters if file is None else file
    report = replay_file(settings, path, frozenset(code) if code else None, dry_run=dry_run)
    if as_json:
        print_json({"file": str(path), "dry_run": dry_run, **replay_document(report)})
    else:
        print_text(replay_text(report, dry_run))


@app.command("status")
def status(config: ServerConfig = Path("server.toml"), as_json: AsJson = False) -> None:
    """Show for each gateway what ingest has received, and what is missing.

    Reads the file `ingest.state`, whether ingest runs or not. `upto` is the watermark: every
    message up to this number is stored. `missing` counts message numbers that have not arrived
    although a higher one has; the gateway sends them again. `lost` counts messages that a gateway
    reported as dropped, or that were acknowledged and that the store lacks (not_in_store). `again`
    counts messages that arrived more than once and were stored once.
    `rejected` counts dead letters.
    """

    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.ingest_status import print_status
    from ingest.durable.receipts import read_receipts
    from ingest.status import gateway_statuses, status_document

    settings = load_server_settings(config)
    remembered, tallies = read_receipts(settings.ingest.state)
    gateways = gateway_statuses(remembered, tallies)
    if as_json:
        print_json(status_document(gateways, tallies))
    else:
        print_status(gateways, tallies, settings.season.zone)
