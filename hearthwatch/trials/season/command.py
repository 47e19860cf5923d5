"""`simulate season` as a whole: what was asked for, the blocks at work behind a progress bar, and
what is written."""

import datetime as dt
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from alerts.rulebook import load_rules
from alerts.settings import RulesSettings
from hearthwatch.base.errors import FailedError, UsageError
from hearthwatch.base.outputs import check_picture
from hearthwatch.base.parallel import spread
from hearthwatch.base.periods import parse_length
from hearthwatch.base.progress import progress_bar
from hearthwatch.run.rule_files import shipped_rule_files
from hearthwatch.run.simulation import find_scenario
from hearthwatch.trials.season.judge import Judged, Plan, judge
from hearthwatch.trials.season.result import SeasonResult
from hearthwatch.trials.season.sketch import Sketch
from simulators.live.truth import TruthLog
from simulators.scenario.scenario import load_scenario
from simulators.scoring.truths import ScoredAlert, Truth
from simulators.season.layout import blocks
from simulators.season.span import SeasonSpan
from wire.units import DAY_MS, HOUR_MS, MINUTE_MS

_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class SeasonOptions:
    """What was asked for; the texts as they were written."""

    scenario: str
    units: int
    days: int
    start: str
    step: str
    seed: int
    workers: int | None = None
    truth: Path | None = None
    picture: Path | None = None


def run_season(options: SeasonOptions, stop: threading.Event) -> tuple[SeasonResult, float]:
    """The season's result and the seconds it took; raises UsageError, ConfigurationError, and
    FailedError on `stop`."""
    check_picture(options.picture)
    scenario = load_scenario(find_scenario(options.scenario))
    rules = load_rules(RulesSettings(files=shipped_rule_files()))
    span = SeasonSpan(_start(options.start), options.days, _step(options.step))
    result = SeasonResult(
        scenario.name, options.seed, options.units, options.days, span.step_ms, len(rules)
    )
    plan = Plan(scenario, rules, span, options.seed, sketched=options.picture is not None)
    cut = blocks(scenario.fleet, options.units)
    workers = options.workers or os.cpu_count() or 1
    gathered = Gathered()
    began = time.monotonic()
    with _progress(options.units * span.polls, stop) as progress, _truth_log(options.truth) as note:
        for judged in spread(judge, plan, cut, workers, progress):
            result.add(judged)
            for truth in judged.truths:
                note(truth.to_document())
            gathered.add(judged)
    seconds = time.monotonic() - began
    if options.picture is not None:
        _draw(options.picture, result, gathered, span)
    return result, seconds


@dataclass(slots=True)
class Gathered:
    """What the picture is drawn from: the sketch of all blocks, and every alert and truth."""

    sketch: Sketch | None = None
    alerts: list[ScoredAlert] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    def add(self, judged: Judged) -> None:
        """Take in one block, if it was sketched."""
        if judged.sketch is not None:
            self.sketch = (
                judged.sketch if self.sketch is None else self.sketch.joined(judged.sketch)
            )
            self.alerts += judged.alerts
            self.truths += judged.truths


def _draw(path: Path, result: SeasonResult, gathered: Gathered, span: SeasonSpan) -> None:
    from hearthwatch.trials.season.picture import draw  # matplotlib takes a second to load

    if gathered.sketch is None:
        return
    title = f"{result.scenario}, {result.units:,} units, {result.days} days, seed {result.seed}"
    try:
        draw(path, title, gathered.sketch, gathered.alerts, gathered.truths, span)
    except OSError as error:
        raise UsageError(f"--picture: cannot write {path}: {error.strerror}") from error


def _start(text: str) -> int:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--start: {text!r} is not a date; write it like 2025-11-01") from error
    return round(dt.datetime.combine(day, dt.time(), _SHANGHAI).timestamp() * 1000)


def _step(text: str) -> int:
    step = parse_length("--step", text)
    if not 0 < step <= HOUR_MS or DAY_MS % step or step % MINUTE_MS:
        raise UsageError("--step: write whole minutes that divide a day, at most an hour, like 5m")
    return step


@contextmanager
def _progress(readings: int, stop: threading.Event) -> Iterator[Callable[[int], None]]:
    """A bar that is told of every so many readings more; where it hears of `stop`, it raises."""
    with progress_bar("season", readings, lambda pace: f"{pace / 1e6:.2f} M readings/s") as bar:

        def advance(more: int) -> None:
            if stop.is_set():
                raise FailedError("stopped before the end of the season")
            bar(more)

        yield advance


@contextmanager
def _truth_log(path: Path | None) -> Iterator[Callable[[dict[str, object]], None]]:
    if path is None:
        yield lambda document: None
        return
    try:
        path.unlink(missing_ok=True)
        log = TruthLog(path)
    except OSError as error:
        raise UsageError(f"--truth: cannot write {path}: {error.strerror}") from error
    try:
        yield log.append
    finally:
        log.close()


def print_tables(result: SeasonResult, seconds: float) -> None:
    """The result for people, on standard output."""
    width = None if sys.stdout.isatty() else 140
    Console(width=width).print(result.to_tables(seconds))
