"""`hearthwatch watch`: the live alert feed in a terminal."""

from typing import Annotated, Literal

import typer

from hearthwatch.cli.options import AsJson, BrokerConfig, BrokerUrl

Language = Literal["zh", "en"]


def watch(
    topics: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]...", help="MQTT topic filters; default: every alert."),
    ] = None,
    config: BrokerConfig = None,
    url: BrokerUrl = None,
    language: Annotated[
        Language | None,
        typer.Option(
            "--language", help="The language of the alerts; default: Chinese in a zh locale."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show alerts as they are raised and cleared, the active ones first, until Ctrl-C.

    The language follows the locale (LC_ALL, LC_MESSAGES, LANG): Chinese where it begins with zh,
    else English. Times are in the time zone of the file's [season] table. Exits with 3 if the
    broker does not answer.
    """
    import os

    from hearthwatch.base.signals import stop_on_signals
    from hearthwatch.run.server_settings import load_broker_settings
    from hearthwatch.tables.alert_feed import AlertFeed, locale_language

    settings = load_broker_settings(config, url)
    feed = AlertFeed(
        language=language or locale_language(os.environ),
        zone=settings.season.zone,
        as_json=as_json,
    )
    feed.watch(settings.mqtt, topics or [], stop_on_signals())
