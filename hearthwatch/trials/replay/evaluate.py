"""One block of villages through the rules: stored readings as columns, window by window."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hearthwatch.base.parallel import Progress
from hearthwatch.trials.block_result import BlockResult
from hearthwatch.trials.replay.blocks import ReplayBlock, village_of
from hearthwatch.trials.replay.plan import ReplayPlan
from hearthwatch.trials.replay.silence import Silence
from ingest.store import ReadingStore, open_store
from ingest.store.columns import ReadingColumns
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.readings.batch import Batch
from rules.readings.filling import from_columns
from rules.transitions.raised import Gatherer, Raised
from wire.units import HOUR_MS

_WINDOW_READINGS: Final = 200_000  # held in memory at once, about 200 MB


@dataclass(frozen=True, slots=True)
class ReplayBlockResult(BlockResult):
    """The alerts of both sets of rules, and the seconds that reading and evaluating took.

    `against` is empty without a comparison.
    """

    against: list[Raised]
    read_s: float
    evaluated_s: float


class BlockRules:
    """One set of rules at work on a block."""

    def __init__(self, rules: Sequence[Rule], plan: ReplayPlan, block: ReplayBlock) -> None:
        self._engine = Engine(rules, plan.season)
        for device, gateway in block.places.items():
            village = f"{gateway.district}/{village_of(gateway)}"
            self._engine.expect([device], block.intervals[gateway], village)
        self._silence = Silence(rules, block.intervals, plan.begin) if plan.silence else None
        self._gatherer = Gatherer()

    @property
    def points(self) -> frozenset[str]:
        """The points that the rules read."""
        return frozenset(self._engine.points)

    def evaluate(self, readings: ReadingColumns, until: int) -> None:
        """Evaluate `readings`, later than all before, and the silence up to `until` (UTC ms)."""
        self._gatherer.add(self._engine.step(self._batch(readings), until))
        if self._silence is not None:
            self._gatherer.add(self._silence.hear(readings))
            self._gatherer.add(self._silence.pass_until(until))

    def _batch(self, readings: ReadingColumns) -> Batch:
        slots = self._engine.fleet.slots(readings.devices)[readings.device]
        texts = readings.faults.texts
        codes = np.array([self._engine.codes.number(code) for code in texts], np.int64)
        faults = readings.faults.rows, codes[readings.faults.numbers]
        bad = readings.bad.rows, readings.bad.numbers
        return from_columns(
            slots,
            readings.at,
            readings.state,
            readings.points,
            faults,
            bad,
            readings.bad.texts,
        )

    def alerts(self, since: int) -> list[Raised]:
        """Return the alerts that were active at `since` (UTC ms) or later."""
        return [
            alert
            for alert in self._gatherer.alerts()
            if alert.cleared_at is None or alert.cleared_at >= since
        ]


def evaluate(plan: ReplayPlan, block: ReplayBlock, progress: Progress) -> ReplayBlockResult:
    """Replay `block`; raise StoreUnavailable.

    `progress` takes how many more ms are done, multiplied by devices.
    """
    store = open_store(plan.store)
    try:
        return _evaluate(plan, block, store, progress)
    finally:
        store.close()


def _evaluate(
    plan: ReplayPlan, block: ReplayBlock, store: ReadingStore, progress: Progress
) -> ReplayBlockResult:
    first = BlockRules(plan.rules, plan, block)
    second = None if plan.against is None else BlockRules(plan.against, plan, block)
    both = [first] if second is None else [first, second]
    points = sorted(frozenset().union(*(rules.points for rules in both)))
    devices = list(block.places)
    readings, read_s, evaluated_s = 0, 0.0, 0.0
    for begin, end in _windows(plan, block):
        started = time.perf_counter()
        window = store.columns(devices, begin, end, points)
        read = time.perf_counter()
        for rules in both:
            rules.evaluate(window, end)
        readings += len(window)
        read_s += read - started
        evaluated_s += time.perf_counter() - read
        progress((end - begin) * len(devices))
    return ReplayBlockResult(
        readings=readings,
        alerts=first.alerts(plan.since),
        against=[] if second is None else second.alerts(plan.since),
        read_s=read_s,
        evaluated_s=evaluated_s,
    )


def _windows(plan: ReplayPlan, block: ReplayBlock) -> list[tuple[int, int]]:
    """Return windows of whole hours, each with as many readings as the memory has room for."""
    rate = sum(1 / block.intervals[gateway] for gateway in block.places.values())
    length = max(1, int(_WINDOW_READINGS / rate) // HOUR_MS) * HOUR_MS
    begins = range(plan.begin, plan.until, length)
    return [(begin, min(begin + length, plan.until)) for begin in begins]
