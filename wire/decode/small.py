"""The small messages: status, watermark, command, result; each good or refused as a whole.

Every field is bounded: what a message holds fits each database, clock and screen behind it.
"""

from collections.abc import Sequence
from typing import Any, Final, get_args

from wire.decode.fields import (
    among,
    check_version,
    identifier,
    integer,
    interval,
    line,
    moment,
    points,
    required,
    token,
)
from wire.messages import (
    MAX_COMMANDED,
    MAX_DEVICES,
    MAX_NUMBER,
    Ack,
    AnnouncedDevice,
    Command,
    Outcome,
    Result,
    Status,
)
from wire.payload import PayloadError, inflate, parse_document

_HIGHEST_ADDRESS: Final = 255  # Modbus TCP; a serial line ends at 247


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
        status=among(document, "status", get_args(Outcome)),
        reason=line(document, "reason") if "reason" in document else "",
        at=moment(document, "at"),
        read_back=points(document, "read_back", MAX_COMMANDED) if "read_back" in document else {},
        by=line(document, "by") if "by" in document else "",
    )


def _document(payload: bytes) -> dict[str, Any]:
    document = parse_document(inflate(payload))
    check_version(required(document, "v", int))
    return document
