"""Check of the broker for `server check`: reach it, log in, and try every right that a part needs.

Speaks MQTT 5 where the broker does, for its answers name a refused message; in MQTT 3.1.1 a broker
takes a message and throws it away. A broker may also grant a subscription and send nothing of it:
what is written where it can be read must come back. The trial has a session of its own, so that no
running part loses its connection.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import uuid4

from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from configuration.check import Check
from messaging.identity import prove_identity
from messaging.reasons import unreachable_reason
from messaging.settings import MqttSettings

_ANSWER_S: Final = 5.0
_DAY_S: Final = 86_400
_EXPIRES_SOON_DAYS: Final = 30
_VERSIONS: Final = (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)
_WRONG_VERSION: Final = "Unsupported protocol version"


def try_broker(
    settings: MqttSettings, reads: Sequence[str], writes: Sequence[str]
) -> Iterator[Check]:
    """Yield one check after the other, up to the first that fails.

    `reads` are the topic filters that the account must be able to read, `writes` topics that it
    must be able to write: an empty message there must harm nobody.
    """
    try:
        if settings.tls:
            yield _certificate(settings)
        trial = _Trial(settings)
    except OSError as error:
        reason = unreachable_reason(error, settings.host, settings.port)
        yield Check("broker", False, reason)
        return
    with trial:
        yield Check("broker", trial.refusal is None, trial.refusal or trial.greeting)
        if trial.refusal is None:
            yield trial.may_read(reads)
            yield trial.may_write(writes)
            yield trial.come_back(
                [topic for topic in writes if any(topic_matches_sub(read, topic) for read in reads)]
            )


def _certificate(settings: MqttSettings) -> Check:
    """Whether the broker's certificate is good for a month; OSError where it is not valid."""
    context = ssl.create_default_context(cafile=settings.ca)
    if settings.cert is not None:
        context.load_cert_chain(settings.cert, settings.key)
    address = (settings.host, settings.port)
    with (
        socket.create_connection(address, _ANSWER_S) as plain,
        context.wrap_socket(plain, server_hostname=settings.host) as secured,
    ):
        ends = str((secured.getpeercert() or {}).get("notAfter"))
    days = int((ssl.cert_time_to_seconds(ends) - time.time()) // _DAY_S)
    advice = "" if days > _EXPIRES_SOON_DAYS else "; renew it now"
    return Check("broker certificate", not advice, f"valid for {days} more days{advice}")


class _Trial:
    """One connection to the broker; `refusal` says why it did not come about."""

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._answers: dict[int, list[Any]] = {}
        self._returned: set[str] = set()
        self._changed = threading.Condition()
        self.refusal: str | None = None
        for version in _VERSIONS:
            self._client, self._version = self._connect(version), version
            if self.refusal is None or _WRONG_VERSION not in self.refusal:
                break
            self._client.loop_stop()

    @property
    def greeting(self) -> str:
        name = "5" if self._version == MQTTProtocolVersion.MQTTv5 else "3.1.1"
        who = self._settings.username or "anybody"
        return f"{self._settings.url} lets {who} in, MQTT {name}"

    def __enter__(self) -> "_Trial":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def may_read(self, topics: Sequence[str]) -> Check:
        """Whether the broker grants every subscription."""
        codes = self._ask(lambda: self._client.subscribe([(topic, 0) for topic in topics])[1])
        refused = [
            topic
            for topic, code in zip(topics, codes or [None] * len(topics), strict=False)
            if code is None or code.is_failure
        ]
        text = f"{len(topics)} subscriptions granted"
        return Check("broker: reads", not refused, _remedy("read", refused) if refused else text)

    def may_write(self, topics: Sequence[str]) -> Check:
        """Whether the broker takes a message at every topic."""
        refused = [topic for topic in topics if not self._takes(topic)]
        text = f"messages at {len(topics)} topics taken"
        return Check("broker: writes", not refused, _remedy("write", refused) if refused else text)

    def come_back(self, topics: Sequence[str]) -> Check:
        """Whether what was written arrives where it can be read."""
        with self._changed:
            self._changed.wait_for(lambda: self._returned.issuperset(topics), _ANSWER_S)
            lost = [topic for topic in topics if topic not in self._returned]
        text = f"messages at {len(topics)} topics came back"
        return Check(
            "broker: both", not lost, _remedy("both read and write", lost) if lost else text
        )

    def _takes(self, topic: str) -> bool:
        codes = self._ask(lambda: self._client.publish(topic, b"", qos=1).mid)
        return codes is not None and not any(code.is_failure for code in codes)

    def _ask(self, send: Any) -> list[Any] | None:
        """The reason codes of the broker's answer; None if none came in time."""
        with self._changed:
            mid = send()
            self._changed.wait_for(lambda: mid in self._answers, _ANSWER_S)
            return self._answers.get(mid)

    def _connect(self, version: MQTTProtocolVersion) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hearthwatch-check-{uuid4().hex[:8]}",
            protocol=version,
        )
        prove_identity(client, settings)
        self._listen(client)
        client.connect(settings.host, settings.port, keepalive=settings.keepalive_s)
        with self._changed:
            self.refusal = "no answer"
            client.loop_start()
            self._changed.wait_for(lambda: self.refusal != "no answer", _ANSWER_S)
        return client

    def _listen(self, client: Client) -> None:
        def connected(_: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
            self._note_connection(f"refuses the login: {code}" if code.is_failure else None)

        def ended(_: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
            with self._changed:
                if self.refusal == "no answer":
                    self.refusal = f"ends the connection: {code}; {_WRONG_VERSION}?"
                self._changed.notify_all()

        def answered(_: Any, __: Any, mid: int, codes: Any, ___: Any) -> None:
            with self._changed:
                self._answers[mid] = codes if isinstance(codes, list) else [codes]
                self._changed.notify_all()

        def received(_: Any, __: Any, message: MQTTMessage) -> None:
            with self._changed:
                self._returned.add(message.topic)
                self._changed.notify_all()

        client.on_connect = connected
        client.on_message = received
        client.on_disconnect = ended
        client.on_subscribe = client.on_publish = answered

    def _note_connection(self, refusal: str | None) -> None:
        with self._changed:
            self.refusal = refusal
            self._changed.notify_all()


def _remedy(verb: str, topics: Sequence[str]) -> str:
    named = ", ".join(topics)
    where = "the broker's ACL, as docs/operator-guide.md says"
    return f"the account may not {verb} {named}; allow it in {where}"
