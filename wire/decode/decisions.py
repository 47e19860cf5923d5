"""The decisions of the desk on who owns a device; each is good or refused as a whole."""

from typing import Any

from wire.decode.fields import check_version, integer, required
from wire.messages import DeviceAssignment, Retirement
from wire.payload import PayloadError, inflate, parse_document
from wire.topics import gateway_of


def decode_retirement(payload: bytes) -> Retirement:
    """Decode whether a gateway is retired; raises PayloadError."""
    document = _document(payload)
    return Retirement(integer(document, "at"), required(document, "retired", bool))


def decode_assignment(payload: bytes) -> DeviceAssignment:
    """Decode which gateway a device belongs to; raises PayloadError."""
    document = _document(payload)
    at = integer(document, "at")
    if "gateway" in document and document["gateway"] is None:
        return DeviceAssignment(at, None)
    gateway = required(document, "gateway", str)
    if gateway_of(gateway) is None:
        raise PayloadError("bad_identifier", "gateway")
    return DeviceAssignment(at, gateway)


def _document(payload: bytes) -> dict[str, Any]:
    document = parse_document(inflate(payload))
    check_version(required(document, "v", int))
    return document
