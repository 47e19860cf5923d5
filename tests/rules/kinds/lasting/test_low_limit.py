"""Low room temperature: (minute, room or None, expected edges) as the shipped rule has it, on-delay
60 min."""

import pytest

from rules.engine.engine import Engine
from rules.transitions.transition import OpenCondition
from tests.rules.shipped import T0, reading, shipped
from wire.units import MINUTE_MS

DEVICE = "mtg-mt-0001"

Row = tuple[float, float | None, list[str]]


def cold(start: int, stop: int, step: int = 5, room: float = 17.0) -> list[Row]:
    """Quiet readings below the limit."""
    return [(minute, room, []) for minute in range(start, stop, step)]


CASES: dict[str, list[Row]] = {
    "an hour below": [*cold(0, 60), (60, 17.0, ["raise"]), (65, 17.0, [])],
    "18.0 is warm enough": [(minute, 18.0, []) for minute in range(0, 120, 5)],
    "a warm reading begins anew": [
        *cold(0, 60),
        (60, 18.1, []),
        *cold(65, 125),
        (125, 17.0, ["raise"]),
    ],
    "0 °C is a value": [*cold(0, 60, room=0.0), (60, 0.0, ["raise"])],
    "inside the deadband stays": [
        *cold(0, 60),
        (60, 17.0, ["raise"]),
        (65, 18.4, []),
        (70, 18.5, ["clear"]),
    ],
    "missing neither raises nor clears": [
        *cold(0, 60),
        (62, None, []),
        (64, 17.0, ["raise"]),
        (66, None, []),
        (68, None, []),
        (70, 19.0, ["clear"]),
    ],
    "a gap of more than 10 min begins anew": [
        *cold(0, 60),
        (70.1, 17.0, []),
        *cold(75, 130),
        (130.1, 17.0, ["raise"]),
    ],
    "a gap of 10 min does not": [*cold(0, 60), (65, 17.0, ["raise"])],
    "an active alert outlives a gap": [
        *cold(0, 60),
        (60, 17.0, ["raise"]),
        (600, 17.0, []),
        (605, 18.6, ["clear"]),
    ],
    "deeper steps are reported once": [
        *cold(0, 60),
        (60, 17.0, ["raise"]),
        (65, 15.9, ["update"]),
        (70, 16.5, []),
        (75, 15.0, []),
        (80, 13.9, ["update"]),
        (85, 12.0, []),
    ],
    "raised deep": [*cold(0, 60, room=13.0), (60, 13.0, ["raise"]), (65, 13.0, [])],
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES.keys())
def test_cases(rows: list[Row]) -> None:
    engine = Engine([shipped("low_room_temperature")])
    for minute, room, expected in rows:
        transitions = engine.observe([reading(T0 + round(minute * MINUTE_MS), room)], T0)
        assert [one.edge for one in transitions] == expected, minute


def test_a_bad_sensor_is_not_believed() -> None:
    engine = Engine([shipped("low_room_temperature", on_delay="0s")])
    assert engine.observe([reading(T0, 5.0, bad=("room_c",))], T0) == []
    assert [one.edge for one in engine.observe([reading(T0 + MINUTE_MS, 5.0)], T0)] == ["raise"]


def test_a_slow_poll_stretches_the_gap() -> None:
    engine = Engine([shipped("low_room_temperature")])
    engine.expect(["mtg-mt-0001"], 5 * MINUTE_MS)
    minutes = (0, 15, 30, 45, 60)
    transitions = engine.observe([reading(T0 + minute * MINUTE_MS, 17.0) for minute in minutes], T0)
    assert [(one.edge, one.onset) for one in transitions] == [("raise", T0)]


def test_what_is_told() -> None:
    engine = Engine([shipped("low_room_temperature", on_delay="0s")])
    raised, deeper = engine.observe([reading(T0, 16.4), reading(T0 + MINUTE_MS, 13.0)], T0)
    assert (raised.value, raised.limit, raised.unit, raised.priority) == (16.4, 18.0, "c", "high")
    assert (deeper.value, deeper.priority, deeper.onset, deeper.reason) == (
        13.0,
        "urgent",
        T0,
        "deeper_below_limit",
    )
    assert "16.4 °C" in raised.text["zh"]
    assert "below 18 °C" in raised.text["en"]


def test_the_alert_tells_how_many_others_of_the_village_are_below() -> None:
    engine = Engine([shipped("low_room_temperature", on_delay="5m")])
    for village, devices in (("matao", ["a", "b", "c"]), ("zhaitang", ["d"])):
        engine.expect(devices, MINUTE_MS, village)
    rooms = {"a": 17.0, "b": 16.5, "c": 19.0, "d": 15.0}
    reported = [
        one
        for minute in range(6)
        for one in engine.observe(
            [reading(T0 + minute * MINUTE_MS, room, device=d) for d, room in rooms.items()], T0
        )
    ]
    assert {one.subject: one.text["en"].partition("5 min.")[2] for one in reported} == {
        "a": " Others of the village below 18 °C now: 1.",
        "b": " Others of the village below 18 °C now: 1.",
        "d": "",
    }


def test_the_newest_value_is_reported_when_it_has_moved_by_the_deadband() -> None:
    engine = Engine([shipped("low_room_temperature")])
    rooms = [17.0, 16.8, 16.6, 16.5, 16.4, 13.9, 13.6, 13.4, 8.4, None, 8.4]
    for minute in range(0, 65, 5):
        engine.observe([reading(T0 + minute * MINUTE_MS, 17.0)], T0)
    told = []
    for number, room in enumerate(rooms):
        at = T0 + (65 + 5 * number) * MINUTE_MS
        engine.observe([reading(at, room)], T0)
        told += [(each.value, each.priority, each.at - at) for each in engine.moved_values()]
    assert told == [(16.5, "high", 0), (13.4, "urgent", 0), (8.4, "urgent", 0)]


def test_the_newest_value_survives_a_restart_and_is_not_reported_again() -> None:
    engine = Engine([shipped("low_room_temperature")])
    for minute in range(0, 65, 5):
        engine.observe([reading(T0 + minute * MINUTE_MS, 17.0)], T0)
    other = Engine([shipped("low_room_temperature")])
    other.restore(engine.snapshot())
    other.observe([reading(T0 + 65 * MINUTE_MS, 16.9)], T0)
    assert other.moved_values() == []
    other.observe([reading(T0 + 66 * MINUTE_MS, 16.2)], T0)
    assert [each.value for each in other.moved_values()] == [16.2]


def test_an_adopted_alert_reports_its_newest_value_once() -> None:
    engine = Engine([shipped("low_room_temperature")])
    engine.adopt([OpenCondition("low_room_temperature", DEVICE, None, T0 - MINUTE_MS)])
    engine.observe([reading(T0, 15.0)], T0)
    engine.moved_values()
    engine.observe([reading(T0 + MINUTE_MS, 15.1)], T0)
    assert engine.moved_values() == []
