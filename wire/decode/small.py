"""The small messages: status, watermark, command and result; each is good or refused as a whole."""

from typing import Any

from wire.decode.fields import check_version, integer, number, required
from wire.identifiers import is_identifier
from wire.messages import Ack, AnnouncedDevice, Command, Result, Status
from wire.payload import PayloadError, inflate, parse_document


def decode_status(payload: bytes) -> Status:
    """Decode a birth or last will; raises PayloadError."""
    document = _document(payload)
    if not required(document, "online", bool):
        return Status(online=False)
    return Status(
        online=True,
        at=integer(document, "at"),
        epoch=required(document, "epoch", str),
        software=required(document, "software", str),
        interval_s=number(document, "interval_s"),
        devices=[_announced(item) for item in required(document, "devices", list)],
    )


def _announced(item: object) -> AnnouncedDevice:
    if not isinstance(item, dict):
        raise PayloadError("wrong_type", "devices")
    device = required(item, "device", str)
    if not is_identifier(device):
        raise PayloadError("bad_identifier", device)
    return AnnouncedDevice(
        device,
        required(item, "profile", str),
        required(item, "bus", str),
        integer(item, "address"),
    )


def decode_ack(payload: bytes) -> Ack:
    """Decode a watermark; raises PayloadError."""
    document = _document(payload)
    return Ack(required(document, "epoch", str), integer(document, "upto"))


def decode_command(payload: bytes) -> Command:
    """Decode a command; raises PayloadError. The gateway checks the bounds of each value."""
    document = _document(payload)
    wanted = {str(name): value for name, value in required(document, "set", dict).items()}
    return Command(
        id=required(document, "id", str),
        device=required(document, "device", str),
        set={name: number(wanted, name) for name in wanted},
        expires_at=integer(document, "expires_at"),
        by=required(document, "by", str),
    )


def decode_result(payload: bytes) -> Result:
    """Decode the result of a command; raises PayloadError."""
    document = _document(payload)
    read_back = required(document, "read_back", dict) if "read_back" in document else {}
    status = required(document, "status", str)
    if status not in ("done", "rejected", "failed", "expired"):
        raise PayloadError("out_of_range", "status")
    return Result(
        id=required(document, "id", str),
        status=status,
        reason=required(document, "reason", str) if "reason" in document else "",
        at=integer(document, "at"),
        read_back={name: number(read_back, name) for name in read_back},
    )


def _document(payload: bytes) -> dict[str, Any]:
    document = parse_document(inflate(payload))
    check_version(required(document, "v", int))
    return document
