"""JSON payloads to messages, strictly; what is wrong gets a named reason (reliability §3).

Telemetry is the one message where good parts beside bad ones are kept: `decode_telemetry` returns
the good readings and a rejection for each bad one. The small messages are read whole or refused
whole.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final, Literal

from wire.identifiers import is_identifier, is_name
from wire.messages import (
    MAX_READINGS,
    VERSION,
    Ack,
    AnnouncedDevice,
    Command,
    Dropped,
    Reading,
    Result,
    Status,
    Telemetry,
)
from wire.payload import (
    PayloadError,
    envelope_of,
    inflate,
    is_envelope,
    parse_document,
    salvage_envelope,
)
from wire.points import FAULT_KINDS, POINTS, STATES

FastDecoder = Callable[[bytes], Telemetry]


class NotGiven(list[str]):
    """What a fast decoder puts where a reading has no `bad`, so that every key of the payload can
    be accounted for."""


_FAULT = re.compile(r"([a-z_]+):[A-Za-z0-9._-]{1,32}")
MAX_INTEGER: Final = 2**63 - 1
"""The largest whole number on the wire."""
_PLACE_KEYS: Final = ("district", "town", "village", "gateway")
_LIMITS: Final = {name: (point.low, point.high) for name, point in POINTS.items()}


@dataclass(slots=True)
class Rejection:
    """One reading that was refused: why, whose, and the reading as it came."""

    code: str
    device: str | None
    reading: object


@dataclass(slots=True)
class Decoded:
    """A telemetry message that could be read: its good readings, and what was refused beside them.

    `claims` holds what the payload itself says of its sender's place; the topic decides, and a
    payload that says otherwise is `identity_mismatch`. `dropped_points` counts points moved to
    `bad` here, by reason.
    """

    telemetry: Telemetry
    rejected: list[Rejection] = field(default_factory=list)
    claims: Mapping[str, object] = field(default_factory=dict)
    dropped_points: dict[str, int] = field(default_factory=dict)


class UnreadableError(ValueError):
    """A telemetry payload refused as a whole.

    `code` is `payload_invalid:<reason>`; `envelope` is `(epoch, seq)` where it could still be read,
    and then the message counts as received.
    """

    def __init__(self, reason: str, detail: str, envelope: tuple[str, int] | None) -> None:
        super().__init__(f"payload_invalid:{reason} {detail}".strip())
        self.code = f"payload_invalid:{reason}"
        self.envelope = envelope


def decode_telemetry(payload: bytes, fast: FastDecoder | None = None) -> Decoded:
    """One telemetry message, gzipped or not; raises UnreadableError.

    `fast` may be a typed decoder into `Telemetry` that leaves out unknown keys and points, fills an
    absent `bad` with `NotGiven()`, and raises ValueError or RecursionError for anything else that
    does not fit, states and values out of their range included. Its answer is used only when it
    provably saw every key of the payload once, otherwise the strict path reads it again.
    """
    try:
        plain = inflate(payload)
        telemetry = _try_fast(plain, fast) if fast is not None else None
        return Decoded(telemetry) if telemetry is not None else _strict(plain)
    except PayloadError as error:
        raise UnreadableError(error.reason, str(error), salvage_envelope(payload)) from error


def _try_fast(plain: bytes, fast: FastDecoder) -> Telemetry | None:
    if b"\\" in plain or b'"dropped"' in plain:
        return None
    try:
        telemetry = fast(plain)
    except (ValueError, RecursionError):
        return None
    fits = _envelope_fits(telemetry) and all(map(_texts_fit, telemetry.readings))
    return telemetry if fits and plain.count(b":") == _colons(telemetry) else None


def _colons(telemetry: Telemetry) -> int:
    """How many colons the payload has if every key was seen once: an extra one is a duplicate or
    unknown key.

    Of the texts that fit, only faults have one.
    """
    count = 6 + (telemetry.clock is not None) + (telemetry.acked > 0)
    for reading in telemetry.readings:
        count += 5 + len(reading.values) + len(reading.faults) + (type(reading.bad) is not NotGiven)
    return count


def _envelope_fits(telemetry: Telemetry) -> bool:
    return (
        telemetry.v == VERSION
        and is_envelope(telemetry.epoch, telemetry.seq)
        and 0 <= telemetry.sent_at <= MAX_INTEGER
        and 0 < telemetry.interval_s <= 86_400
        and 0 < len(telemetry.readings) <= MAX_READINGS
        and 0 <= telemetry.acked < telemetry.seq
    )


def _strict(plain: bytes) -> Decoded:
    document = parse_document(plain)
    version = _required(document, "v", int)
    envelope = envelope_of(document)
    if envelope is None:
        _required(document, "epoch", str)
        _required(document, "seq", int)
        raise PayloadError("out_of_range", "epoch has 1 to 64 plain characters, seq counts from 1")
    if version != VERSION:
        raise PayloadError("unknown_version", f"{version}, this software reads {VERSION}")
    decoded = Decoded(
        _envelope(document, *envelope),
        claims={k: document[k] for k in _PLACE_KEYS if k in document},
    )
    for item in _readings(document, decoded.telemetry.dropped):
        _add_reading(decoded, item)
    return decoded


def _envelope(document: dict[str, Any], epoch: str, seq: int) -> Telemetry:
    interval_s = _number(document, "interval_s")
    if not 0 < interval_s <= 86_400:
        raise PayloadError("out_of_range", "interval_s")
    acked = _integer(document, "acked") if "acked" in document else 0
    if acked >= seq:
        raise PayloadError("out_of_range", "acked")
    return Telemetry(
        v=VERSION,
        epoch=epoch,
        seq=seq,
        sent_at=_integer(document, "sent_at"),
        interval_s=interval_s,
        readings=[],
        dropped=_dropped(document.get("dropped")),
        clock="unsynced" if document.get("clock") == "unsynced" else None,
        acked=acked,
    )


def _readings(document: dict[str, Any], dropped: Dropped | None) -> list[object]:
    readings: list[object] = _required(document, "readings", list)
    if not readings and dropped is None:
        raise PayloadError("empty", "no readings and nothing dropped")
    if readings and dropped is not None:
        raise PayloadError("wrong_type", "readings beside dropped")
    if len(readings) > MAX_READINGS:
        raise PayloadError("too_large", f"{len(readings)} readings, at most {MAX_READINGS}")
    return readings


def _dropped(document: object) -> Dropped | None:
    if document is None:
        return None
    if not isinstance(document, dict):
        raise PayloadError("wrong_type", "dropped")
    dropped = Dropped(
        _integer(document, "from"), _integer(document, "to"), _required(document, "reason", str)
    )
    if not 0 < dropped.first <= dropped.last:
        raise PayloadError("out_of_range", "dropped")
    return dropped


def _add_reading(decoded: Decoded, item: object) -> None:
    try:
        reading = _reading(item, decoded.dropped_points)
    except PayloadError as error:
        device = item.get("device") if isinstance(item, dict) else None
        known = device if isinstance(device, str) else None
        decoded.rejected.append(Rejection(f"payload_invalid:{error.reason}", known, item))
        return
    code = _fault_in(reading)
    if code is not None:
        decoded.rejected.append(Rejection(code, reading.device, reading))
        return
    _drop_implausible(reading, decoded.dropped_points)
    decoded.telemetry.readings.append(reading)


def _reading(item: object, dropped_points: dict[str, int]) -> Reading:
    if not isinstance(item, dict):
        raise PayloadError("wrong_type", "a reading is not an object")
    reading = Reading(
        device=_required(item, "device", str),
        at=_integer(item, "at"),
        state=_required(item, "state", str),
        faults=_texts(item, "faults"),
        bad=_texts(item, "bad") if "bad" in item else [],
        values={},
    )
    for name, value in _required(item, "values", dict).items():
        if type(value) not in (int, float):
            raise PayloadError("wrong_type", f"values.{name}")
        number = _as_float(value)
        if isfinite(number):
            reading.values[name] = number
        else:
            _move_to_bad(reading, name, "not_finite", dropped_points)
    return reading


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _fault_in(reading: Reading) -> str | None:
    if not 0 <= reading.at <= MAX_INTEGER:
        return "payload_invalid:out_of_range"
    if not is_identifier(reading.device):
        return "bad_identifier"
    return (
        None if reading.state in STATES and _texts_fit(reading) else "payload_invalid:out_of_range"
    )


def _texts_fit(reading: Reading) -> bool:
    if not is_identifier(reading.device):
        return False
    if reading.faults and not all(map(is_fault, reading.faults)):
        return False
    return not reading.bad or all(map(is_name, reading.bad))


def is_fault(text: str) -> bool:
    """Whether `text` is `kind:vendor_code` with a kind of contract §4."""
    match = _FAULT.fullmatch(text)
    return match is not None and match[1] in FAULT_KINDS


def _drop_implausible(reading: Reading, dropped_points: dict[str, int]) -> None:
    values = reading.values
    wrong: list[tuple[str, str]] = []
    for name, value in values.items():
        limits = _LIMITS.get(name)
        if limits is None:
            wrong.append((name, "unknown_point"))
        elif not limits[0] <= value <= limits[1]:
            wrong.append((name, "out_of_range"))
    for name, reason in wrong:
        del values[name]
        _move_to_bad(reading, name, reason, dropped_points)


def _move_to_bad(reading: Reading, name: str, reason: str, dropped_points: dict[str, int]) -> None:
    dropped_points[reason] = dropped_points.get(reason, 0) + 1
    if name not in reading.bad and is_name(name):
        reading.bad.append(name)


def _required(document: dict[str, Any], key: str, kind: type) -> Any:
    if key not in document:
        raise PayloadError("missing_field", key)
    value = document[key]
    if type(value) is not kind:
        raise PayloadError("wrong_type", key)
    return value


def _integer(document: dict[str, Any], key: str) -> int:
    value: int = _required(document, key, int) if not _is_not_finite(document, key) else 0
    if not 0 <= value <= MAX_INTEGER:
        raise PayloadError("out_of_range", key)
    return value


def _is_not_finite(document: dict[str, Any], key: str) -> Literal[False]:
    value = document.get(key)
    if isinstance(value, float) and not isfinite(value):
        raise PayloadError("not_finite", key)
    return False


def _number(document: dict[str, Any], key: str) -> float:
    if type(document.get(key)) is int:
        return _as_float(document[key])
    _is_not_finite(document, key)
    value: float = _required(document, key, float)
    return value


def _texts(document: dict[str, Any], key: str) -> list[str]:
    texts: list[str] = _required(document, key, list)
    if not all(isinstance(text, str) and len(text) <= 64 for text in texts):
        raise PayloadError("wrong_type", key)
    return texts


def _small(payload: bytes) -> dict[str, Any]:
    document = parse_document(inflate(payload))
    version = _required(document, "v", int)
    if version != VERSION:
        raise PayloadError("unknown_version", f"{version}, this software reads {VERSION}")
    return document


def decode_status(payload: bytes) -> Status:
    """A birth or last will; raises PayloadError."""
    document = _small(payload)
    if not _required(document, "online", bool):
        return Status(online=False)
    return Status(
        online=True,
        at=_integer(document, "at"),
        epoch=_required(document, "epoch", str),
        software=_required(document, "software", str),
        interval_s=_number(document, "interval_s"),
        devices=[_announced(item) for item in _required(document, "devices", list)],
    )


def _announced(item: object) -> AnnouncedDevice:
    if not isinstance(item, dict):
        raise PayloadError("wrong_type", "devices")
    device = _required(item, "device", str)
    if not is_identifier(device):
        raise PayloadError("bad_identifier", device)
    return AnnouncedDevice(
        device,
        _required(item, "profile", str),
        _required(item, "bus", str),
        _integer(item, "address"),
    )


def decode_ack(payload: bytes) -> Ack:
    """A watermark; raises PayloadError."""
    document = _small(payload)
    return Ack(_required(document, "epoch", str), _integer(document, "upto"))


def decode_command(payload: bytes) -> Command:
    """A command; raises PayloadError. Bounds are checked where the effect happens, on the
    gateway."""
    document = _small(payload)
    wanted = {str(name): value for name, value in _required(document, "set", dict).items()}
    return Command(
        id=_required(document, "id", str),
        device=_required(document, "device", str),
        set={name: _number(wanted, name) for name in wanted},
        expires_at=_integer(document, "expires_at"),
        by=_required(document, "by", str),
    )


def decode_result(payload: bytes) -> Result:
    """A command's result; raises PayloadError."""
    document = _small(payload)
    read_back = _required(document, "read_back", dict) if "read_back" in document else {}
    status = _required(document, "status", str)
    if status not in ("done", "rejected", "failed", "expired"):
        raise PayloadError("out_of_range", "status")
    return Result(
        id=_required(document, "id", str),
        status=status,
        reason=_required(document, "reason", str) if "reason" in document else "",
        at=_integer(document, "at"),
        read_back={name: _number(read_back, name) for name in read_back},
    )
