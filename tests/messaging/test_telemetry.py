"""The typed decoder knows the contract's states, points and limits."""

import math

import pytest

from messaging.telemetry import decode_fitting
from wire.encode import encode_telemetry
from wire.messages import Reading, Telemetry
from wire.points import POINTS


def payload(**values: float) -> bytes:
    reading = Reading("mtg-ql-0042", 1_763_740_010_120, "heating", [], values)
    return encode_telemetry(Telemetry(1, "6f1c9a2e", 1, 1_763_740_012_345, 30, [reading]))


@pytest.mark.parametrize("name", POINTS)
def test_a_point_fits_within_its_limits_and_not_beyond(name: str) -> None:
    point = POINTS[name]
    for good in (point.low, point.high, (point.low + point.high) / 2):
        (reading,) = decode_fitting(payload(**{name: good})).readings
        assert reading.values == {name: good}
        assert type(reading.values[name]) is float
    for bad in (math.nextafter(point.low, -math.inf), math.nextafter(point.high, math.inf)):
        with pytest.raises(ValueError, match="Expected `float`"):
            decode_fitting(payload(**{name: bad}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"heating"', b'"sleeping"'),
        (b"1763740010120", b"-1"),
        (b"1763740010120", str(2**63).encode()),
    ],
)
def test_a_state_or_time_that_cannot_be_does_not_fit(before: bytes, after: bytes) -> None:
    with pytest.raises(ValueError, match=r"Invalid enum value|Expected `int`|out of range"):
        decode_fitting(payload(supply_c=41.5).replace(before, after))


def test_points_nobody_knows_are_left_out() -> None:
    (reading,) = decode_fitting(payload(supply_c=41.5, warp_c=9.0)).readings
    assert reading.values == {"supply_c": 41.5}
