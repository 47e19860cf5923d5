"""One block of villages through the rules: its stored readings as columns, a window of time at a
time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hearthwatch.base.parallel import Progress
from hearthwatch.trials.replay.plan import Block, Plan, village_of
from hearthwatch.trials.replay.silence import Silence
from ingest.store import open_store
from ingest.store.columns import ReadingColumns
from rules.document.rule import Rule
from rules.engine.engine import Engine
from rules.readings.batch import Batch
from rules.readings.filling import from_columns
from rules.transitions.raised import Gatherer, Raised
from wire.units import HOUR_MS

_WINDOW_READINGS: Final = 200_000  # held in memory at once, about 200 MB


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one block: the alerts raised by both sets of rules, and the seconds that reading
    and judging took.

    `against` is empty without a comparison.
    """

    readings: int
    alerts: list[Raised]
    against: list[Raised]
    read_s: float
    judged_s: float


class Rules:
    """One set of rules at work on a block."""

    def __init__(self, rules: Sequence[Rule], plan: Plan, block: Block) -> None:
        self._engine = Engine(rules, plan.season)
        for device, place in block.places.items():
            village = f"{place.district}/{village_of(place)}"
            self._engine.expect([device], block.intervals[place], village)
        self._silence = Silence(rules, block.intervals, plan.begin) if plan.silence else None
        self._found = Gatherer()

    @property
    def points(self) -> frozenset[str]:
        """The points that the rules look at."""
        return frozenset(self._engine.points)

    def judge(self, heard: ReadingColumns, until: int) -> None:
        """Judge the readings up to `until` (UTC ms), later than all before, and the silence until
        then."""
        self._found.add(self._engine.step(self._batch(heard), until))
        if self._silence is not None:
            self._found.add(self._silence.hear(heard))
            self._found.add(self._silence.pass_until(until))

    def _batch(self, heard: ReadingColumns) -> Batch:
        slots = self._engine.fleet.slots(heard.devices)[heard.device]
        codes = np.array([self._engine.codes.number(code) for code in heard.faults.texts], np.int64)
        faults = heard.faults.rows, codes[heard.faults.numbers]
        bad = heard.bad.rows, heard.bad.numbers
        return from_columns(
            slots, heard.at, heard.state, heard.points, faults, bad, heard.bad.texts
        )

    def alerts(self, since: int) -> list[Raised]:
        """Those raised from `since` (UTC ms) on, or still active then."""
        return [
            one for one in self._found.alerts() if one.cleared_at is None or one.cleared_at >= since
        ]


def judge(plan: Plan, block: Block, progress: Progress) -> Judged:
    """Replay `block`; `progress` is told how many ms more, times devices, are done. Raises
    StoreUnavailable."""
    sets = [Rules(rules, plan, block) for rules in (plan.rules, plan.against) if rules is not None]
    points = sorted(frozenset().union(*(rules.points for rules in sets)))
    devices = list(block.places)
    readings, read_s, judged_s = 0, 0.0, 0.0
    store = open_store(plan.store)
    try:
        for begin, end in _windows(plan, block):
            started = time.perf_counter()
            window = store.columns(devices, begin, end, points)
            read = time.perf_counter()
            for rules in sets:
                rules.judge(window, end)
            readings += len(window)
            read_s += read - started
            judged_s += time.perf_counter() - read
            progress((end - begin) * len(devices))
    finally:
        store.close()
    alerts = [rules.alerts(plan.since) for rules in sets]
    return Judged(readings, alerts[0], alerts[1] if len(alerts) > 1 else [], read_s, judged_s)


def _windows(plan: Plan, block: Block) -> list[tuple[int, int]]:
    """Whole hours, as many as the memory has room for."""
    rate = sum(1 / block.intervals[place] for place in block.places.values())
    length = max(1, int(_WINDOW_READINGS / rate) // HOUR_MS) * HOUR_MS
    begins = range(plan.begin, plan.until, length)
    return [(begin, min(begin + length, plan.until)) for begin in begins]
