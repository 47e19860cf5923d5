"""The live alert feed in a terminal: MQTT messages as lines of text."""

import json
import queue
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, Literal

import typer

from hearthwatch.base.errors import UnreachableError
from messaging.session import (
    Connected,
    ConnectionFailed,
    ConnectionRefused,
    Delivery,
    Event,
    MqttSession,
)
from messaging.settings import MqttSettings
from wire.decode import decode_alert
from wire.messages import Alert, AlertState, Priority
from wire.payload import PayloadError
from wire.plain_text import printable, printable_json
from wire.texts import LONGEST_PROSE

Language = Literal["zh", "en"]

_LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
_SHAPES: Final[Mapping[Priority, tuple[str, str]]] = {
    "urgent": ("▲", "red"),
    "high": ("◆", "yellow"),
    "medium": ("■", "bright_yellow"),
    "low": ("●", "blue"),
}
# Columns of equal width: a Chinese character is as wide as two others.
_PRIORITIES: Final[dict[Language, dict[Priority, str]]] = {
    "zh": {"urgent": "紧急", "high": "高  ", "medium": "中  ", "low": "低  "},
    "en": {"urgent": "urgent", "high": "high  ", "medium": "medium", "low": "low   "},
}
_STATES: Final[dict[Language, dict[AlertState, str]]] = {
    "zh": {"active": "告警中", "cleared": "已恢复"},
    "en": {"active": "active ", "cleared": "cleared"},
}

_SILENCE_S: Final = 5.0
_SILENT: Final[dict[Language, str]] = {
    "zh": "5 秒内没有收到任何消息：没有活动的报警，或者此账号无权读取"
    "（有些 broker 准许订阅却不发送）；检查 broker 的 ACL",
    "en": "nothing came for 5 seconds: no alert is active, or this account may not read "
    "(some brokers grant a subscription and send nothing); check the broker's ACL",
}


def locale_language(environment: Mapping[str, str]) -> Language:
    """Return Chinese if the locale of messages begins with zh, else English."""
    locale = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if locale.startswith("zh") else "en"


@dataclass(frozen=True, slots=True)
class AlertFeed:
    """How messages are printed: alert texts in `language`, times in `zone`; or all as JSON."""

    language: Language
    zone: tzinfo
    as_json: bool

    def watch(self, mqtt: MqttSettings, topics: Sequence[str], stop: threading.Event) -> None:
        """Print the messages of `topics` until `stop`; no topic means every alert.

        Raises UnreachableError if the broker does not answer or refuses the connection.
        """
        session = MqttSession(
            mqtt,
            f"hearthwatch-watch-{uuid.uuid4().hex[:8]}",
            subscriptions=list(topics) or [f"{mqtt.root}/alert/#"],
            persistent=False,
        )
        session.start()
        try:
            self._print_events(session, mqtt.url, stop)
        finally:
            session.stop()

    def _print_events(self, session: MqttSession, url: str, stop: threading.Event) -> None:
        was_connected, silent_since = False, None
        while not stop.is_set():
            if silent_since is not None and time.monotonic() - silent_since > _SILENCE_S:
                silent_since = None
                typer.echo(_SILENT[self.language], err=True)
            try:
                event = session.events.get(timeout=0.25)
            except queue.Empty:
                continue
            if isinstance(event, Connected):
                silent_since = None if was_connected else time.monotonic()
                was_connected = True
            elif isinstance(event, Delivery):
                silent_since = None
                session.acknowledge(event)
                typer.echo(self.line(event.topic, event.payload), color=None)
            elif not (was_connected and isinstance(event, ConnectionFailed)):
                _raise_if_unreachable(event, url)

    def line(self, topic: str, payload: bytes) -> str:
        """Return a message as one line: an alert as text, any other as topic and payload."""
        text = payload.decode(errors="replace")
        if self.as_json:
            return printable_json({"topic": topic, "payload": _document(text)})
        try:
            return self._alert_line(decode_alert(payload))
        except PayloadError:
            return printable(f"{topic} {text or '(removed)'}"[:LONGEST_PROSE])

    def _alert_line(self, alert: Alert) -> str:
        moment = alert.cleared_at or alert.raised_at
        clock = datetime.fromtimestamp(moment / 1000, self.zone).strftime("%H:%M:%S")
        priority = _PRIORITIES[self.language][alert.priority]
        state = _STATES[self.language][alert.state]
        alarm = f"{alert.rule} {alert.code or ''}".strip()
        text = alert.text.get(self.language, "")
        words = printable(f"{state} {alert.village} {alert.subject} {alarm}  {text}")
        return f"{clock} {_sign(alert)} {priority} {words}"


def _raise_if_unreachable(event: Event, url: str) -> None:
    if isinstance(event, ConnectionRefused):
        raise UnreachableError(f"the broker at {url} refused the connection: {event.reason}")
    if isinstance(event, ConnectionFailed):
        raise UnreachableError(f"the broker at {url} does not answer: {event.reason}")


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text or None


def _sign(alert: Alert) -> str:
    if alert.state == "cleared":
        return typer.style("✓", fg="green")
    shape, colour = _SHAPES[alert.priority]
    return typer.style(shape, fg=colour)
