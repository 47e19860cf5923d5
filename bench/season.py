"""A season of a district through physics and all shipped rules: speed, memory, detection.

`python -m bench.season` runs a slice in blocks of the size that a district's have, and extrapolates
from it (the rows say so); `--full` runs the 57,000 units and 151 days themselves.
"""

import argparse
import os
import resource
import threading

from bench.table import Row, print_table
from hearthwatch.trials.season.command import run_season
from hearthwatch.trials.season.options import SeasonOptions
from hearthwatch.trials.season.result import SeasonResult
from simulators.scoring.signs import SIGNS

UNITS = 57_000  # of the district that is on line, requirements R18
DAYS = 151  # 1 November to 31 March, requirements R21
SLICE_UNITS = UNITS // 2
SLICE_DAYS, QUICK_DAYS = 6, 2
CORES = 2
POLLS_A_DAY = 288
LEAST_COUNTED = 10  # injected faults of a class, for its share to be meaningful


def rows(quick: bool = False) -> list[Row]:
    """Measure the slice; `quick` takes fewer days."""
    days = QUICK_DAYS if quick else SLICE_DAYS
    result, seconds = _run(SLICE_UNITS, days)
    whole_min = UNITS * DAYS * POLLS_A_DAY / (result.readings / seconds) / 60.0
    sample = f"{SLICE_UNITS:,} units and {days} days"
    note = f"EXTRAPOLATED from {sample}; {result.rules} rules, {_workers()} processes"
    return [
        *_speed(result, seconds),
        Row("season of 57,000 units", whole_min, "min", "≤ 20", note),
        _memory(),
    ]


def full_rows() -> list[Row]:
    """Measure the whole season, with the worst figures of any class."""
    result, seconds = _run(UNITS, DAYS)
    took = Row(
        "season of 57,000 units",
        seconds / 60.0,
        "min",
        "≤ 20",
        f"{DAYS} days, {result.rules} rules",
    )
    false = Row("false tickets", result.false_per_1000_unit_days, "per 1,000 unit-days", "≤ 0.2")
    return [*_speed(result, seconds), took, _memory(), false, *_worst(result)]


def _run(units: int, days: int) -> tuple[SeasonResult, float]:
    options = SeasonOptions(
        scenario="season-of-a-township",
        units=units,
        days=days,
        start="2025-11-01",
        step="5m",
        seed=1,
        workers=_workers(),
    )
    return run_season(options, threading.Event())


def _workers() -> int:
    return min(CORES, os.cpu_count() or 1)


def _speed(result: SeasonResult, seconds: float) -> list[Row]:
    per_s = result.readings / seconds
    aim = f"≥ {UNITS * DAYS * POLLS_A_DAY / 1200 / CORES / 1e6:.2f}"
    note = "physics, sensors, rules and scoring"
    return [
        Row(
            "season, readings",
            per_s / 1e6,
            "million/s",
            f"≥ {2 * float(aim[2:]):.2f}",
            f"{note}; {_workers()} cores",
        ),
        Row("season, readings per core", per_s / _workers() / 1e6, "million/s", aim, note),
    ]


def _memory() -> Row:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    note = "this process and the largest worker, counted once for each"
    return Row("season, memory", (own + _workers() * worker) / 1024, "MB", "≤ 4,096", note)


def _worst(result: SeasonResult) -> list[Row]:
    """Return the lowest recall and precision among hard faults and among drifts."""
    return [
        row
        for hard, name, recall, precision in (
            (True, "hard faults", 0.99, 0.98),
            (False, "drifts", 0.9, 0.9),
        )
        for share, aim in (("recall", recall), ("precision", precision))
        if (row := _lowest(result, hard, f"{name}, lowest {share}", share, aim)) is not None
    ]


def _lowest(result: SeasonResult, hard: bool, name: str, share: str, aim: float) -> Row | None:
    """Return the class with the lowest `share`; None if no class has enough faults."""
    shares = {
        kind: getattr(figures, share) or 0.0
        for kind, figures in result.score.classes.items()
        if kind in SIGNS and SIGNS[kind].hard == hard and figures.injected >= LEAST_COUNTED
    }
    if not shares:
        return None
    worst = min(shares, key=shares.__getitem__)
    return Row(name, shares[worst], "", f"≥ {aim}", f"{worst}, of {len(shares)} classes")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer days")
    parser.add_argument(
        "--full", action="store_true", help="the whole district and season, some twenty minutes"
    )
    options = parser.parse_args()
    print_table(full_rows() if options.full else rows(options.quick))


if __name__ == "__main__":
    main()
