"""One block of a season through the rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hearthwatch.base.parallel import Progress
from hearthwatch.trials.season.absences import silence
from hearthwatch.trials.season.episodes import Episodes
from hearthwatch.trials.season.sketch import SHOWN, Sketch, Sketcher
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.readings.batch import POINT_NUMBERS, Batch, columns
from rules.readings.columns import Ints
from simulators.scenario.scenario import Scenario
from simulators.scoring.score import QuietWeeks, Score, quiet_weeks, score
from simulators.scoring.truths import Alert, Truth
from simulators.scoring.visibility import demanded
from simulators.season.block import BlockSeason
from simulators.season.layout import Block
from simulators.season.poll import Poll
from simulators.season.span import Span

_TELL_EVERY: Final = 100_000  # readings between two words of progress


@dataclass(frozen=True, slots=True)
class Plan:
    """What every block of a season shares; `sketched` where a picture is wanted."""

    scenario: Scenario
    rules: Sequence[Rule]
    span: Span
    seed: int
    sketched: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one block; `readings` are those that were heard."""

    readings: int
    alerts: list[Alert]
    truths: list[Truth]
    score: Score
    quiet: QuietWeeks
    sketch: Sketch | None


def judge(plan: Plan, block: Block, progress: Progress) -> Judged:
    """Run `block` through the season and its rules; `progress` is told how many readings more are
    done."""
    season = BlockSeason(plan.scenario, block, plan.span, plan.seed)
    engine = Engine(plan.rules)
    devices = block.devices()
    for settlement, _, units in block.gateways():
        engine.expect([devices[unit] for unit in units], plan.span.step_ms, settlement.name)
    slots = engine.fleet.slots(devices)
    episodes = Episodes()
    sketcher = Sketcher(devices, season.events, plan.span) if plan.sketched else None
    readings = told = 0
    for poll in season.polls({*engine.points, *(SHOWN if plan.sketched else ())}):
        batch = _batch(poll, slots, engine)
        episodes.add(engine.step(batch, poll.at))
        readings += len(batch)
        if sketcher is not None:
            sketcher.observe(poll)
        if readings - told >= _TELL_EVERY:
            progress(readings - told)
            told = readings
    episodes.add(silence(plan.rules, block, season.events, plan.span))
    progress(readings - told)
    alerts, places = episodes.alerts(), block.places()
    truths = demanded(season.truths(), places, plan.span.end)
    found = score(truths, alerts, places)
    quiet = quiet_weeks(truths, found.false_alerts, places, plan.span.start, plan.span.days)
    return Judged(
        readings, alerts, truths, found, quiet, sketcher.sketch if sketcher is not None else None
    )


def _batch(poll: Poll, slots: np.ndarray, engine: Engine) -> Batch:
    """The readings that were heard, as the columns the rules look at."""
    points = {name: column for name, column in poll.points.items() if name in engine.points}
    shown = _pairs(poll.faults, engine.codes.number)
    bad = _pairs(poll.bad, POINT_NUMBERS.__getitem__)
    whole = columns(slots, np.full(len(slots), poll.at), poll.state, points, *shown, bad=bad)
    return whole if poll.heard is None else whole.take(poll.heard)


def _pairs(by_unit: Mapping[int, Sequence[str]], number: Callable[[str], int]) -> tuple[Ints, Ints]:
    """One pair of unit and number for each text."""
    pairs = [(unit, number(text)) for unit, texts in by_unit.items() for text in texts]
    return np.array([unit for unit, _ in pairs], np.int64), np.array(
        [found for _, found in pairs], np.int64
    )
