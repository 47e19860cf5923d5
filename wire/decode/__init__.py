"""JSON payloads to messages, strictly; every mistake has a named reason (reliability §3).

`telemetry` keeps the good readings beside the bad ones. `small` accepts or refuses a status,
watermark, command, result or alert as a whole.
"""

from wire.decode.fields import MAX_INTEGER
from wire.decode.reading import is_fault
from wire.decode.small import (
    decode_ack,
    decode_alert,
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
    "decode_ack",
    "decode_alert",
    "decode_command",
    "decode_result",
    "decode_status",
    "decode_telemetry",
    "is_fault",
]
