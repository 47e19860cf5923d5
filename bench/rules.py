"""Time per reading and state per device of the shipped rules, at 57,000 devices.

The number of devices is that of requirements R18.

`python -m bench rules` prints the table. In each figure polls of the whole fleet pass, one after
the other: a seventh of the fleet is defrosting, one device in a hundred is cold and one reports a
fault, values wander as in a winter night. Times are CPU time of this process; the median of the
rounds counts.
"""

import random
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns, process_time_ns
from typing import Final, TypeVar

import numpy as np

from alerts.core.district import District
from alerts.late.restart_gap import missed_readings
from alerts.snapshot import SnapshotFile
from bench.table import Row, print_table
from desk.ledger.known import KnownGateway
from ingest.store import StoredReading, StoreSettings, open_store
from rules.definition import parse_rule
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.presence.presence import Presence
from rules.readings.batch import STATE_CODES, Batch, columns
from rules.watches.device_rule import DeviceRule
from wire.messages import Reading
from wire.topics import GatewayPath

DEVICES: Final = 57_000
PER_GATEWAY: Final = 30
LIVE_MS: Final = 30_000
REPLAY_MS: Final = 300_000
START: Final = 1_763_740_000_000
ROUNDS: Final = 14
REPLAY_ROUNDS: Final = 12
"""Polls of an hour: rules that are evaluated hourly run once; an hour before fills their state."""
CORES: Final = 2
Item = TypeVar("Item")
_RULES = Path(__file__).parent.parent / "config" / "rules"

NIGHT: Final = {
    "outdoor_c": (-8.0, 3.0),
    "return_c": (36.0, 1.5),
    "room_c": (20.0, 0.8),
    "compressor_hz": (60.0, 8.0),
    "energy_kwh": (3_000.0, 900.0),
    "voltage_v": (221.0, 3.0),
    "flow_lpm": (18.0, 1.0),
    "fan_rpm": (800.0, 60.0),
    "exv_steps": (240.0, 30.0),
}
"""Mean and spread of points on a cold night; `_unit` derives the other points."""

NOISE: Final = 0.05
"""The share of its spread by which a point moves from one poll to the next."""


def shipped_rules() -> list[Rule]:
    """Return the rules of config/rules."""
    files = sorted(_RULES.glob("*.toml"))
    return [
        rule
        for file in files
        for rule in parse_rule(tomllib.loads(file.read_text(encoding="utf-8")))
    ]


def device_rules() -> list[DeviceRule]:
    """Return the rules that are evaluated on readings."""
    return [rule for rule in shipped_rules() if isinstance(rule, DeviceRule)]


@cache
def device_names(count: int) -> list[str]:
    """Return ids like those of a district."""
    return [f"mtg-ql-{number:05d}" for number in range(count)]


@dataclass(frozen=True, slots=True)
class FleetPoll:
    """One poll of the fleet: states, points by name, and the rows of devices with a fault."""

    at: int
    state: np.ndarray
    points: dict[str, np.ndarray]
    faulty: np.ndarray


@cache
def polls(count: int, interval_ms: int, rounds: int = ROUNDS) -> list[FleetPoll]:
    """Return so many polls of `count` devices, `interval_ms` apart."""
    generator = np.random.default_rng(1)
    levels = {name: generator.normal(mean, spread, count) for name, (mean, spread) in NIGHT.items()}
    return [_poll(number, interval_ms, levels, generator) for number in range(rounds)]


