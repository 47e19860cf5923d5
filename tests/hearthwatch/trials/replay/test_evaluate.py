"""A replay reads columns; the rules say of them what they say of the readings."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from hearthwatch.trials.replay.blocks import ReplayBlock
from hearthwatch.trials.replay.evaluate import evaluate
from hearthwatch.trials.replay.plan import ReplayPlan
from ingest.store import StoredReading, StoreSettings, open_store
from rules.engine.engine import Engine
from rules.readings.season import Season
from rules.transitions.raised import Gatherer, Raised
from tests.rules.shipped import shipped_rules
from wire.messages import Reading
from wire.topics import GatewayPath

START = 1_763_740_800_000
HOUR = 3_600_000
INTERVAL = 300_000
HOURS = 30
PLACE = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
DEVICES = tuple(f"mt-{number}" for number in range(6))


def bad_day(seed: int) -> list[StoredReading]:
    """Units that stop, report faults, go cold and lose sensors, registers and polls, each for a
    while at a time."""
    chance = random.Random(seed)
    return [one for device in DEVICES for one in _unit(device, chance)]


def _unit(device: str, chance: random.Random) -> list[StoredReading]:
    made, state, faults, bad, room_c = [], "heating", [], [], 20.0
    for turn in range(HOURS * HOUR // INTERVAL):
        if chance.random() < 0.1:
            state = chance.choice(["heating", "heating", "defrost", "off"])
        if chance.random() < 0.05:
            faults = chance.choice([[], [], ["fan:E8"], ["fan:E8", "water_flow:E1"]])
        if chance.random() < 0.05:
            bad = chance.choice(
                [[], [], ["room_c"], ["state"], ["faults"], ["room_c", "outdoor_c"]]
            )
        room_c += chance.uniform(-0.3, 0.28)
        values = {
            "room_c": room_c,
            "outdoor_c": -12.0,
            "supply_c": 41.5,
            "return_c": 36 + chance.random(),
        }
        values |= {
            "compressor_hz": 60.0,
            "power_w": 2_000.0,
            "flow_lpm": chance.choice([18.0, 18.0, 0.0]),
        }
        if chance.random() > 0.03:
            at = START + turn * INTERVAL + chance.randrange(9_000)
            reading = Reading(device, at, state, faults, values, bad)  # type: ignore[arg-type]
            made.append(StoredReading(PLACE, "e1", turn + 1, reading))
    return made


def plainly(readings: Sequence[StoredReading]) -> list[Raised]:
    """What the shipped rules say of the readings themselves."""
    engine, found = Engine(shipped_rules()), Gatherer()
    engine.expect(DEVICES, INTERVAL, "mentougou/zhaitang/matao")
    found.add(
        engine.observe([(one.gateway, one.reading) for one in readings], START + HOURS * HOUR)
    )
    return found.alerts()


@pytest.mark.parametrize("seed", range(3))
def test_columns_raise_what_readings_raise(tmp_path: Path, seed: int) -> None:
    settings = StoreSettings(url=f"sqlite:{tmp_path / 'readings.db'}")
    readings = bad_day(seed)
    store = open_store(settings)
    late = random.Random(seed).sample(range(len(readings)), 40)
    store.write([one for number, one in enumerate(readings) if number not in late])
    store.tend(START + 20 * HOUR)
    store.write([readings[number] for number in late])
    store.close()
    end = START + HOURS * HOUR
    plan = ReplayPlan(settings, shipped_rules(), None, Season(), START, START, end, silence=False)
    judged = evaluate(
        plan, ReplayBlock(dict.fromkeys(DEVICES, PLACE), {PLACE: INTERVAL}), lambda _: None
    )
    assert judged.readings == len(readings)
    assert judged.alerts == plainly(readings)
    assert {"fault", "low_room_temperature", "defrost_share"} <= {one.rule for one in judged.alerts}


def test_hours_without_a_reading_are_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "hearthwatch.trials.replay.evaluate._WINDOW_READINGS", 1
    )  # windows of an hour, most of them empty
    settings = StoreSettings(url=f"sqlite:{tmp_path / 'readings.db'}")
    store = open_store(settings)
    store.write([one for one in bad_day(0) if one.reading.at < START + HOUR])
    store.close()
    plan = ReplayPlan(
        settings, shipped_rules(), None, Season(), START, START, START + 40 * HOUR, silence=True
    )
    judged = evaluate(
        plan, ReplayBlock(dict.fromkeys(DEVICES, PLACE), {PLACE: INTERVAL}), lambda _: None
    )
    [gone] = [one for one in judged.alerts if one.rule == "gateway_offline"]
    assert START + HOUR < gone.at < START + 2 * HOUR
