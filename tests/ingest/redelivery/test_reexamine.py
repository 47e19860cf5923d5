"""Which dead letters are good today, and which stay, with the reason."""

import gzip
import json

import pytest

from ingest.reception.admission import Admission
from ingest.reception.dead_letter import DeadLetter, line
from ingest.redelivery.reexamine import TodaysRules, reexamine
from tests.ingest.harness import PLACE, reading, telemetry
from wire.messages import Reading
from wire.topics import GatewayPath, gateway_topic

NOW = 1_763_740_012_345
TOPIC = gateway_topic("telemetry", PLACE)
OTHER = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")
TODAY = TodaysRules(Admission(), {}, NOW + 86_400_000)
ONLY_2 = Admission({"pump-2": 1}, registered_only=True)


def letter(code: str, rejected: object) -> bytes:
    return line(DeadLetter(NOW, code, TOPIC, PLACE.gateway, "e1", 7, "pump-1", rejected))


def whole(code: str, payload: bytes, topic: str = TOPIC) -> bytes:
    return line(DeadLetter(NOW, code, topic, PLACE.gateway, "e1", 7, payload=payload))


GOOD = reading("pump-1", NOW)
AHEAD = reading("pump-1", NOW + 3_600_000)


@pytest.mark.parametrize(
    ("text", "today", "outcome"),
    [
        (letter("store_refused", GOOD), TODAY, "good"),
        (letter("too_old", GOOD), TODAY, "good"),
        (letter("unknown_device", GOOD), TODAY, "good"),
        (letter("unknown_device", GOOD), TodaysRules(ONLY_2, {}, NOW), "still_bad"),
        (
            letter("too_early", GOOD),
            TodaysRules(Admission({"pump-1": NOW + 1}), {}, NOW),
            "still_bad",
        ),
        (letter("not_owned", GOOD), TodaysRules(Admission(), {"pump-1": OTHER}, NOW), "still_bad"),
        (letter("not_owned", GOOD), TodaysRules(Admission(), {"pump-1": PLACE}, NOW), "good"),
        (letter("not_owned", GOOD), TodaysRules(Admission(), {"pump-1": None}, NOW), "good"),
        (letter("clock_ahead", AHEAD), TODAY, "still_bad"),
        (
            letter("clock_ahead", AHEAD),
            TodaysRules(Admission(), {}, TODAY.now, frozenset({"clock_ahead"})),
            "good",
        ),
        (
            letter("store_refused", GOOD),
            TodaysRules(Admission(), {}, NOW, frozenset({"too_old"})),
            "not_asked",
        ),
        (letter("not_increasing", GOOD), TODAY, "out_of_order"),
        (letter("stale_epoch", GOOD), TODAY, "out_of_order"),
        (
            letter("payload_invalid:out_of_range", Reading("pump-1", NOW, "off", [], {}, [])),
            TODAY,
            "good",
        ),
        (letter("payload_invalid:wrong_type", {"device": 5}), TODAY, "still_bad"),
        (letter("payload_invalid:wrong_type", None), TODAY, "still_bad"),
        (whole("payload_invalid:not_json", b"not json"), TODAY, "still_bad"),
        (whole("payload_invalid:unknown_version", telemetry(7, [GOOD])), TODAY, "good"),
        (
            whole("payload_invalid:unknown_version", gzip.compress(telemetry(7, [GOOD]))),
            TODAY,
            "good",
        ),
        (whole("payload_invalid:too_large", b" " * 4_096), TODAY, "cut_short"),
        (whole("seq_conflict", telemetry(7, [GOOD])), TODAY, "out_of_order"),
        (whole("bad_topic", telemetry(7, [GOOD]), "hw/v1/telemetry/x"), TODAY, "still_bad"),
        (whole("bad_topic", telemetry(7, [GOOD]), gateway_topic("ack", PLACE)), TODAY, "still_bad"),
        (b'{"at":1,"code"\n', TODAY, "unreadable_line"),
        (b"[]\n", TODAY, "unreadable_line"),
        (b'{"at":"x","code":"c","topic":"t"}\n', TODAY, "unreadable_line"),
        (b'{"at":1,"code":"c","topic":"t","payload":"%"}\n', TODAY, "unreadable_line"),
    ],
)
def test_what_becomes_of_a_line(text: bytes, today: TodaysRules, outcome: str) -> None:
    result = reexamine(text, today)
    if outcome == "good":
        (good,) = result.good
        assert result.kept == []
        assert (good.stored.gateway, good.stored.epoch, good.stored.seq) == (
            PLACE,
            "e1",
            7,
        )
        assert good.stored.reading.at in (GOOD.at, AHEAD.at)
    else:
        assert result.good == []
        assert result.kept == [(outcome, text)]


def test_of_a_whole_message_the_readings_still_bad_stay_as_letters_of_their_own() -> None:
    payload = telemetry(7, [reading("pump-1", NOW), reading("pump-2", NOW), reading("Pump 3", NOW)])
    result = reexamine(whole("identity_mismatch", payload), TodaysRules(ONLY_2, {}, NOW))
    assert [good.stored.reading.device for good in result.good] == ["pump-2"]
    kept = [json.loads(text) for _, text in result.kept]
    assert sorted((letter["code"], letter["device"], letter["seq"]) for letter in kept) == [
        ("bad_identifier", "Pump 3", 7),
        ("unknown_device", "pump-1", 7),
    ]
    again = reexamine(result.good[0].line, TodaysRules(ONLY_2, {}, NOW))
    assert [good.stored.reading.device for good in again.good] == ["pump-2"]
