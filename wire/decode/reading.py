"""One reading of a telemetry message: its fields, its texts, and the range of each value."""

import re
from math import isfinite
from typing import Any, Final

from wire.decode.fields import MAX_INTEGER, as_float, integer, required, texts
from wire.identifiers import is_identifier, is_name
from wire.messages import MAX_BAD, MAX_FAULTS, Reading
from wire.payload import PayloadError
from wire.points import FAULT_KINDS, POINTS, STATES

_FAULT = re.compile(r"([a-z_]+):[A-Za-z0-9._-]{1,32}")
_LIMITS: Final = {name: (point.low, point.high) for name, point in POINTS.items()}


def read_reading(item: object, dropped_points: dict[str, int]) -> Reading:
    """Return the reading in the JSON value `item`; raises PayloadError.

    A value that is not finite moves its point to `bad`; `dropped_points` counts these by reason.
    """
    if not isinstance(item, dict):
        raise PayloadError("wrong_type", "a reading is not an object")
    reading = Reading(
        device=required(item, "device", str),
        at=integer(item, "at"),
        state=required(item, "state", str),
        faults=texts(item, "faults"),
        bad=texts(item, "bad") if "bad" in item else [],
        values={},
    )
    _add_values(reading, required(item, "values", dict), dropped_points)
    return reading


def _add_values(reading: Reading, values: dict[str, Any], dropped_points: dict[str, int]) -> None:
    for name, value in values.items():
        if type(value) not in (int, float):
            raise PayloadError("wrong_type", f"values.{name}")
        finite = as_float(value)
        if isfinite(finite):
            reading.values[name] = finite
        else:
            _move_to_bad(reading, name, "not_finite", dropped_points)


def fault_of_reading(reading: Reading) -> str | None:
    """Return the code that rejects the whole reading, or None."""
    if not 0 <= reading.at <= MAX_INTEGER:
        return "payload_invalid:out_of_range"
    if not is_identifier(reading.device):
        return "bad_identifier"
    if reading.state not in STATES or not texts_fit(reading):
        return "payload_invalid:out_of_range"
    return None


def texts_fit(reading: Reading) -> bool:
    """Whether the device id, the faults and the names in `bad` are spelled as in the contract.

    A reading holds at most MAX_FAULTS faults and MAX_BAD names in `bad`.
    """
    if not is_identifier(reading.device):
        return False
    if len(reading.faults) > MAX_FAULTS or len(reading.bad) > MAX_BAD:
        return False
    if reading.faults and not all(map(is_fault, reading.faults)):
        return False
    return not reading.bad or all(map(is_name, reading.bad))


def is_fault(text: str) -> bool:
    """Whether `text` is `kind:vendor_code` with a kind of contract §4."""
    match = _FAULT.fullmatch(text)
    return match is not None and match[1] in FAULT_KINDS


def drop_implausible(reading: Reading, dropped_points: dict[str, int]) -> None:
    """Move unknown points, and points outside their plausible range, to `bad`; count by reason."""
    wrong: list[tuple[str, str]] = []
    for name, value in reading.values.items():
        limits = _LIMITS.get(name)
        if limits is None:
            wrong.append((name, "unknown_point"))
        elif not limits[0] <= value <= limits[1]:
            wrong.append((name, "out_of_range"))
    for name, reason in wrong:
        del reading.values[name]
        _move_to_bad(reading, name, reason, dropped_points)


def _move_to_bad(reading: Reading, name: str, reason: str, dropped_points: dict[str, int]) -> None:
    dropped_points[reason] = dropped_points.get(reason, 0) + 1
    if name not in reading.bad and is_name(name) and len(reading.bad) < MAX_BAD:
        reading.bad.append(name)
