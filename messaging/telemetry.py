"""Telemetry decoded in one go: what the contract says of states, points and their limits is part of
the types.

For `wire.decode.decode_telemetry`, which reads strictly, part by part, whatever does not fit here.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypedDict

import msgspec

from wire.decode import MAX_INTEGER, FastDecoder, NotGiven
from wire.messages import Reading, Telemetry
from wire.points import POINTS

# Type checkers take a TypedDict only with its keys written out; these come from the table of
# points.
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
"""JSON to a telemetry message whose readings fit the contract but for the spelling of their texts;
else ValueError."""
