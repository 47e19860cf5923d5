"""Which dead letters are good by the rules of today. Pure.

What can change after a rejection: the list of devices (`unknown_device`, `too_early`), who owns a
device (`not_owned`), the store (`store_refused`, `too_old`), this software (`payload_invalid`,
`bad_identifier`). What cannot: a place in the order of messages that is long past (ORDER). A
`clock_ahead` is judged again at the time it was received, because every wrong stamp comes true if
one waits; only somebody who knows that the server's clock was behind may vouch for it.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ingest.reception.admission import Admission
from ingest.reception.dead_letter import PAYLOAD_BYTES, DeadLetter, line
from ingest.reception.validation import fault_of_message
from ingest.store.model import StoredReading
from wire.clocks import check_event_time
from wire.decode import Decoded, UnreadableError, decode_telemetry
from wire.encode import to_json
from wire.messages import VERSION, Reading
from wire.topics import DEFAULT_ROOT, GatewayPath, TopicError, parse_gateway_topic

ORDER: Final = frozenset({"not_increasing", "stale_epoch", "seq_conflict"})

KeptReason = Literal[
    "still_bad",
    "out_of_order",
    "cut_short",
    "not_asked",
    "unreadable_line",
    "occupied",
    "refused_again",
]
"""Why a line stays: its fault is still one; it is one of ORDER; the file holds only the first 4 kB
of its message; its code was not asked for; it is no dead letter; the store has another reading of
that device and time; the store refuses it as before."""


@dataclass(frozen=True, slots=True)
class TodaysRules:
    """What is judged by: the devices, their owners, the server's time (UTC ms), and which codes
    were asked for.

    `codes` None asks for all; `clock_ahead` is forgiven only where it is named.
    """

    admission: Admission
    owners: Mapping[str, GatewayPath | None]
    now: int
    codes: frozenset[str] | None = None
    root: str = DEFAULT_ROOT


@dataclass(slots=True)
class GoodReading:
    """A reading that is good now, and the line that stays in the file if the store will not have
    it."""

    stored: StoredReading
    line: bytes


@dataclass(slots=True)
class Reexamined:
    """What one line comes to: readings for the store, and lines that stay, with the reason."""

    code: str
    candidates: list[GoodReading] = field(default_factory=list)
    kept: list[tuple[KeptReason, bytes]] = field(default_factory=list)


def reexamine(text: bytes, today: TodaysRules) -> Reexamined:
    """Judge one line of a dead-letter file again."""
    letter = _letter(text)
    if letter is None:
        return Reexamined("?", kept=[("unreadable_line", text)])
    if today.codes is not None and letter.code not in today.codes:
        return Reexamined(letter.code, kept=[("not_asked", text)])
    if letter.code in ORDER:
        return Reexamined(letter.code, kept=[("out_of_order", text)])
    if letter.payload is not None and len(letter.payload) >= PAYLOAD_BYTES:
        return Reexamined(letter.code, kept=[("cut_short", text)])
    try:
        kind, place = parse_gateway_topic(letter.topic, today.root)
        decoded = decode_telemetry(_telemetry(letter))
    except (TopicError, UnreadableError):
        return Reexamined(letter.code, kept=[("still_bad", text)])
    if kind != "telemetry" or fault_of_message(place, decoded) is not None:
        return Reexamined(letter.code, kept=[("still_bad", text)])
    return _by_reading(text, letter, place, decoded, today)


def _by_reading(
    text: bytes, letter: DeadLetter, place: GatewayPath, decoded: Decoded, today: TodaysRules
) -> Reexamined:
    finding = Reexamined(letter.code)
    telemetry = decoded.telemetry
    bad = [(one.code, one.device, one.reading) for one in decoded.rejected]
    for reading in telemetry.readings:
        code = _fault(reading, letter, place, today)
        if code is not None:
            bad.append((code, reading.device, reading))
            continue
        stays = _line_of(text, letter, letter.code, reading.device, reading)
        finding.candidates.append(
            GoodReading(StoredReading(place, telemetry.epoch, telemetry.seq, reading), stays)
        )
    if not finding.candidates:
        finding.kept.append(("still_bad", text))
    else:
        finding.kept += [("still_bad", _line_of(text, letter, *one)) for one in bad]
    return finding


def _fault(
    reading: Reading, letter: DeadLetter, place: GatewayPath, today: TodaysRules
) -> str | None:
    admission = today.admission
    if not admission.takes(reading.device):
        return "unknown_device"
    if (today.owners.get(reading.device) or place) != place:
        return "not_owned"
    forgiven = letter.code == "clock_ahead" and today.codes is not None
    return check_event_time(
        reading.at, today.now if forgiven else letter.at, admission.earliest(reading.device)
    )


def _line_of(
    text: bytes, letter: DeadLetter, code: str, device: str | None, reading: object
) -> bytes:
    """The line of one reading: that of a whole message is taken apart."""
    if letter.payload is None:
        return text
    return line(
        DeadLetter(
            letter.at, code, letter.topic, letter.gateway, letter.epoch, letter.seq, device, reading
        )
    )


def _telemetry(letter: DeadLetter) -> bytes:
    """The message of a letter; one around the reading where only that was refused."""
    if letter.payload is not None:
        return letter.payload
    envelope = {
        "v": VERSION,
        "epoch": letter.epoch,
        "seq": letter.seq,
        "sent_at": letter.at,
        "interval_s": 1,
    }
    return to_json({**envelope, "readings": [letter.reading]})


def _letter(text: bytes) -> DeadLetter | None:
    try:
        document: dict[str, Any] = json.loads(text)
        payload = b64decode(document["payload"], validate=True) if "payload" in document else None
        letter = DeadLetter(**{**document, "payload": payload})
    except (ValueError, TypeError, KeyError):
        return None
    good = type(letter.at) is int and isinstance(letter.code, str) and isinstance(letter.topic, str)
    return letter if good else None
