"""The retained alerts at the broker, as its messages show them, and what corrects them: pure.

A broker may come back with an older set than it had: without what it had not yet written to disk,
or with alerts that have cleared since. A ticket database that was put back from a backup knows
other alerts than the broker retains. So what the broker holds is read, and held against what is
active.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from wire.decode import decode_alert
from wire.payload import PayloadError

QUIET_S: Final = 1.0
"""How long no message came until the broker has sent what it retains; MQTT marks no end."""

AGAIN_S: Final = 10.0
"""When corrections are tried again that the broker has not shown to have taken."""

MOST_AT_ONCE: Final = 2_000
"""Corrections at once: far below what the client holds unanswered (`messaging.session`)."""

REMOVED: Final = b""
"""The payload that makes a broker forget what it retains at a topic."""


class RetainedSet:
    """What one broker retains, by topic; times are monotonic seconds."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self._sent: dict[str, float] = {}
        self._due: float | None = None
        self._readable = True

    def begin(self, moment: float, *, readable: bool = True) -> None:
        """A connection stands: the broker sends what it retains from now on.

        Where it may not be read (`readable`), all that is active is repeated once.
        """
        self._digests.clear()
        self._due = moment + QUIET_S
        self._readable = readable

    def end(self) -> None:
        """The connection is lost; nothing is known."""
        self._due = None

    def sent(self, topic: str, moment: float) -> None:
        """We have published at `topic`: until the broker shows it, nothing is wrong there."""
        self._sent[topic] = moment

    def take(self, topic: str, payload: bytes, moment: float, *, retained: bool) -> None:
        """A message came; `retained` says that it is of the set and not just published."""
        if retained:
            self._due = moment + QUIET_S
        if payload == REMOVED:
            self._digests.pop(topic, None)
        elif retained or _is_kept(payload):
            self._digests[topic] = _digest(payload)

    def is_due(self, moment: float) -> bool:
        """Whether the set is known and has not been held against the active alerts since."""
        return self._due is not None and moment >= self._due

    def corrections(self, active: Mapping[str, bytes], moment: float) -> list[tuple[str, bytes]]:
        """What makes the set equal `active`, as (topic, payload); `REMOVED` for what is not active.

        It is due again while there are any, until the broker shows them.
        """
        self._sent = {topic: at for topic, at in self._sent.items() if moment - at < QUIET_S}
        differences = list(self._differences(active))
        settled = [each for each in differences if each[0] not in self._sent]
        self._due = self._next_due(len(differences) - len(settled), len(settled), moment)
        return settled[:MOST_AT_ONCE] if self._readable else settled

    def _next_due(self, just_sent: int, settled: int, moment: float) -> float | None:
        if not self._readable:
            return None
        if just_sent or settled > MOST_AT_ONCE:
            return moment + QUIET_S
        return moment + AGAIN_S if settled else None

    def _differences(self, active: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        for topic in sorted(self._digests.keys() - active.keys()):
            yield topic, REMOVED
        for topic, payload in active.items():
            if self._digests.get(topic) != _digest(payload):
                yield topic, payload


def _is_kept(payload: bytes) -> bool:
    """Whether the broker keeps an alert that was just published: a cleared one it does not."""
    try:
        return decode_alert(payload).state == "active"
    except PayloadError:
        return False


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=16).digest()
