import re

from hypothesis import given
from hypothesis import strategies as st

from ingest.store import StoredReading
from ingest.store.influx.line_protocol import LineEncoder, body, quoted, series
from wire.messages import Reading
from wire.topics import GatewayPath

PLACE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
PREFIX = "heat_pump,district=mentougou,town=zhaitang,village=matao,gateway=mt-01,device=pump-1"


def test_a_line_is_as_the_contract_says() -> None:
    reading = Reading(
        "pump-1",
        1_763_740_010_120,
        "heating",
        ["high_pressure:P1", "sensor:E2"],
        {"supply_c": 41.5},
        [],
    )
    line = LineEncoder().line(StoredReading(PLACE, "6f1c", 18233, reading))
    fields = (
        'supply_c=41.5,state="heating",faults="high_pressure:P1,sensor:E2",epoch="6f1c",seq=18233i'
    )
    assert line == f"{PREFIX} {fields} 1763740010120"


def test_a_reading_without_values_is_still_a_line() -> None:
    line = LineEncoder().line(
        StoredReading(PLACE, "e", 1, Reading("pump-1", 5, "off", [], {}, ["room_c"]))
    )
    assert line == f'{PREFIX} state="off",faults="",epoch="e",seq=1i,bad="room_c" 5'


def test_a_device_that_moves_gets_its_new_tags() -> None:
    encoder = LineEncoder()
    reading = Reading("pump-1", 5, "off", [], {}, [])
    encoder.line(StoredReading(PLACE, "e", 1, reading))
    moved = encoder.line(
        StoredReading(GatewayPath("mentougou", "zhaitang", "matao", "mt-02"), "e", 1, reading)
    )
    assert moved.startswith(PREFIX.replace("mt-01", "mt-02"))


def test_tags_are_escaped_once() -> None:
    assert series(GatewayPath("a b", "c,d", "e=f", "g\\h"), "i") == (
        "heat_pump,district=a\\ b,town=c\\,d,village=e\\=f,gateway=g\\\\h,device=i"
    )


@given(st.text())
def test_a_quoted_string_ends_where_it_should(text: str) -> None:
    match = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', quoted(text), re.DOTALL)
    assert match is not None
    assert re.sub(r'\\(["\\])', r"\1", match[1]) == text


def test_a_body_has_one_line_each() -> None:
    assert body(["a", "b"]) == b"a\nb"
