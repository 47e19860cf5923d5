"""A dead letter: a rejected message or reading, and its line in the file (contract §11). Pure."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from wire.encode import reading_document
from wire.messages import Reading

PAYLOAD_BYTES: Final = 4_096  # contract §11 "first 4 kB"


@dataclass(slots=True)
class DeadLetter:
    """A rejected message (with `payload`) or reading (with `reading`).

    `at` is server time (UTC ms), `code` the reason for the rejection (reliability §3).
    """

    at: int
    code: str
    topic: str
    gateway: str | None = None
    epoch: str | None = None
    seq: int | None = None
    device: str | None = None
    reading: object = None
    payload: bytes | None = None


def line(letter: DeadLetter) -> bytes:
    """Return the line of `letter` in the file: JSON and a newline."""
    document = {
        "at": letter.at,
        "code": letter.code,
        "topic": letter.topic,
        "gateway": letter.gateway,
        "epoch": letter.epoch,
        "seq": letter.seq,
        "device": letter.device,
        "reading": _document(letter.reading),
    }
    if letter.payload is not None:
        document["payload"] = b64encode(letter.payload[:PAYLOAD_BYTES]).decode()
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def letter_of(text: bytes) -> DeadLetter | None:
    """Return the dead letter of a line of the file, or None if the line holds none."""
    try:
        document: dict[str, Any] = json.loads(text)
        payload = b64decode(document["payload"], validate=True) if "payload" in document else None
        letter = DeadLetter(**{**document, "payload": payload})
    except (ValueError, TypeError, KeyError):
        return None
    good = type(letter.at) is int and isinstance(letter.code, str) and isinstance(letter.topic, str)
    return letter if good else None


def _document(reading: object) -> Any:
    """Return a reading as JSON can hold it: NaN and infinities become text."""
    if isinstance(reading, Reading):
        return reading_document(reading)
    if isinstance(reading, dict):
        return {name: _document(value) for name, value in reading.items()}
    if isinstance(reading, list):
        return [_document(value) for value in reading]
    return str(reading) if isinstance(reading, float) and not isfinite(reading) else reading
