"""Payload bytes to a JSON document; every mistake has a named reason (reliability §3)."""

import json
import zlib
from typing import Any, Final

from wire.messages import MAX_DEPTH, MAX_NUMBER, MAX_PAYLOAD_BYTES
from wire.texts import is_token

GZIP_MAGIC: Final = b"\x1f\x8b"

# Gzip shrinks telemetry 5 to 20 times. A payload that expands more than this is an attack.
_BOMB_RATIO: Final = 200
# A message over the limit is refused; up to this size its envelope is still read.
_ENVELOPE_SEARCH_BYTES: Final = 16 * MAX_PAYLOAD_BYTES


class PayloadError(ValueError):
    """A payload refused as a whole; `reason` is a payload reason of reliability §3."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason

    @property
    def code(self) -> str:
        """The code of the rejection (reliability §3)."""
        named = self.reason == "bad_identifier"
        return self.reason if named else f"payload_invalid:{self.reason}"


def inflate(payload: bytes, limit: int = MAX_PAYLOAD_BYTES) -> bytes:
    """Return the JSON bytes of a payload, gzipped or not.

    Raises PayloadError `empty`, `too_large`, `decompression_bomb` or `truncated_gzip`.
    """
    if not payload:
        raise PayloadError("empty")
    if not payload.startswith(GZIP_MAGIC):
        if len(payload) > limit:
            raise PayloadError("too_large", f"{len(payload)} bytes, at most {limit}")
        return payload
    return _gunzip(payload, limit)


def _gunzip(payload: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(payload, limit + 1)
    except zlib.error as error:
        raise PayloadError("truncated_gzip", str(error)) from error
    if len(plain) > limit:
        consumed = len(payload) - len(stream.unconsumed_tail)
        bomb = len(plain) > _BOMB_RATIO * consumed
        raise PayloadError(
            "decompression_bomb" if bomb else "too_large", f"more than {limit} bytes when expanded"
        )
    if not stream.eof:
        raise PayloadError("truncated_gzip", "the stream ends early")
    if not plain:
        raise PayloadError("empty")
    return plain


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _DuplicateKeyError
    return document


def parse_document(plain: bytes) -> dict[str, Any]:
    """Return the JSON object in `plain`; NaN and infinities stay in it, as floats.

    Raises PayloadError `bad_utf8`, `not_json`, `duplicate_key`, `too_deep` or `wrong_type`.
    """
    try:
        document = json.loads(plain.decode(), object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise PayloadError("bad_utf8", str(error)) from error
    except RecursionError as error:
        raise PayloadError("too_deep") from error
    except _DuplicateKeyError as error:
        raise PayloadError("duplicate_key") from error
    except ValueError as error:  # json.JSONDecodeError, or an integer with too many digits
        raise PayloadError("not_json", str(error)) from error
    if _depth(document) > MAX_DEPTH:
        raise PayloadError("too_deep", f"nested deeper than {MAX_DEPTH}")
    if b"\\u" in plain:
        _refuse_lone_surrogates(document)
    if not isinstance(document, dict):
        raise PayloadError("wrong_type", "the message is not a JSON object")
    return document


def _refuse_lone_surrogates(document: object) -> None:
    """Raise PayloadError for half a character: JSON can escape it, no file can hold it."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise PayloadError("bad_utf8", str(error)) from error


def _depth(document: object) -> int:
    level: list[object] = [document]
    depth = 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            break
        level = [
            child for item in level for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def salvage_envelope(payload: bytes) -> tuple[str, int] | None:
    """Return the `(epoch, seq)` of a refused message, or None if it is unreadable.

    A refused message with a readable envelope counts as received (contract §11 "Poison").
    """
    try:
        document = parse_lenient(inflate(payload, _ENVELOPE_SEARCH_BYTES))
    except PayloadError:
        return None
    return envelope_of(document)


def parse_lenient(plain: bytes) -> object:
    """Parse JSON without the duplicate-key and depth rules; raises PayloadError `not_json`."""
    try:
        return json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise PayloadError("not_json", str(error)) from error


def envelope_of(document: object) -> tuple[str, int] | None:
    """Return `(epoch, seq)`, or None unless `v`, `epoch` and `seq` have the right types."""
    if not isinstance(document, dict) or type(document.get("v")) is not int:
        return None
    epoch, seq = document.get("epoch"), document.get("seq")
    if type(epoch) is not str or type(seq) is not int:
        return None
    return (epoch, seq) if is_envelope(epoch, seq) else None


def is_envelope(epoch: str, seq: int) -> bool:
    """Whether `epoch` has 1 to 64 plain characters and `seq` counts from 1 to MAX_NUMBER."""
    return is_token(epoch) and 0 < seq <= MAX_NUMBER
