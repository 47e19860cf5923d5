"""The small messages: status, watermark, command, result, alert; each good or refused as a whole.

Every field is bounded: what a message holds fits each database, clock and screen behind it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, get_args

from wire.decode.fields import (
    check_version,
    finite,
    identifier,
    integer,
    interval,
    line,
    moment,
    points,
    required,
    token,
)
from wire.identifiers import is_name
from wire.messages import (
    ALERT_STATES,
    MAX_COMMANDED,
    MAX_DEVICES,
    MAX_NUMBER,
    PRIORITIES,
    Ack,
    Alert,
    AnnouncedDevice,
    Command,
    Outcome,
    Result,
    Status,
)
from wire.payload import PayloadError, inflate, parse_document
from wire.texts import LONGEST_PROSE

_HIGHEST_ADDRESS: Final = 255  # Modbus TCP; a serial line ends at 247
_LANGUAGES: Final = ("zh", "en")

_Value = TypeVar("_Value")


def decode_status(payload: bytes) -> Status:
    """Decode a birth or last will; raises PayloadError."""
    document = _document(payload)
    if not required(document, "online", bool):
        return Status(online=False)
    return Status(
        online=True,
        at=moment(document, "at"),
        epoch=token(document, "epoch"),
        software=line(document, "software"),
        interval_s=interval(document),
        devices=_announced_devices(required(document, "devices", list)),
    )


def _announced_devices(items: Sequence[object]) -> list[AnnouncedDevice]:
    if len(items) > MAX_DEVICES:
        raise PayloadError("too_large", f"{len(items)} devices, at most {MAX_DEVICES}")
    devices = {device.device: device for device in map(_announced, items)}
    if len(devices) < len(items):
        raise PayloadError("duplicate_key", "devices")
    return list(devices.values())


def _announced(item: object) -> AnnouncedDevice:
    if not isinstance(item, dict):
        raise PayloadError("wrong_type", "devices")
    return AnnouncedDevice(
        identifier(item, "device"),
        identifier(item, "profile"),
        line(item, "bus"),
        integer(item, "address", _HIGHEST_ADDRESS),
    )


def decode_ack(payload: bytes) -> Ack:
    """Decode a watermark; raises PayloadError."""
    document = _document(payload)
    return Ack(token(document, "epoch"), integer(document, "upto", MAX_NUMBER))


def decode_command(payload: bytes) -> Command:
    """Decode a command; raises PayloadError. The gateway checks the bounds of each value."""
    document = _document(payload)
    return Command(
        id=token(document, "id"),
        device=identifier(document, "device"),
        set=points(document, "set", MAX_COMMANDED),
        expires_at=moment(document, "expires_at"),
        by=line(document, "by"),
    )


def decode_result(payload: bytes) -> Result:
    """Decode the result of a command; raises PayloadError."""
    document = _document(payload)
    return Result(
        id=token(document, "id"),
        status=_among(document, "status", get_args(Outcome)),
        reason=line(document, "reason") if "reason" in document else "",
        at=moment(document, "at"),
        read_back=points(document, "read_back", MAX_COMMANDED) if "read_back" in document else {},
    )


def decode_alert(payload: bytes) -> Alert:
    """Decode an alert of the feed; raises PayloadError."""
    document = _document(payload)
    return Alert(
        id=token(document, "id"),
        rule=_name(document, "rule"),
        subject=identifier(document, "subject"),
        district=identifier(document, "district"),
        town=identifier(document, "town"),
        village=identifier(document, "village"),
        priority=_among(document, "priority", PRIORITIES),
        state=_among(document, "state", ALERT_STATES),
        onset=moment(document, "onset"),
        raised_at=moment(document, "raised_at"),
        text=_languages(required(document, "text", dict)),
        acknowledged_by=_optional(document, "acknowledged_by", line),
        shelved_until=_optional(document, "shelved_until", moment),
        cleared_at=_optional(document, "cleared_at", moment),
        value=_optional(document, "value", finite),
        limit=_optional(document, "limit", finite),
        unit=_optional(document, "unit", line),
        code=_optional(document, "code", line),
        children=integer(document, "children"),
        ticket=_optional(document, "ticket", line),
        cause=_optional(document, "cause", token),
    )


def _languages(document: dict[str, Any]) -> dict[str, str]:
    return {
        language: line(document, language, LONGEST_PROSE)
        for language in _LANGUAGES
        if language in document
    }


def _optional(
    document: dict[str, Any], key: str, read: Callable[[dict[str, Any], str], _Value]
) -> _Value | None:
    return None if document.get(key) is None else read(document, key)


def _among(document: dict[str, Any], key: str, allowed: Sequence[str]) -> Any:
    text = required(document, key, str)
    if text not in allowed:
        raise PayloadError("out_of_range", key)
    return text


def _name(document: dict[str, Any], key: str) -> str:
    text: str = required(document, key, str)
    if not is_name(text):
        raise PayloadError("bad_identifier", key)
    return text


def _document(payload: bytes) -> dict[str, Any]:
    document = parse_document(inflate(payload))
    check_version(required(document, "v", int))
    return document
