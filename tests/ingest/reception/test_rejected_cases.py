"""Every way to be rejected (reliability §3), as data: tests/golden/rejected/*.json.

A case is one message of gateway mt-01 at the server time NOW, after a good message number 1 and
those in `before`. `payload` is given as `json`, `text`, `base64`, or `parts` to be repeated;
`received` says whether its number counts.
"""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from ingest.reception.admission import Admission
from ingest.reception.device_registry import DeviceRegistry
from ingest.reception.validation import Validator
from tests.ingest.harness import PLACE, reading, telemetry
from wire.topics import gateway_topic

NOW = 1_763_740_012_345
FOLDER = Path(__file__).parents[2] / "golden" / "rejected"
TOPIC = gateway_topic("telemetry", PLACE)
CASES: list[dict[str, Any]] = [
    case for path in sorted(FOLDER.glob("*.json")) for case in json.loads(path.read_text())
]

_PAYLOAD = """
    not_json bad_utf8 not_finite wrong_type missing_field unknown_version too_large too_deep
    duplicate_key decompression_bomb truncated_gzip empty out_of_range
"""
_OTHERS = """
    identity_mismatch unknown_device not_owned bad_topic bad_identifier seq_conflict stale_epoch
    clock_ahead too_early bad_precision not_increasing
"""
CODES = {f"payload_invalid:{reason}" for reason in _PAYLOAD.split()} | set(_OTHERS.split())


def payload_of(given: dict[str, Any]) -> bytes:
    if "json" in given:
        return json.dumps(given["json"], ensure_ascii=False).encode()
    if "base64" in given:
        return b64decode(given["base64"])
    if "parts" in given:
        return "".join(text * times for text, times in given["parts"]).encode()
    return str(given["text"]).encode()


def validator_before(case: dict[str, Any]) -> tuple[Validator, DeviceRegistry]:
    registry = DeviceRegistry()
    validator = Validator(registry)
    validator.validate(TOPIC, telemetry(1, [reading("pump-1", NOW - 60_000)]), NOW)
    for message in case.get("before", []):
        assert (
            validator.validate(message.get("topic", TOPIC), payload_of(message), NOW).letters == []
        )
    if "registered" in case:
        validator.admission = Admission(case["registered"], registered_only=True)
    return validator, registry


@pytest.mark.parametrize("case", CASES, ids=[case["what"] for case in CASES])
def test_it_costs_exactly_itself(case: dict[str, Any]) -> None:
    validator, registry = validator_before(case)
    payload = payload_of(case["payload"])
    verdict = validator.validate(case.get("topic", TOPIC), payload, NOW)
    assert [letter.code for letter in verdict.letters] == [case["code"]]
    assert verdict.readings == []
    number = 7 if case["code"] == "stale_epoch" else 1 if case["code"] == "seq_conflict" else 2
    assert registry.numbers(PLACE).has("e1", number) == case["received"]
    if "registered" not in case and case["code"] != "stale_epoch":
        good = validator.validate(TOPIC, telemetry(20, [reading("pump-1", NOW + 1)]), NOW)
        assert (len(good.readings), good.letters) == (1, [])


def test_every_code_has_a_case() -> None:
    # `too_old` and `store_refused` are the store's own refusals, shown in tests/ingest/store.
    assert {case["code"] for case in CASES} == CODES
