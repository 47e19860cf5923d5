"""Rules judged once an hour against the plain way, on weeks of random weather, faults and
habits."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.engine import Engine
from tests.rules.reference_days import Said, said_plainly
from tests.rules.shipped import PLACE, shipped_rules
from wire.messages import Reading
from wire.points import State
from wire.units import HOUR_MS

# Shorter than shipped, so that a month shows them.
SHORTER: dict[str, dict[str, object]] = {
    "low_cop": {"learn_days": 3, "settle_days": 2, "on_days": 2},
    "suspected_leak": {"learn_days": 3, "settle_days": 2, "on_days": 1},
    "sensor_drift": {"learn_days": 2, "on_days": 1, "settled": "40m"},
    "implausible_heat": {"learn_days": 3, "settle_days": 2, "on_days": 1},
    "sensor_stuck": {"for_hours": 8},
    "undersized": {"needs": 8, "window": 12, "clears": 4, "max_gap": "20h"},
    "cold_capacity": {"needs": 3, "window": 5},
    "cold_outlet": {"needs": 3, "window": 5},
    "suspected_coal": {"nights": 2, "off_hours": 5, "heard_share": 0.01},
    "valley_cap": {"cap": 1100.0, "project_after_days": 5},
}
RULES = [rule.with_overrides(SHORTER[rule.id]) for rule in shipped_rules() if rule.id in SHORTER]
HABITS = (
    "healthy",
    "healthy",
    "weak",
    "weak",
    "astray",
    "resting",
    "resting astray",
    "stuck",
    "off and warm",
    "off and cold",
    "flat out",
    "deep cold",
    "blind",
    "away",
)


_USUAL: tuple[State, ...] = ("heating", "heating", "heating", "standby")
_RESTING: tuple[State, ...] = ("standby", "standby", "standby", "standby", "standby", "heating")
_STATES: dict[str, tuple[State, ...]] = {"resting": _RESTING, "resting astray": _RESTING}


def month(seed: int, device: str = "mtg-mt-0001") -> list[Reading]:
    """About a month at half-hours: the end of a season and some weeks after, or a whole month of
    winter."""
    source = random.Random(seed)
    start = datetime.fromisoformat(
        source.choice(("2026-03-12T00:10:00+08:00", "2025-12-20T13:40:00+08:00"))
    )
    return list(_readings(source, device, round(start.timestamp() * 1_000)))


def _readings(source: random.Random, device: str, start: int) -> Iterator[Reading]:
    counter, habit, left = 5_000.0, HABITS[0], 5 * 48
    for number in range(33 * 48):
        if not left:
            habit, left = source.choice(HABITS), source.choice((10, 48, 100, 200))
        left -= 1
        counter = (
            source.choice((0.0, 90_000.0))
            if source.random() < 0.002
            else counter + source.uniform(0.0, 6.0)
        )
        if habit != "away" and source.random() > 0.05:
            at = start + number * HOUR_MS // 2 + source.randrange(60) * 1_000
            yield _reading(
                source,
                device,
                at,
                "sound cold" if habit == "deep cold" and left < 24 else habit,
                counter,
            )


def _reading(source: random.Random, device: str, at: int, habit: str, counter: float) -> Reading:
    weak, cold = habit == "weak", habit in ("deep cold", "sound cold")
    state: State = "off" if habit.startswith("off") else source.choice(_STATES.get(habit, _USUAL))
    heat_w = {"weak": 4_000.0, "astray": 2_500.0, "deep cold": 2_700.0}.get(habit, 6_000.0)
    astray_k = 2.5 if habit.endswith("astray") else 0.0
    evening = (
        at // HOUR_MS + 8 - 18
    ) % 24  # hours since six in Beijing, over which a cold house cools
    room_c = {"off and cold": 14.0 - 0.12 * evening, "flat out": 17.0, "deep cold": 15.0}.get(
        habit, 20.0
    )
    values = {
        "supply_c": 42.0 + source.uniform(-1, 1),
        "return_c": (37.0 if state == "heating" else 42.0) + astray_k + source.uniform(-1, 1),
        "pump": float(source.random() < 0.97),
        "outdoor_c": (-25.0 if cold else -4.0) + source.uniform(-3, 3),
        "room_c": room_c + source.uniform(-0.3, 0.3),
        "setpoint_c": 55.0,
        "compressor_hz": {"flat out": 88.0, "deep cold": 45.0}.get(habit, 60.0)
        + source.uniform(-3, 3),
        "power_w": (120.0 if state == "standby" else 2_100.0) + source.uniform(-90, 90),
        "heat_w": heat_w + source.uniform(-200, 200),
        "coil_c": -12.0 + source.uniform(-3, 3),
        "discharge_c": (90.0 if weak else 78.0) + source.uniform(-1, 1),
        "exv_steps": (330.0 if weak else 200.0) + source.uniform(-9, 9),
        "low_bar": (2.9 if weak else 3.4) + source.uniform(-0.1, 0.1),
        "energy_kwh": counter,
    }
    if habit == "stuck":
        values |= {"supply_c": 41.5, "return_c": 30.0 + source.uniform(0, 9), "outdoor_c": -3.5}
    bad = source.sample(sorted(values), 4) if habit == "blind" else []
    return Reading(device, at, state, [], values, bad)


def said(readings: list[Reading]) -> dict[tuple[str, str], list[Said]]:
    """What each rule says of each device, the readings of all coming in pieces, in order of
    time."""
    engine, reported = Engine(RULES), defaultdict[tuple[str, str], list[Said]](list)
    readings = sorted(readings, key=lambda reading: reading.at)
    for first in range(0, len(readings), 500):
        for one in engine.observe(
            [(PLACE, reading) for reading in readings[first : first + 500]], 0
        ):
            reported[one.rule, one.subject].append((one.at, one.edge, one.reason, one.onset))
    return reported


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_columns_and_the_plain_way_agree(seed: int) -> None:
    months = [month(seed + number, f"device-{number}") for number in range(6)]
    reported = said([reading for readings in months for reading in readings])
    for rule in RULES:
        in_season = rule.id in ("low_cop", "suspected_leak", "implausible_heat", "undersized")
        for number, readings in enumerate(months):
            assert reported[rule.id, f"device-{number}"] == said_plainly(
                rule, readings, in_season
            ), (
                rule.id,
                number,
            )


def test_the_months_wake_every_rule() -> None:
    reported = said(
        [reading for number in range(20) for reading in month(number, f"device-{number}")]
    )
    edges = {(rule, one[1]) for (rule, _), all_of_it in reported.items() for one in all_of_it}
    assert edges >= {(rule, edge) for rule in SHORTER for edge in ("raise", "clear")}
