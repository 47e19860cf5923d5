"""Chattering alarms and devices that leave: one alert that stays open, and none that stays for
ever."""

import numpy as np
import pytest

from rules.engine.engine import Engine
from rules.transitions.transition import Transition
from tests.rules.shipped import T0, reading, shipped
from wire.units import MINUTE_MS

FAULT = "high_pressure:P1"


def flap(engine: Engine, start: int, times: int) -> list[Transition]:
    """A fault that shows on one reading in three, 30 s apart, as often as `times`."""
    reported: list[Transition] = []
    for number in range(3 * times):
        at = start + number * MINUTE_MS // 2
        reported += engine.observe(
            [reading(at, 20.0, faults=(FAULT,) if number % 3 == 0 else ())], at
        )
    return reported


def edges(reported: list[Transition]) -> list[tuple[str, str]]:
    return [(one.edge, one.reason) for one in reported]


def test_the_third_time_within_ten_minutes_stays_open_until_it_has_been_quiet_as_long() -> None:
    engine = Engine([shipped("fault")])
    reported = flap(engine, T0, 10)
    assert edges(reported) == [
        ("raise", "code_reported"),
        ("clear", "code_gone"),
        ("raise", "code_reported"),
        ("clear", "code_gone"),
        ("raise", "chattering"),
    ]
    [open_one] = engine.active()
    assert open_one.onset == reported[-1].onset
    cleared_at = T0 + 29 * MINUTE_MS // 2
    assert engine.observe([reading(cleared_at + 10 * MINUTE_MS - 1, 20.0)], T0) == []
    [over] = engine.observe([reading(cleared_at + 10 * MINUTE_MS, 20.0)], T0)
    assert (over.edge, over.reason, over.onset) == ("clear", "chattering_over", reported[-1].onset)
    assert engine.active() == []


def test_three_times_an_hour_is_three_alerts() -> None:
    engine = Engine([shipped("fault")])
    reported = [one for hour in range(6) for one in flap(engine, T0 + hour * 20 * MINUTE_MS, 1)]
    assert [one.edge for one in reported] == ["raise", "clear"] * 6


def test_another_device_or_code_does_not_count() -> None:
    engine = Engine([shipped("fault")])
    reported: list[Transition] = []
    for number, device in enumerate(("d-1", "d-2", "d-3")):
        for step in range(3):
            at = T0 + (3 * number + step) * MINUTE_MS // 2
            reported += engine.observe(
                [reading(at, device=device, faults=(FAULT,) if step == 0 else ())], at
            )
    assert {one.reason for one in reported} == {"code_reported", "code_gone"}


def test_a_device_that_leaves_clears_what_is_open_and_frees_its_slot() -> None:
    engine = Engine([shipped("fault"), shipped("low_room_temperature", on_delay="0s")])
    engine.observe([reading(T0, 15.0, device=name, faults=(FAULT,)) for name in ("d-1", "d-2")], T0)
    reported = engine.retire(["d-1", "never-seen"])
    assert {(one.rule, one.subject, one.edge, one.reason) for one in reported} == {
        ("fault", "d-1", "clear", "no_longer_announced"),
        ("low_room_temperature", "d-1", "clear", "no_longer_announced"),
    }
    assert {one.subject for one in engine.active()} == {"d-2"}
    assert engine.newest() == {"d-2": T0}
    size = len(engine.fleet)
    raised = engine.observe(
        [reading(T0 + MINUTE_MS, 20.0, device="d-3"), reading(T0, 15.0, device="d-1")], T0
    )
    assert len(engine.fleet) == size + 1
    assert {(one.subject, one.edge) for one in raised} == {("d-1", "raise")}


def test_a_snapshot_with_free_slots_and_chattering_alarms_loses_nothing() -> None:
    engine = Engine([shipped("fault")])
    flap(engine, T0, 4)
    engine.observe([reading(T0, device=name, faults=(FAULT,)) for name in ("d-1", "d-2")], T0)
    engine.retire(["d-1"])
    saved = engine.snapshot()
    assert all(
        isinstance(values, np.ndarray) and values.dtype.kind != "O" for values in saved.values()
    )
    restored = Engine([shipped("fault")])
    restored.restore(saved)
    assert restored.active() == engine.active()
    assert restored.newest() == engine.newest()
    assert len(engine.active()) == 2
    more = [reading(T0 + 40 * MINUTE_MS, 20.0), reading(T0 + 40 * MINUTE_MS, device="d-9")]
    assert restored.observe(more, T0) == engine.observe(more, T0)


@pytest.mark.parametrize(
    ("interval_ms", "quiet_ms"),
    [(1_000, 60_000), (30_000, 10 * MINUTE_MS), (5 * MINUTE_MS, 100 * MINUTE_MS)],
)
def test_what_counts_as_often_goes_with_the_poll_interval(interval_ms: int, quiet_ms: int) -> None:
    engine = Engine([shipped("fault")])
    engine.expect(["mtg-mt-0001"], interval_ms)
    readings = [
        reading(T0 + n * interval_ms, faults=(FAULT,) if n % 3 == 0 else ()) for n in range(9)
    ]
    assert edges(engine.observe(readings, T0))[-1] == ("raise", "chattering")
    cleared_at = T0 + 8 * interval_ms
    assert engine.observe([reading(cleared_at + quiet_ms - 1)], T0) == []
    assert edges(engine.observe([reading(cleared_at + quiet_ms)], T0)) == [
        ("clear", "chattering_over")
    ]
