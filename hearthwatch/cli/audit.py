"""`hearthwatch audit …`: who did, changed, read or was refused what, and whether a line is gone."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.base.printing import print_json, print_tables, print_text
from hearthwatch.cli.options import AsJson, ServerConfig, Until

app = typer.Typer(
    help="The audit log: who did, changed, read or was refused what, from where and when.",
    no_args_is_help=True,
)


@app.command("list")
def list_lines(
    who: Annotated[str | None, typer.Option("--who", help="Only this account or token.")] = None,
    what: Annotated[
        str | None,
        typer.Option("--what", help="Only this act, like login; ticket. is all acts on tickets."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First day or time, like 2025-11-01.")
    ] = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many.")] = 100,
    config: ServerConfig = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Show lines of the audit log, the newest first; times in the time zone of `[season]`.

    A line names who, the network address (none for a command on this machine), the act, what it
    was about, and the fields that changed, before and after.
    """
    from desk.audit.trail import AuditFilter, lines
    from desk.database.engine import open_database, reading
    from hearthwatch.base.periods import parse_time
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.audit import audit_table

    settings = load_server_settings(config)
    zone = settings.season.zone
    begin = None if since is None else parse_time("--from", since, zone)
    end = None if until is None else parse_time("--to", until, zone)
    with reading(open_database(settings.tickets.address)) as session:
        found = lines(session, AuditFilter(who, what, begin, end), limit)
    if as_json:
        print_json({"items": [asdict(line) for line in found]})
    else:
        print_tables(audit_table(found, zone))


@app.command("verify")
def verify_lines(
    known: Annotated[
        str | None,
        typer.Option("--known", help="ID:HASH as an earlier verify printed it; it must be there."),
    ] = None,
    config: ServerConfig = Path("server.toml"),
    as_json: AsJson = False,
) -> None:
    """Verify that no line was changed, removed or put in; exits with 1 if one was.

    Each line holds a hash over itself and the line before. Keep the ID:HASH that this command
    prints outside of this machine, and give it as --known next time: then nobody can shorten the
    log or write it anew, not even who may write the database.
    """
    from desk.audit.trail import verify
    from desk.database.engine import open_database
    from hearthwatch.base.errors import FailedError
    from hearthwatch.run.server_settings import load_server_settings
    from hearthwatch.tables.audit import verdict_text

    kept = None if known is None else _known(known)
    verdict = verify(open_database(load_server_settings(config).tickets.address), kept)
    if as_json:
        print_json(asdict(verdict))
    else:
        print_text(verdict_text(verdict))
    if verdict.broken is not None:
        raise FailedError("the audit log is not whole; keep a copy of the database as it is")


def _known(text: str) -> tuple[int, str]:
    from hearthwatch.base.errors import UsageError

    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdecimal()) or len(digest) != 64:
        raise UsageError("--known: give ID:HASH as `audit verify` printed it")
    return int(number), digest
