"""All shipped rules together: how readings arrive, and a kill between any two batches, change
nothing of the alerts."""

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.engine import Engine
from rules.kinds.lasting.symptoms import SymptomsRule
from rules.kinds.states.repeated import RepeatedRule
from rules.transitions.transition import Transition
from rules.watches.device_rule import DeviceRule
from tests.rules.reference import ReferenceEngine
from tests.rules.shipped import PLACE, T0, shipped_rules
from wire.messages import Reading
from wire.units import MINUTE_MS

DEVICES = ("mtg-mt-0001", "mtg-mt-0002", "mtg-mt-0003")
RULES = [rule for rule in shipped_rules() if isinstance(rule, DeviceRule)]
INTERVAL = 5 * MINUTE_MS
HEALTHY = {
    "supply_c": 41.0,
    "return_c": 36.0,
    "outdoor_c": -8.0,
    "room_c": 20.0,
    "setpoint_c": 42.0,
    "discharge_c": 75.0,
    "suction_c": -11.0,
    "coil_c": -15.0,
    "compressor_hz": 60.0,
    "power_w": 2_400.0,
    "heat_w": 6_300.0,
    "voltage_v": 220.0,
    "flow_lpm": 18.0,
    "fan_rpm": 800.0,
    "pump": 1.0,
    "aux_heater": 0.0,
    "exv_steps": 250.0,
    "low_bar": 5.0,
    "defrost_interval_min": 45.0,
    "defrost_max_min": 4.0,
    "low_ambient_cutoff_c": -35.0,
}
# What may be wrong for a while: values, state, faults and bad points that take the place of the
# healthy ones.
TROUBLES: list[dict[str, object]] = [
    {},
    {},
    {"room_c": 15.0},
    {"room_c": 13.0, "state": "off", "compressor_hz": 0.0, "power_w": 60.0},
    {"voltage_v": 180.0},
    {"voltage_v": 250.0, "faults": ["voltage:E9"]},
    {"voltage_v": 221.0, "faults": ["voltage:E9"]},
    {"flow_lpm": 0.0, "faults": ["water_flow:E1"]},
    {"supply_c": 52.0},
    {
        "outdoor_c": -26.0,
        "coil_c": -26.0,
        "supply_c": 12.0,
        "return_c": 12.0,
        "state": "standby",
        "compressor_hz": 0.0,
    },
    {
        "outdoor_c": -12.0,
        "supply_c": 3.0,
        "return_c": 3.0,
        "state": "off",
        "compressor_hz": 0.0,
        "pump": 0.0,
    },
    {"coil_c": -32.0, "heat_w": 2_500.0},
    {"aux_heater": 1.0, "power_w": 6_000.0, "outdoor_c": 5.0, "coil_c": -2.0, "heat_w": 6_800.0},
    {"bad": ["room_c", "coil_c"]},
    {"bad": ["state"]},
    {"bad": ["faults"], "faults": ["fan:E8"]},
    {"flapping": True},
    {"cycling": True},
    {"frozen": True},
    {"defrost_max_min": 12.0, "low_ambient_cutoff_c": -20.0},
    {"fan_rpm": 0.0},
]


def history(seed: int, hours: int) -> list[Reading]:
    """Readings of three devices in order of time, each in one trouble after the other; some polls
    are missing."""
    source = random.Random(seed)
    found = [reading for device in DEVICES for reading in _of_device(device, source, hours)]
    return sorted(found, key=lambda reading: (reading.at, reading.device))


def _of_device(device: str, source: random.Random, hours: int) -> Iterator[Reading]:
    trouble, left, held = TROUBLES[0], 0, dict(HEALTHY)
    for number in range(hours * 12):
        if not left:
            trouble, left = source.choice(TROUBLES), source.choice((3, 10, 20, 40))
        left -= 1
        if source.random() < 0.04:
            continue
        if "frozen" not in trouble:
            held = {name: value + source.uniform(-0.3, 0.3) for name, value in HEALTHY.items()}
            held |= {
                name: HEALTHY[name]
                for name in ("pump", "aux_heater", "defrost_interval_min", "defrost_max_min")
            }
        values = held | {name: value for name, value in trouble.items() if name in HEALTHY}
        state = trouble.get("state") or ("defrost" if number % 9 == 0 else "heating")
        if "cycling" in trouble:
            state = ("heating", "standby")[number % 2]
        faults = list(trouble.get("faults", ()))  # type: ignore[call-overload]
        if "flapping" in trouble and number % 3 == 0:
            faults = ["high_pressure:P1"]
        at = T0 + number * INTERVAL + source.randrange(20_000)
        yield Reading(device, at, state, faults, values, list(trouble.get("bad", ())))  # type: ignore[call-overload, arg-type]


def engine_of_all() -> Engine:
    engine = Engine(RULES)
    engine.expect(DEVICES, INTERVAL, "matao")
    return engine


def observe(engine: Engine, readings: list[Reading]) -> list[tuple[object, ...]]:
    return [reported(one) for one in engine.observe([(PLACE, reading) for reading in readings], T0)]


def reported(one: Transition) -> tuple[object, ...]:
    value = None if one.value is None else round(one.value, 6)
    return (
        one.at,
        one.subject,
        one.rule,
        one.edge,
        one.code,
        one.onset,
        one.priority,
        value,
        one.reason,
    )


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_copies_order_and_kills_between_any_two_batches_change_nothing(seed: int) -> None:
    readings, source = history(seed, 24), random.Random(seed)
    clean_engine = engine_of_all()
    clean = [one for reading in readings for one in observe(clean_engine, [reading])]
    engine, found, first = engine_of_all(), [], 0
    while first < len(readings):
        size = source.choice((1, 3, 10, 60))
        piece = readings[first : first + size]
        first += size
        source.shuffle(piece)
        found += observe(engine, piece + source.sample(readings[:first], min(first, 4)))
        survivor = Engine(RULES)
        survivor.restore(engine.snapshot())
        survivor.expect(DEVICES, INTERVAL, "matao")
        engine = survivor
    assert sorted(found, key=repr) == sorted(clean, key=repr)
    assert engine.active() == clean_engine.active()


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_rules_over_symptoms_and_changes_agree_with_the_plain_way(seed: int) -> None:
    rules = [rule for rule in RULES if isinstance(rule, SymptomsRule | RepeatedRule)]
    readings = history(seed, 30)
    reference = ReferenceEngine(rules, dict.fromkeys(DEVICES, INTERVAL))
    expected = [one for reading in readings for one in reference.observe(reading)]
    engine = Engine(rules)
    engine.expect(DEVICES, INTERVAL)
    assert sorted(observe(engine, readings), key=repr) == sorted(expected, key=repr)
    assert expected


def test_the_histories_wake_most_rules() -> None:
    raised = {
        one[2]
        for seed in range(6)
        for one in observe(engine_of_all(), history(seed, 30))
        if one[3] == "raise"
    }
    # Some take days, or readings seconds apart; their own tests wake them.
    assert len(raised) >= len(RULES) // 2
