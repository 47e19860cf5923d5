"""What letting time pass in houses costs: the five-minute steps of a season, and reading all their
points."""

from collections.abc import Callable
from dataclasses import replace
from time import process_time_ns

import numpy as np

from bench.table import Row, print_table
from simulators.physics.disturbance import Disturbance, undisturbed
from simulators.physics.fleet import Fleet, build_fleet, usual_fittings
from simulators.physics.measure import measure
from simulators.physics.state import FleetState, Start, at_rest
from simulators.physics.step import step
from simulators.physics.weather import WinterWeather

JANUARY = 1_767_196_800_000  # 2026-01-01T00:00+08:00
STEP_S = 300.0
VILLAGE = 30
BLOCKS = (2_000, 4_000, 8_000)
WARM_UP = 60


def a_block(units: int) -> tuple[Fleet, FleetState, Disturbance]:
    """Villages of mixed houses in a January; every tenth unit leaks."""
    number = np.arange(units)
    fittings = replace(
        usual_fittings(units), village=number // VILLAGE, position=number % VILLAGE / VILLAGE
    )
    generator = np.random.default_rng(1)
    fleet = build_fleet(
        generator.random(units) < 0.5, generator.uniform(0.8, 1.15, units), fittings
    )
    target = generator.uniform(19.0, 21.0, units)
    start = Start(target, target, np.zeros(units), generator.random(units))
    charge = np.where(number % 10 == 0, 0.8, 1.0)
    return fleet, at_rest(fleet, start, -3.0), replace(undisturbed(units), charge=charge)


def time_block(units: int, rounds: int) -> tuple[float, float]:
    """Nanoseconds of one core per house for one step, and for measuring all points once."""
    fleet, state, struck = a_block(units)
    weather = WinterWeather(1)

    def stepped(turn: int) -> None:
        nonlocal state
        now = JANUARY + turn * 300_000
        state = step(fleet, state, now, STEP_S, weather.at(now), struck)

    def measured(turn: int) -> None:
        measure(fleet, state, turn, weather.at(JANUARY), struck)

    return _each(stepped, rounds) / units, _each(measured, rounds) / units


def _each(work: Callable[[int], None], rounds: int) -> float:
    """Nanoseconds of processor time that one `work` takes once warm."""
    for turn in range(WARM_UP):
        work(turn)
    started = process_time_ns()
    for turn in range(WARM_UP, WARM_UP + rounds):
        work(turn)
    return (process_time_ns() - started) / rounds


def rows(quick: bool = False) -> list[Row]:
    """Processor time, so that other work on the machine disturbs it least; seconds in all."""
    found: list[Row] = []
    best = 0.0
    for units in BLOCKS:
        stepped, measured = time_block(units, 100 if quick else 400)
        note = f"5-minute steps, blocks of {units:,}"
        found.append(Row("physics, one house-step", stepped, "ns", "≤ 500", note))
        found.append(
            Row("physics, all points of a house", measured, "ns", "", f"blocks of {units:,}")
        )
        best = max(best, 1e3 / stepped)
    return [
        Row(
            "houses stepped per second and core", best, "million", "≥ 2", "best of the blocks below"
        ),
        *found,
    ]


if __name__ == "__main__":
    print_table(rows())
