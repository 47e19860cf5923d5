"""`hearthwatch watch`: the live alert feed in a terminal."""

from pathlib import Path
from typing import Annotated

import typer

from hearthwatch.cli.output import AsJson


def watch(
    topics: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]...", help="MQTT topic filters; default: every alert."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="A server.toml whose [mqtt] table says how to reach the broker."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="The broker, as mqtt://HOST:PORT, in place of a file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show alerts as they are raised and cleared, the active ones first, until Ctrl-C.

    Exits with 3 if the broker does not answer.
    """
    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.tables.alert_feed import broker_settings, watch_topics

    watch_topics(broker_settings(config, url), topics or [], as_json, stop_on_signals())
