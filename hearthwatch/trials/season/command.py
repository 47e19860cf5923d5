"""`simulate season` as a whole: plan, evaluate blocks behind a progress bar, write the files."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hearthwatch.base.output_files import check_picture, written_by
from hearthwatch.base.parallel import spread, worker_count
from hearthwatch.base.progress import progress_bar
from hearthwatch.trials.season.evaluate import SeasonBlockResult, evaluate
from hearthwatch.trials.season.options import SeasonOptions
from hearthwatch.trials.season.plan import SeasonPlan, plan_season, time_zone
from hearthwatch.trials.season.result import SeasonResult
from hearthwatch.trials.season.sketch import Sketch
from rules.transitions.raised import Raised
from simulators.live.truth import TruthLog
from simulators.scoring.truths import Truth
from simulators.season.layout import blocks


def run_season(options: SeasonOptions, stop: threading.Event) -> tuple[SeasonResult, float]:
    """Return the season's result and the seconds it took, and write the files asked for.

    Raises UsageError, ConfigurationError, and FailedError once `stop` is set.
    """
    check_picture(options.picture)
    plan = plan_season(options)
    result, drawn = SeasonResult.empty(plan, options.units), Drawn()
    cut, workers = blocks(plan.scenario.fleet, options.units), worker_count(options.workers)
    began = time.monotonic()
    with (
        progress_bar("season", options.units * plan.span.polls, _pace, stop) as progress,
        _truth_log(options.truth) as log,
    ):
        for block_result in spread(evaluate, plan, cut, workers, progress):
            result.add(block_result)
            log(block_result.truths)
            drawn.add(block_result)
    seconds = time.monotonic() - began
    if options.picture is not None:
        _draw(options.picture, result, drawn, plan)
    return result, seconds


def _pace(readings: float) -> str:
    return f"{readings / 1e6:.2f} M readings/s"


@dataclass(slots=True)
class Drawn:
    """What the picture shows: the sketch of all blocks, every alert and every truth."""

    sketch: Sketch | None = None
    alerts: list[Raised] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)

    def add(self, block_result: SeasonBlockResult) -> None:
        """Add one block, unless it has no sketch."""
        sketch = block_result.sketch
        if sketch is None:
            return
        self.sketch = sketch if self.sketch is None else self.sketch.joined(sketch)
        self.alerts += block_result.alerts
        self.truths += block_result.truths


def _draw(path: Path, result: SeasonResult, drawn: Drawn, plan: SeasonPlan) -> None:
    from hearthwatch.trials.season.picture import draw  # matplotlib takes a second to load

    if drawn.sketch is None:
        return
    title = f"{result.scenario}, {result.units:,} units, {result.days} days, seed {result.seed}"
    with written_by("--picture", path):
        draw(path, title, drawn.sketch, drawn.alerts, drawn.truths, plan.span, time_zone())


@contextmanager
def _truth_log(path: Path | None) -> Iterator[Callable[[Iterable[Truth]], None]]:
    """Open a new truth file; yields the function that appends truths. None writes nothing."""
    if path is None:
        yield lambda truths: None
        return
    with written_by("--truth", path):
        path.unlink(missing_ok=True)
        log = TruthLog(path)

    def append(truths: Iterable[Truth]) -> None:
        for truth in truths:
            log.append(truth.to_document())

    try:
        yield append
    finally:
        log.close()
