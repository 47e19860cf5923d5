"""The live alert feed in a terminal: MQTT messages to lines of text."""

import json
import queue
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from configuration.load import load
from hearthwatch.base.errors import UnreachableError, UsageError
from messaging.session import Connected, ConnectionRefused, Delivery, MqttSession
from messaging.settings import MqttSettings

_ANSWER_WITHIN_S: Final = 10.0
_SHANGHAI: Final = timezone(timedelta(hours=8))  # no daylight saving
_SHAPES: Final = {
    "urgent": ("▲", "red"),
    "high": ("◆", "yellow"),
    "medium": ("■", "bright_yellow"),
    "low": ("●", "blue"),
}


class _OnlyMqtt(BaseModel):
    model_config = ConfigDict(extra="ignore")
    mqtt: MqttSettings = MqttSettings()


def broker_settings(config: Path | None, url: str | None) -> MqttSettings:
    """The broker of a configuration file, or of a bare URL, or the local one; raises UsageError."""
    if config is not None:
        return load(config, _OnlyMqtt).mqtt
    try:
        return MqttSettings(url=url) if url is not None else MqttSettings()
    except ValidationError as error:
        raise UsageError(
            f"--url: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        ) from error


def watch_topics(
    settings: MqttSettings, topics: Sequence[str], as_json: bool, stop: threading.Event
) -> None:
    """Print messages of `topics` (every alert if none are named) until `stop`; raises
    UnreachableError."""
    filters = list(topics) or [f"{settings.root}/alert/#"]
    session = MqttSession(
        settings,
        f"hearthwatch-watch-{uuid.uuid4().hex[:8]}",
        subscriptions=filters,
        persistent=False,
    )
    session.start()
    try:
        _print_events(session, settings, as_json, stop)
    finally:
        session.stop()


def _print_events(
    session: MqttSession, settings: MqttSettings, as_json: bool, stop: threading.Event
) -> None:
    deadline = time.monotonic() + _ANSWER_WITHIN_S
    while not stop.is_set():
        try:
            event = session.events.get(timeout=0.25)
        except queue.Empty:
            event = None
        if isinstance(event, Connected):
            deadline = float("inf")
        elif isinstance(event, ConnectionRefused):
            raise UnreachableError(
                f"the broker at {settings.url} refused the connection: {event.reason}"
            )
        elif isinstance(event, Delivery):
            session.acknowledge(event)
            typer.echo(as_line(event, as_json), color=None)
        if time.monotonic() > deadline:
            raise UnreachableError(f"the broker at {settings.url} does not answer; is it running?")


def as_line(delivery: Delivery, as_json: bool) -> str:
    """One message as one line: an alert in words, anything else as topic and payload."""
    text = delivery.payload.decode(errors="replace")
    if as_json:
        return json.dumps({"topic": delivery.topic, "payload": _document(text)}, ensure_ascii=False)
    document = _document(text)
    if isinstance(document, dict) and {"rule", "subject", "priority", "state"} <= document.keys():
        return _alert_line(document)
    return f"{delivery.topic} {text or '(removed)'}"


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _alert_line(alert: dict[str, Any]) -> str:
    shape, colour = _SHAPES.get(alert["priority"], ("·", "white"))
    moment = alert.get("cleared_at") or alert.get("raised_at") or 0
    clock = datetime.fromtimestamp(moment / 1000, UTC).astimezone(_SHANGHAI).strftime("%H:%M:%S")
    cleared = alert["state"] == "cleared"
    sign = typer.style("✓", fg="green") if cleared else typer.style(shape, fg=colour)
    what = f"{alert['rule']} {alert.get('code') or ''}".strip()
    words = (alert.get("text") or {}).get("zh", "")
    where = f"{alert['village']} {alert['subject']}"
    return f"{clock} {sign} {alert['priority']:<6} {alert['state']:<7} {where} {what}  {words}"
