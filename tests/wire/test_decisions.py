"""The decisions of the desk on the bus, and their topics."""

import pytest

from wire.decode import decode_assignment, decode_retirement
from wire.encode import encode_assignment, encode_retirement
from wire.messages import DeviceAssignment, Retirement
from wire.payload import PayloadError
from wire.topics import assigned_device, assigned_topic, gateway_of


@pytest.mark.parametrize("retired", [True, False])
def test_a_retirement_comes_back_as_it_was(retired: bool) -> None:
    decision = Retirement(5, retired)
    assert decode_retirement(encode_retirement(decision)) == decision


@pytest.mark.parametrize("gateway", ["d/t/v/g-1", None])
def test_an_assignment_comes_back_as_it_was(gateway: str | None) -> None:
    decision = DeviceAssignment(5, gateway)
    assert decode_assignment(encode_assignment(decision)) == decision


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b'{"v":2,"at":1,"gateway":null}', "unknown_version"),
        (b'{"v":1,"at":1}', "missing_field"),
        (b'{"v":1,"at":1,"gateway":7}', "wrong_type"),
        (b'{"v":1,"at":-1,"gateway":null}', "out_of_range"),
        (b'{"v":1,"at":1,"gateway":"g-1"}', "bad_identifier"),
        (b'{"v":1,"at":1,"gateway":"d/t/v/G 1"}', "bad_identifier"),
    ],
)
def test_an_assignment_that_says_nothing_clear_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as refused:
        decode_assignment(payload)
    assert refused.value.reason == reason


def test_topics_name_the_device_and_paths_the_gateway() -> None:
    assert assigned_device(assigned_topic("d", "unit-1")) == "unit-1"
    for topic in ("hw/v1/assigned/d", "hw/v1/assigned/d/Unit", "hw/v1/status/d/unit-1", "x"):
        assert assigned_device(topic) is None
    path = gateway_of("d/t/v/g")
    assert path is not None
    assert str(path) == "d/t/v/g"
    assert gateway_of("t/v/g") is None
