"""JSON payloads to messages, strictly; every mistake has a named reason (reliability §3).

`telemetry` keeps the good readings beside the bad ones. `small` accepts or refuses a status,
watermark, command or result as a whole, `decisions` those of the desk on gateways, and `alert` an
alert of the feed.
"""

from wire.decode.alert import alert_from, decode_alert
from wire.decode.decisions import decode_assignment, decode_retirement
from wire.decode.fields import MAX_INTEGER
from wire.decode.reading import is_fault
from wire.decode.small import (
    decode_ack,
    decode_command,
    decode_result,
    decode_status,
)
from wire.decode.telemetry import (
    Decoded,
    FastDecoder,
    NotGiven,
    Rejection,
    UnreadableError,
    decode_telemetry,
)

__all__ = [
    "MAX_INTEGER",
    "Decoded",
    "FastDecoder",
    "NotGiven",
    "Rejection",
    "UnreadableError",
    "alert_from",
    "decode_ack",
    "decode_alert",
    "decode_assignment",
    "decode_command",
    "decode_result",
    "decode_retirement",
    "decode_status",
    "decode_telemetry",
    "is_fault",
]
