"""Fast decoding of telemetry: states, points and their limits are part of the types.

`wire.decode.decode_telemetry` uses it, and reads strictly each message that does not fit here.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypedDict

import msgspec

from wire.decode import MAX_INTEGER, FastDecoder, NotGiven
from wire.messages import Reading, Telemetry
from wire.points import POINTS

# Type checkers want the keys of a TypedDict written out; these come from the table of points.
_typed_dict: Any = TypedDict
_Values: Any = _typed_dict(
    "_Values",
    {
        point.name: Annotated[float, msgspec.Meta(ge=point.low, le=point.high)]
        for point in POINTS.values()
    },
    total=False,
)


@dataclass(slots=True)
class _TypedReading(Reading):
    at: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
    values: _Values
    bad: list[str] = field(default_factory=NotGiven)


@dataclass(slots=True)
class _TypedTelemetry(Telemetry):
    readings: list[_TypedReading]  # type: ignore[assignment]  # decoded only, never written to


decode_fitting: Final[FastDecoder] = msgspec.json.Decoder(_TypedTelemetry).decode
"""JSON to a telemetry message that fits the contract, except for the spelling of texts; raises
ValueError for any other."""
