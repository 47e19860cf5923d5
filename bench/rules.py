"""Time per reading and state per device of the shipped rules, at 57,000 devices.

The number of devices is that of requirements R18.

`python -m bench rules` prints the table. In each figure polls of the whole fleet pass, one after
the other: a seventh of the fleet is defrosting, one device in a hundred is cold and one reports a
fault, values wander as in a winter night. Times are CPU time of this process; the median of the
rounds counts.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns, process_time_ns

from alerts.core.district import District
from alerts.late.restart_gap import missed_readings
from alerts.snapshot import SnapshotFile
from bench.table import Row, print_table
from bench.winter_night import (
    CORES,
    DEVICES,
    LIVE_MS,
    PER_GATEWAY,
    REPLAY_MS,
    REPLAY_ROUNDS,
    ROUNDS,
    START,
    Item,
    batches,
    device_names,
    device_rules,
    messages,
    polls,
    shipped_rules,
)
from desk.ledger.known import KnownGateway
from ingest.store import StoredReading, StoreSettings, open_store
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.presence.presence import Presence
from wire.messages import Reading
from wire.topics import GatewayPath


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
