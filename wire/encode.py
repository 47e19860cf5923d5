"""Messages to JSON bytes (contract §3).

Texts that people read are made to fit: what is sent here, `wire.decode` takes.
"""

import gzip
import json
from math import isfinite
from typing import Any

from wire.messages import (
    VERSION,
    Ack,
    Alert,
    Command,
    DeviceAssignment,
    Reading,
    Result,
    Retirement,
    Status,
    Telemetry,
)
from wire.texts import LONGEST_PROSE, as_line


def to_json(document: dict[str, Any]) -> bytes:
    """Return compact UTF-8 JSON; raises ValueError for NaN and infinities, which JSON lacks."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def compress(payload: bytes) -> bytes:
    """Return the payload gzipped, without a time stamp: equal payloads give equal bytes."""
    return gzip.compress(payload, mtime=0)


def reading_document(reading: Reading) -> dict[str, Any]:
    """Return a reading as its JSON object in telemetry messages and in the journal."""
    return {
        "device": reading.device,
        "at": reading.at,
        "state": reading.state,
        "faults": reading.faults,
        "bad": reading.bad,
        "values": reading.values,
    }


def encode_telemetry(telemetry: Telemetry) -> bytes:
    """Encode a telemetry message; `dropped`, `clock` and `acked` appear only when set."""
    document: dict[str, Any] = {
        "v": telemetry.v,
        "epoch": telemetry.epoch,
        "seq": telemetry.seq,
        "sent_at": telemetry.sent_at,
        "interval_s": telemetry.interval_s,
        "readings": [reading_document(reading) for reading in telemetry.readings],
    }
    if telemetry.dropped is not None:
        dropped = telemetry.dropped
        document["dropped"] = {"from": dropped.first, "to": dropped.last}
        document["dropped"]["reason"] = as_line(dropped.reason)
    if telemetry.clock is not None:
        document["clock"] = telemetry.clock
    if telemetry.acked > 0:
        document["acked"] = telemetry.acked
    return to_json(document)


def encode_status(status: Status) -> bytes:
    """Encode a birth with all its fields, or the bare last will."""
    if not status.online:
        return to_json({"v": VERSION, "online": False})
    return to_json(
        {
            "v": VERSION,
            "online": True,
            "at": status.at,
            "epoch": status.epoch,
            "software": as_line(status.software or ""),
            "interval_s": status.interval_s,
            "devices": [
                {
                    "device": d.device,
                    "profile": d.profile,
                    "bus": as_line(d.bus),
                    "address": d.address,
                }
                for d in status.devices
            ],
        }
    )


def encode_ack(ack: Ack) -> bytes:
    """Encode a watermark."""
    return to_json({"v": VERSION, "epoch": ack.epoch, "upto": ack.upto})


def encode_command(command: Command) -> bytes:
    """Encode a command. Never publish it retained."""
    return to_json(
        {
            "v": VERSION,
            "id": command.id,
            "device": command.device,
            "set": command.set,
            "expires_at": command.expires_at,
            "by": as_line(command.by),
        }
    )


def encode_result(result: Result) -> bytes:
    """Encode the result of a command."""
    return to_json(
        {
            "v": VERSION,
            "id": result.id,
            "status": result.status,
            "reason": as_line(result.reason),
            "read_back": result.read_back,
            "at": result.at,
        }
        | ({"by": as_line(result.by)} if result.by else {})
    )


def alert_document(alert: Alert) -> dict[str, Any]:
    """Return an alert as the JSON object of the feed and the HTTP API, keys in contract order.

    `out_of_service_until` appears only when set. JSON has no NaN and no infinity: such a value is
    left out.
    """
    document: dict[str, Any] = {
        "v": VERSION,
        "id": alert.id,
        "rule": alert.rule,
        "subject": alert.subject,
        "district": alert.district,
        "town": alert.town,
        "village": alert.village,
        "priority": alert.priority,
        "state": alert.state,
        "acknowledged_by": alert.acknowledged_by,
        "shelved_until": alert.shelved_until,
        "onset": alert.onset,
        "raised_at": alert.raised_at,
        "cleared_at": alert.cleared_at,
        "value": _finite(alert.value),
        "limit": _finite(alert.limit),
        "unit": alert.unit,
        "code": alert.code,
        "children": alert.children,
        "ticket": alert.ticket,
        "cause": alert.cause,
        "text": {name: as_line(text, LONGEST_PROSE) for name, text in alert.text.items()},
    }
    if alert.out_of_service_until is not None:
        document["out_of_service_until"] = alert.out_of_service_until
    return document


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def encode_alert(alert: Alert) -> bytes:
    """Encode an alert for the feed."""
    return to_json(alert_document(alert))


def encode_retirement(retirement: Retirement) -> bytes:
    """Encode that a gateway is retired, or no longer is."""
    return to_json({"v": VERSION, "at": retirement.at, "retired": retirement.retired})


def encode_assignment(assignment: DeviceAssignment) -> bytes:
    """Encode which gateway a device belongs to."""
    return to_json({"v": VERSION, "at": assignment.at, "gateway": assignment.gateway})
