"""Telemetry payloads: good parts kept, bad parts named, and the fast path agrees with the strict
one."""

import gzip
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.telemetry import decode_fitting
from wire.decode import Decoded, UnreadableError, decode_telemetry
from wire.encode import compress, encode_telemetry
from wire.messages import MAX_PAYLOAD_BYTES, Dropped, Reading, Telemetry
from wire.payload import PayloadError, parse_document
from wire.points import FAULT_KINDS, POINTS, STATES

GOLDEN = Path(__file__).parent.parent / "golden" / "payloads"


def message(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "v": 1,
        "epoch": "6f1c9a2e",
        "seq": 18233,
        "sent_at": 1763740012345,
        "interval_s": 30,
        "readings": [reading()],
    }
    return document | changes


def reading(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "device": "mtg-ql-0042",
        "at": 1763740010120,
        "state": "heating",
        "faults": ["high_pressure:P1"],
        "bad": ["room_c"],
        "values": {"supply_c": 41.5, "outdoor_c": -7.0, "compressor_hz": 62},
    }
    return {key: value for key, value in (document | changes).items() if value is not ...}


def decode(document: Any) -> Decoded:
    return decode_telemetry(json.dumps(document).encode(), decode_fitting)


def test_a_report_of_a_loss_is_not_refused_over_its_words() -> None:
    dropped = {"from": 1, "to": 2, "reason": "a\0b" + "x" * 500}
    read = decode(message(readings=[], dropped=dropped)).telemetry.dropped
    assert read is not None
    assert (read.first, read.last, len(read.reason), read.reason.isprintable()) == (1, 2, 200, True)


def test_the_contract_example_is_read_whole() -> None:
    decoded = decode_telemetry((GOLDEN / "contract-example.json").read_bytes(), decode_fitting)
    assert decoded.rejected == []
    (only,) = decoded.telemetry.readings
    assert only.values["outdoor_c"] == -7.0
    assert only.faults == ["high_pressure:P1"]


UNREADABLE = {
    "not_json": b"{not json",
    "bad_utf8": b'{"v":1,"epoch":"\xff"}',
    "wrong_type": b"[1,2]",
    "missing_field": json.dumps({"v": 1, "seq": 1}).encode(),
    "unknown_version": json.dumps(message(v=2)).encode(),
    "too_large": json.dumps(message(pad="x" * MAX_PAYLOAD_BYTES)).encode(),
    "too_deep": b'{"v":' + b"[" * 7 + b"]" * 7 + b"}",
    "duplicate_key": b'{"v":1,"v":1}',
    "decompression_bomb": gzip.compress(b" " * 50_000_000),
    "truncated_gzip": gzip.compress(json.dumps(message()).encode())[:-12],
    "empty": b"",
    "out_of_range": json.dumps(message(seq=0)).encode(),
    "not_finite": json.dumps(message(interval_s=float("nan"))).encode(),
}