def _poll(
    number: int, interval_ms: int, levels: dict[str, np.ndarray], generator: np.random.Generator
) -> FleetPoll:
    count = len(levels["room_c"])
    state = np.full(count, STATE_CODES["heating"], np.int8)
    # Half an hour of heating, five minutes of defrosting, each house at its own time.
    minutes = (np.arange(count) * 0.5 + number * interval_ms / 60_000) % 35
    state[minutes < 5] = STATE_CODES["defrost"]
    wandering = {
        name: level + generator.normal(0.0, NIGHT[name][1] * NOISE, count)
        for name, level in levels.items()
    }
    points = wandering | _unit(wandering, state == STATE_CODES["defrost"])
    points["room_c"][generator.random(count) < 0.02] = np.nan
    points["room_c"][np.arange(count) % 100 == 7] -= 4.0
    return FleetPoll(
        START + number * interval_ms,
        state,
        points,
        np.flatnonzero(np.arange(count) % 100 == number // 10 % 100),
    )


def _unit(points: dict[str, np.ndarray], defrosts: np.ndarray) -> dict[str, np.ndarray]:
    """Return the points derived from the others at a COP of 2.6 (physics §20.1 to §20.3)."""
    power_w = 40.0 * points["compressor_hz"]
    heat_w = np.where(defrosts, -3_000.0, 2.6 * power_w)
    supply_c = points["return_c"] + heat_w / (points["flow_lpm"] * 4_147.0 / 60.0)
    coil_c = np.where(defrosts, 5.0, points["outdoor_c"] - 7.0)
    return {
        "power_w": power_w,
        "heat_w": heat_w,
        "supply_c": supply_c,
        "setpoint_c": supply_c + 1.0,
        "discharge_c": supply_c + 32.0,
        "coil_c": coil_c,
        "suction_c": coil_c + 4.0,
        "current_a": power_w / 218.0,
        "high_bar": 0.5 * supply_c + 5.0,
        "low_bar": 0.1 * coil_c + 6.5,
    }


def batches(engine: Engine, polled: Sequence[FleetPoll], size: int) -> Iterator[list[Batch]]:
    """Yield each poll, cut into batches of `size` readings."""
    count = len(polled[0].state)
    slots = engine.fleet.slots(device_names(count))
    code = engine.codes.number("high_pressure:P1")
    for poll in polled:
        cut: list[Batch] = []
        for first in range(0, count, size):
            rows = slice(first, min(first + size, count))
            faults = poll.faulty[(poll.faulty >= first) & (poll.faulty < first + size)] - first
            points = {
                name: values[rows] for name, values in poll.points.items() if name in engine.points
            }
            at = np.full(len(slots[rows]), poll.at)
            cut.append(
                columns(
                    slots[rows], at, poll.state[rows], points, faults, np.full(len(faults), code)
                )
            )
        yield cut


def messages(size: int) -> Iterator[list[list[tuple[GatewayPath, Reading]]]]:
    """Yield the first polls as `wire` readings."""
    names, states = device_names(DEVICES), tuple(STATE_CODES)
    places = [
        GatewayPath("mentougou", "zhaitang", f"v-{n // 200}", f"g-{n // PER_GATEWAY}")
        for n in range(DEVICES)
    ]
    for poll in polls(DEVICES, LIVE_MS)[:4]:
        table = np.stack(list(poll.points.values()), axis=1).tolist()
        faults = set(poll.faulty.tolist())
        readings = []
        for row, (name, values) in enumerate(zip(names, table, strict=True)):
            known = {
                point: value
                for point, value in zip(poll.points, values, strict=True)
                if value == value
            }
            codes = ["high_pressure:P1"] if row in faults else []
            readings.append(
                (places[row], Reading(name, poll.at, states[poll.state[row]], codes, known))
            )
        yield [readings[first : first + size] for first in range(0, DEVICES, size)]


def median_ns(
    rounds: Iterator[Sequence[Item]], work: Callable[[Item], object], readings: int
) -> float:
    """Return the CPU ns per reading of the median round; the first round fills the fleet."""
    times: list[int] = []
    for items in rounds:
        started = process_time_ns()
        for item in items:
            work(item)
        times.append(process_time_ns() - started)
    return median(times[1:]) / readings


def time_columns(
    rules: Sequence[Rule], size: int, interval_ms: int = LIVE_MS, count: int = DEVICES
) -> float:
    """Return the ns per reading when columns come in batches of `size`."""
    engine = Engine(rules)
    engine.expect(device_names(count), interval_ms)
    polled = polls(count, interval_ms)
    return median_ns(batches(engine, polled, size), lambda batch: engine.step(batch, START), count)


def time_readings(size: int) -> float:
    """Return the ns per reading when `wire` readings come in batches of `size`."""
    engine = Engine(shipped_rules())
    return median_ns(messages(size), lambda part: engine.observe(part, START), DEVICES)


def replayed(count: int) -> float:
    """Return the seconds that polls of `count` devices take through all rules; runs alone."""
    engine = Engine(shipped_rules())
    engine.expect(device_names(count), REPLAY_MS)
    ready = [
        part
        for cut in batches(engine, polls(count, REPLAY_MS, 2 * REPLAY_ROUNDS), count)
        for part in cut
    ]
    for part in ready[:REPLAY_ROUNDS]:
        engine.step(part, START)
    started = perf_counter()
    for part in ready[REPLAY_ROUNDS:]:
        engine.step(part, START)
    return perf_counter() - started


def time_replay() -> float:
    """Return the million readings a second through all rules, on CORES processes at once."""
    each = DEVICES // CORES
    with ProcessPoolExecutor(CORES) as pool:
        slowest = max(pool.map(replayed, [each] * CORES))
    return CORES * each * REPLAY_ROUNDS / slowest / 1e6


def bytes_per_device(rules: Sequence[Rule]) -> float:
    """Return the bytes per device that a snapshot of `rules` and of the fleet holds.

    Names, the table of slots and, for rules with sparse state, a flag byte per device are left
    out.
    """
    engine = Engine(rules)
    for cut in batches(engine, polls(DEVICES, LIVE_MS)[:2], DEVICES):
        for batch in cut:
            engine.step(batch, START)
    kept = {name: values for name, values in engine.snapshot().items() if values.dtype.kind != "U"}
    return sum(values.nbytes for values in kept.values()) / DEVICES


def time_restart() -> tuple[float, float]:
    """Return the seconds until a restarted service has caught up, and has evaluated the fleet.

    The service stopped one poll ago: the reading store holds a poll that it has not evaluated.
    """
    with tempfile.TemporaryDirectory() as folder:
        seen, missed, fresh = list(messages(DEVICES))[:3]
        _stop(Path(folder), seen[0], missed[0])
        started = perf_counter()
        after = District(shipped_rules(), START)
        after.restore(SnapshotFile(Path(folder)).read())
        after.learn(_known(), START)
        store = open_store(_store(Path(folder)))
        for chunk in missed_readings(store, after.evaluated_upto(), REPLAY_MS, START + LIVE_MS):
            after.catch_up(chunk, START)
            after.take_round(START)
        caught_up = perf_counter() - started
        after.catch_up(fresh[0], START)
        after.take_round(START)
        store.close()
        return caught_up, perf_counter() - started


def _stop(
    folder: Path, seen: list[tuple[GatewayPath, Reading]], missed: list[tuple[GatewayPath, Reading]]
) -> None:
    before = District(shipped_rules(), START)
    before.learn(_known(), START)
    before.catch_up(seen, START)
    before.take_round(START)
    SnapshotFile(folder).write(before.snapshot())
    store = open_store(_store(folder))
    for readings in (seen, missed):
        store.write(
            [
                StoredReading(gateway, "e", number, reading)
                for number, (gateway, reading) in enumerate(readings)
            ]
        )
    store.close()


def _store(folder: Path) -> StoreSettings:
    return StoreSettings(url=f"sqlite:{folder}/readings.db")


def _known() -> list[KnownGateway]:
    names = device_names(DEVICES)
    gateways = range(0, DEVICES, PER_GATEWAY)
    return [
        KnownGateway(
            GatewayPath("mentougou", "zhaitang", f"v-{first // 200}", f"g-{first // PER_GATEWAY}"),
            LIVE_MS,
            names[first : first + PER_GATEWAY],
        )
        for first in gateways
    ]


def time_presence() -> tuple[float, float]:
    """Return the ns per device for hearing a poll of the fleet, and the ms of one step."""
    names = device_names(DEVICES)
    places = [
        GatewayPath("mentougou", "zhaitang", f"v-{g // 7}", f"g-{g}")
        for g in range(DEVICES // PER_GATEWAY)
    ]
    groups = [names[g * PER_GATEWAY : (g + 1) * PER_GATEWAY] for g in range(len(places))]
    presence = Presence(shipped_rules(), START)
    for place, group in zip(places, groups, strict=True):
        presence.announce(place, group, LIVE_MS, START)
    heard, stepped = [], []
    for number in range(1, ROUNDS):
        now = START + number * LIVE_MS
        started = perf_counter_ns()
        for place, group in zip(places, groups, strict=True):
            presence.heard(place, group, LIVE_MS, now)
        heard.append(perf_counter_ns() - started)
        started = perf_counter_ns()
        presence.step(now + random.Random(number).randrange(1_000))
        stepped.append(perf_counter_ns() - started)
    return median(heard) / DEVICES, max(stepped) / 1e6


def rule_rows(shared_ns: float, shared_bytes: float) -> list[Row]:
    """Measure each rule alone: its time beyond that without any rule, and its state."""
    return [
        Row(
            f"rule {rule.id}",
            max(0.0, time_columns([rule], DEVICES) - shared_ns),
            "ns/reading",
            "≤ 60",
            f"{bytes_per_device([rule]) - shared_bytes:.0f} bytes per device; "
            "whole fleet as columns, every 30 s",
        )
        for rule in device_rules()
    ]


def rows(quick: bool = False) -> list[Row]:
    """Return all figures; `quick` leaves out those of each rule alone."""
    rules = device_rules()
    shape = f"{DEVICES:,} devices, {len(rules)} rules"
    shared_ns, shared_bytes = time_columns([], DEVICES), bytes_per_device([])
    heard, stepped = time_presence()
    caught_up, restarted = time_restart()
    all_ns = time_columns(rules, DEVICES)
    return [
        *([] if quick else rule_rows(shared_ns, shared_bytes)),
        Row("rules, columns, whole fleet", all_ns, "ns/reading", "≤ 500", shape),
        Row("… per reading and rule", all_ns / len(rules), "ns", "≤ 60", "shared work included"),
        Row("… without any rule", shared_ns, "ns/reading", "", "sorting, gaps, what came before"),
        Row(
            "rules, columns, batches of 1,000", time_columns(rules, 1_000), "ns/reading", "", shape
        ),
        Row(
            "rules, readings, batches of 1,000",
            time_readings(1_000),
            "ns/reading",
            "",
            "filling columns included",
        ),
        Row(
            "replay through all rules",
            time_replay(),
            "million readings/s",
            "≥ 4",
            f"{CORES} processes, every 5 min",
        ),
        Row("state of all rules", bytes_per_device(rules), "bytes/device", "≤ 1,024", shape),
        Row(
            "restart, caught up with a missed poll",
            caught_up,
            "s",
            "≤ 5",
            "snapshot, register, SQLite",
        ),
        Row("restart to the first evaluation", restarted, "s", "≤ 5", shape),
        Row("presence, one reading heard", heard, "ns/reading", "", shape),
        Row(
            "presence, one step, slowest",
            stepped,
            "ms",
            "",
            "once a second; all heard, none silent",
        ),
    ]


if __name__ == "__main__":
    print_table(rows())
