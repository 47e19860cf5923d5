"""`hearthwatch ingest …`: MQTT to the reading store."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson, print_json

app = typer.Typer(
    help="MQTT to the reading store, nothing lost and nothing doubled.", no_args_is_help=True
)

Config = Annotated[
    Path, typer.Option("--config", help="The server's TOML file (see config/examples/server.toml).")
]


@app.command("run")
def run(config: Config = Path("server.toml")) -> None:
    """Store readings until SIGTERM or Ctrl-C. A missing broker or store is waited for."""
    from zoneinfo import ZoneInfo

    from hearthwatch.base.logs import configure_structured_logging
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.server_settings import load_server_settings
    from ingest.service import IngestService

    configure_structured_logging()
    settings = load_server_settings(config)
    zone = ZoneInfo(settings.season.timezone)
    service = IngestService(settings.mqtt, settings.store, settings.ingest, zone=zone)
    service.run(stop_on_signals())


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
    config: Config = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Judge dead letters by the rules of today, store what is good now, and keep the rest in the
    file.

    Do this after the cause is mended: devices registered (unknown_device, too_early), a device
    given to another gateway (not_owned), the database repaired or its retention extended
    (store_refused, too_old). Ingest may go on running, and a killed replay loses nothing: run it
    again. Replayed readings fill the history; they raise no alerts.

    Never replayed: what is out of order for good (not_increasing, stale_epoch, seq_conflict), and
    whole messages longer than the 4 kB that the file holds of them. clock_ahead is replayed only
    with `--code clock_ahead`: say so only where it was the server's clock that was behind, because
    a gateway's wrong time would be stored as it is.

    Exits with 1 where the file could not be exchanged (it is as it was), with 3 where the store
    does not answer.
    """
    from hearthwatch.run.dead_letter_replay import replay_file
    from hearthwatch.run.server_settings import load_server_settings

    codes = frozenset(code) if code else None
    replay_file(load_server_settings(config), file, codes, dry_run=dry_run, as_json=as_json)


@app.command("status")
def status(config: Config = Path("server.toml"), as_json: AsJson = False) -> None:
    """Show what has been received from each gateway: watermark, gaps, repetitions, losses, dead
    letters.

    Reads the state file of `ingest.state`, while ingest runs or not. `missing` are message numbers
    that have not come although a higher one has; their gateway sends them again. `lost` are those a
    gateway has reported as dropped. `again` counts messages that came more than once, from the
    broker or from the gateway, and were stored once.
    """
    from zoneinfo import ZoneInfo

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
        print_status(gateways, tallies, ZoneInfo(settings.season.timezone))