@pytest.mark.parametrize("reason", UNREADABLE)
def test_a_payload_refused_as_a_whole_names_its_reason(reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode_telemetry(UNREADABLE[reason], decode_fitting)
    assert caught.value.code == f"payload_invalid:{reason}"


@pytest.mark.parametrize("reason", ["unknown_version", "too_large", "not_finite"])
def test_a_refused_message_whose_envelope_can_be_read_counts_as_received(reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode_telemetry(UNREADABLE[reason], decode_fitting)
    assert caught.value.envelope == ("6f1c9a2e", 18233)


@pytest.mark.parametrize("reason", ["not_json", "empty", "truncated_gzip", "decompression_bomb"])
def test_a_refused_message_without_an_envelope_consumes_nothing(reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        decode_telemetry(UNREADABLE[reason], decode_fitting)
    assert caught.value.envelope is None


BAD_READINGS = {
    "payload_invalid:missing_field": reading(state=...),
    "payload_invalid:wrong_type": reading(values={"supply_c": None}),
    "payload_invalid:out_of_range": reading(state="sleeping"),
    "bad_identifier": reading(device="Not An Id"),
}


@pytest.mark.parametrize("code", BAD_READINGS)
def test_a_bad_reading_costs_only_itself(code: str) -> None:
    decoded = decode(message(readings=[reading(), BAD_READINGS[code], reading(at=1763740040120)]))
    assert [r.at for r in decoded.telemetry.readings] == [1763740010120, 1763740040120]
    assert [rejection.code for rejection in decoded.rejected] == [code]


@pytest.mark.parametrize(
    ("values", "kept", "reason"),
    [
        ('{"supply_c":NaN,"return_c":30}', {"return_c": 30.0}, "not_finite"),
        ('{"supply_c":1e999,"return_c":30}', {"return_c": 30.0}, "not_finite"),
        ('{"supply_c":400,"return_c":30}', {"return_c": 30.0}, "out_of_range"),
        ('{"warp_c":40,"return_c":0}', {"return_c": 0.0}, "unknown_point"),
    ],
)
def test_a_bad_point_costs_only_that_point(
    values: str, kept: dict[str, float], reason: str
) -> None:
    text = json.dumps(message(readings=[reading(values={"here": 1})])).replace(
        '{"here": 1}', values
    )
    decoded = decode_telemetry(text.encode(), decode_fitting)
    (only,) = decoded.telemetry.readings
    assert only.values == kept
    assert len(only.bad) == 2
    assert decoded.dropped_points == {reason: 1}


def test_a_duplicate_key_is_seen_although_the_fast_decoder_accepts_it() -> None:
    text = json.dumps(message(), separators=(",", ":")).replace(
        '"seq":18233', '"seq":1,"seq":18233'
    )
    assert decode_fitting(text.encode()).seq == 18233
    with pytest.raises(UnreadableError) as caught:
        decode_telemetry(text.encode(), decode_fitting)
    assert caught.value.code == "payload_invalid:duplicate_key"


def test_a_claim_of_place_in_the_payload_is_handed_on() -> None:
    assert decode(message(gateway="other")).claims == {"gateway": "other"}


def test_half_a_character_is_refused() -> None:
    text = json.dumps(message()).replace("6f1c9a2e", "\\ud800")
    with pytest.raises(UnreadableError) as caught:
        decode_telemetry(text.encode(), decode_fitting)
    assert caught.value.code == "payload_invalid:bad_utf8"


identifiers = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
readings = st.builds(
    Reading,
    device=identifiers,
    at=st.integers(1_600_000_000_000, 1_900_000_000_000),
    state=st.sampled_from(STATES),
    faults=st.lists(
        st.builds(
            "{}:{}".format,
            st.sampled_from(sorted(FAULT_KINDS)),
            st.sampled_from(["P1", "21", "2085.4"]),
        ),
        max_size=3,
        unique=True,
    ),
    values=st.dictionaries(st.sampled_from(sorted(POINTS)), st.floats(-100, 5000), max_size=20),
    bad=st.lists(st.sampled_from(sorted(POINTS)), max_size=3, unique=True),
)
messages = st.builds(
    Telemetry,
    v=st.just(1),
    epoch=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    seq=st.integers(1, 2**40),
    sent_at=st.integers(0, 2**42),
    interval_s=st.floats(1, 3600),
    readings=st.lists(readings, min_size=1, max_size=4),
)


@given(messages)
def test_fast_and_strict_paths_agree(telemetry: Telemetry) -> None:
    payload = encode_telemetry(telemetry)
    assert asdict(decode_telemetry(payload, decode_fitting)) == asdict(decode_telemetry(payload))


@given(messages)
def test_gzip_changes_nothing(telemetry: Telemetry) -> None:
    payload = encode_telemetry(telemetry)
    assert decode_telemetry(compress(payload), decode_fitting) == decode_telemetry(
        payload, decode_fitting
    )


def test_reported_loss_comes_back_as_it_was_sent() -> None:
    sent = Telemetry(1, "6f1c9a2e", 7, 1763740012345, 30.0, [], Dropped(3, 6, "journal_full"))
    assert decode_telemetry(encode_telemetry(sent), decode_fitting).telemetry == sent


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_name(payload: bytes) -> None:
    with suppress(UnreadableError):
        decode_telemetry(payload, decode_fitting)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["v", "epoch", "seq", "sent_at", "interval_s", "readings", "dropped"]),
    json_values,
)
def test_any_json_in_any_field_is_read_or_refused_by_name(field: str, value: Any) -> None:
    with suppress(UnreadableError):
        decode(message(**{field: value}))


@given(st.sampled_from(["device", "at", "state", "faults", "bad", "values"]), json_values)
def test_any_json_in_any_reading_field_costs_at_most_that_reading(field: str, value: Any) -> None:
    document = message(readings=[reading(), reading(**{field: value})])
    try:
        parse_document(json.dumps(document).encode())
    except PayloadError:
        return  # nested too deep, or half a character: that concerns the whole message
    decoded = decode(document)
    assert len(decoded.telemetry.readings) + len(decoded.rejected) == 2
