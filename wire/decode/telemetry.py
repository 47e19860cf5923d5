"""Telemetry payloads: the good readings, and a rejection for each bad one (reliability §3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wire.decode.fields import MAX_INTEGER, check_version, integer, interval, required
from wire.decode.reading import drop_implausible, fault_of_reading, read_reading, texts_fit
from wire.messages import INTERVAL_S, MAX_NUMBER, MAX_READINGS, VERSION, Dropped, Telemetry
from wire.payload import (
    PayloadError,
    envelope_of,
    inflate,
    is_envelope,
    parse_document,
    salvage_envelope,
)
from wire.texts import as_line

FastDecoder = Callable[[bytes], Telemetry]


class NotGiven(list[str]):
    """The `bad` of a reading without that key, from a fast decoder: no key goes uncounted."""


_PATH_KEYS: Final = ("district", "town", "village", "gateway")
_USUAL_KEYS: Final = 6  # of a message without `clock`, `acked` and `dropped`
_READING_KEYS: Final = 5  # of a reading without `bad`


@dataclass(slots=True)
class Rejection:
    """One refused reading: the code, the device where known, and the reading as received."""

    code: str
    device: str | None
    reading: object


@dataclass(slots=True)
class Decoded:
    """A readable telemetry message: its good readings, and the rejected ones.

    `claims` holds the levels of the gateway path that the payload names. The topic decides; a
    payload with other levels is an `identity_mismatch`. `dropped_points` counts the points moved
    to `bad` by the decoder, by reason.
    """

    telemetry: Telemetry
    rejected: list[Rejection] = field(default_factory=list)
    claims: Mapping[str, object] = field(default_factory=dict)
    dropped_points: dict[str, int] = field(default_factory=dict)


class UnreadableError(ValueError):
    """A telemetry payload refused as a whole.

    `code` is `payload_invalid:<reason>`. `envelope` is `(epoch, seq)` or None; a message with a
    readable envelope counts as received.
    """

    def __init__(self, reason: str, detail: str, envelope: tuple[str, int] | None) -> None:
        super().__init__(f"payload_invalid:{reason} {detail}".strip())
        self.code = f"payload_invalid:{reason}"
        self.envelope = envelope


def decode_telemetry(payload: bytes, fast: FastDecoder | None = None) -> Decoded:
    """Decode one telemetry message, gzipped or not; raises UnreadableError.

    `fast` is an optional typed decoder into `Telemetry`. It leaves out unknown keys and points,
    fills an absent `bad` with `NotGiven()`, and raises ValueError or RecursionError for every
    other mistake, including unknown states and values out of range. Its answer counts only if it
    saw each key of the payload exactly once; otherwise the strict decoder reads the payload again.
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
    fits = _envelope_fits(telemetry) and all(map(texts_fit, telemetry.readings))
    return telemetry if fits and plain.count(b":") == _colons(telemetry) else None


def _colons(telemetry: Telemetry) -> int:
    """Return the number of colons in a payload that holds each key of `telemetry` once.

    One colon more means a duplicate or unknown key. Among valid texts only faults hold a colon.
    """
    count = _USUAL_KEYS
    if telemetry.clock is not None:
        count += 1
    if telemetry.acked > 0:
        count += 1
    for reading in telemetry.readings:
        count += _READING_KEYS + len(reading.values) + len(reading.faults)
        if type(reading.bad) is not NotGiven:
            count += 1
    return count


def _envelope_fits(telemetry: Telemetry) -> bool:
    return (
        telemetry.v == VERSION
        and is_envelope(telemetry.epoch, telemetry.seq)
        and 0 <= telemetry.sent_at <= MAX_INTEGER
        and INTERVAL_S[0] <= telemetry.interval_s <= INTERVAL_S[1]
        and 0 < len(telemetry.readings) <= MAX_READINGS
        and 0 <= telemetry.acked < telemetry.seq
    )


def _strict(plain: bytes) -> Decoded:
    document = parse_document(plain)
    version = required(document, "v", int)
    envelope = envelope_of(document)
    if envelope is None:
        required(document, "epoch", str)
        required(document, "seq", int)
        raise PayloadError("out_of_range", "epoch has 1 to 64 plain characters, seq counts from 1")
    check_version(version)
    decoded = Decoded(
        _envelope(document, *envelope),
        claims={k: document[k] for k in _PATH_KEYS if k in document},
    )
    for item in _readings(document, decoded.telemetry.dropped):
        _add_reading(decoded, item)
    return decoded


def _envelope(document: dict[str, Any], epoch: str, seq: int) -> Telemetry:
    acked = integer(document, "acked") if "acked" in document else 0
    if acked >= seq:
        raise PayloadError("out_of_range", "acked")
    return Telemetry(
        v=VERSION,
        epoch=epoch,
        seq=seq,
        sent_at=integer(document, "sent_at"),
        interval_s=interval(document),
        readings=[],
        dropped=_dropped(document.get("dropped")),
        clock="unsynced" if document.get("clock") == "unsynced" else None,
        acked=acked,
    )


def _readings(document: dict[str, Any], dropped: Dropped | None) -> list[object]:
    readings: list[object] = required(document, "readings", list)
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
        integer(document, "from", MAX_NUMBER),
        integer(document, "to", MAX_NUMBER),
        # A report of a loss is never refused over its words: its numbers would be missing for good.
        as_line(required(document, "reason", str)),
    )
    if not 0 < dropped.first <= dropped.last:
        raise PayloadError("out_of_range", "dropped")
    return dropped


def _add_reading(decoded: Decoded, item: object) -> None:
    try:
        reading = read_reading(item, decoded.dropped_points)
    except PayloadError as error:
        device = item.get("device") if isinstance(item, dict) else None
        known = device if isinstance(device, str) else None
        decoded.rejected.append(Rejection(f"payload_invalid:{error.reason}", known, item))
        return
    code = fault_of_reading(reading)
    if code is not None:
        decoded.rejected.append(Rejection(code, reading.device, reading))
        return
    drop_implausible(reading, decoded.dropped_points)
    decoded.telemetry.readings.append(reading)
