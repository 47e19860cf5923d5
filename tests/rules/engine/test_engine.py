"""The engine against the plain reference, and its promises about late data, snapshots and adopted
alerts."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.transitions.transition import OpenCondition, Transition
from tests.rules.reference import ReferenceEngine, Reported
from tests.rules.shipped import PLACE, T0, reading, shipped, shipped_rules
from wire.messages import Reading
from wire.points import STATES
from wire.units import MINUTE_MS

DEVICES = ("mtg-mt-0001", "mtg-mt-0002", "mtg-mt-0003")
CODES = ("water_flow:E1", "high_pressure:P1", "sensor:F4")
PAUSES = (10_000, 30_000, 30_000, 30_000, 60_000, 60_000, 71_000, 200_000, 3_600_000)
INTERVALS = {"mtg-mt-0002": 60_000}


def quick_rules() -> list[Rule]:
    """The shipped rules with short delays, so that a short history crosses every edge."""
    steps = [{"limit": 16.0, "priority": "medium"}, {"limit": 14.0, "priority": "urgent"}]
    return [
        shipped("fault", on_delay="40s"),
        shipped("low_room_temperature", on_delay="3m", off_delay="1m", max_gap="2m", steps=steps),
        shipped(
            "defrost_share", cycles=2, run_time="20m", max_hold="70s", limit=50.0, deadband=10.0
        ),
    ]


def history(seed: int, length: int) -> list[Reading]:
    """A believable history: states and faults last a while, rooms wander, sensors fail, networks
    go.

    One in three is restless: faults come and go with every few readings, seconds apart.
    """
    source = random.Random(seed)
    restless = seed % 3 == 0
    pauses = (*[10_000] * 30, 700_000) if restless else PAUSES
    at = dict.fromkeys(DEVICES, T0)
    room = dict.fromkeys(DEVICES, 18.0)
    state: dict[str, Any] = dict.fromkeys(DEVICES, "heating")
    faults: dict[str, set[str]] = {device: set() for device in DEVICES}
    readings = []
    for _ in range(length):
        device = source.choice(DEVICES)
        at[device] += source.choice(pauses)
        room[device] = min(
            20.0, max(12.0, room[device] + source.choice((-1.5, -0.5, 0.0, 0.5, 1.5)))
        )
        if source.random() < 0.4:
            state[device] = source.choice((*STATES, "heating", "heating", "defrost", "defrost"))
        if source.random() < 0.3:
            faults[device] ^= {CODES[0] if restless else source.choice(CODES)}
        values = {} if source.random() < 0.1 else {"room_c": room[device], "supply_c": 41.0}
        bad = [name for name in ("room_c", "state", "faults") if source.random() < 0.08]
        readings.append(
            Reading(device, at[device], state[device], sorted(faults[device]), values, bad)
        )
    return readings


def reported(transitions: list[Transition]) -> list[Reported]:
    return [
        (
            t.at,
            t.subject,
            t.rule,
            t.edge,
            t.code,
            t.onset,
            t.priority,
            None if t.value is None else round(t.value, 6),
            t.reason,
        )
        for t in transitions
    ]


def by_subject(one: Reported) -> tuple[str, str, int, str]:
    return one[1], one[2], one[0], one[4] or ""


def observe(engine: Engine, readings: list[Reading]) -> list[Reported]:
    return reported(engine.observe([(PLACE, item) for item in readings], T0))


def engine_of(rules: list[Rule]) -> Engine:
    engine = Engine(rules)
    for device, interval_ms in INTERVALS.items():
        engine.expect([device], interval_ms)
    return engine


def in_pieces(readings: list[Reading], source: random.Random) -> list[list[Reading]]:
    pieces = []
    while readings:
        size = source.choice((1, 2, 5, 40))
        pieces.append(readings[:size])
        readings = readings[size:]
    return pieces


seeds = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shuffle=st.booleans())
@example(seed=828, shuffle=False)  # a defrost that ends with the hour
def test_columns_and_the_plain_way_agree(seed: int, shuffle: bool) -> None:
    readings = history(seed, 400)
    reference = ReferenceEngine(quick_rules(), INTERVALS)
    expected = [one for item in readings for one in reference.observe(item)]
    engine, source, found = engine_of(quick_rules()), random.Random(seed), []
    for piece in in_pieces(readings, source):
        if shuffle:
            source.shuffle(piece)
        found += observe(engine, piece)
    assert sorted(found, key=by_subject) == sorted(expected, key=by_subject)
    assert engine.late_readings == reference.late == 0


def test_the_histories_cross_every_edge() -> None:
    reasons = {
        one[-1]
        for seed in range(20)
        for one in observe(engine_of(quick_rules()), history(seed, 400))
    }
    assert reasons == {
        "code_reported",
        "code_gone",
        "below_limit",
        "deeper_below_limit",
        "back_above_limit",
        "share_above_limit_over_cycles",
        "share_above_limit_over_day",
        "share_below_limit_over_cycles",
        "share_below_limit_over_day",
        "chattering",
        "chattering_over",
    }


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_copies_and_late_readings_change_nothing(seed: int) -> None:
    readings = history(seed, 200)
    engine, again, source = engine_of(quick_rules()), engine_of(quick_rules()), random.Random(seed)
    late = 0
    for number, piece in enumerate(in_pieces(readings, source)):
        copies = [
            source.choice(readings[: readings.index(piece[-1]) + 1]) for _ in range(number % 4)
        ]
        assert observe(again, piece) == observe(engine, piece)
        assert observe(again, copies) == []
        late += len(copies)
    assert again.late_readings == late


@settings(max_examples=40, deadline=None)
@given(seed=seeds, cut=st.integers(0, 200))
def test_a_snapshot_taken_anywhere_changes_nothing(seed: int, cut: int) -> None:
    readings = history(seed, 200)
    unbroken = engine_of(quick_rules())
    observe(unbroken, readings[:cut])
    restored = Engine(quick_rules())
    observe(restored, [Reading("mtg-mt-0099", T0, "heating", ["fan:E8"], {"room_c": 15.0})])
    restored.restore(unbroken.snapshot())
    assert restored.newest() == unbroken.newest() | {"mtg-mt-0099": T0}
    assert [one for one in restored.active() if one.subject != "mtg-mt-0099"] == unbroken.active()
    assert observe(restored, readings[cut:]) == observe(unbroken, readings[cut:])


def test_a_snapshot_holds_only_plain_arrays(tmp_path: Any) -> None:
    engine = engine_of(quick_rules())
    observe(engine, history(1, 300))
    np.savez(tmp_path / "state.npz", allow_pickle=False, **engine.snapshot())
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        restored = Engine(quick_rules())
        restored.restore(dict(saved))
    assert restored.active() == engine.active()
    assert engine.active()


def test_a_snapshot_of_nothing_and_of_other_rules_can_be_restored() -> None:
    empty, full = Engine(quick_rules()), Engine(quick_rules())
    observe(full, history(1, 300))
    full.restore(empty.snapshot())
    fault_only = Engine([shipped("fault")])
    fault_only.restore(full.snapshot())
    assert fault_only.newest() == full.newest()
    assert {one.rule for one in fault_only.active()} <= {"fault"}


def test_what_is_not_a_snapshot_is_refused() -> None:
    with pytest.raises(KeyError):
        Engine(quick_rules()).restore({})


def test_transitions_come_in_order_of_event_time() -> None:
    transitions = engine_of(quick_rules()).observe([(PLACE, item) for item in history(3, 400)], T0)
    assert [one.at for one in transitions] == sorted(one.at for one in transitions)


def test_an_adopted_alert_clears_on_contrary_readings_and_is_not_raised_again() -> None:
    engine = Engine(shipped_rules())
    engine.adopt(
        [
            OpenCondition("fault", DEVICES[0], "high_pressure:P1", T0),
            OpenCondition("low_room_temperature", DEVICES[0], None, T0),
            OpenCondition("defrost_share", DEVICES[0], None, T0),
            OpenCondition("retired_rule", DEVICES[0], None, T0),
        ]
    )
    still = engine.observe([reading(T0 + MINUTE_MS, 17.0, faults=("high_pressure:P1",))], T0)
    assert still == []
    assert len(engine.active()) == 3
    cleared = engine.observe(
        [reading(T0 + 2 * MINUTE_MS, 19.0), reading(T0 + 3 * MINUTE_MS, 19.0)], T0
    )
    assert [(one.rule, one.edge, one.onset) for one in cleared] == [
        ("low_room_temperature", "clear", T0),
        ("fault", "clear", T0),
    ]


def test_a_state_of_two_devices_never_mixes() -> None:
    engine = Engine([shipped("fault")])
    transitions = engine.observe(
        [reading(T0, device=f"d-{n}", faults=(CODES[n % 3],)) for n in range(500)], T0
    )
    assert {(one.subject, one.code) for one in transitions} == {
        (f"d-{n}", CODES[n % 3]) for n in range(500)
    }
