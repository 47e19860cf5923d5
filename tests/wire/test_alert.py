"""An alert of the feed goes there and back, and is refused as a whole where a field is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from wire.decode import alert_from, decode_alert
from wire.encode import alert_document, encode_alert
from wire.messages import Alert
from wire.payload import PayloadError

ALERT = Alert(
    *("A-1", "fault", "mtg-mt-0001", "mentougou", "zhaitang", "matao", "high", "active", 1, 2),
    text={"zh": "高压", "en": "high pressure"},
    value=16.4,
    limit=18.0,
    unit="c",
    children=3,
    ticket="T-20261121-0007",
)


@pytest.mark.parametrize(
    "alert", [ALERT, replace(ALERT, out_of_service_until=9, shelved_until=8, code="fan:E1")]
)
def test_it_goes_there_and_back(alert: Alert) -> None:
    assert decode_alert(encode_alert(alert)) == alert
    assert alert_from(alert_document(alert)) == alert


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("v", 2, "unknown_version"),
        ("priority", "dire", "out_of_range"),
        ("state", "odd", "out_of_range"),
        ("onset", -1, "out_of_range"),
        ("text", {"zh": 1}, "wrong_type"),
        ("subject", None, "wrong_type"),
        ("value", "hot", "wrong_type"),
        ("children", [], "wrong_type"),
    ],
)
def test_a_wrong_field_refuses_it(key: str, value: Any, reason: str) -> None:
    with pytest.raises(PayloadError) as refused:
        alert_from({**alert_document(ALERT), key: value})
    assert refused.value.reason == reason
