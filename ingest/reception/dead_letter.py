"""A dead letter: one rejected message or reading, and its JSON line in the file (contract §11). Pure."""

import json
from base64 import b64encode
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from wire.encode import reading_document
from wire.messages import Reading

PAYLOAD_BYTES: Final = 4_096  # contract §11 "first 4 kB"


@dataclass(slots=True)
class DeadLetter:
    """One rejected message (`payload` set) or reading (`reading` set); `at` is the server's time in
    UTC ms."""

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
    """A dead letter as its line in the file."""
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
    return (
        json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        + b"\n"
    )


def _document(reading: object) -> Any:
    """A reading as JSON can carry it: infinities and not-a-number, which it cannot, as text."""
    if isinstance(reading, Reading):
        return reading_document(reading)
    if isinstance(reading, dict):
        return {name: _document(value) for name, value in reading.items()}
    if isinstance(reading, list):
        return [_document(value) for value in reading]
    return str(reading) if isinstance(reading, float) and not isfinite(reading) else reading
