"""The cost of simulated houses: five-minute steps of a season, and measuring all points."""

from collections.abc import Callable
from dataclasses import replace
from time import process_time_ns

import numpy as np

from bench.table import Row, print_table
from simulators.physics.disturbance import Disturbance, undisturbed
from simulators.physics.fleet.equipment import SimulatedFleet, build_fleet, usual_fittings
from simulators.physics.fleet.measure import measure
from simulators.physics.fleet.state import FleetState, Start, at_rest
from simulators.physics.fleet.step import step
from simulators.physics.weather.winter import WinterWeather

JANUARY = 1_767_196_800_000  # 2026-01-01T00:00+08:00
STEP_S = 300.0
VILLAGE = 30
BLOCKS = (2_000, 4_000, 8_000)
WARM_UP = 60


def a_block(units: int) -> tuple[SimulatedFleet, FleetState, Disturbance]:
    """Return villages of mixed houses in a January; every tenth unit leaks."""
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
    """Return the nanoseconds per house of one step, and of measuring all points once."""
    fleet, state, struck = a_block(units)
    weather = WinterWeather(1)

    def stepped(round_: int) -> None:
        nonlocal state
        now = JANUARY + round_ * 300_000
        state = step(fleet, state, now, STEP_S, weather.at(now), struck)

    def measured(round_: int) -> None:
        measure(fleet, state, round_, weather.at(JANUARY), struck)

    return _each(stepped, rounds) / units, _each(measured, rounds) / units


def _each(work: Callable[[int], None], rounds: int) -> float:
    """Return the nanoseconds of processor time of one `work`, once warm."""
    for round_ in range(WARM_UP):
        work(round_)
    started = process_time_ns()
    for round_ in range(WARM_UP, WARM_UP + rounds):
        work(round_)
    return (process_time_ns() - started) / rounds


def rows(quick: bool = False) -> list[Row]:
    """Measure processor time, which other work on the machine disturbs least; takes seconds."""
    figures: list[Row] = []
    best = 0.0
    for units in BLOCKS:
        stepped, measured = time_block(units, 100 if quick else 400)
        note = f"5-minute steps, blocks of {units:,}"
        figures.append(Row("physics, one house-step", stepped, "ns", "≤ 500", note))
        figures.append(
            Row("physics, all points of a house", measured, "ns", "", f"blocks of {units:,}")
        )
        best = max(best, 1e3 / stepped)
    return [
        Row(
            "houses stepped per second and core", best, "million", "≥ 2", "best of the blocks below"
        ),
        *figures,
    ]


if __name__ == "__main__":
    print_table(rows())
