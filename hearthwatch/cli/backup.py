"""`hearthwatch backup` and `hearthwatch restore`: the whole state of a district, there and back."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, ServerConfig

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.")]


def backup(
    folder: _Folder, config: ServerConfig = Path("server.toml"), as_json: AsJson = False
) -> None:
    """Copy receipts, readings, tickets, rule state, dead letters and configuration into DIR.

    The services may run meanwhile. DIR is new or empty. Each copy is checked, and manifest.json
    lists it with its time, checksum and rows. PostgreSQL and InfluxDB have tools of their own: the
    output and the manifest say what to run. Passwords, tokens and keys are not copied. Exits with 1
    if a copy failed; DIR is then no backup.
    """
    from hearthwatch.backup.back_up import back_up
    from hearthwatch.run.on_record import note_command
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.backup import backup_table, commands_elsewhere
    from wire.wall_clock import wall_clock_ms

    settings = load_server_settings(config)
    noted = note_command(settings, "backup", {"folder": str(folder)}, wall_clock_ms())
    manifest = back_up(folder, config, settings, wall_clock_ms)
    _warn(noted, "backup")
    if as_json:
        print_json(manifest.document())
    else:
        print_tables(backup_table(manifest, settings.season.zone))
        for line in commands_elsewhere(manifest, "back_up"):
            print_text(line)


def restore(
    folder: _Folder,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this part, such as readings.db; may be repeated."),
    ] = None,
    state_only: Annotated[
        bool,
        typer.Option(
            "--state-only",
            help="Only what the services write; server.toml, the list of devices and rule files "
            "stay as they are.",
        ),
    ] = False,
    config: ServerConfig = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Put the parts of a backup back to where the configuration has them; stop the services first.

    Every copy is checked before the first is put back. A file that is replaced stays beside it,
    with the suffix `.before-TIME`. The operator guide says what an older part means for the
    services. Exits with 1 if a copy is damaged, and with 2 while a service runs; nothing is then
    replaced.
    """
    from datetime import datetime

    from hearthwatch.backup.restore import restore
    from hearthwatch.run.on_record import note_command
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.backup import backup_table, commands_elsewhere
    from wire.wall_clock import wall_clock_ms

    settings = load_server_settings(config)
    now = datetime.now(settings.season.zone)
    manifest = restore(folder, config, settings, only or [], now, state_only=state_only)
    facts = {"folder": str(folder), "only": only or []}
    _warn(note_command(settings, "restore", facts, wall_clock_ms()), "restore")
    if as_json:
        print_json(manifest.document())
    else:
        print_tables(backup_table(manifest, settings.season.zone))
        for line in commands_elsewhere(manifest, "restore"):
            print_text(line)


def _warn(noted: bool, what: str) -> None:
    if not noted:
        print_text(f"the audit log does not hold this {what}: no ticket database here", err=True)
