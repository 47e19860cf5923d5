"""The small messages: what is sent is read back; what is out of bounds is refused by name."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.decode import (
    decode_ack,
    decode_alert,
    decode_command,
    decode_result,
    decode_status,
)
from wire.encode import encode_ack, encode_alert, encode_command, encode_result, encode_status
from wire.messages import (
    MAX_NUMBER,
    Ack,
    Alert,
    AnnouncedDevice,
    Command,
    Result,
    Status,
)
from wire.payload import PayloadError
from wire.texts import LONGEST_LINE, LONGEST_PROSE, as_line, is_line

identifiers = st.from_regex(r"[a-z0-9][a-z0-9-]{0,47}", fullmatch=True)
tokens = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
names = st.from_regex(r"[a-z0-9][a-z0-9_]{0,47}", fullmatch=True)
times = st.integers(0, 10**14 - 1)
numbers = st.integers(0, MAX_NUMBER)
finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.dictionaries(names, finite, max_size=4)

devices = st.builds(AnnouncedDevice, identifiers, identifiers, st.text(), st.integers(0, 255))
births = st.builds(
    Status,
    online=st.just(True),
    at=times,
    epoch=tokens,
    software=st.text(),
    interval_s=st.floats(0.001, 86_400),
    devices=st.lists(devices, max_size=4, unique_by=lambda device: device.device),
)
results = st.builds(
    Result,
    id=tokens,
    status=st.sampled_from(["done", "rejected", "failed", "expired"]),
    reason=st.text(max_size=300),
    at=times,
    read_back=values,
)
commands = st.builds(
    Command, id=tokens, device=identifiers, set=values, expires_at=times, by=st.text()
)
acks = st.builds(Ack, tokens, numbers)
alerts = st.builds(
    Alert,
    id=tokens,
    rule=names,
    subject=identifiers,
    district=identifiers,
    town=identifiers,
    village=identifiers,
    priority=st.sampled_from(["urgent", "low"]),
    state=st.sampled_from(["active", "cleared"]),
    onset=times,
    raised_at=times,
    text=st.fixed_dictionaries({"zh": st.text(), "en": st.text()}),
    value=st.none() | st.floats(),
    limit=st.none() | st.floats(),
    children=st.integers(0, 1_000),
)


@given(births)
def test_a_birth_is_read_back(birth: Status) -> None:
    read = decode_status(encode_status(birth))
    lines = [replace(device, bus=as_line(device.bus)) for device in birth.devices]
    assert read == replace(birth, software=as_line(birth.software or ""), devices=lines)


@given(acks)
def test_a_watermark_is_read_back(ack: Ack) -> None:
    assert decode_ack(encode_ack(ack)) == ack


@given(commands)
def test_a_command_is_read_back(command: Command) -> None:
    assert decode_command(encode_command(command)) == replace(command, by=as_line(command.by))


@given(results)
def test_a_result_is_read_back(result: Result) -> None:
    assert decode_result(encode_result(result)) == replace(result, reason=as_line(result.reason))


@given(alerts)
def test_an_alert_is_read_back_without_what_json_lacks(alert: Alert) -> None:
    read = decode_alert(encode_alert(alert))
    assert (read.id, read.onset, read.subject) == (alert.id, alert.onset, alert.subject)
    assert read.value is None or read.value == alert.value
    assert all(is_line(text, LONGEST_PROSE) for text in read.text.values())


@given(st.text())
def test_every_text_becomes_a_line_and_a_line_stays(text: str) -> None:
    assert is_line(as_line(text))
    assert as_line(as_line(text)) == as_line(text)


def _document(payload: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(payload)
    return document


BIRTH = _document(
    encode_status(
        Status(True, 1, "e", "s", 30.0, [AnnouncedDevice("d-1", "midea-mthermal", "line", 1)])
    )
)
COMMAND = _document(encode_command(Command("c-1", "d-1", {"setpoint_c": 40.0}, 1, "anna")))
RESULT = _document(encode_result(Result("c-1", "done", "", 1, {"setpoint_c": 40.0})))
ACK = _document(encode_ack(Ack("e", 1)))
ALERT = _document(
    encode_alert(
        Alert("A-1", "fault", "d-1", "d", "t", "v", "high", "active", 1, 1, {"zh": "", "en": ""})
    )
)
DECODERS: dict[str, tuple[Callable[[bytes], object], dict[str, Any]]] = {
    "status": (decode_status, BIRTH),
    "command": (decode_command, COMMAND),
    "result": (decode_result, RESULT),
    "ack": (decode_ack, ACK),
    "alert": (decode_alert, ALERT),
}
LONG = "x" * (LONGEST_LINE + 1)
DEVICE = BIRTH["devices"][0]


@pytest.mark.parametrize(
    ("kind", "changed", "reason"),
    [
        ("status", {"interval_s": 1e300}, "out_of_range"),
        ("status", {"interval_s": 0}, "out_of_range"),
        ("status", {"interval_s": -1}, "out_of_range"),
        ("status", {"at": -1}, "out_of_range"),
        ("status", {"at": 10**14}, "out_of_range"),
        ("status", {"epoch": "a\0b"}, "out_of_range"),
        ("status", {"epoch": ""}, "out_of_range"),
        ("status", {"software": "a\0b"}, "out_of_range"),
        ("status", {"software": LONG}, "out_of_range"),
        ("status", {"devices": [DEVICE, DEVICE]}, "duplicate_key"),
        (
            "status",
            {"devices": [{**DEVICE, "device": f"d-{n}"} for n in range(2_001)]},
            "too_large",
        ),
        ("status", {"devices": [{**DEVICE, "device": "A"}]}, "bad_identifier"),
        ("status", {"devices": [{**DEVICE, "profile": "a\0b"}]}, "bad_identifier"),
        ("status", {"devices": [{**DEVICE, "bus": "a\nb"}]}, "out_of_range"),
        ("status", {"devices": [{**DEVICE, "address": 256}]}, "out_of_range"),
        ("status", {"devices": [7]}, "wrong_type"),
        ("command", {"id": "a b"}, "out_of_range"),
        ("command", {"device": "a\0b"}, "bad_identifier"),
        ("command", {"set": {"a\0b": 1}}, "out_of_range"),
        ("command", {"set": {f"p_{n}": 1 for n in range(33)}}, "out_of_range"),
        ("command", {"set": {"setpoint_c": 10**400}}, "not_finite"),
        ("command", {"by": "a\x1b[2J"}, "out_of_range"),
        ("result", {"reason": LONG}, "out_of_range"),
        ("result", {"read_back": {"setpoint_c": 10**400}}, "not_finite"),
        ("result", {"status": "maybe"}, "out_of_range"),
        ("ack", {"upto": MAX_NUMBER + 1}, "out_of_range"),
        ("ack", {"epoch": "a/b"}, "out_of_range"),
        ("alert", {"rule": "Fault"}, "bad_identifier"),
        ("alert", {"subject": "a\0b"}, "bad_identifier"),
        ("alert", {"priority": "dire"}, "out_of_range"),
        ("alert", {"children": -1}, "out_of_range"),
        ("alert", {"value": "hot"}, "wrong_type"),
        ("alert", {"text": {"zh": 7}}, "wrong_type"),
        ("alert", {"ticket": "a\0b"}, "out_of_range"),
    ],
)
def test_a_field_out_of_bounds_is_refused(kind: str, changed: dict[str, Any], reason: str) -> None:
    decode, document = DECODERS[kind]
    decode(json.dumps(document).encode())
    with pytest.raises(PayloadError) as caught:
        decode(json.dumps({**document, **changed}).encode())
    assert caught.value.reason == reason


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(DECODERS)), st.data())
def test_any_content_is_read_or_refused_by_name(kind: str, data: st.DataObject) -> None:
    decode, document = DECODERS[kind]
    key = data.draw(st.sampled_from(sorted(document)))
    payload = json.dumps({**document, key: data.draw(anything)}).encode()
    with suppress(PayloadError):
        decode(payload)
