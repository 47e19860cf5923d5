"""A winter night of the fleet, poll by poll: what the benchmarks of the rules evaluate."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from rules.definition import parse_rule
from rules.document.rule import Rule
from rules.engine.engine import Engine
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
