"""How long the rules take per reading, with the shipped rules, at 57,000 devices (requirements.md R18).

`python -m bench.rules` prints the table. In each figure one poll of the whole fleet passes, again and again, 30 s
apart: a seventh of the fleet is defrosting, one device in a hundred is cold and one reports a fault; the median of the
rounds counts.
"""

import random
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Final, TypeVar

import numpy as np

from bench.table import Row, print_table
from rules.batch import STATE_CODES, Batch, columns
from rules.definition import Rule, parse_rule
from rules.engine import Engine
from rules.presence import Presence
from wire.messages import Reading
from wire.topics import Place

DEVICES: Final = 57_000
PER_GATEWAY: Final = 30
INTERVAL_MS: Final = 30_000
START: Final = 1_763_740_000_000
ROUNDS: Final = 12
Item = TypeVar("Item")
_RULES = Path(__file__).parent.parent / "config" / "rules"


def shipped_rules() -> list[Rule]:
    """The rules of config/rules."""
    files = sorted(_RULES.glob("*.toml"))
    return [rule for file in files for rule in parse_rule(tomllib.loads(file.read_text(encoding="utf-8")))]


def device_names() -> list[str]:
    """Ids like those of a district."""
    return [f"mtg-ql-{number:05d}" for number in range(DEVICES)]


def poll(number: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One poll of the fleet: states, room temperatures, and the rows of devices with a fault."""
    state = np.full(DEVICES, STATE_CODES["heating"], np.int8)
    # Half an hour of heating, five minutes of defrosting, each house at its own time.
    state[(np.arange(DEVICES) + number) % 70 < 10] = STATE_CODES["defrost"]
    room = 20.0 + generator.normal(0.0, 0.8, DEVICES)
    room[generator.random(DEVICES) < 0.02] = np.nan
    return state, room, np.flatnonzero(np.arange(DEVICES) % 100 == number // 10 % 100)


def batches(engine: Engine, size: int) -> Iterator[list[Batch]]:
    """Each round's poll, cut into batches of `size` readings."""
    generator = np.random.default_rng(1)
    slots = engine.fleet.slots(device_names())
    code = engine.codes.number("high_pressure:P1")
    for number in range(ROUNDS):
        state, room, faulty = poll(number, generator)
        cut: list[Batch] = []
        for first in range(0, DEVICES, size):
            rows = slice(first, min(first + size, DEVICES))
            fault_rows = faulty[(faulty >= first) & (faulty < first + size)] - first
            at = np.full(len(slots[rows]), START + number * INTERVAL_MS)
            points = {"room_c": room[rows]}
            cut.append(columns(slots[rows], at, state[rows], points, fault_rows, np.full(len(fault_rows), code)))
        yield cut


def messages(size: int) -> Iterator[list[list[tuple[Place, Reading]]]]:
    """The same as `wire` readings with twelve points each."""
    generator = np.random.default_rng(1)
    names = device_names()
    states = tuple(STATE_CODES)
    places = [Place("mentougou", "zhaitang", f"v-{n // 200}", f"g-{n // PER_GATEWAY}") for n in range(DEVICES)]
    rest = dict.fromkeys(("supply_c", "return_c", "outdoor_c", "coil_c", "compressor_hz", "power_w"), 41.5)
    rest |= dict.fromkeys(("energy_kwh", "voltage_v", "current_a", "flow_lpm", "high_bar"), 12.0)
    for number in range(ROUNDS):
        state, room, faulty = poll(number, generator)
        faults = set(faulty.tolist())
        readings = []
        for row, name in enumerate(names):
            values = dict(rest) if np.isnan(room[row]) else rest | {"room_c": float(room[row])}
            codes = ["high_pressure:P1"] if row in faults else []
            at = START + number * INTERVAL_MS
            readings.append((places[row], Reading(name, at, states[state[row]], codes, values)))
        yield [readings[first : first + size] for first in range(0, DEVICES, size)]


def median_ns(rounds: Iterator[Sequence[Item]], work: Callable[[Item], object]) -> float:
    """Nanoseconds per reading of the median round after the first, which fills the fleet."""
    times: list[int] = []
    for items in rounds:
        started = perf_counter_ns()
        for item in items:
            work(item)
        times.append(perf_counter_ns() - started)
    return median(times[1:]) / DEVICES


def time_columns(size: int) -> float:
    """Nanoseconds per reading when columns come in batches of `size`."""
    engine = Engine(shipped_rules())
    now = START + ROUNDS * INTERVAL_MS
    return median_ns(batches(engine, size), lambda batch: engine.step(batch, now))


def time_readings(size: int) -> float:
    """Nanoseconds per reading when `wire` readings come in batches of `size`."""
    engine = Engine(shipped_rules())
    now = START + ROUNDS * INTERVAL_MS
    return median_ns(messages(size), lambda part: engine.observe(part, now))


def time_presence() -> tuple[float, float]:
    """Nanoseconds per device for hearing one poll of the fleet, and milliseconds for one step over it."""
    names = device_names()
    places = [Place("mentougou", "zhaitang", f"v-{g // 7}", f"g-{g}") for g in range(DEVICES // PER_GATEWAY)]
    groups = [names[g * PER_GATEWAY : (g + 1) * PER_GATEWAY] for g in range(len(places))]
    presence = Presence(shipped_rules(), START)
    for place, group in zip(places, groups, strict=True):
        presence.announce(place, group, INTERVAL_MS, START)
    heard, stepped = [], []
    for number in range(1, ROUNDS):
        now = START + number * INTERVAL_MS
        started = perf_counter_ns()
        for place, group in zip(places, groups, strict=True):
            presence.heard(place, group, INTERVAL_MS, now)
        heard.append(perf_counter_ns() - started)
        started = perf_counter_ns()
        presence.step(now + random.Random(number).randrange(1_000))
        stepped.append(perf_counter_ns() - started)
    return median(heard) / DEVICES, max(stepped) / 1e6


def rows(quick: bool = False) -> list[Row]:
    """All figures; they take seconds, so `quick` changes nothing."""
    aim, shape = "≤ 500", f"{DEVICES:,} devices, shipped rules"
    heard, stepped = time_presence()
    return [
        Row("rules, columns, whole fleet", time_columns(DEVICES), "ns/reading", aim, shape),
        Row("rules, columns, batches of 1,000", time_columns(1_000), "ns/reading", aim, shape),
        Row("rules, readings, whole fleet", time_readings(DEVICES), "ns/reading", "", "filling columns included"),
        Row("rules, readings, batches of 1,000", time_readings(1_000), "ns/reading", "", "filling columns included"),
        Row("presence, one reading heard", heard, "ns/reading", aim, shape),
        Row("presence, one step, slowest", stepped, "ms", "", "once a second; all heard, none silent"),
    ]


if __name__ == "__main__":
    print_table(rows())
