"""One block of villages through the rules: simulated readings as columns, poll by poll."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hearthwatch.base.parallel import Progress
from hearthwatch.trials.block_result import BlockResult
from hearthwatch.trials.season.plan import SeasonPlan
from hearthwatch.trials.season.silence import silence
from hearthwatch.trials.season.sketch import SHOWN, Sketch, Sketcher
from rules.engine.engine import Engine
from rules.readings.batch import POINT_NUMBERS, Batch, columns
from rules.readings.columns import Ints
from rules.transitions.raised import Gatherer, Raised
from simulators.scoring.score import QuietWeeks, Score, quiet_weeks, score
from simulators.scoring.truths import ScoredAlert, Truth
from simulators.scoring.visibility import demanded
from simulators.season.block import BlockSeason
from simulators.season.layout import SeasonBlock
from simulators.season.poll import SeasonPoll

_REPORT_EVERY: Final = 100_000  # readings between two reports of progress


@dataclass(frozen=True, slots=True)
class SeasonBlockResult(BlockResult):
    """The alerts beside what really happened; `readings` are those that were heard.

    `sketch` is None unless a picture is wanted.
    """

    truths: list[Truth]
    score: Score
    quiet: QuietWeeks
    sketch: Sketch | None


def evaluate(plan: SeasonPlan, block: SeasonBlock, progress: Progress) -> SeasonBlockResult:
    """Run `block` through the season and the rules; `progress` takes how many more readings."""
    season = BlockSeason(plan.scenario, block, plan.span, plan.seed)
    sketcher = Sketcher(block.devices(), season.events, plan.span) if plan.sketched else None
    readings, alerts = _alerts(plan, block, season, sketcher, progress)
    topology = block.topology()
    truths = demanded(season.truths(), topology, plan.span.end)
    scored = score(truths, map(scored_alert, alerts), topology)
    return SeasonBlockResult(
        readings=readings,
        alerts=alerts,
        truths=truths,
        score=scored,
        quiet=quiet_weeks(truths, scored.false_alerts, topology, plan.span.start, plan.span.days),
        sketch=None if sketcher is None else sketcher.sketch,
    )


def _alerts(
    plan: SeasonPlan,
    block: SeasonBlock,
    season: BlockSeason,
    sketcher: Sketcher | None,
    progress: Progress,
) -> tuple[int, list[Raised]]:
    """Return how many readings were heard, and the alerts that they and the silences raise."""
    engine, gatherer = _engine(plan, block), Gatherer()
    slots = engine.fleet.slots(block.devices())
    readings = reported = 0
    for poll in season.polls({*engine.points, *(() if sketcher is None else SHOWN)}):
        batch = _batch(poll, slots, engine)
        gatherer.add(engine.step(batch, poll.at))
        readings += len(batch)
        if sketcher is not None:
            sketcher.observe(poll)
        if readings - reported >= _REPORT_EVERY:
            progress(readings - reported)
            reported = readings
    gatherer.add(silence(plan.rules, block, season.events, plan.span))
    progress(readings - reported)
    return readings, gatherer.alerts()


def _engine(plan: SeasonPlan, block: SeasonBlock) -> Engine:
    engine, devices = Engine(plan.rules), block.devices()
    for settlement, _, units in block.gateways():
        engine.expect([devices[unit] for unit in units], plan.span.step_ms, settlement.name)
    return engine


def _batch(poll: SeasonPoll, slots: np.ndarray, engine: Engine) -> Batch:
    """Return the readings that were heard, as the columns that the rules read."""
    points = {name: column for name, column in poll.points.items() if name in engine.points}
    shown = _pairs(poll.faults, engine.codes.number)
    bad = _pairs(poll.bad, POINT_NUMBERS.__getitem__)
    whole = columns(slots, np.full(len(slots), poll.at), poll.state, points, *shown, bad=bad)
    return whole if poll.heard is None else whole.take(poll.heard)


def _pairs(by_unit: Mapping[int, Sequence[str]], number: Callable[[str], int]) -> tuple[Ints, Ints]:
    """Return a pair of unit and number for each text."""
    pairs = [(unit, number(text)) for unit, texts in by_unit.items() for text in texts]
    units = np.array([unit for unit, _ in pairs], np.int64)
    return units, np.array([numbered for _, numbered in pairs], np.int64)


def scored_alert(alert: Raised) -> ScoredAlert:
    """Return an alert of the rules as the simulators' scoring takes it."""
    return ScoredAlert(
        alert.rule,
        alert.subject_kind,
        alert.subject,
        alert.code,
        alert.onset,
        alert.at,
        alert.cleared_at,
    )
