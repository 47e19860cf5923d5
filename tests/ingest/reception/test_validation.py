"""Judgements that need no broker; every code through the running service is in test_service.py."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reception.device_registry import DeviceRegistry, NewestReading
from ingest.reception.gateway_numbers import Standing
from ingest.reception.validation import Validator, out_of_order
from ingest.releases import admit_late
from messaging.telemetry import decode_fitting
from tests.ingest.harness import PLACE, reading, telemetry
from wire.decode import UnreadableError, decode_telemetry
from wire.encode import encode_retirement, encode_status
from wire.messages import AnnouncedDevice, Dropped, Reading, Retirement, Status
from wire.points import POINT_NAMES, STATES
from wire.topics import GatewayPath, gateway_topic

NOW = 1_763_740_012_345
TOPIC = gateway_topic("telemetry", PLACE)
STATUS = gateway_topic("status", PLACE)


def codes(
    validator: Validator, payload: bytes, topic: str = TOPIC, *, again: bool = False
) -> list[str]:
    verdict = validator.validate(topic, payload, NOW, again=again)
    return [letter.code for letter in verdict.letters] + sorted(verdict.counts)


def birth(epoch: str, *devices: str) -> bytes:
    return encode_status(
        Status(True, NOW, epoch, "0.1", 30, [AnnouncedDevice(d, "phnix", "b", 1) for d in devices])
    )


MARK = NewestReading("e1", 10, 1_000)


@pytest.mark.parametrize(
    ("epoch", "seq", "at", "standing", "code"),
    [
        ("e1", 11, 1_001, "current", None),
        ("e1", 11, 1_000, "current", "not_increasing"),
        ("e1", 11, 999, "current", "not_increasing"),
        ("e1", 9, 999, "current", None),
        ("e1", 9, 1_000, "current", "not_increasing"),
        ("e1", 9, 1_001, "current", "not_increasing"),
        ("e1", 10, 1_001, "current", None),
        ("e1", 10, 1_000, "current", "not_increasing"),
        ("e2", 1, 1_001, "current", None),
        ("e2", 1, 999, "current", "not_increasing"),
        ("e2", 1, 1_001, "unseen", None),
        ("e2", 1, 999, "unseen", None),
        ("e2", 1, 1_000, "unseen", "not_increasing"),
        ("e0", 99, 999, "stale", None),
        ("e0", 99, 1_000, "stale", "not_increasing"),
        ("e0", 99, 1_001, "stale", "stale_epoch"),
    ],
)
def test_time_follows_the_order_of_the_messages(
    epoch: str, seq: int, at: int, standing: Standing, code: str | None
) -> None:
    assert out_of_order(MARK, epoch, seq, at, standing) == code
    assert out_of_order(None, epoch, seq, at, standing) is None


@given(st.permutations(range(1, 12)), st.lists(st.integers(0, 10), max_size=10))
def test_any_order_and_any_repetition_of_the_same_messages_stores_each_reading_once(
    order: list[int], repeated: list[int]
) -> None:
    validator = Validator(DeviceRegistry())
    sent = {seq: telemetry(seq, [reading("pump-1", NOW + seq)], sent_at=seq) for seq in order}
    arrivals = order + [order[index] for index in repeated]
    verdicts = [validator.validate(TOPIC, sent[seq], NOW) for seq in arrivals]
    assert sorted(stored.seq for verdict in verdicts for stored in verdict.readings) == sorted(
        order
    )
    assert [letter for verdict in verdicts for letter in verdict.letters] == []
    assert sum(verdict.counts["resent"] for verdict in verdicts) == len(repeated)


def test_a_resent_message_may_carry_another_sending_time() -> None:
    validator = Validator(DeviceRegistry())
    assert codes(validator, telemetry(1, [reading("pump-1", NOW)], sent_at=1)) == []
    assert codes(validator, telemetry(1, [reading("pump-1", NOW)], sent_at=2)) == ["resent"]


def test_a_number_used_again_for_newer_readings_is_a_conflict_even_after_a_restart() -> None:
    registry = DeviceRegistry()
    validator = Validator(registry)
    validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW)]), NOW)
    restarted = Validator(DeviceRegistry(registry.take_changes()))
    assert codes(restarted, telemetry(1, [reading("pump-1", NOW)])) == ["resent"]
    assert codes(restarted, telemetry(1, [reading("pump-1", NOW + 1)])) == ["seq_conflict"]
    assert codes(restarted, telemetry(1, [reading("pump-1", NOW + 1)]), again=True) == [
        "redelivered"
    ]


def test_leftovers_of_a_former_journal_are_taken_and_a_copied_box_is_not() -> None:
    validator = Validator(DeviceRegistry())
    validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW)], epoch="old"), NOW)
    validator.validate(STATUS, birth("new", "pump-1"), NOW)
    validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW + 100)], epoch="new"), NOW)
    assert codes(validator, telemetry(2, [reading("pump-1", NOW + 50)], epoch="old")) == [
        "stale_epoch"
    ]
    verdict = validator.validate(
        TOPIC, telemetry(3, [reading("pump-1", NOW + 200)], epoch="old"), NOW
    )
    assert [letter.code for letter in verdict.letters] == ["stale_epoch"]
    assert verdict.readings == []


def test_late_readings_of_one_message_must_increase_too() -> None:
    validator = Validator(DeviceRegistry())
    validator.validate(TOPIC, telemetry(2, [reading("pump-1", NOW)]), NOW)
    late = [reading("pump-1", NOW - 20), reading("pump-1", NOW - 20), reading("pump-1", NOW - 10)]
    assert codes(validator, telemetry(1, late)) == ["not_increasing"]


def test_a_device_changes_hands_when_its_gateway_no_longer_lists_it() -> None:
    registry = DeviceRegistry()
    validator = Validator(registry)
    other = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")
    other_topic = gateway_topic("telemetry", other)
    validator.validate(STATUS, birth("e1", "pump-1"), NOW)
    validator.validate(gateway_topic("status", other), birth("e1", "pump-1"), NOW)
    disputed = validator.validate(other_topic, telemetry(1, [reading("pump-1", NOW)]), NOW)
    assert (disputed.readings, disputed.letters, disputed.counts["held"]) == ([], [], 1)
    assert registry.releasable() == []
    validator.validate(STATUS, birth("e1"), NOW)
    assert registry.releasable() == [("pump-1", other)]
    assert codes(validator, telemetry(2, [reading("pump-1", NOW + 1)]), other_topic) == []
    (held,) = registry.take_changes().held
    assert admit_late(registry, replace(held, number=1)) is None
    assert registry.newest["pump-1"].at == NOW + 1
    assert registry.releasable() == []


def test_a_retired_gateway_is_held_and_what_nobody_claims_is_refused() -> None:
    registry = DeviceRegistry()
    validator = Validator(registry)
    other_topic = TOPIC.replace("mt-01", "mt-02")
    validator.validate(STATUS, birth("e1", "pump-1"), NOW)
    stray = codes(validator, telemetry(1, [reading("pump-1", NOW)]), other_topic)
    assert stray == ["not_owned"]
    retired = encode_retirement(Retirement(NOW, True))
    validator.validate(TOPIC.replace("telemetry", "retired"), retired, NOW)
    verdict = validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW)]), NOW)
    assert (verdict.readings, verdict.counts["held"], verdict.epoch) == ([], 1, "e1")
    older = encode_retirement(Retirement(NOW - 1, False))
    validator.validate(TOPIC.replace("telemetry", "retired"), older, NOW)
    assert registry.ownership.is_retired(PLACE)


def test_reported_loss_counts_as_received_and_only_what_was_missing_as_lost() -> None:
    validator = Validator(DeviceRegistry())
    validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW)]), NOW)
    verdict = validator.validate(
        TOPIC, telemetry(9, [], dropped=Dropped(1, 8, "journal_full")), NOW
    )
    assert verdict.counts == {"lost": 7}
    assert codes(validator, telemetry(5, [reading("pump-1", NOW - 1)])) == ["resent"]


def test_an_ingest_that_never_heard_of_a_gateway_begins_at_the_watermark_it_knows() -> None:
    registry = DeviceRegistry()
    validator = Validator(registry)
    for seq, acked in ((500, 480), (501, 490), (502, 499)):
        payload = telemetry(seq, [reading("pump-1", NOW + seq)], acked=acked)
        assert codes(validator, payload) == []
        assert registry.watermark(PLACE, "e1") == (502 if seq == 502 else acked)
    assert codes(validator, telemetry(495, [reading("pump-1", NOW + 495)])) == ["resent"]


def test_a_watermark_beyond_its_own_message_is_refused() -> None:
    payload = telemetry(3, [reading("pump-1", NOW)]).replace(b'"seq":3', b'"seq":3,"acked":3')
    assert codes(Validator(DeviceRegistry()), payload) == ["payload_invalid:out_of_range"]


readings = st.builds(
    Reading,
    device=st.sampled_from(["pump-1", "pump-2", "Pump"]),
    at=st.integers(-1, 2**64),
    state=st.sampled_from([*STATES, "melting"]),
    faults=st.lists(
        st.sampled_from(["high_pressure:P1", "sensor:2085.4", "odd", "a:b:c"]), max_size=2
    ),
    values=st.dictionaries(
        st.sampled_from([*POINT_NAMES, "odd", "a:b"]), st.floats(-1e5, 1e5), max_size=4
    ),
    bad=st.lists(st.sampled_from(["room_c", "bad", "a:b"]), max_size=2),
)
edits = st.sampled_from(
    [
        (b'"bad":[]', b'"bad":[],"bad":["x"]'),
        (b',"bad":[]', b""),
        (b'"seq":1', b'"seq":1,"seq":2'),
        (b'"seq":1', b'"seq":1.0'),
        (b'"v":1', b'"v":true'),
        (b'"v":1', b'"v":1,"gateway":"x"'),
        (b'"v":1', b'"v":1,"clock":"unsynced"'),
        (b'"v":1', b'"v":1,"clock":"a:b"'),
        (b'"v":1', b'"v":1,"acked":0'),
        (b'"seq":1', b'"seq":9,"acked":8'),
        (b'"seq":1', b'"seq":9,"acked":9'),
        (b'"seq":1', b'"seq":9,"acked":-1'),
        (b'"interval_s":30', b'"interval_s":30.5'),
        (b'"values":{', b'"values":{"supply_c":1,'),
        (b'"values":{', b'"values":{"supply_c":null,'),
        (b'"at":', b'"at":1e3,"x":'),
        (b":", b" : "),
        (b"}", b""),
    ]
)


@given(st.lists(readings, max_size=3), st.lists(edits, max_size=3))
def test_the_fast_decoder_never_differs_from_the_strict_one(
    given_readings: list[Reading], given_edits: list[tuple[bytes, bytes]]
) -> None:
    payload = telemetry(1, given_readings)
    for before, after in given_edits:
        payload = payload.replace(before, after, 1)
    assert _outcome(payload, fast=True) == _outcome(payload, fast=False)


def _outcome(payload: bytes, *, fast: bool) -> object:
    try:
        decoded = decode_telemetry(payload, decode_fitting if fast else None)
    except UnreadableError as error:
        return error.code, error.envelope
    good = [
        (r.device, r.at, r.state, r.faults, r.values, list(r.bad))
        for r in decoded.telemetry.readings
    ]
    telemetry = decoded.telemetry
    envelope = (
        telemetry.epoch,
        telemetry.seq,
        telemetry.interval_s,
        telemetry.clock,
        telemetry.acked,
    )
    return (
        envelope,
        good,
        sorted(rejection.code for rejection in decoded.rejected),
        decoded.claims,
        decoded.dropped_points,
    )


def test_the_fast_decoder_takes_what_gateways_send() -> None:
    payload = telemetry(
        1, [reading("pump-1", NOW), Reading("pump-2", NOW, "off", ["sensor:E1"], {}, ["room_c"])]
    )
    assert decode_fitting(payload).readings[1].bad == ["room_c"]
    marked = payload.replace(b'"v":1', b'"v":1,"clock":"unsynced"')
    assert decode_telemetry(marked, decode_fitting).telemetry == replace(
        decode_fitting(payload), clock="unsynced"
    )
    assert decode_telemetry(marked).telemetry.clock == "unsynced"
    without = json.loads(payload)
    del without["readings"][0]["bad"]
    assert (
        decode_telemetry(json.dumps(without).encode(), decode_fitting).telemetry.readings[0].bad
        == []
    )
